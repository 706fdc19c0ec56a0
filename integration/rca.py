"""The review document of an incident in Markdown: facts, notes and the record, each with its source. Pure.

No sentence is made up: what is not known is said to be not known, in one line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from integration import mdtext, timeline
from integration.bridge_events import BridgeEvent
from integration.entities import COMMUNICATION
from integration.messages import written_words
from integration.models.communication import PUBLIC_OPERATIONS, Communication
from integration.models.incident import Incident, WarRoom
from integration.models.note import NoteKind
from integration.situation import line, situation
from integration.timeline import NoteFacts, PortUrl

# Port takes at most 1 MiB a write, and nobody reads that much: each part says how much more there is.
NOTES_LIMIT, NOTES_BYTES = 100, 40_000  # of one kind
COMMUNICATIONS_LIMIT, COMMUNICATIONS_BYTES = 300, 100_000
TIMELINE_LIMIT, TIMELINE_BYTES = 60, 40_000
WORDS_LIMIT = 600  # characters of one note
_SHORT = frozenset({"incident", "room", "status", "public", "impact", "finding", "workaround", "decision"})


def document(
    incident: Incident,
    room: WarRoom | None,
    notes: Sequence[NoteFacts],
    communications: Sequence[Communication],
    calls: Sequence[BridgeEvent] = (),
    port_url: PortUrl = timeline.nowhere,
) -> str:
    """The whole document; the same facts in any order give the same text.

    `calls` is what happened in the room's calls, `port_url` the page of an entity in Port: each line leads to
    its source, and what has none outside leads there.
    """
    told = sorted(notes, key=lambda note: (mdtext.utc(note.said_at), note.identifier))
    happened = timeline.events(incident, room, notes, communications, calls, port_url)
    opened, settled = ([note for note in told if note.open is is_open] for is_open in (True, False))
    short = [event for event in happened if event.kind in _SHORT]
    name = f"{incident.identifier}: {incident.title}" if incident.title else incident.identifier
    sections = [
        ("Summary", _summary(incident, room, told)),
        ("Impact", _notes(told, "impact", "No impact was noted.")),
        (
            "Timeline",
            timeline.markdown(short, TIMELINE_LIMIT, TIMELINE_BYTES) if short else "Nothing was noted.",
        ),
        ("Contributing findings", _notes(told, "finding", "No finding was noted.")),
        ("What helped", _notes(told, "workaround", "No workaround was noted.")),
        ("Decisions", _notes(told, "decision", "No decision was noted.")),
        ("Open actions", _notes(opened, "action", "No action is open.", item="- [ ] ")),
        ("Actions done", _notes(settled, "action", "No action was noted as done.", item="- [x] ")),
        ("Open questions", _notes(opened, "question", "No question is open.")),
        ("Communications made", _communications(communications, room, port_url)),
    ]
    title = f"# {mdtext.inline(mdtext.one_line(name, 300))}"
    return "\n\n".join([title, *(f"## {heading}\n\n{text}" for heading, text in sections)]) + "\n"


def postmortem(
    incident: Incident,
    room: WarRoom | None,
    notes: Sequence[NoteFacts],
    communications: Sequence[Communication],
) -> str:
    """A draft for the status page, from what is sure: no names, no links, no severity; it says what is still
    to be written. Whoever publishes it puts it through the guards and changes what customers should not read.
    """
    told = sorted((note for note in notes if note.sure), key=lambda note: (note.said_at, note.identifier))
    closed_at = room.closed_at if room is not None and room.state != "open" else None
    lasted = _duration(incident.started_at, closed_at)
    began = f"It began at {_moment(incident.started_at)}" if incident.started_at else ""
    what = [f"{began} and lasted {lasted}." if began and closed_at else f"{began}." if began else ""]
    said = [
        f"- {mdtext.moment(timeline.happened_at(one))} UTC: "
        + mdtext.inline(mdtext.one_line(written_words(one.step), WORDS_LIMIT))
        for one in sorted(communications, key=timeline.happened_at)
        if one.step.operation in PUBLIC_OPERATIONS and one.state == "sent" and written_words(one.step)
    ]
    sections = [
        ("What happened", "\n\n".join([*filter(None, what), _plain(told, "finding")])),
        ("Impact", _plain(told, "impact")),
        ("What helped", _plain(told, "workaround")),
        ("What we do next", _plain(told, "action")),
    ]
    if said:
        sections.insert(2, ("What we said", "\n".join(said)))
    return "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections) + "\n"


def _plain(notes: Sequence[NoteFacts], kind: NoteKind) -> str:
    """What notes of one kind say, without who said it and where."""
    chosen = [note for note in notes if note.kind == kind and note.open]
    lines = ["- " + mdtext.inline(mdtext.one_line(timeline.words_of(note), 300)) for note in chosen]
    return "\n".join(mdtext.fitting(lines, 20, 8_000)) or "(to be written)"


def _summary(incident: Incident, room: WarRoom | None, notes: Sequence[NoteFacts]) -> str:
    def fact(value: str) -> str:
        return mdtext.inline(mdtext.one_line(value, 1000)) if value.strip() else "not known"

    closed_at = room.closed_at if room is not None and room.state != "open" else None
    facts = [
        ("Incident", mdtext.link(incident.url, incident.identifier)),
        ("Title", fact(incident.title)),
        ("Severity", fact(incident.severity)),
        ("Status", fact(incident.status)),
        ("Started", _moment(incident.started_at)),
        ("War room opened", _moment(room.opened_at) if room else "no war room"),
        ("War room closed", _moment(closed_at, "not yet") if room else "no war room"),
        ("Duration, start to closing", _duration(incident.started_at, closed_at)),
        ("Services", fact(", ".join(incident.services))),
    ]
    if room is not None:
        name = f"#{room.channel_name}" if room.channel_name else room.channel_id
        facts.append(("Channel", mdtext.link(room.channel_url, name)))
    stands = situation(notes)
    known = (
        ("Impact", stands.impact),
        ("Last finding", stands.finding),
        ("What helped last", stands.workaround),
        ("Last update", stands.update),
    )
    facts += [(name, line(note)) for name, note in known if note is not None]
    if notes:
        counts = Counter(note.kind for note in notes)
        facts.append(("Notes", ", ".join(f"{counts[kind]} {kind}" for kind in sorted(counts))))
    return "\n".join(f"- **{name}:** {value}" for name, value in facts)


def _notes(notes: Sequence[NoteFacts], kind: NoteKind, none: str, item: str = "- ") -> str:
    """One line a note: what, by whom, when; the time leads to where it was said."""
    chosen = [note for note in notes if note.kind == kind]
    if not chosen:
        return none
    shown = (item + line(note, owners=kind == "action", limit=WORDS_LIMIT) for note in chosen)
    lines = mdtext.fitting(shown, NOTES_LIMIT, NOTES_BYTES)
    if more := len(chosen) - len(lines):
        lines.append(f"- {more} more among the notes")
    return "\n".join(lines)


def _communications(communications: Sequence[Communication], room: WarRoom | None, port_url: PortUrl) -> str:
    if not communications:
        return "Nothing was communicated."
    ordered = sorted(communications, key=lambda one: (timeline.happened_at(one), one.step.key))
    header = ("When (UTC)", "What", "To whom", "Medium", "State", "By", "Approved by", "Link")
    made = (_sent(one, room, port_url) for one in ordered)
    rows = mdtext.fitting(made, COMMUNICATIONS_LIMIT, COMMUNICATIONS_BYTES)
    table = mdtext.table(header, rows)
    more = len(ordered) - len(rows)
    return f"{table}\n\n{more} more on the record" if more else table


_MEDIA = {"open_bridge": "zoom", "send_email": "email"} | dict.fromkeys(PUBLIC_OPERATIONS, "statuspage")


def _sent(one: Communication, room: WarRoom | None, port_url: PortUrl) -> str:
    step = one.step
    words = mdtext.one_line(written_words(step), 160)
    audience = f"{step.audience}: " if step.audience else ""
    cells = [
        f"{timeline.named(step)}{': ' if words else ''}{words}",
        audience + timeline.destination(step, room),
        _MEDIA.get(step.operation, "slack"),
        f"{one.state}: {one.reason}" if one.reason and one.state != "sent" else one.state,
        step.requested_by,
        step.approved_by,
    ]
    at = mdtext.moment(timeline.happened_at(one))
    link = timeline.source(one) or port_url(COMMUNICATION, step.key)
    shown = [mdtext.inline(mdtext.one_line(cell, 400)) for cell in cells]
    return mdtext.row([at, *shown, mdtext.link(link, "open") if link else ""])


def _moment(at: datetime | None, missing: str = "not known") -> str:
    return f"{mdtext.moment(at)} UTC" if at else missing


def _duration(start: datetime | None, end: datetime | None) -> str:
    """In days, hours and minutes, rounded down; not known while one end is missing."""
    if start is None or end is None or mdtext.utc(end) < mdtext.utc(start):
        return "not known"
    minutes = (mdtext.utc(end) - mdtext.utc(start)) // timedelta(minutes=1)
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (left, "min")) if n]
    return " ".join(parts) or "under 1 min"
