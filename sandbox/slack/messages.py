"""chat.*: post, change and take back messages."""

from __future__ import annotations

from typing import Any

from sandbox.slack import membership, render, rules
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Context, Limited, Method
from sandbox.slack.state import Channel
from sandbox.world import Json


async def post(context: Context) -> Json:
    channel = destination(context)
    wait = context.space.limits.post(context.app.id, channel.id)
    if wait is not None:
        raise Limited(wait)
    content = read_content(context)
    thread_ts = _parent(context, channel)
    name = context.args.raw("username") if "chat:write.customize" in context.app.scopes else None
    text = content.pop("text")
    message = context.changes.post(
        channel,
        context.me,
        text,
        app=context.app,
        thread_ts=thread_ts,
        broadcast=context.args.flag("reply_broadcast"),
        username=name,
        **content,
    )
    context.effect = f"message {message['ts']} posted to {channel.name or channel.id}"
    return {"channel": channel.id, "ts": message["ts"], "message": message}


def destination(context: Context) -> Channel:
    """Where a post goes: an id, a name with or without `#`, or a user for a direct message."""
    given = context.args.need("channel")
    store = context.store
    if given in store.users:
        found = membership.direct(context, [given]) or membership.new_direct(context, [given])
        return found
    named = None if given in store.channels else store.channel_named(given.removeprefix("#"))
    channel = context.known(named.id if named else given, archived="is_archived", outside=None)
    if context.me not in channel.members and "chat:write.public" not in context.app.scopes:
        raise SlackError("not_in_channel")
    return channel


def _parent(context: Context, channel: Channel) -> str | None:
    """The thread a post goes to; a reply's ts stands for its thread."""
    thread_ts = context.args.ts("thread_ts", "cannot_reply_to_message")
    if thread_ts is None:
        return None
    parent = channel.message(thread_ts)
    if parent is None:
        raise SlackError("cannot_reply_to_message")
    return str(parent.get("thread_ts", thread_ts))


def read_content(context: Context, *, too_long: str = "msg_blocks_too_long") -> Json:
    """text, blocks, attachments and metadata of a new message, checked. None stands for absent."""
    args = context.args
    text, markdown = args.text("text"), args.text("markdown_text")
    if markdown and (text or args.raw("blocks")):
        raise SlackError("markdown_text_conflict")
    if len(markdown) > rules.MARKDOWN_MAX:
        raise SlackError("msg_too_long")
    text = text or markdown
    if len(text) > rules.TEXT_MAX:
        text = text[: rules.TEXT_MAX]
        context.warnings.append("message_truncated")
    blocks, attachments = _given_blocks(context, too_long), _given_attachments(context)
    if not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    return {
        "text": rules.wire_text(text),
        "blocks": blocks or None,
        "attachments": attachments or None,
        "metadata": rules.read_metadata(args.raw("metadata")) if args.raw("metadata") else None,
    }


def _given_blocks(context: Context, too_long: str) -> list[Json] | None:
    value = context.args.raw("blocks")
    if value is None:
        return None
    blocks = rules.read_blocks(value, too_long=too_long)
    ids = context.store.world.ids
    return [block if block.get("block_id") else {**block, "block_id": ids.mixed(5)} for block in blocks]


def _given_attachments(context: Context) -> list[Json] | None:
    value = context.args.raw("attachments")
    return None if value is None else rules.read_attachments(value)


async def update(context: Context) -> Json:
    """Own messages only. Text without blocks removes the blocks; blocks leave no edited mark."""
    channel, ts, before = _own(context, "cant_update_message")
    args = context.args
    text = args.text("text") or args.text("markdown_text")
    if len(text) > rules.UPDATE_TEXT_MAX:
        raise SlackError("msg_too_long")
    blocks = _given_blocks(context, "msg_too_long")
    attachments = _given_attachments(context)
    values: Json = {}
    if text:
        values = {"text": rules.wire_text(text), "blocks": None}
    if blocks is not None:
        values["blocks"] = blocks or None
    if attachments is not None:
        values["attachments"] = attachments or None
    if not values:
        raise SlackError("no_text")
    if (metadata := args.raw("metadata")) is not None:
        # An empty object takes the metadata away; absent leaves it.
        values["metadata"] = None if metadata in ({}, "{}") else rules.read_metadata(metadata)
    merged = {**before, **values}
    if not merged.get("text") and not merged.get("blocks") and not merged.get("attachments"):
        raise SlackError("no_text")
    editor = None if values.get("blocks") else context.app.bot_id
    after = context.changes.edit(channel, ts, values, editor)
    context.effect = f"message {ts} in {channel.name or channel.id} changed"
    # The blocks are left out: the published contract calls them an object, which no client expects.
    shown = {key: value for key, value in render.message(after, metadata=True).items() if key != "blocks"}
    return {"channel": channel.id, "ts": ts, "text": after["text"], "message": shown}


async def delete(context: Context) -> Json:
    channel, ts, _ = _own(context, "cant_delete_message")
    context.changes.delete(channel, ts)
    context.effect = f"message {ts} in {channel.name or channel.id} deleted"
    return {"channel": channel.id, "ts": ts}


def _own(context: Context, refused: str) -> tuple[Channel, str, Json]:
    channel = context.channel(archived=refused)
    ts = context.args.ts("ts", "message_not_found")
    if ts is None:
        raise SlackError.arguments("missing required field: ts")
    message = channel.message(ts)
    if message is None or message.get("subtype") == "tombstone":
        raise SlackError("message_not_found")
    if message.get("bot_id") != context.app.bot_id:
        raise SlackError(refused)
    return channel, ts, message


async def ephemeral(context: Context) -> Json:
    """Shown to one person and kept nowhere; nothing reads it back."""
    channel = context.channel(archived="is_archived", outside="not_in_channel")
    user = context.args.need("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    content = read_content(context, too_long="msg_too_long")
    ts = context.store.next_ts()
    words = content["text"][:80]
    context.effect = f"shown to {user} alone in {channel.name}: {words}"
    return {"message_ts": ts}


async def permalink(context: Context) -> Json:
    channel = context.channel()
    ts = context.args.ts("message_ts", "message_not_found")
    message: Any = channel.message(ts) if ts else None
    if ts is None or message is None:
        raise SlackError("message_not_found")
    return {"channel": channel.id, "permalink": render.permalink(channel, ts, message.get("thread_ts"))}


METHODS = [
    Method("chat.postMessage", post, ("chat:write",)),
    Method("chat.update", update, ("chat:write",), 3),
    Method("chat.delete", delete, ("chat:write",), 3),
    Method("chat.postEphemeral", ephemeral, ("chat:write",), 4),
    Method("chat.getPermalink", permalink, json=False),
]
