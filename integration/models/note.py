"""What is kept of what people say in a room."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
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
# Chosen to be at hand in every workspace and seldom used for something else in an incident. Ticks, eyes
# and thumbs are left out on purpose: people use them to say "done", "seen" and "yes".
NOTE_REACTIONS: Mapping[str, NoteKind] = MappingProxyType(
    {
        "memo": "update",
        "mag": "finding",
        "wrench": "workaround",
        "scales": "decision",
        "dart": "action",
        "boom": "impact",
        "question": "question",
    }
)
NOT_A_NOTE_REACTIONS = ("no_entry_sign", "see_no_evil")
DONE_REACTIONS = ("white_check_mark", "heavy_check_mark", "ballot_box_with_check")
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
