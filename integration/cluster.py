"""More than one process: who is alive, known by heartbeats in Redis. Only where a `redisUrl` is set.

What stands here saves work and waiting. Nothing rests on it: an effect is guarded by what only one can
create in Port (`takeover`). So Redis may be slow, down, restarted or emptied at any moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from loguru import logger
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from integration.errors import Unreachable

CHECK_SECONDS = 5.0
ANSWER_SECONDS = 1.0  # a Redis that takes longer is gone on without
SHORTEST_EXPIRY = 3.0
FAREWELL_SECONDS = 3600.0

_BEAT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[3], 'PX', ARGV[2]) end
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
_CLAIM_RUN = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return ARGV[1] end
return redis.call('GET', KEYS[1])
"""
# Times are Redis's own throughout: the processes' clocks may differ.


async def server_version(url: str) -> str:
    """What the Redis at `url` calls itself, once it has run a script as we need it. Raises Unreachable."""
    redis: Redis = Redis.from_url(
        url, decode_responses=True, socket_timeout=CHECK_SECONDS, socket_connect_timeout=CHECK_SECONDS
    )
    try:
        await redis.eval("return redis.call('TIME')", 0)
        about: Any = await redis.info("server")
        return str(about.get("redis_version") or "")
    except (RedisError, OSError) as problem:
        # Its words may hold the address, and that the password.
        failure = type(problem).__name__
    finally:
        await redis.aclose()
    raise Unreachable("redis", "EVAL", failure)


