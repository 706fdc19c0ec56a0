"""Statuspage's one limit: a request a second for each key, measured on a rolling minute."""

from __future__ import annotations

from collections import defaultdict, deque

from sandbox.statuspage import errors

WINDOW = 60.0  # seconds


class Limits:
    """Counts by key. `per_window` 0 switches the limit off; `status` is 420 or 429, the vendor uses both.

    Vendor: "1 request / second as measured on a 60 second rolling window"; no Retry-After is documented.
    So sixty may come at once, and then none until the first of them is a minute old.
    """

    def __init__(self) -> None:
        self.per_window = 60
        self.status = 420
        self._seen: dict[str, deque[float]] = defaultdict(deque)

    def clear(self) -> None:
        self.per_window, self.status = 60, 420
        self._seen.clear()

    def admit(self, key: str, now: float) -> None:
        """Count one request. Raises StatuspageError 420 or 429 over the limit; that costs nothing."""
        seen = self._seen[key]
        while seen and seen[0] <= now - WINDOW:
            seen.popleft()
        if self.per_window and len(seen) >= self.per_window:
            raise errors.StatuspageError(self.status, errors.RATE_LIMITED)
        seen.append(now)

    def used(self, key: str, now: float) -> int:
        """Requests of this key within the last minute."""
        return sum(1 for at in self._seen[key] if at > now - WINDOW)
