"""Zoom's server-to-server OAuth: client credentials for an account, tokens of an hour, several at once."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from sandbox import credentials
from sandbox.wire import Call, Reply
from sandbox.zoom import errors
from sandbox.zoom.coverage import DEFAULT_SCOPES, Operation, is_granular
from sandbox.zoom.state import Store

LIFETIME = 3600.0  # seconds; there is no refresh token


@dataclass
class Token:
    expires: float
    scopes: frozenset[str]


class OAuth:
    """Issues tokens and checks them. A new token leaves the earlier ones alive."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clear()

    def clear(self) -> None:
        self.scopes: frozenset[str] = DEFAULT_SCOPES
        self.tokens: dict[str, Token] = {}

    async def token(self, call: Call) -> Reply:
        """POST /oauth/token; `grant_type` and `account_id` in the query or as a form."""
        asked = {**(call.form() if call.is_form() else {}), **call.query}
        if _basic(call) != (credentials.ZOOM_CLIENT_ID, credentials.ZOOM_CLIENT_SECRET):
            return _refused("invalid_client", "Invalid client_id or client_secret")
        if asked.get("grant_type") != "account_credentials":
            return _refused("unsupported_grant_type", "unsupported grant type")
        if asked.get("account_id") != credentials.ZOOM_ACCOUNT_ID:
            return _refused("invalid_request", "Account does not exist")
        value = "sandbox-zoom-token-" + self.store.world.ids.mixed(24)
        self.tokens[value] = Token(self.store.now() + LIFETIME, self.scopes)
        return Reply(
            {
                "access_token": value,
                "token_type": "bearer",
                "expires_in": int(LIFETIME),
                "scope": " ".join(sorted(self.scopes)),
                "api_url": "https://api.zoom.us",
            },
            effect="token issued",
        )

    def check(self, call: Call, operation: Operation) -> None:
        """Raises ZoomError 124 for a bad or expired token, 4711 or 4700 for one without a needed scope."""
        token = self.tokens.get(call.bearer())
        if token is None:
            raise errors.invalid_token()
        if token.expires <= self.store.now():
            raise errors.expired_token()
        if operation.scopes and not token.scopes.intersection(operation.scopes):
            granular = any(is_granular(s) for s in token.scopes)
            raise errors.missing_scopes([s for s in operation.scopes if granular and is_granular(s)])

    def revoke_all(self) -> None:
        """Make every token that is out invalid, as an admin who rotates the app's secret does."""
        self.tokens.clear()


def _refused(error: str, reason: str) -> Reply:
    """Zoom answers 400 to all of these, also to a wrong client (RFC 6749 allows 400 and 401)."""
    return Reply({"reason": reason, "error": error}, 400, error=error)


def _basic(call: Call) -> tuple[str, str]:
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client, secret
