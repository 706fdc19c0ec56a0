"""The other of Port's doors: Ocean claims runs of our own integration actions. Same handlers, same end."""

from __future__ import annotations

import asyncio
import json

import pytest

from sandbox.stage import Json, Stage
from tests.stories.play import OWNER, RESPONDER, SERVICE, Incident, outside

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_claimed_run_opens_the_room_and_is_acknowledged_once(other_stage: Stage) -> None:
    incident = await Incident.created(
        other_stage, severity="sev1", services=[SERVICE], responders=[RESPONDER]
    )

    room = await incident.opened()

    run = await incident.run("open_war_room_on_severity")
    assert run["payload"]["type"] == "INTEGRATION_ACTION"
    assert await room.members() == {RESPONDER, OWNER}
    assert len(await room.ours()) == 1
    assert (await incident.entity())["properties"]["warRoomChannel"] == room.properties["channel"]
    assert any(room.properties["channel"] in line["message"] for line in run["logs"])
    acknowledged = await other_stage.journal(since=incident.since, operation="runs.ack")
    assert [one["effect"] for one in acknowledged] == [f"run {run['id']} acknowledged"]


async def test_a_refused_input_is_told_through_this_door_too(other_stage: Stage) -> None:
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
