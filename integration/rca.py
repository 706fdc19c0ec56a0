"""The review document of an incident in Markdown: facts, notes and the record, each with its source. Pure.

No sentence is made up: what is not known is said to be not known, in one line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from integration import mdtext, timeline
from integration.messages import written_words
from integration.models import Communication, Incident, NoteKind, WarRoom
from integration.timeline import NoteFacts

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
) -> str:
    """The whole document; the same facts in any order give the same text."""
    told = sorted(notes, key=lambda note: (mdtext.utc(note.said_at), note.identifier))
    happened = timeline.events(incident, room, notes, communications)
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
        ("Open actions", _notes(told, "action", "No action was noted.", item="- [ ] ")),
        ("Open questions", _notes(told, "question", "No question was noted.")),
        ("Communications made", _communications(communications, room)),
    ]
    title = f"# {mdtext.inline(mdtext.one_line(name, 300))}"
    return "\n\n".join([title, *(f"## {heading}\n\n{text}" for heading, text in sections)]) + "\n"


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
    if notes:
        counts = Counter(note.kind for note in notes)
        facts.append(("Notes", ", ".join(f"{counts[kind]} {kind}" for kind in sorted(counts))))
    return "\n".join(f"- **{name}:** {value}" for name, value in facts)


def _notes(notes: Sequence[NoteFacts], kind: NoteKind, none: str, item: str = "- ") -> str:
    """One line a note: what, by whom, when; the time leads to where it was said."""
    chosen = [note for note in notes if note.kind == kind]
    if not chosen:
        return none
    lines = mdtext.fitting((item + _line(note) for note in chosen), NOTES_LIMIT, NOTES_BYTES)
    if more := len(chosen) - len(lines):
        lines.append(f"- {more} more among the notes")
    return "\n".join(lines)


def _line(note: NoteFacts) -> str:
    words = note.text if note.text.strip() else note.title
    marks = [mark for mark, true in (("edited", note.edited), ("unsure", not note.sure)) if true]
    said = mdtext.inline(mdtext.one_line(words, WORDS_LIMIT))
    by = mdtext.inline(mdtext.one_line(note.author, 200)) or "unknown"
    at = mdtext.link(note.permalink, mdtext.moment(note.said_at))
    return f"{said} ({', '.join([by, at, *marks])})"


def _communications(communications: Sequence[Communication], room: WarRoom | None) -> str:
    if not communications:
        return "Nothing was communicated."
    ordered = sorted(communications, key=lambda one: (timeline.happened_at(one), one.step.key))
    header = ("When (UTC)", "What", "To whom", "Medium", "State", "By", "Approved by", "Link")
    rows = mdtext.fitting((_sent(one, room) for one in ordered), COMMUNICATIONS_LIMIT, COMMUNICATIONS_BYTES)
    table = mdtext.table(header, rows)
    more = len(ordered) - len(rows)
    return f"{table}\n\n{more} more on the record" if more else table


_MEDIA = {"open_bridge": "zoom", "send_email": "email"} | dict.fromkeys(
    ("publish_incident", "update_incident", "resolve_incident"), "statuspage"
)


def _sent(one: Communication, room: WarRoom | None) -> str:
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
    link = timeline.source(one)
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
