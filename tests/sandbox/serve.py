"""An ASGI application served over real HTTP on a free port of 127.0.0.1, for as long as a test needs it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import uvicorn

DEADLINE = 30.0  # seconds
_KEEP_ALIVE = (
    75  # seconds; longer than any client keeps a connection, or one would be closed while it is used
)
_FAREWELL = 1.0  # seconds; what is being answered then is cut off


class _Server(uvicorn.Server):
    """Ends at once. uvicorn's own looks up ten times a second, and then waits for another tenth."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.over = asyncio.Event()

    async def main_loop(self) -> None:
        while not self.over.is_set():
            await self.on_tick(0)  # the Date of the answers
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        open_yet = self.server_state
        for connection in list(open_yet.connections):
            connection.shutdown()
        with contextlib.suppress(AssertionError):
            await until(lambda: not open_yet.connections and not open_yet.tasks, _FAREWELL)
        for task in open_yet.tasks:
            task.cancel()


@contextlib.asynccontextmanager
async def serve(app: Callable[..., Any]) -> AsyncIterator[str]:
    """Serve `app` in this event loop; yields the base URL, e.g. "http://127.0.0.1:40213".

    The socket is bound before the server starts, so the port cannot be taken in between. Same loop on
    purpose: a test may touch the emulator's state directly, without locks.
    """
    # The protocol is named: asyncio turns Nagle's delay (40 ms an answer) off only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = _Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_keep_alive=_KEEP_ALIVE))
    # Signals stay with the test runner: uvicorn would take SIGINT for itself.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await until(lambda: server.started or task.done())
        if task.done():
            task.result()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.over.set()
        await task
        listener.close()


async def until[T](
    condition: Callable[[], T | Awaitable[T]], seconds: float = DEADLINE, what: str = "the condition"
) -> T:
    """Wait until `condition()` (plain or async) is true and return its value; fails after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        value: T = await found if isinstance(found, Awaitable) else found
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        await asyncio.sleep(0.01)
