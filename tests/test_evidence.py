"""What became of our messages at Slack and Statuspage, read back from the emulators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from starlette.routing import Router

from integration.budget import Budget
from integration.effects import METADATA_EVENT
from integration.entities import text_hash
from integration.evidence import Evidence, Sent, SlackEvidence, kept_nowhere, page_evidence
from integration.services.http import Patience
from integration.services.slack import SlackService
from integration.services.statuspage import StatuspageService
from sandbox import credentials
from sandbox.slack.service import Slack
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.statuspage.service import Statuspage
from sandbox.world import Hostility, World
from tests.sandbox.serve import serve

DANA = "dana@example.com"
BRIDGE = "https://zoom.example.com/j/1"


@dataclass
class Room:
    """A channel of ours with what we posted in it."""

    world: World
    theirs: Slack
    ours: SlackService
    channel: str

    async def post(self, text: str, key: str = "", thread: str = "", **more: Any) -> Sent:
        key = key or f"INC-1:update:{text_hash(text)[:8]}"
        marker = {"event_type": METADATA_EVENT, "event_payload": {"key": key}}
        post = await self.ours.post(self.channel, text, metadata=marker, thread_ts=thread or None)
        receipt = {"channel": self.channel, "ts": post.ts}
        given: dict[str, Any] = {"purpose": "update", "destination": self.channel, "text": text, **more}
        return Sent(key=key, operation="post_message", receipt=receipt, permalink=post.permalink, **given)

    def reader(self, *on_record: str) -> SlackEvidence:
        return SlackEvidence(self.ours, "INC-1", on_record, [BRIDGE], settle=0.01)

    async def read(self, *sent: Sent) -> list[Evidence]:
        return await self.reader(*(one.key for one in sent)).read(sent)

    async def outcomes(self, *sent: Sent) -> list[str]:
        by_key = {one.key: one.outcome for one in await self.read(*sent)}
        return [by_key[one.key] for one in sent]

    def opened(self) -> Sent:
        return Sent(key="INC-1:channel", operation="open_channel", receipt={"channel": self.channel})


@pytest_asyncio.fixture
async def room() -> AsyncIterator[Room]:
    world = World()
    world.hostility = Hostility.none()
    world.hostility.archived_bot_out = True
    theirs = Slack(world)
    theirs.seed({"users": [{"email": DANA}], "rate_limits": False})
    async with serve(Router(theirs.routes())) as base:
        ours = SlackService(
            f"{base}/slack/api/", credentials.SLACK_BOT_TOKEN, Budget(), 3.0, Patience(tries=1, backoff=0.0)
        )
        channel = await ours.create_channel("inc-1-room")
        yield Room(world, theirs, ours, channel.id)
        await ours.aclose()


async def test_what_stands_was_edited_or_deleted_is_told_apart(room: Room) -> None:
    kept = await room.post("🔎 *Finding*: see https://example.com/a &amp; dana@example.com")
    edited = await room.post("It is slow")
    deleted = await room.post("It is over")
    reply = await room.post("More of it", thread=kept.ts)
    husk = await room.post("Once the head of a thread")
    await room.post("its reply", thread=husk.ts)
    room.theirs.edit(room.channel, edited.ts, "It is fast")
    room.theirs.delete(room.channel, deleted.ts)
    room.theirs.delete(room.channel, husk.ts)

    found = await room.outcomes(kept, edited, deleted, reply, husk)

    assert found == ["as sent", "edited", "deleted", "as sent", "deleted"]


async def test_a_late_bridge_in_the_briefing_is_ours_and_nothing_else_is(room: Room) -> None:
    late = await room.post("INC-1 is slow", key="INC-1:briefing", purpose="briefing")
    await room.ours.update_message(room.channel, late.ts, f"INC-1 is slow Bridge: {BRIDGE}")
    again = await room.post("INC-1 is slow", key="INC-1:room:2:briefing", purpose="briefing")
    await room.ours.update_message(room.channel, again.ts, "INC-1 is slow")
    other = await room.post("INC-1 is slow", key="INC-1:room:3:briefing", purpose="briefing")
    await room.ours.update_message(room.channel, other.ts, "INC-1 is slow Bridge: https://evil.example.com")
    same = await room.post("INC-1 is slow", key="INC-1:update:1")
    await room.ours.update_message(room.channel, same.ts, "INC-1 is slow")

    assert await room.outcomes(late, again, other, same) == ["amended", "amended", "edited", "edited"]


async def test_a_second_message_and_one_on_no_record_are_seen(room: Room) -> None:
    first = await room.post("It is slow", key="INC-1:update:1")
    twin = await room.post("It is slow", key="INC-1:update:1")
    stray = await room.post("On no record", key="INC-1:update:9")
    await room.post("Of another incident", key="INC-10:update:1")
    reader = room.reader(first.key)

    found = await reader.read([first, room.opened()])

    assert sorted(one.outcome for one in found) == ["as sent", "as sent", "doubled"]
    (doubled,) = [one for one in found if one.outcome == "doubled"]
    assert twin.permalink in doubled.detail
    assert [(one.key, one.permalink) for one in reader.strays] == [(stray.key, stray.permalink)]


async def test_what_is_older_than_anything_shown_may_be_retention(room: Room) -> None:
    old = Sent(
        key="INC-1:update:1",
        operation="post_message",
        receipt={"channel": room.channel, "ts": "1600000000.000100"},
        text="Long ago",
    )

    assert await room.outcomes(old) == ["unreadable"]

    room.theirs.say(room.channel, DANA, "said before", ts="1590000000.000100")
    assert await room.outcomes(old) == ["deleted"]


async def test_out_of_reach_is_no_drift(room: Room) -> None:
    sent = await room.post("It is slow")
    await room.ours.archive(room.channel)

    (said,) = await room.read(sent)
    (opened,) = await room.read(room.opened())

    assert said.outcome == "unreadable"
    assert "archived" in said.detail
    assert (opened.outcome, opened.detail) == ("as sent", "archived")
    gone = sent.model_copy(update={"receipt": {"channel": "C0NOBODY00", "ts": sent.ts}})
    assert await room.outcomes(gone) == ["unreadable"]


async def test_a_failing_slack_proves_nothing(room: Room) -> None:
    sent = await room.post("It is slow")
    room.world.faults.add(
        {"service": "slack", "operation": "conversations.history", "status": 503, "times": 9}
    )

    (said,) = await room.read(sent)

    assert said.outcome == "unverified"
    assert "503" in said.detail
    nowhere = sent.model_copy(update={"receipt": {"channel": room.channel}})
    assert await room.outcomes(nowhere) == ["unverified"]


async def test_reading_changes_nothing(room: Room) -> None:
    sent = await room.post("It is slow")
    before = [entry for entry in room.world.journal if entry.effect]

    await room.read(sent, room.opened())

    assert [entry for entry in room.world.journal if entry.effect] == before


def test_a_mail_and_a_call_leave_nothing_to_read() -> None:
    sent = [
        Sent(key="INC-1:bridge", operation="open_bridge", receipt={}),
        Sent(key="INC-1:mail", operation="send_email", receipt={}),
        Sent(key="INC-1:update", operation="post_message", receipt={}),
    ]

    assert [(one.key, one.outcome) for one in kept_nowhere(sent)] == [
        ("INC-1:bridge", "not kept"),
        ("INC-1:mail", "not kept"),
    ]


# --- Statuspage ------------------------------------------------------------------------------------


@pytest.fixture
def theirs() -> Statuspage:
    world = World()
    world.hostility = Hostility.none()
    page = Statuspage(world)
    page.seed_default()
    page.seed({"keys": [credentials.STATUSPAGE_API_KEY]})
    return page


async def test_public_words_are_read_back(theirs: Statuspage) -> None:
    async with serve(Router(theirs.routes())) as base:
        ours = StatuspageService(
            f"{base}/statuspage/v1",
            credentials.STATUSPAGE_API_KEY,
            Budget(),
            patience=Patience(tries=1, backoff=0.0),
        )
        public = await ours.create_incident(
            DEFAULT_PAGE, name="Slow", status="investigating", body="We look.", deliver_notifications=False
        )
        (update,) = public.updates
        receipt = {"page": DEFAULT_PAGE, "incident": public.id, "update": update.id}
        receipt["textHash"] = text_hash(update.body)
        sent = Sent(key="INC-1:publish", operation="publish_incident", receipt=receipt)
        other = sent.model_copy(update={"receipt": {**receipt, "update": "nobody"}})

        async def outcomes() -> list[str]:
            return [one.outcome for one in await page_evidence(ours, [sent, other])]

        assert await outcomes() == ["as sent", "deleted"]
        theirs.people.edit_update(public.id, update.id, "Nothing happened.")
        assert await outcomes() == ["edited", "deleted"]
        theirs.people.delete_incident(public.id)
        assert await outcomes() == ["deleted", "deleted"]
        theirs.world.faults.add({"service": "statuspage", "operation": "*", "status": 500, "times": 5})
        assert await outcomes() == ["unverified", "unverified"]
        await ours.aclose()
