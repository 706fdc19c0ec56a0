"""How an emulator meets HTTP: one operation is one handler; journal and faults are applied here, once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.world import Entry, Fault, World, iso

MAX_BODY = 20 * 1024 * 1024
GAP_HEADER = "x-sandbox"
"""Says that an answer is about what the sandbox lacks, not about what the vendor does."""
_CREDENTIALS = {"authorization", "cookie", "x-api-key"}
_SECRET_PARAMETERS = {"api_key", "token"}


class _Rest(Convertor[str]):
    """Whatever is left of a path, line breaks too: Starlette's own `path` stops at one."""

    regex = r"(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("rest", _Rest())
"""For the last route of a service, `/service/{rest:rest}`: nothing falls past it."""


@dataclass
class Call:
    """One request as a handler sees it."""

    request: Request
    body: bytes
    entry: Entry

    @property
    def path(self) -> dict[str, str]:
        return self.request.path_params

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params)

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.request.headers)

    def bearer(self) -> str:
        """The bearer token of the request, or an empty string."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def is_form(self) -> bool:
        return self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> Any:
        """The body as JSON; None when empty. Raises ValueError when it is not JSON."""
        return json.loads(self.body) if self.body.strip() else None


@dataclass
class Reply:
    """What a handler answers. `effect` says in words what changed; None when nothing did."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    effect: str | None = None
    error: str | None = None

    def encoded(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()


Handler = Callable[[Call], Awaitable[Reply]]
FaultReply = Callable[[Fault], Reply]
"""How a service words a planned fault: status, error code and Retry-After in its own dialect."""


class Operation:
    """An ASGI endpoint around one handler. Name it as the vendor's contract does.

    A name that begins with "unknown" stands for all that the sandbox does not have. It answers in the
    vendor's words for what does not exist, and says in a header of its own that this is the sandbox's gap.
    """

    def __init__(self, world: World, service: str, name: str, handler: Handler, fault_reply: FaultReply):
        self.world, self.service, self.name = world, service, name
        self.handler, self.fault_reply = handler, fault_reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        started = time.time()
        body = await request.body()
        entry = Entry(
            n=self.world.ids.count(),
            service=self.service,
            operation=self.name,
            direction="in",
            method=request.method,
            path=request.url.path,
            at=iso(started),
            started=started,
            caller=request.headers.get("user-agent", ""),
            request={
                "query": [
                    (name, "***" if name in _SECRET_PARAMETERS else value)
                    for name, value in request.query_params.multi_items()
                ],
                "headers": {k: v for k, v in request.headers.items() if k not in _CREDENTIALS},
                "body": body.decode("utf-8", "replace"),
            },
        )
        self.world.record(entry)
        call = Call(request, body, entry)
        fault = self.world.faults.take(self.service, self.name, entry.path, entry.caller)
        try:
            reply = await self._answer(call, fault)
        finally:
            entry.seconds = round(time.time() - started, 6)
        if reply is None:
            _abort(send)
            return
        content = b"<html>upstream hiccup" if fault and fault.malformed else reply.encoded()
        entry.status, entry.error = reply.status, reply.error
        headers = {"content-type": "application/json; charset=utf-8", **reply.headers}
        if reply.body is None:
            headers.pop("content-type")
        if self.name.startswith("unknown"):
            headers[GAP_HEADER] = f"not in the sandbox; what is: sandbox/{self.service}/coverage.py"
        entry.answer = {"headers": headers, "body": content.decode("utf-8", "replace")}
        entry.seconds = round(time.time() - started, 6)
        if fault and fault.drop == "half":
            await _half(send, reply.status, headers, content)
            return
        await Response(content, reply.status, headers)(scope, receive, send)

    async def _answer(self, call: Call, fault: Fault | None) -> Reply | None:
        """The reply, or None when the connection is to be reset."""
        if fault is None:
            return await self._run(call)
        call.entry.fault = fault.id
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.drop == "before":
            return None
        if fault.hold == "before":
            await self._hold(call, "before")
        if fault.effect_delay:
            self.world.background(self._later(call, fault.effect_delay))
            return self.fault_reply(Fault(status=fault.status or 504, error=fault.error))
        planned = fault.status is not None or fault.error is not None
        if planned and not fault.after_effect:
            return self.fault_reply(fault)
        reply = await self._run(call)
        if fault.answer_delay:
            await asyncio.sleep(fault.answer_delay)
        if fault.hold == "after":
            await self._hold(call, "after")
        if fault.drop == "after":
            return None
        return self.fault_reply(fault) if planned else reply

    async def _run(self, call: Call) -> Reply:
        reply = await self.handler(call)
        # Written here, not on the way out: a call whose answer is lost has had its effect all the same.
        call.entry.effect = reply.effect
        return reply

    async def _later(self, call: Call, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._run(call)

    async def _hold(self, call: Call, when: Literal["before", "after"]) -> None:
        await self.world.faults.hold(call.entry.n, {**call.entry.brief(), "held": when})


def operation_route(
    world: World,
    service: str,
    name: str,
    path: str,
    handler: Handler,
    fault_reply: FaultReply,
    methods: list[str],
) -> Route:
    """A route for one operation. Starlette calls a class instance as an ASGI app, which resets need."""
    endpoint = Operation(world, service, name, handler, fault_reply)
    return Route(path, endpoint=endpoint, methods=methods, name=f"{service}:{name}")


def _abort(send: Send) -> None:
    """Reset the connection. uvicorn offers no public way; its `send` is bound to the cycle that owns it."""
    owner = getattr(send, "__self__", None)
    transport = getattr(owner, "transport", None)
    if transport is not None:
        transport.abort()


async def _half(send: Send, status: int, headers: dict[str, str], content: bytes) -> None:
    raw = [(k.encode(), v.encode()) for k, v in headers.items()]
    raw.append((b"content-length", str(len(content) + 1).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
    await asyncio.sleep(0)
    _abort(send)
