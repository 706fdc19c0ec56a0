"""One room in Port and what we know of it: which notes stand, and what is to be written about a message."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integration.entities import note_entity, note_id
from integration.models import Bot, Json, Message, WarRoom
from integration.notetaker import Context, Marks, derive
from integration.room_state import RoomState
from integration.slack_payload import is_ts
from integration.times import iso, now, when

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
    counting: asyncio.Task[None] | None = None
    counted: Json = field(default_factory=dict)
    telling: asyncio.Task[None] | None = None
    told: Json = field(default_factory=dict)
    told_at: float = float("-inf")
    documenting: asyncio.Task[None] | None = None
    outdated: bool = False  # the documents of a closed room say what stands no more

    @property
    def on(self) -> bool:
        return self.room.mirror != "off"

    def standing(self) -> list[Json]:
        """The notes that stand, as properties."""
        notes = [*(self.held or {}).values(), *self.written.values()]
        return [note for note in notes if not note.get("deletedAt")]

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

    def entity(self, ts: str, names: dict[str, str], bot: Bot, marks: Marks, team: str) -> Json | None:
        """What is to be written about one message, or None when Port holds it already."""
        message, held = self.state.message(ts), (self.held or {}).get(ts)
        note = None
        if message is not None:
            context = Context(
                previous=self.state.previous(ts),
                parent=self.state.parent(ts),
                ours=frozenset(filter(None, (bot.user_id, bot.bot_id))),
                names=names,
                marks=marks,
                team_url=bot.team_url,
            )
            note = derive(message, context)
        if note is None:
            if held is None or held.get("deletedAt"):
                return None
            return _tombstone(self.room, ts, team)
        author = names.get(note.author, note.author)
        entity = note_entity(note.model_copy(update={"author": author}), self.room, team=team)
        properties = entity["properties"]
        versions = list(held.get("versions") or []) if held and not held.get("deletedAt") else []
        if held and not held.get("deletedAt") and held.get("text") != properties["text"]:
            versions.append({"text": held.get("text"), "kind": held.get("kind"), "replacedAt": iso(now())})
        if held is not None:
            # Unknown here may still stand in Port, whose search lags: then its versions are left alone.
            properties |= {"versions": versions, "deletedAt": None}
        if held is not None and all(_same(held.get(name), value) for name, value in properties.items()):
            return None
        return entity


def since(room: WarRoom) -> float:
    """From when on what is said in the channel belongs to the room, in seconds since the epoch."""
    opened = room.reopened_at or room.opened_at
    return opened.timestamp() if room.linked and opened else 0.0


def people_in(messages: Iterable[Message]) -> set[str]:
    found: set[str] = set()
    for message in messages:
        if message.user:
            found.add(message.user)
        found.update(_MENTION.findall(message.text))
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
            "versions": [],
            "deletedAt": iso(now()),
            "channelId": room.channel_id,
            "ts": ts,
        },
        "relations": {"warRoom": room.identifier, "incident": room.incident},
    }
    if team:
        entity["team"] = [team]
    return entity


def _same(held: Any, value: Any) -> bool:
    """Port leaves empty values out where we write them."""
    return held == value or (held in (None, "", [], {}) and value in (None, "", [], {}))
