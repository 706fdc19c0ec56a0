"""One task at a time per incident, across processes. It saves work; correctness never rests on it."""

from __future__ import annotations

import asyncio
import contextvars
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from loguru import logger
from redis.asyncio import Redis

from integration.cluster import Cluster
from integration.locks import KeyedLocks

PATIENCE_SECONDS = 60.0  # longer than any handler takes that is not stuck

_ACQUIRE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return 1 end
return 0
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class Lease:
    """A key in Redis that one process holds while it renews it."""

    def __init__(self, cluster: Cluster, *name: str) -> None:
        self._cluster = cluster
        self._key = cluster.key(*name)
        self._token = f"{cluster.process}/{secrets.token_hex(8)}"
        self._lasting = str(int(cluster.expiry * 1000))

    async def acquire(self) -> bool | None:
        """Whether we hold it now; None when Redis does not say."""
        return await self._script(_ACQUIRE, self._lasting)

    async def renew(self) -> bool | None:
        """Whether we still hold it, and then for longer; None when Redis does not say."""
        return await self._script(_RENEW, self._lasting)

    async def release(self) -> None:
        await self._script(_RELEASE)

    async def _script(self, script: str, *args: str) -> bool | None:
        async def run(redis: Redis) -> Any:
            return await redis.eval(script, 1, self._key, self._token, *args)

        answer = await self._cluster.ask(run)
        return None if answer is None else bool(answer)


class SharedLocks(KeyedLocks):
    """KeyedLocks that other processes mind, too. Without Redis, those of this process alone."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster

    @asynccontextmanager
    async def holding(self, key: str) -> AsyncIterator[None]:
        async with super().holding(key):
            lease = Lease(self._cluster, "lock", key)
            if not await self._acquired(lease, key):
                yield
                return
            renewing = asyncio.create_task(self._renew(lease), context=contextvars.Context())
            try:
                yield
            finally:
                renewing.cancel()
                await lease.release()

    async def _acquired(self, lease: Lease, key: str) -> bool:
        """Wait for the lock; False where there is none to be had and the work goes on without it."""
        until = time.monotonic() + PATIENCE_SECONDS
        pause = 0.02
        while time.monotonic() < until:
            answer = await lease.acquire()
            if answer is None:
                return False
            if answer:
                return True
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 no secret
            pause = min(0.5, pause * 2)
        logger.warning(f"{key}: another process holds it for {PATIENCE_SECONDS:.0f} s; going on beside it")
        return False

    async def _renew(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(self._cluster.interval)
            if await lease.renew() is False:
                await lease.acquire()  # Redis was emptied or restarted, or we were away for too long
