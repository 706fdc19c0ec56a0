"""What the clients share: when to try again, and what a failure of HTTP means.

The rules (docs/guarantees.md): a 429 means that nothing happened, so it is waited out and
repeated; a request that never left may be repeated; a request that was sent and got no trustworthy
answer may be repeated only if doing it twice is doing it once, else it is Ambiguous at once.
"""

from __future__ import annotations

import asyncio
import functools
import json
import math
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import httpx
from loguru import logger

from integration.budget import Budget, Priority
from integration.errors import Ambiguous, RateLimited, Refused, Unreachable
from integration.models.base import Json

KEEP_WARM = 55.0  # seconds an idle connection is kept; load balancers commonly drop theirs at 60
_LONGEST_DETAIL = 300
_REFRESH_EARLY = 300.0  # seconds before its end at which a token is renewed


def user_agent() -> str:
    """`incident-comms/<version>`. Without "port-ocean" in it: that would mark what we write as Ocean's."""
    try:
        return f"incident-comms/{version('incident-comms')}"
    except PackageNotFoundError:  # run from a checkout
        return "incident-comms/0"


@functools.cache
def trust() -> ssl.SSLContext:
    """The authorities that certificates are held against. Read once for all clients: it takes a while."""
    return httpx.create_ssl_context()


@dataclass(frozen=True)
class Patience:
    """How long a client keeps trying. `max_wait` and `backoff` in seconds.

    `max_wait` bounds what one call waits for rate limits in all; `tries` counts the first one;
    the pause before try n is `backoff * 2**(n-2)`, more or less a quarter.
    """

    max_wait: float = 60.0
    tries: int = 3
    backoff: float = 0.4

    def before(self, attempt: int) -> float:
        return self.backoff * 2.0 ** (attempt - 2) * random.uniform(0.75, 1.25)  # noqa: S311 no secret


@dataclass(frozen=True)
class Call:
    """One call as the budget and the errors see it. `repeatable`: doing it twice is doing it once."""

    service: str
    operation: str
    method_class: str
    priority: Priority
    repeatable: bool


async def persist[T](budget: Budget, call: Call, patience: Patience, send: Callable[[], Awaitable[T]]) -> T:
    """Run `send` in its turn, again where that is safe.

    `send` raises RateLimited, Unreachable or Ambiguous for one try; whatever else it raises is final.
    """
    allowed, owed, limits, failures = patience.max_wait, 0.0, 0, 0
    while True:
        async with budget.turn(call.service, call.method_class, call.priority, allowed):
            allowed, owed = allowed - owed, 0.0  # what was asked of us has been waited out by now
            failure: RateLimited | Unreachable | Ambiguous
            try:
                return await send()
            except (RateLimited, Unreachable, Ambiguous) as error:
                failure = error
        if isinstance(failure, RateLimited):
            limits += 1
            wait = max(failure.retry_after, patience.before(limits + 1))  # grows, should they ask for 0
            budget.pause(call.service, call.method_class, wait)
            if wait > allowed:
                raise failure
            logger.warning(f"{call.service} {call.operation}: rate limited, again in {wait:.1f} s")
            owed = wait
            continue
        failures += 1
        if failures >= patience.tries or (isinstance(failure, Ambiguous) and not call.repeatable):
            raise failure
        await asyncio.sleep(patience.before(failures + 1))


def seconds_to_wait(
    headers: Mapping[str, str], default: float, wall: Callable[[], float] = time.time
) -> float:
    """What `Retry-After` asks for in seconds: a number, an HTTP date or an ISO 8601 date (Zoom)."""
    said = headers.get("retry-after", "").strip()
    if not said:
        return default
    try:
        seconds = float(said)
    except ValueError:
        until = _date(said)
        seconds = until.timestamp() - wall() if until else default
    return max(0.0, seconds) if math.isfinite(seconds) else default


