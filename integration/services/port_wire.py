"""Port's routes over HTTP: token, budget classes, errors. What is asked of them is in `port`."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Awaitable
from urllib.parse import quote

from integration.budget import Budget, Priority, Rate
from integration.errors import Ambiguous, CredentialsRefused, RateLimited, Refused, ServiceError
from integration.models.base import Json
from integration.services.http import Answer, Bearer, Call, HttpClient, Patience, Tokens, seconds_to_wait

SERVICE = "port"

# Per organization and 5 minutes, with the burst, as published in 2026 (docs.port.io, rate limits).
RATES = {
    "entities": Rate(35_000 / 5, 3_500),
    "upsert": Rate(10_000 / 5, 200),
    "bulk": Rate(35_000 / 5, 3_500),
    "search": Rate(35_000 / 5, 3_500),
    "blueprints": Rate(15_000 / 5, 1_500),
    "other": Rate(15_000 / 5, 1_500),
    "auth": Rate(100 / 5, 10),
}
HINTS = {
    403: "Give the credentials' role permission for this in Port.",
    404: "Check the identifiers; our blueprints come with `make provision`.",
    413: "Port takes at most 1 MiB in one request.",
    422: "The content does not fit the blueprint or the route's schema.",
}


class PortWire:
    """Sends with a valid token; `send` gives every answer below 500, `ask` only a good one."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        budget: Budget,
        timeout: float,
        user_agent: str,
        patience: Patience,
    ) -> None:
        budget.declare(SERVICE, lambda method_class: RATES.get(method_class, RATES["other"]))
        self._v1 = base_url.rstrip("/").removesuffix("/v1") + "/v1"

        def login() -> Json:  # a function, so that no traceback with values shows the secret
            return {"clientId": client_id, "clientSecret": client_secret}

        self._login = login
        self._client = HttpClient(
            SERVICE,
            budget,
            timeout,
            limit_of=_limit_of,
            patience=patience,
            secrets=(client_secret,),
            agent=user_agent,
        )
        self._tokens = Tokens(self._fetch_token)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def warm(self) -> None:
        await self._tokens.get()

    async def claims(self) -> Json:
        """What the access token says of itself (a JWT's claims); empty when it has another form."""
        parts = (await self._tokens.get()).token.split(".")
        try:
            middle = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
            found = json.loads(middle)
        except (IndexError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    async def bearer(self) -> Bearer:
        """The token, for an answer that is read as it comes."""
        return await self._tokens.get()

    def unreadable(self, call: Call, why: str) -> Ambiguous:
        return self._client.unreadable(call.operation, why)

    async def get(
        self,
        operation: str,
        method_class: str,
        path: str,
        key: str,
        priority: Priority,
        query: dict[str, str] | None = None,
    ) -> Json | None:
        call = call_of(operation, method_class, priority)
        answer = await self.send(call, "GET", path, query=query)
        if answer.status == 404:
            return None
        self.expect(call, answer)
        found = answer.object().get(key)
        if not isinstance(found, dict):
            raise self._client.unreadable(operation, f"no {key} in the answer")
        return found

    async def ask(
        self,
        call: Call,
        method: str,
        path: str,
        body: Json | None = None,
        query: dict[str, str] | None = None,
        *,
        agent: str = "",
    ) -> Answer:
        answer = await self.send(call, method, path, body, query, agent=agent)
        self.expect(call, answer)
        return answer

    async def send(
        self,
        call: Call,
        method: str,
        path: str,
        body: Json | None = None,
        query: dict[str, str] | None = None,
        *,
        agent: str = "",
    ) -> Answer:
        """`agent`: another User-Agent than the client's, for this request."""

        def once(bearer: Bearer) -> Awaitable[Answer]:
            url = self._v1 + path
            return self._client.send(call, method, url, body=body, query=query, auth=bearer, agent=agent)

        return await self._tokens.send(once, lambda answer: answer.status == 401)

    async def _fetch_token(self) -> tuple[Bearer, float]:
        call = call_of("auth.access_token", "auth", Priority.ROOM)
        answer = await self._client.send(call, "POST", f"{self._v1}/auth/access_token", body=self._login())
        body = answer.object()
        if not answer.ok:
            hint = (
                "Check the Port client id and client secret (OCEAN__PORT__CLIENT_ID, ..._SECRET), and that"
                f" {self._v1.removesuffix('/v1')} is your organisation's region (OCEAN__PORT__BASE_URL)."
            )
            said = self._client.short(body.get("message", ""))
            raise CredentialsRefused(SERVICE, call.operation, f"HTTP {answer.status}", said, hint)
        token, lives = body.get("accessToken"), body.get("expiresIn")
        if not isinstance(token, str) or not token or not isinstance(lives, int | float):
            raise self._client.unreadable(call.operation, "no token in the answer")
        return Bearer(token), float(lives)

    def expect(self, call: Call, answer: Answer) -> None:
        if not answer.ok:
            raise self.error(call, answer)

    def error(self, call: Call, answer: Answer) -> ServiceError:
        body, code = answer.object(), str(answer.status)
        words = [str(body[key]) for key in ("error", "message") if isinstance(body.get(key), str)]
        detail = self._client.short(": ".join(words))
        if answer.status == 429:
            return RateLimited(SERVICE, call.operation, _limit_of(answer), detail)
        if answer.status in (401, 403):
            hint = HINTS.get(answer.status, "Check the Port client id and client secret.")
            return CredentialsRefused(SERVICE, call.operation, code, detail, hint)
        return Refused(SERVICE, call.operation, code, detail, HINTS.get(answer.status, ""))


def _limit_of(answer: Answer) -> float:
    """Port says when the period ends as epoch seconds; clocks differ, so at least one second."""
    reset = answer.headers.get("x-ratelimit-reset", "")
    until = float(reset) - time.time() if reset.replace(".", "", 1).isdigit() else 5.0
    return seconds_to_wait(answer.headers, default=min(max(until, 1.0), 300.0))


def call_of(operation: str, method_class: str, priority: Priority, repeatable: bool = True) -> Call:
    return Call(SERVICE, operation, method_class, priority, repeatable)


def quoted(part: str) -> str:
    return quote(part, safe="@:")
