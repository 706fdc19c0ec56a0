"""Zoom, emulated: server-to-server OAuth, users, meetings, webhooks. State and rules of one account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.routing import Route

from sandbox.deliver import Deliverer
from sandbox.wire import Call, Reply, operation_route
from sandbox.world import Fault, World
from sandbox.zoom import errors, views
from sandbox.zoom.coverage import BY_NAME, COVERAGE
from sandbox.zoom.life import Life
from sandbox.zoom.limits import Limits
from sandbox.zoom.meetings import Meetings
from sandbox.zoom.oauth import OAuth
from sandbox.zoom.paging import Pager
from sandbox.zoom.past import Past
from sandbox.zoom.recordings import Recordings
from sandbox.zoom.state import BASIC, LICENSED, NO_MEETINGS, Meeting, Store, User
from sandbox.zoom.webhooks import Webhooks

Json = dict[str, Any]
Handler = Callable[[Call], Awaitable[Reply]]


class Zoom:
    """The emulator. `routes()` serves /zoom/oauth/token, /zoom/v2/... and the page a join link opens."""

    def __init__(self, world: World, deliverer: Deliverer | None = None) -> None:
        self.world = world
        self.store = Store(world)
        self.limits = Limits()
        self.oauth = OAuth(self.store)
        self.hooks = Webhooks(self.store, deliverer or Deliverer(world))
        self.recordings = Recordings(self.store, self.hooks)
        self.life = Life(self.store, self.hooks, self.recordings)
        self.pager = Pager(self.store)
        self.meetings = Meetings(self.store, self.limits, self.life, self.pager)
        self.past = Past(self.store, self.pager, self.recordings)
        world.on_reset(self.clear)

    def clear(self) -> None:
        """Forget everything but the address of the join page."""
        for part in (self.store, self.limits, self.oauth, self.hooks, self.pager, self.recordings):
            part.clear()

    def routes(self) -> list[Route]:
        handlers: dict[str, Handler] = {
            "users.list": self._users_list,
            "users.get": self._users_get,
            "meetings.list": self.meetings.list,
            "meetings.create": self.meetings.create,
            "meetings.get": self.meetings.get,
            "meetings.update": self.meetings.update,
            "meetings.delete": self.meetings.delete,
            "meetings.status": self.meetings.status,
            "meetings.summary": self.past.summary,
            "meetings.recordings": self.past.recordings,
            "past_meetings.get": self.past.get,
            "past_meetings.instances": self.past.instances,
            "past_meetings.participants": self.past.participants,
        }
        token = BY_NAME["oauth.token"]
        routes = [self._route(token.name, f"/zoom{token.path}", self.oauth.token, [token.method])]
        # A UUID may hold a slash, so its segment takes several; the most specific path comes first.
        for operation in sorted(COVERAGE, key=lambda o: -o.path.count("/")):
            if operation.name not in handlers:
                continue
            path = operation.path
            if operation.name in _BY_UUID:
                path = path.replace("{meetingId}", "{meetingId:path}")
            guarded = self._guarded(operation.name, handlers[operation.name])
            routes.append(self._route(operation.name, f"/zoom/v2{path}", guarded, [operation.method]))
        routes.append(self._route("recording.download", "/zoom/rec/download/{file}", self._download, ["GET"]))
        every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        routes.append(self._route("unknown", "/zoom/v2/{rest:rest}", _unknown, every))
        return routes

    def _route(self, name: str, path: str, handler: Handler, methods: list[str]) -> Route:
        return operation_route(self.world, "zoom", name, path, _worded(handler), _fault, methods)

    def _guarded(self, name: str, handler: Handler) -> Handler:
        """Token, scopes and the account's rate, before the operation itself; its headers on every answer."""
        operation = BY_NAME[name]

        async def guarded(call: Call) -> Reply:
            self.oauth.check(call, operation)
            headers = self.limits.admit(operation.label, self.store.now())
            try:
                reply = await handler(call)
            except errors.ZoomError as refused:
                kept = dict(headers)
                if refused.code == 429:
                    del kept["x-ratelimit-type"]  # so the vendor's daily 429 was seen
                refused.headers = {**kept, **refused.headers}
                raise
            reply.headers = {**headers, **reply.headers}
            return reply

        return guarded

    async def _download(self, call: Call) -> Reply:
        """A recording's file: its address is no part of the API."""
        return await self.recordings.download(call, valid=call.bearer() in self.oauth.tokens)

    async def _users_list(self, call: Call) -> Reply:
        status = call.query.get("status", "active")
        if status not in ("active", "inactive", "pending"):
            message = "Valid values are active, inactive, pending."
            raise errors.invalid([{"field": "status", "message": message}])
        found = [u for u in self.store.users.values() if u.status == status]
        return Reply(self.pager.page(call, "users", found, views.listed_user, 2_000))

    async def _users_get(self, call: Call) -> Reply:
        return Reply(views.user(self.store.user(call.path["userId"])))

    # What the control API needs.

    def seed(self, given: Json) -> None:
        """`{"users": [{"email", "name"?, "licensed"?: bool, "hosting"?: bool, "status"?}], "scopes"?: [...],
        "daily_limit"?: int}`. Raises ValueError naming a field that is wrong."""
        if unknown := sorted(set(given) - {"users", "scopes", "daily_limit"}):
            raise ValueError(f"zoom: unknown seed {unknown[0]!r}; known: daily_limit, scopes, users")
        for one in given.get("users", []):
            email = one.get("email") if isinstance(one, dict) else None
            if not isinstance(email, str) or "@" not in email:
                raise ValueError("zoom.users[].email: an e-mail address is needed")
            kind = LICENSED if one.get("licensed", True) else BASIC
            if not one.get("hosting", True):
                kind = NO_MEETINGS
            self.store.add_user(email, str(one.get("name", "")), kind, str(one.get("status", "active")))
        if "scopes" in given:
            self.oauth.scopes = frozenset(map(str, given["scopes"]))
        if "daily_limit" in given:
            self.limits.per_host_day = int(given["daily_limit"])

    def find(self, key: object) -> Meeting | None:
        """A meeting by number or UUID, deleted and expired ones too."""
        for meeting in self.store.meetings.values():
            uuids = {meeting.uuid, *(o.uuid for o in meeting.past)}
            if str(key).replace(" ", "") == str(meeting.id) or key in uuids:
                return meeting
        return None

    def users(self) -> list[User]:
        return list(self.store.users.values())

    def state(self) -> Json:
        """Users, and meetings as the API shows them with who is inside and what took place."""
        now = self.store.now()
        shown = []
        for m in self.store.meetings.values():
            inside = m.live.participants if m.live else []
            shown.append(
                {
                    **views.meeting(m, self.store.web, now),
                    "deleted": m.deleted,
                    "participants": [views.participant(p, now) for p in inside],
                    "past": [views.past(m, o, now) for o in m.past],
                }
            )
        return {
            "users": [views.user(u) for u in self.users()],
            "meetings": shown,
            "webhook_url": self.hooks.url,
        }


