"""pins.*, reactions.* and bookmarks.*: what people and bots hang on messages and channels."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sandbox.slack import render, state
from sandbox.slack.errors import SlackError
from sandbox.slack.marks import pinned
from sandbox.slack.methods import Context, Method
from sandbox.slack.state import Channel
from sandbox.world import Json

PINS_MAX = 100
BOOKMARKS_MAX = 100
EMOJI_MAX = 50  # different reactions on one message
_EMOJI = re.compile(r"^[a-z0-9_+'\-]+(::skin-tone-[2-6])?$")


def emoji_name(given: str) -> str:
    """A reaction's name without colons; invalid_name when it can't be one."""
    name = given.strip().strip(":").lower()
    if not _EMOJI.match(name):
        raise SlackError("invalid_name")
    return name


def _message(context: Context, channel: Channel) -> tuple[str, Json]:
    ts = context.args.ts("timestamp", "bad_timestamp")
    if ts is None:
        raise SlackError("no_item_specified")
    message = channel.message(ts)
    if message is None or message.get("subtype") == "tombstone":
        raise SlackError("message_not_found")
    return ts, message


async def react(context: Context) -> Json:
    channel = context.channel(archived="is_archived", outside="channel_not_found")
    name = emoji_name(context.args.need("name"))
    ts, message = _message(context, channel)
    names = {one["name"] for one in message.get("reactions", [])}
    if name not in names and len(names) >= EMOJI_MAX:
        raise SlackError("too_many_emoji")
    if not context.space.marks.react(channel, ts, context.me, name):
        raise SlackError("already_reacted")
    context.effect = f":{name}: on {ts} in {channel.name}"
    return {}


async def unreact(context: Context) -> Json:
    if not context.args.raw("channel"):
        raise SlackError("no_item_specified")
    channel = context.channel(archived="no_access", outside="channel_not_found")
    name = emoji_name(context.args.need("name"))
    ts, _ = _message(context, channel)
    if not context.space.marks.unreact(channel, ts, context.me, name):
        raise SlackError("no_reaction")
    context.effect = f":{name}: taken from {ts} in {channel.name}"
    return {}


async def reactions(context: Context) -> Json:
    if not context.args.raw("channel"):
        raise SlackError("no_item_specified")
    channel = context.channel()
    ts, message = _message(context, channel)
    shown = render.message(message) | {"permalink": render.permalink(channel, ts, message.get("thread_ts"))}
    return {"type": "message", "channel": channel.id, "message": shown}


async def pin(context: Context) -> Json:
    channel = context.channel(archived="not_pinnable", outside="not_in_channel")
    ts, _ = _message(context, channel)
    if len(pinned(channel)) >= PINS_MAX:
        raise SlackError("too_many_pins")
    if not context.space.marks.pin(channel, ts, context.me):
        raise SlackError("already_pinned")
    context.effect = f"message {ts} pinned in {channel.name}"
    return {}


async def unpin(context: Context) -> Json:
    channel = context.channel(archived="permission_denied", outside="permission_denied")
    ts, _ = _message(context, channel)
    if not context.space.marks.unpin(channel, ts, context.me):
        raise SlackError("no_pin")
    context.effect = f"message {ts} unpinned in {channel.name}"
    return {}


async def pins(context: Context) -> Json:
    channel = context.channel()
    items = [
        {
            "type": "message",
            "channel": channel.id,
            "created": message["pinned_info"]["pinned_ts"],
            "created_by": message["pinned_info"]["pinned_by"],
            "message": render.message(message)
            | {"permalink": render.permalink(channel, message["ts"], message.get("thread_ts"))},
        }
        for message in pinned(channel)
    ]
    return {"items": items}


async def bookmark(context: Context) -> Json:
    channel = _bookmarkable(context)
    title, kind = context.args.need("title"), context.args.need("type")
    link = context.args.text("link")
    if kind not in ("link", "folder"):
        raise SlackError("invalid_bookmark_type")
    if kind == "link":
        _check_link(link)
    if len(channel.bookmarks) >= BOOKMARKS_MAX:
        raise SlackError("too_many_bookmarks")
    now = int(context.store.now())
    made: Json = {
        "id": context.store.world.ids.upper("Bk", 9),
        "channel_id": channel.id,
        "title": title,
        "link": link,
        "emoji": context.args.text("emoji"),
        "icon_url": None,
        "type": kind,
        "entity_id": context.args.raw("entity_id"),
        "date_created": now,
        "date_updated": 0,
        "rank": f"{len(channel.bookmarks):03d}",
        "last_updated_by_user_id": context.me,
        "last_updated_by_team_id": state.TEAM_ID,
        "shortcut_id": None,
        "app_id": context.app.id,
        "app_action_id": None,
    }
    channel.bookmarks[made["id"]] = made
    context.effect = f"bookmark {title!r} in {channel.name}: {link}"
    return {"bookmark": dict(made)}


async def edit_bookmark(context: Context) -> Json:
    channel = _bookmarkable(context)
    found = _bookmark(context, channel)
    if context.args.raw("link") is not None:
        _check_link(context.args.text("link"))
    for name in ("title", "link", "emoji"):
        if name in context.args.values:
            found[name] = context.args.text(name)
    found |= {"date_updated": int(context.store.now()), "last_updated_by_user_id": context.me}
    context.effect = f"bookmark {found['title']!r} in {channel.name} changed"
    return {"bookmark": dict(found)}


async def remove_bookmark(context: Context) -> Json:
    channel = _bookmarkable(context)
    found = _bookmark(context, channel)
    del channel.bookmarks[found["id"]]
    context.effect = f"bookmark {found['title']!r} in {channel.name} removed"
    return {}


async def bookmarks(context: Context) -> Json:
    channel = context.channel("channel_id")
    return {"bookmarks": [dict(one) for one in channel.bookmarks.values()]}


def _bookmarkable(context: Context) -> Channel:
    return context.channel("channel_id", archived="permission_denied", outside="permission_denied")


def _bookmark(context: Context, channel: Channel) -> Json:
    found = channel.bookmarks.get(context.args.need("bookmark_id"))
    if found is None:
        raise SlackError("not_found")
    return found


def _check_link(link: str) -> None:
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https", "slack", "mailto") or not (parts.netloc or parts.path):
        raise SlackError("invalid_link")


METHODS = [
    Method("reactions.add", react, ("reactions:write",), 3),
    Method("reactions.remove", unreact, ("reactions:write",), 2),
    Method("reactions.get", reactions, ("reactions:read",), 3, json=False),
    Method("pins.add", pin, ("pins:write",), 2),
    Method("pins.remove", unpin, ("pins:write",), 2),
    Method("pins.list", pins, ("pins:read",), 2, json=False),
    Method("bookmarks.add", bookmark, ("bookmarks:write",), 2),
    Method("bookmarks.edit", edit_bookmark, ("bookmarks:write",), 2),
    Method("bookmarks.remove", remove_bookmark, ("bookmarks:write",), 2),
    Method("bookmarks.list", bookmarks, ("bookmarks:read",), 3, json=False),
]
