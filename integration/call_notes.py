"""What was said in the call becomes notes: Zoom's own summary of it, and its transcript. Pure.

A summary is a model's work and is shown as unsure. Its words become one update, and each next step an action.
A transcript goes through the same derivation as the room's messages, turn by turn, and only what is sure
becomes a note: nobody can mark or correct spoken words.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any

from integration.bridge_events import News, occurrence
from integration.credentials import mask
from integration.entities import owned_by, text_of
from integration.models.base import Json, Value
from integration.models.incident import WarRoom
from integration.models.slack import Message
from integration.mrkdwn import is_absolute
from integration.notetaker import SURE, Context, Marks, derive
from integration.notetaker.text import clean, cut, title_of
from integration.times import iso, when

SUMMARY, TRANSCRIPT = "zoom summary", "zoom transcript"
COMPANION = "Zoom AI Companion"
TEXT_LIMIT = 12_000  # characters of a note
STEPS_LIMIT = 50
TURNS_LIMIT = 20_000  # a call of a day
TURN_SECONDS, TURN_CHARACTERS = 6.0, 600  # one person's words within these are one turn
SUMMARY_CONFIDENCE = 0.6

_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$|^\s*\*\*([^*]+)\*\*:?\s*$")
_STEPS = re.compile(r"next steps?|action items?|actions|follow[- ]?ups?|to[- ]?dos?", re.I)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?(.+)$")
_WHO = re.compile(r"^([^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,2})(?: \([^)]{1,60}\))?: ")
_CUE = re.compile(
    r"(?:(\d{1,3}):)?(\d{2}):(\d{2})[.,](\d{3})\s+-->\s+(?:(\d{1,3}):)?(\d{2}):(\d{2})[.,](\d{3})"
)
_SPEAKER = re.compile(r"^([^:\n]{1,80}): +(.*)$", re.S)
_VOICE = re.compile(r"^<v(?:\.[^ >]+)? ([^>]{1,80})>(.*?)(?:</v>)?$", re.S)


class Turn(Value):
    """What one person said without a pause."""

    at: datetime
    until: datetime
    speaker: str
    text: str


def summary_notes(room: WarRoom, news: News, team: str = "") -> list[Json]:
    """The notes of a meeting's summary; none where Zoom says nothing."""
    about = news.about
    text, steps = _words(about)
    link = text_of(about.get("summary_doc_url"))
    made = []
    if text.strip():
        title = text_of(about.get("summary_title")) or "Summary of the call"
        made.append(_note(room, news, "summary", "update", title, text, link, team))
    for step in list(dict.fromkeys(steps))[:STEPS_LIMIT]:
        who = _WHO.match(step)
        entity = _note(room, news, f"step:{_short(step)}", "action", step, step, link, team)
        entity["properties"]["assignees"] = [who[1]] if who else []
        made.append(entity)
    return made


def transcript_notes(
    room: WarRoom, news: News, turns: list[Turn], link: str, marks: Marks, team: str = ""
) -> list[Json]:
    """The notes of what was said, each at the time at which it was."""
    made: list[Json] = []
    previous: tuple[Message, ...] = ()
    for turn in turns:
        message = Message(
            channel=room.channel_id,
            ts=f"{turn.at.timestamp():.6f}",
            user=turn.speaker,
            text=_escaped(turn.text),
        )
        note = derive(message, Context(previous=previous, marks=marks))
        previous = (*previous, message)[-3:]
        if note is None or (note.confidence < SURE and note.how != "mark"):
            continue
        key = f"said:{_short(f'{turn.at.isoformat()} {turn.speaker}')}"
        entity = _note(room, news, key, note.kind, note.title, note.text, link, team)
        entity["properties"] |= {
            "author": turn.speaker,
            "saidAt": iso(turn.at),
            "confidence": round(note.confidence, 3),
            "how": note.how,
            "source": TRANSCRIPT,
            "links": [one.model_dump() for one in note.links],
        }
        made.append(entity)
    return made


def turns_of(vtt: str, start: datetime) -> list[Turn]:
    """The turns of a WebVTT transcript that began at `start`; what is no cue is let pass."""
    found: list[Turn] = []
    for block in re.split(r"\n{2,}", clean(vtt).lstrip("\ufeff")):
        lines = block.strip().split("\n")
        number = next((n for n, line in enumerate(lines[:2]) if _CUE.match(line)), None)
        if number is None:
            continue
        begins, ends = _times(lines[number])
        said = "\n".join(lines[number + 1 :]).strip()
        voice = _VOICE.match(said) or _SPEAKER.match(said)
        speaker, text = (voice[1].strip(), voice[2].strip()) if voice else ("", said)
        if not text:
            continue
        at, until = start + begins, start + ends
        last = found[-1] if found else None
        if (
            last is not None
            and last.speaker == (speaker or last.speaker)
            and (at - last.until).total_seconds() <= TURN_SECONDS
            and len(last.text) + len(text) < TURN_CHARACTERS
        ):
            found[-1] = last.model_copy(update={"text": f"{last.text} {text}", "until": until})
        elif len(found) < TURNS_LIMIT:
            found.append(Turn(at=at, until=until, speaker=speaker or "unknown", text=text))
        else:
            break
    return found


