"""The effects on the outside: how each acts, and by which marker it is found again.

Vendors give no idempotency keys for these (Slack, Zoom: facts in docs/guarantees.md), so each effect
carries a marker that a later reader can find. Only `perform` calls what stands here.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

from loguru import logger

from integration.errors import Refused, ServiceError
from integration.models.base import Json
from integration.models.communication import Operation, Receipt, Step
from integration.models.slack import Bot, Channel, Post
from integration.models.zoom import Meeting
from integration.services.slack import SlackService
from integration.services.zoom import DailyLimit, ZoomService

METADATA_EVENT = "incident_comms"
NO_HOST = ("1001", "1010", "3161")  # Zoom: no such user, not ours, may not host
LOOK_BACK = timedelta(minutes=10)  # a provider's clock may differ from ours by minutes


class Effect(Protocol):
    readable: bool  # the provider can be asked what became of it; mail can't be read back

    async def act(self, step: Step) -> Receipt:
        """Do it once. Raises ServiceError; only Ambiguous leaves open whether it happened."""

    async def find(self, step: Step, intended_at: datetime) -> Receipt | None:
        """What an earlier attempt at this step has left at the provider, found by its marker."""

    def repeatable(self, step: Step) -> bool:
        """True when doing it twice is the same as doing it once, so that nobody need look first."""


class OpenChannel:
    """Create the incident's Slack channel, or step into the one that is linked.

    Marker: created by our bot, and the name ends in a keyed hash of the room. A name alone proves nothing.
    """

    readable = True

    def __init__(self, slack: SlackService, settle: float) -> None:
        self._slack = slack
        self._settle = settle  # seconds after which Slack's lists show what was just done

    def repeatable(self, step: Step) -> bool:
        return "link" in step.details

    async def act(self, step: Step) -> Receipt:
        if link := step.details.get("link"):
            return await self._link(str(link))
        names: list[str] = step.details["names"]
        private = bool(step.details.get("private"))
        for name in names:
            try:
                return _channel_receipt(await self._slack.create_channel(name, private))
            except Refused as refusal:
                if refusal.code != "name_taken":
                    raise
                # Nobody guesses the hash in our names: it may be ours, from a create whose answer was lost.
                if (ours := await self._look_again(step)) is not None:
                    return ours
                logger.warning(
                    f"slack: channel name {name!r} is taken by a channel that is not ours; trying another"
                )
        hint = "Rename or delete the foreign channels of that name, then open the war room again."
        raise Refused("slack", "conversations.create", "name_taken", ", ".join(names), hint)

    async def _look_again(self, step: Step) -> Receipt | None:
        found = await self.find(step, datetime.now(UTC))
        if found is None:
            await asyncio.sleep(self._settle)
            found = await self.find(step, datetime.now(UTC))
        return found

    async def find(self, step: Step, intended_at: datetime) -> Receipt | None:
        if self.repeatable(step):
            return None
        bot, channels = await asyncio.gather(self._slack.me(), self._slack.my_channels())
        ours = self._ours(step, bot, channels)
        if not ours:
            return None
        keep, *twins = sorted(ours, key=lambda channel: (channel.created, channel.id))
        for twin in twins:
            logger.warning(f"slack: channel {twin.id} is a twin of {keep.id} ({step.key}); archiving it")
            await self._slack.archive(twin.id)
        return _channel_receipt(keep, twins=[twin.id for twin in twins])

    @staticmethod
    def _ours(step: Step, bot: Bot, channels: list[Channel]) -> list[Channel]:
        tag = "-" + str(step.details["names"][0]).rsplit("-", 1)[-1]
        return [
            channel
            for channel in channels
            if channel.creator == bot.user_id and channel.name.endswith(tag) and not channel.archived
        ]

    async def _link(self, identifier: str) -> Receipt:
        channel = await self._slack.channel(identifier)
        if channel is None:
            hint = "Check the id; a private channel is seen only after somebody invites our bot into it."
            raise Refused("slack", "conversations.info", "channel_not_found", identifier, hint)
        if channel.archived:
            raise Refused(
                "slack", "conversations.info", "is_archived", identifier, "Unarchive it or link another."
            )
        if not channel.member:
            await self._slack.join(identifier)
        return _channel_receipt(channel, linked=True)


def _channel_receipt(channel: Channel, linked: bool = False, twins: list[str] | None = None) -> Receipt:
    data: Json = {"channel": channel.id, "name": channel.name, "private": channel.private, "linked": linked}
    if twins:
        data["archivedTwins"] = twins
    at = datetime.fromtimestamp(channel.created, UTC) if channel.created else None
    return Receipt(data=data, at=at)


class OpenBridge:
    """Create the incident's Zoom meeting with the first host of the pool that may.

    Marker: the step's key in the agenda, whose first 250 characters a host's list shows. Scheduled,
    never instant: instant meetings are in no list.
    """

    readable = True

    def __init__(self, zoom: ZoomService) -> None:
        self._zoom = zoom

    def repeatable(self, step: Step) -> bool:
        return False

    async def act(self, step: Step) -> Receipt:
        last: ServiceError | None = None
        for host in step.details["hosts"]:
            try:
                meeting = await self._zoom.create_meeting(
                    host,
                    str(step.details["topic"]),
                    agenda=f"{_marker(step)} War room bridge of {step.incident}",
                )
                return _meeting_receipt(meeting)
            except DailyLimit as limit:
                last = limit
                logger.warning(f"zoom: {host} has reached its daily limit; trying the next host of the pool")
            except Refused as refusal:
                if refusal.code not in NO_HOST:
                    raise
                last = refusal
                logger.warning(f"zoom: {host} can't host ({refusal.code}); trying the next host of the pool")
        raise last or Refused("zoom", "meetings.create", "no host", hint="Set zoomHosts.")

    async def find(self, step: Step, intended_at: datetime) -> Receipt | None:
        lists = await asyncio.gather(*(self._meetings(host) for host in step.details["hosts"]))
        marker = _marker(step)
        ours = [meeting for meetings in lists for meeting in meetings if marker in meeting.agenda]
        if not ours:
            return None
        keep, *twins = sorted(ours, key=lambda meeting: meeting.id)
        for twin in twins:
            logger.warning(f"zoom: meeting {twin.id} is a twin of {keep.id} ({step.key}); deleting it")
            await self._zoom.delete_meeting(twin.id)
        # Not every list shows how to join.
        found = keep if keep.join_url else await self._zoom.meeting(keep.id)
        return None if found is None else _meeting_receipt(found)

    async def _meetings(self, host: str) -> list[Meeting]:
        """A host's meetings; none of one who has left the account."""
        try:
            return await self._zoom.meetings(host)
        except Refused as refusal:
            if refusal.code not in NO_HOST:
                raise
            return []


