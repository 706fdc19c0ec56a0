"""One Slack call over slack-sdk's client: its turn, its repetition, its errors.

slack-sdk's own retries are off: on a lost connection they send a post again. Its exceptions are not
passed on or chained: they hold the request with the token in its headers.
"""

from __future__ import annotations

import contextvars
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from integration.budget import Budget, Priority
from integration.errors import Ambiguous, RateLimited, Refused, ServiceError, Unreachable
from integration.models.base import Json
from integration.services.http import KEEP_WARM, Call, Patience, persist, seconds_to_wait, short, user_agent
from integration.services.slack_errors import SERVICE, error_of
from integration.services.slack_shapes import objects, string
from integration.services.slack_tiers import METHODS, Repeat, rate_of

_NO_RETRY_AFTER = 1.0  # seconds at first, then longer; Slack always says, what is between us may not


@dataclass
class _Exchange:
    """What is known of one request on the wire, whatever slack-sdk makes of its answer."""

    sent: bool = False
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)


_exchange: contextvars.ContextVar[_Exchange | None] = contextvars.ContextVar("slack_exchange", default=None)


async def _note_sent(_session: object, _context: SimpleNamespace, _params: object) -> None:
    if (exchange := _exchange.get()) is not None:
        exchange.sent = True


async def _note_answer(
    _session: object, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
) -> None:
    if (exchange := _exchange.get()) is not None:
        exchange.status = params.response.status
        exchange.headers = {name.lower(): value for name, value in params.response.headers.items()}


class SlackWire:
    """Calls methods by their name and gives the body of an `ok: true` answer."""

    def __init__(self, api_url: str, token: str, budget: Budget, timeout: float, patience: Patience) -> None:
        budget.declare(SERVICE, rate_of)
        self._budget, self._patience, self._timeout = budget, patience, timeout
        self._client = AsyncWebClient(
            token=token, base_url=api_url, timeout=round(timeout), retry_handlers=[]
        )
        self._client.headers["User-Agent"] = f"{user_agent()} {self._client.headers['User-Agent']}"
        # slack-sdk takes a proxy from the environment without heeding NO_PROXY; the session heeds it.
        self._client.proxy = None
        self._secrets = (token.strip(),)

    async def aclose(self) -> None:
        if self._client.session is not None:
            await self._client.session.close()

    async def read(self, method: str, priority: Priority, **params: Any) -> Json:
        """A method that only reads, by GET."""
        worded = {name: _worded(value) for name, value in params.items()}
        return await self._call(method, method, priority, "GET", worded)

    async def headers(self, priority: Priority) -> dict[str, str]:
        """Those of an answer to auth.test, in lower case: what the token may do, and Slack's clock."""
        await self.read("auth.test", priority)
        exchange = _exchange.get()
        return {} if exchange is None else exchange.headers

    async def pages(
        self, method: str, key: str, priority: Priority, **params: Any
    ) -> AsyncIterator[list[Json]]:
        """The list `key` of a reading method, page by page to the end; raises rather than yield less."""
        cursor: str | None = None
        while True:
            body = await self.read(method, priority, cursor=cursor, **params)
            if not isinstance(body.get(key), list):
                raise self.unreadable(method, f"no {key}")
            yield objects(body[key])
            metadata = body.get("response_metadata")
            following = string(metadata.get("next_cursor")) if isinstance(metadata, dict) else ""
            if not following:
                return
            if following == cursor:
                raise self.unreadable(method, "the same page twice")
            cursor = following

    async def write(self, method: str, priority: Priority, *, method_class: str = "", **params: Any) -> Json:
        """A method that changes something, by POST with JSON."""
        return await self._call(method, method_class or method, priority, "POST", params)

    def unreadable(self, method: str, why: str) -> Ambiguous:
        """For an `ok: true` that lacks what the method must answer."""
        return Ambiguous(SERVICE, method, "unreadable answer", why)

    async def _call(
        self, method: str, method_class: str, priority: Priority, verb: str, params: Json
    ) -> Json:
        repeatable = METHODS[method][1] is not Repeat.ONCE
        call = Call(SERVICE, method, method_class, priority, repeatable)
        given = {name: value for name, value in params.items() if value is not None}
        return await persist(self._budget, call, self._patience, lambda: self._once(method, verb, given))

    async def _once(self, method: str, verb: str, params: Json) -> Json:
        exchange = _Exchange()
        _exchange.set(exchange)
        self._ready()
        failure: ServiceError
        try:
            if verb == "GET":
                response = await self._client.api_call(method, http_verb="GET", params=params)
            else:
                response = await self._client.api_call(method, json=params)
        except SlackApiError as error:
            failure = self._refusal(method, exchange, error)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failure = self._lost(method, exchange, error)
        except (AttributeError, TypeError, ValueError) as error:
            # slack-sdk stumbles like this over an answer that is JSON but no object, plain text, or no
            # UTF-8; and aiohttp like this over a request that cannot be encoded.
            failure = self._unread(method, exchange, type(error).__name__)
        else:
            if isinstance(response.data, dict):
                return response.data
            failure = self._unread(method, exchange, "not a JSON object")
        # Raised here, not in the handler: nothing of slack-sdk's, which holds the token, is chained to it.
        raise failure

    def _refusal(self, method: str, exchange: _Exchange, error: SlackApiError) -> ServiceError:
        body = getattr(error.response, "data", None)
        judged = exchange.status < 500 and exchange.status != 429
        if judged and isinstance(body, dict) and body.get("ok") is False:
            return error_of(method, body, self._retry_after(exchange), self._secrets)
        return self._unread(method, exchange, "")

    def _unread(self, method: str, exchange: _Exchange, why: str) -> ServiceError:
        """An answer that is not Slack's `ok: true` or `ok: false`: judged by its status alone."""
        status = exchange.status
        if not exchange.sent:
            return Refused(SERVICE, method, "invalid_arguments", f"cannot be sent: {why}")
        if status == 429:
            return RateLimited(SERVICE, method, self._retry_after(exchange))
        if 400 <= status < 500 and status != 408:
            return Refused(
                SERVICE, method, f"HTTP {status}", hint="Check the URL of Slack's API, and proxies."
            )
        if status >= 500 or status == 408:
            return Ambiguous(SERVICE, method, f"HTTP {status}")
        return Ambiguous(SERVICE, method, "unreadable answer", why)

    def _lost(self, method: str, exchange: _Exchange, error: Exception) -> ServiceError:
        said = short(f"{type(error).__name__}: {error}", self._secrets)
        if not exchange.sent:
            return Unreachable(SERVICE, method, "unreachable", said)
        timed_out = isinstance(error, TimeoutError)
        return Ambiguous(SERVICE, method, "no answer in time" if timed_out else "connection lost", said)

    @staticmethod
    def _retry_after(exchange: _Exchange) -> float:
        return seconds_to_wait(exchange.headers, default=_NO_RETRY_AFTER)

    def _ready(self) -> None:
        """Our own session; made at the first call, since aiohttp wants a running loop for it."""
        if self._client.session is None or self._client.session.closed:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_note_sent)
            trace.on_request_end.append(_note_answer)
            self._client.session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(self._timeout, 5.0)),
                connector=aiohttp.TCPConnector(limit=50, keepalive_timeout=KEEP_WARM),
                trace_configs=[trace],
                trust_env=True,
            )


def _worded(value: Any) -> Any:
    """Slack's documents show true and false; slack-sdk alone would send 1 and 0."""
    return str(value).lower() if isinstance(value, bool) else value
