"""What Zoom tells of our calls: on the war room, in the timeline, and as notes.

A webhook is answered once what it tells stands in Port; until then Zoom comes again, and what it tells twice
is written under the same identifiers. So nothing of it is kept here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from loguru import logger

from integration import plan
from integration.bridge_events import BRIDGE_EVENT, News, entity_of, news_of, occurrence
from integration.call_notes import (
    SUMMARY,
    TRANSCRIPT,
    began,
    erased,
    summary_notes,
    transcript_file,
    transcript_notes,
    turns_of,
)
from integration.catalog import Catalog
from integration.entities import text_of
from integration.errors import Refused, Unreachable
from integration.mirror import Mirror
from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.notetaker import Marks
from integration.services.zoom_files import ZoomFiles
from integration.settings import Settings
from integration.times import now, when

ANSWER_SECONDS = 2.5  # Zoom waits 3 s
FOREIGN_SECONDS = 120.0  # how long we remember that a meeting is none of ours
FOREIGN_MOST = 10_000
_ONCE = ("started", "joined", "ended")
BRIDGE_STATES = {"started": "started", "ended": "ended"}


class Bridge:
    """Takes in what Zoom's webhooks tell."""

    def __init__(
        self, catalog: Catalog, mirror: Mirror, settings: Settings, files: ZoomFiles | None = None
    ) -> None:
        self._catalog, self._mirror, self._settings = catalog, mirror, settings
        self._files = files
        self._marks = Marks.from_settings(settings.note_reactions)
        self._foreign: dict[str, float] = {}
        self._working: dict[str, asyncio.Task[None]] = {}

    async def aclose(self) -> None:
        for task in self._working.values():
            task.cancel()
        await asyncio.gather(*self._working.values(), return_exceptions=True)
        if self._files is not None:
            await self._files.aclose()

    async def take(self, message: Json) -> None:
        """Take in one verified webhook. Raises ServiceError when it is not written yet: Zoom comes again."""
        news = news_of(message)
        if news is None:
            return
        room = await self._room(news.meeting)
        if room is None:
            return
        # A long transcript goes on while Zoom waits for its next try, and is found written then.
        key = f"{news.uuid}:{news.what}:{news.person_id}"
        work = self._working.get(key)
        if work is None:
            work = self._working[key] = asyncio.create_task(self.write(room, news))
            work.add_done_callback(lambda task: self._done(key, task))
        done, _ = await asyncio.wait({work}, timeout=ANSWER_SECONDS)
        if not done:
            raise Unreachable("zoom", news.what, "still at it", "it is written when Zoom comes again")
        work.result()

    def _done(self, key: str, task: asyncio.Task[None]) -> None:
        self._working.pop(key, None)
        if not task.cancelled() and (problem := task.exception()) is not None:
            logger.warning(f"bridge: {problem}")

    async def _room(self, meeting: str) -> WarRoom | None:
        known = self._mirror.room_of_meeting(meeting)
        if known is not None:
            return known
        at = time.monotonic()
        if self._foreign.get(meeting, 0.0) > at:
            return None
        # The whole account's meetings are told of: most are none of ours.
        found = await self._catalog.room_of_meeting(meeting)
        if found is None:
            if len(self._foreign) >= FOREIGN_MOST:
                self._foreign = {one: until for one, until in self._foreign.items() if until > at}
            self._foreign[meeting] = at + FOREIGN_SECONDS
        return found

    async def write(self, room: WarRoom, news: News) -> None:
        """Bring the room, the timeline and the notes up to what is told."""
        if state := BRIDGE_STATES.get(news.what):
            await self._catalog.patch_room(room.identifier, {"bridgeState": state})
        # An earlier close may have made it private meanwhile; Port knows.
        room = await self._catalog.room(room.identifier) or room
        if plan.hidden(room.private, self._settings):
            return
        match news.what:
            case "started" | "joined" | "ended":
                await self._happened(room, news)
            case "summary":
                await self._summary(room, news)
            case "transcript":
                await self._transcript(room, news)
            case "summary gone":
                await self._erase(room, news, SUMMARY)
            case "recording gone":
                await self._erase(room, news, TRANSCRIPT)

    async def _happened(self, room: WarRoom, news: News, detail: str = "", link: str = "") -> None:
        """Write that it happened, once. Who comes back has joined when he first came, and what was seen by
        looking has happened before."""
        entity = entity_of(room, news, team=self._team(room), detail=detail, link=link)
        held = await self._catalog.entity(BRIDGE_EVENT, entity["identifier"])
        before = when(((held or {}).get("properties") or {}).get("at"))
        if held is not None and news.what in _ONCE and before is not None and before <= news.at:
            return
        await self._catalog.merge(BRIDGE_EVENT, [entity])

    async def _summary(self, room: WarRoom, news: News) -> None:
        notes = summary_notes(room, news, self._team(room))
        if not notes:
            return
        standing = {str(note["identifier"]) for note in notes}
        old = [one for one in await self._notes(room, news, SUMMARY) if one["identifier"] not in standing]
        await self._note(room, [*notes, *(erased(one["identifier"], room, now()) for one in old)])
        detail = "1 note" if len(notes) == 1 else f"{len(notes)} notes"
        await self._happened(room, news, detail, text_of(news.about.get("summary_doc_url")))

    async def _transcript(self, room: WarRoom, news: News) -> None:
        file = transcript_file(news.about)
        start = began(news.about, file) if file is not None else None
        if file is None or start is None or self._files is None:
            return
        if not news.download_token:
            raise Refused("zoom", "recording.transcript_completed", "no download_token", "")
        text = await self._files.text(text_of(file["download_url"]), news.download_token)
        turns = turns_of(text, start)
        link = text_of(file.get("play_url")) or text_of(news.about.get("share_url"))
        notes = transcript_notes(room, news, turns, link, self._marks, self._team(room))
        await self._note(room, notes)
        detail = f"{len(turns)} turns, {len(notes)} of them notes"
        ended = when(file.get("recording_end")) or news.at
        await self._happened(room, news.model_copy(update={"at": ended}), detail, link)

    async def _erase(self, room: WarRoom, news: News, source: str) -> None:
        """Deleted at Zoom is erased here."""
        notes = [erased(one["identifier"], room, now()) for one in await self._notes(room, news, source)]
        await self._note(room, notes)

    async def _notes(self, room: WarRoom, news: News, source: str) -> list[Json]:
        """The standing notes of this occurrence from one source. Port's search lags by seconds."""
        prefix = f"{occurrence(room, news.uuid)}:"
        return [
            note
            for note in await self._catalog.notes_of_room(room)
            if str(note["identifier"]).startswith(prefix)
            and note["properties"].get("source") == source
            and not note["properties"].get("deletedAt")
        ]

    async def _note(self, room: WarRoom, notes: Sequence[Json]) -> None:
        for outcome in await self._catalog.merge_notes(notes) if notes else ():
            if outcome.error:
                raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)
        for note in notes:
            self._mirror.noted(room, note)
        if notes:
            self._mirror.document_soon(room)

    def _team(self, room: WarRoom) -> str:
        return plan.team_of(room.private, self._settings)
