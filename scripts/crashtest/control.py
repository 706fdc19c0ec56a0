"""The sandbox's control as the crash test asks it: very often, so with a client that costs little."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import aiohttp

from sandbox.stage import StageError

TIMEOUT_SECONDS = 30.0
REFUSED = 400


class Control:
    """Requests under /_sandbox of one sandbox. Raises StageError with its words when it refuses."""

    def __init__(self, base: str) -> None:
        self._base = f"{base}/_sandbox"
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body)
        try:
            async with self._ready().request(method, self._base + path, data=content) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as lost:
            raise StageError(f"{method} /_sandbox{path}: {type(lost).__name__}: {lost}") from lost
        if answer.status >= REFUSED:
            raise StageError(f"{method} /_sandbox{path}: {answer.status} {text[:500]}")
        return json.loads(text) if text else None

    async def looks(self, paths: Sequence[str]) -> list[Any]:
        """What GET says to each, at one moment; None for what is not there."""
        found = []
        for path, one in zip(paths, await self.ask("POST", "/several", list(paths)), strict=True):
            if one["status"] >= REFUSED and one["status"] != 404:
                raise StageError(f"GET /_sandbox{path}: {one['status']} {one['text'][:500]}")
            found.append(json.loads(one["text"]) if one["status"] < REFUSED else None)
        return found

    def _ready(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Shorter than the sandbox keeps a connection open: it must not close one that is being taken.
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session
