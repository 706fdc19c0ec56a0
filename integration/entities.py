"""Our entities in Port, as what we think with, and back. Pure: nothing is read or written here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integration.models.audience import KNOWS, Audience
from integration.models.base import Json
from integration.models.communication import (
    COMMUNICATION_STATES,
    PUBLIC_OPERATIONS,
    Communication,
    Operation,
    Receipt,
    Step,
)
from integration.models.incident import BRIDGE_KINDS, MIRROR_STATES, ROOM_STATES, WarRoom
from integration.models.note import Note
from integration.times import iso, now, when

WAR_ROOM = "incidentWarRoom"
NOTE = "incidentNote"
COMMUNICATION = "incidentCommunication"
ATTEMPT = "incidentCommunicationAttempt"
LINK = "incidentRecordLink"
AUDIENCE = "commsAudience"
DRAFT = "incidentDraft"
PROMISE = "incidentPromise"
SWITCH = "commsSwitch"
THE_SWITCH = "communications"  # its one entity

_MEDIUM: dict[Operation, str] = {
    "open_channel": "slack",
    "open_bridge": "zoom",
    "post_message": "slack",
    "send_email": "email",
    **dict.fromkeys(PUBLIC_OPERATIONS, "statuspage"),
}


def intent_entity(step: Step, owner: str, at: datetime) -> Json:
    return {
        "identifier": step.key,
        "title": f"{step.purpose[:1].upper()}{step.purpose[1:]} · {step.incident}",
        "properties": {
            "operation": step.operation,
            "medium": _MEDIUM[step.operation],
            "purpose": step.purpose,
            "state": "sending",
            "text": step.text,
            "textHash": text_hash(step.text),
            "destination": step.destination,
            "audience": step.audience,
            "requestedBy": step.requested_by,
            "approvedBy": step.approved_by,
            **({"replaces": step.replaces} if step.replaces else {}),
            "intendedAt": iso(at),
            "owner": owner,
            "run": step.run,
            "details": step.details,
        },
        "relations": {"incident": step.incident} | ({"audience": step.audience} if step.audience else {}),
        **owned_by(step.team),
    }


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def read_communication(entity: Json) -> Communication | None:
    """The communication in `entity`; None for one that a person has made by hand and left incomplete."""
    properties: Json = entity.get("properties") or {}
    if properties.get("operation") not in _MEDIUM or properties.get("state") not in COMMUNICATION_STATES:
        return None
    held = properties.get("receipt")
    receipt = None
    if isinstance(held, dict):
        receipt = Receipt(
            data=held, permalink=text_of(properties.get("permalink")), at=when(properties.get("sentAt"))
        )
    step = Step(
        key=str(entity["identifier"]),
        operation=properties["operation"],
        purpose=text_of(properties.get("purpose")),
        incident=text_of((entity.get("relations") or {}).get("incident")),
        destination=text_of(properties.get("destination")),
        text=text_of(properties.get("text")),
        audience=text_of(properties.get("audience")),
        approved_by=text_of(properties.get("approvedBy")),
        replaces=text_of(properties.get("replaces")),
        requested_by=text_of(properties.get("requestedBy")),
        run=text_of(properties.get("run")),
        details=properties.get("details") or {},
        team=team_of(entity),
    )
    return Communication(
        step=step,
        state=properties["state"],
        owner=text_of(properties.get("owner")),
        receipt=receipt,
        reason=text_of(properties.get("reason")),
        attempts=int(properties.get("attempts") or 0),
        intended_at=when(properties.get("intendedAt")) or now(),
    )


def read_audience(entity: Json) -> Audience:
    properties: Json = entity.get("properties") or {}
    return Audience(
        identifier=str(entity["identifier"]),
        title=text_of(entity.get("title")) or str(entity["identifier"]),
        slack_channels=texts_of(properties.get("slackChannels")),
        emails=texts_of(properties.get("emails")),
        teams=texts_of(properties.get("teams")),
        notices=properties.get("notices") is True,
        # Who says something that is no level is told least.
        knows=_one_of(KNOWS, properties.get("knows") or "technical", "customer-safe"),
        reach=_object(properties.get("reach")),
        template=text_of(properties.get("template")),
        language=text_of(properties.get("language")) or "en",
        tone=text_of(properties.get("tone")) or "plain",
        promised=_object(properties.get("promisedMinutes")),
        quiet=_object(properties.get("quietHours")),
    )


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def read_room(entity: Json) -> WarRoom | None:
    """The war room in `entity`; None when a person has made one by hand without a channel.

    A choice that we don't know, such as one that a person has added and picked, reads as the usual one.
    """
    properties: Json = entity.get("properties") or {}
    relations: Json = entity.get("relations") or {}
    if not properties.get("channelId") or not relations.get("incident"):
        return None
    return WarRoom(
        identifier=str(entity["identifier"]),
        incident=text_of(relations.get("incident")),
        generation=int(properties.get("generation") or 1),
        state=_one_of(ROOM_STATES, properties.get("state"), "open"),
        channel_id=text_of(properties.get("channelId")),
        channel_name=text_of(properties.get("channelName")),
        channel_url=text_of(properties.get("channel")),
        linked=properties.get("linked") is True,
        private=properties.get("private") is True,
        team=team_of(entity),
        bridge_kind=_one_of(BRIDGE_KINDS, properties.get("bridgeKind"), "none"),
        bridge_url=text_of(properties.get("bridge")),
        bridge_host=text_of(properties.get("bridgeHost")),
        meeting_id=text_of(properties.get("meetingId")),
        briefing_ts=text_of(properties.get("briefingTs")),
        briefing_url=text_of(properties.get("briefing")),
        closures=int(properties.get("closures") or 0),
        invited=texts_of(properties.get("invited")),
        not_invited=texts_of(properties.get("notInvited")),
        opened_at=when(properties.get("openedAt")),
        reopened_at=when(properties.get("reopenedAt")),
        closed_at=when(properties.get("closedAt")),
        archived_at=when(properties.get("archivedAt")),
        last_activity_at=when(properties.get("lastActivityAt")),
        mirror=_one_of(MIRROR_STATES, properties.get("mirror"), "fresh"),
        read_back_to=text_of(properties.get("readBackTo")),
    )


def note_id(channel: str, ts: str) -> str:
    return f"{channel}-{ts}"


def note_entity(note: Note, room: WarRoom, team: str = "") -> Json:
    """The note as an entity, owned by `team` where one is given. `versions` are the mirror's to add."""
    entity: Json = {
        "identifier": note_id(note.channel, note.ts),
        "title": note.title,
        "properties": {
            "kind": note.kind,
            "title": note.title,
            "text": note.text,
            "author": note.author,
            "saidAt": iso(note.said_at),
            "permalink": note.permalink,
            "thread": note.thread_ts,
            "confidence": round(note.confidence, 3),
            "how": note.how,
            "links": [link.model_dump() for link in note.links],
            "edited": note.edited,
            "channelId": note.channel,
            "ts": note.ts,
        },
        "relations": {"warRoom": room.identifier, "incident": room.incident},
    }
    if team:
        entity["team"] = [team]
    return entity


def teams(team: str) -> list[str]:
    return [team] if team else []


def owned_by(team: str) -> Json:
    """What to add to an entity that is written; where there is no team, what it has is left alone."""
    return {"team": [team]} if team else {}


def team_of(entity: Json) -> str:
    return next(iter(texts_of(entity.get("team"))), "")


def _one_of[T](known: Sequence[T], value: Any, usual: T) -> T:
    return value if value in known else usual


def text_of(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def texts_of(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, (list, tuple)):
        return tuple(dict.fromkeys(text for item in value if (text := text_of(item))))
    return ()
