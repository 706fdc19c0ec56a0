"""Properties of format `timer`: each really expires once its moment has come.

A timer is armed when its value is written and lies in the future. Writing a later value arms it anew; a
value that has passed already arms nothing (Port's documents leave that open).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sandbox.world import Json, World

LOOK_SECONDS = 0.2
"""How often the clock is read at the least, since the sandbox's clocks can be shifted while we wait."""

Timer = tuple[str, str, str]
"""Blueprint, entity and property."""


def moment(value: Any) -> float | None:
    """Seconds since the epoch of an ISO date; None when it is none. Without a zone it counts as UTC."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


class Timers:
    """`expired` is called for each timer whose moment has come, in order."""

    def __init__(self, world: World, expired: Callable[[Timer], None]) -> None:
        self.world = world
        self._expired = expired
        self._due: dict[Timer, float] = {}
        self._watch: asyncio.Task[None] | None = None

    def clear(self) -> None:
        self._due.clear()
        self._watch = None

    def armed(self) -> dict[Timer, float]:
        """The timers that run now and when they end, in seconds since the epoch."""
        return dict(self._due)

    def entity_changed(self, blueprint: Json | None, change: Json) -> None:
        """Arm and disarm after a change of an entity; `blueprint` is its definition."""
        where = (str(change["blueprint"]), str(change["identifier"]))
        before, after = (((change[side] or {}).get("properties") or {}) for side in ("before", "after"))
        fields = ((blueprint or {}).get("schema") or {}).get("properties") or {}
        for name, definition in fields.items():
            if definition.get("format") == "timer" and after.get(name) != before.get(name):
                self._arm((*where, name), moment(after.get(name)))

    def _arm(self, timer: Timer, due: float | None) -> None:
        self._due.pop(timer, None)
        if due is None or due <= self.world.clock.now("port"):
            return
        self._due[timer] = due
        if self._watch is None or self._watch.done():
            self._watch = self.world.background(self._look())

    async def _look(self) -> None:
        while self._due:
            now = self.world.clock.now("port")
            for timer, due in sorted(self._due.items(), key=lambda item: item[1]):
                if due <= now and self._due.pop(timer, None) is not None:
                    self._expired(timer)
            if self._due:
                await asyncio.sleep(min(LOOK_SECONDS, max(0.0, min(self._due.values()) - now)))
