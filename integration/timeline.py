"""What happened in an incident, in the order in which it happened. Pure.

Notes, the room's own life and the record of communications are put into one line of events. Nothing is
invented: an event is a note, a time of the war room or the incident, or an entry of the record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from integration import mdtext
from integration.bridge_events import BRIDGE_EVENT, BridgeEvent
from integration.entities import COMMUNICATION, texts_of
from integration.messages import written_words
from integration.models.base import Json, Value
from integration.models.communication import PUBLIC_OPERATIONS, Communication, Step
from integration.models.incident import Incident, WarRoom
from integration.models.note import NOTE_KINDS
from integration.notetaker import SURE
from integration.times import when

MAX_ENTRIES = 1000
MAX_BYTES = 100_000
WORDS_LIMIT = 280  # characters of one entry
NOTE = "note"  # kind of a note whose own kind is none of ours


PortUrl = Callable[[str, str], str]
"""The page of an entity in Port, by blueprint and identifier."""


def nowhere(blueprint: str, identifier: str) -> str:
    """For who knows no address of Port."""
    return ""


class NoteFacts(Value):
    """A note as Port holds it. `sure`: a person marked it, or its kind was found with confidence."""

    identifier: str
    kind: str  # one of NOTE_KINDS, or NOTE
    title: str = ""
    text: str = ""
    author: str = ""
    said_at: datetime
    permalink: str = ""
    edited: bool = False
    sure: bool = True
    open: bool = True  # of an action or a question: nobody has done or answered it
    owner: str = ""  # of an action: who is to do it
    source: str = "slack"  # slack | port | zoom summary | zoom transcript


class Event(Value):
    """One thing that happened.

    `kind` is incident, room, bridge, status, communication, public or the kind of a note; `text` is plain
    words on one line; `link` is absolute or empty.
    """

    time: datetime
    kind: str
    text: str
    by: str = ""
    link: str = ""


_RANK = {kind: rank for rank, kind in enumerate(("incident", "room", "bridge", "status", "public"))}


def note_facts(entity: Json) -> NoteFacts | None:
    """The note in an `incidentNote` entity. None for a deleted one, for one that says nothing, and for one
    that nobody can place in time."""
    properties = entity.get("properties")
    if not isinstance(properties, dict) or properties.get("deletedAt"):
        return None
    title, text = _text(properties.get("title")), _text(properties.get("text"))
    said_at = when(properties.get("saidAt")) or when(entity.get("createdAt"))
    if said_at is None or not (title.strip() or text.strip()):
        return None
    kind, confidence = properties.get("kind"), properties.get("confidence")
    unsure = isinstance(confidence, (int, float)) and confidence < SURE and properties.get("how") != "mark"
    return NoteFacts(
        identifier=_text(entity.get("identifier")),
        kind=kind if kind in NOTE_KINDS else NOTE,
        title=title,
        text=text,
        author=_text(properties.get("author")),
        said_at=said_at,
        permalink=_text(properties.get("permalink")),
        edited=properties.get("edited") is True,
        sure=not unsure,
        open=properties.get("state") not in ("done", "answered"),
        owner=", ".join(texts_of(properties.get("assignees"))),
        source=_text(properties.get("source")) or "slack",
    )


def events(
    incident: Incident,
    room: WarRoom | None,
    notes: Sequence[NoteFacts],
    communications: Sequence[Communication],
    calls: Sequence[BridgeEvent] = (),
    port_url: PortUrl = nowhere,
) -> list[Event]:
    """All that is known, oldest first; the same input in any order gives the same list. `calls` is what
    happened in the room's calls; `port_url` gives the page of an entity, for what has no source outside Port.

    Messages that one run sent to many destinations are one event, and so are the notices of one change of
    status. Meeting links stay out: they let their reader in.
    """
    found = [*_of_incident(incident), *(_of_room(room) if room else ()), *(_of_note(note) for note in notes)]
    opened = room is not None and room.opened_at is not None
    told = [one for one in communications if not (opened and _is_opened_room(one, room))]
    found += [_of_group(group, room, port_url) for group in _groups(told)]
    found += [_of_call(one, port_url) for one in calls]
    return sorted(found, key=_order)


def markdown(found: Sequence[Event], entries: int = MAX_ENTRIES, size: int = MAX_BYTES) -> str:
    """A table for Port's markdown tab, at most `entries` rows and about `size` bytes.

    Where that is too little the newest stand, and a line says how many were left out.
    """
    if not found:
        return "Nothing has happened yet."
    rows = mdtext.fitting((_row(event) for event in reversed(found)), entries, size)
    table = mdtext.table(("Time (UTC)", "What", "", "By"), reversed(rows))
    out = len(found) - len(rows)
    if not out:
        return table
    entries_were = "entry is" if out == 1 else "entries are"
    return f"{out} earlier {entries_were} left out here; notes and communications hold them all.\n\n{table}"


def words_of(note: NoteFacts) -> str:
    """What a note says, without the prefix that names its kind."""
    words = note.text if note.text.strip() else note.title
    head, colon, rest = words.partition(":")
    return rest.lstrip() if colon and rest.strip() and head.strip(" *_`").lower() == note.kind else words


def happened_at(communication: Communication) -> datetime:
    """The provider's time of it; when it was intended, where there is none."""
    receipt = communication.receipt
    return mdtext.utc(receipt.at if receipt and receipt.at else communication.intended_at)


def named(step: Step) -> str:
    """What a communication is about: `Status notice`."""
    name = step.purpose or step.operation.replace("_", " ")
    return name[:1].upper() + name[1:]


def destination(step: Step, room: WarRoom | None) -> str:
    """Where it went, by a name where we know one."""
    if room is not None and step.destination == room.channel_id and room.channel_name:
        return f"#{room.channel_name}"
    return step.destination


