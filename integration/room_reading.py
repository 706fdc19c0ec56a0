"""Reading a room in Slack: its newest messages as one window, and what was said before in slices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from integration.catalog import Catalog
from integration.mirrored import Mirrored
from integration.models.slack import Message
from integration.note_writer import NoteWriter
from integration.read_back import KEEP_EVERY, WHOLE, slices
from integration.services.slack import SlackService
from integration.slack_payload import is_ts

WINDOW_MESSAGES = 2000  # a read takes this many messages of the channel, newest first, and all their threads


class RoomReading:
    """Raises the errors of Catalog and SlackService."""

    def __init__(self, catalog: Catalog, slack: SlackService, notes: NoteWriter) -> None:
        self._catalog = catalog
        self._slack = slack
        self._notes = notes

    async def window(self, known: Mirrored) -> tuple[list[Message], float]:
        """(messages of the window with all their threads, the ts after which it is complete)."""
        channel, oldest = known.room.channel_id, known.state.since
        found: dict[str, Message] = {}
        async for page in self._slack.history(channel, oldest=f"{oldest:.6f}" if oldest else None):
            found.update((message.ts, message) for message in page)
            if len(found) >= WINDOW_MESSAGES:
                known.behind = min(float(ts) for ts in found)
                break
        parents = [message.ts for message in found.values() if message.thread_ts == message.ts]
        # Nothing older is shown: it may have been deleted, or Slack's retention took it. So it is not missed.
        oldest = max(oldest, min(map(float, found), default=float("inf")) - 0.000001)
        for replies in await asyncio.gather(*(self._slack.replies(channel, ts) for ts in parents)):
            found.update((message.ts, message) for message in replies)
        return list(found.values()), oldest

    async def back(self, known: Mirrored, wanted: Callable[[], bool]) -> bool:
        """Make notes of what was said before the window, going on where it was left; whether it was all read.

        Ends early once it is not `wanted` any more.
        """
        room, held = known.room, await self._notes.held(known)
        done = room.read_back_to == WHOLE
        # Where all was read once, only what was said since the last note before the window may be new.
        noted = max((float(ts) for ts in held if float(ts) < known.behind), default=0.0) if done else 0.0
        begin = room.read_back_to if is_ts(room.read_back_to) else f"{known.behind:.6f}"
        number, until = 0, max(noted, known.state.since)
        async for part in slices(self._slack, room, begin, until, known.state.settle):
            if not wanted():
                return False
            async with known.lock:
                await self._notes.write_slice(known, part)
            number += 1
            if number % KEEP_EVERY == 0 and not done:
                await self._got_back_to(known, f"{part.oldest:.6f}")
        if not done:
            await self._got_back_to(known, WHOLE)
        known.behind = 0.0
        return True

    async def _got_back_to(self, known: Mirrored, ts: str) -> None:
        await self._catalog.patch_room(known.room.identifier, {"readBackTo": ts})
        known.room = known.room.model_copy(update={"read_back_to": ts})
