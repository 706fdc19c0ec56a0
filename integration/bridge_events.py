"""What happens in a call, out of Zoom's webhooks and as entities of ours. Pure.

One entity for each thing that happened once: a meeting's start, each person's first coming in, its end, its
summary and its transcript. Their identifiers are made of the occurrence's UUID, so that a delivery that
comes twice changes nothing.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from pydantic import Field

from integration.entities import owned_by, text_of
from integration.models.base import Json, Value
from integration.models.incident import WarRoom
from integration.mrkdwn import is_absolute
from integration.times import iso, when

BRIDGE_EVENT = "incidentBridgeEvent"

Happened = Literal["started", "joined", "ended", "summary", "transcript"]
HAPPENED: tuple[Happened, ...] = get_args(Happened)

_NEWS: dict[str, str] = {
    "meeting.started": "started",
    "meeting.participant_joined": "joined",
    "meeting.ended": "ended",
    "meeting.summary_completed": "summary",
    "meeting.summary_updated": "summary",
    "meeting.summary_shared": "",  # says nothing about the words
    "meeting.summary_recovered": "",  # carries no words; reading gives them
    "meeting.summary_deleted": "summary gone",
    "meeting.summary_trashed": "summary gone",
    "recording.transcript_completed": "transcript",
    "recording.deleted": "recording gone",
    "recording.trashed": "recording gone",
}


class BridgeEvent(Value):
    """One thing that happened in the call of a war room."""

    identifier: str = ""
    event: Happened
    at: datetime
    person: str = ""  # who came in
    detail: str = ""
    link: str = ""


class News(Value):
    """What a webhook of Zoom tells of one occurrence of a meeting."""

    what: str  # a value of _NEWS
    meeting: str  # its number
    uuid: str
    at: datetime
    person: str = ""
    person_id: str = ""  # the same when somebody comes back
    about: Json = Field(default_factory=dict)  # the webhook's object
    download_token: str = ""


def news_of(message: Json) -> News | None:
    """What a verified webhook tells, or None where it is nothing for us or makes no sense."""
    what = _NEWS.get(text_of(message.get("event")))
    payload = message.get("payload")
    about = payload.get("object") if isinstance(payload, dict) else None
    if not what or not isinstance(about, dict):
        return None
    # Summaries call them meeting_id and meeting_uuid.
    meeting, uuid = (text_of(about.get(key) or about.get(f"meeting_{key}")) for key in ("id", "uuid"))
    if not meeting or not uuid:
        return None
    told = message.get("event_ts")
    happened = datetime.now(UTC)
    if isinstance(told, int | float) and not isinstance(told, bool) and 0 < told < 1e14:
        happened = datetime.fromtimestamp(told / 1000, UTC)
    person: Json = about["participant"] if isinstance(about.get("participant"), dict) else {}
    times = {
        "started": about.get("start_time"),
        "joined": person.get("join_time") or person.get("date_time"),
        "ended": about.get("end_time"),
        "summary": about.get("summary_end_time") or about.get("meeting_end_time"),
    }
    known = (
        person.get(key) for key in ("id", "participant_user_id", "email", "participant_uuid", "user_name")
    )
    return News(
        what=what,
        meeting=meeting,
        uuid=uuid,
        at=when(times.get(what)) or happened,
        person=text_of(person.get("user_name"))[:200],
        person_id=next((key for one in known if (key := text_of(one))), ""),
        about=about,
        download_token=text_of(message.get("download_token")),
    )


def occurrence(room: WarRoom, uuid: str) -> str:
    """What the identifiers of one occurrence of a room's call begin with."""
    return f"{room.identifier}:call:{_short(uuid)}"


def entity_of(room: WarRoom, news: News, *, team: str = "", detail: str = "", link: str = "") -> Json:
    """The entity of a thing that happened."""
    who = f":{_short(news.person_id)}" if news.what == "joined" else ""
    properties = {
        "event": news.what,
        "at": iso(news.at),
        "person": news.person or None,
        "detail": detail or None,
        "link": link if is_absolute(link) else None,
        "meetingId": news.meeting,
        "meetingUuid": news.uuid,
    }
    title = {"joined": f"{news.person or 'Somebody'} joined"}.get(news.what, f"Call: {news.what}")
    return {
        "identifier": f"{occurrence(room, news.uuid)}:{news.what}{who}",
        "title": title,
        "properties": {name: value for name, value in properties.items() if value is not None},
        "relations": {"warRoom": room.identifier, "incident": room.incident},
        **owned_by(team),
    }


def read_bridge_event(entity: Json) -> BridgeEvent | None:
    """The event in an entity; None for one that a person has made by hand and left incomplete."""
    properties: Json = entity.get("properties") or {}
    at = when(properties.get("at"))
    if at is None or properties.get("event") not in HAPPENED:
        return None
    return BridgeEvent(
        identifier=text_of(entity.get("identifier")),
        event=properties["event"],
        at=at,
        person=text_of(properties.get("person")),
        detail=text_of(properties.get("detail")),
        link=text_of(properties.get("link")),
    )


def _short(value: Any) -> str:
    return hashlib.sha256(str(value).encode()).hexdigest()[:10]
