"""A channel as a person sees it, as plain values for a page: newest state, no lag, names not ids."""

from __future__ import annotations

import html
import re

from sandbox.slack import render
from sandbox.slack.marks import pinned
from sandbox.slack.state import Channel, Store
from sandbox.world import Json, iso

_MARKUP = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")


def channel(store: Store, room: Channel, since: float = 0.0) -> Json:
    """Everything shown in a channel.

    {id, name, kind, private, archived, topic, purpose, creator, created, members: [{id, name, email, bot}],
    bookmarks: [{title, link, emoji}], pins: [ts], messages: [message]}; a message is {ts, at, author, email,
    bot, text, raw, blocks, attachments, subtype, edited, deleted, pinned, reactions: [{name, count, users}],
    metadata, permalink, thread_ts, replies: [message]}. Times are RFC 3339; `text` is for
    people, `raw` is Slack's. What is older than `since` is left out.
    """
    now = (versions.now for versions in room.messages.values())
    standing = [message for message in now if message is not None and float(message["ts"]) >= since]
    standing.sort(key=lambda m: float(m["ts"]))
    replies: dict[str, list[Json]] = {}
    for message in standing:
        if message.get("thread_ts", message["ts"]) != message["ts"]:
            replies.setdefault(message["thread_ts"], []).append(_message(store, room, message))
    shown = [
        {**_message(store, room, message), "replies": replies.get(message["ts"], [])}
        for message in standing
        if message.get("thread_ts", message["ts"]) == message["ts"]
        or message.get("subtype") == "thread_broadcast"
    ]
    return {
        **brief(store, room),
        "members": [_person(store, one) for one in room.members],
        "bookmarks": [
            {key: one[key] for key in ("title", "link", "emoji")} for one in room.bookmarks.values()
        ],
        "pins": [message["ts"] for message in pinned(room)],
        "messages": shown,
    }


def brief(store: Store, room: Channel) -> Json:
    """A channel in one line of a list."""
    return {
        "id": room.id,
        "name": room.name,
        "kind": room.kind,
        "private": room.private,
        "archived": room.archived,
        "topic": readable(store, room.info["topic"]["value"]),
        "purpose": readable(store, room.info["purpose"]["value"]),
        "creator": _person(store, room.creator)["name"],
        "created": iso(room.created),
        "message_count": sum(versions.now is not None for versions in room.messages.values()),
    }


def readable(store: Store, text: str) -> str:
    """Slack's markup as a person reads it: names for ids, links without brackets, no escapes."""

    def shown(found: re.Match[str]) -> str:
        sign, target, label = found.groups()
        if label:
            return f"{label} ({target})" if not sign else f"{sign}{label}"
        if sign == "@":
            return f"@{_person(store, target)['name']}"
        if sign == "#" and target in store.channels:
            return f"#{store.channels[target].name}"
        return f"@{target}" if sign == "!" else sign + target

    return html.unescape(_MARKUP.sub(shown, text))


def _message(store: Store, room: Channel, message: Json) -> Json:
    person = _person(store, message.get("user", ""))
    return {
        "ts": message["ts"],
        "at": iso(float(message["ts"])),
        "author": message.get("username") or person["name"],
        "email": person["email"],
        "bot": "bot_id" in message,
        "text": readable(store, message.get("text", "")),
        "raw": message.get("text", ""),
        "blocks": message.get("blocks", []),
        "attachments": message.get("attachments", []),
        "subtype": message.get("subtype"),
        "edited": "edited" in message,
        "deleted": message.get("subtype") == "tombstone",
        "pinned": bool(message.get("pinned_to")),
        "reactions": [
            {**one, "users": [_person(store, user)["name"] for user in one["users"]]}
            for one in message.get("reactions", [])
        ],
        "metadata": message.get("metadata"),
        "permalink": render.permalink(room, message["ts"], message.get("thread_ts")),
        "thread_ts": message.get("thread_ts"),
    }


def _person(store: Store, user: str) -> Json:
    found = store.users.get(user)
    if found is None:
        return {"id": user, "name": user, "email": None, "bot": False}
    return {
        "id": found.id,
        "name": found.real_name,
        "email": found.email,
        "bot": found.bot_id is not None,
    }
