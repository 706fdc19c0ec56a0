"""Actions on a whole sandbox: limits, doubles, garbage, and what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.action_bench import AUTOMATION, Bench, bench, run
from tests.sandbox.serve import until

OPEN = "open_war_room"


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


async def test_the_limit_of_rooms_holds_in_a_burst(stage: Bench) -> None:
    engine = stage.engine(max_rooms_per_hour=2)
    names = [f"INC-{number}" for number in range(8)]
    for name in names:
        await stage.incident(name)

    ends = await asyncio.gather(*(run(engine, OPEN, name, AUTOMATION) for name in names))

    assert [end.label for end in ends].count("Open") == 2
    refused = [end for end in ends if end.label == "Not needed"]
    assert len(refused) == 6
    assert all("maxRoomsPerHour" in end.summary for end in refused)
    assert stage.effects("conversations.create") == 2
    assert (await run(engine, OPEN, "INC-7" if ends[7] in refused else "INC-6")).label == "Open"


async def test_a_room_that_did_not_open_does_not_count(stage: Bench) -> None:
    engine = stage.engine(max_rooms_per_hour=1)
    await stage.incident("INC-1")
    await stage.incident("INC-2")
    stage.sandbox.world.faults.add(
        {"service": "slack", "operation": "conversations.create", "status": 200, "error": "restricted_action"}
    )

    failed = await run(engine, OPEN, "INC-1", AUTOMATION)
    opened = await run(engine, OPEN, "INC-2", AUTOMATION)

    assert (failed.label, opened.label) == ("No channel", "Open")


async def test_an_address_that_begins_with_automation_is_a_persons(stage: Bench) -> None:
    engine = stage.engine(max_rooms_per_hour=1)
    oncall = "automation-oncall@example.com"
    stage.sandbox.slack.seed({"users": [{"email": oncall, "name": "oncall"}]})
    await stage.incident("INC-1", severity="sev4")

    ended = await run(engine, OPEN, "INC-1", oncall)

    room = await stage.room("INC-1")
    assert ended.ok, ended.summary
    assert room is not None
    assert oncall in room.invited


async def test_the_room_says_where_its_briefing_stands(stage: Bench) -> None:
    await stage.incident("INC-1")

    await run(stage.engine(), OPEN, "INC-1", AUTOMATION)

    entity = await stage.properties("incidentWarRoom", "INC-1")
    briefing = await stage.properties("incidentCommunication", "INC-1:briefing")
    assert entity["briefing"] == briefing["permalink"]


@pytest.mark.parametrize(
    "garbage", ["https://example.com/our-wiki", "https://x.slack.com/archives/C0NOBODY00"]
)
async def test_garbage_for_a_channel_denies_no_severe_incident_its_room(stage: Bench, garbage: str) -> None:
    engine = stage.engine()
    await stage.incident("INC-1", slackChannel=garbage)

    by_hand = await run(engine, OPEN, "INC-1")
    by_itself = await run(engine, OPEN, "INC-1", AUTOMATION)

    assert (by_hand.ok, by_itself.label) == (False, "Open")
    assert "channel" in by_hand.summary
    assert any("could not be linked, so a new one was opened" in line for line in by_itself.log)
    room = await stage.room("INC-1")
    assert room is not None
    assert not room.linked
    record = {one["properties"]["purpose"]: one["properties"] for one in await stage.record("INC-1")}
    assert {one["state"] for one in record.values()} == {"sent"}
    assert record["channel"]["destination"] == room.channel_name


async def test_a_garbage_input_of_a_person_is_refused_and_opens_nothing(stage: Bench) -> None:
    await stage.incident("INC-1", severity="sev4")

    ended = await run(stage.engine(), OPEN, "INC-1", channel="#general")

    assert (ended.ok, ended.label) == (False, "Bad input")
    assert stage.effects("conversations.create") == 0


async def test_a_reader_in_two_audiences_gets_the_same_words_once(stage: Bench) -> None:
    engine = stage.engine()
    channel = (await engine.slack.create_channel("news", private=False)).id
    await stage.incident("INC-1")
    await run(engine, OPEN, "INC-1", AUTOMATION)
    both = {"slackChannels": [channel], "emails": ["reader@example.com"]}
    await stage.audience("first", **both)
    await stage.audience(
        "second", slackChannels=[channel], emails=["Reader@Example.com", "other@example.com"]
    )
    before = stage.effects("chat.postMessage")

    told = await run(engine, "post_update", "INC-1", audiences=["first", "second"], text="It is the disk.")
    again = await run(engine, "post_update", "INC-1", audiences=["second"], text="It is the disk.")

    assert told.ok, told.summary
    assert stage.effects("chat.postMessage") == before + 1
    assert sorted(one.to[0].casefold() for one in stage.sandbox.mail.inbox()) == [
        "other@example.com",
        "reader@example.com",
    ]
    assert again.label == "Already sent"
    updates = [one for one in await stage.record("INC-1") if one["properties"]["purpose"] == "update"]
    assert {one["properties"]["audience"] for one in updates} == {"first", "second"}
    assert {one["relations"]["warRoom"] for one in updates} == {"INC-1"}


async def test_reopening_stands_without_its_topic(stage: Bench) -> None:
    engine = stage.engine()
    await stage.incident("INC-1")
    await run(engine, OPEN, "INC-1", AUTOMATION)
    await stage.incident("INC-1", status="resolved")
    await run(engine, "close_war_room", "INC-1")
    await stage.incident("INC-1", status="investigating")
    stage.sandbox.world.faults.add(
        {
            "service": "slack",
            "operation": "conversations.setTopic",
            "status": 200,
            "error": "restricted_action",
        }
    )

    ended = await run(engine, OPEN, "INC-1", AUTOMATION)

    assert (ended.ok, ended.label) == (True, "Open again")
    assert "topic" in ended.log[0]
    room = await stage.room("INC-1")
    assert room is not None
    assert room.state == "open"
    assert engine.mirror.room(room.channel_id) == room
    assert (await stage.properties("incident", "INC-1"))["warRoomState"] == "open"


async def test_a_reopening_that_was_cut_off_is_taken_up_and_said_once(stage: Bench) -> None:
    engine = stage.engine()
    await stage.incident("INC-1")
    await run(engine, OPEN, "INC-1", AUTOMATION)
    await stage.incident("INC-1", status="resolved")
    await run(engine, "close_war_room", "INC-1")
    await stage.incident("INC-1", status="investigating")
    said = stage.effects("chat.postMessage")
    # After the message, before the state.
    stage.sandbox.world.faults.add({"service": "port", "operation": "entities.patch", "status": 422})

    failed = await run(engine, OPEN, "INC-1", AUTOMATION)
    room = await stage.room("INC-1")
    assert (failed.ok, room and room.state) == (False, "closed")
    ended = await run(engine, OPEN, "INC-1", AUTOMATION)

    assert ended.label == "Open again"
    assert stage.effects("chat.postMessage") == said + 1


async def test_choices_that_a_person_has_added_and_picked_harm_nobody(stage: Bench) -> None:
    engine = stage.engine()
    await stage.incident("INC-1")
    await run(engine, OPEN, "INC-1", AUTOMATION)
    blueprint = await engine.port.blueprint("incidentWarRoom")
    assert blueprint is not None
    odd = ("state", "mirror", "bridgeKind")
    for name in odd:
        blueprint["schema"]["properties"][name]["enum"].append("haunted")
    await engine.port.patch_blueprint("incidentWarRoom", {"schema": blueprint["schema"]})

    await engine.port.patch_entity("incidentWarRoom", "INC-1", dict.fromkeys(odd, "haunted"))

    room = await stage.room("INC-1")
    assert room is not None
    assert (room.state, room.mirror, room.bridge_kind) == ("open", "fresh", "none")
    assert (await run(engine, OPEN, "INC-1", AUTOMATION)).label == "Already open"


async def test_what_was_missed_is_done_by_whoever_starts_next(stage: Bench) -> None:
    """Nobody listens where Port's automations call, so all that follows was missed."""
    before = stage.engine()
    await stage.incident("CLOSED")
    await run(before, OPEN, "CLOSED")
    await run(before, "close_war_room", "CLOSED")
    await stage.incident("OVER")
    await run(before, OPEN, "OVER")
    await stage.incident("OVER", status="resolved")
    await stage.incident("NEW")
    await stage.incident("LOW", severity="sev3")
    old = [
        {
            "identifier": f"OLD-{number}",
            "title": "Old",
            "properties": {"status": "open", "severity": "sev1", "startedAt": "2020-01-01T00:00:00Z"},
        }
        for number in range(500)
    ]
    await stage.write("incident", *old)
    opened = stage.effects("conversations.create")
    engine = stage.engine()

    await engine.sweeper.sweep(first=True)

    async def done() -> bool:
        over = await stage.room("OVER")
        return await stage.room("NEW") is not None and over is not None and over.state == "closed"

    seen_to: bool = await until(done, what="the missed room is open, the one that is over is closed")
    assert seen_to
    await engine.sweeper.sweep()
    closed = await stage.room("CLOSED")
    assert closed is not None
    assert closed.state == "closed", "a person has closed it"
    assert stage.effects("conversations.create") == opened + 1
    record = [one["properties"] for one in await stage.record("NEW")]
    assert {one["requestedBy"] for one in record} == {"automation sweeper"}


