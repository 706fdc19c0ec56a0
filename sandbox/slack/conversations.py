"""conversations.*: create, find, name and archive channels."""

from __future__ import annotations

import asyncio

from sandbox.slack import render, rules
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Context, Method, page, page_size
from sandbox.slack.scopes import MANAGE, READ, TOPIC
from sandbox.slack.state import Channel
from sandbox.world import Json

TWIN_GAP = 0.03
"""Seconds between looking whether a name is free and taking it: two creates in flight both see it free."""

_KINDS = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}


async def create(context: Context) -> Json:
    name, private = context.args.text("name"), context.args.flag("is_private")
    rules.check_name(name)
    context.allow_kind("private" if private else "public")
    if context.store.channel_named(name):
        raise SlackError("name_taken")
    if context.store.world.hostility.twin_creates:
        await asyncio.sleep(TWIN_GAP)
    channel = context.changes.create(name, context.me, private)
    context.effect = f"channel {name} ({channel.id}) created"
    return {"channel": _shown(context, channel)}


async def info(context: Context) -> Json:
    channel = context.channel()
    count = context.args.flag("include_num_members")
    return {"channel": render.channel(channel, channel.info, context.me, count=count)}


async def list_all(context: Context) -> Json:
    """Public channels, and private ones the bot is in; as they stood a lag ago."""
    shown = [
        render.channel(channel, state, context.me, count=True)
        for channel, state in _standing(context)
        if not channel.private or context.me in state["members"]
    ]
    return _listed(context, shown)


async def of_user(context: Context) -> Json:
    """users.conversations: where a user (the bot by default) is a member; as it stood a lag ago."""
    user = context.args.text("user") or context.me
    shown = [
        render.channel(channel, state, context.me, brief=True)
        for channel, state in _standing(context)
        if user in state["members"] and (not channel.private or context.me in state["members"])
    ]
    return _listed(context, shown)


def _standing(context: Context) -> list[tuple[Channel, Json]]:
    kinds = context.args.names("types") or ["public_channel"]
    if not set(kinds) <= set(_KINDS):
        raise SlackError("invalid_types")
    wanted = {_KINDS[kind] for kind in kinds}
    for kind in wanted:
        context.allow_kind(kind)
    live_only = context.args.flag("exclude_archived")
    moment = context.store.lagging()
    found = [
        (channel, state)
        for channel in context.store.channels.values()
        if channel.kind in wanted and (state := channel.about.at(moment)) is not None
    ]
    return [(channel, state) for channel, state in found if not (live_only and state["is_archived"])]


def _listed(context: Context, shown: list[Json]) -> Json:
    limit = page_size(context, 100, 1000)
    items, cursor = page(shown, lambda one: str(one["id"]), limit, context.args.text("cursor"))
    return {"channels": items, "response_metadata": {"next_cursor": cursor}}


async def rename(context: Context) -> Json:
    channel = context.channel(archived="is_archived", outside="not_in_channel")
    name = context.args.text("name")
    rules.check_name(name)
    holder = context.store.channel_named(name)
    if holder is not None and holder is not channel:
        raise SlackError("name_taken")
    if channel.creator != context.me:
        raise SlackError("not_authorized")
    if holder is None:
        context.changes.rename(channel, context.me, name)
        context.effect = f"channel {channel.id} renamed to {name}"
    return {"channel": _shown(context, channel)}


async def set_topic(context: Context) -> Json:
    return _describe(context, "topic")


async def set_purpose(context: Context) -> Json:
    return _describe(context, "purpose")


def _describe(context: Context, field: str) -> Json:
    channel = context.channel(archived="is_archived", outside="not_in_channel")
    value = context.args.text(field)
    if field not in context.args.values:
        raise SlackError.arguments(f"missing required field: {field}")
    rules.check_length(value, rules.TOPIC_MAX)
    context.changes.describe(channel, context.me, field, rules.wire_text(value))
    context.effect = f"{field} of {channel.name} set"
    return {"channel": _shown(context, channel), field: channel.info[field]["value"]}


async def archive(context: Context) -> Json:
    channel = context.channel()
    if channel.archived:
        raise SlackError("already_archived")
    if context.me not in channel.members:
        raise SlackError("not_in_channel")
    if channel.is_general:
        raise SlackError("cant_archive_general")
    if channel.kind in ("im", "mpim"):
        raise SlackError("method_not_supported_for_channel_type")
    context.changes.archive(channel, context.me)
    context.effect = f"channel {channel.name} archived"
    return {}


async def unarchive(context: Context) -> Json:
    """Slack takes bots out of a channel on archive, and then refuses them: not_in_channel."""
    channel = context.channel()
    if not channel.archived:
        raise SlackError("not_archived")
    if context.me not in channel.members:
        raise SlackError("not_in_channel")
    context.changes.unarchive(channel, context.me)
    context.effect = f"channel {channel.name} unarchived"
    return {}


def _shown(context: Context, channel: Channel) -> Json:
    return render.channel(channel, channel.info, context.me)


METHODS = [
    Method("conversations.create", create, MANAGE, 2),
    Method("conversations.info", info, READ, 3, json=False),
    Method("conversations.list", list_all, READ, 2, json=False),
    Method("users.conversations", of_user, READ, 3, json=False),
    Method("conversations.rename", rename, MANAGE, 2),
    Method("conversations.setTopic", set_topic, TOPIC, 2),
    Method("conversations.setPurpose", set_purpose, TOPIC, 2),
    Method("conversations.archive", archive, MANAGE, 2),
    Method("conversations.unarchive", unarchive, MANAGE, 2),
]
