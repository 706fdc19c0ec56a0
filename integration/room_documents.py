"""The documents of a closed room, written anew once something in them stands no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from loguru import logger

from integration.background import Background
from integration.errors import IncidentCommsError
from integration.mirrored import Mirrored
from integration.models.incident import WarRoom

DOCUMENT_SECONDS = 5.0  # Port's search must show an erasure before the documents are written without it

WriteDocuments = Callable[[WarRoom], Awaitable[None]]


class RoomDocuments:
    def __init__(self, write: WriteDocuments | None, background: Background) -> None:
        self._write = write
        self._background = background

    def soon(self, known: Mirrored) -> None:
        """Write them a little later, where the room is closed: an open one gets its documents at its end."""
        if self._write is None or known.room.state != "closed":
            return
        known.outdated = True
        if known.documenting is None or known.documenting.done():
            known.documenting = self._background.begin(self._until_current(known, self._write))

    async def _until_current(self, known: Mirrored, write: WriteDocuments) -> None:
        while known.outdated:
            await asyncio.sleep(DOCUMENT_SECONDS)
            known.outdated = False
            try:
                await write(known.room)
            except IncidentCommsError as problem:
                logger.warning(f"mirror: documents of #{known.room.channel_name} not written: {problem}")
