"""Two processes with one Redis: whichever a request reaches, whichever dies, and whatever becomes of
Redis, everything happens once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests import redis_server
from tests.redis_server import RedisServer
from tests.stories.outward import record
from tests.stories.outward_public import bodies, public, waiting
from tests.stories.pair import Pair, paired
from tests.stories.play import CLOSING, COMMANDER, RESPONDER, Incident, Room, becomes, mark, trouble

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(not redis_server.installed(), reason=redis_server.MISSING),
    pytest.mark.timeout(180),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def redis() -> AsyncIterator[RedisServer]:
    async with RedisServer() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair(redis: RedisServer) -> AsyncIterator[Pair]:
    async with paired(redis.url) as up:
        yield up


@pytest.fixture(autouse=True)
def in_turn(pair: Pair) -> None:
    pair.balancer.to = "in turn"


async def held(stage: Stage, operation: str) -> Json:
    """The call of `operation` that hangs at the provider."""

    async def look() -> Json | None:
        calls: list[Json] = await stage.ask("GET", "/held")
        return next((call for call in calls if call["operation"] == operation), None)

    return await becomes(f"a call of {operation} hangs", look)


async def once(incident: Incident, room: Room, *, closed: bool = False) -> None:
    """One of everything, at the providers and on the record, and no run without an end."""
    wanted = {"channel", "bridge", "briefing"} | ({"closing"} if closed else set())

    async def recorded() -> dict[str, Json] | None:
        record = await incident.communications()
        return record if all(one["state"] == "sent" for one in record.values()) else None

    record = await becomes("nothing is left sending", recorded, 60)
    assert set(record) - {"bridge link"} == wanted
    done = [
        entry["operation"]
        for entry in await incident.stage.journal(since=incident.since)
        if entry["effect"] and entry["service"] in ("slack", "zoom") and entry["direction"] == "in"
    ]
    assert done.count("conversations.create") == 1
    assert done.count("meetings.create") == 1
    keys = [
        message["metadata"]["event_payload"]["key"] for message in await room.ours() if message["metadata"]
    ]
    assert len(keys) == len(set(keys)) == len(record) - 2, keys
    assert len(await incident.rooms()) == 1
    marks = sorted(one["title"] for one in (await room.seen())["bookmarks"])
    assert marks == ["Bridge", "Incident in Port"]

    async def ended() -> bool:
        return all(run["status"] == "SUCCESS" for run in await incident.runs())

    await becomes("every run has ended", ended, 60)


async def test_a_run_that_reaches_both_is_carried_out_once(pair: Pair) -> None:
    pair.balancer.to = "both"
    incident = await Incident.created(pair, severity="sev1", responders=[RESPONDER])
    room = await incident.opened()
    await once(incident, room)

    await incident.change(status="resolved")
    await incident.run(CLOSING)
    await room.state("closed")
    await once(incident, room, closed=True)


async def test_an_automation_at_one_and_a_button_at_the_other_meet(pair: Pair) -> None:
    slow = {"service": "slack", "operation": "conversations.create", "delay": 1.0}
    async with trouble(pair, slow):
        incident = await Incident.created(pair, severity="sev1")
        pressed = await incident.press("open_war_room")
    room = await incident.opened()

    assert pressed["status"] == "SUCCESS", pressed.get("summary")
    await once(incident, room)


@pytest.mark.parametrize(
    ("operation", "when"), [("conversations.create", "after"), ("chat.postMessage", "after")]
)
async def test_one_dies_and_the_other_finishes(pair: Pair, operation: str, when: str) -> None:
    pair.balancer.to = "second"
    async with trouble(pair, {"service": "slack", "operation": operation, "hold": when}):
        incident = await Incident.created(pair, severity="sev1", responders=[RESPONDER])
        await held(pair, operation)
        await pair.second.stop(signal.SIGKILL)
        room = await incident.opened()
        await once(incident, room)
        await pair.start_second()


async def test_redis_is_restarted_in_mid_flight(pair: Pair, redis: RedisServer) -> None:
    pair.balancer.to = "both"
    async with trouble(pair, {"service": "slack", "operation": "chat.postMessage", "hold": "after"}):
        incident = await Incident.created(pair, severity="sev1")
        pressing = asyncio.create_task(incident.press("open_war_room"))
        await held(pair, "chat.postMessage")
        await redis.restart()
        assert (await pressing)["status"] == "SUCCESS"
    room = await incident.opened()
    await once(incident, room)


async def test_without_the_lock(pair: Pair, redis: RedisServer) -> None:
    """Somebody empties Redis all the time: no lock holds, no heartbeat lasts, no run is in any hand."""
    pair.balancer.to = "both"
    async with (
        emptied(redis),
        trouble(pair, {"service": "slack", "operation": "conversations.create", "delay": 1.0}),
    ):
        incident = await Incident.created(pair, severity="sev1")
        await asyncio.gather(incident.press("open_war_room"), incident.press("open_war_room"))
        room = await incident.opened()
        await incident.change(status="resolved")
        await incident.run(CLOSING)
        await room.state("closed")
    await once(incident, room, closed=True)


@contextlib.asynccontextmanager
async def emptied(redis: RedisServer) -> AsyncIterator[None]:
    async def empty() -> None:
        while True:
            await redis.flush()
            await asyncio.sleep(0.05)

    emptying = asyncio.create_task(empty())
    try:
        yield
    finally:
        emptying.cancel()
        await asyncio.gather(emptying, return_exceptions=True)


async def test_redis_is_away(pair: Pair, redis: RedisServer) -> None:
    await redis.stop()
    try:
        pair.balancer.to = "both"
        incident = await Incident.created(pair, severity="sev1")
        room = await incident.opened()
        await once(incident, room)
    finally:
        await redis.start()


async def test_what_is_said_reaches_the_notes_by_either(pair: Pair, redis: RedisServer) -> None:
    incident = await Incident.created(pair, severity="sev1")
    room = await incident.opened()
    first = await room.say("finding: the pool is empty")
    edited = await room.say("update: still looking", COMMANDER)
    reply = await room.say("workaround: bigger pool", thread_ts=first)
    deleted = await room.say("finding: nonsense")
    marked = await room.say("that helped")
    await room.noted("all is noted", lambda notes: {first, edited, reply, deleted} <= set(notes))
    await room.act("react", marked, COMMANDER, name="scales")
    await room.act("edit", edited, COMMANDER, text="update: found it")
    await room.act("delete", deleted)
    said = {first: "finding", edited: "update", reply: "workaround", marked: "decision"}
    await equals_the_channel(room, said)

    # What is handed over while nobody listens is read.
    pair.balancer.to = "second"
    await redis.deafen()
    said |= {await room.say(f"impact: number {number}"): "impact" for number in range(3)}
    await equals_the_channel(room, said)

    # Closed by the one that does not write the notes: it has the other settle and count them.
    await incident.change(status="resolved")
    await incident.run(CLOSING)
    closing = (await room.ours())[-1]["text"]
    for counted in ("1 finding", "1 update", "1 workaround", "1 decision", "3 impact"):
        assert counted in closing, closing


async def equals_the_channel(room: Room, kinds: dict[str, str]) -> None:
    said = {
        message["ts"]: message["text"]
        for parent in (await room.seen())["messages"]
        for message in (parent, *parent["replies"])
    }

    def equal(notes: dict[str, Json]) -> bool:
        standing = {ts: note for ts, note in notes.items() if not note.get("deletedAt")}
        return {ts: note["kind"] for ts, note in standing.items()} == kinds and all(
            note["text"].split(":")[-1].strip() in said[ts] for ts, note in standing.items()
        )

    await room.noted("the notes are what the channel says", equal)


async def test_the_writer_dies_with_events_in_hand(pair: Pair) -> None:
    incident = await Incident.created(pair, severity="sev1")
    room = await incident.opened()
    said = {await room.say(f"finding: number {number}"): "finding" for number in range(10)}
    await pair.integration.stop(signal.SIGKILL)
    alone_since = await mark(pair)
    pair.balancer.to = "second"
    said |= {await room.say(f"decision: number {number}"): "decision" for number in range(5)}
    # The other takes over what was said to the one that died, too.
    await equals_the_channel(room, said)

    swept = await pair.journal(since=alone_since, operation="runs.list")
    assert swept == [], "only the POLLING process sweeps"

    pair.balancer.to = "in turn"
    await pair.start_integration()
    said |= {await room.say(f"workaround: number {number}"): "workaround" for number in range(6)}
    await equals_the_channel(room, said)

    said |= {await room.say(f"impact: number {number}"): "impact" for number in range(10)}
    await pair.second.stop(signal.SIGKILL)
    await equals_the_channel(room, said)
    await pair.start_second()


async def test_public_words_pressed_twice_are_said_once_whichever_process_they_reach(pair: Pair) -> None:
    pair.balancer.to = "both"
    incident = await Incident.created(pair, severity="sev4")
    begins = datetime.now(UTC) + timedelta(hours=1)
    window = {"scheduledFor": begins.isoformat(), "scheduledUntil": (begins + timedelta(hours=1)).isoformat()}
    page: Json = {"page": DEFAULT_PAGE}
    course: list[tuple[str, Json]] = [
        ("publish", {**page, "name": "Payments fail", "body": "Some payments fail."}),
        ("update", {"body": "It is the card payments.", "status": "identified"}),
        ("resolve", {"body": "Cards work again."}),
        ("reopen", {"body": "Cards fail again."}),
        ("schedule", {**page, "name": "New disks", "body": "We change disks.", **window}),
        ("complete", {"body": "The disks are new."}),
    ]
    for operation, given in course:
        closed = "resolved" if operation == "resolve" else "investigating"
        await incident.change(status=closed)
        presses = [await waiting(incident, operation, COMMANDER, **given) for _ in range(2)]
        await asyncio.gather(*(pair.approve(run, ADMIN) for run in presses))
        ended = await asyncio.gather(*(pair.finished(run) for run in presses))
        assert [one["status"] for one in ended] == ["SUCCESS"] * 2, [one["summary"] for one in ended]
        assert len({one["statusLabel"] for one in ended}) == 2, "one of them has said it, the other says so"

    first, planned = await public(incident)
    assert bodies(first) == [given["body"] for _, given in course[3::-1]]
    assert bodies(planned) == [given["body"] for _, given in course[:3:-1]]
    kept = [(one["purpose"], one["state"]) for one in (await record(incident)).values()]
    assert sorted(one for one in kept if one[0] not in ("draft", "preview")) == [
        (purpose, "sent")
        for purpose in (
            "complete maintenance",
            "maintenance",
            "public update",
            "publish",
            "reopen",
            "resolve",
        )
    ]
