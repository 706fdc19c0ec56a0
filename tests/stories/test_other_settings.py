"""The other choice in every setting: Ocean claims the runs, a static bridge stands in, a team reads private
rooms, and rooms are archived as soon as they close. Same handlers, same end."""

from __future__ import annotations

import asyncio
import json

import pytest

from sandbox.stage import Json, Stage
from tests.stories.conftest import STATIC_BRIDGE, TEAM
from tests.stories.play import (
    CLOSING,
    COMMANDER,
    OPENING,
    OWNER,
    RESPONDER,
    SAID,
    SERVICE,
    Incident,
    becomes,
    mark,
    outside,
    quiet,
    resynced,
    spoken,
    trouble,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_claimed_run_opens_the_room_and_is_acknowledged_once(other_stage: Stage) -> None:
    incident = await Incident.created(
        other_stage, severity="sev1", services=[SERVICE], responders=[RESPONDER]
    )

    room = await incident.opened()

    run = await incident.run(OPENING)
    assert run["payload"]["type"] == "INTEGRATION_ACTION"
    assert await room.members() == {RESPONDER, OWNER}
    assert len(await room.ours()) == 1
    assert (await incident.entity())["properties"]["warRoomChannel"] == room.properties["channel"]
    assert any(room.properties["channel"] in line["message"] for line in run["logs"])
    acknowledged = await other_stage.journal(since=incident.since, operation="runs.ack")
    assert [one["effect"] for one in acknowledged] == [f"run {run['id']} acknowledged"]


async def test_a_refused_input_is_told_through_this_door_too(other_stage: Stage) -> None:
    await quiet(other_stage)
    incident = await Incident.created(other_stage, severity="sev4")

    run = await incident.press("open_war_room", channel="#checkout")

    assert (run["status"], run["statusLabel"]) == ("FAILURE", "Bad input")
    assert "channel" in run["summary"]
    assert await outside(other_stage, incident.since) == []


async def test_both_doors_at_once_open_one_room(other_stage: Stage) -> None:
    """A customer's own webhook button beside the claimed one; both are pressed for one incident."""
    stage = other_stage
    button = (await stage.port.get("/actions/open_war_room")).json()["action"]
    claimed = button["invocationMethod"]
    action: Json = {
        "identifier": "open_war_room_by_webhook",
        "title": "Open war room by webhook",
        "publish": True,
        "trigger": button["trigger"],
        "invocationMethod": {
            "type": "WEBHOOK",
            "url": f"{stage.url}/integration/port/actions/open_war_room",
            "synchronized": False,
            "body": json.loads(json.dumps(claimed["integrationActionExecutionProperties"])),
        },
    }
    answer = await stage.port.post("/actions", json=action)
    assert answer.status_code == 201, answer.text
    incident = await Incident.created(stage, severity="sev4")
    names = ["open_war_room_by_webhook", "open_war_room"]
    pressed = [await stage.press(name, incident.identifier, {}, RESPONDER) for name in names]

    runs = await asyncio.gather(*(stage.finished(run) for run in pressed))

    assert [run["payload"]["type"] for run in runs] == ["WEBHOOK", "INTEGRATION_ACTION"]
    assert [run["status"] for run in runs] == ["SUCCESS", "SUCCESS"]
    assert len(await incident.rooms()) == 1
    done = await outside(stage, incident.since)
    assert [done.count(one) for one in ("conversations.create", "chat.postMessage", "meetings.create")] == [
        1,
        1,
        1,
    ]


async def test_a_named_team_may_read_private_rooms(other_stage: Stage) -> None:
    incident = await Incident.created(other_stage, severity="sev1", private=True, responders=[RESPONDER])
    room = await incident.opened()

    await room.say("finding: the payroll of the board is in the log")

    await room.noted("the private room is mirrored", lambda notes: len(notes) == 1)
    assert (await room.seen())["private"]
    assert [note["team"] for note in await incident.notes()] == [[TEAM]]


async def test_where_zoom_gives_none_the_static_bridge_stands_in(other_stage: Stage) -> None:
    refusal = {"service": "zoom", "operation": "meetings.create", "status": 400, "error": "300"}
    async with trouble(other_stage, refusal):
        incident = await Incident.created(other_stage, severity="sev1", responders=[RESPONDER])
        room = await incident.opened()

    assert (room.properties["bridgeKind"], room.properties["bridge"]) == ("static", STATIC_BRIDGE)
    assert (await incident.entity())["properties"]["warRoomBridge"] == STATIC_BRIDGE
    assert STATIC_BRIDGE in (await room.seen())["topic"]
    assert [mark["link"] for mark in (await room.seen())["bookmarks"] if mark["title"] == "Bridge"] == [
        STATIC_BRIDGE
    ]
    assert "meetings.create" not in await outside(other_stage, incident.since)


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


async def test_by_socket_mode_words_clicks_and_commands_arrive(other_stage: Stage) -> None:
    """Port's runs are claimed, too: nothing calls the integration."""
    incident = await Incident.created(other_stage, severity="sev1", responders=[RESPONDER])
    room = await incident.opened()
    ts = await room.say("finding: the pool is exhausted")
    await room.noted("what was said is noted", lambda notes: ts in notes)

    said = {"channel": room.channel, "user": RESPONDER, "command": "/incident"}
    answer = await other_stage.ask("POST", "/slack/command", {**said, "text": "note decision: we fail over"})

    assert "Follow it in Port" in answer["answer"]["text"]
    assert (await incident.run("add_note"))["status"] == "SUCCESS"


async def test_slack_asks_to_connect_again_and_nothing_is_missed(other_stage: Stage) -> None:
    room = await spoken(other_stage)

    await other_stage.ask("POST", "/slack/socket-mode/disconnect", {})
    between = await room.say("impact: nobody can pay")

    await room.noted("what was said meanwhile is noted", lambda notes: between in notes)
    after = await room.say("question: since when?")
    await room.noted("what is said later is noted", lambda notes: after in notes)
