"""Measure generated drafts on the timelines of real incidents.

    DATA=<folder> python -m scripts.eval_drafts

The folder holds `timelines*.jsonl`: one object a line with `incident`, `ts` (RFC 3339), `author`, `text`.
Each incident is told in three updates, after a third, two thirds and all of its lines, to the four audiences
that come ready, in four languages, and to the status page. What is counted is looked for here by other
means than the product's own check: a number or name of a draft that stands in no line, no property and
not among our own words; a text over a limit of its medium; something of a level that its readers may not see.
Prints one JSON object a line: one per incident, then one for all.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from integration import drafts, guards, messages, portjson
from integration.drafts import Draft, Facts
from integration.drafts.wording import LANGUAGES, words
from integration.entities import note_entity, read_audience
from integration.guards import Words
from integration.models.audience import Audience
from integration.models.incident import Incident, WarRoom
from integration.models.slack import Message
from integration.notetaker import Context, derive
from integration.room_state import conversations
from integration.timeline import NoteFacts, note_facts
from scripts.eval_notes import folder

Line = dict[str, Any]
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"(?<![\w])[^\W\d_]*[A-Z][\w-]+")
_ROOM = WarRoom(identifier="INC-1", incident="INC-1", channel_id="C0ROOM000")
_BLOCKS = 50
_ALL_BLOCKS = 13_200  # characters of all blocks together


def notes_of(lines: Sequence[Line]) -> list[NoteFacts]:
    """The notes that the lines of one incident make, as Port would hold them."""
    found: list[NoteFacts] = []
    for message, previous, parent in conversations(_messages(lines)):
        note = derive(message, Context(previous=previous, parent=parent))
        facts = note_facts(note_entity(note, _ROOM)) if note is not None else None
        if facts is not None:
            found.append(facts)
    return found


def _messages(lines: Sequence[Line]) -> Iterable[Message]:
    """The Slack messages that the lines would have been, in their order."""
    for number, line in enumerate(lines):
        said = datetime.fromisoformat(line["ts"]).timestamp() if line.get("ts") else 0.0
        author = str(line.get("author", ""))
        bot = author.endswith("bot")
        text = str(line["text"]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        yield Message(
            channel=line["incident"],
            ts=f"{max(1, int(said))}.{number:06d}",
            user="" if bot else author,
            bot_id=author if bot else "",
            text=text,
        )


async def told(incident: Incident, notes: Sequence[NoteFacts]) -> Iterable[tuple[Audience, Facts, Draft]]:
    """Three updates to everybody, each of what was noted since the one before."""
    ready = [read_audience(one) for one in portjson.ready_entities()["commsAudience"]]
    found: list[tuple[Audience, Facts, Draft]] = []
    since: datetime | None = None
    for part in (1, 2, 3):
        known = notes[: len(notes) * part // 3] if part < 3 else notes
        for audience in ready:
            for language in LANGUAGES:
                reader = audience.model_copy(update={"language": language})
                facts = _gathered(reader, incident, known, since)
                found.append((reader, facts, await drafts.draft(reader, facts)))
        public = Audience(identifier="status-page", knows="customer-safe")
        facts = _gathered(public, incident, known, since)
        found.append((public, facts, drafts.status_page(facts)))
        since = known[-1].said_at if known else since
    return found


def _gathered(
    audience: Audience, incident: Incident, notes: Sequence[NoteFacts], since: datetime | None
) -> Facts:
    # As the product does it: a title that these readers may not see is cleaned.
    title = guards.cleaned(incident.title, guards.leaks(incident.title, knows=audience.knows, words=Words()))
    return drafts.gather(
        audience,
        incident.model_copy(update={"title": title}),
        {},
        [service.title() for service in incident.services],
        notes,
        since=since,
        next_update=datetime.now(UTC) + timedelta(minutes=30),
        may_say=lambda text: not guards.leaks(text, knows=audience.knows, words=Words()),
    )


def invented(audience: Audience, facts: Facts, draft: Draft, lines: Sequence[Line]) -> list[str]:
    """Numbers and names of a draft that nobody has said and no property holds."""
    times = [facts.since, facts.next_update, facts.incident.started_at, *(note.at for note in facts.notes)]
    known = " ".join(
        [
            *(str(line["text"]) for line in lines),
            *(str(line.get("author", "")) for line in lines),
            facts.incident.model_dump_json(),
            *facts.services,
            *(f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" for at in times if at),
            *words(audience.language, audience.tone).values(),
        ]
    ).casefold()
    said = [*_NUMBER.findall(draft.text), *_NAME.findall(draft.text)]
    return [one for one in said if one.casefold() not in known]


def over_limits(incident: Incident, audience: Audience, draft: Draft) -> list[str]:
    """Which limits a draft breaks, as it would be sent."""
    found: list[str] = []
    if not draft.text.strip() or len(draft.text) > messages.UPDATE_LIMIT:
        found.append("length")
    if audience.identifier == "executives" and len(draft.sentences) > 3:
        found.append("sentences")
    for part in messages.update(incident, draft.text, audience.title):
        texts = [block["text"]["text"] for block in part.blocks if "text" in block]
        if len(part.text) > messages.TEXT_LIMIT or len(part.blocks) > _BLOCKS:
            found.append("message")
        if any(len(text) > messages.SECTION_LIMIT for text in texts) or sum(map(len, texts)) > _ALL_BLOCKS:
            found.append("blocks")
    return found


async def measure(name: str, lines: Sequence[Line]) -> Counter[str]:
    """The counts for one incident."""
    incident = Incident(
        identifier="INC-1",
        title=re.sub(r"[\d-]+", " ", name).strip().capitalize() or "Incident",
        status="investigating",
        severity="sev1",
        services=("web", "api"),
        started_at=datetime.fromisoformat(lines[0]["ts"]) if lines[0].get("ts") else None,
    )
    notes = notes_of(lines)
    counts: Counter[str] = Counter(lines=len(lines), notes=len(notes))
    for audience, facts, draft in await told(incident, notes):
        counts["drafts"] += 1
        counts["sentences"] += len(draft.sentences)
        counts["sentences_without_source"] += sum(not one.sources for one in draft.sentences)
        counts["refused_by_own_check"] += bool(draft.untraced)
        made_up, too_long = invented(audience, facts, draft, lines), over_limits(incident, audience, draft)
        counts["drafts_with_invented"] += bool(made_up)
        counts["drafts_over_limits"] += bool(too_long)
        for what in (*made_up[:3], *too_long):
            print(f"{name}, {audience.identifier}, {audience.language}: {what}", file=sys.stderr)
        found = guards.leaks(draft.text, knows=audience.knows, words=Words())
        counts["drafts_with_leaks"] += bool(found)
        for leak in found:
            print(f"{name}, {audience.identifier}: leak: {leak.kind} {leak.text!r}", file=sys.stderr)
    return counts


def main() -> int:
    """Print the figures; 2 when there is nothing to measure on, 1 when something was invented or too long."""
    files = sorted(folder().glob("timelines*.jsonl"))
    if not files:
        print(f"no timelines*.jsonl in {folder()}: nothing measured (set DATA to a folder that has one)")
        return 2
    by_incident: dict[str, list[Line]] = defaultdict(list)
    for file in files:
        for row in file.read_text(encoding="utf-8").splitlines():
            if row.strip():
                line = json.loads(row)
                by_incident[line["incident"]].append(line)
    total: Counter[str] = Counter()
    for name, lines in by_incident.items():
        counts = asyncio.run(measure(name, lines))
        if counts["drafts_with_invented"] or counts["drafts_over_limits"] or counts["drafts_with_leaks"]:
            print(json.dumps({"incident": name, **counts}))
        total.update(counts)
    print(json.dumps({"measured": "drafts", "incidents": len(by_incident), **total}))
    return 1 if total["drafts_with_invented"] or total["drafts_over_limits"] else 0


if __name__ == "__main__":
    sys.exit(main())
