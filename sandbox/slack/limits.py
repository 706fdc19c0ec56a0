"""Slack's rate limits: a bucket per app and method, filled at the method's published tier.

docs.slack.dev/apis/web-api/rate-limits: tier 1 is 1+ a minute, 2 is 20+, 3 is 50+, 4 is 100+, each with
an undisclosed burst; here one minute's allowance may be spent at once. chat.postMessage is about one
message a second and channel, short bursts allowed; auth.test and chat.getPermalink hundreds a minute.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
SPECIAL_PER_MINUTE = 600
POST_PER_SECOND = 1.0
POST_BURST = 10


@dataclass
class _Bucket:
    tokens: float
    filled: float


class Limits:
    """Counts calls; `enabled` switches the whole of it off."""

    def __init__(self) -> None:
        self.enabled = True
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def clear(self) -> None:
        self.enabled = True
        self._buckets.clear()

    def take(self, app: str, method: str, tier: int | None) -> int | None:
        """Count one call. None: go on; otherwise the whole seconds to wait (`Retry-After`)."""
        per_minute = SPECIAL_PER_MINUTE if tier is None else PER_MINUTE[tier]
        return self._spend((app, method), per_minute / 60, per_minute)

    def post(self, app: str, channel: str) -> int | None:
        """Count one chat.postMessage into that channel."""
        return self._spend((app, "chat.postMessage", channel), POST_PER_SECOND, POST_BURST)

    def _spend(self, key: tuple[str, ...], per_second: float, burst: float) -> int | None:
        if not self.enabled:
            return None
        now = time.monotonic()
        bucket = self._buckets.setdefault(key, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled) * per_second)
        bucket.filled = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return None
        return max(1, math.ceil((1 - bucket.tokens) / per_second))
