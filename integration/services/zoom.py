"""Zoom through a server-to-server OAuth app: meetings of the pool's hosts.

Facts used here: creating and updating share 100 calls a day per host, reset at 00:00 UTC, and the 429
that says so carries neither Retry-After nor a type: only its message tells (developer forum 18928).
Instant meetings are in no list; a list cuts agendas to 250 characters. `start_url` lets whoever holds
it act as the host: it is never read out of an answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from integration.budget import Budget, Priority, Rate
from integration.errors import CredentialsRefused, RateLimited, Refused, ServiceError
from integration.models.base import Json
from integration.models.zoom import Meeting, PastMeeting, ZoomUser
from integration.services.http import Answer, Bearer, Call, HttpClient, Patience, Tokens, seconds_to_wait
from integration.times import when

SERVICE = "zoom"
TOPIC_LIMIT, AGENDA_LIMIT = 200, 2000  # characters
LONGEST_MINUTES = 1440
HOUR = 3600.0

# Per second on the Pro plan, the smallest with an API: 30 light, 20 medium, 10 heavy, shared by all apps
# of the account (developers.zoom.us/docs/api/rate-limits). Tokens are not counted; once an hour is plenty.
RATES = {"light": Rate(1800, 15), "medium": Rate(1200, 10), "heavy": Rate(600, 5), "oauth": Rate(60, 10)}

_BAD_TOKEN = "124"  # noqa: S105 Zoom's error code
_SCOPES_MISSING = {"4700", "4711"}
_GONE = "3001"
_NOT_RUNNING = re.compile(
    r"not (been )?(started|in progress|live|running)|(has|already) ended|is over|expired", re.I
)

HINTS = {
    "300": "Zoom found a value invalid; the detail names the field.",
    "1001": "This host is not in the Zoom account. Correct the pool of hosts (zoomHosts).",
    "1010": "This host does not belong to the Zoom account. Correct the pool of hosts (zoomHosts).",
    "3001": "The meeting was deleted or has expired.",
    "3161": "This host may not host meetings. Give it a licence or take it out of the pool (zoomHosts).",
}


class DailyLimit(RateLimited):
    """This host has used up its 100 creations and updates of the day; another host may go on.

    `retry_after` is the time until 00:00 UTC in seconds.
    """


class ZoomService:
    """Our own client. Methods raise the errors of `integration.errors`; codes are Zoom's, as text.

    api_url    e.g. https://api.zoom.us/v2
    oauth_url  the token endpoint, e.g. https://zoom.us/oauth/token
    timeout    seconds for one request
    """

    def __init__(
        self,
        api_url: str,
        oauth_url: str,
        account_id: str,
        client_id: str,
        client_secret: str,
        budget: Budget,
        timeout: float = 10.0,
        patience: Patience | None = None,
    ) -> None:
        budget.declare(SERVICE, lambda method_class: RATES.get(method_class, RATES["heavy"]))
        self._api = api_url.rstrip("/")
        self._oauth = oauth_url
        self._account_id = account_id
        self._basic = httpx.BasicAuth(client_id, client_secret)
        self._http = HttpClient(
            SERVICE,
            budget,
            timeout,
            limit_of=_limit_of,
            patience=patience or Patience(),
            secrets=(client_secret,),
        )
        self._tokens = Tokens(self._fetch_token)
        self.granted: frozenset[str] = frozenset()  # the scopes that Zoom named with the latest token

    async def aclose(self) -> None:
        await self._http.aclose()

    async def warm(self) -> None:
        """Fetch the token ahead of the first incident. Raises CredentialsRefused when it is refused."""
        await self._tokens.get()

    async def create_meeting(
        self,
        host: str,
        topic: str,
        agenda: str,
        *,
        waiting_room: bool = False,
        start: datetime | None = None,
        minutes: int = 240,
        priority: Priority = Priority.ROOM,
    ) -> Meeting:
        """A scheduled meeting (type 2) of `host` (e-mail or user id) that people may join without the host.

        `topic` is cut to 200 characters, `agenda` to 2000. `start` defaults to now. Not repeatable: a lost
        answer is Ambiguous. Raises DailyLimit when the host's day is used up.
        """
        begin = (start or datetime.now(UTC)).astimezone(UTC)
        body: Json = {
            "type": 2,
            "topic": topic[:TOPIC_LIMIT],
            "agenda": agenda[:AGENDA_LIMIT],
            "start_time": begin.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "timezone": "UTC",
            "duration": max(1, min(minutes, LONGEST_MINUTES)),
            "settings": {"waiting_room": waiting_room},
        }
        if not waiting_room:  # Zoom's waiting room disables joining before the host
            body["settings"] |= {"join_before_host": True, "jbh_time": 0}
        call = _call("meetings.create", "light", priority, repeatable=False)
        answer = await self._send(call, "POST", f"/users/{quote(host, safe='@')}/meetings", body=body)
        self._expect(call, answer)
        return self._meeting(call, answer.object(), host)

    async def meeting(self, meeting_id: str, *, priority: Priority = Priority.ROOM) -> Meeting | None:
        """The meeting as it stands, None when it is not (or no longer) known."""
        call = _call("meetings.get", "light", priority)
        answer = await self._send(call, "GET", f"/meetings/{quote(meeting_id, safe='')}")
        if _gone(answer):
            return None
        self._expect(call, answer)
        return self._meeting(call, answer.object(), "")

    async def past_meeting(
        self, meeting_id: str, *, priority: Priority = Priority.INTERNAL
    ) -> PastMeeting | None:
        """The latest call of this meeting that is over, None when there was none."""
        call = _call("past_meetings.get", "light", priority)
        answer = await self._send(call, "GET", f"/past_meetings/{quote(meeting_id, safe='')}")
        # 300: "cannot access meeting information", as of one whose first call is under way.
        if _gone(answer) or (answer.status == 400 and _code(answer) == "300"):
            return None
        self._expect(call, answer)
        body = answer.object()
        uuid, started, ended = (
            _text(body.get("uuid")),
            when(body.get("start_time")),
            when(body.get("end_time")),
        )
        return PastMeeting(uuid=uuid, started=started, ended=ended) if uuid and started and ended else None

    async def meetings(self, host: str, *, priority: Priority = Priority.ROOM) -> list[Meeting]:
        """All scheduled, unexpired meetings of a host, every page. Agendas are cut to 250 characters, and a
        meeting may come without `join_url`, which Zoom does not promise in lists: read it by itself then."""
        call = _call("meetings.list", "medium", priority)
        found: list[Meeting] = []
        query = {"type": "scheduled", "page_size": "300"}
        while True:
            answer = await self._send(call, "GET", f"/users/{quote(host, safe='@')}/meetings", query=query)
            self._expect(call, answer)
            page = answer.object().get("meetings")
            if not isinstance(page, list):
                raise self._http.unreadable(call.operation, "no list of meetings")
            listed = (_meeting_of(item, host) for item in page if isinstance(item, dict))
            found += [meeting for meeting in listed if meeting is not None]
            following = _text(answer.object().get("next_page_token"))
            if not following or following == query.get("next_page_token"):
                return found
            query["next_page_token"] = following

    async def end_meeting(self, meeting_id: str, *, priority: Priority = Priority.INTERNAL) -> None:
        """End it for everybody in it. Already over, not started or gone is fine too."""
        call = _call("meetings.status", "light", priority)
        path = f"/meetings/{quote(meeting_id, safe='')}/status"
        answer = await self._send(call, "PUT", path, body={"action": "end"})
        over = answer.status == 400 and _NOT_RUNNING.search(_text(answer.object().get("message")))
        if not _gone(answer) and not over:
            self._expect(call, answer)

    async def delete_meeting(self, meeting_id: str, *, priority: Priority = Priority.INTERNAL) -> None:
        """Delete it. Already gone is fine too."""
        call = _call("meetings.delete", "light", priority)
        answer = await self._send(call, "DELETE", f"/meetings/{quote(meeting_id, safe='')}")
        if not _gone(answer):
            self._expect(call, answer)

    async def user(self, id_or_email: str, *, priority: Priority = Priority.INTERNAL) -> ZoomUser | None:
        """The user, None when the account has no such user."""
        call = _call("users.get", "light", priority)
        answer = await self._send(call, "GET", f"/users/{quote(id_or_email, safe='@')}")
        if answer.status == 404:
            return None
        self._expect(call, answer)
        body = answer.object()
        if not _text(body.get("id")):
            raise self._http.unreadable(call.operation, "a user without id")
        return ZoomUser(
            licensed=body.get("type") == 2,
            active=body.get("status") == "active",
        )

    # -- the wire ------------------------------------------------------------------------------------

    async def _fetch_token(self) -> tuple[Bearer, float]:
        call = _call("oauth.token", "oauth", Priority.ROOM)  # several tokens may be live: safe to repeat
        form = {"grant_type": "account_credentials", "account_id": self._account_id}
        answer = await self._http.send(call, "POST", self._oauth, form=form, auth=self._basic)
        body = answer.object()
        if not answer.ok:
            if answer.status == 429:
                raise RateLimited(SERVICE, call.operation, seconds_to_wait(answer.headers, default=60.0))
            said = self._http.short(body.get("reason") or body.get("error") or body.get("message") or "")
            hint = "Check the Zoom account id, client id and client secret, and that the app is activated."
            raise CredentialsRefused(SERVICE, call.operation, f"HTTP {answer.status}", said, hint)
        if not _text(body.get("access_token")):
            raise self._http.unreadable(call.operation, "no token in the answer")
        self.granted = frozenset(_text(body.get("scope")).split())
        return Bearer(body["access_token"]), _lives(body.get("expires_in"))

    async def _send(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: dict[str, str] | None = None,
    ) -> Answer:
        def once(bearer: Bearer) -> Awaitable[Answer]:
            url = self._api + path
            return self._http.send(call, method, url, body=body, query=query, auth=bearer)

        # Another process may have made our token invalid.
        return await self._tokens.send(
            once, lambda answer: answer.status == 401 and _code(answer) in (_BAD_TOKEN, "")
        )

    def _expect(self, call: Call, answer: Answer) -> None:
        if not answer.ok:
            raise self._error(call, answer)

    def _error(self, call: Call, answer: Answer) -> ServiceError:
        code = _code(answer) or f"HTTP {answer.status}"
        detail = self._http.short(_said(answer.object()))
        if answer.status == 429:
            return DailyLimit(SERVICE, call.operation, seconds_to_midnight(), detail)
        if code in _SCOPES_MISSING:
            hint = "Add the scopes that Zoom names to the server-to-server OAuth app."
            return CredentialsRefused(SERVICE, call.operation, code, detail, hint)
        if answer.status == 401:
            hint = "Check the Zoom account id, client id and client secret."
            return CredentialsRefused(SERVICE, call.operation, code, detail, hint)
        return Refused(SERVICE, call.operation, code, detail, HINTS.get(code, ""))

    def _meeting(self, call: Call, body: Json, host: str) -> Meeting:
        found = _meeting_of(body, host)
        if found is None or not found.join_url:
            raise self._http.unreadable(call.operation, "a meeting without id or join_url")
        return found


def _meeting_of(body: Json, host: str) -> Meeting | None:
    """None for what has no number; `join_url` is empty where there is none."""
    number = body.get("id")
    if isinstance(number, bool) or not isinstance(number, int | str) or not number:
        return None
    return Meeting(
        id=str(number),
        uuid=_text(body.get("uuid")),
        host=host or _text(body.get("host_email")) or _text(body.get("host_id")),
        agenda=_text(body.get("agenda")),
        join_url=_text(body.get("join_url")),
        status=_text(body.get("status")),
    )


def seconds_to_midnight(now: datetime | None = None) -> float:
    """Until 00:00 UTC, when Zoom's daily counts start again; at least one second."""
    at = now or datetime.now(UTC)
    midnight = (at + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1.0, (midnight - at).total_seconds())