class Cluster:
    """This process among its peers. One instance a process.

    `main`: this is the one that resyncs and sweeps (Ocean's POLLING or ONCE). `expiry` in seconds: who
    has not been heard of for that long, twice in a row, is gone; heartbeats come three times as often.
    """

    alone = False

    def __init__(self, url: str, *, installation: str, process: str, main: bool, expiry: float) -> None:
        self.process = process
        self.main = main
        self.expiry = max(SHORTEST_EXPIRY, expiry)
        self.interval = self.expiry * 0.3
        self.redis: Redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            # Once, at once: after Redis was restarted each pooled connection fails the first time.
            retry=Retry(NoBackoff(), 1),
        )
        # Braces: in a Redis cluster all our keys are in one slot, as scripts want it.
        self._prefix = f"{{incident-comms:{hashlib.sha256(installation.encode()).hexdigest()[:16]}}}:"
        self._member = f"{process} {'main' if main else 'other'}"
        self._runs: set[str] = set()
        self._up = False
        self._warned = False
        self._beaten = float("-inf")  # when the last heartbeat that arrived was sent
        self._present: dict[str, bool] = {}  # process -> whether it is a main one, as of the last heartbeat
        self._missing: dict[str, float] = {}  # since when we know that a process has no heartbeat
        self._gone: set[str] = set()
        self._on_gone: list[Callable[[str], None]] = []
        self._on_beat: list[Callable[[], Awaitable[None]]] = []
        self._beating: asyncio.Task[None] | None = None

    # Life

    def on_gone(self, tell: Callable[[str], None]) -> None:
        """`tell` is called with the id of each process that was here and is gone."""
        self._on_gone.append(tell)

    def on_beat(self, work: Callable[[], Awaitable[None]]) -> None:
        """`work` is done after each heartbeat, also after one that did not arrive."""
        self._on_beat.append(work)

    async def start(self) -> None:
        """Be known to be alive before anything is begun. Goes on without Redis where that has to be."""
        await self._beat()
        self._beating = asyncio.create_task(self._beat_on(), context=contextvars.Context())

    async def leave(self) -> None:
        """Say farewell: whoever finds something of ours need not wait for us."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)

        async def farewell(redis: Redis) -> None:
            pipe = redis.pipeline(transaction=False)
            pipe.zrem(self.key("processes"), self._member)
            pipe.set(self.key("left", self.process), "1", px=int(FAREWELL_SECONDS * 1000))
            if self._runs:
                pipe.delete(*(self.key("run", run) for run in self._runs))
            await pipe.execute()

        await self.ask(farewell)
        with contextlib.suppress(RedisError, OSError):
            await self.redis.aclose()

    async def _beat_on(self) -> None:
        while True:
            await asyncio.sleep(self.interval)
            try:
                await self._beat()
                for work in self._on_beat:
                    await work()
            except Exception:
                logger.exception("redis: heartbeat failed unexpectedly")

    async def _beat(self) -> None:
        sent = time.monotonic()
        keys = [self.key("processes"), *(self.key("run", run) for run in self._runs)]
        args = [self._member, str(int(self.expiry * 1000)), self.process]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                members: Any = await self.redis.eval(_BEAT, len(keys), *keys, *args)
        except (RedisError, OSError, TimeoutError) as problem:
            self._lost(problem)
            return
        if not self._up:
            logger.info(f"redis: reached; this process is {self._member}")
        self._up, self._warned, self._beaten = True, False, sent
        self._notice(members)

    def _notice(self, members: Sequence[str]) -> None:
        """Who is there, who is missing, and who has been for so long that he is gone."""
        present = {process: role == "main" for process, _, role in (one.partition(" ") for one in members)}
        if self.main and sum(present.values()) > 1 and sum(self._present.values()) <= 1:
            logger.warning(
                "redis: another POLLING process of this installation is running; there is to be one"
            )
        now = time.monotonic()
        for process in self._present.keys() - present.keys():
            self._missing.setdefault(process, now)
        for process in present:
            self._missing.pop(process, None)
            self._gone.discard(process)
        self._present = present
        for process in [one for one, since in self._missing.items() if now - since >= self.expiry]:
            self._bury(process)

    def _bury(self, process: str) -> None:
        self._missing.pop(process, None)
        if process in self._gone:
            return
        self._gone.add(process)
        logger.info(f"redis: process {process} is gone")
        for tell in self._on_gone:
            tell(process)

    def _lost(self, problem: Exception) -> None:
        """Redis does not answer. Heartbeats that are missing afterwards may have been lost with it."""
        self._up = False
        self._missing.clear()
        if not self._warned:
            self._warned = True
            logger.warning(f"redis: not reached ({problem or type(problem).__name__}); going on without it")

    # Redis, for those who can do without

    @property
    def up(self) -> bool:
        return self._up

    def key(self, *parts: str) -> str:
        return self._prefix + ":".join(parts)

    async def ask[T](self, what: Callable[[Redis], Awaitable[T]]) -> T | None:
        """The answer, or None where Redis is down or slow, which is said once."""
        if not self._up:
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await what(self.redis)
        except (RedisError, OSError, TimeoutError) as problem:
            self._lost(problem)
            return None

    # Peers

    def sure(self) -> bool:
        return time.monotonic() - self._beaten < self.expiry

    def others(self, *, main: bool) -> bool:
        """Whether another process was there at the last heartbeat: a main one, or any."""
        return any(
            is_main or not main for process, is_main in self._present.items() if process != self.process
        )

    async def alive(self, process: str) -> bool:
        if process == self.process:
            return True
        if process in self._gone:
            return False

        async def look(redis: Redis) -> tuple[bool, bool]:
            pipe = redis.pipeline(transaction=False)
            pipe.zscore(self.key("processes"), f"{process} main")
            pipe.zscore(self.key("processes"), f"{process} other")
            pipe.exists(self.key("left", process))
            main, other, left = await pipe.execute()
            return main is not None or other is not None, bool(left)

        answer = await self.ask(look)
        if answer is None:
            return True
        here, left = answer
        if left:
            self._bury(process)
            return False
        now = time.monotonic()
        if here:
            self._missing.pop(process, None)
            return True
        # Redis may have been restarted or emptied a moment ago: heartbeats come back.
        if now - self._missing.setdefault(process, now) < self.expiry:
            return True
        self._bury(process)
        return False

    # Runs

    async def claim_run(self, run: str) -> bool:
        key = self.key("run", run)

        async def claim(redis: Redis) -> Any:
            return await redis.eval(_CLAIM_RUN, 1, key, self.process, str(int(self.expiry * 1000)))

        holder = await self.ask(claim)
        if holder and holder != self.process and await self.alive(str(holder)):
            return False
        self._runs.add(run)  # each heartbeat says so again
        return True

    def drop_run(self, run: str) -> None:
        self._runs.discard(run)  # its key expires; till then Port's list may still show the run as active

    async def run_elsewhere(self, run: str) -> bool:
        holder = await self.ask(lambda redis: redis.get(self.key("run", run)))
        return bool(holder) and holder != self.process and await self.alive(str(holder))
