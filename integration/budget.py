"""Rate budgets with priorities: work waits for its turn instead of meeting a 429.

One token bucket per service and method class; who waits is served by priority, then in order of arrival.
A 429 that comes all the same pauses its class alone.

aiolimiter and pyrate-limiter were considered and are not used: both serve strictly in order of arrival
(a responder's post would queue behind a mirror's backlog), neither can be paused from outside for the
time a provider names, and a waiter that is cancelled in aiolimiter after its turn came has spent it.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from integration.errors import RateLimited

_ALMOST = 1e-6  # a timer may fire a hair early; do not sleep again for that
_PRUNE_ABOVE = 512  # idle buckets (one per channel) are forgotten beyond this many


class Priority(IntEnum):
    """Who goes first when a class is short of calls. The lower number wins."""

    ROOM = 0  # a responder is waiting: the room, its people, its posts
    PUBLIC = 1  # customers are waiting
    INTERNAL = 2  # updates to colleagues, Port
    MIRROR = 3  # reading rooms again
    DECORATION = 4  # pins, bookmarks, topics


@dataclass(frozen=True)
class Rate:
    """Calls per minute that refill a bucket, and how many may go at once when it is full.

    `reserve` of these are left for those who can't wait: mirror reads and decoration go only while more
    than that many are there.
    """

    per_minute: float
    burst: float = 1.0
    reserve: float = 0.0


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """What the budget needs of time. An asyncio event loop is one."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer: ...


class _LoopClock:
    def time(self) -> float:
        return asyncio.get_running_loop().time()

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        return asyncio.get_running_loop().call_later(delay, callback)


@dataclass(order=True)
class _Waiter:
    priority: int
    serial: int
    turn: asyncio.Future[None] = field(compare=False)
    patience: float | None = field(compare=False, default=None)


class _Bucket:
    def __init__(self, name: tuple[str, str], rate: Rate, clock: Clock) -> None:
        self.name, self.rate, self.clock = name, rate, clock
        self.tokens = rate.burst
        self.updated = clock.time()
        self.paused_until = 0.0
        self.waiters: list[_Waiter] = []
        self.timer: Timer | None = None

    def refill(self) -> None:
        now = self.clock.time()
        self.tokens = min(self.rate.burst, self.tokens + (now - self.updated) * self.rate.per_minute / 60)
        self.updated = now

    def wait(self, priority: int = Priority.ROOM) -> float:
        """Seconds until the next call of this priority may go; 0 when it may go now."""
        self.refill()
        pause = max(0.0, self.paused_until - self.clock.time())
        needed = 1 + (self.rate.reserve if priority > Priority.INTERNAL else 0)
        full = self.tokens >= needed - _ALMOST
        missing = 0.0 if full else (needed - self.tokens) * 60 / self.rate.per_minute
        return max(pause, missing)

    def idle(self) -> bool:
        return not self.waiters and self.wait() == 0 and self.tokens >= self.rate.burst - _ALMOST

    def serve(self) -> None:
        """Give turns to whoever is first while there are any; else come back when there is one."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        while self.waiters:
            if self.waiters[0].turn.done():  # cancelled while it waited
                heapq.heappop(self.waiters)
                continue
            wait = self.wait(self.waiters[0].priority)
            if wait > _ALMOST:
                self.timer = self.clock.call_later(wait, self.serve)
                return
            self.tokens -= 1
            heapq.heappop(self.waiters).turn.set_result(None)

    def give_back(self) -> None:
        self.tokens = min(self.rate.burst, self.tokens + 1)
        self.serve()

    def pause(self, seconds: float) -> None:
        self.paused_until = max(self.paused_until, self.clock.time() + seconds)
        for waiter in self.waiters:
            if waiter.patience is not None and seconds > waiter.patience and not waiter.turn.done():
                waiter.turn.set_exception(self.too_long(seconds))
        self.serve()

    def too_long(self, seconds: float) -> RateLimited:
        service, method_class = self.name
        return RateLimited(service, method_class, seconds, f"paused for {seconds:.0f} s after a refusal")


class Budget:
    """The budgets of one process: one bucket per (service, method class).

    A service declares its rates once: `declare("slack", rate_of)` where `rate_of(method_class)` gives
    the `Rate`. Classes are the provider's own units of limiting, e.g. a Slack method.
    """

    DEFAULT = Rate(per_minute=600, burst=60)

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or _LoopClock()
        self._rates: dict[str, Callable[[str], Rate]] = {}
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._serial = itertools.count()

    def declare(self, service: str, rate_of: Callable[[str], Rate]) -> None:
        """Say how fast each method class of `service` may go. Buckets in use keep their rate."""
        self._rates[service] = rate_of

    @asynccontextmanager
    async def turn(
        self, service: str, method_class: str, priority: Priority, patience: float | None = None
    ) -> AsyncIterator[None]:
        """Wait for a turn, then run the body. A waiter that is cancelled gives its turn back.

        `patience` in seconds: a pause (not a queue) longer than this raises RateLimited instead of waiting.
        """
        await self._take(service, method_class, priority, patience)
        yield

    async def _take(
        self, service: str, method_class: str, priority: Priority, patience: float | None
    ) -> None:
        bucket = self._bucket(service, method_class)
        pause = bucket.paused_until - bucket.clock.time()
        if patience is not None and pause > patience:
            raise bucket.too_long(pause)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(bucket.waiters, _Waiter(int(priority), next(self._serial), turn, patience))
        bucket.serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                if turn.exception() is None:
                    bucket.give_back()
            else:
                turn.cancel()
                bucket.serve()
            raise

    def pause(self, service: str, method_class: str, seconds: float) -> None:
        """Let no call of this class go for `seconds` (a provider's Retry-After). Never shortens a pause."""
        self._bucket(service, method_class).pause(max(0.0, seconds))

    def _bucket(self, service: str, method_class: str) -> _Bucket:
        name = (service, method_class)
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= _PRUNE_ABOVE:
                self._buckets = {key: each for key, each in self._buckets.items() if not each.idle()}
            rate_of = self._rates.get(service)
            rate = rate_of(method_class) if rate_of else self.DEFAULT
            bucket = self._buckets[name] = _Bucket(name, rate, self._clock)
        return bucket
