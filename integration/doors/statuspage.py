"""Statuspage's door. Its webhooks are unsigned and come from no fixed address: what keeps strangers out is
a secret in the path, and what a webhook says is only a hint of what to read again.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from integration.doors.request import Refusal, body_of, object_in
from integration.page_mirror import PageMirror
from integration.page_status import PageStatus
from integration.services.statuspage_shapes import fingerprint
from integration.times import when

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PATH = re.compile(r"(/statuspage/)[^/?\s]+(/events)")


class _Hidden(logging.Filter):
    """The server's access log prints whole paths, and ours holds a secret. Ocean masks its own log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _PATH.sub(r"\1***\2", one) if isinstance(one, str) else one for one in record.args
            )
        return True


def add_routes(
    router: APIRouter, secret: Callable[[], str], mirror: Callable[[], Awaitable[PageMirror | None]]
) -> None:
    """POST /statuspage/{secret}/events: 200 taken in or of no concern, 400 no JSON, 404 wrong secret, 413,
    503 not ready.

    Statuspage wants 2xx within 30 s; whether it comes again otherwise is undocumented, so what is lost
    here is found by `PageMirror.poll` and by the next resync.
    """
    logging.getLogger("uvicorn.access").addFilter(_Hidden())

    @router.post("/statuspage/{given}/events")
    async def statuspage_events(given: str, request: Request) -> JSONResponse:
        pages = None
        if _same(given, secret()):
            try:
                pages = await mirror()
            except Refusal as refusal:
                return refusal.response()
        if pages is None:
            # As for an address that does not exist: a wrong guess is told nothing.
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        try:
            message = object_in(await body_of(request))
        except Refusal as refusal:
            return refusal.response()
        page, incident = _id_in(message, "page", "id"), _id_in(message, "incident", "id")
        component = _id_in(message, "component_update", "component_id") or _id_in(message, "component", "id")
        if page and (incident or component):
            told = _fingerprint(message) if incident else _text_in(message, "component_update", "new_status")
            pages.observe(page, incident, component, told, _page_status(message))
        return JSONResponse({"ok": True})


def _same(given: str, secret: str) -> bool:
    """Compared in constant time; an empty secret opens to nobody."""
    return bool(secret) and hmac.compare_digest(given.encode(), secret.encode())


def _fingerprint(message: dict[str, Any]) -> str:
    inner = message.get("incident")
    return fingerprint(inner) if isinstance(inner, dict) else ""


def _page_status(message: dict[str, Any]) -> PageStatus | None:
    indicator = _text_in(message, "page", "status_indicator")
    at = when(_text_in(message, "meta", "generated_at"))
    return PageStatus(indicator, _text_in(message, "page", "status_description"), at) if indicator else None


def _text_in(message: dict[str, Any], key: str, field: str) -> str:
    inner = message.get(key)
    value = inner.get(field) if isinstance(inner, dict) else None
    return value if isinstance(value, str) else ""


def _id_in(message: dict[str, Any], key: str, field: str) -> str:
    inner = message.get(key)
    value = inner.get(field) if isinstance(inner, dict) else None
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
