"""Zoom's door: webhook validation and the life of a bridge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from loguru import logger

from integration.doors import signatures
from integration.doors.request import Refusal, body_of, object_in
from integration.errors import ServiceError

BRIDGE_STATES = {"meeting.started": "started", "meeting.ended": "ended"}

Note = Callable[[str, str], Awaitable[None]]
"""Called with a meeting's id and the new state of its bridge."""


def add_routes(
    router: APIRouter, secret: Callable[[], str], bridge_changed: Callable[[], Awaitable[Note]]
) -> None:
    """POST /zoom/events: 200 taken in, 400 no JSON, 401 unsigned, 413, 503 not ready (Zoom comes again)."""

    @router.post("/zoom/events")
    async def zoom_events(request: Request) -> JSONResponse:
        try:
            body = await body_of(request)
            headers = request.headers
            timestamp = headers.get("x-zm-request-timestamp", "")
            if not signatures.slack_or_zoom(secret(), timestamp, headers.get("x-zm-signature", ""), body):
                raise Refusal(401, "x-zm-signature or x-zm-request-timestamp is missing, stale or wrong")
            message = object_in(body)
            payload = message.get("payload")
            inner: dict[str, Any] = payload if isinstance(payload, dict) else {}
            if message.get("event") == "endpoint.url_validation":
                plain = inner.get("plainToken")
                if not isinstance(plain, str):
                    raise Refusal(400, "payload.plainToken is missing")
                return JSONResponse(
                    {"plainToken": plain, "encryptedToken": signatures.zoom_challenge(secret(), plain)}
                )
            changed = await bridge_changed()
        except Refusal as refusal:
            return refusal.response()
        meeting = inner.get("object")
        state = BRIDGE_STATES.get(str(message.get("event")))
        if state and isinstance(meeting, dict) and meeting.get("id"):
            try:
                await changed(str(meeting["id"]), state)
            except ServiceError as problem:
                logger.warning(f"zoom {message.get('event')}: {problem}")
                return Refusal(503, "the war room could not be written; try again").response()
        return JSONResponse({"ok": True})
