"""What is kept of what people say in a room."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from integration.models.base import Value

NoteKind = Literal["update", "finding", "workaround", "decision", "action", "impact", "question"]
NOTE_KINDS: tuple[NoteKind, ...] = (
    "update",
    "finding",
    "workaround",
    "decision",
    "action",
    "impact",
    "question",
)
LinkType = Literal["logs", "trace", "dashboard", "ticket", "pull request", "runbook", "document", "other"]


class NoteLink(Value):
    url: str
    type: LinkType


class Note(Value):
    """One structured thing said in the room. Its identity is channel + ts, so a redelivery overwrites."""

    channel: str
    ts: str
    kind: NoteKind
    title: str
    text: str
    author: str  # Slack user id, or the bot's name
    said_at: datetime
    permalink: str = ""
    thread_ts: str = ""
    confidence: float = 1.0  # 0..1
    how: Literal["mark", "model", "rules"]
    links: tuple[NoteLink, ...] = ()
    services: tuple[str, ...] = ()  # identifiers of services in the catalogue that it names
    edited: bool = False
