"""The room in Port: what is said becomes notes, live from signed events and again from reading the room.

Both go through `RoomState` and `notetaker.derive`, so a read gives what the events gave. Whatever fails
makes the room dirty, and a dirty room is read again as a whole: edits and replies on older messages
have no cursor.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from loguru import logger

from integration import plan
from integration.background import Background
from integration.catalog import Catalog
from integration.errors import Refused, ServiceError
from integration.mirrored import Mirrored, since
from integration.model_notes import Verdict
from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.note_writer import NoteWriter
from integration.people import People
from integration.room_documents import RoomDocuments, WriteDocuments
from integration.room_facts import RoomFacts, notes_by_kind
from integration.room_reading import RoomReading
from integration.room_state import RoomState
from integration.services.slack import SlackService
from integration.settings import Settings
from integration.slack_payload import channel_of
from integration.times import when

DEBOUNCE_SECONDS = 0.15  # what happens within this time is written in one call
READ_RETRY_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
UNKNOWN_CHANNEL_SECONDS = 60.0  # how long we remember that a channel is no war room
TOLD_SECONDS = 30.0  # what we were told of a room is newer than what Port's search shows for this long
_GONE = {"not_in_channel", "channel_not_found", "is_archived"}


class Mirror:
    """All rooms that are mirrored by this process."""

    def __init__(
        self,
        catalog: Catalog,
        slack: SlackService,
        people: People,
        settings: Settings,
        document: WriteDocuments | None = None,
    ) -> None:
        """`document` writes the documents of a closed room anew, once something in them is outdated."""
        self._catalog = catalog
        self._slack = slack
        self._settings = settings
        self._notes = NoteWriter(catalog, slack, people, settings)
        self._reading = RoomReading(catalog, slack, self._notes)
        self._background = Background("mirror: unexpected failure; the next read of the room mends it")
        self._facts = RoomFacts(catalog, slack, self._background)
        self._documents = RoomDocuments(document, self._background)
        self._rooms: dict[str, Mirrored] = {}
        self._foreign: dict[str, float] = {}
        self._told: dict[str, float] = {}  # when we were last told of a room, by its identifier
        # Whoever has a second opinion on notes, once they stand.
        self.consider: Callable[[WarRoom, Iterable[Json]], None] = lambda room, notes: None

    # Which rooms

    def watch(self, room: WarRoom, *, read: bool = False, found: bool = False) -> None:
        """Mirror this room from now on, or take note that it has changed. `read` reads it as a whole;
        `found`: a search shows it so, which lags behind what others tell us.

        What is said for few is mirrored only where a team is named that may read it. A linked channel is
        ours only while the room is open: before and after, people talk of other things in it.
        """
        known = self._rooms.get(room.channel_id)
        if known is not None and known.room.identifier != room.identifier:
            if found and known.room.state == "open":
                return
            known = None
        if found and self._told.get(room.identifier, float("-inf")) > time.monotonic() - TOLD_SECONDS:
            if known is not None and read:
                self._read_soon(known)
            return
        if not found:
            lately = time.monotonic() - TOLD_SECONDS
            self._told = {one: told for one, told in self._told.items() if told > lately}
            self._told[room.identifier] = time.monotonic()
        if room.linked and room.state != "open":
            self.forget(room)
            return
        if known is None:
            known = self._rooms[room.channel_id] = self._unread(room)
            # What was said before we knew whose channel it is was let pass: read it.
            read = self._foreign.pop(room.channel_id, None) is not None or read
        if self._hidden(room):
            known.room = room.model_copy(update={"mirror": "off"})
            known.pending.clear()
            return
        # What was said while nobody looked is read, too.
        read = read or not known.on
        known.room = room.model_copy(update={"mirror": "fresh"}) if room.mirror == "off" else room
        if read:
            self._read_soon(known)

    def forget(self, room: WarRoom) -> None:
        """Mirror this room no more; its notes stay."""
        known = self._rooms.get(room.channel_id)
        if known is not None and known.room.identifier == room.identifier:
            del self._rooms[room.channel_id]
            self._foreign[room.channel_id] = time.monotonic() + UNKNOWN_CHANNEL_SECONDS

    def _hidden(self, room: WarRoom) -> bool:
        if room.linked and room.opened_at is None:
            return True  # nobody knows what of it is ours
        return plan.hidden(room.private, self._settings)

    def _unread(self, room: WarRoom) -> Mirrored:
        state = RoomState(room.channel_id, settle=2 * self._settings.settle_seconds, since=since(room))
        return Mirrored(room, state, done=self._settings.done_reactions)

    def room(self, channel: str) -> WarRoom | None:
        known = self._rooms.get(channel)
        return known.room if known else None

    def room_of_meeting(self, meeting: str) -> WarRoom | None:
        return next((known.room for known in self._rooms.values() if known.room.meeting_id == meeting), None)

    def read_all(self) -> None:
        """Read every room again, the most recently active first: events were lost."""
        for known in list(self._rooms.values()):
            known.lost = True
            self._read_soon(known)

    # Live

    def observe(self, event: Json, identifier: str = "") -> None:
        """Take in one signed event (the inner object). Returns at once; the notes follow.

        `identifier` is Slack's name for the event: where there are several processes, another may have it.
        """
        channel = channel_of(event)
        if not channel:
            return
        known = self._rooms.get(channel)
        if known is None:
            if self._foreign.get(channel, 0.0) < time.monotonic():
                self._foreign[channel] = time.monotonic() + UNKNOWN_CHANNEL_SECONDS
                self._background.begin(self._discover(channel))
            return
        if known.on:
            self._changed(known, known.state.apply_event(event, time.time()))

    async def _discover(self, channel: str) -> None:
        """An event of a channel we do not know: another process may have opened the room."""
        try:
            rooms = await self._catalog.rooms_of_channel(channel)
        except ServiceError as problem:
            logger.warning(f"mirror: whose channel {channel} is can't be read from Port: {problem}")
            self._foreign.pop(channel, None)
            return
        room = max(rooms, key=lambda room: (room.state == "open", room.generation), default=None)
        if room is not None and room.state != "archived":
            self.watch(room, read=True, found=True)

    def _changed(self, known: Mirrored, changed: Iterable[str]) -> None:
        changed = set(changed)
        self._write_soon(known, known.state.affected(changed) | known.settling(changed))

    def _write_soon(self, known: Mirrored, changed: set[str]) -> None:
        known.pending |= changed
        if known.pending and (known.flushing is None or known.flushing.done()):
            known.flushing = self._background.begin(self._flush_soon(known))

    async def _flush_soon(self, known: Mirrored) -> None:
        while known.pending:
            await asyncio.sleep(DEBOUNCE_SECONDS)
            try:
                async with known.lock:
                    await self._flush(known)
            except ServiceError as problem:
                logger.warning(f"mirror: notes of #{known.room.channel_name} not written: {problem}")
                self._read_soon(known)
                return

    async def _flush(self, known: Mirrored) -> None:
        """Derive and write what is pending. What could not be written stays pending."""
        # Taken before the first await: what changes meanwhile is pending anew.
        batch, known.pending = known.pending, set()
        try:
            entities = await self._notes.write(known, batch) if known.on else []
        except BaseException:
            known.pending |= batch
            raise
        if entities:
            self.consider(known.room, entities)
        if any(entity["properties"].get("deletedAt") for entity in entities):
            self._documents.soon(known)
        self._facts.soon(known)

    def judged(self, room: WarRoom, found: dict[str, Verdict]) -> None:
        """Take the model's word on messages of a room, by ts."""
        known = self._rooms.get(room.channel_id)
        if known is not None and known.on:
            known.verdicts = found  # what was said before stands on the notes
            self._write_soon(known, {ts for ts in found if known.state.message(ts)})

    def noted(self, room: WarRoom, note: Json) -> None:
        """A note was written by a button: it counts like one that was said."""
        known = self._rooms.get(room.channel_id)
        if known is not None:
            known.written[str(note["identifier"])] = note["properties"]
            self._facts.soon(known)

    # Reading

    def _read_soon(self, known: Mirrored) -> None:
        known.dirty = True
        if known.on and (known.reading is None or known.reading.done()):
            known.reading = self._background.begin(self._read_until_clean(known))

    async def _read_until_clean(self, known: Mirrored) -> None:
        while known.dirty and self._wanted(known):
            if known.failures:
                delay = READ_RETRY_SECONDS[min(known.failures, len(READ_RETRY_SECONDS)) - 1]
                await asyncio.sleep(delay)
            try:
                await self._read(known)
                if known.lost:
                    # A read shows the past, and no event will tell what it left out: read once more when
                    # the moments before it have settled.
                    known.dirty = True
                    await asyncio.sleep(known.state.settle)
                    async with known.lock:
                        await self._notes.hold_anew(known)
                    known.lost = False
                    self._read_back_soon(known)
                    # An erasure may have been written and the process have ended before the documents.
                    self._documents.soon(known)
            except ServiceError as problem:
                known.failures += 1
                logger.warning(f"mirror: #{known.room.channel_name} not read: {problem}")

    def _read_back_soon(self, known: Mirrored) -> None:
        if known.behind and (known.reading_back is None or known.reading_back.done()):
            known.reading_back = self._background.begin(self._read_back_patiently(known))

    async def _read_back_patiently(self, known: Mirrored) -> None:
        for delay in (*READ_RETRY_SECONDS, 0.0):
            try:
                await self.read_back(known)
                return
            except ServiceError as problem:
                name = known.room.channel_name
                logger.warning(f"mirror: what was said earlier in #{name} is not read: {problem}")
                await asyncio.sleep(delay)

    async def read_back(self, known: Mirrored) -> None:
        """Make notes of what was said before the window, a slice at a time, going on where it was left."""
        if await self._reading.back(known, lambda: self._wanted(known)):
            self._facts.soon(known)

    def _wanted(self, known: Mirrored) -> bool:
        return known.on and self._rooms.get(known.room.channel_id) is known

    async def read(self, room: WarRoom) -> None:
        """Read the whole room now and write what differs. Raises ServiceError."""
        self.watch(room)
        known = self._rooms[room.channel_id]
        if known.on:
            await self._read(known)

    def notes_of(self, room: WarRoom) -> list[Json]:
        """The notes of a room as this process knows them, which Port's search may not show yet."""
        known = self._rooms.get(room.channel_id)
        return known.notes() if known is not None and known.room.identifier == room.identifier else []

    async def last_said(self, room: WarRoom) -> datetime | None:
        """When somebody other than us last said something that stands, as far as the room was read."""
        known = self._rooms.get(room.channel_id)
        return when(known.last_activity(await self._slack.me())) if known else None

    async def _read(self, known: Mirrored) -> None:
        started = time.time()
        known.dirty = False  # what makes it dirty from now on asks for another read
        try:
            # Without the lock: threads are read by fifty a minute, and what is said meanwhile is written.
            messages, oldest = await self._reading.window(known)
        except Refused as refusal:
            if refusal.code not in _GONE:
                known.dirty = True
                raise
            # Thrown out or archived: what was noted stays noted.
            if known.room.state != "archived":
                await self._catalog.patch_room(known.room.identifier, {"mirror": "unreadable"})
            return
        except BaseException:
            known.dirty = True
            raise
        async with known.lock:
            if not known.on:
                return
            known.state.merge_read(messages, oldest, started)
            held = await self._notes.held(known)
            horizon = started - known.state.settle
            known.pending |= {message.ts for message in known.state.messages()} | known.state.deleted()
            # Replies come with their parent: one whose parent is older than the window was not looked for.
            known.pending |= {ts for ts in held if oldest < known.anchor(ts) and float(ts) <= horizon}
            try:
                await self._flush(known)
            except ServiceError:
                known.dirty = True
                raise
            known.failures = 0
            if known.room.mirror != "fresh":
                known.room = known.room.model_copy(update={"mirror": "fresh"})
                await self._catalog.patch_room(known.room.identifier, {"mirror": "fresh"})

    # What follows from the notes

    async def settle(self, room: WarRoom) -> dict[str, int]:
        """Wait for what is under way in this room, and count its notes by kind."""
        known = self._rooms.get(room.channel_id)
        if known is None or not known.on:
            return {}
        async with known.lock:
            try:
                await self._flush(known)
                await self._facts.write(known)
            except ServiceError as problem:
                logger.warning(f"mirror: notes of #{room.channel_name} not written: {problem}")
                self._read_soon(known)
        return notes_by_kind(known)

    def document_soon(self, room: WarRoom) -> None:
        """Something came to a room beside its messages: its documents are written anew where it is closed."""
        if (known := self._rooms.get(room.channel_id)) is not None:
            self._documents.soon(known)

    async def begin_anew(self) -> None:
        """Keep which rooms there are and forget what is in them: another process has written since."""
        await Mirror.stop(self)
        rooms = [known.room for known in self._rooms.values()]
        self._rooms = {room.channel_id: self._unread(room) for room in rooms}
        self._foreign.clear()

    async def stop(self) -> None:
        await self._background.stop()