def _lives(value: Any) -> float:
    """Seconds that a token lives. OAuth lets it be left out; an hour is what Zoom gives, and a token that
    ends before it is replaced when it is refused."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return HOUR
    return seconds if 0 < seconds < math.inf else HOUR


def _call(operation: str, label: str, priority: Priority, repeatable: bool = True) -> Call:
    return Call(SERVICE, operation, label, priority, repeatable)


def _limit_of(answer: Answer) -> float | None:
    """Per-second limits are waited out; the daily one is the caller's, who has other hosts."""
    kind = answer.headers.get("x-ratelimit-type", "").lower()
    if kind.startswith("daily") or "daily" in _text(answer.object().get("message")).lower():
        return None
    return seconds_to_wait(answer.headers, default=1.0)


def _gone(answer: Answer) -> bool:
    return answer.status == 404 and _code(answer) in ("", _GONE)


def _code(answer: Answer) -> str:
    code = answer.object().get("code")
    return str(code) if isinstance(code, int | str) else ""


def _said(body: Json) -> str:
    """Zoom's message, with the fields it complains about."""
    errors = body.get("errors")
    fields = [
        f"{_text(item.get('field'))}: {_text(item.get('message'))}"
        for item in (errors if isinstance(errors, list) else [])
        if isinstance(item, dict)
    ]
    return "; ".join(filter(None, [_text(body.get("message")), *fields]))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
