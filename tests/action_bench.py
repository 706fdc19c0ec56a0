"""The engine on a whole sandbox, in one process over HTTP: for what a story would take minutes to play."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from integration import portjson
from integration.engine import Engine, build
from integration.models.incident import WarRoom
from integration.models.run import Command, Outcome
from integration.provision import provision
from integration.settings import PREFIX, Settings
from sandbox.app import Sandbox, environment
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.world import Json, World
from tests.sandbox.serve import serve

PERSON = "commander@example.com"
AUTOMATION = "automation open_war_room_on_severity"
NOBODY = portjson.Webhook("http://127.0.0.1:9")
"""Where nothing listens: what Port's automations ask for reaches nobody."""


@dataclass
class Bench:
    sandbox: Sandbox
    url: str
    config: dict[str, str]
    engines: list[Engine] = field(default_factory=list)

    def engine(self, *, main: bool = True, **settings: Any) -> Engine:
        """The engine of a process that has just started. With a `redis_url`, `join` it."""
        quick = {"settle_seconds": 0.05, "effect_timeout_seconds": 2, "bridge_grace_seconds": 1.5}
        found = build(
            Settings.from_config({**self.config, **quick, **settings}, client_id=PORT_CLIENT_ID),
            port_url=f"{self.url}/port",
            client_id=PORT_CLIENT_ID,
            client_secret=PORT_CLIENT_SECRET,
            main=main,
        )
        self.engines.append(found)
        return found

    async def incident(self, identifier: str, **more: Any) -> None:
        """A severe incident of five minutes ago; `more` are properties."""
        started = datetime.now(UTC) - timedelta(minutes=5)
        properties = {"status": "investigating", "severity": "sev1", "startedAt": started.isoformat(), **more}
        await self.write(
            "incident", {"identifier": identifier, "title": identifier, "properties": properties}
        )

    async def write(self, blueprint: str, *entities: Json) -> None:
        engine = self.engines[0] if self.engines else self.engine()
        for outcome in await engine.port.merge_entities(blueprint, entities):
            assert outcome.written, outcome.error

    async def audience(self, identifier: str, **properties: Any) -> None:
        await self.write(
            "commsAudience", {"identifier": identifier, "title": identifier, "properties": properties}
        )

    async def properties(self, blueprint: str, identifier: str) -> Json:
        found = await self.engines[0].port.get_entity(blueprint, identifier)
        assert found is not None, f"there is no {blueprint} {identifier}"
        return dict(found["properties"])

    async def room(self, incident: str) -> WarRoom | None:
        return await self.engines[0].catalog.room(incident)

    async def record(self, incident: str) -> list[Json]:
        """The incident's communications as they stand."""
        rules = [{"operator": "relatedTo", "blueprint": "incident", "value": incident}]
        return await self.engines[0].port.search("incidentCommunication", rules)

    def effects(self, operation: str) -> int:
        """How often something was done at a provider."""
        return sum(
            entry.effect is not None
            for entry in self.sandbox.world.journal
            if entry.operation == operation and entry.direction == "in"
        )


async def run(engine: Engine, action: str, incident: str, by: str = PERSON, **inputs: Any) -> Outcome:
    """Have a command carried out; how it ended. There is no run in Port to report to."""
    command = Command(
        action=action, run="", incident=incident, inputs=inputs, requested_by=by, door="webhook"
    )
    task = engine.runner.take(command)
    assert task is not None, f"{action} of {incident} is under way"
    return await task


_installed: Json = {}
"""An organisation of Port in which all of ours was just installed, as the emulator keeps it."""


async def _provisioned(found: Bench) -> None:
    """Install in Port what is ours: once in a process, from then on as it stood after that."""
    store, world, engine = found.sandbox.port.store, found.sandbox.world, found.engine()
    if not _installed:
        await provision(engine.port, engine.settings, NOBODY)
        _installed.update(copy.deepcopy({"store": vars(store), "ids": world.ids}))
        return
    installed = copy.deepcopy(_installed)
    vars(store).update(installed["store"])
    world.ids = installed["ids"]  # it goes on counting where it stood: no identifier is given twice


@contextlib.asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    """A sandbox that is kind, provisioned for an address where nobody listens."""
    sandbox = Sandbox(World(), kind=True)
    sandbox.slack.limits.enabled = False
    smtp = await sandbox.mail.start()
    async with serve(sandbox.app) as url:
        sandbox.at(url)
        env = environment(url, "127.0.0.1", smtp)
        config = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in env.items()
            if name.startswith(PREFIX) and "STATUSPAGE" not in name
        }
        found = Bench(sandbox, url, config)
        await _provisioned(found)
        yield found
        for one in found.engines:
            await one.runner.drain(5)
            await one.mirror.stop()
            await one.aclose()
        await sandbox.close()
