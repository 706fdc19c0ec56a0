"""Killed (SIGKILL) in the worst moments and started again: everything happens once, and the run ends.
Replaced in good order (SIGTERM): what is in hand is finished, and reading again changes nothing."""

from __future__ import annotations

import signal
import time

import pytest

from sandbox.stage import Json, Stage
from tests.stories.play import (
    COMMANDER,
    OPENING,
    OWNER,
    RESPONDER,
    SERVICE,
    Incident,
    Room,
    ago,
    becomes,
    mark,
    trouble,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def held(stage: Stage, operation: str) -> Json:
    """The call of `operation` that hangs at the provider."""

    async def look() -> Json | None:
        calls: list[Json] = await stage.ask("GET", "/held")
        return next((call for call in calls if call["operation"] == operation), None)

    return await becomes(f"a call of {operation} hangs", look)


async def killed(stage: Stage) -> None:
    await stage.integration.stop(signal.SIGKILL)


def hold(operation: str, when: str) -> Json:
    return {"service": "*", "operation": operation, "hold": when}


async def test_killed_three_times_the_story_ends_once(fragile_stage: Stage) -> None:
    stage = fragile_stage
    async with trouble(stage, hold("conversations.create", "after")):
        incident = await Incident.created(
            stage, severity="sev1", services=[SERVICE], responders=[RESPONDER, COMMANDER]
        )
        created = await held(stage, "conversations.create")
        await killed(stage)
        assert created["effect"], "the channel exists"

        await stage.ask("POST", "/faults", hold("chat.postMessage", "after"))
        await stage.start_integration()
        briefed = await held(stage, "chat.postMessage")
        await killed(stage)
        assert briefed["effect"], "the briefing stands"

        # Held before it is done: the dead process's own report must not end the run.
        await stage.ask("POST", "/faults", hold("runs.patch", "before"))
        await stage.start_integration()
        await held(stage, "runs.patch")
        await killed(stage)
        assert [run["status"] for run in await incident.runs(OPENING)] == ["IN_PROGRESS"]

        await stage.start_integration()
        room = await incident.opened()
    await once(incident, room)
    assert await room.members() == {RESPONDER, COMMANDER, OWNER}
    assert [run["status"] for run in await incident.runs(OPENING)] == ["SUCCESS"]


async def once(incident: Incident, room: Room) -> None:
    """One of everything, on the record and at the providers."""
    done = [
        entry["operation"]
        for entry in await incident.stage.journal(since=incident.since)
        if entry["effect"] and entry["service"] in ("slack", "zoom")
    ]
    assert done.count("conversations.create") == 1
    assert done.count("meetings.create") == 1
    assert done.count("chat.postMessage") == 1
    key = f"{incident.identifier}:briefing"
    messages = [message for message in await room.ours() if message["metadata"]]
    assert [message["metadata"]["event_payload"]["key"] for message in messages] == [key]

    async def recorded() -> dict[str, Json] | None:
        record = await incident.communications()
        return record if all(one["state"] == "sent" for one in record.values()) else None

    record = await becomes("nothing is left sending", recorded)
    assert set(record) == {"channel", "bridge", "briefing"}
    assert record["briefing"]["receipt"]["ts"] == messages[0]["ts"]
    assert record["bridge"]["receipt"]["meeting"] == room.properties["meetingId"]
    assert room.properties["bridge"], "read again from Zoom: the record keeps no link"

    async def marked() -> bool:
        marks = [one["title"] for one in (await room.seen())["bookmarks"]]
        return sorted(marks) == ["Bridge", "Incident in Port"]

    await becomes("one bookmark each", marked)
    assert (await incident.entity())["properties"]["warRoomChannel"] == room.properties["channel"]
    assert len(await incident.rooms()) == 1


async def test_an_incident_created_while_it_was_down_gets_its_room(fragile_stage: Stage) -> None:
    stage = fragile_stage
    over = await (await Incident.created(stage, severity="sev1")).opened()
    await killed(stage)
    incident = await Incident.created(stage, severity="sev1", responders=[RESPONDER])
    old = await Incident.created(stage, severity="sev1", startedAt=ago(days=3))
    await over.incident.change(status="resolved")
    assert (await incident.run(OPENING))["status"] == "FAILURE", "nobody was there, and Port calls once"

    await stage.start_integration()

    room = await incident.room()
    assert RESPONDER in await room.members()
    await once(incident, room)
    record = await incident.communications()
    assert {one["requestedBy"] for one in record.values()} == {"automation sweeper"}
    await over.state("closed")
    assert await old.rooms() == []


async def test_what_was_said_while_it_was_down_is_caught_up(fragile_stage: Stage) -> None:
    stage = fragile_stage
    incident = await Incident.created(stage, severity="sev1")
    room = await incident.opened()
    kept = await room.say("finding: said before")
    changed = await room.say("finding: to be edited")
    gone = await room.say("finding: to be deleted")
    await room.noted("all is noted", lambda notes: {kept, changed, gone} <= set(notes))
    await killed(stage)

    missed = await room.say("workaround: said while it was down")
    reply = await room.say("decision: in a thread, too", thread_ts=kept)
    await room.act("edit", changed, text="impact: edited while it was down")
    await room.act("delete", gone)
    await room.act("react", kept, name="boom")
    await stage.start_integration()

    def caught_up(notes: dict[str, Json]) -> bool:
        kinds = {ts: notes.get(ts, {}).get("kind") for ts in (missed, reply, changed, kept)}
        wanted = {missed: "workaround", reply: "decision", changed: "impact", kept: "impact"}
        return kinds == wanted and bool(notes[gone].get("deletedAt"))

    notes = await room.noted("it has caught up", caught_up)
    assert "to be deleted" not in str(await incident.notes())
    assert len(notes) == 5


async def test_replaced_it_finishes_what_it_has_and_reading_again_changes_nothing(
    fragile_stage: Stage,
) -> None:
    stage = fragile_stage
    room = await (await Incident.created(stage, severity="sev1")).opened()
    before = await talked(room)
    slow = {"service": "slack", "operation": "conversations.create", "delay": 1.5}
    async with trouble(stage, slow):
        incident = await Incident.created(stage, severity="sev1")

        async def begun() -> list[Json]:
            return await stage.journal(since=incident.since, operation="conversations.create")

        await becomes("another channel is on its way", begun)
        began = time.monotonic()
        await stage.integration.stop(signal.SIGTERM)
    assert time.monotonic() - began < 20
    assert "Traceback" not in stage.integration.tail(60)
    run = await incident.run(OPENING)
    assert run["status"] == "SUCCESS", "what was in hand was finished by the one who had it"
    since = await mark(stage)

    await stage.start_integration()

    async def read_twice() -> bool:
        reads = await stage.journal(since=since, operation="conversations.history", full="true")
        return len([one for one in reads if room.channel in str(one["request"]) and one["status"]]) >= 2

    await becomes("the room is read again, and once more when all has settled", read_twice)
    after = await room.say("update: said after the restart")
    await room.noted("life goes on", lambda notes: after in notes)
    now = [note for note in await room.incident.notes() if note["properties"]["ts"] != after]
    assert now == before  # to the last `updatedAt`: what stands is not written again
    await once(incident, await incident.room())


async def talked(room: Room) -> list[Json]:
    """Say, reply, edit, pin, react and delete; the notes when all has settled."""
    first = await room.say("finding: the pool is empty")
    edited = await room.say("update: still looking", COMMANDER)
    reply = await room.say("workaround: bigger pool", thread_ts=first)
    pinned = await room.say("remember this")
    marked = await room.say("that helped")
    deleted = await room.say("finding: nonsense")
    await room.noted("all is noted", lambda notes: {first, edited, reply, deleted} <= set(notes))
    await room.act("pin", pinned)
    await room.act("react", marked, COMMANDER, name="scales")
    await room.act("edit", edited, COMMANDER, text="update: found it")
    await room.act("delete", deleted)

    def settled(notes: dict[str, Json]) -> bool:
        return (
            bool(notes[deleted].get("deletedAt"))
            and notes[edited]["title"] == "found it"
            and pinned in notes
            and notes.get(marked, {}).get("kind") == "decision"
        )

    await room.noted("all has settled", settled)
    return await room.incident.notes()
