"""Port's door: an action button or an automation calls us, signed, and is answered before the work begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from integration.command import read_command
from integration.doors import signatures
from integration.doors.request import Refusal, body_of, object_in
from integration.errors import BadInput
from integration.runner import Runner


def add_routes(router: APIRouter, secret: Callable[[], str], runner: Callable[[], Awaitable[Runner]]) -> None:
    """POST /port/actions/{action}: 202 taken, 400 bad input, 401 unsigned, 404 unknown action, 413, 503."""

    @router.post("/port/actions/{action}")
    async def port_action(action: str, request: Request) -> JSONResponse:
        try:
            body = await body_of(request)
            headers = request.headers
            if not signatures.port(
                secret(), headers.get("x-port-timestamp", ""), headers.get("x-port-signature", ""), body
            ):
                raise Refusal(401, "x-port-signature or x-port-timestamp is missing, stale or wrong")
            engine = await runner()
            if action not in engine.actions:
                raise Refusal(404, f"unknown action {action!r}; known: {', '.join(sorted(engine.actions))}")
            if not engine.accepting:
                raise Refusal(503, "shutting down; the next process takes this run up")
            command = read_command(action, object_in(body), "webhook")
            # None: the same run is in hand already, as when the delivery is repeated.
            taken = engine.take(command) is not None
        except BadInput as problem:
            return Refusal(400, str(problem)).response()
        except Refusal as refusal:
            return refusal.response()
        return JSONResponse({"ok": True, "run": command.run, "taken": taken}, status_code=202)
