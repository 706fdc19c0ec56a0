"""Statuspage's HTTP: the key, its one budget, lists in pages, and what a refusal means."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from typing import Final
from urllib.parse import quote

import httpx

from integration.budget import Budget, Priority, Rate
from integration.errors import Ambiguous, BadInput, CredentialsRefused, RateLimited, Refused, ServiceError
from integration.models.base import Json
from integration.services.http import Answer, Call, HttpClient, Patience, seconds_to_wait
from integration.services.statuspage_shapes import said, text

SERVICE: Final = "statuspage"
PAGE: Final = 100  # the default and the most of every list
NOT_FOUND: Final = "not found"
"""Code of the refusal when a page, an incident or a component is not there, or not for this key."""

PER_MINUTE: Final = 60  # what Statuspage allows a key
_BURST, _RESERVE = 5, 4  # at once; of these, left for public words while lists are read
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 32.0  # seconds; 2 + 4 + 8 + 16 + 32 outlast the rolling minute
PATIENCE: Final = Patience(max_wait=75.0)


def rate(per_minute: int) -> Rate:
    """Some at once and the rest spread out: together never more than any rolling minute may hold."""
    return Rate(per_minute=per_minute - _BURST, burst=_BURST, reserve=_RESERVE)


class Window:
    """How long to stay away after a refusal for rate, when nobody says how long.

    The minute is shared with whoever else uses the key, and rolls: a place may be free in a second. So
    the waits grow from 2 s and together outlast the minute. Answers that come late, to what was sent
    before the last refusal was known, don't make it longer.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wait = self._until = 0.0

    def refused(self) -> float:
        """Seconds from now."""
        now = self._clock()
        if now >= self._until:
            self._wait = min(self._wait * 2, _LONGEST_WAIT) if self._wait else _FIRST_WAIT
            self._until = now + self._wait
        return self._until - now

    def admitted(self) -> None:
        self._wait = 0.0


class _Key(httpx.Auth):
    """The key, where neither repr nor a traceback with values shows it."""

    def __init__(self, key: str) -> None:
        self._header = f"OAuth {key}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = self._header
        yield request


class _Client(HttpClient):
    """420 means here what 429 means everywhere."""

    def _read(self, call: Call, response: httpx.Response) -> Answer:
        if response.status_code in (420, 429):
            wait = self._limit_of(Answer(response.status_code, None, response.headers)) or 0.0
            raise RateLimited(self.service, call.operation, wait, self.short(response.text))
        return super()._read(call, response)


class StatuspageWire:
    """Requests of one key. Raises the errors of `integration.errors`."""

    def __init__(
        self,
        api_url: str,
        api_key: str,
        budget: Budget,
        timeout: float,
        patience: Patience | None,
        per_minute: int = PER_MINUTE,
    ) -> None:
        budget.declare(SERVICE, lambda _: rate(per_minute))
        self._api = api_url.rstrip("/")
        self._key = _Key(api_key)
        self._window = Window()
        self._http = _Client(
            SERVICE,
            budget,
            timeout,
            limit_of=lambda answer: seconds_to_wait(answer.headers, default=self._window.refused()),
            patience=patience or PATIENCE,
            secrets=(api_key,),
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def one(self, operation: str, path: str, priority: Priority) -> Json | None:
        """The object at `path`, None when there is none."""
        call = _call(operation, priority)
        answer = await self._send(call, "GET", path)
        if answer.status == 404:
            return None
        self._expect(call, answer)
        if not text(answer.object().get("id")):
            raise self.unreadable(operation, "no id")
        return answer.object()

    async def object(
        self, operation: str, path: str, priority: Priority, query: Mapping[str, str] | None = None
    ) -> Json | None:
        """What stands at `path` and has no id; None when there is nothing."""
        call = _call(operation, priority)
        answer = await self._send(call, "GET", path, query=query)
        if answer.status == 404:
            return None
        self._expect(call, answer)
        return answer.object()

    async def many(
        self, operation: str, path: str, query: Mapping[str, str], priority: Priority
    ) -> list[Json]:
        """One list of objects with ids. Raises Ambiguous when it is something else."""
        call = _call(operation, priority)
        answer = await self._send(call, "GET", path, query=query)
        self._expect(call, answer)
        found = answer.body
        if not isinstance(found, list):
            raise self.unreadable(operation, "no list")
        if not all(isinstance(item, dict) and text(item.get("id")) for item in found):
            raise self.unreadable(operation, "something in the list has no id")
        return found

    async def pages(
        self,
        operation: str,
        path: str,
        priority: Priority,
        *,
        sized_by: str = "per_page",
        size: int = PAGE,
        first: int = 1,
        only: Mapping[str, str] | None = None,
    ) -> AsyncIterator[list[Json]]:
        """A list, page by page. What moves to the next page while we read is given once."""
        size = min(max(size, 1), PAGE)
        seen: set[str] = set()
        number = first
        while True:
            asked = {**(only or {}), sized_by: str(size), "page": str(number)}
            found = await self.many(operation, path, asked, priority)
            fresh = [item for item in found if item["id"] not in seen]
            seen |= {item["id"] for item in fresh}
            if fresh:
                yield fresh
            if len(found) < size or not fresh:
                return
            number += 1

    async def write(self, operation: str, method: str, path: str, body: Json, priority: Priority) -> Json:
        """Send once; a lost answer is Ambiguous."""
        call = _call(operation, priority, repeatable=False)
        answer = await self._send(call, method, path, body=body)
        self._expect(call, answer)
        return answer.object()

    def unreadable(self, operation: str, why: str) -> Ambiguous:
        return self._http.unreadable(operation, why)

    async def _send(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        url = self._api + path
        answer = await self._http.send(call, method, url, body=body, query=query, auth=self._key)
        self._window.admitted()
        return answer

    def _expect(self, call: Call, answer: Answer) -> None:
        if not answer.ok:
            raise self._error(call, answer)

    def _error(self, call: Call, answer: Answer) -> ServiceError:
        detail = self._http.short(said(answer.object()))
        code = f"HTTP {answer.status}"
        if answer.status in (401, 403):
            hint = "Check the Statuspage API key and that it may manage this page."
            return CredentialsRefused(SERVICE, call.operation, code, detail, hint)
        if answer.status == 404:
            hint = "Check the ids of page and incident, and that the API key belongs to that page."
            return Refused(SERVICE, call.operation, NOT_FOUND, detail, hint)
        return Refused(SERVICE, call.operation, code, detail)


def path_of(page: str, *rest: str) -> str:
    """`/pages/<page>/...`. Raises BadInput for a part that would make it the path of something else."""
    for part in (page, *rest):
        if not part.strip("."):
            raise BadInput("page" if part is page else "id", f"{part!r} is no id of Statuspage")
    return "/".join(["/pages", *(quote(part, safe="") for part in (page, *rest))])


def _call(operation: str, priority: Priority, repeatable: bool = True) -> Call:
    return Call(SERVICE, operation, "key", priority, repeatable)  # one class: the limit is the key's
