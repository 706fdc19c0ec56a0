"""A Statuspage emulator in process; whatever a test exchanges with it is held to the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio
from starlette.routing import Router

from sandbox.deliver import Deliverer
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.statuspage.service import Statuspage
from sandbox.statuspage.state import API_KEY
from sandbox.world import World
from tests.sandbox.statuspage.contract import Checker

PAGE = f"/pages/{DEFAULT_PAGE}"
CHECKOUT, SEARCH, API, LOGIN = "sbxcheckout1", "sbxsearch001", "sbxapi000001", "sbxlogin0001"


@dataclass
class Bench:
    """The emulator with its default page, and a client with a key."""

    world: World
    statuspage: Statuspage
    deliverer: Deliverer
    http: httpx.AsyncClient

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(method, f"/statuspage/v1{path}", **more)

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def create(self, **incident: Any) -> dict[str, Any]:
        given = {"name": "Checkout is slow", **incident}
        answer = await self.call("POST", f"{PAGE}/incidents", json={"incident": given})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def update(self, incident: dict[str, Any], **change: Any) -> dict[str, Any]:
        path = f"{PAGE}/incidents/{incident['id']}"
        answer = await self.call("PATCH", path, json={"incident": change})
        assert answer.status_code == 200, answer.text
        changed: dict[str, Any] = answer.json()
        return changed

    async def refused(self, method: str, path: str, status: int, **more: Any) -> Any:
        answer = await self.call(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()["error"]

    def effects(self) -> list[str]:
        return [e.effect for e in self.world.journal if e.effect]


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    world = World()
    deliverer = Deliverer(world)
    statuspage = Statuspage(world, deliverer)
    statuspage.seed_default()
    statuspage.limits.per_window = 0
    checker = Checker()
    hooks = {"response": [checker.exchange]}
    transport = httpx.ASGITransport(app=Router(statuspage.routes()))
    headers = {"authorization": f"OAuth {API_KEY}"}
    async with httpx.AsyncClient(
        base_url="http://statuspage.test", transport=transport, event_hooks=hooks, headers=headers
    ) as http:
        yield Bench(world, statuspage, deliverer, http)
        await world.reset()
        await deliverer.close()
    assert checker.violations == []
