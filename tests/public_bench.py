"""Public words on a whole sandbox, in one process over HTTP: drafts, approvals, and what becomes of them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from integration.engine import Engine
from integration.models.run import Command, Outcome
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.statuspage.state import API_KEY
from sandbox.world import Json
from tests.action_bench import Bench, bench

PAGE = DEFAULT_PAGE
CHECKOUT, SEARCH, API, LOGIN = "sbxcheckout1", "sbxsearch001", "sbxapi000001", "sbxlogin0001"
AUTHOR, APPROVER = "commander@example.com", "deputy@example.com"
_runs = itertools.count(1)


@dataclass
class Public:
    """One engine with a status page that takes any number of requests."""

    stage: Bench
    engine: Engine
    one: str = "INC-1"
    two: str = "INC-2"

    async def afresh(self) -> Public:
        """As if nothing had happened on the page, for incidents of which nobody has heard."""
        await self.quiet()
        statuspage = self.stage.sandbox.statuspage
        statuspage.clear()
        statuspage.seed_default()
        statuspage.limits.per_window = 0
        self.stage.sandbox.world.clock.shift.pop("statuspage", None)
        number = next(_runs)
        return Public(self.stage, self.engine, f"INC-{number}-1", f"INC-{number}-2")

    async def act(self, action: str, incident: str, by: str = AUTHOR, **inputs: Any) -> Outcome:
        command = Command(
            action=action,
            run=f"run-{next(_runs)}",
            incident=incident,
            inputs=inputs,
            requested_by=by,
            door="webhook",
        )
        task = self.engine.runner.take(command)
        assert task is not None
        return await task

    async def draft(self, incident: str, operation: str = "publish", by: str = AUTHOR, **inputs: Any) -> Json:
        """A draft as Port keeps it: its properties and its `identifier`."""
        before = {one["identifier"] for one in await self.stage.record(incident)}
        given = {"notifySubscribers": False, **inputs}
        ended = await self.act("draft_public_update", incident, by, operation=operation, **given)
        assert ended.ok, ended.summary
        (made,) = [one for one in await self.stage.record(incident) if one["identifier"] not in before]
        return {**made["properties"], "identifier": made["identifier"]}

    async def approve(self, draft: Json, by: str = APPROVER) -> Outcome:
        read = {"communication": draft["identifier"], "contentHash": draft["contentHash"]}
        return await self.act("approve_public_update", self.one, by, **read)

    async def say(self, incident: str, operation: str, **inputs: Any) -> Outcome:
        """Draft and approve in one go."""
        ended = await self.approve(await self.draft(incident, operation, **inputs))
        assert ended.ok, ended.summary
        return ended

    def shown(self, incident: str) -> list[Json]:
        """The public incidents that are ours, oldest first, as the API shows them."""
        return [
            one
            for one in self.stage.sandbox.statuspage.state()["incidents"]
            if one["metadata"].get("incident_comms", {}).get("incident") == incident
        ]

    def states(self) -> dict[str, str]:
        return {one["id"]: one["status"] for one in self.stage.sandbox.statuspage.state()["components"]}

    def asked(self, *operations: str) -> list[str]:
        """What Statuspage was asked, in order."""
        return [
            entry.operation
            for entry in self.stage.sandbox.world.journal
            if entry.service == "statuspage"
            and entry.direction == "in"
            and (not operations or entry.operation in operations)
        ]

    async def service(self, identifier: str, *components: str) -> None:
        """A service that customers see by these components."""
        entity = {"identifier": identifier, "relations": {"statuspageComponents": list(components)}}
        await self.stage.write("service", entity)

    def refuse(self, operation: str, status: int) -> None:
        """Statuspage answers the next such request with this HTTP status and does nothing."""
        fault = {"service": "statuspage", "operation": operation, "status": status, "times": 1}
        self.stage.sandbox.world.faults.add(fault)

    async def quiet(self) -> None:
        """Whatever follows a post has been taken in."""
        pages = self.engine.pages
        assert pages is not None
        async with asyncio.timeout(5):
            while pages.busy:
                await asyncio.sleep(0.01)


class StraightUpserts:
    """Stands in for Ocean, which runs in no such process: what it would write is written bare."""

    def __init__(self, stage: Bench) -> None:
        self._stage = stage

    async def __call__(self, kind: str, raws: list[Json]) -> list[str]:
        blueprint = {"incident": "statuspageIncident", "component": "statuspageComponent"}.get(kind)
        if blueprint is not None:
            entities = [
                {"identifier": raw["id"], "title": raw["name"], "properties": {"status": raw["status"]}}
                for raw in raws
            ]
            await self._stage.write(blueprint, *entities)
        return [raw["id"] for raw in raws]

    async def stop(self) -> None:
        return


@contextlib.asynccontextmanager
async def public_bench(**settings: Any) -> AsyncIterator[Public]:
    async with bench() as stage:
        stage.sandbox.statuspage.limits.per_window = 0
        engine = stage.engine(
            statuspage_api_url=f"{stage.url}/statuspage/v1",
            statuspage_api_key=API_KEY,
            statuspage_requests_per_minute=6000,
            **settings,
        )
        if engine.pages is not None:
            engine.pages._upsert = StraightUpserts(stage)
            engine.pages._entities._agent = str  # there is no Ocean whose name it could be
        await stage.write("statuspage", {"identifier": PAGE, "title": "Example Shop Status"})
        components = [
            {
                "identifier": one,
                "title": name,
                "properties": {"status": "operational"},
                "relations": {"statuspage": PAGE},
            }
            for one, name in (
                (CHECKOUT, "Checkout"),
                (SEARCH, "Search"),
                (API, "API"),
                (LOGIN, "Login"),
            )
        ]
        await stage.write("statuspageComponent", *components)
        blueprint = await engine.port.blueprint("service")
        if blueprint is not None and "statuspageComponents" not in blueprint["relations"]:
            relation = {"title": "Seen as", "target": "statuspageComponent", "many": True, "required": False}
            changed = {**blueprint["relations"], "statuspageComponents": relation}
            await engine.port.patch_blueprint("service", {"relations": changed})
        yield (found := Public(stage, engine))
        await found.quiet()
