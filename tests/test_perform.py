"""What was tried and can't be looked for just now: it is nobody's any more, and the next one finds out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from integration import plan
from integration.engine import Engine
from integration.errors import IncidentCommsError
from integration.models.communication import Step
from integration.models.incident import WarRoom
from tests.action_bench import Bench, bench, run

SOON = 5.0  # seconds; nobody waits for who has let go


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


@pytest.fixture(autouse=True)
def no_fault_left(stage: Bench) -> Iterator[None]:
    yield
    stage.sandbox.world.faults.clear()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def step_of(stage: Bench, engine: Engine, incident: str) -> Step:
    await stage.incident(incident)
    await run(engine, "open_war_room", incident)
    room = await engine.catalog.room(incident)
    assert room is not None
    return plan.message(room, "note", "something worth knowing", about="once")


def unreadable(stage: Bench) -> None:
    """The answer to the post is lost, and for now no history can be read."""
    faults = stage.sandbox.world.faults
    faults.add({"service": "slack", "operation": "chat.postMessage", "status": 503, "after_effect": True})
    faults.add(
        {"service": "slack", "operation": "conversations.history", "error": "missing_scope", "times": 1000}
    )


async def test_who_could_not_look_has_let_go(stage: Bench) -> None:
    engine = stage.engine(effect_timeout_seconds=0.3)
    step = await step_of(stage, engine, "INC-1")
    said = stage.effects("chat.postMessage")
    unreadable(stage)
    (claim,) = await engine.performer.intend([step])
    with pytest.raises(IncidentCommsError):
        await engine.performer.perform(claim)
    stage.sandbox.world.faults.clear()

    async with asyncio.timeout(SOON):
        (second,) = await engine.performer.intend([step])
        receipt = await engine.performer.perform(second)
    await engine.performer.flush()

    assert stage.effects("chat.postMessage") == said + 1
    held = await stage.properties("incidentCommunication", step.key)
    assert (held["state"], held["receipt"]["ts"]) == ("sent", receipt.data["ts"])


async def test_what_may_stand_is_not_withdrawn_unseen(stage: Bench) -> None:
    engine = stage.engine(effect_timeout_seconds=0.3)
    step = await step_of(stage, engine, "INC-2")
    unreadable(stage)
    (claim,) = await engine.performer.intend([step])
    with pytest.raises(IncidentCommsError):
        await engine.performer.perform(claim)
    stage.sandbox.world.faults.clear()

    async with asyncio.timeout(SOON):
        await engine.performer.abandon([claim], "nobody wants it any more")
    await engine.performer.flush()

    held = await stage.properties("incidentCommunication", step.key)
    assert held["state"] == "sent"


async def test_an_opening_taken_up_leaves_what_the_room_knows(
    stage: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zoom fails while the room is opened, and comes back: at no time is anything of the room forgotten."""
    engine = stage.engine(effect_timeout_seconds=0.3)
    faults = stage.sandbox.world.faults
    faults.add({"service": "zoom", "operation": "meetings.create", "status": 503, "after_effect": True})
    faults.add({"service": "zoom", "operation": "meetings.list", "status": 400, "times": 1000})
    await stage.incident("INC-4")
    await run(engine, "open_war_room", "INC-4")
    first = await stage.room("INC-4")
    assert first is not None
    assert first.briefing_ts
    written: list[WarRoom] = []
    write_room = engine.catalog.write_room

    async def watched(room: WarRoom, title: str, previous: str = "") -> None:
        written.append(room)
        await write_room(room, title, previous)

    monkeypatch.setattr(engine.catalog, "write_room", watched)
    faults.clear()
    async with asyncio.timeout(2 * SOON):
        await run(engine, "open_war_room", "INC-4")
    room = await stage.room("INC-4")

    assert room is not None
    assert room.bridge_url
    assert {(one.briefing_ts, one.invited) for one in written} == {(first.briefing_ts, first.invited)}
