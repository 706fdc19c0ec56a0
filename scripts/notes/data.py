"""Labelled lines: real ones of a folder, and the made-up conversations beside this file.

A folder holds any number of `*.jsonl` files with labelled lines, one object a line: `text` and `kind` (a
kind of note or "noise") and, where known, `id`, `incident`, `company`, `ts` (RFC 3339), `author`, `also`
(other kinds that hold too), `services`, `links` (objects with `url` and `type`), `thread` (`id` of the
line that it answers). Lines of an incident stand in the order in which they were said. Objects without
`kind` are no labels; `timelines*.jsonl` are such, and further lines of theirs are judged in `judged.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from integration.models.note import NOTE_KINDS
from integration.models.slack import Message
from integration.notetaker import Context
from integration.notetaker.rules import Evidence, evidence
from integration.notetaker.text import clean, readable
from integration.room_state import conversations

Line = dict[str, Any]
KINDS = (*NOTE_KINDS, "noise")
_HERE = Path(__file__).parent


def shared() -> Path:
    """The folder that is measured by default, beside the repository."""
    return _HERE.parents[1].parent / "shared" / "realdata"


def labelled(where: Path) -> list[Line]:
    """The labelled lines of a folder or of one file. ValueError names a line that is no such line."""
    files = [where] if where.is_file() else sorted(where.glob("*.jsonl"))
    named = [file for file in files if file.name.startswith("labels")]
    return [line for file in named or files for line in _lines(file) if "kind" in line]


def judged(where: Path) -> list[Line]:
    """Further lines of the folder's `timelines*.jsonl`, with the kinds that `judged.json` gives them."""
    verdicts: dict[str, str] = json.loads((_HERE / "judged.json").read_text(encoding="utf-8"))
    found = []
    for file in sorted(where.glob("timelines*.jsonl")) if where.is_dir() else ():
        for line in _lines(file):
            if verdict := verdicts.get(_digest(f"{line.get('id')}\n{line.get('text')}")):
                kind, *also = verdict.split("/")
                found.append({**line, "kind": kind, "also": also})
    return found


def made_up() -> list[Line]:
    """The lines of `conversations.txt`."""
    found: list[Line] = []
    incident, pause, at = "", 0, datetime(2024, 1, 1, tzinfo=UTC)
    for row in (_HERE / "conversations.txt").read_text(encoding="utf-8").splitlines():
        if row.startswith("## "):
            incident, _, seconds = row[3:].rpartition(" | ")
            pause, at = int(seconds), at + timedelta(days=1)
        elif row and not row.startswith("#"):
            verdict, author, text = row.split(" | ", 2)
            kind, *also = verdict.split("/")
            at += timedelta(seconds=pause)
            found.append(
                {
                    "incident": f"made up: {incident}",
                    "ts": at.isoformat(),
                    "author": author,
                    "text": text,
                    "kind": kind,
                    "also": also,
                }
            )
    return found


def by_incident(lines: list[Line]) -> dict[str, list[Line]]:
    """The lines of each incident, in their order."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(str(line.get("incident") or ""), []).append(line)
    return found


def messages(lines: list[Line]) -> list[Message]:
    """The Slack messages that the lines of one incident would have been."""
    places = {str(line["id"]): number for number, line in enumerate(lines) if line.get("id")}
    made: list[Message] = []
    said = 0.0
    for number, line in enumerate(lines):
        parent = places.get(str(line.get("thread") or ""), number)
        # Slack's ids grow: a line that was written down later than the next keeps its place.
        said = max(said, _seconds(line.get("ts"))) or 1.0
        author = str(line.get("author") or "")
        bot = author.endswith("bot")
        text = str(line.get("text") or "")
        made.append(
            Message(
                channel=str(line.get("incident") or "C0"),
                ts=f"{int(said)}.{number:06d}",
                user="" if bot else author,
                bot_id=author if bot else "",
                username=author if bot else "",
                text=text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
                thread_ts=made[parent].ts if parent < number else "",
            )
        )
    return made


def in_context(lines: list[Line]) -> Iterator[tuple[int, Message, Context]]:
    """Each line of one incident as a message with what its meaning hangs on; the number is the line's."""
    made = messages(lines)
    places = {message.ts: number for number, message in enumerate(made)}
    for message, previous, parent in conversations(made):
        yield places[message.ts], message, Context(previous=previous, parent=parent)


def evidence_of(lines: list[Line]) -> list[Evidence]:
    """What the classifier sees of the lines of one incident."""
    found: dict[int, Evidence] = {}
    for number, message, context in in_context(lines):
        text = readable(clean(message.text), {}).strip()
        found[number] = evidence(message, text, context.previous, context.parent)
    return [found[number] for number in range(len(lines))]


def name_digest(incident: str) -> str:
    """What the file of weights tells of an incident that it was learned from."""
    return _digest(incident)


def _lines(file: Path) -> Iterator[Line]:
    for number, row in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not row.strip():
            continue
        try:
            line = json.loads(row)
        except ValueError as error:
            raise ValueError(f"{file.name} line {number} is no JSON: {error}") from None
        if not isinstance(line, dict) or not isinstance(line.get("text"), str):
            raise ValueError(f'{file.name} line {number} is no object with a "text"')
        if line.get("kind", "noise") not in KINDS:
            raise ValueError(
                f"{file.name} line {number}: {line['kind']!r} is no kind; known: {', '.join(KINDS)}"
            )
        yield line


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def _seconds(value: object) -> float:
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return 0.0
