"""What a Web API method is here: a handler, the scopes it needs and its rate tier."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.args import Args
from sandbox.slack.changes import Changes
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import Limits
from sandbox.slack.marks import Marks
from sandbox.slack.scopes import Scopes
from sandbox.slack.state import App, Channel, Store
from sandbox.world import Json


class Limited(SlackError):
    """Too many calls: HTTP 429 with `Retry-After` in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


@dataclass
class Workspace:
    """The parts a method works with."""

    store: Store
    changes: Changes
    marks: Marks
    limits: Limits


@dataclass
class Context:
    """One call: who asks, with which arguments, and what it changed in words (`effect`)."""

    space: Workspace
    app: App
    args: Args
    method: Method
    effect: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.space.store

    @property
    def changes(self) -> Changes:
        return self.space.changes

    @property
    def me(self) -> str:
        return self.app.user

    def allow(self, *alternatives: str) -> None:
        """Refuse with missing_scope unless the token has one of these; nothing listed needs nothing."""
        if alternatives and not self.app.scopes.intersection(alternatives):
            raise SlackError(
                "missing_scope", needed=",".join(alternatives), provided=",".join(sorted(self.app.scopes))
            )

    def allow_kind(self, kind: str) -> None:
        if isinstance(self.method.scopes, Mapping):
            self.allow(*self.method.scopes[kind])

    def channel(
        self,
        argument: str = "channel",
        *,
        missing: str = "channel_not_found",
        archived: str | None = None,
        outside: str | None = None,
    ) -> Channel:
        """The conversation an argument names, if the bot may know of it.

        `archived` and `outside` are the error codes when it is archived, or when the bot isn't in it; None
        does not look. A private conversation without the bot is `missing`, as if it weren't there.
        """
        return self.known(self.args.need(argument), missing=missing, archived=archived, outside=outside)

    def known(
        self, given: str, *, missing: str = "channel_not_found", archived: str | None, outside: str | None
    ) -> Channel:
        channel = self.store.channels.get(given)
        if channel is None or (channel.private and self.me not in channel.members):
            raise SlackError(missing)
        self.allow_kind(channel.kind)
        if archived and channel.archived:
            raise SlackError(archived)
        if outside and self.me not in channel.members:
            raise SlackError(outside)
        return channel


Handler = Callable[[Context], Awaitable[Json]]


@dataclass(frozen=True)
class Method:
    """`tier` as published (None: special limits); `json` whether arguments may come as JSON;
    `open` whether it works without a token."""

    name: str
    handler: Handler
    scopes: Scopes = ()
    tier: int | None = None
    json: bool = True
    open: bool = False

    def scope_alternatives(self) -> tuple[str, ...]:
        """All scopes of which one at least is needed, whatever the conversation."""
        if isinstance(self.scopes, tuple):
            return self.scopes
        return tuple(dict.fromkeys(scope for kind in self.scopes.values() for scope in kind))


def page(items: list[Any], key: Callable[[Any], str], limit: int, cursor: str) -> tuple[list[Any], str]:
    """One page and the cursor of the next ("" after the last). A cursor names the first item of its page."""
    start = 0
    if cursor:
        wanted = read_cursor(cursor)
        keys = [key(item) for item in items]
        if wanted not in keys:
            raise SlackError("invalid_cursor")
        start = keys.index(wanted)
    end = start + limit
    return items[start:end], write_cursor(key(items[end])) if end < len(items) else ""


def write_cursor(value: str) -> str:
    return base64.b64encode(f"next:{value}".encode()).decode()


def read_cursor(cursor: str) -> str:
    try:
        kind, _, value = base64.b64decode(cursor, validate=True).decode().partition(":")
    except ValueError:  # not ASCII, not base64 or not text
        raise SlackError("invalid_cursor") from None
    if kind != "next" or not value:
        raise SlackError("invalid_cursor")
    return value


def page_size(context: Context, default: int, most: int, error: str = "invalid_limit") -> int:
    """`limit` between 1 and `most`; 0 means the default."""
    limit = context.args.number("limit", default, error) or default
    if not 1 <= limit <= most:
        raise SlackError(error)
    return limit
