"""Port's rate limits: counted per organisation in windows of five minutes, told in x-ratelimit-* headers."""

from __future__ import annotations

from sandbox.port.wire import PortError
from sandbox.world import World

PERIOD_SECONDS = 300

PUBLISHED = {
    "entities": 35_000,
    "entities.upsert": 10_000,
    "entities.bulk": 35_000,
    "entities.search": 35_000,
    "blueprints": 15_000,
    "other": 15_000,
    "unauthenticated": 100,
}
"""Requests per period (docs.port.io, rate limits, 2026). The burst limits beside them are not emulated."""


def family(operation: str) -> str:
    """Which published budget an operation counts against."""
    if operation == "auth.access_token":
        return "other"
    if operation in ("entities.create", "entities.put", "entities.patch"):
        return "entities.upsert"
    if operation == "entities.bulk":
        return "entities.bulk"
    if "search" in operation:
        return "entities.search"
    if operation.startswith("entities"):
        return "entities"
    return "blueprints" if operation.startswith("blueprints") else "other"


class Limits:
    """Counts requests per family and window. `enforced` off: the headers still tell, nothing is refused."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.enforced = True
        self.allowed = dict(PUBLISHED)
        self._window = 0
        self._used: dict[str, int] = {}

    def clear(self) -> None:
        self.enforced, self.allowed = True, dict(PUBLISHED)
        self._window, self._used = 0, {}

    def count(self, operation: str) -> dict[str, str]:
        """Count one request; the headers of its answer."""
        name = family(operation)
        window = int(self.world.clock.now("port") // PERIOD_SECONDS)
        if window != self._window:
            self._window, self._used = window, {}
        self._used[name] = self._used.get(name, 0) + 1
        limit = self.allowed[name]
        return {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-period": str(PERIOD_SECONDS),
            "x-ratelimit-remaining": str(max(0, limit - self._used[name])),
            "x-ratelimit-reset": str((window + 1) * PERIOD_SECONDS),
        }

    def check(self, operation: str) -> None:
        """Raises PortError 429 once the budget of this window is spent."""
        name = family(operation)
        if self.enforced and self._used.get(name, 0) > self.allowed[name]:
            raise PortError(429, "too_many_requests", "Rate limit exceeded, retry after the window resets")
