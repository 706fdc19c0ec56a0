"""The clients against the emulators, over HTTP, with every habit that breaks naive clients switched on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from integration.budget import Budget
from integration.errors import Ambiguous, CredentialsRefused, Refused
from integration.services.http import Patience
from integration.services.port import PortService
from integration.services.slack import SlackService
from integration.services.zoom import ZoomService
from sandbox import credentials
from sandbox.app import HOSTS, PEOPLE, Sandbox, build
from sandbox.world import World
from tests.sandbox.serve import serve, until
from tests.services.request_contract import request_violations

HOST = HOSTS[0]


@dataclass
class Stage:
    sandbox: Sandbox
    slack: SlackService
    zoom: ZoomService
    port: PortService

    def count(self, service: str, operation: str) -> int:
        """How often an operation took effect."""
        return sum(
            entry.effect is not None
            for entry in self.sandbox.world.journal
            if (entry.service, entry.operation) == (service, operation)
        )

    def fault(self, **values: object) -> None:
        self.sandbox.world.faults.add(values)


@pytest.fixture
async def stage(budget: Budget, patience: Patience) -> AsyncIterator[Stage]:
    sandbox = build(World(seed=7))
    async with serve(sandbox.app) as base:
        slack = SlackService(
            f"{base}/slack/api/", credentials.SLACK_BOT_TOKEN, budget, timeout=3.0, patience=patience
        )
        zoom = ZoomService(
            f"{base}/zoom/v2",
            f"{base}/zoom/oauth/token",
            credentials.ZOOM_ACCOUNT_ID,
            credentials.ZOOM_CLIENT_ID,
            credentials.ZOOM_CLIENT_SECRET,
            budget,
            timeout=3.0,
            patience=patience,
        )
        port = PortService(
            f"{base}/port",
            credentials.PORT_CLIENT_ID,
            credentials.PORT_CLIENT_SECRET,
            budget,
            timeout=3.0,
            patience=patience,
        )
        yield Stage(sandbox, slack, zoom, port)
        for service in (slack, zoom, port):
            await service.aclose()
        await sandbox.close()


async def a_room_in_slack(stage: Stage) -> None:
    slack = stage.slack
    bot = await slack.me()
    channel = await slack.create_channel("inc-1-k7f3")
    assert (channel.creator, channel.member) == (bot.user_id, True)
    people = [await slack.user_by_email(email) for email in (*PEOPLE, "nobody@example.com")]
    known = [person.id for person in people if person]
    assert len(known) == len(PEOPLE)
    assert set(await slack.invite(channel.id, [*known, "U0NOBODY0"])) == {"U0NOBODY0"}
    assert await slack.invite(channel.id, known) == {}
    await slack.set_topic(channel.id, "sev1 · checkout fails")
    marker = {"event_type": "incident_comms", "event_payload": {"key": "k1"}}
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Briefing*"}}]
    post = await slack.post(channel.id, "Briefing", blocks, metadata=marker)
    reply = await slack.post(channel.id, "in the thread", thread_ts=post.ts)
    assert "thread_ts" in reply.permalink
    await slack.update_message(channel.id, post.ts, "Briefing, corrected")
    await slack.add_bookmark(channel.id, "Bridge", "https://example.com/j/1")
    assert [bookmark.title for bookmark in await slack.bookmarks(channel.id)] == ["Bridge"]

    async def marked() -> bool:
        pages = [page async for page in slack.history(channel.id)]
        return any(message.metadata == marker and message.edited_ts for page in pages for message in page)

    seen: bool = await until(marked, what="the post, corrected and with its marker, in history")
    assert seen
    assert [m.text for m in await slack.replies(channel.id, post.ts)][-1] == "in the thread"
    assert [found.id for found in await slack.my_channels()] == [channel.id]
    assert await slack.user(bot.user_id) is not None
    await slack.join(channel.id)
    await slack.archive(channel.id)
    await slack.archive(channel.id)
    with pytest.raises(Refused) as refused:
        await slack.post(channel.id, "too late")
    assert refused.value.code == "is_archived"
    assert await slack.channel("C0NOBODY0") is None
    with pytest.raises(Refused) as refused:
        await slack.create_channel("inc-1-k7f3")
    assert refused.value.code == "name_taken"


async def a_bridge_in_zoom(stage: Stage) -> None:
    zoom = stage.zoom
    meeting = await zoom.create_meeting(HOST, "INC-1", "[k1] bridge", minutes=60, start=datetime.now(UTC))
    assert await zoom.meeting(meeting.id) is not None
    assert any("[k1]" in found.agenda for found in await zoom.meetings(HOST))
    user = await zoom.user(HOST)
    assert user is not None
    assert user.licensed
    await zoom.end_meeting(meeting.id)
    await zoom.delete_meeting(meeting.id)
    await zoom.delete_meeting(meeting.id)
    await zoom.end_meeting(meeting.id)
    assert await zoom.meeting(meeting.id) is None
    assert await zoom.user("nobody@example.com") is None
    with pytest.raises(Refused) as refused:
        await zoom.create_meeting("nobody@example.com", "t", "a")
    assert refused.value.code == "1001"


BLUEPRINT = {
    "identifier": "note",
    "title": "Note",
    "schema": {"properties": {"text": {"type": "string"}, "n": {"type": "number"}}, "required": []},
    "relations": {},
}
ACTION = {
    "identifier": "say",
    "title": "Say",
    "trigger": {
        "type": "self-service",
        "operation": "DAY-2",
        "blueprintIdentifier": "note",
        "userInputs": {"properties": {"text": {"type": "string"}}, "required": []},
    },
    "invocationMethod": {
        "type": "WEBHOOK",
        "url": "http://127.0.0.1:9/nobody",
        "synchronized": False,
        "body": {"run": "{{ .run.id }}"},
    },
}


async def notes_and_runs_in_port(stage: Stage) -> None:
    port = stage.port
    assert await port.blueprint("note") is None
    await port.create_blueprint(BLUEPRINT)
    await port.patch_blueprint("note", {"title": "Notes"})
    await port.put_blueprint("note", BLUEPRINT)
    notes = [{"identifier": f"n{n}", "properties": {"n": n}} for n in range(25)]
    assert all(outcome.created for outcome in await port.create_entities("note", notes))
    again = await port.create_entities(
        "note", [*notes[:2], {"identifier": "x", "properties": {"n": "wrong"}}]
    )
    assert [(o.created, o.exists, o.written) for o in again] == [
        (False, True, False),
        (False, True, False),
        (False, False, False),
    ]
    merged = await port.merge_entities("note", [{"identifier": "n0", "properties": {"text": "t"}}])
    assert (merged[0].exists, merged[0].written) == (True, True)
    entity = await port.get_entity("note", "n0")
    assert entity is not None
    assert (entity["properties"]["n"], entity["properties"]["text"]) == (0, "t")
    await port.patch_entity("note", "n0", {"text": "changed"}, title="a title")
    assert await port.get_entity("note", "n404") is None
    with pytest.raises(Refused) as refused:
        await port.patch_entity("note", "n404", {})
    assert refused.value.code == "404"
    rules = [{"property": "n", "operator": ">=", "value": 20}]

    async def searched() -> bool:
        return len(await port.search("note", rules, include=["$identifier"])) == 5

    seen: bool = await until(searched, what="the notes in search")
    assert seen

    await port.create_action(ACTION)
    assert await port.action("say") is not None
    await port.put_action("say", ACTION)
    run = await port.create_run("say", {"text": "hello"}, "n0", PEOPLE[0])
    await port.log_run(run["id"], "a line")
    assert run["id"] in [active["id"] for active in await port.active_runs("say")]
    assert await port.finish_run(run["id"], True, "done", "It was said.", ["https://example.com/x"])
    assert await port.finish_run(run["id"], True, "done", "It was said.", ["https://example.com/x"])
    assert not await port.finish_run(run["id"], False, "late", "No.", [])
    stands = await port.run(run["id"])
    assert stands is not None
    assert stands["status"] == "SUCCESS"
    assert await port.run("r_nobody") is None
    assert await port.delete_action("say")
    assert not await port.delete_action("say")


@pytest.mark.parametrize("story", [a_room_in_slack, a_bridge_in_zoom, notes_and_runs_in_port])
async def test_stories(stage: Stage, story: object) -> None:
    assert callable(story)
    await story(stage)

    assert request_violations(stage.sandbox.world.journal) == []


@pytest.mark.parametrize("drop", ["before", "after", "half"])
async def test_a_creation_whose_answer_is_lost_is_made_at_most_once(stage: Stage, drop: str) -> None:
    await stage.zoom.warm()
    await stage.slack.me()
    for service, operation in [
        ("slack", "conversations.create"),
        ("slack", "chat.postMessage"),
        ("zoom", "meetings.create"),
    ]:
        stage.fault(service=service, operation=operation, drop=drop)

    with pytest.raises(Ambiguous):
        await stage.zoom.create_meeting(HOST, "t", "a")
    with pytest.raises(Ambiguous):
        await stage.slack.create_channel("inc-1")

    done = 0 if drop == "before" else 1
    assert stage.count("slack", "conversations.create") == done
    assert stage.count("zoom", "meetings.create") == done


@pytest.mark.parametrize("drop", ["before", "after", "half"])
async def test_create_only_repeated_says_that_it_exists(stage: Stage, drop: str) -> None:
    await stage.port.create_blueprint(BLUEPRINT)
    stage.fault(service="port", operation="entities.bulk", drop=drop)

    (outcome,) = await stage.port.create_entities("note", [{"identifier": "n1", "properties": {}}])

    assert outcome.created == (drop == "before")
    assert outcome.exists == (drop != "before")
    assert stage.count("port", "entities.bulk") == 1


async def test_a_429_costs_time_and_nothing_else(stage: Stage) -> None:
    for service, operation in [("slack", "conversations.create"), ("zoom", "meetings.create")]:
        stage.fault(service=service, operation=operation, status=429, retry_after="1", times=1)

    channel, meeting = await asyncio.gather(
        stage.slack.create_channel("inc-1"), stage.zoom.create_meeting(HOST, "t", "a")
    )

    assert channel.id
    assert meeting.id
    assert stage.count("slack", "conversations.create") == stage.count("zoom", "meetings.create") == 1


async def test_wrong_credentials_are_named_everywhere(
    stage: Stage, budget: Budget, patience: Patience
) -> None:
    root = stage.slack._wire._client.base_url.removesuffix("/slack/api/")
    slack = SlackService(f"{root}/slack/api/", "xoxb-wrong", budget, patience=patience)
    zoom = ZoomService(
        f"{root}/zoom/v2", f"{root}/zoom/oauth/token", "a", "b", "c", budget, patience=patience
    )
    port = PortService(f"{root}/port", "a", "b", budget, patience=patience)

    for asked in (slack.me(), zoom.warm(), port.warm()):
        with pytest.raises(CredentialsRefused) as caught:
            await asked
        assert caught.value.hint
    for service in (slack, zoom, port):
        await service.aclose()
