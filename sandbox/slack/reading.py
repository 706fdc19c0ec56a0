"""conversations.history and conversations.replies: what was said, as it stood a lag ago."""

from __future__ import annotations

from sandbox.slack import render
from sandbox.slack.errors import SlackError
from sandbox.slack.marks import pinned
from sandbox.slack.methods import Context, Method, read_cursor, write_cursor
from sandbox.slack.scopes import HISTORY
from sandbox.world import Json

HISTORY_MAX = 999
REPLIES_MAX = 1000


async def history(context: Context) -> Json:
    """Newest first, replies only where they were sent to the channel too.

    `oldest` and `latest` are left out themselves unless `inclusive`. Limit 100 by default, 999 at most.
    """
    channel = context.channel(outside="not_in_channel")
    within = _window(context)
    standing = channel.standing(context.store.lagging())
    shown = [m for m in reversed(standing) if _in_channel(m) and within(float(m["ts"]))]
    limit = _size(context, 100, HISTORY_MAX)
    if cursor := context.args.text("cursor"):
        shown = [m for m in shown if float(m["ts"]) <= _position(cursor)]
    more = len(shown) > limit
    metadata = context.args.flag("include_all_metadata")
    return {
        "messages": [render.message(m, metadata=metadata) for m in shown[:limit]],
        "has_more": more,
        "pin_count": len(pinned(channel)),
        "channel_actions_ts": None,
        "channel_actions_count": 0,
        "response_metadata": {"next_cursor": write_cursor(shown[limit]["ts"]) if more else ""},
    }


async def replies(context: Context) -> Json:
    """The parent, then its replies, oldest first. The parent heads every page and counts for none."""
    channel = context.channel(outside="channel_not_found")
    ts = context.args.ts("ts", "thread_not_found")
    if ts is None:
        raise SlackError.arguments("missing required field: ts")
    within = _window(context)
    standing = {m["ts"]: m for m in channel.standing(context.store.lagging())}
    if ts not in standing:
        raise SlackError("thread_not_found")
    root = standing[ts].get("thread_ts", ts)
    answers = [m for m in standing.values() if m.get("thread_ts") == root and m["ts"] != root]
    shown = [m for m in answers if within(float(m["ts"]))]
    limit = _size(context, REPLIES_MAX, REPLIES_MAX)
    if cursor := context.args.text("cursor"):
        shown = [m for m in shown if float(m["ts"]) >= _position(cursor)]
    more = len(shown) > limit
    metadata = context.args.flag("include_all_metadata")
    heads = [standing[root]] if root in standing else []
    return {
        "messages": [render.message(m, metadata=metadata) for m in heads + shown[:limit]],
        "has_more": more,
        "response_metadata": {"next_cursor": write_cursor(shown[limit]["ts"]) if more else ""},
    }


def _in_channel(message: Json) -> bool:
    in_thread = message.get("thread_ts", message["ts"]) != message["ts"]
    return not in_thread or message.get("subtype") == "thread_broadcast"


class _Window:
    def __init__(self, oldest: float, latest: float, inclusive: bool) -> None:
        self.oldest, self.latest, self.inclusive = oldest, latest, inclusive

    def __call__(self, ts: float) -> bool:
        if self.inclusive:
            return self.oldest <= ts <= self.latest
        return self.oldest < ts < self.latest


def _window(context: Context) -> _Window:
    oldest = context.args.ts("oldest", "invalid_ts_oldest")
    latest = context.args.ts("latest", "invalid_ts_latest")
    return _Window(
        float(oldest) if oldest else 0.0,
        float(latest) if latest and float(latest) else float("inf"),
        context.args.flag("inclusive"),
    )


def _size(context: Context, default: int, most: int) -> int:
    return min(max(context.args.number("limit", default) or default, 1), most)


def _position(cursor: str) -> float:
    try:
        return float(read_cursor(cursor))
    except ValueError:
        raise SlackError("invalid_cursor") from None


METHODS = [
    Method("conversations.history", history, HISTORY, 3, json=False),
    Method("conversations.replies", replies, HISTORY, 3, json=False),
]
