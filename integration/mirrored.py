"""One room in Port and what we know of it: which notes stand, and what is to be written about a message."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from integration.assigned import assignees
from integration.entities import note_entity, note_id
from integration.model_notes import Verdict
from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.models.note import DONE_REACTIONS, NOTE_KINDS, Note
from integration.models.slack import Bot, Message
from integration.note_tags import NO_TAGS, UNTAGGED, Known, tag
from integration.notetaker import Context, Marks, derive
from integration.room_state import RoomState
from integration.settled import (
    OPEN,
    SETTLED,
    Closer,
    Settled,
    chosen,
    closer,
    is_done,
    meant,
    settled,
)
from integration.situation import Situation, situation
from integration.slack_payload import is_ts
from integration.timeline import note_facts
from integration.times import iso, now, when

MOST_VERSIONS = 20  # earlier versions of one note
MOST_MENTIONS = 20  # people of one message whose names are looked up
_MENTION = re.compile(r"<@([A-Z0-9]+)")


@dataclass
class Mirrored:
    """One room and what we know of it."""

    room: WarRoom
    state: RoomState
    held: dict[str, Json] | None = None  # note properties by ts as Port holds them; None: not read yet
    written: dict[str, Json] = field(default_factory=dict)  # notes made by a button, by identifier
    pending: set[str] = field(default_factory=set)
    dirty: bool = False
    lost: bool = True  # events may have passed us by, as while no process was running
    failures: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    flushing: asyncio.Task[None] | None = None
    reading: asyncio.Task[None] | None = None
    reading_back: asyncio.Task[None] | None = None
    behind: float = 0.0  # what was said up to this ts is beyond the window of the last read
    counting: asyncio.Task[None] | None = None
    counted: Json = field(default_factory=dict)
    telling: asyncio.Task[None] | None = None
    told: Json = field(default_factory=dict)
    told_at: float = float("-inf")
    telling_lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # the later word is the newer one
    documenting: asyncio.Task[None] | None = None
    outdated: bool = False  # the documents of a closed room say what stands no more
    closers: dict[str, Closer] = field(default_factory=dict)  # messages that say what is done, by ts
    done: Collection[str] = DONE_REACTIONS  # reactions that say so
    own: Context = field(default_factory=Context)  # the customer's own patterns
    tags: Known = NO_TAGS  # what the catalogue knows of what is named here
    verdicts: dict[str, Verdict] = field(default_factory=dict)  # what the model has just said, by ts

    @property
    def on(self) -> bool:
        return self.room.mirror != "off"

    def standing(self) -> list[Json]:
        """The notes that stand, as properties."""
        notes = [*(self.held or {}).values(), *self.written.values()]
        return [note for note in notes if not note.get("deletedAt")]

    def notes(self) -> list[Json]:
        """The notes as entities, tombstones too."""
        channel = self.room.channel_id
        held = {note_id(channel, ts): note for ts, note in (self.held or {}).items()}
        return [{"identifier": one, "properties": note} for one, note in {**held, **self.written}.items()]

    def situation(self) -> Situation:
        """Where the incident stands, by the notes of this room."""
        return situation(facts for note in self.notes() if (facts := note_facts(note)) is not None)

    def latest(self) -> Json | None:
        """The note that was said last; one written by hand that does not tell when comes first."""
        long_ago = datetime.min.replace(tzinfo=UTC)
        return max(self.standing(), key=lambda note: when(note.get("saidAt")) or long_ago, default=None)

    def last_activity(self, bot: Bot) -> str:
        """When somebody other than us last said something that stands; empty when nobody has."""
        ours = {bot.user_id, bot.bot_id} - {""}
        stamps = [
            float(message.ts)
            for message in self.state.messages()
            if not {message.user, message.bot_id} & ours
        ]
        return iso(datetime.fromtimestamp(max(stamps), UTC)) if stamps else ""

    def anchor(self, ts: str) -> float:
        """Where reading finds the message of a note: a reply with its parent."""
        thread = (self.held or {}).get(ts, {}).get("thread")
        return float(thread if is_ts(thread) else ts)

    def hold(self, notes: Iterable[Json]) -> dict[str, Json]:
        """Take in notes as Port shows them, beneath what we know better. Those that are not named after a
        message were written by a button or by hand: no reading of the room touches them."""
        channel = self.room.channel_id
        said: dict[str, Json] = {}
        for note in notes:
            properties: Json = note.get("properties") or {}
            identifier, ts = str(note.get("identifier")), properties.get("ts")
            if (note.get("relations") or {}).get("warRoom") not in (None, "", self.room.identifier):
                continue  # another incident's, of the time when this channel was its room
            if is_ts(ts) and identifier == note_id(channel, ts):
                said[ts] = properties
            else:
                self.written.setdefault(identifier, properties)
        self.held = said | (self.held or {})
        return self.held

    def settling(self, changed: Iterable[str]) -> set[str]:
        """The ts of notes that changed messages may settle, or open again."""
        found: set[str] = set()
        held = self.held or {}
        for ts in changed:
            message = self.state.message(ts)
            if message is not None and message.thread_ts and self.state.message(message.thread_ts):
                found.add(message.thread_ts)
            found |= {one for one, note in held.items() if note.get("settledTs") == ts}
            now_said = closer(message) if message is not None else None
            if self.closers.get(ts) != now_said:
                found |= {one for one, note in held.items() if note.get("kind") in SETTLED}
        return {ts for ts in found if self.state.message(ts)}

    def settlers(self, batch: Iterable[str]) -> set[str]:
        """Who may have settled what is in a batch: their names are wanted."""
        found = {one.by for one in self.closers.values()}
        for ts in batch:
            found |= {reply.user for reply in self.state.replies(ts) if reply.user}
            if message := self.state.message(ts):
                reactions = (one for one in message.reactions if is_done(one.name, self.done))
                found.update(user for reaction in reactions for user in reaction.users)
        return found

    def take_closers(self, batch: Iterable[str]) -> None:
        """Take note of what the messages of a batch settle by name, before their entities are made."""
        for ts in batch:
            message = self.state.message(ts)
            said = closer(message) if message is not None else None
            if said is not None:
                self.closers[ts] = said
            else:
                self.closers.pop(ts, None)

    def entities(
        self, batch: Iterable[str], names: dict[str, str], bot: Bot, marks: Marks, team: str
    ) -> list[Json]:
        """What is to be written about a batch of messages, and about notes that they settle by name."""
        found = {ts: self.entity(ts, names, bot, marks, team) for ts in sorted(batch, key=float)}
        if self.closers:
            fresh = {ts: one["properties"] for ts, one in found.items() if one is not None}
            named = self._named(fresh)
            for ts in sorted(set(named) & (set(found) | set(self.held or {})), key=float):
                found[ts] = self.entity(ts, names, bot, marks, team, named[ts])
            found |= {one["identifier"]: one for one in self._written_entities(named, names)}
        else:
            found |= {one["identifier"]: one for one in self._written_entities({}, names)}
        return [one for one in found.values() if one is not None]

    def wrote(self, entities: Iterable[Json]) -> None:
        """Port holds these now."""
        for entity in entities:
            identifier, properties = entity["identifier"], entity["properties"]
            if identifier in self.written:
                self.written[identifier] = self.written[identifier] | properties
            elif self.held is not None:
                self.held[properties["ts"]] = properties

    def _named(self, fresh: Mapping[str, Json]) -> dict[str, Closer]:
        """Which note each closer settles, by ts or, of notes by a button, by identifier."""
        notes: dict[str, Json] = {**(self.held or {}), **fresh, **self.written}
        return chosen(
            self.closers.values(),
            {
                key: (str(note.get("kind")), meant(str(note.get("text") or "")))
                for key, note in notes.items()
                if note.get("kind") in SETTLED and not note.get("deletedAt")
            },
        )

    def _written_entities(self, named: Mapping[str, Closer], names: Mapping[str, str]) -> list[Json]:
        """The notes made by a button that something settles by name, or that are open again."""
        found = []
        for identifier, note in self.written.items():
            kind, by_name = note.get("kind"), named.get(identifier)
            if kind not in SETTLED or note.get("deletedAt"):
                continue
            if by_name is not None:
                became = Settled(state=SETTLED[kind], by=(by_name.by,), ts=by_name.ts)
            elif self.state.is_deleted(str(note.get("settledTs"))):
                became = Settled()
            else:
                continue
            facts = _settled_facts(became, names)
            if any(not same(note.get(name), value) for name, value in facts.items()):
                found.append({"identifier": identifier, "properties": facts})
        return found

    def _by_model(self, note: Note, held: Json | None) -> Note:
        """The note with the model's word on it, where the rules decided and its text is the one it judged."""
        if note.how != "rules":
            return note
        verdict = self.verdicts.get(note.ts)
        if verdict is None and held is not None and held.get("how") == "model":
            known = {name: held.get(name) for name in ("text", "kind", "title", "confidence")}
            verdict = Verdict(**known) if known["kind"] in NOTE_KINDS else None
        if verdict is None or verdict.text != note.text:
            return note
        title, confidence = verdict.title or note.title, verdict.confidence
        changes = {"kind": verdict.kind, "title": title, "confidence": confidence, "how": "model"}
        return note.model_copy(update=changes)

    def entity(
        self,
        ts: str,
        names: dict[str, str],
        bot: Bot,
        marks: Marks,
        team: str,
        by_name: Closer | None = None,
    ) -> Json | None:
        """What is to be written about one message, or None when Port holds it already. `by_name` is who
        said elsewhere in the room that it is done."""
        message, held = self.state.message(ts), (self.held or {}).get(ts)
        note = None
        if message is not None:
            context = replace(
                self.own,
                previous=self.state.previous(ts),
                parent=self.state.parent(ts),
                ours=frozenset(filter(None, (bot.user_id, bot.bot_id))),
                names=names,
                marks=marks,
                team_url=bot.team_url,
                services=self.tags.services,
            )
            note = derive(message, context)
        if note is not None:
            note = self._by_model(note, held)
        if note is None:
            if held is None or held.get("deletedAt"):
                return None
            return _tombstone(self.room, ts, team)
        author = names.get(note.author, note.author)
        entity = note_entity(note.model_copy(update={"author": author}), self.room, team=team)
        properties = entity["properties"]
        ours = frozenset(filter(None, (bot.user_id, bot.bot_id)))
        became = None
        if message is not None:
            became = settled(note.kind, message, self.state.replies(ts), by_name, done=self.done, ours=ours)
        properties |= _settled_facts(became, names)
        properties["assignees"] = (
            assignees(message, names, ours) if message is not None and note.kind == "action" else None
        )
        properties["source"] = "slack"
        if message is not None:
            tag(entity, note.services, message, self.tags, names, ours)
        versions = list(held.get("versions") or []) if held and not held.get("deletedAt") else []
        if held and not held.get("deletedAt") and held.get("text") != properties["text"]:
            versions.append({"text": held.get("text"), "kind": held.get("kind"), "replacedAt": iso(now())})
        if held is not None:
            # Unknown here may still stand in Port, whose search lags: then its versions are left alone.
            properties |= {"versions": versions[-MOST_VERSIONS:], "deletedAt": None}
        if held is not None and all(same(held.get(name), value) for name, value in properties.items()):
            return None
        return entity


