"""The room in Port: what is said becomes notes, live from signed events and again from reading the room.

Both go through `RoomState` and `notetaker.derive`, so a read gives what the events gave. Whatever fails
makes the room dirty, and a dirty room is read again as a whole: edits and replies on older messages
have no cursor.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any

from loguru import logger

from integration import plan, situation
from integration.catalog import Catalog
from integration.errors import IncidentCommsError, Refused, ServiceError
from integration.mirrored import Mirrored, people_in, same, since
from integration.model_notes import Verdict
from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.models.slack import Message
from integration.note_tags import NoteTags, own_patterns
from integration.notetaker import Marks
from integration.people import People
from integration.read_back import KEEP_EVERY, WHOLE, Slice, absent, slices
from integration.room_state import RoomState
from integration.services.slack import SlackService
from integration.settings import Settings
from integration.slack_payload import is_ts
from integration.times import when

WINDOW_MESSAGES = 2000  # a read takes this many messages of the channel, newest first, and all their threads
DEBOUNCE_SECONDS = 0.15  # what happens within this time is written in one call
COUNT_SECONDS = 2.0  # the war room's counters follow after this long
TELL_SECONDS = 30.0  # the incident is written at most this often
READ_RETRY_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
UNKNOWN_CHANNEL_SECONDS = 60.0  # how long we remember that a channel is no war room
TOLD_SECONDS = 30.0  # what we were told of a room is newer than what Port's search shows for this long
DOCUMENT_SECONDS = 5.0  # Port's search must show an erasure before the documents are written without it
_GONE = {"not_in_channel", "channel_not_found", "is_archived"}


class Mirror:
    """All rooms that are mirrored by this process."""

    def __init__(
        self,
        catalog: Catalog,
        slack: SlackService,
        people: People,
        settings: Settings,
        document: Callable[[WarRoom], Awaitable[None]] | None = None,
    ) -> None:
        """`document` writes the documents of a closed room anew, once something in them is outdated."""
        self._catalog = catalog
        self._document_room = document
        self._slack = slack
        self._people = people
        self._settings = settings
        self._marks = Marks.from_settings(
            settings.note_reactions, settings.not_a_note_reactions, settings.note_prefixes
        )
        self._own = own_patterns(settings)
        self._tags = NoteTags(catalog, people, settings)
        self._rooms: dict[str, Mirrored] = {}
        self._foreign: dict[str, float] = {}
        self._told: dict[str, float] = {}  # when we were last told of a room, by its identifier
        self._tasks: set[asyncio.Task[Any]] = set()
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
            self._tell_apart(room)
        if room.linked and room.state != "open":
            self.forget(room)
            return
        if known is None:
            known = Mirrored(room, self._state_of(room), done=self._settings.done_reactions)
            self._rooms[room.channel_id] = known
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

    def _tell_apart(self, room: WarRoom) -> None:
        at = time.monotonic()
        self._told = {known: told for known, told in self._told.items() if told > at - TOLD_SECONDS}
        self._told[room.identifier] = at

    def _hidden(self, room: WarRoom) -> bool:
        if room.linked and room.opened_at is None:
            return True  # nobody knows what of it is ours
        return plan.hidden(room.private, self._settings)

    def _state_of(self, room: WarRoom) -> RoomState:
        return RoomState(room.channel_id, settle=2 * self._settings.settle_seconds, since=since(room))

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
        channel = _channel_of(event)
        if not channel:
            return
        known = self._rooms.get(channel)
        if known is None:
            if self._foreign.get(channel, 0.0) < time.monotonic():
                self._foreign[channel] = time.monotonic() + UNKNOWN_CHANNEL_SECONDS
                self._background(self._discover(channel))
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
            known.flushing = self._background(self._flush_soon(known))

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
            if known.on:
                await self._write_notes(known, batch)
        except BaseException:
            known.pending |= batch
            raise
        self._sum_up_soon(known)

    async def _write_notes(self, known: Mirrored, batch: set[str]) -> None:
        bot = await self._slack.me()
        await self._held(known)
        authors = people_in(message for ts in batch if (message := known.state.message(ts)))
        known.take_closers(batch)
        names = await self._people.names(authors | known.settlers(batch))
        known.own, known.tags = self._own, await self._tags.known(authors)
        entities = known.entities(batch, names, bot, self._marks, self._team(known.room))
        if not entities:
            return
        await self._tags.write(entities)
        known.wrote(entities)
        self.consider(known.room, entities)
        if any(entity["properties"].get("deletedAt") for entity in entities):
            self._document_soon(known)

    async def _held(self, known: Mirrored) -> dict[str, Json]:
        if known.held is None:
            return known.hold(await self._catalog.notes(known.room.channel_id))
        return known.held

    async def _hold_late_notes(self, known: Mirrored) -> None:
        """Notes written just before a start, which Port's search did not show at first."""
        async with known.lock:
            known.hold(await self._catalog.notes(known.room.channel_id))

    def _team(self, room: WarRoom) -> str:
        return plan.team_of(room.private, self._settings)

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
            self._sum_up_soon(known)

    # Reading

    def _read_soon(self, known: Mirrored) -> None:
        known.dirty = True
        if known.on and (known.reading is None or known.reading.done()):
            known.reading = self._background(self._read_until_clean(known))

    async def _read_until_clean(self, known: Mirrored) -> None:
        while known.dirty and known.on and self._rooms.get(known.room.channel_id) is known:
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
                    await self._hold_late_notes(known)
                    known.lost = False
                    self._read_back_soon(known)
                    # An erasure may have been written and the process have ended before the documents.
                    self._document_soon(known)
            except ServiceError as problem:
                known.failures += 1
                logger.warning(f"mirror: #{known.room.channel_name} not read: {problem}")

    def _read_back_soon(self, known: Mirrored) -> None:
        if known.behind and (known.reading_back is None or known.reading_back.done()):
            known.reading_back = self._background(self._read_back_patiently(known))

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
        room, held = known.room, await self._held(known)
        done = room.read_back_to == WHOLE
        # Where all was read once, only what was said since the last note before the window may be new.
        noted = max((float(ts) for ts in held if float(ts) < known.behind), default=0.0) if done else 0.0
        begin = room.read_back_to if is_ts(room.read_back_to) else f"{known.behind:.6f}"
        number, until = 0, max(noted, known.state.since)
        async for part in slices(self._slack, room, begin, until, known.state.settle):
            if not known.on or self._rooms.get(room.channel_id) is not known:
                return
            async with known.lock:
                await self._write_slice(known, part)
            number += 1
            if number % KEEP_EVERY == 0 and not done:
                await self._got_back_to(known, f"{part.oldest:.6f}")
        if not done:
            await self._got_back_to(known, WHOLE)
        known.behind = 0.0
        self._sum_up_soon(known)

    async def _write_slice(self, known: Mirrored, part: Slice) -> None:
        bot = await self._slack.me()
        beside = Mirrored(known.room, part.state, held=known.held, done=known.done)
        batch = part.messages | absent(part, known.held or {})
        said = people_in(message for ts in batch if (message := part.state.message(ts)))
        names = await self._people.names(said)
        beside.own, beside.tags = self._own, await self._tags.known(said)
        entities = beside.entities(batch, names, bot, self._marks, self._team(known.room))
        if entities:
            await self._tags.write(entities)
            known.wrote(entities)

    async def _got_back_to(self, known: Mirrored, ts: str) -> None:
        await self._catalog.patch_room(known.room.identifier, {"readBackTo": ts})
        known.room = known.room.model_copy(update={"read_back_to": ts})

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
            messages, oldest = await self._window(known)
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
            held = await self._held(known)
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

    async def _window(self, known: Mirrored) -> tuple[list[Message], float]:
        """(messages of the window with all their threads, the ts after which it is complete)."""
        channel, oldest = known.room.channel_id, known.state.since
        found: dict[str, Message] = {}
        async for page in self._slack.history(channel, oldest=f"{oldest:.6f}" if oldest else None):
            found.update((message.ts, message) for message in page)
            if len(found) >= WINDOW_MESSAGES:
                known.behind = min(float(ts) for ts in found)
                break
        parents = [message.ts for message in found.values() if message.thread_ts == message.ts]
        # Nothing older is shown: it may have been deleted, or Slack's retention took it. So it is not missed.
        oldest = max(oldest, min(map(float, found), default=float("inf")) - 0.000001)
        for replies in await asyncio.gather(*(self._slack.replies(channel, ts) for ts in parents)):
            found.update((message.ts, message) for message in replies)
        return list(found.values()), oldest

    # What the incident shows

    async def settle(self, room: WarRoom) -> dict[str, int]:
        """Wait for what is under way in this room, and count its notes by kind."""
        known = self._rooms.get(room.channel_id)
        if known is None or not known.on:
            return {}
        async with known.lock:
            try:
                await self._flush(known)
                await asyncio.gather(self._count(known), self._tell(known))
            except ServiceError as problem:
                logger.warning(f"mirror: notes of #{room.channel_name} not written: {problem}")
                self._read_soon(known)
        return dict(Counter(str(note.get("kind")) for note in known.standing()))

    def _sum_up_soon(self, known: Mirrored) -> None:
        if known.counting is None or known.counting.done():
            known.counting = self._background(self._after(COUNT_SECONDS, self._count, known))
        if known.telling is None or known.telling.done():
            wait = max(COUNT_SECONDS, known.told_at + TELL_SECONDS - time.monotonic())
            known.telling = self._background(self._after(wait, self._tell, known))

    async def _after(
        self, seconds: float, work: Callable[[Mirrored], Awaitable[None]], known: Mirrored
    ) -> None:
        await asyncio.sleep(seconds)
        try:
            await work(known)
        except ServiceError as problem:
            logger.warning(f"mirror: what #{known.room.channel_name} comes to is not written: {problem}")

    async def _count(self, known: Mirrored) -> None:
        """The chatty facts, on the war room."""
        counts = dict(Counter(str(note.get("kind")) for note in known.standing()))
        stands = known.situation()
        facts: Json = {
            "noteCount": sum(counts.values()),
            "notesByKind": counts,
            "openActionCount": len(stands.actions),
            "openQuestionCount": len(stands.questions),
        }
        if last := known.last_activity(await self._slack.me()):
            facts["lastActivityAt"] = last
        if facts != known.counted:
            await self._catalog.patch_room(known.room.identifier, facts)
            known.counted = facts

    async def _tell(self, known: Mirrored) -> None:
        """Where it stands, on the incident: each write there may set off the customer's automations.

        Never of a room that is for few: whoever sees the incident sees this. Nothing is written that stands
        there already, as after a start.
        """
        async with known.telling_lock:
            facts: Json = {}
            if not known.room.private:
                latest = known.latest()
                facts["latestNote"] = f"**{latest.get('kind')}**: {latest.get('title')}" if latest else ""
                facts |= situation.properties(known.situation())
            last = known.last_activity(await self._slack.me())
            if last:
                facts["lastActivityAt"] = last
            if facts != known.told and (known.told or last):
                if not known.told:
                    shown = (await self._catalog.incident_entity(known.room.incident) or {}).get(
                        "properties"
                    ) or {}
                    known.told = {name: shown.get(name) for name in facts}
                if all(same(known.told.get(name), value) for name, value in facts.items()):
                    known.told = facts
                    return
                known.told_at = time.monotonic()
                await self._catalog.patch_incident(known.room.incident, facts)
                known.told = facts

    # What the documents of a closed room say

    def document_soon(self, room: WarRoom) -> None:
        """Something came to a room beside its messages: its documents are written anew where it is closed."""
        if (known := self._rooms.get(room.channel_id)) is not None:
            self._document_soon(known)

    def _document_soon(self, known: Mirrored) -> None:
        if self._document_room is None or known.room.state != "closed":
            return
        known.outdated = True
        if known.documenting is None or known.documenting.done():
            known.documenting = self._background(self._document(known, self._document_room))

    async def _document(self, known: Mirrored, write: Callable[[WarRoom], Awaitable[None]]) -> None:
        while known.outdated:
            await asyncio.sleep(DOCUMENT_SECONDS)
            known.outdated = False
            try:
                await write(known.room)
            except IncidentCommsError as problem:
                logger.warning(f"mirror: documents of #{known.room.channel_name} not written: {problem}")

    def _background(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None:
            logger.opt(exception=problem).error(
                "mirror: unexpected failure; the next read of the room mends it"
            )

    async def begin_anew(self) -> None:
        """Keep which rooms there are and forget what is in them: another process has written since."""
        await Mirror.stop(self)
        rooms = [known.room for known in self._rooms.values()]
        done = self._settings.done_reactions
        self._rooms = {room.channel_id: Mirrored(room, self._state_of(room), done=done) for room in rooms}
        self._foreign.clear()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _channel_of(event: Json) -> str:
    item = event.get("item")
    found = event.get("channel") or event.get("channel_id")
    if not found and isinstance(item, dict):
        found = item.get("channel")
    return found if isinstance(found, str) else ""
