"""A served sandbox with a scene to look at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from sandbox.app import build
from sandbox.world import World
from tests.sandbox.console.scene import Stage, play, publish
from tests.sandbox.serve import serve


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    sandbox = build(World(), kind=True)
    async with (
        serve(sandbox.app) as base,
        httpx.AsyncClient(base_url=base, trust_env=False, timeout=10) as http,
    ):
        sandbox.at(base)
        stage = Stage(sandbox, http, base)
        await play(stage)
        await publish(stage)
        yield stage
        await sandbox.close()
