"""Which rooms are mirrored, from when to when, and what reading and erasing leave behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integration import room_reading
from integration.models.incident import WarRoom
from tests.mirror_bench import RESPONDER, TEAM, Bench, bench, hasten
from tests.sandbox.serve import until


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    hasten(monkeypatch)
    async with bench() as found:
        yield found


async def linked(desk: Bench, name: str = "payments", incident: str = "INC-1", **values: Any) -> WarRoom:
    """A room in a channel of theirs, linked just now."""
    theirs = desk.slack.create_channel(name, RESPONDER)["id"]
    await desk.service.join(theirs)
    return await desk.room(incident, theirs, linked=True, **values)


# A linked channel


async def test_of_a_linked_channel_only_what_was_said_since_its_linking(desk: Bench) -> None:
    theirs = desk.slack.create_channel("payments", RESPONDER)["id"]
    await desk.service.join(theirs)
    before = desk.slack.say(theirs, RESPONDER, "finding: said before")
    room = await desk.room("INC-1", theirs, linked=True)
    live = desk.mirror()
    live.watch(room)

    since = desk.say(room, "finding: said since")
    reply = desk.say(room, "finding: a reply to what was said before", thread_ts=before)
    for event in (desk.event(room, since), desk.event(room, reply), desk.edited(room, before, "finding: no")):
        live.observe(event)
    await desk.noted(room, since)

    await desk.read(live, room)
    await desk.noted(room, since)
    await desk.read(desk.mirror(), room)
    await desk.noted(room, since)


async def test_a_linked_channel_is_let_alone_once_its_room_is_closed(desk: Bench) -> None:
    room = await linked(desk)
    mirror = desk.mirror()
    mirror.watch(room)
    said = desk.say(room, "finding: said while it was open")
    mirror.observe(desk.event(room, said))
    await desk.noted(room, said)

    closed = room.model_copy(update={"state": "closed"})
    await desk.entity("incidentWarRoom", room.identifier, properties={"state": "closed"})
    mirror.watch(closed)
    mirror.observe(desk.event(room, desk.say(room, "finding: about something else")))
    mirror.watch(room, found=True)  # as a search shows it that lags

    assert mirror.room(room.channel_id) is None
    # Another process knows nothing of it and asks Port.
    other = desk.mirror()
    other.observe(desk.event(room, desk.say(room, "finding: about a third thing")))
    await until(lambda: len(desk.world.journal) and not other._background._tasks)
    assert other.room(room.channel_id) is None
    await desk.noted(room, said)

    # Reopened: ours again, from now on.
    again = closed.model_copy(update={"state": "open", "reopened_at": datetime.now(UTC)})
    mirror.watch(again)
    back = desk.say(room, "finding: it is back")
    mirror.observe(desk.event(room, back))
    await desk.noted(room, said, back)
    await desk.read(mirror, again)
    await desk.noted(room, said, back)


async def test_a_channel_that_was_the_room_of_another_incident(desk: Bench) -> None:
    first = await linked(desk)
    mirror = desk.mirror()
    mirror.watch(first)
    said = desk.say(first, "finding: of the first")
    mirror.observe(desk.event(first, said))
    await desk.noted(first, said)
    await desk.entity("incidentWarRoom", first.identifier, properties={"state": "closed"})
    mirror.watch(first.model_copy(update={"state": "closed"}))

    second = await desk.room("INC-2", first.channel_id, linked=True)
    late = desk.mirror()
    meant = desk.say(second, "decision: of the second")
    late.observe(desk.event(second, meant))

    await desk.noted(second, meant)
    await desk.noted(first, said)
    counts = await late.settle(second)
    assert counts == {"decision": 1}


# What is said for few


async def test_who_makes_an_incident_private_later_stops_its_mirror(desk: Bench) -> None:
    room = await desk.room()
    mirror = desk.mirror()
    mirror.watch(room)
    said = desk.say(room, "finding: for everybody")
    mirror.observe(desk.event(room, said))
    await desk.noted(room, said)

    private = room.model_copy(update={"private": True})
    mirror.watch(private)
    hidden = desk.say(room, "finding: for few")
    mirror.observe(desk.event(room, hidden))
    mirror.watch(room, found=True)  # as a search shows it that lags
    await mirror.settle(private)
    await mirror.read(private)
    assert set(await desk.notes(room)) == {said}

    # And back: the channel was open to everybody all the time.
    mirror.watch(room)
    await desk.noted(room, said, hidden)


async def test_a_team_reads_what_is_said_for_few_and_the_incident_shows_none_of_it(desk: Bench) -> None:
    room = await desk.room(private=True)
    mirror = desk.mirror(private_rooms_team=TEAM)
    mirror.watch(room)
    said = desk.say(room, "finding: for few")
    mirror.observe(desk.event(room, said))

    notes = await desk.noted(room, said)

    async def told() -> bool:
        return "lastActivityAt" in await desk.properties("incident", "INC-1")

    shown: bool = await until(told)
    assert shown
    assert notes[said]["team"] == [TEAM]
    assert "latestNote" not in await desk.properties("incident", "INC-1")


# Reading


async def test_replies_stay_whose_parent_is_older_than_the_window(
    desk: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await desk.room()
    parent = desk.say(room, "finding: the oldest")
    chatter = [desk.say(room, f"finding: number {number}") for number in range(3)]
    reply = desk.say(room, "decision: in the old thread", thread_ts=parent)
    await desk.read(desk.mirror(), room)
    await desk.noted(room, parent, reply, *chatter)

    monkeypatch.setattr(room_reading, "WINDOW_MESSAGES", 2)
    monkeypatch.setattr("integration.services.slack.PAGE", 2)
    desk.slack.delete(room.channel_id, chatter[-1])
    await desk.read(desk.mirror(), room)

    await desk.noted(room, parent, reply, *chatter[:-1])


async def test_what_is_said_while_a_room_is_read_is_noted_at_once(desk: Bench) -> None:
    room = await desk.room()
    parent = desk.say(room, "finding: the oldest")
    desk.say(room, "decision: in its thread", thread_ts=parent)
    mirror = desk.mirror()
    held = {"service": "slack", "operation": "conversations.replies", "hold": "before"}
    desk.world.faults.add(held)
    mirror.watch(room, read=True)
    await until(lambda: desk.world.faults.held)

    said = desk.say(room, "update: while it is read")
    mirror.observe(desk.event(room, said))

    await desk.noted(room, said)


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"ts": "yesterday", "kind": "finding", "title": "By hand"},
        {"ts": "1700000000.000100", "title": "By hand, of no message", "saidAt": "2024-01-01T00:00:00Z"},
    ],
    ids=["nothing", "no ts", "a ts of nothing"],
)
async def test_a_note_by_hand_stands_and_breaks_nothing(desk: Bench, properties: dict[str, Any]) -> None:
    room = await desk.room()
    by_hand = {"properties": {"channelId": room.channel_id, **properties}}
    await desk.entity("incidentNote", "by-hand", **by_hand, relations={"warRoom": room.identifier})
    mirror = desk.mirror()
    said = desk.say(room, "finding: said")
    mirror.observe(desk.event(room, said))

    await desk.noted(room, said, properties.get("ts") or "by-hand")
    await desk.read(mirror, room)

    assert (await mirror.settle(room))["finding"]
    assert (await desk.properties("incident", "INC-1"))["latestNote"] == "**finding**: said"
    assert not (await desk.properties("incidentNote", "by-hand")).get("deletedAt")


# Erasing


async def test_a_tombstone_tells_neither_who_nor_where(desk: Bench) -> None:
    room = await desk.room()
    mirror = desk.mirror()
    mirror.watch(room)
    ts = desk.say(room, "finding: the customer is called Muster")
    mirror.observe(desk.event(room, ts))
    await desk.noted(room, ts)

    mirror.observe(desk.deleted(room, ts))

    await desk.noted(room)
    note = (await desk.notes(room, tombstones=True))[ts]["properties"]
    left = {name: value for name, value in note.items() if value not in (None, "", [], {})}
    assert not {"text", "author", "permalink", "versions", "links"} & set(left)
    assert {"ts", "channelId", "deletedAt"} <= set(left)
    assert desk.written == []  # the room is open: its documents are still to be written


async def test_what_is_erased_after_the_close_is_erased_in_the_documents(desk: Bench) -> None:
    closed_at = datetime.now(UTC) - timedelta(hours=1)
    room = await desk.room(state="closed", closed_at=closed_at)
    mirror = desk.mirror()
    mirror.watch(room)
    ts = desk.say(room, "finding: the customer is called Muster")
    mirror.observe(desk.event(room, ts))
    await desk.noted(room, ts)
    assert desk.written == []

    mirror.observe(desk.deleted(room, ts))

    await until(lambda: desk.written == [room.identifier])

    # Another process may have ended between the erasure and the documents.
    desk.written.clear()
    desk.mirror().watch(room, read=True)
    await until(lambda: desk.written == [room.identifier])
