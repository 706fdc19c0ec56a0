"""Calls seen by looking, for an installation that Zoom's webhooks do not reach.

What is seen goes the way of a webhook and under the same identifiers, so that looking again, after a restart
too, changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from loguru import logger

from integration.bridge_events import News
from integration.budget import Priority
from integration.errors import CredentialsRefused, ServiceError
from integration.models.incident import WarRoom
from integration.models.zoom import PastMeeting
from integration.services.zoom import ZoomService
from integration.times import now

Tell = Callable[[WarRoom, News], Awaitable[None]]


class BridgeWatch:
    """Tells of calls that have begun or ended since it last looked. One instance a process.

    An open room costs one light call while its call is under way and two while it is not; a closed one is
    looked at until its call is over, and once more after a restart.
    """

    def __init__(self, zoom: ZoomService, tell: Tell) -> None:
        self._zoom, self._tell = zoom, tell
        self._live: dict[str, tuple[str, WarRoom]] = {}  # by meeting: the call that was told of as begun
        self._over: dict[str, str] = {}  # by meeting: the latest call that was told of as ended
        self._settled: set[str] = set()  # meetings of closed rooms, nothing under way

    async def look(self, rooms: Sequence[WarRoom]) -> None:
        """Look at the calls of these rooms, and of those whose call was under way."""
        found = {one.meeting_id: one for one in rooms if one.bridge_kind == "zoom" and one.meeting_id}
        found = {meeting: room for meeting, (_, room) in self._live.items()} | found
        self._over = {meeting: uuid for meeting, uuid in self._over.items() if meeting in found}
        self._settled &= {meeting for meeting, room in found.items() if room.state != "open"}
        for meeting, room in found.items():
            if meeting in self._settled:
                continue
            try:
                under_way = await self._look(meeting, room)
            except ServiceError as problem:
                logger.warning(f"bridge of #{room.channel_name}: {problem}")
                continue
            if room.state != "open" and not under_way:
                self._settled.add(meeting)

    async def _look(self, meeting: str, room: WarRoom) -> bool:
        there = await self._zoom.meeting(meeting, priority=Priority.MIRROR)
        live = there.uuid if there is not None and there.status == "started" else ""
        told = self._live[meeting][0] if meeting in self._live else ""
        if live and live == told:
            return True
        # Of a call that came and went between two looks only this tells; of any other, its exact times.
        past = await self._past(meeting)
        if past is not None and past.uuid not in (live, self._over.get(meeting)):
            await self._tell(room, _news("started", meeting, past.uuid, past.started))
            await self._tell(room, _news("ended", meeting, past.uuid, past.ended))
            self._over[meeting] = past.uuid
        if told and self._over.get(meeting) != told:
            await self._tell(room, _news("ended", meeting, told, now()))
        self._live.pop(meeting, None)
        if live:
            await self._tell(room, _news("started", meeting, live, now()))
            self._live[meeting] = (live, room)
        return bool(live)

    async def _past(self, meeting: str) -> PastMeeting | None:
        try:
            return await self._zoom.past_meeting(meeting, priority=Priority.MIRROR)
        except CredentialsRefused as problem:
            logger.warning(f"bridge: exact times of calls are not told: {problem}")
            return None


def _news(what: str, meeting: str, uuid: str, at: datetime) -> News:
    return News(what=what, meeting=meeting, uuid=uuid, at=at)
