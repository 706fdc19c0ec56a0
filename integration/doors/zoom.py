"""Zoom's door: webhook validation, the life of a bridge and what was said in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from loguru import logger

from integration.doors import signatures
from integration.doors.request import Refusal, body_of, object_in
from integration.errors import ServiceError

Take = Callable[[dict[str, Any]], Awaitable[None]]
"""Called with a verified webhook; returns when what it tells stands in Port, raises ServiceError when not."""


def add_routes(router: APIRouter, secret: Callable[[], str], bridge: Callable[[], Awaitable[Take]]) -> None:
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
            take = await bridge()
        except Refusal as refusal:
            return refusal.response()
        try:
            await take(message)
        except ServiceError as problem:
            logger.warning(f"zoom {message.get('event')}: {problem}")
            return Refusal(503, "it is not written yet; try again").response()
        return JSONResponse({"ok": True})
