"""What a draft is made of: the incident, and what was noted since the last one. Every part has an id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integration.audiences import TIME_ZONE
from integration.entities import text_of
from integration.models.audience import Audience, Knows
from integration.models.base import Json, Value
from integration.models.incident import Incident
from integration.models.note import NOTE_KINDS
from integration.timeline import NoteFacts

ITEM_LIMIT = 300  # characters of one note in a draft
SECTION_LIMIT = 5  # notes under one heading, the newest
_MARK = re.compile(rf"^\W*(?:{'|'.join(NOTE_KINDS)})\s*[:\-–—]\s*", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[^\s])")
# An abbreviation or a number does not end a sentence.
_NO_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|approx|etc|vs|no|dr|mr|ms|mrs|z\.B|bzw|ca|usw)|\b[A-Za-z]|^\d+)\.$", re.I
)
_MARKUP = re.compile(r"(?<!\w)([*_~`]{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)")

_KINDS_OF: dict[Knows, frozenset[str]] = {
    "technical": frozenset(NOTE_KINDS),
    "business": frozenset(("impact", "update", "decision", "workaround")),
    "customer-safe": frozenset(("impact", "update", "workaround")),
}
"""Which kinds of notes a level is told of at all."""

# What only a technician can read, or only a colleague may: addresses, links, code, names of machines and
# of code, tickets, hashes, mentions. Names with a digit or a hyphen inside count when a dot or slash is in.
_TECHNICAL = re.compile(
    r"https?://|www\.|```|`|@\w|(?<!\w)#[\w-]+|\b[\w.+-]+@[\w-]+\.\w+"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-f]{7,40}\b(?<![a-f]{7})|\b[A-Z][A-Z0-9]+-\d+\b"
    r"|\b\w+(?:[._/\\:]\w+)*[_/\\]\w+|\b[a-z][\w-]*(?:\.[a-z][\w-]*)+\b|\b[a-z]+[A-Z]\w*|::|->|=>|[{}<>$]"
    r"|\b[\w-]*\d[\w]*-[\w-]+\b|\b(?:Exception|Traceback|Error):",
)


class Source(Value):
    """What a sentence may rest on: a property of the incident, a note, a promise."""

    id: str
    text: str


class Told(Value):
    """A note as a draft tells it."""

    id: str
    kind: str
    text: str
    at: datetime
    link: str = ""
    by: str = ""


class Facts(Value):
    """What one draft for one audience is made of.

    notes         since the last update to this audience, oldest first, that its level may hear of
    services      what people call the affected services
    left_out      sentences of notes that are not for this level
    since         when the last update was sent; None when there was none
    next_update   when the next one is promised after this; None where nothing is
    public        where the public reads about it
    """

    incident: Incident
    services: tuple[str, ...] = ()
    notes: tuple[Told, ...] = ()
    left_out: int = 0
    since: datetime | None = None
    next_update: datetime | None = None
    public: str = ""
    zone: str = "UTC"

    def sources(self) -> list[Source]:
        """Everything a sentence may rest on, by id."""
        one = self.incident
        found = [
            Source(id="incident.identifier", text=one.identifier),
            Source(id="incident.title", text=one.title),
            Source(id="incident.severity", text=one.severity),
            Source(id="incident.status", text=one.status),
            Source(id="incident.startedAt", text=self.moment(one.started_at)),
            Source(id="incident.publicIncident", text=self.public),
            Source(id="incident.url", text=one.url),
            Source(id="audience.promise", text=self.moment(self.next_update)),
            Source(id="audience.lastUpdate", text=self.moment(self.since)),
            *(
                Source(id=f"incident.services.{identifier}", text=f"{identifier} {title}")
                for identifier, title in zip(one.services, self.services, strict=False)
            ),
            *(
                Source(id=note.id, text=f"{note.text} {self.moment(note.at)} {note.by} {note.link}")
                for note in self.notes
            ),
        ]
        return [source for source in found if source.text.strip()]

    def moment(self, at: datetime | None) -> str:
        """A time as these readers' clock shows it: `14:30 UTC`, with the day where it is another."""
        if at is None:
            return ""
        here = at.astimezone(_zone(self.zone))
        today = datetime.now(UTC).astimezone(_zone(self.zone)).date()
        day = "" if here.date() == today else f"{here:%Y-%m-%d} "
        return f"{day}{here:%H:%M} {here.tzname()}"


