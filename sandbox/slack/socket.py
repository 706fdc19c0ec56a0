"""Socket Mode: instead of calling an address, Slack talks through a WebSocket that the app has opened
(docs.slack.dev/apis/events-api/using-socket-mode).

`apps.connections.open` with an app-level token hands out an address that is good for one connection. Every
envelope wants `{"envelope_id"}` back within 3 seconds, an answer to a click or a command in its `payload`.
Several connections may be open; each envelope goes to one of them.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from sandbox.credentials import SLACK_APP_TOKEN
from sandbox.deliver import SLACK, Answer
from sandbox.slack import state
from sandbox.wire import Call, FaultReply, Reply, operation_route
from sandbox.world import Json, World

ANSWER_SECONDS: Final = 3.0
CONNECTIONS_MAX: Final = 10
TICKET_SECONDS: Final = 60.0
_PATH: Final = "/slack/socket"


class Socket:
    """The app's connections. While `enabled`, the addresses for events and clicks are not used."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._connections: list[WebSocket] = []
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self.clear()

    def clear(self) -> None:
        self.enabled = False
        self._tickets: dict[str, float] = {}
        self._turn = 0

    @property
    def connections(self) -> int:
        return len(self._connections)

    def routes(self, fault_reply: FaultReply) -> list[BaseRoute]:
        name = "apps.connections.open"
        path = f"/slack/api/{name}"
        return [
            operation_route(self._world, "slack", name, path, self._open, fault_reply, ["GET", "POST"]),
            WebSocketRoute(_PATH, self._serve),
        ]

    async def _open(self, call: Call) -> Reply:
        token = call.bearer() or call.form().get("token", "")
        problem = None
        if not token:
            problem = "not_authed"
        elif not token.startswith("xapp-"):
            problem = "not_allowed_token_type"
        elif token != SLACK_APP_TOKEN:
            problem = "invalid_auth"
        elif not self.enabled:
            problem = "socket_mode_not_enabled"  # the switch in the app's settings
        if problem is not None:
            return Reply({"ok": False, "error": problem}, error=problem)
        ticket = self._world.ids.mixed(32)
        self._tickets[ticket] = time.monotonic()
        host = call.headers.get("host", "")
        url = f"ws://{host}{_PATH}?ticket={ticket}&app_id={state.APP_ID}"
        return Reply({"ok": True, "url": url}, effect="an address for one connection handed out")

    async def _serve(self, socket: WebSocket) -> None:
        since = self._tickets.pop(socket.query_params.get("ticket", ""), None)
        if since is None or time.monotonic() - since > TICKET_SECONDS or not self.enabled:
            await socket.close(1008)
            return
        await socket.accept()
        if len(self._connections) >= CONNECTIONS_MAX:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return
        self._connections.append(socket)
        try:
            await socket.send_json(
                {
                    "type": "hello",
                    "num_connections": len(self._connections),
                    "debug_info": {"host": "sandbox", "approximate_connection_time": 18060},
                    "connection_info": {"app_id": state.APP_ID},
                }
            )
            while True:
                self._take(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            self._connections.remove(socket)

    def _take(self, text: str) -> None:
        try:
            answer = json.loads(text)
        except ValueError:
            return
        waiting = self._waiting.get(answer.get("envelope_id", "")) if isinstance(answer, dict) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every connection to come back, as Slack does every few hours, and close it."""
        for socket in list(self._connections):
            await socket.send_json(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}
            )
            if socket.application_state is WebSocketState.CONNECTED:
                await socket.close()

    def deliver(self, operation: str, payload: Json) -> None:
        """An event in the background: late, twice and tried again, as by webhook."""
        hostility, random = self._world.hostility, self._world.ids.random
        for _ in range(1 + (random.random() < hostility.event_duplicate_share)):
            late = random.uniform(0, hostility.event_delay_seconds)
            self._world.background(self._see_through(operation, payload, late))

    async def _see_through(self, operation: str, payload: Json, late: float) -> None:
        await asyncio.sleep(late)
        reason = ""
        for attempt, wait in enumerate((0.0, *SLACK.waits)):
            await asyncio.sleep(wait)
            answer = await self.attempt(operation, "events_api", payload, attempt, reason)
            if answer.accepted:
                return
            reason = "timeout"

    async def attempt(
        self, operation: str, kind: str, payload: Json, attempt: int = 0, reason: str = ""
    ) -> Answer:
        """One envelope to one connection, journalled. Its answer's `body` is what came in `payload`."""
        envelope: Json = {
            "envelope_id": self._world.ids.uuid(),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        body = json.dumps(envelope)
        entry = self._world.sends("slack", operation, "WEBSOCKET", _PATH, body)
        answer = await self._exchange(envelope["envelope_id"], body)
        entry.answered(answer.status, answer.reason, answer.body.decode())
        return answer

    async def _exchange(self, identifier: str, body: str) -> Answer:
        if not self._connections:
            return Answer(None, reason="connection_failed")
        self._turn += 1
        socket = self._connections[self._turn % len(self._connections)]
        waiting: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[identifier] = waiting
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await socket.send_text(body)
                acknowledged = await waiting
        except TimeoutError:
            return Answer(None, reason="http_timeout")
        except (RuntimeError, WebSocketDisconnect):
            return Answer(None, reason="connection_failed")
        finally:
            del self._waiting[identifier]
        said: Any = acknowledged.get("payload")
        return Answer(200, json.dumps(said).encode() if said is not None else b"")
