"""A Port organisation with its engine, spoken to in process; its webhooks reach a backend over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port.engine import Engine
from sandbox.port.service import ADMIN, Port
from sandbox.routing import Routes
from sandbox.world import Hostility, World
from tests.sandbox.engine.contract import CONTRACT, Checker
from tests.sandbox.engine.receiver import Backend, Receiver, receiving
from tests.sandbox.serve import until

Json = dict[str, Any]
DANA = "dana@example.com"
LEAD = "lead@example.com"

INCIDENT: Json = {
    "identifier": "incident",
    "title": "Incident",
    "icon": "Alert",
    "schema": {
        "properties": {
            "severity": {"type": "string", "enum": ["sev1", "sev2", "sev3"]},
            "status": {"type": "string", "enum": ["open", "closed"], "default": "open"},
            "nextUpdateDue": {"type": "string", "format": "timer"},
            "updates": {"type": "number"},
        },
        "required": [],
    },
    "relations": {},
}
SERVICE: Json = {
    "identifier": "service",
    "title": "Service",
    "schema": {"properties": {"tier": {"type": "number"}}, "required": []},
    "relations": {},
}


@dataclass
class Bench:
    """Everything a test touches. `call` sends a request with a token and answers with httpx's response."""

    world: World
    port: Port
    engine: Engine
    backend: Backend
    http: httpx.AsyncClient
    checker: Checker

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(method, f"/port/v1{path}", **more)

    def action(self, identifier: str, trigger: Json, method: Json | None = None, **more: Any) -> None:
        """Store an action as the API would, its webhook pointing at the backend unless told otherwise."""
        webhook = {"type": "WEBHOOK", "url": self.backend.url, "body": {"run": "{{ .run.id }}"}}
        self.port.store.actions[identifier] = {
            "identifier": identifier,
            "title": identifier.replace("_", " "),
            "icon": None,
            "trigger": trigger,
            "invocationMethod": method or webhook,
            "publish": True,
            **more,
        }

    def webhook(self, body: Json | None = None, **more: Any) -> Json:
        return {"type": "WEBHOOK", "url": self.backend.url, "body": body or {}, **more}

    def entity(self, blueprint: str, identifier: str, user: str = ADMIN, **properties: Any) -> Json:
        """Create or change an entity as a person in the UI does."""
        body = {"identifier": identifier, "title": identifier.upper(), "properties": properties}
        return self.port.entities.write(blueprint, body, self.port.person(user), "merge").entity

    def delete(self, blueprint: str, identifier: str) -> None:
        self.port.entities.delete(blueprint, [identifier], self.port.person(ADMIN))

    async def status(self, run_id: str, wanted: str) -> Json:
        """Wait until a run has this status; the run."""
        await until(lambda: self.engine.runs.get(run_id).status == wanted, what=f"{run_id} {wanted}")
        return self.engine.runs.get(run_id).public()

    def of(self, action: str) -> list[Json]:
        """Runs of an action, oldest first."""
        return [run.public() for run in self.engine.runs if run.identifier == action]

    def logs(self, run_id: str) -> str:
        return "\n".join(entry["message"] for entry in self.engine.runs.get(run_id).logs)


def self_service(operation: str = "DAY-2", properties: Json | None = None, **more: Any) -> Json:
    return {
        "type": "self-service",
        "operation": operation,
        "blueprintIdentifier": "incident",
        "userInputs": {"properties": properties or {}, "required": more.pop("required", []), "order": []},
        **more,
    }


def automation(event: str, *expressions: str, combinator: str = "and", **where: str) -> Json:
    about = where or {"blueprintIdentifier": "incident"}
    trigger: Json = {"type": "automation", "event": {"type": event, **about}}
    if expressions:
        trigger["condition"] = {"type": "JQ", "expressions": list(expressions), "combinator": combinator}
    return trigger


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest_asyncio.fixture
async def bench(receiver: Receiver) -> AsyncIterator[Bench]:
    world = World()
    world.hostility = Hostility(event_delay_seconds=0.0, event_duplicate_share=0.0)
    port = Port(world)
    engine = Engine(port)
    port.people.add(DANA)
    port.people.add(LEAD, role="Admin")
    for blueprint in (INCIDENT, SERVICE):
        port.blueprints.add(blueprint, port.person(ADMIN))
    checker = Checker()
    token = port.credentials.issue(PORT_CLIENT_ID, PORT_CLIENT_SECRET)["accessToken"]
    async with httpx.AsyncClient(
        base_url="http://port.test",
        transport=httpx.ASGITransport(Routes([*engine.routes(), *port.routes()])),
        headers={"authorization": f"Bearer {token}"},
        event_hooks={"response": [checker.exchange]},
    ) as http:
        yield Bench(world, port, engine, receiver.backend(), http, checker)
    await world.reset()
    await engine.close()
    assert checker.violations == []
    assert CONTRACT.is_file() or checker.checked == 0
