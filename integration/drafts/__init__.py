"""Drafts: one update, many voices. Pure but for `apart`, which runs a person's template in a process.

`draft` makes the text of one audience from the incident's facts and notes; `status_page` proposes one for
the public. Every sentence carries the ids of what it rests on, and what rests on nothing is named.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from integration.drafts.apart import render_apart
from integration.drafts.facts import SECTION_LIMIT, Facts, Source, Told, gather, sentences
from integration.drafts.rendering import TEXT_LIMIT, TemplateProblem, render
from integration.drafts.trace import Sentence, trace, untraced
from integration.drafts.wording import words
from integration.models.audience import Audience, Knows
from integration.models.base import Json, Value
from integration.models.note import NOTE_KINDS

__all__ = [
    "Draft",
    "Facts",
    "Sentence",
    "Source",
    "draft",
    "gather",
    "names",
    "sentences",
    "status_page",
    "trace",
    "untraced",
]

_OURS: dict[Knows, str] = {"technical": "engineering", "business": "executives", "customer-safe": "support"}
_KINDS = (*NOTE_KINDS, "note")
_SENTENCE_END = re.compile(r"[.!?]+\s+")


class Draft(Value):
    """A proposed text and what it rests on.

    made_by     the name of our template, or the audience whose own it is
    problem     why its own was not used; ours was
    left_out    sentences of notes that these readers are not told
    """

    audience: str
    text: str
    sentences: tuple[Sentence, ...] = ()
    made_by: str = ""
    problem: str = ""
    left_out: int = 0

    @property
    def untraced(self) -> list[str]:
        return untraced(self.sentences)


async def draft(audience: Audience, facts: Facts, *, over: bool = False) -> Draft:
    """The text for one audience. `over`: the incident has ended.

    A template that fails is told in `problem`, and ours stands in for it: whoever waits for a draft gets one.
    """
    context = _context(facts, audience.language, audience.tone, over)
    own = audience.template.strip()
    problem = ""
    if own and own not in library():
        try:
            text = await render_apart(own, library(), context)
            if text:
                return _traced(audience, facts, text, own, f"template of {audience.identifier}")
            problem = "it gives no text"
        except TemplateProblem as failure:
            problem = str(failure)
        problem = f"template of {audience.identifier}: {problem}"
        own = ""
    name = own or _OURS[audience.knows]
    text = _tidy(render(library()[name], library(), context))
    frame = " ".join(words(audience.language, audience.tone).values())
    return _traced(audience, facts, text, frame, name).model_copy(update={"problem": problem})


def status_page(facts: Facts, language: str = "en") -> Draft:
    """A text for the public, of what customers may know. `facts` must be gathered for that level."""
    context = _context(facts, language, "plain", over=False)
    text = " ".join(render(library()["status_page"], library(), context).split())
    frame = " ".join(words(language, "plain").values())
    return Draft(
        audience="",
        text=text,
        sentences=trace(text, facts.sources(), frame),
        made_by="status_page",
        left_out=facts.left_out,
    )


def names(facts: Facts) -> list[str]:
    """What a template finds, as a person writes it: `incident.title`, `notes`."""
    found: list[str] = []
    for name, value in _context(facts, "en", "plain", over=False).items():
        found += [f"{name}.{part}" for part in value] if isinstance(value, dict) else [name]
    return found


@cache
def library() -> dict[str, str]:
    """Our templates by name."""
    folder = Path(__file__).with_name("templates")
    return {path.name.partition(".")[0]: path.read_text("utf-8") for path in sorted(folder.glob("*.jinja"))}


def _traced(audience: Audience, facts: Facts, text: str, frame: str, made_by: str) -> Draft:
    return Draft(
        audience=audience.identifier,
        text=text,
        sentences=trace(text, facts.sources(), frame),
        made_by=made_by,
        left_out=facts.left_out,
    )


def _context(facts: Facts, language: str, tone: str, over: bool) -> dict[str, Any]:
    """What a template knows; plain values, since it may be another process that reads them."""
    incident = facts.incident
    notes = [_note(note, facts) for note in facts.notes]
    return {
        "incident": {
            "identifier": incident.identifier,
            # One sentence of ours holds it, whatever it holds itself.
            "title": _SENTENCE_END.sub("; ", incident.title or incident.identifier),
            "severity": incident.severity or "?",
            "status": incident.status or "?",
            "services": list(facts.services or incident.services),
            "started": facts.moment(incident.started_at),
            "url": incident.url,
        },
        "notes": notes,
        "by_kind": {
            kind: [note for note in notes if note["kind"] == kind][-SECTION_LIMIT:] for kind in _KINDS
        },
        "since": facts.moment(facts.since),
        "next_update": facts.moment(facts.next_update),
        "public": facts.public,
        "over": over,
        "w": words(language, tone),
    }


def _note(note: Told, facts: Facts) -> Json:
    return {
        "id": note.id,
        "kind": note.kind,
        "text": note.text,
        "first": next(iter(sentences(note.text)), note.text),
        "at": facts.moment(note.at),
        "link": note.link,
        "by": note.by,
    }


def _tidy(text: str) -> str:
    """Without the double empty lines that conditions leave behind."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip()[:TEXT_LIMIT]
