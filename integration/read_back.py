"""What was said before the window of a room is read back, slice by slice, newest first.

A slice is what a page of Slack's history holds, with its threads: however long the channel, no more than
one is in memory. How far it got stands on the war room, so that a new start goes on there. It costs
calls, so it yields to everything else in the rate budget.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.models.slack import Message
from integration.room_state import PREVIOUS, RoomState
from integration.services.slack import SlackService
from integration.slack_payload import is_system

WHOLE = "0"
"""In `readBackTo`: everything has been read."""
KEEP_EVERY = 5  # slices between two writes of how far it got


class Slice(NamedTuple):
    """A part of the channel, with its threads. `state` also knows the messages before it, which meaning
    hangs on; `messages` are the ts that belong to it; it is complete from `oldest` to `latest`."""

    state: RoomState
    messages: set[str]
    oldest: float
    latest: float


async def slices(
    slack: SlackService, room: WarRoom, before: str, until: float, settle: float
) -> AsyncIterator[Slice]:
    """Everything said up to `before` (a ts) and after `until`, newest slice first."""
    held_back: list[Message] = []
    latest = float(before)
    oldest_wanted = f"{until:.6f}" if until else None
    started = time.time()
    async for page in slack.history(room.channel_id, oldest=oldest_wanted, latest=before):
        ordered = sorted([*held_back, *page], key=lambda message: float(message.ts))
        # The first of them hang on what the next page holds.
        said = [at for at, message in enumerate(ordered) if not is_system(message)]
        cut = said[PREVIOUS - 1] + 1 if len(said) > PREVIOUS else len(ordered)
        held_back, own = ordered[:cut], ordered[cut:]
        if not own:
            continue
        yield await _slice(slack, room, held_back, own, latest, settle, started)
        latest = float(own[0].ts)
    if held_back:
        yield await _slice(slack, room, [], held_back, latest, settle, started)


async def _slice(
    slack: SlackService,
    room: WarRoom,
    earlier: list[Message],
    own: list[Message],
    latest: float,
    settle: float,
    started: float,
) -> Slice:
    channel = room.channel_id
    parents = [message.ts for message in own if message.thread_ts == message.ts]
    threads = await asyncio.gather(*(slack.replies(channel, ts) for ts in parents))
    found = {message.ts: message for message in own}
    found |= {message.ts: message for replies in threads for message in replies}
    state = RoomState(channel, settle=settle)
    state.merge_read([*earlier, *found.values()], 0.0, started)
    oldest = min(float(message.ts) for message in own)
    return Slice(state, set(found), oldest, latest)


def absent(part: Slice, held: dict[str, Json]) -> set[str]:
    """Notes on the channel's own messages of this part that are there no more."""
    return {
        ts
        for ts, note in held.items()
        if part.oldest < float(ts) < part.latest and not note.get("thread") and ts not in part.messages
    }
