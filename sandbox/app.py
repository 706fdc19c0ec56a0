"""The whole sandbox put together: emulators, control API and console behind one ASGI application."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sandbox import credentials
from sandbox.console.pages import Console
from sandbox.control import Control
from sandbox.copies import copied
from sandbox.mail.service import Mailbox
from sandbox.port.engine import Engine
from sandbox.port.service import Port
from sandbox.routing import Routes
from sandbox.slack.service import Slack
from sandbox.statuspage.seeding import DEFAULT as STATUSPAGE
from sandbox.statuspage.service import Statuspage
from sandbox.world import Hostility, Json, World
from sandbox.zoom.service import Zoom

PEOPLE = ("oncall@example.com", "commander@example.com", "dana@example.com", "support@example.com")
"""Known to Slack and to Port from the start."""

HOSTS = ("bridge-1@example.com", "bridge-2@example.com")
"""Licensed hosts of the Zoom account."""

SERVICE = {
    "identifier": "service",
    "title": "Service",
    "icon": "Service",
    "schema": {
        "properties": {
            "owners": {
                "type": "array",
                "items": {"type": "string", "format": "user"},
                "title": "Owners",
            },
            "url": {"type": "string", "format": "url", "title": "URL"},
        },
        "required": [],
    },
    "mirrorProperties": {},
    "calculationProperties": {},
    "aggregationProperties": {},
    "relations": {},
}
SERVICES = (
    {
        "identifier": "checkout",
        "title": "Checkout",
        "properties": {"owners": ["oncall@example.com", "dana@example.com"]},
    },
    {"identifier": "payments", "title": "Payments", "properties": {"owners": ["dana@example.com"]}},
)

ACCOUNTS = {"id": "sbxaccount01", "name": "Customer accounts"}
"""A component more than on Statuspage's own default page."""


class Sandbox:
    """Everything in one process. `app` is what uvicorn serves; `kind` switches hostility off."""

    def __init__(self, world: World, *, kind: bool = False) -> None:
        self.world, self.kind = world, kind
        self.slack = Slack(world)
        self.zoom = Zoom(world, self.slack.deliverer)
        self.statuspage = Statuspage(world, self.slack.deliverer)
        self.mail = Mailbox(world)
        self.port = Port(world)
        self.engine = Engine(self.port)
        self.console = Console(
            world, self.slack.store, self.zoom, self.port, self.engine, self.statuspage, self.mail
        )
        self.control = Control(
            world, self.slack, self.zoom, self.port, self.engine, self.statuspage, self.mail
        )
        self.app = Routes(
            [
                *self.slack.routes(),
                # Before the API's catch-all: the page that a join link opens lives under /zoom too.
                *self.console.routes(),
                *self.zoom.routes(),
                *self.statuspage.routes(),
                *self.engine.routes(),
                *self.port.routes(),
                *self.control.routes(),
            ]
        )
        world.on_reset(self.seed)
        self.seed()

    def seed(self) -> None:
        """What a new or reset sandbox holds: people, hosts, two services, a status page. No incident."""
        if self.kind:
            self.world.hostility = Hostility.none()
        people = [{"email": email, "name": _name(email)} for email in PEOPLE]
        self.slack.seed({"users": people})
        self.zoom.seed({"users": [{"email": host, "licensed": True} for host in HOSTS]})
        self.port.seed({"users": people, "blueprints": [SERVICE], "entities": {"service": list(SERVICES)}})
        page = copied(STATUSPAGE["pages"][0])
        page["groups"][0]["components"].append(ACCOUNTS)
        self.statuspage.seed({"pages": [page]})

    def at(self, base: str) -> None:
        """Tell the sandbox where it is served, e.g. "http://127.0.0.1:8900": links to itself work then."""
        self.slack.responses.base = base
        self.zoom.store.web = f"{base}/zoom"
        self.statuspage.store.web = f"{base}/stspg"

    async def close(self) -> None:
        """Stop what goes on beside requests, forget everything and close connections."""
        await self.mail.stop()
        await self.world.reset()
        await self.slack.close()


def _name(email: str) -> str:
    return email.partition("@")[0].replace("-", " ").title()


def build(world: World, *, kind: bool = False) -> Sandbox:
    """A sandbox with its start situation."""
    return Sandbox(world, kind=kind)


def environment(base: str, smtp_host: str, smtp_port: int) -> dict[str, str]:
    """What points a client at the sandbox served at `base`: plain names, and Ocean's for the integration."""
    plain: Json = {
        "SLACK_API_URL": f"{base}/slack/api/",
        "SLACK_BOT_TOKEN": credentials.SLACK_BOT_TOKEN,
        "SLACK_SIGNING_SECRET": credentials.SLACK_SIGNING_SECRET,
        "ZOOM_API_URL": f"{base}/zoom/v2",
        "ZOOM_OAUTH_URL": f"{base}/zoom/oauth/token",
        "ZOOM_ACCOUNT_ID": credentials.ZOOM_ACCOUNT_ID,
        "ZOOM_CLIENT_ID": credentials.ZOOM_CLIENT_ID,
        "ZOOM_CLIENT_SECRET": credentials.ZOOM_CLIENT_SECRET,
        "ZOOM_WEBHOOK_SECRET": credentials.ZOOM_WEBHOOK_SECRET,
        "ZOOM_HOSTS": json.dumps(HOSTS),
        "STATUSPAGE_API_URL": f"{base}/statuspage/v1",
        "STATUSPAGE_API_KEY": credentials.STATUSPAGE_API_KEY,
        "STATUSPAGE_WEBHOOK_SECRET": credentials.STATUSPAGE_WEBHOOK_SECRET,
        "SMTP_HOST": smtp_host,
        "SMTP_PORT": str(smtp_port),
        "SMTP_TLS": "none",
        "MAIL_FROM": credentials.MAIL_FROM,
    }
    port = {
        "BASE_URL": f"{base}/port",
        "CLIENT_ID": credentials.PORT_CLIENT_ID,
        "CLIENT_SECRET": credentials.PORT_CLIENT_SECRET,
    }
    return {
        "SANDBOX_URL": base,
        **{f"OCEAN__PORT__{name}": value for name, value in port.items()},
        **{f"OCEAN__INTEGRATION__CONFIG__{name}": value for name, value in plain.items()},
        **{f"PORT_{name}": value for name, value in port.items()},
        **plain,
    }


def write_lines(path: Path, lines: list[str]) -> None:
    """Write a small text file in one step: whoever waits for it never reads half of it."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text("\n".join(lines) + "\n")
    os.replace(partial, path)
