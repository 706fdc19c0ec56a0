"""The pause switch, as it stood a moment ago."""

from __future__ import annotations

import time

from integration.catalog import Catalog

HOLDS_SECONDS = 2.0  # how long a look at it holds


class Switch:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._read_at, self._why = float("-inf"), ""

    async def why(self) -> str:
        """Why everything outgoing is held back, or an empty string."""
        if time.monotonic() - self._read_at > HOLDS_SECONDS:
            self._why = await self._catalog.paused()
            self._read_at = time.monotonic()
        return self._why
