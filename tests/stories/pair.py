"""Two processes of the integration behind one address, as a load balancer has them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.stage import ROOT, Json, Process, Stage, free_port
from tests.contract import exchanges
from tests.stories.play import CONFIG, QUICK, _cast

_DROPPED = {"host", "content-length", "connection", "accept-encoding"}


class Balancer:
    """Hands each request to the first process, to the second, to both at once, or to one after the other."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.targets: list[str] = []
        self.to: Literal["first", "second", "both", "in turn"] = "in turn"
        self._turns = itertools.count()
        self._client = httpx.AsyncClient(timeout=30)
        app = Starlette(routes=[Route("/{path:path}", self._forward, methods=["GET", "POST"])])
        self._server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="error", lifespan="off")
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._serving = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        await self._client.aclose()

    async def _forward(self, request: Request) -> Response:
        body = await request.body()
        headers = {name: value for name, value in request.headers.items() if name not in _DROPPED}
        answers = await asyncio.gather(
            *(
                self._client.request(
                    request.method, f"{target}{request.url.path}", content=body, headers=headers
                )
                for target in self._chosen()
            ),
            return_exceptions=True,
        )
        given = [answer for answer in answers if isinstance(answer, httpx.Response)]
        if not given:
            return Response(status_code=502)
        best = min(given, key=lambda answer: answer.status_code)
        return Response(best.content, best.status_code, media_type=best.headers.get("content-type"))

    def _chosen(self) -> list[str]:
        if self.to == "both":
            return self.targets
        turn = {"first": 0, "second": 1}.get(self.to)
        return [self.targets[(next(self._turns) if turn is None else turn) % len(self.targets)]]


class Pair(Stage):
    """`integration` is the POLLING process, `second` takes what it is sent and nothing else."""

    def __init__(self, folder: Path, redis_url: str, second: str) -> None:
        settings = {**QUICK, **({f"{CONFIG}REDIS_URL": redis_url} if redis_url else {})}
        super().__init__(folder, settings=settings)
        self.balancer = Balancer()
        self.first_url = self.url
        self.second_port = free_port()
        self.second_url = f"http://127.0.0.1:{self.second_port}"
        self.balancer.targets = [self.first_url, self.second_url]
        self.url = self.balancer.url
        self._second_role = second
        self.second = Process("second", [], {}, folder / "second.log")

    async def start_sandbox(self) -> None:
        await self.balancer.start()
        await super().start_sandbox()
        ocean = Path(sys.executable).with_name("ocean")
        self.second.command = [str(ocean), "sail", str(ROOT), "--port", str(self.second_port)]
        self.second.env = {
            **self.integration.env,
            "APPLICATION__PORT": str(self.second_port),
            "OCEAN__EVENT_LISTENER__TYPE": self._second_role,
        }

    async def start_integration(self) -> None:
        await self.integration.start()
        await self._answers(self.integration, f"{self.first_url}/health/ready")

    async def start_second(self) -> None:
        await self.second.start()
        await self._answers(self.second, f"{self.second_url}/health/ready")

    async def down(self) -> None:
        for process in (self.integration, self.second):
            await process.stop(signal.SIGKILL)
        await super().down()
        await self.balancer.stop()


@contextlib.asynccontextmanager
async def paired(redis_url: str = "", second: str = "WEBHOOKS_ONLY") -> AsyncIterator[Pair]:
    """Both up, provisioned, with people in place; at the end every exchange is held to the contracts."""
    with tempfile.TemporaryDirectory(prefix="incident-comms-") as folder:
        pair = Pair(Path(folder), redis_url, second)
        journal: list[Json] = []
        try:
            await pair.start_sandbox()
            await pair.ask("POST", "/seed", _cast({}))
            await pair.provision()
            # The first start of all registers the integration with Port; Ocean can't do that twice at once.
            await pair.start_integration()
            await pair.start_second()
            await pair.connect()
            yield pair
            journal = await pair.journal(full="true")
        finally:
            await pair.down()
            if kept := os.environ.get("STORIES_LOG"):
                text = (
                    pair.integration.log.read_bytes() + b"\n=== second ===\n" + pair.second.log.read_bytes()
                )
                Path(kept).write_bytes(text)
    if exchanges.folder() is None:
        warnings.warn(exchanges.MISSING, stacklevel=1)
    elif found := exchanges.violations(journal):
        pytest.fail(f"{len(found)} exchanges break a vendor's contract:\n" + "\n".join(found[:20]))
