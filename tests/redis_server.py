"""A real Redis for tests: on a free port of this machine, with a folder of its own, keeping nothing."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Self

import redis.asyncio
from redis.exceptions import RedisError

from sandbox.stage import Process, free_port, until

MISSING = "redis-server is not installed: apt-get install redis-server"


def installed() -> bool:
    return shutil.which("redis-server") is not None


class RedisServer:
    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = tempfile.TemporaryDirectory(prefix="incident-comms-redis-")
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._folder.name]
        self._process = Process(
            "redis",
            ["redis-server", *where, "--save", "", "--appendonly", "no"],
            dict(os.environ),
            Path(self._folder.name) / "redis.log",
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self._folder.cleanup()

    async def start(self) -> None:
        await self._process.start()
        await until("redis answers", self._answers, 20)

    async def stop(self) -> None:
        """As when its machine fails: what it held is gone."""
        await self._process.stop(signal.SIGKILL)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def flush(self) -> None:
        async with redis.asyncio.Redis.from_url(self.url) as client:
            await client.flushall()

    async def deafen(self) -> None:
        """End every subscription, as a failing connection does."""
        async with redis.asyncio.Redis.from_url(self.url) as client:
            await client.client_kill_filter(_type="pubsub")

    async def keys(self) -> list[str]:
        async with redis.asyncio.Redis.from_url(self.url, decode_responses=True) as client:
            return sorted(str(key) for key in await client.keys("*"))

    async def _answers(self) -> bool:
        try:
            async with redis.asyncio.Redis.from_url(self.url) as client:
                return bool(await client.ping())
        except (RedisError, OSError):
            return False
