"""A receiver of Slack's events, as an app would have one: checks the signature with the standard library."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from sandbox.credentials import SLACK_SIGNING_SECRET
from sandbox.world import Json


def signed(headers: Any, body: bytes, secret: str = SLACK_SIGNING_SECRET) -> bool:
    """Slack's own recipe: v0, the time in the header (at most 5 minutes off) and the raw body."""
    moment = headers.get("x-slack-request-timestamp", "0")
    digest = hmac.new(secret.encode(), f"v0:{moment}:".encode() + body, hashlib.sha256).hexdigest()
    fresh = abs(time.time() - int(moment)) <= 300
    return fresh and hmac.compare_digest(f"v0={digest}", headers.get("x-slack-signature", ""))


@dataclass
class Receiver:
    """Keeps what came with a good signature. `statuses` are answered first come, then 200."""

    envelopes: list[Json] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    answer_headers: dict[str, str] = field(default_factory=dict)
    echo: bool = True

    def app(self) -> Router:
        return Router([Route("/events", self._take, methods=["POST"])])

    @property
    def events(self) -> list[Json]:
        return [one["event"] for one in self.envelopes]

    def types(self) -> list[str]:
        """Types in order of arrival, with subtypes: ["message", "message/channel_join", ...]."""
        return ["/".join(filter(None, (e["type"], e.get("subtype")))) for e in self.events]

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        if not signed(request.headers, body):
            return Response(status_code=401)
        told = json.loads(body)
        if told["type"] == "url_verification":
            return PlainTextResponse(told["challenge"] if self.echo else "something else")
        self.envelopes.append(told)
        self.headers.append(dict(request.headers))
        status = self.statuses.pop(0) if self.statuses else 200
        return Response(status_code=status, headers=self.answer_headers)
