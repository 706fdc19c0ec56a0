"""Zoom's limits: requests a second by label for the account, creates and updates a day for each host."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import UTC, datetime
from typing import Literal

from sandbox.zoom import errors

Label = Literal["light", "medium", "heavy"]

DAY = 86_400.0


class Limits:
    """Counters of one account. Defaults are those of a Business plan.

    Vendor: developers.zoom.us/docs/api/rate-limits (80, 60 and 40 requests a second); create and update
    of meetings together 100 a day per host, from 00:00 UTC; update also 100 per meeting in 24 hours.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Counters at nought, limits as the vendor sets them."""
        self.per_second: dict[Label, int] = {"light": 80, "medium": 60, "heavy": 40}
        self.per_host_day = 100
        self.per_meeting_updates = 100
        self._seen: dict[Label, deque[float]] = {"light": deque(), "medium": deque(), "heavy": deque()}
        self._days: dict[tuple[str, str], int] = defaultdict(int)

    def admit(self, label: Label, now: float) -> dict[str, str]:
        """Count one request; the headers of its answer. Raises ZoomError 429 over the limit."""
        seen, limit = self._seen[label], self.per_second[label]
        while seen and seen[0] <= now - 1.0:
            seen.popleft()
        headers = {
            "x-ratelimit-category": label.capitalize(),
            "x-ratelimit-type": "QPS",
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(max(0, limit - len(seen) - 1)),
        }
        if len(seen) >= limit:
            raise errors.ZoomError(429, 429, errors.PER_SECOND_LIMIT, headers=headers)
        seen.append(now)
        return headers

    def check_host(self, host: str, now: float) -> None:
        """Raises the daily 429 when the host's creates and updates of this UTC day are used up.

        Seen in the wild without Retry-After and without x-ratelimit-type (devforum 18928), so a client
        can tell it from the per-second limit by its message alone.
        """
        if self._days[host, _day(now)] >= self.per_host_day:
            raise errors.ZoomError(429, 429, errors.DAILY_LIMIT.format(limit=self.per_host_day))

    def count_host(self, host: str, now: float) -> None:
        self._days[host, _day(now)] += 1

    def used(self, host: str, now: float) -> int:
        """Creates and updates of this UTC day by the host."""
        return self._days[host, _day(now)]

    def check_meeting(self, updates: list[float], now: float) -> None:
        """Raises the daily 429 when one meeting was updated too often within 24 hours."""
        if sum(1 for at in updates if at > now - DAY) >= self.per_meeting_updates:
            raise errors.ZoomError(429, 429, errors.DAILY_LIMIT.format(limit=self.per_meeting_updates))


def _day(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).date().isoformat()
