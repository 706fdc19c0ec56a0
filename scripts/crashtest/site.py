"""A stage to crash on: people, channels, audiences and a status page in place, and a folder of its own
for the integration, which can be wiped."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sandbox.stage import ROOT, Json, Stage, until
from scripts.crashtest.calls import ours, standing, swept
from scripts.crashtest.control import Control
from scripts.crashtest.forged import Forge, Forged

CONFIG = "OCEAN__INTEGRATION__CONFIG__"
_PAGE_RATE = f"{CONFIG}STATUSPAGE_REQUESTS_PER_MINUTE"
QUICK = {
    # The hostile sandbox shows histories and searches as they were 2 s ago.
    f"{CONFIG}SETTLE_SECONDS": "2.2",
    f"{CONFIG}EFFECT_TIMEOUT_SECONDS": "2",
    f"{CONFIG}SWEEP_INTERVAL_SECONDS": "6",
    # The page's one request a second is kept to elsewhere: here it would be most of the time.
    _PAGE_RATE: "6000",
    "OCEAN__EVENT_LISTENER__RESYNC_ON_START": "false",
    "OCEAN__ACTIONS_PROCESSOR__POLL_CHECK_INTERVAL_SECONDS": "10",
}
"""Settings that shorten waiting, and spare what is not tried here: resyncs, and runs that are claimed."""

DRAIN = {"OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN": "1"}
"""Less than a call takes that hangs."""

_ALWAYS = {
    f"{CONFIG}MAX_ROOMS_PER_HOUR": "100000",
    f"{CONFIG}GUARD_RULES": '{"resolved early": "warn"}',  # resolved in public and nowhere else
    "OCEAN__EVENT_LISTENER__TYPE": "POLLING",
    "OCEAN__EVENT_LISTENER__INTERVAL": "10",
}
_PROGRAM = (
    "actions",
    "blueprints",
    "entities",
    "integration",
    ".port",
    "main.py",
    "config.yaml",
    "pyproject.toml",
)

COMMANDER = "commander@example.com"
APPROVER = "approver@example.com"
CROWD = 60  # responders, services and their owners: an incident gets others than the one before
AUDIENCES: dict[str, list[str]] = {
    "engineering": ["engineer-1@example.com", "engineer-2@example.com"],
    "management": ["manager@example.com"],
    "support": ["agent@example.com"],
}
"""Three audiences: each reads in a channel of its name, `ct-<name>`, and by mail."""

PAGE, COMPONENT = "sbxstatus001", "sbxcheckout1"
QUIET = 0.5
_numbers = itertools.count(1)


class Site(Stage):
    """Where points are played, one after the other."""

    def __init__(self, folder: Path, settings: dict[str, str], program: Path, forge: Forge) -> None:
        super().__init__(folder, settings={**_ALWAYS, **settings, "TMPDIR": str(folder / "home" / "tmp")})
        self._looks = Control(self.base)
        self.home = folder / "home"
        self.program = program  # the folder that the integration's own is a copy of
        log = self.integration.log
        self.integration: Forged = Forged(forge, self.integration.env, log, self.home, self.integration_port)
        self.channels: dict[str, str] = {}  # audience -> id of its channel
        self.played = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, settings: dict[str, str], program: Path = ROOT, forge: Forge | None = None
    ) -> AsyncIterator[Site]:
        """Up, provisioned, cast and connected; down at the end. `forge`: one that several share."""
        own = forge or Forge(program)
        with tempfile.TemporaryDirectory(prefix="incident-comms-crash-") as folder:
            site = cls(Path(folder), settings, program, own)
            try:
                await site.start_sandbox()
                await site.ask("POST", "/seed", _cast(hurried=_PAGE_RATE in settings))
                await site.provision()
                await site.furnish()
                await site.start_integration()
                await site.connect()
                await site.calm()
                yield site
            finally:
                await site.integration.stop(signal.SIGKILL)
                await site.down()
                await site._looks.aclose()
                if forge is None:
                    await own.put_out()

    async def start_sandbox(self) -> None:
        command = self.integration.command
        await super().start_sandbox()
        self.integration.command = command
        self.wipe()
        self.integration.cold = False

    def wipe(self) -> None:
        """The integration's folder as on a new machine: the program, and nothing that it ever wrote. The next
        start is as a user starts it."""
        shutil.rmtree(self.home, ignore_errors=True)
        copy_program(self.program, self.home)
        (self.home / "tmp").mkdir()
        self.integration.cold = True

    def written(self) -> list[str]:
        """Files in the integration's folder that are not the program's."""
        return sorted(
            str(path.relative_to(self.home))
            for path in self.home.rglob("*")
            if path.is_file()
            and "__pycache__" not in path.parts
            and not (self.program / path.relative_to(self.home)).exists()
        )

    async def furnish(self) -> None:
        """Audiences with their channels; our bot is in none of them yet."""
        found = {one["name"]: one["id"] for one in await self.ask("GET", "/slack/channels")}
        for name, addresses in AUDIENCES.items():
            self.channels[name] = found[f"ct-{name}"]
            entity = {
                "identifier": name,
                "title": name.title(),
                "properties": {"slackChannels": [found[f"ct-{name}"]], "emails": addresses, "notices": True},
            }
            await self.create("commsAudience", entity)
        # As a resync would have brought them.
        await self.create("statuspage", {"identifier": PAGE, "title": "Example Shop Status"})
        component = {"identifier": COMPONENT, "title": "Checkout", "relations": {"statuspage": PAGE}}
        await self.create("statuspageComponent", component)

    # Incidents

    def name(self) -> str:
        """The next incident's identifier. It is a word that stands in nothing else."""
        self.played += 1
        return f"CT{next(_numbers)}X{os.getpid() % 1000}"

    async def incident(self, identifier: str, severity: str | None = "sev1") -> None:
        """Create it in Port as a person does; with sev1 its room is opened by the automation."""
        number = self.played % (CROWD // 2)
        properties = {
            "status": "investigating",
            "startedAt": (datetime.now(UTC) - timedelta(minutes=5)).isoformat(),
            **({"severity": severity} if severity else {}),
        }
        people = [responder(2 * number), responder(2 * number + 1), COMMANDER]
        entity = {
            "identifier": identifier,
            "title": "Checkout is slow",
            "properties": properties,
            "relations": {"responders": people, "services": [f"service-{number}"]},
        }
        await self.create("incident", entity, COMMANDER)

    async def retire(self, identifier: str) -> None:
        """Take the incident out of the way of those that follow: nothing of it is looked at any more."""
        for room in await self.of_incident("incidentWarRoom", identifier):
            await self.change("incidentWarRoom", room["identifier"], {"state": "archived"})
        for channel in self.channels.values():
            for member in (await self.ask("GET", f"/slack/channels/{channel}"))["members"]:
                if member["bot"]:
                    await self.ask("POST", "/slack/leave", {"channel": channel, "user": member["id"]})
        for public in await self.ask("GET", "/statuspage/incidents"):
            if public["status"] not in ("resolved", "postmortem", "completed"):
                end = "completed" if public["scheduled_for"] else "resolved"
                over = {"body": "Over.", "status": end, "components": {COMPONENT: "operational"}}
                await self.ask("POST", f"/statuspage/incidents/{public['id']}", over)
        await self.change("incident", identifier, {"publicStatus": "resolved"})
        await self.ask("DELETE", "/journal")

    async def pressed(self, action: str, incident: str, inputs: Json) -> str:
        return await self.press(action, incident, inputs, COMMANDER)

    async def entity(self, blueprint: str, identifier: str) -> Json | None:
        (found,) = await self.looks([f"/port/entities/{blueprint}/{identifier}"])
        return dict(found["entity"]) if found else None

    async def of_incident(self, blueprint: str, incident: str) -> list[Json]:
        found: list[Json] = await self.ask(
            "GET", f"/port/entities/{blueprint}?relation=incident&to={incident}"
        )
        return found

    async def runs_of(self, incident: str) -> list[Json]:
        found: list[Json] = await self.ask("GET", f"/port/runs?entity={incident}")
        return found

    # The sandbox's control

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        return await self._looks.ask(method, path, body)

    async def looks(self, paths: Sequence[str]) -> list[Any]:
        """What the control answers to GET, for each path; None for what is not there."""
        return await self._looks.looks(paths)

    async def journal(self, **query: Any) -> list[Json]:
        found: list[Json] = await self.ask("GET", f"/journal?{urlencode(query)}")
        return found

    # The process

    async def kill(self) -> None:
        await self.integration.stop(signal.SIGKILL)

    async def restart(self) -> None:
        await self.kill()
        await self.start_integration()
        await self.calm()

    # The journal

    async def mark(self) -> int:
        entries = await self.journal(since=max(self._marked, 0))
        if entries:
            self._marked = int(entries[-1]["n"])
        return self._marked

    _marked = 0

    async def quiet(self, since: int, seconds: float = QUIET, patience: float = 20.0) -> bool:
        """Wait until the integration has made no call of an operation for that long; whether it came."""
        deadline = time.monotonic() + patience
        last, seen = time.monotonic(), since
        while time.monotonic() < deadline:
            entries = [one for one in await self.journal(since=seen, full="true") if ours(one)]
            waits = [one for one in entries if one["status"] is None and not one["effect"]]
            if entries:
                # What has no answer yet is looked at again.
                seen = min([one["n"] - 1 for one in waits] or [entries[-1]["n"]])
            if any(not standing(one) for one in entries):
                last = time.monotonic()
            elif time.monotonic() - last >= seconds:
                return True
            await asyncio.sleep(0.2)
        return False

    async def calm(self) -> None:
        """Wait for the first round of the sweeper since the start of the process, and for quiet after it."""

        async def look() -> bool:
            return any(swept(one) and one["status"] for one in await self.journal(since=self._started))

        await until("the sweeper's first round", look, 30, every=0.3)
        await self.quiet(await self.mark())

    _started = 0

    async def start_integration(self) -> None:
        self._started = await self.mark()
        await super().start_integration()


def copy_program(source: Path, target: Path) -> None:
    """What the integration runs from, and nothing else."""
    target.mkdir(parents=True, exist_ok=True)
    for name in _PROGRAM:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        else:
            shutil.copy2(source / name, target / name)


def responder(number: int) -> str:
    return f"responder-{number % CROWD}@example.com"


def _cast(hurried: bool) -> Json:
    """Everybody. `hurried`: the status page takes any number of requests."""
    numbers = range(CROWD)
    people = [responder(number) for number in numbers] + [f"owner-{number}@example.com" for number in numbers]
    people += [COMMANDER, APPROVER]
    services = [
        {
            "identifier": f"service-{number}",
            "title": f"Service {number}",
            "properties": {"owners": [f"owner-{number}@example.com"]},
        }
        for number in numbers
    ]

    users = [
        {"email": email, "name": email.split("@")[0], "role": "Admin" if email == APPROVER else "Member"}
        for email in people
    ]
    slack = [{"email": one["email"], "name": one["name"]} for one in users]
    return {
        "slack": {"users": slack, "channels": [{"name": f"ct-{name}"} for name in AUDIENCES]},
        "port": {"users": users, "entities": {"service": services}},
        "statuspage": {"rate": {"per_minute": 0}} if hurried else {},
    }
