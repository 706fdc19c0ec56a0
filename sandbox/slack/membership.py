"""conversations.*: who is in a channel, and direct messages."""

from __future__ import annotations

from sandbox.slack import render, state
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Context, Method, page, page_size
from sandbox.slack.scopes import INVITE, MANAGE, READ
from sandbox.slack.state import Channel
from sandbox.world import Json

INVITE_MAX = 100
MPIM_MAX = 8  # people in a group message beside the caller


async def invite(context: Context) -> Json:
    """Up to 100 users. One that can't be invited refuses the whole call, unless `force` is set."""
    channel = context.channel(archived="is_archived", outside="not_in_channel")
    _only_channels(channel)
    users = list(dict.fromkeys(context.args.names("users")))
    if not users:
        raise SlackError("no_user")
    if len(users) > INVITE_MAX:
        raise SlackError("too_many_users")
    refused = {user: why for user in users if (why := _cannot_invite(context, channel, user))}
    errors = [{"user": user, "ok": False, "error": why} for user, why in refused.items()]
    if refused and (not context.args.flag("force") or len(refused) == len(users)):
        raise SlackError(next(iter(refused.values())), errors=errors)
    welcome = [user for user in users if user not in refused]
    for user in welcome:
        context.changes.join(channel, user, context.me)
    context.effect = f"{len(welcome)} invited to {channel.name}: {', '.join(welcome)}"
    shown: Json = {"channel": render.channel(channel, channel.info, context.me)}
    return shown | ({"errors": errors} if errors else {})


def _cannot_invite(context: Context, channel: Channel, user: str) -> str | None:
    found = context.store.users.get(user)
    if found is None or found.id == state.SLACKBOT:
        return "user_not_found"
    if user == context.me:
        return "cant_invite_self"
    if user in channel.members:
        return "already_in_channel"
    return "cant_invite" if found.deleted else None


async def kick(context: Context) -> Json:
    channel = context.channel(outside="not_in_channel")
    _only_channels(channel)
    user = context.args.need("user")
    if user == context.me:
        raise SlackError("cant_kick_self")
    if channel.is_general:
        raise SlackError("cant_kick_from_general")
    if user not in context.store.users:
        raise SlackError("user_not_found")
    if user not in channel.members:
        raise SlackError("not_in_channel")
    context.changes.leave(channel, user)
    context.effect = f"{user} removed from {channel.name}"
    return {"errors": {}}


async def join(context: Context) -> Json:
    """Public channels only; joining twice is a warning, not an error."""
    channel = context.channel(archived="is_archived")
    if channel.kind != "public":
        raise SlackError("method_not_supported_for_channel_type")
    if context.me in channel.members:
        context.warnings.append("already_in_channel")
    else:
        context.changes.join(channel, context.me)
        context.effect = f"{context.app.name} joined {channel.name}"
    return {"channel": render.channel(channel, channel.info, context.me)}


async def leave(context: Context) -> Json:
    channel = context.channel(archived="is_archived")
    _only_channels(channel)
    if channel.is_general:
        raise SlackError("cant_leave_general")
    if context.me not in channel.members:
        return {"not_in_channel": True}
    if channel.private and len(channel.members) == 1:
        raise SlackError("last_member")
    context.changes.leave(channel, context.me)
    context.effect = f"{context.app.name} left {channel.name}"
    return {}


async def members(context: Context) -> Json:
    channel = context.channel()
    limit = page_size(context, 100, 1000)
    ids, cursor = page(channel.members, str, limit, context.args.text("cursor"))
    return {"members": ids, "response_metadata": {"next_cursor": cursor}}


async def open_direct(context: Context) -> Json:
    """conversations.open: the direct or group message with these users, made when there is none."""
    if given := context.args.text("channel"):
        channel = context.known(given, archived=None, outside=None)
        if channel.kind not in ("im", "mpim"):
            raise SlackError("method_not_supported_for_channel_type")
        return _opened(context, channel, already=True)
    users = [user for user in dict.fromkeys(context.args.names("users")) if user != context.me]
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > MPIM_MAX:
        raise SlackError("too_many_users")
    for user in users:
        found = context.store.users.get(user)
        if found is None:
            raise SlackError("user_not_found")
        if found.deleted:
            raise SlackError("user_disabled")
    context.allow_kind("im" if len(users) == 1 else "mpim")
    known = direct(context, users)
    if known is not None:
        return _opened(context, known, already=True)
    if context.args.flag("prevent_creation"):
        raise SlackError("channel_not_found")
    made = new_direct(context, users)
    context.effect = f"direct message {made.id} with {', '.join(users)} opened"
    return _opened(context, made, already=False)


def direct(context: Context, users: list[str]) -> Channel | None:
    wanted = {context.me, *users}
    for channel in context.store.channels.values():
        if channel.kind in ("im", "mpim") and set(channel.members) == wanted:
            return channel
    return None


def new_direct(context: Context, users: list[str]) -> Channel:
    kind = "im" if len(users) == 1 else "mpim"
    names = "--".join(context.store.users[user].name for user in [context.me, *users])
    name = "" if kind == "im" else f"mpdm-{names}-1"
    return context.store.new_channel(kind, name, context.me, [context.me, *users])


def _opened(context: Context, channel: Channel, already: bool) -> Json:
    shown: Json = {"id": channel.id}
    if context.args.flag("return_im") or channel.kind == "mpim":
        shown = render.channel(channel, channel.info, context.me)
    return {"channel": shown, **({"no_op": True, "already_open": True} if already else {})}


def _only_channels(channel: Channel) -> None:
    if channel.kind in ("im", "mpim"):
        raise SlackError("method_not_supported_for_channel_type")


METHODS = [
    Method("conversations.invite", invite, INVITE, 3),
    Method("conversations.kick", kick, MANAGE, 3),
    Method("conversations.join", join, ("channels:join",), 3),
    Method("conversations.leave", leave, MANAGE, 3),
    Method("conversations.members", members, READ, 4, json=False),
    Method("conversations.open", open_direct, MANAGE, 3),
]
