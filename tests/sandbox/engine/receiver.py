"""A backend that webhooks reach over real HTTP: one server for all tests, one address for each test."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass
class Backend:
    """Receives the webhooks of one test. `status`, `answer` and `delay` (seconds) are how it answers."""

    url: str
    status: int = 202
    answer: bytes = b"{}"
    delay: float = 0.0
    got: list[tuple[Request, bytes]] = field(default_factory=list)

    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


class Receiver:
    """Hands out backends, each at a path of its own, so that a late webhook finds the test it belongs to."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._backends: dict[str, Backend] = {}

    def backend(self) -> Backend:
        name = str(len(self._backends))
        self._backends[name] = Backend(f"{self.base}/backend/{name}")
        return self._backends[name]

    async def receive(self, request: Request) -> Response:
        backend = self._backends[request.path_params["name"]]
        backend.got.append((request, await request.body()))
        await asyncio.sleep(backend.delay)
        return Response(backend.answer, backend.status)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver in a thread of its own, since every test brings its own event loop."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    receiver = Receiver(f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = Router([Route("/backend/{name}", receiver.receive, methods=METHODS)])
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    )
    server.capture_signals = nullcontext  # type: ignore[method-assign, assignment] # signals are pytest's
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    deadline = time.monotonic() + 10.0
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield receiver
    finally:
        server.should_exit = True
        thread.join(5.0)
        listener.close()
