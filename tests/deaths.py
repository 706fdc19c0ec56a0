"""How a life of the engine ends: at a call of its own, and with every task that was its.

Each life reaches the sandbox by an address of its own, so a call tells whose it is; a task tells by whom it
was made. From its end on nothing of a life reaches anybody.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.mail.smtp import Act, Conversation

Moment = Literal["before", "after", "answered"]
"""Of a call: before it leaves, when the provider has acted and before the answer comes, right after that."""


@dataclass
class Death:
    """The call at which a life ends, counted from now (1 is the next). `of`: only calls are counted whose
    path holds it; that of a step of the mail server is like `/mail/smtp.data`."""

    calls: int
    moment: Moment
    of: str = ""


_LIFE: contextvars.ContextVar[int] = contextvars.ContextVar("life", default=0)
"""For what is begun from a callback, where no task is current."""


class Owners:
    """Which life a task is of: that of the task which made it. Install with `loop.set_task_factory`."""

    def __init__(self) -> None:
        self._of: weakref.WeakKeyDictionary[asyncio.Task[Any], int] = weakref.WeakKeyDictionary()

    def __call__(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **more: Any
    ) -> asyncio.Task[Any]:
        maker = asyncio.current_task(loop)
        life = self._of.get(maker, 0) if maker is not None else _LIFE.get()
        context = more.pop("context", None) or contextvars.copy_context()
        context.run(_LIFE.set, life)
        task = asyncio.Task(work, loop=loop, context=context, **more)
        if life:
            self._of[task] = life
        return task

    def own(self, life: int, task: asyncio.Task[Any] | None) -> None:
        if task is not None:
            self._of[task] = life

    def disown(self, task: asyncio.Task[Any] | None) -> None:
        if task is not None:
            self._of.pop(task, None)

    def tasks(self, life: int) -> list[asyncio.Task[Any]]:
        return [task for task, of in list(self._of.items()) if of == life and not task.done()]


class Gate:
    """The sandbox as each life reaches it, by an address of its own (/p7/...), and our own doors."""

    def __init__(self, sandbox: ASGIApp, doors: ASGIApp, owners: Owners) -> None:
        self._sandbox, self._doors, self._owners = sandbox, doors, owners
        self.life = 0  # the one that may be heard; 0: none
        self.death: Death | None = None
        self.died = asyncio.Event()

    def end(self) -> None:
        self.life, self.death = 0, None
        self.died.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        if path.startswith("/integration/"):
            task = asyncio.current_task()
            self._owners.own(self.life, task)
            try:
                await self._doors(scope, receive, send)
            finally:
                self._owners.disown(task)
            return
        if not path.startswith("/p"):
            await self._sandbox(scope, receive, send)
            return
        life, _, rest = path[2:].partition("/")
        if not life.isdecimal():
            await self._sandbox(scope, receive, send)
            return
        prefix = len(life) + 2
        inner = {**scope, "path": "/" + rest, "raw_path": scope["raw_path"][prefix:]}
        moment = self.due(inner["path"]) if int(life) == self.life else "gone"
        if moment in ("gone", "before"):
            if moment == "before":
                self.end()
            await _refuse(send)
        elif moment == "after":
            await self._sandbox(inner, receive, _nowhere)
            self.end()
            await _refuse(send)
        else:
            await self._sandbox(inner, receive, send)
            if moment == "answered":
                self.end()

    def due(self, path: str) -> str:
        """What becomes of the life that makes this call: a moment of its death, or nothing yet."""
        if self.death is None or self.death.of not in path:
            return ""
        self.death.calls -= 1
        return self.death.moment if self.death.calls == 0 else ""


Step = Callable[[Conversation, str, str, str, str, Act], Awaitable[str | None]]
"""One step of a mail's delivery, as `sandbox.mail.smtp.attempt` makes it."""


def gated_mail(gate: Gate, attempt: Step) -> Step:
    """The mail server as the lives reach it: a connection is of the life in which it was made."""
    makers: weakref.WeakKeyDictionary[Conversation, int] = weakref.WeakKeyDictionary()

    async def step(
        server: Conversation, operation: str, method: str, path: str, body: str, act: Act
    ) -> str | None:
        life = makers.setdefault(server, gate.life)
        moment = gate.due(f"/mail/{operation}") if life and life == gate.life else "gone"
        answer = None
        if moment not in ("gone", "before"):
            answer = await attempt(server, operation, method, path, body, act)
        if moment in ("before", "after", "answered"):
            gate.end()
        if moment in ("gone", "before", "after"):
            server.abort()
            return None
        return answer

    return step


async def _refuse(send: Send) -> None:
    """An answer that nobody waits for any more."""
    await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _nowhere(message: Message) -> None:
    """Where the answer goes that nobody gets."""
