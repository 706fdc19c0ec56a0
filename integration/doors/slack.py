"""Slack's door, the Events API: verified on the raw body, deduplicated, handed on, answered at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from integration.doors import signatures
from integration.doors.request import Refusal, body_of, object_in
from integration.mirror import Mirror

REMEMBERED_EVENTS = 20_000  # Slack redelivers after 0, 1 and 5 minutes, at most 30,000 events an hour


class Seen:
    """The event ids of late. Saves work only: taking an event in twice changes nothing."""

    def __init__(self, limit: int = REMEMBERED_EVENTS) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._limit = limit

    def before(self, identifier: str) -> bool:
        """Whether this id was here before; remembers it."""
        if identifier in self._ids:
            return True
        self._ids[identifier] = None
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)
        return False


def add_routes(router: APIRouter, secret: Callable[[], str], mirror: Callable[[], Awaitable[Mirror]]) -> None:
    """POST /slack/events: 200 taken in, 400 no JSON, 401 unsigned, 413, 503 not ready (Slack comes again)."""
    seen = Seen()

    @router.post("/slack/events")
    async def slack_events(request: Request) -> JSONResponse:
        try:
            body = await body_of(request)
            headers = request.headers
            timestamp = headers.get("x-slack-request-timestamp", "")
            if not signatures.slack_or_zoom(secret(), timestamp, headers.get("x-slack-signature", ""), body):
                raise Refusal(
                    401, "x-slack-signature or x-slack-request-timestamp is missing, stale or wrong"
                )
            payload = object_in(body)
            if payload.get("type") == "url_verification":
                return JSONResponse({"challenge": payload.get("challenge")})
            room_mirror = await mirror()
        except Refusal as refusal:
            return refusal.response()
        if payload.get("type") == "app_rate_limited":
            room_mirror.read_all()  # Slack has dropped events: what it did not tell is read
        event = payload.get("event")
        if payload.get("type") == "event_callback" and isinstance(event, dict):
            identifier = payload.get("event_id")
            name = identifier if isinstance(identifier, str) else ""
            if not (name and seen.before(name)):
                room_mirror.observe(event, name)
        return JSONResponse({"ok": True})
