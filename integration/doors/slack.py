"""Slack's doors: events, clicks and commands. Each is verified on the raw body before it is read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from integration.doors import signatures
from integration.doors.request import Refusal, body_of, object_in
from integration.mirror import Mirror
from integration.slack_clicks import Clicks

REMEMBERED_EVENTS = 20_000  # Slack redelivers after 0, 1 and 5 minutes, at most 30,000 events an hour
FIELDS_MAX = 100


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


def add_routes(
    router: APIRouter,
    secret: Callable[[], str],
    mirror: Callable[[], Awaitable[Mirror]],
    clicks: Callable[[], Awaitable[Clicks]],
) -> None:
    """POST /slack/events, /slack/interactions, /slack/commands: 200 taken in, 400 unreadable, 401 unsigned,
    413 too large, 503 not ready. Slack comes again with events, not with clicks and commands."""
    seen = Seen()

    @router.post("/slack/events")
    async def slack_events(request: Request) -> JSONResponse:
        try:
            payload = object_in(await verified(request, secret()))
            if payload.get("type") == "url_verification":
                return JSONResponse({"challenge": payload.get("challenge")})
            room_mirror = await mirror()
        except Refusal as refusal:
            return refusal.response()
        take_event(room_mirror, payload, seen)
        return JSONResponse({"ok": True})

    @router.post("/slack/interactions")
    async def slack_interactions(request: Request) -> JSONResponse:
        try:
            form = fields_in(await verified(request, secret()))
            payload = object_in(form.get("payload", "").encode())
            answer = await (await clicks()).interaction(payload)
        except Refusal as refusal:
            return refusal.response()
        return JSONResponse(answer)

    @router.post("/slack/commands")
    async def slack_commands(request: Request) -> JSONResponse:
        try:
            form = fields_in(await verified(request, secret()))
            answer = {} if form.get("ssl_check") else await (await clicks()).command(form)
        except Refusal as refusal:
            return refusal.response()
        return JSONResponse(answer)


async def verified(request: Request, secret: str) -> bytes:
    """The body of a request that Slack signed. Refuses every other with 401."""
    body = await body_of(request)
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    if not signatures.slack_or_zoom(secret, timestamp, request.headers.get("x-slack-signature", ""), body):
        raise Refusal(401, "x-slack-signature or x-slack-request-timestamp is missing, stale or wrong")
    return body


def fields_in(body: bytes) -> dict[str, str]:
    """The fields of a form, the first of each name. Refuses what is none."""
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Refusal(400, "the body is not a form") from None
    return {name: values[0] for name, values in fields.items()}


def take_event(mirror: Mirror, payload: dict[str, object], seen: Seen) -> None:
    """Take in one envelope of the Events API."""
    if payload.get("type") == "app_rate_limited":
        mirror.read_all()  # Slack has dropped events: what it did not tell is read
    event = payload.get("event")
    if payload.get("type") == "event_callback" and isinstance(event, dict):
        identifier = payload.get("event_id")
        name = identifier if isinstance(identifier, str) else ""
        if not (name and seen.before(name)):
            mirror.observe(event, name)