def source(communication: Communication) -> str:
    """The link to what was sent; none for a meeting."""
    receipt = communication.receipt
    return receipt.permalink if receipt and communication.step.operation != "open_bridge" else ""


def _row(event: Event) -> str:
    cells = (event.kind, event.text, event.by)
    shown = [mdtext.inline(mdtext.one_line(cell, WORDS_LIMIT)) for cell in cells]
    return mdtext.row([mdtext.link(event.link, mdtext.moment(event.time)), *shown])


def _order(event: Event) -> tuple[Any, ...]:
    rank = _RANK.get(event.kind, len(_RANK))
    return (mdtext.utc(event.time), rank, event.kind, event.text, event.by, event.link)


def _of_incident(incident: Incident) -> Iterable[Event]:
    if incident.started_at:
        yield Event(time=mdtext.utc(incident.started_at), kind="incident", text="Started", link=incident.url)


def _of_room(room: WarRoom) -> Iterable[Event]:
    name = mdtext.one_line(f"#{room.channel_name}" if room.channel_name else room.channel_id, 100)
    if room.opened_at:
        how = "linked" if room.linked else "opened"
        text = f"War room {how}: {name}"
        yield Event(time=mdtext.utc(room.opened_at), kind="room", text=text, link=room.channel_url)
    if room.closed_at and room.state != "open":
        yield Event(
            time=mdtext.utc(room.closed_at), kind="room", text="War room closed", link=room.channel_url
        )
    if room.archived_at and room.state == "archived":
        text = f"Channel archived: {name}"
        yield Event(time=mdtext.utc(room.archived_at), kind="room", text=text, link=room.channel_url)


def _of_note(note: NoteFacts) -> Event:
    return Event(
        time=mdtext.utc(note.said_at),
        kind=note.kind,
        text=mdtext.one_line(words_of(note), WORDS_LIMIT),
        by=note.author,
        link=note.permalink,
    )


_CALL = {
    "started": "The call began",
    "ended": "The call ended",
    "summary": "Zoom's summary of the call",
    "transcript": "Transcript of the call",
}


def _of_call(one: BridgeEvent, port_url: PortUrl) -> Event:
    who = one.person or "Somebody"
    said = f"{who} joined the call" if one.event == "joined" else _CALL[one.event]
    text = mdtext.one_line(f"{said}: {one.detail}" if one.detail else said, WORDS_LIMIT)
    return Event(
        time=mdtext.utc(one.at),
        kind="bridge",
        text=text,
        link=one.link or port_url(BRIDGE_EVENT, one.identifier),
    )


def _is_opened_room(one: Communication, room: WarRoom | None) -> bool:
    """Whether this is the very channel that `room` tells of already."""
    data = one.receipt.data if one.receipt else {}
    return (
        one.step.operation == "open_channel"
        and one.state == "sent"
        and room is not None
        and data.get("channel") == room.channel_id
    )


def _groups(communications: Sequence[Communication]) -> list[list[Communication]]:
    groups: dict[tuple[str, ...], list[Communication]] = {}
    for one in sorted(communications, key=lambda one: (happened_at(one), one.step.key)):
        step = one.step
        key: tuple[str, ...] = (step.key,)
        if step.run and step.purpose == "status notice":
            key = ("", step.run, step.purpose)
        elif step.run and step.operation in ("post_message", "send_email"):
            key = ("", step.run, step.purpose, step.operation, step.audience)
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _of_group(group: Sequence[Communication], room: WarRoom | None, port_url: PortUrl) -> Event:
    first = group[0]
    step = first.step
    # Of one change of status the notice says it shortest.
    words = min((written_words(one.step) for one in group), key=lambda said: (not said, len(said), said))
    if step.purpose != "status notice":
        words = written_words(step)
    by = ", ".join(filter(None, (step.requested_by, step.approved_by and f"approved by {step.approved_by}")))
    said = f"{named(step)}{_to(group, room)}{_state(group)}" + (f": {words}" if words else "")
    return Event(
        time=happened_at(first),
        kind=_kind(step),
        text=mdtext.one_line(said, WORDS_LIMIT),
        by=by,
        link=next((link for one in group if (link := source(one))), "") or port_url(COMMUNICATION, step.key),
    )


def _kind(step: Step) -> str:
    if step.purpose == "status notice":
        return "status"
    kinds: dict[str, str] = {"open_channel": "room", "open_bridge": "bridge"}
    kinds |= dict.fromkeys(PUBLIC_OPERATIONS, "public")
    return kinds.get(step.operation, "communication")


def _to(group: Sequence[Communication], room: WarRoom | None) -> str:
    """` to Support (C1, C2)`; of many addresses only how many."""
    places = list(dict.fromkeys(place for one in group if (place := destination(one.step, room))))
    audiences = list(dict.fromkeys(one.step.audience for one in group if one.step.audience))
    where = ", ".join(places) if len(places) <= 3 else f"{len(places)} destinations"
    if not audiences:
        return f" to {where}" if where else ""
    return f" to {', '.join(audiences[:5])}" + (f" ({where})" if where else "")


def _state(group: Sequence[Communication]) -> str:
    """Nothing when all of it was sent; else what became of it, with the reasons."""
    states = Counter(one.state for one in group)
    if set(states) == {"sent"}:
        return ""
    reasons = list(dict.fromkeys(one.reason for one in group if one.reason and one.state != "sent"))
    told = ", ".join(f"{n} {state}" if len(group) > 1 else state for state, n in sorted(states.items()))
    return f" [{told}{': ' + '; '.join(reasons[:3]) if reasons else ''}]"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
