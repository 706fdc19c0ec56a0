"""A Zoom emulator in process; whatever a test exchanges with it is held to the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio
from starlette.routing import Router

from sandbox import credentials
from sandbox.deliver import Deliverer
from sandbox.world import World
from sandbox.zoom.service import Zoom
from tests.sandbox.zoom.contract import Checker

HOST = "bridge-1@example.com"


@dataclass
class Bench:
    """The emulator, and a client with a token."""

    world: World
    zoom: Zoom
    deliverer: Deliverer
    http: httpx.AsyncClient

    async def token(self, **form: str) -> httpx.Response:
        given = {"grant_type": "account_credentials", "account_id": credentials.ZOOM_ACCOUNT_ID, **form}
        basic = httpx.BasicAuth(credentials.ZOOM_CLIENT_ID, credentials.ZOOM_CLIENT_SECRET)
        return await self.http.post("/zoom/oauth/token", data=given, auth=basic)

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(method, f"/zoom/v2{path}", **more)

    async def create(self, host: str = HOST, **body: Any) -> dict[str, Any]:
        answer = await self.call("POST", f"/users/{host}/meetings", json={"topic": "INC-1", **body})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    world = World()
    deliverer = Deliverer(world)
    zoom = Zoom(world, deliverer)
    zoom.seed({"users": [{"email": HOST}, {"email": "dana@example.com", "licensed": False}]})
    checker = Checker()
    hooks = {"response": [checker.exchange]}
    transport = httpx.ASGITransport(app=Router(zoom.routes()))
    async with httpx.AsyncClient(base_url="http://zoom.test", transport=transport, event_hooks=hooks) as http:
        bench = Bench(world, zoom, deliverer, http)
        bearer = (await bench.token()).json()["access_token"]
        http.headers["authorization"] = f"Bearer {bearer}"
        yield bench
        await world.reset()
        await deliverer.close()
    assert checker.violations == []
