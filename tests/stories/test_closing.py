"""The end of an incident: a last word, the meeting over, the channel archived, every note kept. And its
return: the same room if it stands, else a new one that knows the old."""

from __future__ import annotations

import pytest

from sandbox.stage import Json, Stage
from tests.stories.play import CLOSING, OPENING, RESPONDER, SAID, Incident, Room, spoken

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def said(room: Room, words: str) -> list[Json]:
    return [message for message in await room.ours() if words in message["text"]]


async def test_closing_says_so_ends_the_call_and_waits_with_the_archive(stage: Stage) -> None:
    room = await spoken(stage)
    meeting = room.properties["meetingId"]
    await stage.ask("POST", "/zoom/join", {"meeting": meeting, "user": RESPONDER})
    notes = await room.incident.notes()

    await room.incident.change(status="resolved")

    run = await room.incident.run(CLOSING)
    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Closed")
    shown = await room.seen()
    (last,) = await said(room, "This war room is closed")
    meetings = {str(one["id"]): one for one in await stage.ask("GET", "/zoom/meetings")}
    assert "resolved" in last["text"]
    assert "1 finding" in last["text"]
    assert "24 hours" in last["text"]
    assert not shown["archived"]
    assert meetings[meeting]["status"] != "started"
    assert (await room.again()).properties["state"] == "closed"
    entity = (await room.incident.entity())["properties"]
    assert entity["warRoomState"] == "closed"
    assert entity["latestNote"] == "**decision**: we resize tonight"
    assert await room.incident.notes() == notes

    # Reopened: the room that stands is the room again.
    await room.incident.change(status="investigating")
    again = await room.incident.run(OPENING, 2)
    assert again["statusLabel"] == "Open again"
    assert len(await room.incident.rooms()) == 1
    assert len(await said(room, "This war room is open again")) == 1
    assert (await room.again()).properties["state"] == "open"
    assert (await room.incident.entity())["properties"]["warRoomState"] == "open"
    await room.say("finding: it is back")
    await room.noted("the room is mirrored again", lambda notes: len(notes) == len(SAID) + 1)

    # And closed once more, with a word of its own.
    await room.incident.change(status="resolved")
    await room.incident.run(CLOSING, 2)
    assert len(await said(room, "This war room is closed")) == 2


async def test_closed_twice_says_it_once(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")
    await incident.press("open_war_room")
    room = await incident.room()

    first = await incident.press("close_war_room", message="Thanks, all. See the review on Monday.")
    second = await incident.press("close_war_room")

    assert (first["statusLabel"], second["statusLabel"]) == ("Closed", "Already closed")
    (last,) = await said(room, "This war room is closed")
    assert "See the review on Monday." in last["text"]


async def test_without_a_room_there_is_nothing_to_close(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")

    run = await incident.press("close_war_room")

    assert run["status"] == "FAILURE"
    assert f"{incident.identifier} has no war room" in run["summary"]
