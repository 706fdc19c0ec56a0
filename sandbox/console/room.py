"""A Slack channel as a person in it sees it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from sandbox.console import blocks, mrkdwn
from sandbox.slack.state import Channel, Store

Json = dict[str, Any]

_QUIET = {
    "channel_join",
    "channel_leave",
    "channel_topic",
    "channel_purpose",
    "channel_name",
    "channel_archive",
    "channel_unarchive",
    "bot_add",
    "pinned_item",
    "reminder_add",
}
"""Subtypes that Slack shows as a grey line."""


@dataclass
class Line:
    """One message."""

    ts: str
    at: datetime
    who: str
    bot: bool
    initials: str
    hue: int  # degrees; the colour of the avatar
    body: Markup
    quiet: bool = False
    edited: bool = False
    deleted: bool = False
    pinned: bool = False
    reactions: list[tuple[str, int, str]] = field(default_factory=list)  # character, how many, who
    replies: list[Line] = field(default_factory=list)


@dataclass
class View:
    id: str
    name: str
    private: bool
    archived: bool
    topic: Markup
    members: list[str]
    bookmarks: list[Json]
    lines: list[Line]
    permalink: str


class Rooms:
    """Reads the sandbox's Slack. Never writes."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def name(self, key: str) -> str:
        """The display name behind a user, channel or user group id; the id itself when unknown."""
        user = self.store.users.get(key)
        if user is not None:
            return user.real_name or user.name
        channel = self.store.channels.get(key)
        if channel is not None:
            return channel.name
        group = self.store.usergroups.get(key)
        return str(group.get("handle", key)) if group else key

    def all(self) -> list[Channel]:
        """Channels, newest first; no direct messages."""
        found = [c for c in self.store.channels.values() if c.kind in ("public", "private")]
        return sorted(found, key=lambda c: c.created, reverse=True)

    def view(self, key: str) -> View | None:
        """A channel by id or name."""
        channel = self.store.channels.get(key) or self.store.channel_named(key)
        if channel is None:
            return None
        top: dict[str, Line] = {}
        replies: list[tuple[str, Line]] = []
        for ts in sorted(channel.messages, key=float):
            line, thread = self._line(channel, ts)
            if thread and thread != ts:
                replies.append((thread, line))
            else:
                top[ts] = line
        for thread, line in replies:
            parent = top.get(thread)
            if parent is not None:
                parent.replies.append(line)
            else:
                top[line.ts] = line
        topic = str(channel.info["topic"].get("value", ""))
        return View(
            id=channel.id,
            name=channel.name,
            private=channel.private,
            archived=channel.archived,
            topic=mrkdwn.html(topic, self.name),
            members=[self.name(m) for m in channel.members],
            bookmarks=list(channel.bookmarks.values()),
            lines=[top[ts] for ts in sorted(top, key=float)],
            permalink=f"/console/channel/{channel.id}",
        )

    def _line(self, channel: Channel, ts: str) -> tuple[Line, str]:
        """A message and the ts of its thread. Of a deleted one only the place is shown."""
        message = channel.messages[ts].now
        if message is None:
            return self._deleted({"ts": ts}), ""
        if message.get("subtype") == "tombstone":
            return self._deleted(message), str(message.get("thread_ts", ""))
        line = self._shell(message)
        line.body = self._body(message)
        line.quiet = message.get("subtype") in _QUIET
        if line.quiet and not str(message.get("text", "")).startswith("<@"):
            line.body = Markup("{} {}").format(line.who, line.body)
        line.edited = "edited" in message
        line.pinned = channel.id in message.get("pinned_to", [])
        for reaction in message.get("reactions", []):
            users = [self.name(u) for u in reaction.get("users", [])]
            shown = mrkdwn.emoji(str(reaction.get("name", "")))
            line.reactions.append((shown, int(reaction.get("count", len(users))), ", ".join(users)))
        return line, str(message.get("thread_ts", ""))

    def _deleted(self, message: Json) -> Line:
        line = self._shell(message)
        line.deleted, line.body = True, Markup("This message was deleted.")
        line.quiet = "user" not in message
        return line

    def _shell(self, message: Json) -> Line:
        user = str(message.get("user", ""))
        who = str(message.get("username") or (self.name(user) if user else "") or "app")
        parts = [p for p in who.replace(".", " ").replace("-", " ").split() if p]
        return Line(
            ts=str(message["ts"]),
            at=datetime.fromtimestamp(float(message["ts"]), UTC),
            who=who,
            bot=bool(message.get("bot_id")),
            initials="".join(p[0] for p in parts[:2]).upper() or "?",
            hue=zlib.crc32(who.encode()) % 360,
            body=Markup(""),
        )

    def _body(self, message: Json) -> Markup:
        given = message.get("blocks") or []
        text = mrkdwn.html(str(message.get("text", "")), self.name)
        if not given or (blocks.only_rich_text(given) and message.get("text")):
            body = text
        else:
            body = blocks.html(given, self.name)
        for attachment in message.get("attachments") or []:
            if not isinstance(attachment, dict):
                continue
            inside = blocks.html(attachment.get("blocks") or [], self.name)
            said = str(attachment.get("text") or attachment.get("fallback") or "")
            inside = inside or mrkdwn.html(said, self.name)
            body += Markup('<div class="attachment">{}</div>').format(inside)
        return body
