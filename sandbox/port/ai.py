"""Port AI: agents as entities, questions to them streamed or asked for later, and the month's quota.

There is no model here: whoever drives the sandbox says what the agents answer. Off until it is switched on,
as in an organisation without AI: then there are no agents and nobody to ask. That an answer is streamed, and
how, is told by Port's documents alone; its contract shows the answer that is asked for later.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.port.system import AGENT
from sandbox.port.wire import PortError, flag, not_found, ok, read_object
from sandbox.wire import Call, Reply
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.auth import Principal
    from sandbox.port.service import Port

LIMIT = 50  # questions a month
CHUNK = 40  # characters of one `execution` event
UNSCRIPTED = "I can't help with that."
PROVIDERS = ("openai", "azure-openai", "anthropic", "bedrock", "port")


@dataclass(frozen=True)
class Scripted:
    """One answer of an agent. `seconds` until it is there; `error` fails it; `cut` breaks its stream off."""

    text: str = UNSCRIPTED
    seconds: float = 0.0
    error: str = ""
    cut: bool = False


@dataclass
class Invocation:
    identifier: str
    agent: str
    prompt: str
    labels: dict[str, str]
    at: float
    answer: Scripted
    streamed: bool = False


@dataclass
class Ai:
    """The part of the organisation that answers questions."""

    port: Port
    enabled: bool = False
    stream: bool = True  # whether a stream is given to who asks for one
    limit: int = LIMIT
    script: deque[Scripted] = field(default_factory=deque)
    invocations: dict[str, Invocation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        register = self.port.register
        register("ai.quota", "GET", "/quota/ai-invocations", self._quota)
        register("ai.agent", "POST", "/agent/{agent}/invoke", self._agent)
        register("ai.invoke", "POST", "/ai/invoke", self._general)
        register("ai.result", "GET", "/ai/invoke/{invocation}", self._result)

    def clear(self) -> None:
        self.enabled, self.stream, self.limit = False, True, LIMIT
        self.script.clear()
        self.invocations.clear()

    def switch_on(self) -> None:
        """Agents exist from now on."""
        if not self.enabled:
            self.enabled = True
            with self.port.quietly():
                self.port.blueprints.add(AGENT, self.port.system())

    def seen(self) -> list[Json]:
        """What was asked, for people to look at."""
        kept = ("identifier", "agent", "prompt", "labels", "streamed")
        return [{name: getattr(one, name) for name in kept} for one in self.invocations.values()]

    # --- the API ---------------------------------------------------------------------------------

    def usage(self) -> Json:
        now = datetime.now(UTC)
        following = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
        return {
            "monthlyLimit": self.limit,
            "remainingQuota": max(0, self.limit - len(self.invocations)),
            "month": now.strftime("%Y-%m"),
            "remainingTimeMs": int((following - now).total_seconds() * 1000),
        }

    async def _quota(self, call: Call, who: Principal) -> Reply:
        return ok({"monthlyQuotaUsage": self.usage()})

    async def _agent(self, call: Call, who: Principal) -> Reply:
        body, agent = read_object(call), call.path["agent"]
        found = self.port.store.entity("_ai_agent", agent) if self.enabled else None
        if found is None:
            raise not_found("Agent", agent)
        if found["properties"].get("status", "active") != "active":
            raise PortError(400, "bad_request", f"Agent {agent} is not active")
        prompt = _asked(body, "prompt", {"labels", "provider", "model"})
        one = self._invoke(call, agent, prompt, body)
        if flag(call, "stream") and self.stream:
            return await self._streamed(one)
        return ok({"invocation": {"identifier": one.identifier}}, 202, effect=f"asked agent {agent}")

    async def _general(self, call: Call, who: Principal) -> Reply:
        if not self.enabled:
            raise PortError(403, "forbidden", "AI is not enabled in this organization")
        body = read_object(call)
        given = {"labels", "provider", "model", "systemPrompt", "executionMode", "tools"}
        prompt = _asked(body, "userPrompt", given)
        tools = body.get("tools")
        if not isinstance(tools, list) or not all(isinstance(one, str) for one in tools):
            raise _refused("body must have required property 'tools'")
        return await self._streamed(self._invoke(call, "", prompt, body))

    async def _result(self, call: Call, who: Principal) -> Reply:
        one = self.invocations.get(call.path["invocation"])
        if one is None:
            raise not_found("Invocation", call.path["invocation"])
        result: Json = {"status": "In Progress", "invocationIdentifier": one.identifier}
        if self.port.world.clock.now("port") >= one.at + one.answer.seconds:
            result["status"] = "Failed" if one.answer.error else "Completed"
            result |= {"error": one.answer.error} if one.answer.error else {"message": one.answer.text}
            if one.agent:
                result["selectedAgent"] = one.agent
        return ok({"result": result})

    def _invoke(self, call: Call, agent: str, prompt: str, body: Json) -> Invocation:
        if self.usage()["remainingQuota"] <= 0:
            raise PortError(429, "too_many_requests", "The monthly quota of AI invocations is used up")
        identifier = call.query.get("invocation_identifier") or self.port.world.ids.mixed(20)
        if identifier in self.invocations:
            raise PortError(400, "bad_request", f"Invocation {identifier} exists")
        answer = self.script.popleft() if self.script else Scripted()
        now = self.port.world.clock.now("port")
        one = Invocation(identifier, agent, prompt, dict(body.get("labels", {})), now, answer)
        self.invocations[identifier] = one
        return one

    async def _streamed(self, one: Invocation) -> Reply:
        """Server-sent events, all at once when the answer is there."""
        one.streamed = True
        await asyncio.sleep(one.answer.seconds)
        text = one.answer.text
        chunks = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]
        events = [("invocationIdentifier", one.identifier)]
        if one.answer.cut:
            events += [("execution", chunk) for chunk in chunks[:1]]
        elif one.answer.error:
            events.append(("error", one.answer.error))
        else:
            usage = {"rateLimitUsage": {"remainingRequests": 999}, "monthlyQuotaUsage": self.usage()}
            events += [("execution", chunk) for chunk in chunks]
            events.append(("done", json.dumps(usage)))
        body = "".join(_event(name, data) for name, data in events).encode()
        headers = {"content-type": "text/event-stream", "cache-control": "no-cache"}
        return Reply(body, headers=headers, effect=f"asked {one.agent or 'Port AI'}")


def scripted(given: Any) -> Scripted:
    """An answer as a script names it: its words, or {text, seconds, error, cut}. Raises ValueError."""
    if isinstance(given, str):
        return Scripted(given)
    known = set(Scripted.__dataclass_fields__)
    if not isinstance(given, dict) or set(given) - known:
        raise ValueError(f"an answer is text, or an object of {', '.join(sorted(known))}")
    return Scripted(**given)


def _refused(message: str) -> PortError:
    """Its contract answers 400 here to what it answers 422 elsewhere."""
    return PortError(400, "bad_request", message)


def _asked(body: Json, key: str, more: set[str]) -> str:
    prompt = body.get(key)
    if not isinstance(prompt, str):
        raise _refused(f"body must have required property '{key}'")
    if set(body) - {key, *more}:
        raise _refused("body must NOT have additional properties")
    labels = body.get("labels", {})
    if not isinstance(labels, dict) or not all(isinstance(one, str) for one in labels.values()):
        raise _refused("body/labels must be an object of strings")
    if body.get("provider", "port") not in PROVIDERS:
        raise _refused("body/provider must be equal to one of the allowed values")
    return prompt


def _event(name: str, data: str) -> str:
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"event: {name}\n{lines}\n"
