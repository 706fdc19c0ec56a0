"""Who sent this? Signatures over the raw body, compared in constant time, stale ones refused.

Slack   X-Slack-Signature: v0=hex(HMAC-SHA256(secret, "v0:{timestamp}:{body}"))
Zoom    x-zm-signature: v0=hex(HMAC-SHA256(secret token, "v0:{timestamp}:{body}"))
Port    x-port-signature: v1,base64(HMAC-SHA256(client secret, "{timestamp}.{body}"))
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

WINDOW_SECONDS = 300


def fresh(timestamp: str, now: float | None = None) -> bool:
    """Whether a timestamp in seconds (Zoom: also milliseconds) lies within five minutes of our clock."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 13:
        return False
    seconds = int(timestamp) / (1000 if len(timestamp) == 13 else 1)
    return abs((time.time() if now is None else now) - seconds) <= WINDOW_SECONDS


def v0(secret: str, timestamp: str, body: bytes) -> str:
    message = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def slack_or_zoom(secret: str, timestamp: str, signature: str, body: bytes) -> bool:
    """Whether Slack or Zoom signed this body with `secret`. An empty secret verifies nothing."""
    if not secret or not fresh(timestamp) or not signature.isascii():
        return False
    return hmac.compare_digest(v0(secret, timestamp, body), signature)


def port(secret: str, timestamp: str, signature: str, body: bytes) -> bool:
    """Whether Port signed this body. An empty secret verifies nothing.

    Port's execution agent signs the compact form of the JSON but sends it with spaces, so where the raw
    bytes do not verify, the compact form of what they say is tried.
    """
    if not secret or not fresh(timestamp) or not signature.isascii():
        return False
    given = [part.removeprefix("v1,") for part in signature.split()]
    if _port_matches(secret, timestamp, body, given):
        return True
    try:
        compact = json.dumps(json.loads(body), separators=(",", ":")).encode()
    except ValueError:
        return False
    return _port_matches(secret, timestamp, compact, given)


def _port_matches(secret: str, timestamp: str, body: bytes, given: list[str]) -> bool:
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).digest()
    expected = base64.b64encode(digest).decode()
    return any(hmac.compare_digest(expected, one) for one in given)


def zoom_challenge(secret: str, plain: str) -> str:
    """The encryptedToken that Zoom's endpoint.url_validation wants back."""
    return hmac.new(secret.encode(), plain.encode(), hashlib.sha256).hexdigest()