def _settled_facts(became: Settled | None, names: Mapping[str, str]) -> Json:
    """As properties of a note; all of them empty for a kind that nothing comes of."""
    if became is None:
        return {"state": None, "settledBy": None, "settledTs": None}
    by = ", ".join(names.get(user, user) for user in became.by)
    open_ = became.state == OPEN
    return {"state": became.state, "settledBy": None if open_ else by, "settledTs": became.ts or None}


def since(room: WarRoom) -> float:
    """From when on what is said in the channel belongs to the room, in seconds since the epoch."""
    opened = room.reopened_at or room.opened_at
    return opened.timestamp() if room.linked and opened else 0.0


def people_in(messages: Iterable[Message]) -> set[str]:
    found: set[str] = set()
    for message in messages:
        if message.user:
            found.add(message.user)
        found.update(islice(dict.fromkeys(_MENTION.findall(message.text)), MOST_MENTIONS))
    return found


def _tombstone(room: WarRoom, ts: str, team: str) -> Json:
    """Erased in Slack, or a note no more: what was said, by whom and the way to it go, earlier versions
    too; id and time stay."""
    entity: Json = {
        "identifier": note_id(room.channel_id, ts),
        "title": "Deleted",
        "properties": {
            "title": "Deleted",
            "text": "",
            "author": None,
            "permalink": None,
            "links": [],
            "services": [],
            "people": [],
            "versions": [],
            **_settled_facts(None, {}),
            "assignees": None,
            "deletedAt": iso(now()),
            "channelId": room.channel_id,
            "ts": ts,
        },
        "relations": {"warRoom": room.identifier, "incident": room.incident, **UNTAGGED},
    }
    if team:
        entity["team"] = [team]
    return entity


def same(held: Any, value: Any) -> bool:
    """Port leaves empty values out where we write them."""
    return held == value or (held in (None, "", [], {}) and value in (None, "", [], {}))