def transcript_file(about: Json) -> Json | None:
    """Of a recording the file that holds its transcript, as Zoom describes it."""
    files = about.get("recording_files")
    ready = [
        one
        for one in (files if isinstance(files, list) else [])
        if isinstance(one, dict)
        and text_of(one.get("file_type")).upper() in ("TRANSCRIPT", "CC")
        and is_absolute(text_of(one.get("download_url")))
    ]
    ready.sort(key=lambda one: text_of(one.get("file_type")).upper() != "TRANSCRIPT")
    return ready[0] if ready else None


def began(about: Json, file: Json) -> datetime | None:
    """When a recording began: the time of its cues is counted from then."""
    return when(file.get("recording_start")) or when(about.get("start_time"))


def _words(about: Json) -> tuple[str, list[str]]:
    """(the summary in Markdown, its next steps): Zoom's one field of today, or those of before."""
    edited = about.get("edited_summary")
    older = {**about, **{k: v for k, v in edited.items() if v}} if isinstance(edited, dict) else about
    listed = older.get("next_steps")
    steps = (
        [mask(clean(one)).strip() for one in listed if isinstance(one, str)]
        if isinstance(listed, list)
        else []
    )
    text = mask(clean(text_of(about.get("summary_content"))))
    if text.strip():
        return text, [step for step in steps or _steps_in(text) if step]
    parts = [text_of(older.get("summary_overview"))]
    details = older.get("summary_details")
    for one in details if isinstance(details, list) else []:
        if isinstance(one, dict):
            parts.append(f"**{text_of(one.get('label'))}**: {text_of(one.get('summary'))}")
    if isinstance(details, str):
        parts.append(details)
    return mask(clean("\n\n".join(filter(None, parts)))), [step for step in steps if step]


def _steps_in(text: str) -> list[str]:
    found: list[str] = []
    inside = False
    for line in text.split("\n"):
        if heading := _HEADING.match(line):
            inside = bool(_STEPS.search(heading[1] or heading[2] or ""))
        elif inside and (bullet := _BULLET.match(line)):
            found.append(bullet[1].replace("**", "").strip())
    return found


def _note(
    room: WarRoom, news: News, key: str, kind: str, title: str, text: str, link: str, team: str
) -> Json:
    line = title_of(mask(clean(title))) or kind
    return {
        "identifier": f"{occurrence(room, news.uuid)}:{key}",
        "title": line,
        "properties": {
            "kind": kind,
            "title": line,
            "text": cut(text.strip(), TEXT_LIMIT),
            "author": COMPANION,
            "saidAt": iso(news.at),
            "permalink": link if is_absolute(link) else None,
            "confidence": SUMMARY_CONFIDENCE,
            "how": "model",
            "source": SUMMARY,
            # No ts: it stands beside the channel's messages, so no read of them touches it.
            "channelId": room.channel_id,
            "deletedAt": None,
        },
        "relations": {"warRoom": room.identifier, "incident": room.incident},
        **owned_by(team),
    }


def erased(identifier: str, room: WarRoom, at: datetime) -> Json:
    """The tombstone of a note whose source is gone: id and time stay."""
    empty: dict[str, Any] = {"title": "Deleted", "text": "", "author": None, "permalink": None, "links": []}
    empty |= {"versions": [], "assignees": None, "state": None, "settledBy": None, "settledTs": None}
    return {
        "identifier": identifier,
        "title": "Deleted",
        "properties": {**empty, "deletedAt": iso(at), "channelId": room.channel_id},
        "relations": {"warRoom": room.identifier, "incident": room.incident},
    }


def _times(line: str) -> tuple[timedelta, timedelta]:
    found = _CUE.match(line)
    assert found is not None
    h1, m1, s1, f1, h2, m2, s2, f2 = (int(part or 0) for part in found.groups())
    return (
        timedelta(hours=h1, minutes=m1, seconds=s1, milliseconds=f1),
        timedelta(hours=h2, minutes=m2, seconds=s2, milliseconds=f2),
    )


def _escaped(text: str) -> str:
    """As Slack sends what a person types: it is never taken for markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
