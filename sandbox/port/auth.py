"""Who is calling: credentials, access tokens in JWT form, and the person or machine behind a change."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, replace

from sandbox.port.wire import PortError
from sandbox.world import Json, World

TOKEN_SECONDS = 10_800
"""Port's tokens live three hours; `expiresIn` in the answer is what clients are told to believe."""

_KEY = b"sandbox-port-token-key-not-a-secret"


@dataclass(frozen=True)
class Principal:
    """The caller of one request, or the person who pressed something in the UI.

    `client_id` for a token, `user` for a person ({"email", "firstName", "lastName", "id", ...}).
    `origin` is what the audit log shows: UI, API, or an exporter's User-Agent.
    """

    org: str
    client_id: str = ""
    user: Json | None = None
    origin: str = "API"
    datasource: str = "API"

    @property
    def is_machine(self) -> bool:
        return self.user is None

    @property
    def name(self) -> str:
        """What stands in createdBy and updatedBy: the user's id, or the client id of a machine."""
        return str(self.user["id"]) if self.user else self.client_id

    @property
    def email(self) -> str | None:
        return str(self.user["email"]) if self.user else None

    def by(self) -> Json:
        """`trigger.by` of events and runs: a person has `user`, a machine has not."""
        who: Json = {"userId": self.name, "orgId": self.org}
        if self.user:
            who["user"] = dict(self.user)
        return who

    def acting_as(self, user: Json) -> Principal:
        """The same request on behalf of a person (`run_as`)."""
        return replace(self, user=user)


def sign(claims: Json) -> str:
    """A JWT (HS256) of the claims."""
    head = _b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = _b64(json.dumps(claims).encode())
    return f"{head}.{body}.{_b64(_mac(f'{head}.{body}'))}"


def claims_of(token: str) -> Json | None:
    """The claims of a token signed here, or None. Expiry is for the caller to check."""
    try:
        head, body, mac = token.split(".")
        if not hmac.compare_digest(mac, _b64(_mac(f"{head}.{body}"))):
            return None
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _mac(text: str) -> bytes:
    return hmac.new(_KEY, text.encode(), hashlib.sha256).digest()


class Credentials:
    """Client ids and secrets of the organisation. Those with an e-mail are a person's own."""

    def __init__(self, world: World, org: str) -> None:
        self.world, self.org = world, org
        self.token_seconds = TOKEN_SECONDS
        self._known: dict[str, tuple[str, str | None]] = {}
        self._generation = 0

    def add(self, client_id: str, secret: str, email: str | None = None) -> None:
        self._known[client_id] = (secret, email)

    def secret_of(self, client_id: str) -> str | None:
        known = self._known.get(client_id)
        return known[0] if known else None

    def revoke(self) -> None:
        """Refuse every token issued before now, as when an administrator rotates credentials."""
        self._generation += 1

    def issue(self, client_id: str, secret: str) -> Json:
        """An access token. Raises PortError 401 when the pair is not known."""
        known = self._known.get(client_id)
        if known is None or not hmac.compare_digest(known[0].encode(), secret.encode()):
            raise PortError(401, "invalid_credentials", "Invalid client id or client secret")
        now = int(self.world.clock.now("port"))
        claims: Json = {
            "orgId": self.org,
            "iss": "https://api.getport.io",
            "sub": client_id,
            "jti": self.world.ids.mixed(22),
            "iat": now,
            "exp": now + self.token_seconds,
            "isMachine": known[1] is None,
            "personalToken": known[1] is not None,
            "generation": self._generation,
        }
        return {"accessToken": sign(claims), "expiresIn": self.token_seconds, "tokenType": "Bearer"}

    def check(self, token: str) -> tuple[str, str | None]:
        """Client id and, for a personal token, e-mail. Raises PortError 401."""
        claims = claims_of(token) if token else None
        if claims is None:
            raise PortError(401, "unauthorized", "Missing or invalid access token")
        now = self.world.clock.now("port")
        if claims["exp"] <= now or claims["generation"] != self._generation:
            raise PortError(401, "unauthorized", "Access token has expired")
        known = self._known.get(claims["sub"])
        if known is None:
            raise PortError(401, "unauthorized", "Access token belongs to removed credentials")
        return str(claims["sub"]), known[1]
