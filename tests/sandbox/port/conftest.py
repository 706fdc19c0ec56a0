"""A Port organisation without its engine, spoken to in process as any client would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest_asyncio

from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port.service import Port
from sandbox.routing import Routes
from sandbox.world import World
from tests.sandbox.port.contract import Checker

Json = dict[str, Any]

SERVICE: Json = {
    "identifier": "service",
    "title": "Service",
    "schema": {"properties": {"tier": {"type": "number"}, "tags": {"type": "array"}}, "required": []},
    "relations": {"uses": {"target": "service", "many": True, "required": False}},
}
INCIDENT: Json = {
    "identifier": "incident",
    "title": "Incident",
    "schema": {
        "properties": {
            "severity": {"type": "string", "enum": ["sev1", "sev2", "sev3"]},
            "status": {"type": "string", "default": "open"},
            "link": {"type": "string", "format": "url"},
            "startedAt": {"type": "string", "format": "date-time"},
            "impact": {"type": "number"},
            "private": {"type": "boolean"},
            "people": {"type": "array", "items": {"type": "string", "format": "user"}},
            "raw": {"type": "object"},
        },
        "required": ["severity"],
    },
    "relations": {
        "service": {"target": "service", "required": False, "many": False},
        "others": {"target": "service", "required": False, "many": True},
    },
    "mirrorProperties": {"tier": {"path": "service.tier"}, "otherTitles": {"path": "others.$title"}},
    "calculationProperties": {
        "loud": {"type": "string", "calculation": '.title + " (" + .properties.severity + ")"'},
        "broken": {"type": "string", "calculation": ".properties.impact.nothing"},
    },
}
NOTE: Json = {
    "identifier": "note",
    "title": "Note",
    "schema": {"properties": {"kind": {"type": "string"}}, "required": []},
    "relations": {"incident": {"target": "incident", "required": True, "many": False}},
}


@dataclass
class Bench:
    """`call` sends a request with a token and answers with httpx's response. Searches do not lag here."""

    world: World
    port: Port
    http: httpx.AsyncClient
    checker: Checker = field(default_factory=Checker)

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        if body is not None:
            more["json"] = body
        return await self.http.request(method, f"/port/v1{path}", **more)

    async def entity(self, blueprint: str, identifier: str, **more: Any) -> Json:
        body = {"identifier": identifier, **more}
        answer = await self.call("POST", f"/blueprints/{blueprint}/entities?upsert=true&merge=true", body)
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()["entity"]
        return found

    async def search(self, *rules: Json, combinator: str = "and") -> list[str]:
        body = {"combinator": combinator, "rules": list(rules)}
        answer = await self.call("POST", "/entities/search", body)
        assert answer.status_code == 200, answer.text
        return [one["identifier"] for one in answer.json()["entities"]]


async def connect(port: Port, world: World, checker: Checker) -> httpx.AsyncClient:
    token = port.credentials.issue(PORT_CLIENT_ID, PORT_CLIENT_SECRET)["accessToken"]
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(Routes(port.routes())),
        base_url="http://sandbox",
        headers={"authorization": f"Bearer {token}", "user-agent": "tests/1.0"},
        event_hooks={"response": [checker.exchange]},
    )


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    world = World()
    world.hostility.search_lag_seconds = 0.0
    port, checker = Port(world), Checker()
    async with await connect(port, world, checker) as http:
        bench = Bench(world, port, http, checker)
        for blueprint in (SERVICE, INCIDENT, NOTE):
            answer = await bench.call("POST", "/blueprints", blueprint)
            assert answer.status_code == 201, answer.text
        yield bench
    await world.reset()
    assert checker.violations == []
