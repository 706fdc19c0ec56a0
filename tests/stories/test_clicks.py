"""Buttons, shortcuts and `/incident` in Slack: a run of Port as that person, before Slack is answered."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Json, Stage
from tests.stories.play import OWNER, RESPONDER, Incident, Room, becomes

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def room(stage: Stage) -> Room:
    incident = await Incident.created(stage, severity="sev1", responders=[RESPONDER, OWNER])
    return await incident.opened()


async def shown(stage: Stage, user: str = RESPONDER) -> Json:
    """The newest form that this person sees."""
    people = {one["email"]: one["id"] for one in (await stage.ask("GET", "/state"))["slack"]["users"]}
    views = await stage.ask("GET", "/slack/views")
    found: Json = [view for view in views if view["user"] == people[user]][-1]
    return found


async def press(room: Room, action: str, user: str = RESPONDER) -> Json:
    briefing = (await room.ours())[0]["ts"]
    body = {"channel": room.channel, "ts": briefing, "action_id": f"incident_comms.{action}", "user": user}
    answer: Json = await room.stage.ask("POST", "/slack/press", body)
    assert (answer["status"], answer["problem"]) == (200, None)
    return await shown(room.stage, user)


async def submit(room: Room, view: Json, user: str = RESPONDER, **values: Any) -> Json:
    body = {"view": view["id"], "user": user, "values": values}
    answer: Json = await room.stage.ask("POST", "/slack/submit", body)
    assert (answer["status"], answer["problem"]) == (200, None)
    return dict(answer["answer"])


async def command(room: Room, text: str, channel: str = "", user: str = RESPONDER) -> str:
    body = {"channel": channel or room.channel, "user": user, "command": "/incident"}
    answer: Json = await room.stage.ask("POST", "/slack/command", body | ({"text": text} if text else {}))
    assert (answer["status"], answer["problem"]) == (200, None)
    return str((answer["answer"] or {}).get("text", ""))


def words(view: Json) -> str:
    return "\n".join(block.get("text", {}).get("text", "") for block in view["blocks"])


async def test_a_note_by_a_button_in_the_room(room: Room) -> None:
    view = await press(room, "add_note")

    assert room.incident.identifier in words(view)
    answer = await submit(room, view, kind="finding", text="the cache was cold")

    assert answer["response_action"] == "update"
    assert "Follow it in Port" in words(answer["view"])
    run = await room.incident.run("add_note")
    assert (run["status"], run["createdBy"]) == ("SUCCESS", (await by(room.stage, RESPONDER)))
    notes = [note["properties"] for note in await written(room)]
    assert [(note["kind"], note["text"], note["author"]) for note in notes] == [
        ("finding", "the cache was cold", RESPONDER)
    ]


async def by(stage: Stage, email: str) -> str:
    """How Port names a person in a run."""
    users = (await stage.port.get("/users?fields=id&fields=email")).json()["users"]
    return str(next(one["id"] for one in users if one["email"] == email))


async def written(room: Room) -> list[Json]:
    """Notes that were not said but written."""
    found = await room.stage.of_incident("incidentNote", room.incident.identifier)
    return [note for note in found if not note["properties"].get("ts")]


async def test_a_form_that_is_sent_twice_asks_once(room: Room) -> None:
    before = len(await written(room))
    again = {"kind": "decision", "text": "we fail over", "operationId": "slack.C1.U1.V0SAMEFORM"}

    for _ in "12":
        assert (await room.incident.press("add_note", **again))["status"] == "SUCCESS"

    assert len(await written(room)) == before + 1
    said = [one for one in await room.ours() if "we fail over" in one["text"]]
    assert len(said) == 1


async def test_what_was_said_becomes_a_note_by_a_shortcut(room: Room) -> None:
    ts = await room.say("nobody renewed the certificate", OWNER)
    body = {"channel": room.channel, "ts": ts, "callback_id": "add_note", "user": OWNER}

    await room.stage.ask("POST", "/slack/shortcut", body)

    view = await shown(room.stage, OWNER)
    text = next(block for block in view["blocks"] if block.get("block_id") == "text")
    assert text["element"]["initial_value"] == "nobody renewed the certificate"
    await submit(room, view, OWNER, kind="finding")
    run = await room.incident.run("add_note", 4)
    assert run["status"] == "SUCCESS"


async def test_a_public_post_waits_for_approval(room: Room) -> None:
    view = await press(room, "publish_status_page")
    blocks = {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}
    page = blocks["page"]["element"]["options"][0]["value"]
    component = blocks["major_outage"]["element"]["options"][0]["value"]

    given = {"page": page, "name": "Checkout is slow", "body": "Some payments fail."}
    answer = await submit(room, view, **given, major_outage=[component], notifySubscribers="no")

    assert "waits for approval" in words(answer["view"])
    runs = await room.incident.runs()
    asked = next(run for run in runs if run["action"]["identifier"] == "publish_status_page")
    assert asked["status"] == "WAITING_FOR_APPROVAL"
    assert asked["properties"]["notifySubscribers"] is False
    assert asked["properties"]["major_outage"] == [component]


async def test_the_command_says_what_it_can_do_and_does_it(room: Room) -> None:
    assert "open INC-42" in await command(room, "")
    assert "Follow it in Port" in await command(room, "note impact: one in ten payments fails")
    await becomes("the note stands", lambda: _any(room, "one in ten payments fails"))

    other = await Incident.created(room.stage, severity="sev4")
    assert "Follow it in Port" in await command(room, f"open {other.identifier}")

    assert (await other.run("open_war_room"))["status"] == "SUCCESS"
    assert RESPONDER in await (await other.room()).members()


async def _any(room: Room, text: str) -> bool | None:
    return any(note["properties"]["text"] == text for note in await written(room)) or None


async def test_where_it_cannot_be_done_the_person_is_told(room: Room) -> None:
    await room.stage.ask("POST", "/slack/channels", {"name": "lunch", "user": RESPONDER})

    assert "not the war room" in await command(room, "close", channel="lunch")
    assert "INC-404" in await command(room, "open INC-404")


async def test_who_may_not_in_port_may_not_in_slack(room: Room) -> None:
    """In Slack, and unknown to Port."""
    email = "guest@example.com"
    await room.stage.ask("POST", "/seed", {"slack": {"users": [{"email": email, "name": "guest"}]}})
    await room.stage.ask("POST", "/slack/join", {"channel": room.channel, "user": email})
    view = await press(room, "add_note", email)

    answer = await submit(room, view, email, kind="finding", text="let me in")

    assert answer["response_action"] == "errors"
    assert email in next(iter(answer["errors"].values()))
    assert not await _any(room, "let me in")


async def test_what_fails_later_is_told_to_who_asked(room: Room) -> None:
    empty = {"identifier": "nobody-yet", "title": "Nobody yet", "properties": {"knows": "technical"}}
    await room.stage.create("commsAudience", empty)
    view = await becomes("the audience can be chosen", lambda: _with_audience(room))

    await submit(room, view, audiences=["nobody-yet"], text="hello")

    assert (await room.incident.run("post_update"))["status"] == "FAILURE"

    async def told() -> str | None:
        entries = await room.stage.journal(operation="chat.postEphemeral")
        return next((str(one["effect"]) for one in entries if one["effect"]), None)

    assert "nobody-yet" in await becomes("the person is told", told)


async def _with_audience(room: Room) -> Json | None:
    form = {"channel": room.channel, "user": RESPONDER, "command": "/incident", "text": "update"}
    await room.stage.ask("POST", "/slack/command", form)
    view = await shown(room.stage)
    audiences = next(block for block in view["blocks"] if block.get("block_id") == "audiences")
    known = [one["value"] for one in audiences["element"]["options"]]
    return view if "nobody-yet" in known else None
