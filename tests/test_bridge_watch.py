"""Calls seen by looking: begun, ended, come and gone between two looks, and after a restart."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integration.bridge_events import News
from integration.bridge_watch import BridgeWatch
from integration.budget import Priority
from integration.errors import CredentialsRefused, Unreachable
from integration.models.incident import WarRoom
from integration.models.zoom import Meeting, PastMeeting
from integration.services.zoom import ZoomService
from tests.told import ROOM, START

OPEN = ROOM.model_copy(update={"state": "open", "bridge_kind": "zoom", "meeting_id": "81"})
CLOSED = OPEN.model_copy(update={"state": "closed"})
MEETING = Meeting(id="81", uuid="one", host="h", join_url="https://zoom.example.com/j/81")


def past(uuid: str) -> PastMeeting:
    return PastMeeting(uuid=uuid, started=START, ended=START + timedelta(minutes=9))


class Zoom(ZoomService):
    """One meeting, as Zoom would show it."""

    def __init__(self) -> None:
        self.now: Meeting | None = MEETING
        self.over: PastMeeting | None = None
        self.asked = 0
        self.down = self.unscoped = False

    def live(self, uuid: str) -> None:
        self.now = MEETING.model_copy(update={"uuid": uuid, "status": "started"})

    def ended(self, uuid: str) -> None:
        self.now, self.over = MEETING, past(uuid)

    async def meeting(self, meeting_id: str, *, priority: Priority = Priority.ROOM) -> Meeting | None:
        self.asked += 1
        if self.down:
            raise Unreachable("zoom", "meetings.get", "HTTP 503", "")
        return self.now

    async def past_meeting(
        self, meeting_id: str, *, priority: Priority = Priority.INTERNAL
    ) -> PastMeeting | None:
        self.asked += 1
        if self.unscoped:
            raise CredentialsRefused("zoom", "past_meetings.get", "4711", "no scope", "")
        return self.over


class Watched:
    def __init__(self) -> None:
        self.zoom, self.told = Zoom(), list[News]()
        self.watch = BridgeWatch(self.zoom, self._take)

    async def _take(self, room: WarRoom, news: News) -> None:
        assert room.identifier == OPEN.identifier
        self.told.append(news)

    async def look(self, *rooms: WarRoom) -> list[str]:
        """What is told by one more look."""
        before = len(self.told)
        await self.watch.look(rooms)
        return [f"{news.what} {news.uuid}" for news in self.told[before:]]


async def test_a_call_that_begins_and_ends_is_told_of_once_with_its_exact_times() -> None:
    seen = Watched()

    assert await seen.look(OPEN) == []
    seen.zoom.live("one")
    assert await seen.look(OPEN) == ["started one"]
    assert await seen.look(OPEN) == []
    seen.zoom.ended("one")
    assert await seen.look(OPEN) == ["started one", "ended one"]
    assert [news.at for news in seen.told[-2:]] == [START, START + timedelta(minutes=9)]
    assert await seen.look(OPEN) == []


async def test_a_call_that_came_and_went_between_two_looks_is_told_of() -> None:
    seen = Watched()
    seen.zoom.live("one")
    await seen.look(OPEN)

    seen.zoom.ended("one")
    seen.zoom.live("two")

    assert await seen.look(OPEN) == ["started one", "ended one", "started two"]
    seen.zoom.ended("three")
    assert await seen.look(OPEN) == ["started three", "ended three", "ended two"]


async def test_a_room_that_was_closed_is_looked_at_until_its_call_is_over() -> None:
    seen = Watched()
    seen.zoom.live("one")
    await seen.look(OPEN)

    # A linked room is not among those in use any more once it is closed.
    assert await seen.look() == []
    seen.zoom.ended("one")
    assert await seen.look(CLOSED) == ["started one", "ended one"]
    asked = seen.zoom.asked
    assert await seen.look(CLOSED) == []
    assert seen.zoom.asked == asked
    seen.zoom.live("two")
    assert await seen.look(OPEN) == ["started two"]  # reopened


@pytest.mark.parametrize("kind", ["static", "none"])
async def test_only_bridges_of_zoom_are_looked_at(kind: str) -> None:
    seen = Watched()

    await seen.look(OPEN.model_copy(update={"bridge_kind": kind}))

    assert seen.zoom.asked == 0


async def test_without_the_scope_for_what_is_past_ends_are_told_when_they_are_seen() -> None:
    seen = Watched()
    seen.zoom.unscoped = True
    seen.zoom.live("one")
    await seen.look(OPEN)

    seen.zoom.now = None  # deleted meanwhile

    assert await seen.look(OPEN) == ["ended one"]
    assert await seen.look(OPEN) == []


async def test_a_zoom_that_is_down_is_asked_again() -> None:
    seen = Watched()
    seen.zoom.live("one")
    seen.zoom.down = True
    assert await seen.look(OPEN) == []

    seen.zoom.down = False

    assert await seen.look(OPEN) == ["started one"]
