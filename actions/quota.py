"""Which rooms this process has decided to open, where Port's search does not show them yet."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from integration.times import now

HOUR = timedelta(hours=1)


class Openings:
    """Counts at the moment of the decision: of several that decide at once, each counts the others."""

    def __init__(self) -> None:
        self._decided: dict[str, datetime] = {}

    def count(self, shown: Collection[str]) -> int:
        """How many rooms were opened within the last hour; `shown` are those that Port's search shows."""
        since = now() - HOUR
        self._decided = {room: at for room, at in self._decided.items() if at >= since}
        return len(self._decided.keys() | set(shown))

    def decide(self, room: str) -> None:
        self._decided[room] = now()

    def undo(self, room: str) -> None:
        """It did not open after all."""
        self._decided.pop(room, None)
