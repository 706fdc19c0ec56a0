"""The end of an incident: a last word, the meeting over, the channel archived, every note kept. And its
return: the same room if it stands, else a new one that knows the old."""

from __future__ import annotations

import pytest

from sandbox.stage import Json, Stage
from tests.stories.play import COMMANDER, RESPONDER, Incident, Room, becomes, mark, outside

pytestmark = pytest.mark.asyncio(loop_scope="session")

SAID = ("finding: the disk is full", "workaround: logs moved away", "decision: we resize tonight")
CLOSING = "close_war_room_on_status"
OPENING = "open_war_room_on_severity"


async def spoken(stage: Stage) -> Room:
    """An open room in which three things were said and noted."""
    incident = await Incident.created(stage, severity="sev1", responders=[RESPONDER])
    room = await incident.opened()
    for text in SAID:
        await room.say(text)
    await room.noted("what was said is noted", lambda notes: len(notes) == len(SAID))
    return room


async def resynced(stage: Stage) -> None:
    """A full resync, asked for as Port's UI does when a mapping is saved, and seen through."""
    before = await mark(stage)
    integration = (await stage.port.get("/integration")).json()["integrations"][0]
    name = integration["installationId"]
    answer = await stage.port.patch(f"/integration/{name}/config", json={"config": integration["config"]})
    assert answer.status_code == 200, answer.text

    async def over() -> bool:
        journal = await stage.journal(since=before, operation="integration.resync_state")
        return any("completed" in str(entry["effect"]) for entry in journal)

    await becomes("the resync is completed", over)


async def test_closing_says_so_ends_the_call_and_waits_with_the_archive(stage: Stage) -> None:
    room = await spoken(stage)
    meeting = room.properties["meetingId"]
    await stage.ask("POST", "/zoom/join", {"meeting": meeting, "user": RESPONDER})
    notes = await room.incident.notes()

    await room.incident.change(status="resolved")

    run = await room.incident.run(CLOSING)
    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Closed")
    shown = await room.seen()
    last = (await room.ours())[-1]
    meetings = {str(one["id"]): one for one in await stage.ask("GET", "/zoom/meetings")}
    assert "resolved" in last["text"]
    assert "1 finding" in last["text"]
    assert "24 hours" in last["text"]
    assert not shown["archived"]
    assert meetings[meeting]["status"] != "started"
    assert (await room.again()).properties["state"] == "closed"
    assert (await room.incident.entity())["properties"]["warRoomState"] == "closed"
    assert await room.incident.notes() == notes

    # Reopened: the room that stands is the room again.
    await room.incident.change(status="investigating")
    again = await room.incident.run(OPENING, 2)
    assert again["statusLabel"] == "Open again"
    assert len(await room.incident.rooms()) == 1
    assert "open again" in (await room.ours())[-1]["text"]
    assert (await room.again()).properties["state"] == "open"
    assert (await room.incident.entity())["properties"]["warRoomState"] == "open"
    await room.say("finding: it is back")
    await room.noted("the room is mirrored again", lambda notes: len(notes) == len(SAID) + 1)

    # And closed once more, with a word of its own.
    await room.incident.change(status="resolved")
    await room.incident.run(CLOSING, 2)
    assert "resolved" in (await room.ours())[-1]["text"]
    assert (await outside(stage, room.incident.since)).count("chat.postMessage") == 4


async def test_closed_twice_says_it_once(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")
    await incident.press("open_war_room")
    room = await incident.room()

    first = await incident.press("close_war_room", message="Thanks, all. See the review on Monday.")
    second = await incident.press("close_war_room")

    assert (first["statusLabel"], second["statusLabel"]) == ("Closed", "Already closed")
    said = [message["text"] for message in await room.ours()]
    assert len(said) == 2
    assert "See the review on Monday." in said[1]


async def test_without_a_room_there_is_nothing_to_close(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")

    run = await incident.press("close_war_room")

    assert run["status"] == "FAILURE"
    assert f"{incident.identifier} has no war room" in run["summary"]


async def test_archived_at_once_every_note_outlives_close_archive_and_resync(other_stage: Stage) -> None:
    stage = other_stage
    room = await spoken(stage)
    standing = await spoken(stage)
    before = await room.incident.notes()

    await room.incident.change(status="resolved")
    run = await room.incident.run(CLOSING)
    assert run["status"] == "SUCCESS", run
    await room.state("archived")

    assert (await room.seen())["archived"]
    assert (await room.incident.entity())["properties"]["warRoomState"] == "archived"
    assert await room.incident.notes() == before
    since = await mark(stage)
    await resynced(stage)

    async def read_again() -> list[Json]:
        return await stage.journal(since=since, operation="conversations.history")

    await becomes("the resync reads the room that stands", read_again)
    assert await room.incident.notes() == before
    assert len(await standing.incident.notes()) == len(SAID)
    assert len(await room.incident.rooms()) == 1

    # Reopened: nobody can unarchive as a bot, so a new room refers to the old.
    await room.incident.change(status="investigating")
    again = await room.incident.run(OPENING, 2)
    assert again["status"] == "SUCCESS", again
    new = await room.incident.room(generation=2)
    assert new.channel != room.channel
    assert new.entity["relations"]["previous"] == room.entity["identifier"]
    assert (await room.incident.entity())["relations"]["warRoom"] == new.entity["identifier"]
    assert (await room.incident.entity())["properties"]["warRoomChannel"] == new.properties["channel"]
    assert RESPONDER in await new.members()
    await new.say("finding: it is back")
    await new.noted("the new room is mirrored", lambda notes: len(notes) == 1)
    assert len(await room.incident.notes()) == len(SAID) + 1


async def test_a_linked_channel_is_never_archived(other_stage: Stage) -> None:
    body = {"name": "standing-ops-channel", "user": COMMANDER}
    theirs = (await other_stage.ask("POST", "/slack/channels", body))["id"]
    incident = await Incident.created(
        other_stage, severity="sev1", slackChannel=f"https://sandbox.slack.com/archives/{theirs}"
    )
    room = await incident.opened()

    await incident.change(status="resolved")

    await incident.run(CLOSING)
    assert (await room.state("closed")).channel == theirs
    assert not (await room.seen())["archived"]
    assert "archived" not in (await room.ours())[-1]["text"]
