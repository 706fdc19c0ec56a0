"""What a room comes to, by its notes: numbers on the war room, where it stands on the incident."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from loguru import logger

from integration import situation
from integration.background import Background
from integration.catalog import Catalog
from integration.errors import ServiceError
from integration.mirrored import Mirrored, same
from integration.models.base import Json
from integration.services.slack import SlackService

COUNT_SECONDS = 2.0  # the war room's counters follow after this long
TELL_SECONDS = 30.0  # the incident is written at most this often


class RoomFacts:
    """Writes what has changed."""

    def __init__(self, catalog: Catalog, slack: SlackService, background: Background) -> None:
        self._catalog = catalog
        self._slack = slack
        self._background = background

    async def write(self, known: Mirrored) -> None:
        """Write both now. Raises the errors of Catalog and SlackService."""
        await asyncio.gather(self._count(known), self._tell(known))

    def soon(self, known: Mirrored) -> None:
        """Write both a little later, for many notes at once."""
        if known.counting is None or known.counting.done():
            known.counting = self._background.begin(self._after(COUNT_SECONDS, self._count, known))
        if known.telling is None or known.telling.done():
            wait = max(COUNT_SECONDS, known.told_at + TELL_SECONDS - time.monotonic())
            known.telling = self._background.begin(self._after(wait, self._tell, known))

    async def _after(
        self, seconds: float, work: Callable[[Mirrored], Awaitable[None]], known: Mirrored
    ) -> None:
        await asyncio.sleep(seconds)
        try:
            await work(known)
        except ServiceError as problem:
            logger.warning(f"mirror: what #{known.room.channel_name} comes to is not written: {problem}")

    async def _count(self, known: Mirrored) -> None:
        """The chatty facts, on the war room."""
        counts = notes_by_kind(known)
        stands = known.situation()
        facts: Json = {
            "noteCount": sum(counts.values()),
            "notesByKind": counts,
            "openActionCount": len(stands.actions),
            "openQuestionCount": len(stands.questions),
        }
        if last := known.last_activity(await self._slack.me()):
            facts["lastActivityAt"] = last
        if facts != known.counted:
            await self._catalog.patch_room(known.room.identifier, facts)
            known.counted = facts

    async def _tell(self, known: Mirrored) -> None:
        """Where it stands, on the incident: each write there may set off the customer's automations.

        Never of a room that is for few: whoever sees the incident sees this. Nothing is written that stands
        there already, as after a start.
        """
        async with known.telling_lock:
            facts: Json = {}
            if not known.room.private:
                latest = known.latest()
                facts["latestNote"] = f"**{latest.get('kind')}**: {latest.get('title')}" if latest else ""
                facts |= situation.properties(known.situation())
            last = known.last_activity(await self._slack.me())
            if last:
                facts["lastActivityAt"] = last
            if facts != known.told and (known.told or last):
                if not known.told:
                    entity = await self._catalog.incident_entity(known.room.incident) or {}
                    shown = entity.get("properties") or {}
                    known.told = {name: shown.get(name) for name in facts}
                if all(same(known.told.get(name), value) for name, value in facts.items()):
                    known.told = facts
                    return
                known.told_at = time.monotonic()
                await self._catalog.patch_incident(known.room.incident, facts)
                known.told = facts


def notes_by_kind(known: Mirrored) -> dict[str, int]:
    return dict(Counter(str(note.get("kind")) for note in known.standing()))
