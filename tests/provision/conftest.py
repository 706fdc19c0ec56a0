"""An organisation of the sandbox's Port, with the product's client on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from integration import portjson
from integration.budget import Budget
from integration.provision import provision
from integration.services.http import Patience
from integration.services.port import PortService
from integration.settings import Settings
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port.service import Port
from sandbox.routing import Routes
from sandbox.world import Hostility, Json, World
from tests.sandbox.serve import serve

WEBHOOK = portjson.Webhook("https://comms.example.com")
CLAIMED = portjson.IntegrationAction("incident-comms")
SERVICE = {"identifier": "service", "title": "Service", "schema": {"properties": {}}}
BLUEPRINTS = {path.stem for path in (portjson.ROOT / "blueprints").glob("*.json") if "." not in path.stem}
AUDIENCES = {"engineering", "support", "sales", "executives"}


def settled(line: str) -> bool:
    """Whether nothing was left to do: as it should be, or not for this organisation."""
    return line.endswith("unchanged") or ": left out" in line


class Organisation:
    """The sandbox's Port with the product's client on it."""

    def __init__(self, port: Port, url: str) -> None:
        self.port, self.url = port, url
        self.client = PortService(
            url, PORT_CLIENT_ID, PORT_CLIENT_SECRET, Budget(), patience=Patience(tries=1, backoff=0.0)
        )

    async def provision(self, settings: Settings | None = None, door: portjson.Door = WEBHOOK) -> list[str]:
        return await provision(self.client, settings or Settings(), door)

    async def blueprint(self, identifier: str) -> Json:
        found = await self.client.blueprint(identifier)
        assert found is not None
        return found

    async def action(self, identifier: str) -> Json:
        found = await self.client.action(identifier)
        assert found is not None
        return found

    async def entities(self, blueprint: str) -> dict[str, Json]:
        return {one["identifier"]: one for one in await self.client.search(blueprint, [])}

    def effects(self) -> list[str]:
        """What was changed in Port so far, in words."""
        return [entry.effect for entry in self.port.world.journal if entry.effect]


@pytest_asyncio.fixture
async def organisation() -> AsyncIterator[Organisation]:
    world = World()
    world.hostility = Hostility.none()
    port = Port(world)
    async with serve(Routes(port.routes())) as url:
        found = Organisation(port, url + "/port")
        await found.client.create_blueprint(SERVICE)
        yield found
        await found.client.aclose()