def _date(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            date = parse(text)
        except ValueError:
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None


def short(text: object, secrets: tuple[str, ...] = ()) -> str:
    """A provider's words for an error of ours: one line, bounded, without our secrets."""
    line = " ".join(str(text).split())
    for secret in secrets:
        if secret:
            line = line.replace(secret, "***")
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"


class Bearer(httpx.Auth):
    """A token that neither repr nor a traceback with values shows."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    @property
    def token(self) -> str:
        return self._header.removeprefix("Bearer ")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = self._header
        yield request


class Tokens:
    """One token for all: renewed before its end, fetched once however many ask.

    `fetch` gives the token and the seconds it lives; it raises our errors.
    """

    def __init__(self, fetch: Callable[[], Awaitable[tuple[Bearer, float]]]) -> None:
        self._fetch = fetch
        self._lock = asyncio.Lock()
        self._current: Bearer | None = None
        self._renew_at = 0.0

    async def get(self) -> Bearer:
        async with self._lock:
            if self._current is None or time.monotonic() >= self._renew_at:
                try:
                    self._current, seconds = await self._fetch()
                except Ambiguous as error:
                    # About the token only: what it was wanted for has not been sent.
                    raise Unreachable(error.service, error.operation, error.code, error.detail) from None
                self._renew_at = time.monotonic() + seconds - min(_REFRESH_EARLY, seconds / 2)
            return self._current

    async def send(
        self, once: Callable[[Bearer], Awaitable[Answer]], refused: Callable[[Answer], bool]
    ) -> Answer:
        """Send with the token, and once more with a new one where the answer says that it was refused.

        A request with a bad token is refused unread, so repeating is safe whatever it asks for.
        """
        bearer = await self.get()
        answer = await once(bearer)
        if not refused(answer):
            return answer
        if self._current is bearer:  # a newer one that somebody else fetched meanwhile stays
            self._current = None
        return await once(await self.get())


@dataclass(frozen=True)
class Answer:
    """A readable answer below 500. `body` is the JSON, None when there is none.

    Its repr shows the status only: an answer may hold a token, or a link that makes one the host.
    """

    status: int
    body: Any = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def object(self) -> Json:
        """The body as an object; empty when it is something else."""
        return self.body if isinstance(self.body, dict) else {}


LimitOf = Callable[[Answer], float | None]
"""Seconds to wait for a 429 answer; None to hand the answer to the caller as it is."""


class HttpClient:
    """One provider's own httpx client: its session, its headers, its errors; nothing shared."""

    def __init__(
        self,
        service: str,
        budget: Budget,
        timeout: float,
        *,
        limit_of: LimitOf,
        patience: Patience,
        secrets: tuple[str, ...] = (),
        agent: str = "",
    ) -> None:
        self.service = service
        self._budget, self._patience = budget, patience
        self._limit_of, self._secrets = limit_of, secrets
        self._client = httpx.AsyncClient(
            verify=trust(),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            limits=httpx.Limits(max_connections=50, keepalive_expiry=KEEP_WARM),
            headers={"User-Agent": agent or user_agent(), "Accept": "application/json"},
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def send(
        self,
        call: Call,
        method: str,
        url: str,
        *,
        body: Json | None = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        agent: str = "",
    ) -> Answer:
        """Send until there is an answer below 500 that can be read, as far as `call` allows repeating.

        Raises Unreachable, Ambiguous, RateLimited; 4xx is for the caller to judge.
        """
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if content is not None else {}
        request = self._client.build_request(
            method,
            url,
            content=content,
            data=form,
            params=query,
            headers=headers | ({"User-Agent": agent} if agent else {}),
        )
        return await persist(self._budget, call, self._patience, lambda: self._once(call, request, auth))

    async def _once(self, call: Call, request: httpx.Request, auth: httpx.Auth | None) -> Answer:
        failure: Unreachable | Ambiguous | Refused
        try:
            response = await self._client.send(request, auth=auth)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            failure = Unreachable(self.service, call.operation, "unreachable", self._say(error))
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            failure = Refused(self.service, call.operation, "invalid request", self._say(error))
        except httpx.TimeoutException as error:
            failure = Ambiguous(self.service, call.operation, "no answer in time", type(error).__name__)
        except httpx.HTTPError as error:
            failure = Ambiguous(self.service, call.operation, "connection lost", self._say(error))
        else:
            return self._read(call, response)
        # Raised here, not in the handler: a chained httpx error carries the request and what is in it.
        raise failure

    def _read(self, call: Call, response: httpx.Response) -> Answer:
        status = response.status_code
        if status >= 500 or status == 408:
            raise Ambiguous(self.service, call.operation, f"HTTP {status}", self.short(response.text))
        body: Any = None
        if response.content.strip():
            try:
                body = json.loads(response.content)
            except ValueError:
                if response.is_success:
                    raise self.unreadable(call.operation, "not JSON") from None
                body = {"message": self.short(response.text)}
        answer = Answer(status, body, response.headers)
        if status == 429:
            seconds = self._limit_of(answer)
            if seconds is not None:
                detail = self.short(answer.object().get("message", ""))
                raise RateLimited(self.service, call.operation, seconds, detail)
        return answer

    def unreadable(self, operation: str, why: str) -> Ambiguous:
        """For an answer that says yes but lacks what a yes must have."""
        return Ambiguous(self.service, operation, "unreadable answer", why)

    def short(self, text: object) -> str:
        return short(text, self._secrets)

    def _say(self, error: Exception) -> str:
        return self.short(f"{type(error).__name__}: {error}")
