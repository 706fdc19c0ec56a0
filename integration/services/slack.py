"""Slack's Web API as far as a war room needs it.

Slack answers HTTP 200 with `ok: false` for a refusal, so a status proves nothing. It has no idempotency
keys: a lost answer to a post or a creation is Ambiguous and never repeated here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from loguru import logger

from integration.budget import Budget, Priority
from integration.errors import Ambiguous, Refused, Unreachable
from integration.models.base import Json
from integration.models.slack import Bookmark, Bot, Channel, Message, Post, SlackUser
from integration.services.http import Patience
from integration.services.slack_errors import ABOUT_A_PERSON, IN_ALREADY, SomeRefused
from integration.services.slack_screen import SlackScreen
from integration.services.slack_shapes import (
    bookmark_of,
    channel_of,
    missed_of,
    objects,
    reason_of,
    string,
    user_of,
)
from integration.services.slack_wire import SlackWire
from integration.slack_payload import TOMBSTONE, is_system, is_ts, message_from_event

TOPIC_LIMIT: Final = 250  # characters
INVITE_LIMIT: Final = 100  # user ids in one call
PAGE: Final = 200  # Slack's advice for lists; 999 at most
TYPES: Final = "public_channel,private_channel"


class SlackService:
    """Our own client. Methods raise the errors of `integration.errors`; codes are Slack's.

    api_url   e.g. https://slack.com/api/
    token     a bot token, xoxb-...
    timeout   seconds for one request

    A 429 is waited out within `patience.max_wait`, for writes too: it means that nothing happened.
    `priority` says who goes first when a method's budget is short.
    """

    def __init__(
        self,
        api_url: str,
        token: str,
        budget: Budget,
        timeout: float = 10.0,
        patience: Patience | None = None,
    ) -> None:
        self._wire = SlackWire(api_url, token, budget, timeout, patience or Patience())
        self.screen = SlackScreen(self._wire)
        self._bot: Bot | None = None
        self._asking = asyncio.Lock()

    async def aclose(self) -> None:
        await self._wire.aclose()

    async def me(self, *, priority: Priority = Priority.ROOM) -> Bot:
        """Who our token is. Asked once and kept."""
        async with self._asking:
            if self._bot is None:
                body = await self._wire.read("auth.test", priority)
                url = string(body.get("url"))
                self._bot = Bot(
                    user_id=string(body.get("user_id")),
                    bot_id=string(body.get("bot_id")),
                    team_url=url if url.endswith("/") else url + "/",
                )
            return self._bot

    async def headers(self, *, priority: Priority = Priority.INTERNAL) -> dict[str, str]:
        """Of an answer of Slack's: `x-oauth-scopes`, `date`, ..."""
        return await self._wire.headers(priority)

    # -- channels ------------------------------------------------------------------------------------

    async def create_channel(
        self, name: str, private: bool = False, *, priority: Priority = Priority.ROOM
    ) -> Channel:
        """Raises Refused with code name_taken also when an archived channel holds the name."""
        method = "conversations.create"
        body = await self._wire.write(method, priority, name=name, is_private=private)
        return self._channel(method, body.get("channel"), member=True)

    async def channel(self, channel: str, *, priority: Priority = Priority.ROOM) -> Channel | None:
        """None when there is none, or when it is private and our bot is not in it."""
        method = "conversations.info"
        try:
            body = await self._wire.read(method, priority, channel=channel)
        except Refused as refusal:
            if refusal.code == "channel_not_found":
                return None
            raise
        return self._channel(method, body.get("channel"))

    async def my_channels(self, *, priority: Priority = Priority.ROOM) -> list[Channel]:
        """Every public and private channel our bot is in, archived ones included, all pages."""
        method = "users.conversations"
        pages = self._wire.pages(
            method, "channels", priority, types=TYPES, exclude_archived=False, limit=PAGE
        )
        return [self._channel(method, item, member=True) async for page in pages for item in page]

    async def join(self, channel: str, *, priority: Priority = Priority.ROOM) -> None:
        """Step into a public channel; already being in it is fine."""
        await self._wire.write("conversations.join", priority, channel=channel)

    async def invite(
        self, channel: str, user_ids: Iterable[str], *, priority: Priority = Priority.ROOM
    ) -> dict[str, str]:
        """Invite people; returns those who were not, each with the reason in words. In already is in.

        Raises when it is the channel that refuses (is_archived, not_in_channel, missing_scope, ...).
        """
        people = list(dict.fromkeys(user_ids))
        missed: dict[str, str] = {}
        for start in range(0, len(people), INVITE_LIMIT):
            missed |= await self._invite(channel, people[start : start + INVITE_LIMIT], priority)
        return missed

    async def _invite(self, channel: str, people: Sequence[str], priority: Priority) -> dict[str, str]:
        method, users = "conversations.invite", ",".join(people)
        try:
            # `force` invites the valid ones in spite of the others.
            body = await self._wire.write(method, priority, channel=channel, users=users, force=True)
        except Refused as refusal:
            if refusal.code not in ABOUT_A_PERSON:
                raise
            errors = refusal.errors if isinstance(refusal, SomeRefused) else ()
            named = {string(item.get("user")) for item in errors}
            others = [person for person in people if person not in named]
            if len(others) < len(people):
                # Those not named should be in by now; asking again costs a call and makes sure.
                again = await self._invite(channel, others, priority) if others else {}
                return missed_of(errors) | again
            if len(people) == 1:
                return {} if refusal.code in IN_ALREADY else {people[0]: reason_of(refusal.code)}
            # Slack names the fault but not whose it is.
            each = [await self._invite(channel, [person], priority) for person in people]
            return {person: reason for missed in each for person, reason in missed.items()}
        return missed_of(body.get("errors"))

    async def set_topic(self, channel: str, topic: str, *, priority: Priority = Priority.DECORATION) -> None:
        """The topic is cut to 250 characters. Slack tells the channel of it."""
        cut = topic if len(topic) <= TOPIC_LIMIT else topic[: TOPIC_LIMIT - 1] + "…"
        await self._wire.write("conversations.setTopic", priority, channel=channel, topic=cut)

    async def archive(self, channel: str, *, priority: Priority = Priority.INTERNAL) -> None:
        """Archive it; archived already is fine. It throws our bot out, and a bot cannot unarchive."""
        try:
            await self._wire.write("conversations.archive", priority, channel=channel)
        except Refused as refusal:
            if refusal.code != "already_archived":
                raise

    async def bookmarks(self, channel: str, *, priority: Priority = Priority.DECORATION) -> list[Bookmark]:
        body = await self._wire.read("bookmarks.list", priority, channel_id=channel)
        return [found for item in objects(body.get("bookmarks")) if (found := bookmark_of(item))]

    async def add_bookmark(
        self, channel: str, title: str, link: str, *, priority: Priority = Priority.DECORATION
    ) -> Bookmark:
        body = await self._wire.write(
            "bookmarks.add", priority, channel_id=channel, title=title, type="link", link=link
        )
        bookmark = bookmark_of(body.get("bookmark"))
        if bookmark is None:
            raise self._wire.unreadable("bookmarks.add", "a bookmark without id")
        return bookmark

    # -- messages ------------------------------------------------------------------------------------

    async def post(
        self,
        channel: str,
        text: str,
        blocks: list[Json] | None = None,
        thread_ts: str | None = None,
        metadata: Json | None = None,
        *,
        priority: Priority = Priority.ROOM,
    ) -> Post:
        """Post once. `text` is what notifications show beside `blocks`.

        `metadata` is {"event_type", "event_payload"}; it comes back from history and replies.
        """
        method = "chat.postMessage"
        try:
            await self.me(priority=priority)  # for the permalink; asked before, so that it cannot fail after
        except Ambiguous as error:
            # About auth.test only: the message itself has not been sent.
            raise Unreachable(error.service, error.operation, error.code, error.detail) from None
        body = await self._wire.write(
            method,
            priority,
            method_class=f"{method}:{channel}",
            channel=channel,
            text=text,
            blocks=blocks,
            thread_ts=thread_ts,
            metadata=metadata,
        )
        _warn(method, body)
        ts = string(body.get("ts"))
        if not ts:
            raise self._wire.unreadable(method, "a message without ts")
        where = string(body.get("channel")) or channel
        return Post(
            channel=where, ts=ts, permalink=await self.permalink(where, ts, thread_ts), metadata=metadata
        )

    async def update_message(
        self,
        channel: str,
        ts: str,
        text: str,
        blocks: list[Json] | None = None,
        metadata: Json | None = None,
        *,
        priority: Priority = Priority.INTERNAL,
    ) -> None:
        """Replace a message of ours. `text` over 4,000 characters is refused (msg_too_long).

        Without `blocks` the old ones are dropped; without `metadata` the old one stays.
        """
        await self._wire.write(
            "chat.update",
            priority,
            channel=channel,
            ts=ts,
            text=text,
            blocks=[] if blocks is None else blocks,
            metadata=metadata,
        )

    async def history(
        self,
        channel: str,
        oldest: str | None = None,
        latest: str | None = None,
        limit: int = PAGE,
        *,
        priority: Priority = Priority.MIRROR,
    ) -> AsyncIterator[list[Message]]:
        """Pages of a channel's messages, without replies. `oldest` and `latest` are ts and included.

        Slack gives the newest page first and within a page the newest message first; so does this.
        A page that cannot be read raises: what came before is then not the whole.
        """
        pages = self._wire.pages(
            "conversations.history",
            "messages",
            priority,
            channel=channel,
            oldest=oldest,
            latest=latest,
            inclusive=True,
            limit=limit,
            include_all_metadata=True,
        )
        async for page in pages:
            yield self._messages("conversations.history", channel, page)

    async def last_said(self, channel: str, *, priority: Priority = Priority.INTERNAL) -> float | None:
        """When somebody other than us last said something that stands, in seconds since the epoch.

        A reply counts where its thread began on the newest page that anybody else has written on. None:
        nobody has said anything.
        """
        method, bot = "conversations.history", await self.me(priority=priority)
        async for page in self._wire.pages(method, "messages", priority, channel=channel, limit=PAGE):
            stamps: list[float] = []
            for item, message in zip(page, self._messages(method, channel, page), strict=True):
                ours = message.user == bot.user_id or (bool(bot.bot_id) and message.bot_id == bot.bot_id)
                if not ours and not is_system(message) and message.subtype != TOMBSTONE:
                    stamps.append(float(message.ts))
                others = item.get("reply_users") or [""]  # Slack names five; nobody named: somebody's
                if is_ts(reply := item.get("latest_reply")) and set(others) != {bot.user_id}:
                    stamps.append(float(reply))
            if stamps:
                return max(stamps)
        return None

    async def replies(
        self, channel: str, thread_ts: str, *, priority: Priority = Priority.MIRROR
    ) -> list[Message]:
        """A thread, oldest first, all pages, its parent included. Empty when there is no such thread."""
        method = "conversations.replies"
        found: dict[str, Message] = {}  # Slack repeats the parent on every page
        pages = self._wire.pages(
            method, "messages", priority, channel=channel, ts=thread_ts, limit=PAGE, include_all_metadata=True
        )
        try:
            async for page in pages:
                found |= {message.ts: message for message in self._messages(method, channel, page)}
        except Refused as refusal:
            if refusal.code != "thread_not_found":
                raise
        return [found[ts] for ts in sorted(found)]

    async def permalink(self, channel: str, ts: str, thread_ts: str | None = None) -> str:
        """The link to a message in Slack's own form, computed: saves a call of chat.getPermalink each."""
        link = f"{(await self.me()).team_url}archives/{channel}/p{ts.replace('.', '')}"
        if thread_ts and thread_ts != ts:
            link += "?" + urlencode({"thread_ts": thread_ts, "cid": channel})
        return link

    @staticmethod
    def message_from_payload(channel: str, payload: Json) -> Message:
        """The message that a message object describes, from an event or from a read: one function for both.

        Raises ValueError when it has no valid ts.
        """
        return message_from_event(channel, payload)

    # -- people --------------------------------------------------------------------------------------

    async def user_by_email(self, email: str, *, priority: Priority = Priority.ROOM) -> SlackUser | None:
        """None when nobody active in the workspace has this address."""
        return await self._user("users.lookupByEmail", "users_not_found", priority, email=email)

    async def user(self, user: str, *, priority: Priority = Priority.MIRROR) -> SlackUser | None:
        """None when there is no such user; deactivated ones are given, marked as deleted."""
        return await self._user("users.info", "user_not_found", priority, user=user)

    async def _user(self, method: str, unknown: str, priority: Priority, **params: str) -> SlackUser | None:
        try:
            body = await self._wire.read(method, priority, **params)
        except Refused as refusal:
            if refusal.code == unknown:
                return None
            raise
        found = user_of(body.get("user"))
        if found is None:
            raise self._wire.unreadable(method, "a user without id")
        return found

    # -- shared --------------------------------------------------------------------------------------

    def _messages(self, method: str, channel: str, page: list[Json]) -> list[Message]:
        try:
            return [self.message_from_payload(channel, item) for item in page]
        except ValueError:
            raise self._wire.unreadable(method, "a message without ts") from None

    def _channel(self, method: str, found: Any, member: bool = False) -> Channel:
        channel = channel_of(found, member)
        if channel is None:
            raise self._wire.unreadable(method, "a channel without id")
        return channel


def _warn(method: str, body: Json) -> None:
    """`message_truncated` and the like: Slack did it, but not quite as asked."""
    metadata = body.get("response_metadata")
    warnings = metadata.get("warnings") if isinstance(metadata, dict) else None
    if warnings:
        logger.warning(f"slack {method}: {warnings}")
