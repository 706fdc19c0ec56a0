"""Signed webhooks on their way out: late, twice, out of order and tried again, as the vendors do it.

Signing lives with each service: a `Delivery` carries a function that signs one attempt, because
Slack and Zoom put the time of the attempt, not of the event, under the signature.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from sandbox.world import World

Sign = Callable[[bytes], dict[str, str]]
"""Headers of one attempt for this body: content type, time and signature."""


@dataclass(frozen=True)
class Policy:
    """When a vendor calls a delivery failed, and what it does then.

    `waits` are the seconds before each retry, `timeout` the seconds it waits for an answer.
    `retry_headers(number, reason)` are added to retry `number` (from 1); `no_retry` is the answer
    header by which a receiver stops the retries.
    """

    waits: tuple[float, ...]
    timeout: float = 3.0
    retry_headers: Callable[[int, str], dict[str, str]] = field(default=lambda number, reason: {})
    no_retry: str | None = None


SLACK = Policy(
    waits=(0.0, 60.0, 300.0),
    retry_headers=lambda number, reason: {
        "x-slack-retry-num": str(number),
        "x-slack-retry-reason": reason,
    },
    no_retry="x-slack-no-retry",
)
"""Three retries: at once, after 1 minute, after 5; an answer is due within 3 s."""

ZOOM = Policy(waits=(300.0, 1200.0, 3600.0))
"""Retries after 5, 20 and 60 minutes; 200 or 204 is due within 3 s."""


@dataclass(frozen=True)
class Answer:
    """What came back. `status` is None when nothing did; `reason` is then, and for a status outside
    2xx, in Slack's words: http_timeout, http_error, connection_failed, ssl_error,
    too_many_redirects or unknown_error.
    """

    status: int | None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reason: str | None = None

    @property
    def accepted(self) -> bool:
        return self.reason is None


@dataclass(frozen=True)
class Delivery:
    """One event for one receiver. `operation` names it in the journal, e.g. "event.message"."""

    service: str
    operation: str
    url: str
    body: bytes
    sign: Sign
    policy: Policy


class Deliverer:
    """Sends webhooks and writes every attempt into the journal (`direction` "out").

    `retry_scale` divides the waits between retries, so that a rehearsal need not last six minutes.
    """

    def __init__(self, world: World, retry_scale: float = 1.0) -> None:
        self.world = world
        self.retry_scale = retry_scale
        self._client: httpx.AsyncClient | None = None
        self._order: dict[str, asyncio.Lock] = {}

    def clear(self) -> None:
        """Forget the order of what was under way; the world cancels the tasks themselves."""
        self._order.clear()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def send(
        self, service: str, operation: str, url: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int | None, bytes]:
        """One attempt, no retries, no hostility: (status or None when no answer came, body)."""
        answer = await self.attempt(service, operation, url, body, headers)
        return answer.status, answer.body

    async def attempt(
        self,
        service: str,
        operation: str,
        url: str,
        body: bytes,
        headers: dict[str, str],
        timeout: float = 3.0,  # noqa: ASYNC109 - the vendor's patience with its receiver, in seconds
    ) -> Answer:
        """One attempt, journalled; never raises for what the network does."""
        entry = self.world.sends(service, operation, "POST", url, body.decode("utf-8", "replace"), headers)
        answer = await self._post(url, body, headers, timeout)
        entry.answered(answer.status, answer.reason, answer.body.decode("utf-8", "replace"), answer.headers)
        return answer

    def deliver(self, delivery: Delivery) -> None:
        """Send in the background, by the vendor's policy and the world's hostility. Needs a running loop."""
        hostility, random = self.world.hostility, self.world.ids.random
        copies = 1 + (random.random() < hostility.event_duplicate_share)
        for _ in range(copies):
            late = random.uniform(0, hostility.event_delay_seconds)
            self.world.background(self._see_through(delivery, late))

    async def _see_through(self, delivery: Delivery, late: float) -> None:
        answer = await self._first(delivery, late)
        for number, wait in enumerate(delivery.policy.waits, start=1):
            if answer.accepted or _asks_to_stop(answer, delivery.policy):
                return
            await asyncio.sleep(wait / self.retry_scale)
            more = delivery.policy.retry_headers(number, answer.reason or "unknown_error")
            answer = await self._once(delivery, more)

    async def _first(self, delivery: Delivery, late: float) -> Answer:
        if late:
            await asyncio.sleep(late)
            return await self._once(delivery, {})
        # With lateness off, first attempts keep their order: asyncio's lock is first come, first served.
        async with self._order.setdefault(delivery.url, asyncio.Lock()):
            return await self._once(delivery, {})

    async def _once(self, delivery: Delivery, more: dict[str, str]) -> Answer:
        headers = {**delivery.sign(delivery.body), **more}
        return await self.attempt(
            delivery.service,
            delivery.operation,
            delivery.url,
            delivery.body,
            headers,
            delivery.policy.timeout,
        )

    async def _post(self, url: str, body: bytes, headers: dict[str, str], patience: float) -> Answer:
        if self._client is None:
            # No proxy from the environment: a receiver on this machine must be reached directly.
            self._client = httpx.AsyncClient(trust_env=False)
        try:
            # httpx limits each step; a receiver that drips its answer is late all the same.
            async with asyncio.timeout(patience):
                got = await self._client.post(url, content=body, headers=headers, timeout=patience)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(None, reason="http_timeout")
        except httpx.ConnectError as problem:
            return Answer(None, reason="ssl_error" if "SSL" in str(problem) else "connection_failed")
        except httpx.NetworkError:
            return Answer(None, reason="connection_failed")
        except (httpx.HTTPError, httpx.InvalidURL):
            return Answer(None, reason="unknown_error")
        reason = None if got.is_success else "http_error"
        return Answer(got.status_code, got.content, dict(got.headers), reason)


def _asks_to_stop(answer: Answer, policy: Policy) -> bool:
    return policy.no_retry is not None and answer.headers.get(policy.no_retry) == "1"
