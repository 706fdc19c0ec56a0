"""How Port calls a backend: a signed request, and what its failure is called in the run's log.

`x-port-signature` is `v1,` and the base64 of HMAC-SHA256 over `{x-port-timestamp}.{raw body}` with the
client secret of the organisation's credentials.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.types import ASGIApp

from sandbox.world import Json, World

USER_AGENT = "port-sandbox-webhook/1"

PORT_HOSTS = frozenset({"api.port.io", "api.us.port.io", "api.getport.io", "api.us.getport.io"})
"""Calls to these are Port calling itself: answered by this sandbox, authenticated by it."""


@dataclass(frozen=True)
class Request:
    """One rendered invocation. `body` is what goes over the wire, byte for byte."""

    operation: str  # name in the journal, e.g. "webhook.open_war_room"
    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """`status` is None when no answer came; `reason` says why the call failed, None when it did not."""

    status: int | None
    body: bytes = b""
    reason: str | None = None

    def parsed(self) -> Any:
        """The body as a run keeps it in `response`: object, array or text; None when empty."""
        text = self.body.decode("utf-8", "replace")
        try:
            value = json.loads(text)
        except ValueError:
            return text or None
        return value if isinstance(value, dict | list | str) else text


def signed(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """Port's two headers for this body at this second."""
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "x-port-timestamp": str(timestamp),
        "x-port-signature": "v1," + base64.b64encode(mac).decode(),
    }


class Webhooks:
    """Sends requests and journals each (`direction` "out"). `patience` is how long an answer may take, in
    seconds; Port documents none, its execution agent waits 30 s.

    `own` gives the application that answers for Port's own hosts, `token` an access token for it.
    """

    def __init__(
        self, world: World, own: Callable[[], ASGIApp], token: Callable[[], str], patience: float = 30.0
    ) -> None:
        self.world = world
        self.patience = patience
        self._own, self._token = own, token
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def send(self, request: Request) -> Answer:
        """One attempt; never raises for what the network does."""
        body = request.body.decode("utf-8", "replace")
        entry = self.world.sends(
            "port", request.operation, request.method, request.url, body, dict(request.headers)
        )
        answer = await self._attempt(request)
        entry.answered(answer.status, answer.reason, answer.body.decode("utf-8", "replace"))
        return answer

    async def _attempt(self, request: Request) -> Answer:
        try:
            async with asyncio.timeout(self.patience):
                got = await self._call(request)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(None, reason=f"timeout of {self.patience * 1000:.0f}ms exceeded")
        except httpx.ConnectError:
            return Answer(None, reason=f"connect ECONNREFUSED {_place(request.url)}")
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
            # ValueError: a header that is not ASCII, a URL without a host.
            return Answer(None, reason=str(problem) or type(problem).__name__)
        except AssertionError:
            # What the transport in process says when a planned reset left it without an answer.
            return Answer(None, reason="socket hang up")
        failed = None if got.status_code < 400 else f"Request failed with status code {got.status_code}"
        return Answer(got.status_code, got.content, failed)

    async def _call(self, request: Request) -> httpx.Response:
        url = httpx.URL(request.url)
        headers = {"user-agent": USER_AGENT, **request.headers}
        if url.host not in PORT_HOSTS:
            return await self._outside().request(
                request.method, url, content=request.body, headers=headers, timeout=self.patience
            )
        headers["authorization"] = f"Bearer {self._token()}"
        here = url.copy_with(raw_path=b"/port" + url.raw_path)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._own())) as client:
            return await client.request(request.method, here, content=request.body, headers=headers)

    def _outside(self) -> httpx.AsyncClient:
        if self._client is None:
            # No proxy from the environment: a receiver on this machine must be reached directly. No
            # connection is kept: one to a receiver that was restarted meanwhile would break.
            self._client = httpx.AsyncClient(
                trust_env=False, follow_redirects=True, limits=httpx.Limits(max_keepalive_connections=0)
            )
        return self._client


def _place(url: str) -> str:
    parsed: Any = httpx.URL(url)
    return f"{parsed.host}:{parsed.port or (443 if parsed.scheme == 'https' else 80)}"


def encoded(body: Json | list[Any] | None) -> bytes:
    """JSON as Port's JavaScript writes it: compact, not escaped to ASCII."""
    return json.dumps({} if body is None else body, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "replace"
    )
