"""What time asks for towards rooms: an opening that was cut off, words of others, documents, the archive."""

from __future__ import annotations

from loguru import logger

from actions.base import Kit
from actions.close_war_room import archive, due_for_archive, just_closed
from actions.documents import write_documents
from actions.furnish import furnish, just_opened
from integration.by_hand import ChannelWords
from integration.models.incident import WarRoom
from integration.times import now


class RoomCare:
    """A room at a time, on the sweeper's schedule."""

    def __init__(self, kit: Kit, words: ChannelWords) -> None:
        self._kit = kit
        self._words = words
        self._cut_off = now()
        self._mended: set[str] = set()

    def process_ended(self) -> None:
        """A process has ended until now, perhaps in the middle of something: look at every opening again."""
        self._cut_off = now()
        self._mended.clear()

    async def tend(self, room: WarRoom) -> None:
        kit = self._kit
        # The opening may have been cut off after its run had ended.
        recent = room.identifier not in self._mended and just_opened(room, self._cut_off)
        if recent and room.incident not in kit.locks:
            async with kit.locks.holding(room.incident):
                # The search that found it lags: it may be closed by now.
                present = await kit.catalog.room(room.identifier)
                if present is not None and present.state == "open":
                    await furnish(kit, present)
            self._mended.add(room.identifier)
        if room.state == "open" or just_closed(room):
            await self._words.look(room.incident)
        if just_closed(room):
            await write_documents(kit, await kit.catalog.incident(room.incident), room)
        if due_for_archive(room, kit.settings.archive_after_quiet_minutes):
            async with kit.locks.holding(room.incident):
                for line in await archive(room, kit):
                    logger.info(line)