async def test_a_change_that_nobody_was_there_to_tell_is_told_once_by_who_starts_next(stage: Bench) -> None:
    await stage.incident("INC-1")
    await run(stage.engine(), OPEN, "INC-1")
    await stage.incident("INC-1", status="identified")  # Port's automation calls, and reaches nobody

    for _ in "12":
        await stage.engine().sweeper.sweep(first=True)

        async def told() -> list[str]:
            record = [one["properties"] for one in await stage.record("INC-1")]
            return [one["state"] for one in record if one["purpose"] == "status notice"]

        async def sent() -> bool:
            return await told() == ["sent"]

        once: bool = await until(sent, what="the room is told of the change")
        assert once
    texts = [one["properties"]["text"] for one in await stage.record("INC-1")]
    assert len([text for text in texts if "is now identified" in text]) == 1


async def test_what_was_missed_is_left_where_the_automation_is_switched_off(stage: Bench) -> None:
    before = stage.engine()
    automation = await before.port.action("open_war_room_on_severity")
    assert automation is not None
    kept = {name: automation[name] for name in ("identifier", "title", "trigger", "invocationMethod")}
    await before.port.put_action("open_war_room_on_severity", {**kept, "publish": False})
    await stage.incident("OVER")
    await run(before, OPEN, "OVER")
    await stage.incident("OVER", status="resolved")
    await stage.incident("NEW")

    await stage.engine().sweeper.sweep(first=True)

    async def over() -> bool:
        room = await stage.room("OVER")
        return room is not None and room.state == "closed"

    seen_to: bool = await until(over, what="what the other automation was to do is done")
    assert seen_to
    assert await stage.room("NEW") is None
    assert stage.effects("conversations.create") == 1


async def test_of_what_was_missed_no_more_is_opened_than_an_hour_allows(stage: Bench) -> None:
    engine = stage.engine(max_rooms_per_hour=2)
    for number in range(5):
        await stage.incident(f"INC-{number}")
    engine = stage.engine(max_rooms_per_hour=2)

    await engine.sweeper.sweep(first=True)

    await until(lambda: stage.effects("conversations.create") == 2, what="two rooms are opened")
    await engine.sweeper.sweep()
    assert stage.effects("conversations.create") == 2
