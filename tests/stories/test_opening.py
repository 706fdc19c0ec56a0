"""An incident gets its room: by itself when it is severe, by a button, and never when it should not."""

from __future__ import annotations

import asyncio
import json

import pytest
import pytest_asyncio

from sandbox.stage import Json, Stage
from tests.stories.play import (
    LATECOMER,
    OPENING,
    OWNER,
    RESPONDER,
    SERVICE,
    STRANGER,
    Incident,
    Room,
    ago,
    mark,
    outside,
    quiet,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def severe(stage: Stage) -> Room:
    """The room of a severe incident, looked at by several stories."""
    incident = await Incident.created(
        stage,
        "Carts are <empty> & gone 🔥",
        severity="sev1",
        services=[SERVICE],
        responders=[RESPONDER, STRANGER],
    )
    return await incident.opened()


async def test_a_severe_incident_gets_channel_bridge_and_people(severe: Room) -> None:
    shown, entity = await severe.seen(), await severe.incident.entity()
    bridge = severe.properties["bridge"]

    assert await severe.members() == {RESPONDER, OWNER}
    assert set(severe.properties["invited"]) == {RESPONDER, OWNER}
    assert [line.split(":")[0] for line in severe.properties["notInvited"]] == [STRANGER]
    assert entity["properties"]["warRoomChannel"] == severe.properties["channel"]
    assert entity["properties"]["warRoomBridge"] == bridge
    assert entity["properties"]["warRoomState"] == severe.properties["state"] == "open"
    assert entity["relations"]["warRoom"] == severe.incident.identifier
    assert shown["topic"].startswith("sev1 · investigating")
    assert "Carts are <empty> & gone 🔥" in shown["topic"]
    assert bridge in shown["topic"]
    marks = {mark["title"]: mark["link"] for mark in shown["bookmarks"]}
    assert set(marks) == {"Incident in Port", "Bridge"}
    assert marks["Bridge"] == bridge


async def test_the_briefing_says_what_is_wrong_and_where_to_go(severe: Room) -> None:
    (briefing,) = await severe.ours()

    name = severe.incident.identifier
    header, facts, link, *_ = briefing["blocks"]
    fields = "\n".join(field["text"] for field in facts["fields"])
    assert header["text"]["text"].endswith(f"{name}: Carts are <empty> & gone 🔥")
    assert header["type"] == "header"
    for fact in ("sev1", "investigating", SERVICE, f"<{severe.properties['bridge']}|Join the bridge>"):
        assert fact in fields
    assert f"identifier={name}|Open the incident in Port" in link["text"]["text"]
    assert briefing["metadata"]["event_payload"] == {"key": f"{name}:briefing"}


async def test_the_run_can_be_read_by_a_person(severe: Room) -> None:
    run = await severe.incident.run(OPENING)

    told = "\n".join(line["message"] for line in run["logs"])
    channel, bridge = severe.properties["channel"], severe.properties["bridge"]
    assert f"#{severe.properties['channelName']}" in run["summary"]
    assert run["statusLabel"] == "Open"
    assert set(run["link"]) == {channel, bridge}
    for line in (
        f"{severe.properties['channelName']}: {channel}",
        f"Bridge: {bridge}",
        f"Invited: {RESPONDER}, {OWNER}",
        f"Not invited: {STRANGER}: nobody in this Slack workspace has this address",
    ):
        assert line in told


async def test_every_effect_stands_on_the_record_with_its_receipt(severe: Room) -> None:
    record = await severe.incident.communications()

    (briefing,) = await severe.ours()
    assert {one["state"] for one in record.values()} == {"sent"}
    assert record["channel"]["receipt"]["channel"] == severe.channel
    assert record["bridge"]["receipt"]["meeting"] == severe.properties["meetingId"]
    assert severe.properties["bridge"] not in str(record["bridge"])
    assert severe.properties["bridge"] not in severe.stage.integration.log.read_text("utf-8")
    assert record["briefing"]["receipt"]["ts"] == briefing["ts"]
    assert record["briefing"]["permalink"] == briefing["permalink"]
    assert all(one["sentAt"] and "automation" in one["requestedBy"] for one in record.values())
    assert {one["run"] for one in record.values()} == {(await severe.incident.run(OPENING))["id"]}


async def test_raised_later_it_gets_its_room_then(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")
    await incident.change(severity="sev3")
    assert await incident.runs() == []

    await incident.change(severity="sev1")

    await incident.opened()
    assert (await outside(stage, incident.since)).count("conversations.create") == 1


async def test_a_low_one_and_a_resolved_one_get_none(stage: Stage) -> None:
    low = await Incident.created(stage, severity="sev3")
    over = await Incident.created(stage, severity="sev1", status="resolved")
    unknown = await Incident.created(stage)

    # Port fires automations as it writes: had these fired, there would be a run by now.
    for incident in (low, over, unknown):
        assert await incident.runs() == []
        assert await incident.rooms() == []


async def test_a_first_import_of_old_incidents_opens_no_room(stage: Stage) -> None:
    """As an integration imports: bulk writes with its own User-Agent."""
    old = [
        {
            "identifier": f"OLD-{number}",
            "title": f"Old incident {number}",
            "properties": {
                "status": "open" if number % 2 else "resolved",
                "severity": "sev1",
                "startedAt": ago(days=20, minutes=number),
            },
        }
        for number in range(500)
    ]
    before = await mark(stage)
    agent = {"user-agent": "port-ocean/pagerduty/1.0.0/my-pagerduty/exporter"}
    for first in range(0, len(old), 20):
        answer = await stage.port.post(
            "/blueprints/incident/entities/bulk",
            params={"upsert": "true", "merge": "true"},
            json={"entities": old[first : first + 20]},
            headers=agent,
        )
        assert answer.status_code == 200, answer.text
    last = await Incident.created(stage, severity="sev1")
    await last.opened()

    about_old = [
        run for run in await stage.runs() if run.get("entity", {}).get("identifier", "")[:4] == "OLD-"
    ]
    assert about_old == []
    assert (await outside(stage, before)).count("conversations.create") == 1


async def test_a_button_opens_one_for_any_severity(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")

    run = await incident.press("open_war_room")

    room = await incident.room()
    assert run["status"] == "SUCCESS"
    assert await room.members() == {RESPONDER}  # who pressed it wants to be in it
    assert RESPONDER in (await room.ours())[0]["blocks"][-1]["elements"][0]["text"]


async def test_the_button_on_an_open_room_says_where_it_is(severe: Room) -> None:
    await quiet(severe.stage)
    before = await mark(severe.stage)

    run = await severe.incident.press("open_war_room")

    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Already open")
    assert severe.properties["channel"] in run["link"]
    assert await outside(severe.stage, before) == []


async def test_a_double_click_opens_one_room(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")
    first, second = [await stage.press("open_war_room", incident.identifier, {}, RESPONDER) for _ in "12"]

    runs = await asyncio.gather(stage.finished(first), stage.finished(second))

    assert {run["status"] for run in runs} == {"SUCCESS"}
    assert len(await incident.rooms()) == 1
    done = await outside(stage, incident.since)
    assert done.count("conversations.create") == 1
    assert done.count("chat.postMessage") == 1
    assert done.count("meetings.create") == 1


async def test_without_severity_the_button_says_so_and_a_later_one_opens(stage: Stage) -> None:
    await quiet(stage)
    incident = await Incident.created(stage)

    run = await incident.press("open_war_room")

    assert run["status"] == "FAILURE"
    assert "severity" in run["summary"]
    assert incident.identifier in run["summary"]
    assert await incident.rooms() == []
    assert await outside(stage, incident.since) == []
    assert {one["state"] for one in (await incident.communications()).values()} <= {"withdrawn"}

    await incident.change(severity="sev2")

    await incident.opened()
    assert (await outside(stage, incident.since)).count("conversations.create") == 1


async def test_an_input_that_is_no_channel_is_refused_by_name(stage: Stage) -> None:
    await quiet(stage)
    incident = await Incident.created(stage, severity="sev4")

    for channel, word in [
        ("#checkout", "channel"),
        ("C0NOBODY00", "no channel C0NOBODY00"),
        ("x" * 600, "500"),
    ]:
        run = await incident.press("open_war_room", channel=channel)

        assert run["status"] == "FAILURE"
        assert word in run["summary"]
    assert await incident.rooms() == []
    assert await outside(stage, incident.since) == []


async def test_an_unknown_incident_is_named(stage: Stage) -> None:
    """A customer's own action may carry any identifier."""
    button = (await stage.port.get("/actions/open_war_room")).json()["action"]
    kept = {name: button[name] for name in ("invocationMethod", "publish")}
    text = json.dumps(kept).replace("{{ .entity.identifier }}", "{{ .inputs.incident }}")
    action: Json = {
        **json.loads(text.replace('"{{ .entity }}"', "null")),
        "identifier": "open_by_name",
        "title": "Open by name",
        "trigger": {
            "type": "self-service",
            "operation": "CREATE",
            "userInputs": {"properties": {"incident": {"type": "string"}}, "required": []},
        },
    }
    answer = await stage.port.post("/actions", json=action)
    assert answer.status_code == 201, answer.text
    await quiet(stage)
    before = await mark(stage)
    for given, sentence in [
        ({"incident": "INC-404"}, "Port has no incident 'INC-404'"),
        ({}, "incident"),
    ]:
        body = {"action": "open_by_name", "inputs": given, "user": RESPONDER}
        pressed = await stage.ask("POST", "/port/press", body)

        run = await stage.finished(pressed["run"]["id"])

        assert run["status"] == "FAILURE"
        assert sentence in run["summary"]
    assert await outside(stage, before) == []


async def test_people_named_later_are_invited_and_the_topic_follows(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev2", responders=[RESPONDER])
    room = await incident.opened()

    await incident.change(
        responders=[RESPONDER, LATECOMER, STRANGER], services=[SERVICE], title="It spreads", severity="sev1"
    )

    run = await incident.run("sync_war_room_on_change")
    assert run["status"] == "SUCCESS", run
    assert await room.members() == {RESPONDER, LATECOMER, OWNER}
    now = (await room.again()).properties
    assert set(now["invited"]) == {RESPONDER, LATECOMER, OWNER}
    assert len(now["notInvited"]) == 1
    topic = (await room.seen())["topic"]
    assert topic.startswith("sev1 · investigating")
    assert topic.endswith("It spreads")
    assert room.properties["bridge"] in topic