def _marker(step: Step) -> str:
    return f"[{step.key}]"


def _meeting_receipt(meeting: Meeting) -> Receipt:
    data = {"meeting": meeting.id, "uuid": meeting.uuid, "host": meeting.host}
    return Receipt(data=data, join_url=meeting.join_url)


class PostMessage:
    """Post a message of ours. Marker: message metadata with the step's key."""

    readable = True

    def __init__(self, slack: SlackService) -> None:
        self._slack = slack

    def repeatable(self, step: Step) -> bool:
        return bool(step.details.get("edit"))  # a message that stands is changed; twice is once

    async def act(self, step: Step) -> Receipt:
        try:
            post = await self._post(step)
        except Refused as refusal:
            if refusal.code != "not_in_channel":
                raise
            await self._slack.join(step.destination)
            post = await self._post(step)
        return _post_receipt(post.channel, post.ts, post.permalink)

    async def _post(self, step: Step) -> Post:
        if standing := step.details.get("edit"):
            ts, link = str(standing["ts"]), str(standing["permalink"])
            blocks = step.details.get("blocks")
            await self._slack.update_message(step.destination, ts, step.text, blocks)
            return Post(channel=step.destination, ts=ts, permalink=link)
        return await self._slack.post(
            step.destination,
            step.text,
            blocks=step.details.get("blocks"),
            thread_ts=step.details.get("thread"),
            metadata={"event_type": METADATA_EVENT, "event_payload": {"key": step.key}},
        )

    async def find(self, step: Step, intended_at: datetime) -> Receipt | None:
        try:
            return await self._find(step, intended_at)
        except Refused as refusal:
            if refusal.code != "not_in_channel":
                raise
            # Before the first post to an audience's channel our bot was never in it.
            await self._slack.join(step.destination)
            return await self._find(step, intended_at)

    async def _find(self, step: Step, intended_at: datetime) -> Receipt | None:
        oldest = (intended_at - LOOK_BACK).timestamp()
        thread = step.details.get("thread")
        if thread:
            shown = await self._slack.replies(step.destination, str(thread))
        else:
            shown = []
            async for page in self._slack.history(step.destination, oldest=f"{oldest:.6f}"):
                shown += page
        found = [message for message in shown if _has_key(message.metadata, step.key)]
        if found:
            # Whoever may post can write metadata: only what our own bot has said is ours.
            bot = await self._slack.me()
            found = [message for message in found if message.bot_id == bot.bot_id]
        if not found:
            return None
        first = min(found, key=lambda message: float(message.ts))
        permalink = await self._slack.permalink(step.destination, first.ts)
        return _post_receipt(step.destination, first.ts, permalink, first.text)


def _has_key(metadata: Json | None, key: str) -> bool:
    if not metadata or metadata.get("event_type") != METADATA_EVENT:
        return False
    payload = metadata.get("event_payload")
    return isinstance(payload, dict) and payload.get("key") == key


def _post_receipt(channel: str, ts: str, permalink: str, text: str = "") -> Receipt:
    at = datetime.fromtimestamp(float(ts), UTC)
    return Receipt(data={"channel": channel, "ts": ts}, permalink=permalink, at=at, text=text)


def effects(slack: SlackService, zoom: ZoomService | None, settle: float) -> dict[Operation, Effect]:
    """Every operation and its effect. Without Zoom credentials no plan holds a bridge."""
    known: dict[Operation, Effect] = {
        "open_channel": OpenChannel(slack, settle),
        "post_message": PostMessage(slack),
    }
    if zoom is not None:
        known["open_bridge"] = OpenBridge(zoom)
    return known
