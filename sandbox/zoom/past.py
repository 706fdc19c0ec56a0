"""What Zoom tells about meetings that took place: details, participants, summary."""

from __future__ import annotations

from urllib.parse import unquote

from sandbox.wire import Call, Reply
from sandbox.zoom import errors, views
from sandbox.zoom.paging import Pager
from sandbox.zoom.recordings import Recordings
from sandbox.zoom.state import Meeting, Occurrence, Store


class Past:
    def __init__(self, store: Store, pager: Pager, recordings: Recordings) -> None:
        self.store, self.pager, self._recordings = store, pager, recordings

    def _named(self, call: Call) -> tuple[Meeting, Occurrence]:
        """The occurrence of the path. A UUID that begins with "/" or holds "//" must be encoded twice."""
        given = call.path["meetingId"]
        if given.startswith("/") or "//" in given:
            raise errors.no_meeting(given)
        return self.store.occurrence(unquote(given))

    async def get(self, call: Call) -> Reply:
        return Reply(views.past(*self._named(call), self.store.now()))

    async def instances(self, call: Call) -> Reply:
        key = call.path["meetingId"]
        meeting = self.store.meetings.get(int(key)) if key.isdigit() else None
        if meeting is None:
            raise errors.no_meeting(key)
        ended = [{"uuid": o.uuid, "start_time": views.stamp(o.started)} for o in meeting.past]
        return Reply({"meetings": ended})

    async def participants(self, call: Call) -> Reply:
        """Who was in. Vendor: nothing is returned when only one person took part."""
        _, occurrence = self._named(call)
        people = occurrence.participants
        if len({p.email or p.participant_uuid for p in people}) < 2:
            people = []
        now = self.store.now()
        return Reply(self.pager.page(call, "participants", people, lambda p: views.participant(p, now)))

    async def summary(self, call: Call) -> Reply:
        meeting, occurrence = self._named(call)
        if not occurrence.summary:
            raise errors.no_meeting(call.path["meetingId"])
        return Reply(views.summary(meeting, occurrence))

    async def recordings(self, call: Call) -> Reply:
        """The transcript, where the control API ended the call with one; else none, as Zoom says it."""
        return await self._recordings.get(*self._named(call))
