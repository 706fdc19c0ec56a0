"""One channel is the room of one incident at a time: nobody could tell else what is said about which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.action_bench import AUTOMATION, PERSON, Bench, bench, run


@pytest.fixture
async def desk() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


def channel(desk: Bench, name: str = "payments") -> str:
    return str(desk.sandbox.slack.create_channel(name, PERSON)["id"])


async def test_the_open_room_of_another_incident_is_refused(desk: Bench) -> None:
    theirs = channel(desk)
    engine = desk.engines[0]
    await desk.incident("INC-1")
    await desk.incident("INC-2")

    first = await run(engine, "open_war_room", "INC-1", channel=theirs)
    # Another process knows of it from Port alone.
    second = await run(desk.engine(), "open_war_room", "INC-2", channel=theirs)

    assert first.ok, first.summary
    assert (second.ok, second.label) == (False, "Bad input")
    assert "#payments is the open war room of INC-1" in second.summary
    assert await desk.room("INC-2") is None
    assert desk.effects("meetings.create") == 1


async def test_of_two_at_once_one_gets_it(desk: Bench) -> None:
    theirs = channel(desk)
    engine = desk.engines[0]
    await desk.incident("INC-1")
    await desk.incident("INC-2")

    outcomes = await asyncio.gather(
        *(run(engine, "open_war_room", incident, channel=theirs) for incident in ("INC-1", "INC-2"))
    )

    assert sorted(outcome.ok for outcome in outcomes) == [False, True]
    assert desk.effects("chat.postMessage") == 1


async def test_a_severe_incident_gets_a_room_of_its_own_instead(desk: Bench) -> None:
    theirs = channel(desk)
    link = f"https://sandbox.slack.com/archives/{theirs}"
    engine = desk.engines[0]
    await desk.incident("INC-1", slackChannel=link)
    await desk.incident("INC-2", slackChannel=link)

    await run(engine, "open_war_room", "INC-1", by=AUTOMATION)
    second = await run(engine, "open_war_room", "INC-2", by=AUTOMATION)

    assert second.ok, second.summary
    assert any("open war room of INC-1" in line for line in second.log)
    one, two = await desk.room("INC-1"), await desk.room("INC-2")
    assert one is not None
    assert two is not None
    assert (one.channel_id, one.linked) == (theirs, True)
    assert two.channel_id != theirs


async def test_once_it_is_closed_it_may_be_anothers(desk: Bench) -> None:
    theirs = channel(desk)
    engine = desk.engines[0]
    await desk.incident("INC-1")
    await desk.incident("INC-2")
    await run(engine, "open_war_room", "INC-1", channel=theirs)
    await run(engine, "close_war_room", "INC-1")

    second = await run(engine, "open_war_room", "INC-2", channel=theirs)
    again = await run(engine, "open_war_room", "INC-1")
    by_itself = await run(engine, "open_war_room", "INC-1", by=AUTOMATION)

    assert second.ok, second.summary
    assert not again.ok
    assert "#payments is the open war room of INC-2" in again.summary
    assert by_itself.ok, by_itself.summary
    room = await engine.catalog.room("INC-1:room:2")
    assert room is not None
    assert room.channel_id != theirs


async def test_what_is_said_between_close_and_reopening_is_nobodys(desk: Bench) -> None:
    theirs = channel(desk)
    engine, people = desk.engines[0], desk.sandbox.slack
    await desk.incident("INC-1")
    await run(engine, "open_war_room", "INC-1", channel=theirs)
    first = people.say(theirs, PERSON, "finding: while it was open")
    room = await desk.room("INC-1")
    assert room is not None
    await engine.mirror.read(room)
    await run(engine, "close_war_room", "INC-1")
    people.say(theirs, PERSON, "finding: about something else")

    await run(engine, "open_war_room", "INC-1")
    again = people.say(theirs, PERSON, "finding: it is back")
    late = desk.engine()  # knows of it from Port alone
    room = await desk.room("INC-1")
    assert room is not None
    await late.mirror.read(room)

    notes = await engine.catalog.notes(theirs)
    assert {note["properties"]["ts"] for note in notes} == {first, again}
