"""Zoom's event notifications: signed, validated by challenge, retried, late and twice when hostile."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from sandbox import credentials
from sandbox.deliver import ZOOM, Deliverer, Delivery
from sandbox.zoom import views
from sandbox.zoom.state import INSTANT, RECURRING_NO_TIME, Meeting, Occurrence, Participant, Store

Json = dict[str, Any]


def signed(body: bytes, timestamp: int) -> dict[str, str]:
    """The headers of a delivery: v0=hex(HMAC-SHA256(secret token, "v0:" + timestamp + ":" + raw body))."""
    return {
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Zoom Marketplace/1.0a",
        "x-zm-request-timestamp": str(timestamp),
        "x-zm-signature": "v0=" + _digest(f"v0:{timestamp}:".encode() + body),
    }


def _digest(message: bytes) -> str:
    return hmac.new(credentials.ZOOM_WEBHOOK_SECRET.encode(), message, hashlib.sha256).hexdigest()


class Webhooks:
    """One event subscription of the account's app."""

    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        self.store, self.deliverer = store, deliverer
        self.url = ""

    def clear(self) -> None:
        self.url = ""

    async def subscribe(self, url: str) -> str:
        """Validate `url` by challenge and send events there from then on; "" or why it was refused.

        Zoom repeats the challenge every 72 hours; subscribing again does the same.
        """
        plain = self.store.url_safe()
        event = "endpoint.url_validation"
        body = self._encoded(event, {"plainToken": plain})
        status, answer = await self.deliverer.send("zoom", f"event.{event}", url, body, self._sign(body))
        if status not in (200, 204):
            return f"answered {status}" if status else "did not answer"
        try:
            told = json.loads(answer)
        except ValueError:
            return "the answer is not JSON"
        if not isinstance(told, dict) or told.get("plainToken") != plain:
            return "plainToken was not echoed"
        if told.get("encryptedToken") != _digest(plain.encode()):
            return "encryptedToken is not the HMAC-SHA256 of plainToken with the secret token, in hex"
        self.url = url
        return ""

    def emit(self, event: str, payload: Json, **beside: str) -> None:
        """Send an event beside what caused it; nothing without a subscription. `beside` goes next to the
        payload, as a recording's download token does."""
        if not self.url:
            return
        body = self._encoded(event, {"account_id": credentials.ZOOM_ACCOUNT_ID, **payload}, **beside)
        self.deliverer.deliver(Delivery("zoom", f"event.{event}", self.url, body, self._sign, ZOOM))

    def _encoded(self, event: str, payload: Json, **beside: str) -> bytes:
        message = {"event": event, "event_ts": int(self.store.now() * 1000), "payload": payload, **beside}
        return json.dumps(message).encode()

    def _sign(self, body: bytes) -> dict[str, str]:
        return signed(body, int(self.store.now()))


def about(meeting: Meeting, *, number: bool = False) -> Json:
    """A meeting as events carry it. Zoom sends `id` as a number in created and deleted, else as text."""
    body: Json = {
        "id": meeting.id if number else str(meeting.id),
        "uuid": meeting.live.uuid if meeting.live else meeting.uuid,
        "host_id": meeting.host.id,
        "topic": meeting.topic,
        "type": meeting.type,
        "timezone": meeting.timezone,
        "duration": meeting.duration,
    }
    if meeting.type not in (INSTANT, RECURRING_NO_TIME) and meeting.start is not None:
        body["start_time"] = views.stamp(meeting.start)
    return body


def about_live(meeting: Meeting, occurrence: Occurrence) -> Json:
    return {**about(meeting), "uuid": occurrence.uuid, "start_time": views.stamp(occurrence.started)}


def about_participant(one: Participant) -> Json:
    body: Json = {
        "user_id": one.user_id,
        "user_name": one.name,
        "id": one.account_user,
        "participant_uuid": one.participant_uuid,
        "participant_user_id": one.account_user,
        "email": one.email,
    }
    if one.left is None:
        return {**body, "join_time": views.stamp(one.joined), "date_time": views.stamp(one.joined)}
    left = views.stamp(one.left)
    return {**body, "leave_time": left, "date_time": left, "leave_reason": f"{one.name} left the meeting."}
