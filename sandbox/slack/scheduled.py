"""chat.scheduleMessage and its list: messages that go out later by themselves."""

from __future__ import annotations

import asyncio

from sandbox.slack.errors import SlackError
from sandbox.slack.messages import destination, read_content
from sandbox.slack.methods import Context, Method, page, page_size
from sandbox.world import Json

FARTHEST = 120 * 24 * 3600  # seconds ahead


async def schedule(context: Context) -> Json:
    channel = destination(context)
    post_at = context.args.number("post_at", 0, "invalid_time")
    if post_at <= 0:
        raise SlackError("invalid_time")
    ahead = post_at - context.store.now()
    if ahead <= 0:
        raise SlackError("time_in_past")
    if ahead > FARTHEST:
        raise SlackError("time_too_far")
    content = read_content(context, too_long="msg_too_long")
    thread_ts = context.args.ts("thread_ts", "invalid_arguments")
    key = context.store.world.ids.upper("Q")
    context.store.scheduled[key] = {
        "id": key,
        "channel_id": channel.id,
        "post_at": post_at,
        "date_created": int(context.store.now()),
        "text": content["text"],
    }
    text = content.pop("text")

    async def later() -> None:
        await asyncio.sleep(ahead)
        gone = context.store.scheduled.pop(key, None) is None
        if gone or channel.archived or context.me not in channel.members:
            return
        context.changes.post(channel, context.me, text, app=context.app, thread_ts=thread_ts, **content)

    context.store.world.background(later())
    context.effect = f"message to {channel.name or channel.id} scheduled for {post_at}"
    message = {
        "text": text,
        "username": context.app.name,
        "bot_id": context.app.bot_id,
        "type": "delayed_message",
        "subtype": "bot_message",
    }
    if content["blocks"]:
        message["blocks"] = content["blocks"]
    return {"channel": channel.id, "scheduled_message_id": key, "post_at": post_at, "message": message}


async def cancel(context: Context) -> Json:
    channel = context.channel()
    key = context.args.need("scheduled_message_id")
    found = context.store.scheduled.get(key)
    if found is None or found["channel_id"] != channel.id:
        raise SlackError("invalid_scheduled_message_id")
    del context.store.scheduled[key]
    context.effect = f"scheduled message {key} cancelled"
    return {}


async def list_scheduled(context: Context) -> Json:
    wanted = context.args.text("channel")
    if wanted and wanted not in context.store.channels:
        raise SlackError("invalid_channel")
    found = [m for m in context.store.scheduled.values() if wanted in ("", m["channel_id"])]
    limit = page_size(context, 100, 1000, "invalid_arguments")
    items, cursor = page(found, lambda m: str(m["id"]), limit, context.args.text("cursor"))
    return {"scheduled_messages": items, "response_metadata": {"next_cursor": cursor}}


METHODS = [
    Method("chat.scheduleMessage", schedule, ("chat:write",), 3),
    Method("chat.deleteScheduledMessage", cancel, ("chat:write",), 3),
    Method("chat.scheduledMessages.list", list_scheduled, (), 3, json=False),
]
