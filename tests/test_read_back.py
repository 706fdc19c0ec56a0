"""A long channel is read back slice by slice, goes on where it was left, and gives what events would have."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from integration import room_reading
from integration.models.incident import WarRoom
from integration.read_back import WHOLE, slices
from tests.mirror_bench import Bench, bench

LINES = 430  # three pages


@pytest.fixture
async def stand(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(room_reading, "WINDOW_MESSAGES", 10)
    async with bench() as found:
        yield found


async def talk(stand: Bench, room: WarRoom) -> list[str]:
    return [stand.say(room, f"update: step {number} of {LINES} is done") for number in range(LINES)]


async def test_all_of_a_long_channel_becomes_notes(stand: Bench) -> None:
    mirror, room = stand.mirror(), await stand.room()
    said = await talk(stand, room)
    await stand.read(mirror, room)
    known = mirror._rooms[room.channel_id]
    within = await stand.notes(room)
    await mirror.read_back(known)
    notes = await stand.notes(room)

    assert len(within) < LINES
    assert set(said) <= set(notes)
    assert (await stand.properties("incidentWarRoom", room.identifier))["readBackTo"] == WHOLE


async def test_it_goes_on_where_it_was_left(stand: Bench) -> None:
    mirror, room = stand.mirror(), await stand.room()
    said = await talk(stand, room)
    left = room.model_copy(update={"read_back_to": said[99]})
    await stand.read(mirror, left)
    await mirror.read_back(mirror._rooms[room.channel_id])
    notes = await stand.notes(room)

    assert {said[0], said[99]} <= set(notes)
    assert said[150] not in notes


async def test_slices_overlap_in_nothing_and_leave_nothing_out(stand: Bench) -> None:
    room = await stand.room()
    said = await talk(stand, room)
    found = [part async for part in slices(stand.service, room, said[-1], 0.0, 0.0)]
    own = [ts for part in found for ts in part.messages]

    assert len(found) > 2
    assert len(own) == len(set(own))
    assert set(said) <= set(own)
    for part in found[:-1]:
        first = min(part.messages, key=float)
        assert len(part.state.previous(first)) == 3


async def test_what_is_gone_from_between_others_is_erased_but_not_what_nobody_shows_any_more(
    stand: Bench,
) -> None:
    mirror, room = stand.mirror(), await stand.room()
    said = await talk(stand, room)
    await stand.read(mirror, room)
    await mirror.read_back(mirror._rooms[room.channel_id])
    before = await stand.notes(room)
    stand.slack.delete(room.channel_id, said[50])
    messages = stand.slack.find(room.channel_id).messages
    for ts in [ts for ts in messages if float(ts) <= float(said[20])]:
        del messages[ts]  # as retention does
    again = stand.mirror()
    await stand.read(again, room)
    await again.read_back(again._rooms[room.channel_id])
    notes = await stand.notes(room)

    assert set(before) - set(notes) == {said[50]}
