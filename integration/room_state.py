"""What we know of the messages of one channel, from signed events and from reads of the room.

Both are observations of the same thing, and each has its own weakness:

* **Events** come late, twice and out of order, and some never come. Each fact (text, one person's
  reaction, the pin, existence) is therefore a register of its own that only a *later happening* may
  overwrite: `edited.ts` and then `event_ts` for the text, `event_ts` for the others, both Slack's clock.
  A deletion is final, also when it comes before its message.
* **A read** shows the past, by up to `settle` seconds. So it proves nothing about what happened after
  its *horizon* (`read_started - settle`), and everything about what happened before: facts that were
  told before the horizon give way to it, and messages missing from it are gone.

Where the two clocks differ, or an old event arrives just before a read, one read may decide wrongly;
the next one mends it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from integration.models.base import Json
from integration.models.slack import Message, Reaction
from integration.slack_payload import TOMBSTONE, is_system, is_ts, message_from_event

LONG_AGO = float("-inf")
PREVIOUS = 3  # how many earlier messages of the same conversation a note's meaning may hang on
_WINDOWS = 8  # remembered reads; later ones nearly always contain earlier ones

_Key = tuple[str, str]  # (reaction name, user id); the pin is ("", "")
_PIN: _Key = ("", "")


class _Fact(NamedTuple):
    """A reaction or the pin: is it there, since when (Slack's clock), and when we were told (ours)."""

    present: bool
    stamp: float
    told: float


@dataclass
class _Record:
    """One message. Without `content` we know only of things done to it."""

    content: Message | None = None
    version: tuple[float, float] = (LONG_AGO, LONG_AGO)  # (edited.ts, event_ts) of `content`
    told: float = LONG_AGO
    facts: dict[_Key, _Fact] = field(default_factory=dict)
    horizon: float = LONG_AGO  # of the last read that spoke about this message
    deleted: bool = False
    inferred: bool = False  # deleted because a read did not show it; nobody said so
    place: tuple[str, float] | None = None  # conversation and ts; outlives the content

    def shown(self) -> Message | None:
        """The message as it stands, or None if deleted or not yet known."""
        if self.deleted or self.content is None:
            return None
        people: dict[str, list[str]] = {}
        for (name, user), fact in sorted(self.facts.items()):
            if fact.present and name:
                people.setdefault(name, []).append(user)
        reactions = tuple(Reaction(name=name, users=tuple(users)) for name, users in people.items())
        pin = self.facts.get(_PIN)
        return self.content.model_copy(
            update={"reactions": reactions, "pinned": pin is not None and pin.present}
        )

    def erase(self, inferred: bool) -> None:
        """Forget what was said; that it was said stays."""
        self.content, self.deleted, self.inferred = None, True, inferred
        self.facts.clear()


class RoomState:
    """The messages of one channel.

    `settle` is in seconds: how far a read may lag behind what happened. What was said up to `since`
    (seconds since the epoch, Slack's clock) is none of ours, nor are replies to it.
    Messages come back normalised: people and reactions sorted, and `thread_ts` set on replies only
    (Slack puts it on the parent too, once there is a reply, which events do not tell).
    """

    def __init__(self, channel: str, settle: float = 10.0, since: float = 0.0) -> None:
        self.channel = channel
        self.settle = settle
        self.since = since
        self._records: dict[str, _Record] = {}
        self._order: dict[str, list[tuple[float, str]]] = {}  # conversation -> its messages, deleted too
        self._windows: list[tuple[float, float]] = []  # (oldest, horizon) of reads

    # What stands

    def message(self, ts: str) -> Message | None:
        """The message, or None if it is deleted or unknown."""
        record = self._records.get(ts)
        return record.shown() if record else None

    def is_deleted(self, ts: str) -> bool:
        """Whether the message was there and is gone (or we were told that it is gone)."""
        record = self._records.get(ts)
        return record is not None and record.deleted

    def messages(self) -> list[Message]:
        """All messages that stand, replies included, oldest first."""
        shown = (record.shown() for record in self._records.values())
        return sorted((message for message in shown if message), key=lambda m: (float(m.ts), m.ts))

    def deleted(self) -> set[str]:
        """The ts of the messages that are gone."""
        return {ts for ts, record in self._records.items() if record.deleted}

    def previous(self, ts: str) -> tuple[Message, ...]:
        """Up to PREVIOUS standing messages before `ts` in its channel or thread, oldest first."""
        record = self._records.get(ts)
        if record is None or record.place is None:
            return ()
        order = self._order[record.place[0]]
        found: list[Message] = []
        for index in range(bisect_left(order, (record.place[1], ts)) - 1, -1, -1):
            if earlier := self.message(order[index][1]):
                found.append(earlier)
                if len(found) == PREVIOUS:
                    break
        return tuple(reversed(found))

    def replies(self, ts: str) -> tuple[Message, ...]:
        """The standing messages in the thread of `ts`, oldest first."""
        return tuple(reply for _, one in self._order.get(ts, ()) if (reply := self.message(one)))

    def parent(self, ts: str) -> Message | None:
        """The message that `ts` replies to, if it stands."""
        record = self._records.get(ts)
        return self.message(record.content.thread_ts) if record and record.content else None

    def affected(self, changed: Iterable[str]) -> set[str]:
        """The ts whose notes may differ now that `changed` did: themselves, those after them, replies."""
        found: set[str] = set()
        for ts in changed:
            found.add(ts)
            record = self._records.get(ts)
            if record is None or record.place is None:
                continue
            found.update(reply for _, reply in self._order.get(ts, ()))
            order = self._order[record.place[0]]
            standing = 0
            for _, later in order[bisect_left(order, (record.place[1], ts)) + 1 :]:
                found.add(later)
                standing += not self._records[later].deleted
                if standing == PREVIOUS:
                    break
        return found

    # What is told

    def apply_event(self, event: Json, at: float) -> set[str]:
        """Take in one event, `at` being the time of its arrival (our clock, seconds since the epoch).

        `event` is the inner object of Slack's envelope (`payload["event"]`). Gives the ts of the messages
        that stand differently now; empty for repeated, overtaken, foreign and irrelevant events.
        """
        match event.get("type"):
            case "message":
                return self._message_event(event, at)
            case "reaction_added" | "reaction_removed":
                item = event.get("item")
                name, user = event.get("reaction"), event.get("user")
                if isinstance(item, dict) and isinstance(name, str) and isinstance(user, str) and name:
                    here = item.get("channel") == self.channel
                    present = event["type"] == "reaction_added"
                    return self._fact(item.get("ts") if here else None, (name, user), present, event, at)
            case "pin_added" | "pin_removed":
                item = event.get("item")
                pinned = item.get("message") if isinstance(item, dict) else None
                if isinstance(pinned, dict) and event.get("channel_id") == self.channel:
                    return self._fact(pinned.get("ts"), _PIN, event["type"] == "pin_added", event, at)
        return set()

    def merge_read(self, messages: Iterable[Message], oldest: float, read_started: float) -> set[str]:
        """Take in a complete read of everything after `oldest`, threads of those messages included.

        `oldest` is exclusive, as in Slack's API; 0 for the whole room. `read_started` is our clock before
        the first page was asked for. Never call it with half a read: what is missing counts as deleted.
        Gives the ts of the messages that stand differently now.
        """
        horizon = read_started - self.settle
        changed: set[str] = set()
        present: set[str] = set()
        for message in messages:
            if message.channel != self.channel or is_system(message) or not _inside(message, self.since):
                continue
            present.add(message.ts)
            record = self._records.setdefault(message.ts, _Record())
            before = record.shown(), record.deleted
            if message.subtype == TOMBSTONE:
                self._place(record, message)
                record.erase(inferred=False)
            else:
                self._merge(record, _normal(message), horizon)
            if before != (record.shown(), record.deleted):
                changed.add(message.ts)
        for ts, record in self._records.items():
            if ts in present or record.content is None or record.deleted:
                continue
            gone = max(record.told, record.horizon, float(ts)) <= horizon
            if gone and _inside(record.content, oldest):
                record.erase(inferred=True)
                record.horizon = horizon
                changed.add(ts)
        self._remember_window(oldest, horizon)
        return changed

    # How it is kept

    def _message_event(self, event: Json, at: float) -> set[str]:
        if event.get("channel") != self.channel:
            return set()
        match event.get("subtype"):
            case "message_deleted":
                return self._delete(event.get("deleted_ts"))
            case "message_changed":
                payload = event.get("message")
            case _:
                payload = event
        if not isinstance(payload, dict) or not is_ts(payload.get("ts")):
            return set()
        message = _normal(message_from_event(self.channel, payload))
        if is_system(message) or not _inside(message, self.since):
            return set()
        if message.subtype == TOMBSTONE:
            return self._delete(message.ts)
        return self._content(message, _happened(event, message.ts), at)

    def _content(self, message: Message, happened: float, at: float) -> set[str]:
        record = self._records.get(message.ts)
        if record is None or record.content is None:
            if self._read_without(message, happened):
                return set()
            record = self._records.setdefault(message.ts, _Record())
        if record.deleted and not (record.inferred and happened > record.horizon):
            return set()
        version = (_seconds(message.edited_ts), happened)
        if version <= record.version and record.content is not None:
            return set()
        before = record.shown()
        self._place(record, message)
        record.content, record.version, record.told = message, version, at
        record.deleted = record.inferred = False
        return {message.ts} if record.shown() != before else set()

    def _delete(self, ts: object) -> set[str]:
        if not isinstance(ts, str) or not is_ts(ts):
            return set()
        record = self._records.setdefault(ts, _Record())
        changed = not record.deleted
        record.erase(inferred=False)
        return {ts} if changed else set()

    def _fact(self, ts: object, key: _Key, present: bool, event: Json, at: float) -> set[str]:
        if not isinstance(ts, str) or not is_ts(ts):
            return set()
        record = self._records.setdefault(ts, _Record())
        happened = _happened(event, "")
        known = record.facts.get(key)
        if record.deleted or happened <= (known.stamp if known else record.horizon):
            return set()
        before = record.shown()
        record.facts[key] = _Fact(present, happened, at)
        return {ts} if record.shown() != before else set()

    def _merge(self, record: _Record, message: Message, horizon: float) -> None:
        """What a read says about one message."""
        if record.deleted and not (record.inferred and horizon > record.horizon):
            return
        edited = _seconds(message.edited_ts)
        # A read that began before the last one says nothing new, unless it shows a later edit.
        newer = max(record.told, record.horizon) <= horizon
        if record.content is None or edited > record.version[0] or newer:
            self._place(record, message)
            record.content = message.model_copy(update={"reactions": (), "pinned": False})
            record.version = (edited, max(horizon, _seconds(message.ts)))
        record.deleted = record.inferred = False
        if horizon < record.horizon:
            return
        there = {(reaction.name, user) for reaction in message.reactions for user in reaction.users}
        if message.pinned:
            there.add(_PIN)
        fresh = {key: fact for key, fact in record.facts.items() if max(fact.told, fact.stamp) > horizon}
        record.facts = {key: _Fact(True, horizon, LONG_AGO) for key in there} | fresh
        record.horizon = horizon

    def _place(self, record: _Record, message: Message) -> None:
        if record.place is None:
            record.place = (message.thread_ts, float(message.ts))
            insort(self._order.setdefault(message.thread_ts, []), (float(message.ts), message.ts))

    def _read_without(self, message: Message, happened: float) -> bool:
        """Whether a read covered this message's place and time and did not show it: then it is gone."""
        said = float(message.ts)
        return any(
            max(said, happened) <= horizon and _inside(message, oldest) for oldest, horizon in self._windows
        )

    def _remember_window(self, oldest: float, horizon: float) -> None:
        if any(lo <= oldest and hi >= horizon for lo, hi in self._windows):
            return
        kept = [(lo, hi) for lo, hi in self._windows if not (oldest <= lo and horizon >= hi)]
        self._windows = [*kept, (oldest, horizon)][-_WINDOWS:]


def _normal(message: Message) -> Message:
    return message.model_copy(update={"thread_ts": ""}) if message.thread_ts == message.ts else message


def _inside(message: Message, oldest: float) -> bool:
    """Whether a read of everything after `oldest` shows this message.

    Replies come with their parent, however young they are; a broadcast reply also stands in the channel.
    """
    anchor = message.thread_ts if message.thread_ts and message.subtype != "thread_broadcast" else message.ts
    return float(anchor) > oldest


def _happened(event: Json, fallback: str) -> float:
    """When it happened, Slack's clock."""
    value = event.get("event_ts")
    return _seconds(value if isinstance(value, str) else fallback)


def _seconds(ts: str) -> float:
    return float(ts) if is_ts(ts) else LONG_AGO


def conversations(
    messages: Iterable[Message],
) -> Iterator[tuple[Message, tuple[Message, ...], Message | None]]:
    """Each message of a finished list with the earlier ones of its conversation and its parent.

    For measuring and replaying without a room; the same neighbours as `RoomState` gives.
    """
    ordered = sorted(map(_normal, messages), key=lambda m: (float(m.ts), m.ts))
    by_ts = {message.ts: message for message in ordered}
    earlier: dict[str, list[Message]] = {}
    for message in ordered:
        before = earlier.setdefault(message.thread_ts, [])
        yield message, tuple(before[-PREVIOUS:]), by_ts.get(message.thread_ts)
        before.append(message)
