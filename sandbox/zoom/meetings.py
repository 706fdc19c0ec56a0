"""Zoom's meetings: create, get, list, update, delete, end; with the rules and limits of the API."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sandbox.wire import Call, Reply
from sandbox.zoom import errors, rules, views
from sandbox.zoom.life import Life
from sandbox.zoom.limits import Limits
from sandbox.zoom.paging import Pager
from sandbox.zoom.state import INSTANT, RECURRING_NO_TIME, Meeting, Store, User

Json = dict[str, Any]

_KEPT = ("recurrence", "tracking_fields", "pre_schedule")  # stored and shown as they were given
_LIST_TYPES = ("scheduled", "live", "upcoming", "upcoming_meetings", "previous_meetings")


def body_of(call: Call) -> Any:
    """The JSON body. Raises ZoomError 300 when it is not JSON; an empty one is an empty object."""
    try:
        given = call.json()
    except ValueError as broken:
        raise errors.ZoomError(400, 300, "Request Body should be a valid JSON object.") from broken
    return {} if given is None else given


class Meetings:
    def __init__(self, store: Store, limits: Limits, life: Life, pager: Pager) -> None:
        self.store, self.limits, self.life, self.pager = store, limits, life, pager

    async def create(self, call: Call) -> Reply:
        host = self.store.user(call.path["userId"])
        given = rules.check(body_of(call))
        kind = int(given.get("type", 2))
        if given.get("schedule_for"):
            if kind == INSTANT:
                raise errors.ZoomError(
                    400, 3000, "Instant meetings do not support the `schedule_for` parameter."
                )
            host = self.store.user(str(given["schedule_for"]))
        if not host.may_host:
            raise errors.may_not_host()
        now = self.store.now()
        self.limits.check_host(host.id, now)
        self.limits.count_host(host.id, now)
        meeting = self._new(host, kind, given, now)
        self.store.meetings[meeting.id] = meeting
        self.life.created(meeting)
        return Reply(
            views.meeting(meeting, self.store.web, now),
            201,
            effect=f"meeting {meeting.id} created for {host.email}: {meeting.topic}",
        )

    def _new(self, host: User, kind: int, given: Json, now: float) -> Meeting:
        start = rules.start_time(given)
        if start is None or start < now:
            start = now  # a time in the past is ignored
        return Meeting(
            id=self.store.new_meeting_id(),
            uuid=self.store.uuid(),
            host=host,
            type=kind,
            topic=given.get("topic") or "Zoom Meeting",
            agenda=given.get("agenda") or "",
            duration=int(given.get("duration") or 60),
            timezone=given.get("timezone") or "UTC",
            password=given["password"] if given.get("password") is not None else self._password(),
            created=now,
            start=None if kind in (INSTANT, RECURRING_NO_TIME) else start,
            settings=dict(given.get("settings") or {}),
            extra={name: given[name] for name in _KEPT if name in given},
        )

    def _password(self) -> str:
        return self.store.world.ids.mixed(6)

    async def get(self, call: Call) -> Reply:
        meeting = self.store.meeting(call.path["meetingId"])
        return Reply(views.meeting(meeting, self.store.web, self.store.now()))

    async def update(self, call: Call) -> Reply:
        """PATCH: only what is named changes; 204. Counts against the host's day and the meeting's."""
        meeting = self.store.meeting(call.path["meetingId"])
        given = rules.check(body_of(call), update=True)
        now = self.store.now()
        self.limits.check_host(meeting.host.id, now)
        self.limits.check_meeting(meeting.updates, now)
        self.limits.count_host(meeting.host.id, now)
        meeting.updates.append(now)
        fields = ("topic", "agenda", "duration", "timezone", "password", "type")
        changed: Json = {}
        before: Json = {}
        for name in fields:
            if given.get(name) is not None and given[name] != getattr(meeting, name):
                before[name], changed[name] = getattr(meeting, name), given[name]
                setattr(meeting, name, given[name])
        start = rules.start_time(given)
        if start is not None and start >= now and start != meeting.start:
            before["start_time"] = views.stamp(meeting.start or meeting.created)
            changed["start_time"] = views.stamp(start)
            meeting.start = start
        settings = {k: v for k, v in (given.get("settings") or {}).items() if meeting.settings.get(k) != v}
        if settings:
            before["settings"] = {k: meeting.settings.get(k, views.SETTINGS.get(k)) for k in settings}
            changed["settings"] = settings
            meeting.settings |= settings
        meeting.extra |= {name: given[name] for name in _KEPT if name in given}
        if changed:
            self.life.updated(meeting, changed, before)
        named = ", ".join(changed) or "nothing"
        return Reply(None, 204, effect=f"meeting {meeting.id} updated: {named}" if changed else None)

    async def delete(self, call: Call) -> Reply:
        """204. One that is under way is refused with 3002; only `end` stops it."""
        meeting = self.store.meeting(call.path["meetingId"])
        if meeting.live is not None:
            raise errors.ZoomError(
                400, 3002, "Sorry, you cannot delete this meeting since it is in progress."
            )
        self.life.delete(meeting)
        return Reply(None, 204, effect=f"meeting {meeting.id} deleted")

    async def status(self, call: Call) -> Reply:
        """PUT {action: end|recover}; 204. Ending what is not under way changes nothing and is no error."""
        given = body_of(call)
        action = given.get("action") if isinstance(given, dict) else None
        if action == "recover":
            return self._recover(call.path["meetingId"])
        meeting = self.store.meeting(call.path["meetingId"])
        if action != "end":
            raise errors.invalid([{"field": "action", "message": "Valid values are end, recover."}])
        ended = self.life.end(meeting)
        return Reply(None, 204, effect=f"meeting {meeting.id} ended" if ended else None)

    def _recover(self, key: str) -> Reply:
        found = self.store.meetings.get(int(key)) if key.isdigit() else None
        if found is None or not found.deleted:
            raise errors.no_meeting(key)
        found.deleted = False
        return Reply(None, 204, effect=f"meeting {found.id} recovered")

    async def list(self, call: Call) -> Reply:
        """A host's meetings, newest first; without instant and expired ones (habit unlisted_meetings)."""
        host = self.store.host(call.path["userId"])
        kind = call.query.get("type", "scheduled")
        if kind not in _LIST_TYPES:
            message = f"Valid values are {', '.join(_LIST_TYPES)}."
            raise errors.invalid([{"field": "type", "message": message}])
        since, until = _day(call, "from"), _day(call, "to")
        now = self.store.now()
        found = [
            m
            for m in self.store.meetings.values()
            if m.host is host
            and not m.deleted
            and self._listed(m, now)
            and _of_type(m, kind, now)
            and _within(m, since, until)
        ]
        found.sort(key=lambda m: (m.start or m.created, m.id), reverse=True)
        web = self.store.web
        return Reply(self.pager.page(call, "meetings", found, lambda m: views.listed_meeting(m, web)))

    def _listed(self, meeting: Meeting, now: float) -> bool:
        if not self.store.world.hostility.unlisted_meetings:
            return True
        return meeting.type != INSTANT and not meeting.expired(now)


def _of_type(meeting: Meeting, kind: str, now: float) -> bool:
    if kind == "scheduled":
        return True
    if kind == "live":
        return meeting.live is not None
    if kind == "previous_meetings":
        return bool(meeting.past)
    ends = (meeting.start or now) + meeting.duration * 60
    return meeting.live is not None or ends >= now


def _day(call: Call, name: str) -> date | None:
    given = call.query.get(name)
    if not given:
        return None
    try:
        return date.fromisoformat(given[:10])
    except ValueError as broken:
        raise errors.invalid([{"field": name, "message": "Use yyyy-mm-dd."}]) from broken


def _within(meeting: Meeting, since: date | None, until: date | None) -> bool:
    day = datetime.fromtimestamp(meeting.start or meeting.created, UTC).date()
    return (since is None or day >= since) and (until is None or day <= until)
