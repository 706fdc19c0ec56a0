"""Port AI: the quota, and one question to an agent, answered by a stream or asked for until it is there.

Port's contract shows the answer of a question that is not streamed (202 with an identifier) and of asking
for it later; of the stream only Port's documents tell. So whatever goes wrong with the stream, the answer is
asked for under the identifier that we have given it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx

from integration.budget import Budget, Priority
from integration.errors import Ambiguous, RateLimited, Refused, ServiceError, Unreachable
from integration.models.base import Json, Value
from integration.services.http import Answer, Patience, seconds_to_wait, trust
from integration.services.port_wire import PortWire, call_of, quoted

SERVICE, INVOKE, RESULT = "port", "ai.invoke", "ai.result"
POLL_SECONDS = (0.5, 1.0, 1.5, 2.0)  # between two questions whether it is done
ANSWER_BYTES = 200_000


class Quota(Value):
    """How many questions are left this month, and how long the month goes on."""

    remaining: float
    seconds: float


class PortAi:
    """Our own client. Methods raise the errors of `integration.errors`.

    timeout    seconds for one request; a whole question has `answer`'s
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        budget: Budget,
        timeout: float = 10.0,
        user_agent: str = "",
    ) -> None:
        patience = Patience(tries=1)
        self._wire = PortWire(base_url, client_id, client_secret, budget, timeout, user_agent, patience)
        self._v1 = base_url.rstrip("/").removesuffix("/v1") + "/v1"
        # A stream is silent while the model thinks; the whole question has its own limit.
        self._client = httpx.AsyncClient(
            verify=trust(), timeout=httpx.Timeout(timeout, read=None), headers={"User-Agent": user_agent}
        )

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._wire.aclose()

    async def quota(self) -> Quota:
        call = call_of("ai.quota", "other", Priority.DECORATION)
        answer = await self._wire.ask(call, "GET", "/quota/ai-invocations")
        usage = answer.object().get("monthlyQuotaUsage")
        left = usage.get("remainingQuota") if isinstance(usage, dict) else None
        until = usage.get("remainingTimeMs") if isinstance(usage, dict) else None
        if not isinstance(left, int | float) or not isinstance(until, int | float):
            raise self._wire.unreadable(call, "no quota in the answer")
        return Quota(remaining=left, seconds=until / 1000)

    async def ask(self, agent: str, prompt: str, labels: dict[str, str], seconds: float) -> str:
        """The agent's answer. Raises Unreachable when there is none within `seconds`."""
        identifier = f"incident-comms-{secrets.token_hex(12)}"
        try:
            async with asyncio.timeout(seconds):
                said = await self._streamed(agent, prompt, labels, identifier)
                return said if said is not None else await self._polled(identifier)
        except TimeoutError:
            raise Unreachable(SERVICE, INVOKE, "no answer in time", f"none within {seconds:g} s") from None

    async def _streamed(self, agent: str, prompt: str, labels: dict[str, str], identifier: str) -> str | None:
        """The answer as it comes; None where it is to be asked for."""
        url = f"{self._v1}/agent/{quoted(agent)}/invoke"
        query = {"stream": "true", "invocation_identifier": identifier}
        headers = {"Accept": "text/event-stream, application/json"}
        body = {"prompt": prompt, "labels": labels}
        bearer = await self._wire.bearer()
        try:
            async with self._client.stream(
                "POST", url, params=query, json=body, headers=headers, auth=bearer
            ) as answer:
                streams = answer.headers.get("content-type", "").startswith("text/event-stream")
                if streams and answer.is_success:
                    return await _heard(answer.aiter_lines())
                content = await answer.aread()
                self._accepted(answer, content)
        except httpx.ConnectError as error:
            problem: ServiceError = Unreachable(SERVICE, INVOKE, "unreachable", type(error).__name__)
        except httpx.HTTPError:
            return None  # it may have been heard: ask
        else:
            return None
        raise problem

    def _accepted(self, answer: httpx.Response, content: bytes) -> None:
        if answer.is_success:
            return
        body: Any = None
        with contextlib.suppress(ValueError):
            body = json.loads(content)
        call = call_of(INVOKE, "other", Priority.DECORATION, repeatable=False)
        if answer.status_code == 429:
            raise RateLimited(SERVICE, INVOKE, seconds_to_wait(answer.headers, default=60.0), "")
        if answer.status_code >= 500:
            raise Ambiguous(SERVICE, INVOKE, f"HTTP {answer.status_code}", "")
        raise self._wire.error(call, Answer(answer.status_code, body, answer.headers))

    async def _polled(self, identifier: str) -> str:
        call = call_of(RESULT, "other", Priority.DECORATION)
        tries = 0
        while True:
            await asyncio.sleep(POLL_SECONDS[min(tries, len(POLL_SECONDS) - 1)])
            tries += 1
            answer = await self._wire.send(call, "GET", f"/ai/invoke/{quoted(identifier)}")
            if answer.status == 404 and tries < 3:
                continue  # it is not known yet
            self._wire.expect(call, answer)
            result = answer.object().get("result")
            found: Json = result if isinstance(result, dict) else {}
            if found.get("status") == "Completed":
                return _text(found.get("message"))
            if found.get("status") != "In Progress":
                raise Refused(
                    SERVICE, RESULT, _text(found.get("error")) or "failed", _text(found.get("message"))
                )


async def _heard(lines: AsyncIterator[str]) -> str | None:
    """The answer in a stream of events: its `execution` parts, once `done` has come; None without it."""
    event, data, said, size = "", [], [], 0
    async for line in lines:
        size += len(line)
        if size > ANSWER_BYTES:
            raise Refused(SERVICE, INVOKE, "too long", f"over {ANSWER_BYTES} characters")
        if line.startswith("event:"):
            event = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line:
            text = "\n".join(data)
            if event == "execution":
                said.append(text)
            elif event == "error":
                raise Refused(SERVICE, INVOKE, "failed", text[:300])
            elif event == "done":
                return "".join(said) if said else None
            event, data = "", []
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