def gather(
    audience: Audience,
    incident: Incident,
    entity: Json,
    services: Sequence[str],
    notes: Iterable[NoteFacts],
    *,
    since: datetime | None = None,
    next_update: datetime | None = None,
    may_say: Callable[[str], bool] = lambda text: True,
) -> Facts:
    """The facts for one audience. Who may not know everything is told only what is sure and readable, and
    of that the sentences that `may_say` lets through."""
    told: list[Told] = []
    left_out = 0
    for note in sorted(notes, key=lambda one: (one.said_at, one.identifier)):
        if since is not None and note.said_at <= since:
            continue
        text, out = _for_level(note, audience.knows, may_say)
        left_out += out
        if text:
            technical = audience.knows == "technical"
            told.append(
                Told(
                    id=f"note {note.identifier}",
                    kind=note.kind,
                    text=text,
                    at=note.said_at,
                    link=note.permalink if technical else "",
                    by=note.author if technical else "",
                )
            )
    public = text_of((entity.get("properties") or {}).get("publicIncident"))
    return Facts(
        incident=incident,
        services=tuple(services),
        notes=tuple(told),
        left_out=left_out,
        since=since,
        next_update=next_update,
        public=public,
        zone=text_of(audience.quiet.get(TIME_ZONE)) or "UTC",
    )


def _for_level(note: NoteFacts, knows: Knows, may_say: Callable[[str], bool]) -> tuple[str, int]:
    """What of a note is for this level, and how many of its sentences are not."""
    said = sentences(spoken(note.text or note.title))
    if knows == "technical":
        kept = [one for one in said if may_say(one)]
        return clipped(" ".join(kept)), len(said) - len(kept)
    if note.kind not in _KINDS_OF[knows] or not note.sure:
        return "", len(said)
    kept = [one for one in said if readable_by_all(one) and may_say(one)]
    return clipped(" ".join(kept)), len(said) - len(kept)


def spoken(text: str) -> str:
    """A note in one line, without the mark that made it one and without emphasis."""
    line = _SPACES.sub(" ", _MARK.sub("", text.strip(), count=1)).strip()
    plain = _MARKUP.sub(lambda found: found[2] if found[1] != "`" else found[0], line)
    return plain.translate(_PLAIN)


_PLAIN = str.maketrans({"\x00": "", "|": "/"})


def sentences(text: str) -> list[str]:
    """The sentences of a line, in order; joined by blanks they are the line again."""
    found: list[str] = []
    for part in _SENTENCE.split(text):
        if found and _NO_END.search(found[-1]):
            found[-1] += f" {part}"
        elif part.strip():
            found.append(part.strip())
    return found


def readable_by_all(sentence: str) -> bool:
    """Whether a sentence says something to who does not run the service, and asks nothing."""
    return not _TECHNICAL.search(sentence) and not sentence.rstrip().endswith("?")


def clipped(text: str, limit: int = ITEM_LIMIT) -> str:
    """At most `limit` characters: whole sentences where one fits, else whole words and an ellipsis."""
    if len(text) <= limit:
        return text
    kept = ""
    for one in sentences(text):
        if len(kept) + len(one) + 1 > limit:
            break
        kept = f"{kept} {one}".strip()
    if kept:
        return kept
    cut = text[: limit - 1]
    return (cut[: cut.rfind(" ")] if " " in cut[limit // 2 :] else cut).rstrip(" ,;:-") + "…"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