_BY_UUID = {
    "meetings.summary",
    "meetings.recordings",
    "past_meetings.get",
    "past_meetings.participants",
}


def _worded(handler: Handler) -> Handler:
    """Refusals as Zoom words them."""

    async def worded(call: Call) -> Reply:
        try:
            return await handler(call)
        except errors.ZoomError as refused:
            return Reply(refused.body(), refused.status, refused.headers, error=str(refused.code))

    return worded


async def _unknown(call: Call) -> Reply:
    raise errors.ZoomError(404, 2300, "This API endpoint is not recognized.")


_PLANNED = {401: (124, "Invalid access token."), 429: (429, errors.PER_SECOND_LIMIT)}


def _fault(fault: Fault) -> Reply:
    """A planned fault in Zoom's words. `error` may be a code (429 with error "daily" is the daily limit)."""
    status = fault.status or (429 if fault.error == "daily" else 500)
    code, message = _PLANNED.get(status, (status, "Internal error; planned by the sandbox."))
    if fault.error == "daily":
        message = errors.DAILY_LIMIT.format(limit=100)
    elif fault.error and fault.error.isdigit():
        code = int(fault.error)
    elif fault.error:
        message = fault.error
    headers = {"retry-after": fault.retry_after} if fault.retry_after else {}
    body = fault.body if fault.body is not None else {"code": code, "message": message}
    return Reply(body, status, headers, error=str(code))
