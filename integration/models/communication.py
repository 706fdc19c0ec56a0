"""What we say and open on the outside: the step, the intent to take it, what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from integration.models.base import Json, Value

Operation = Literal[
    "open_channel",
    "open_bridge",
    "post_message",
    "send_email",
    "publish_incident",
    "update_incident",
    "resolve_incident",
    "reopen_incident",
    "schedule_maintenance",
    "complete_maintenance",
    "publish_postmortem",
]
PUBLIC_OPERATIONS: tuple[Operation, ...] = (
    "publish_incident",
    "update_incident",
    "resolve_incident",
    "reopen_incident",
    "schedule_maintenance",
    "complete_maintenance",
    "publish_postmortem",
)
"""What is said on a status page."""
BY_HAND = "by hand"
"""The purpose of what others have said where we speak: on the record, and not ours."""
CommunicationState = Literal[
    "draft", "sending", "sent", "failed", "unknown", "superseded", "withdrawn", "held"
]
COMMUNICATION_STATES: tuple[CommunicationState, ...] = get_args(CommunicationState)


class Step(Value):
    """One outside effect that must happen once. `key` says what it is about, not who asked for it."""

    key: str  # identifier of the incidentCommunication entity
    operation: Operation
    # channel | bridge | briefing | bridge link | reopened | closing | update | mail | status notice | note |
    # publish | public update | resolve
    purpose: str
    incident: str
    destination: str = ""  # channel id, host, or what is to be created
    text: str = ""
    audience: str = ""  # identifier of the commsAudience entity, where it is for one
    requested_by: str = ""
    approved_by: str = ""
    replaces: str = ""  # key of the words that it follows upon: the same again, or the page's last
    run: str = ""
    details: Json = {}  # what the effect and the search for its marker need, fixed at the intent
    team: str = ""  # the team in Port that may read it; everybody where there is none


class Receipt(Value):
    """What the provider answered. `data` holds ids and provider times, never secrets."""

    data: Json
    permalink: str = ""
    at: datetime | None = None  # the provider's time of the effect, where it tells
    text: str = ""  # the words that stand there, where an earlier attempt was found
    join_url: str = ""  # lets whoever has it into a meeting: handed on at once, never put on the record


class Communication(Value):
    """An incidentCommunication entity: intent, then outcome."""

    step: Step
    state: CommunicationState
    owner: str = ""
    receipt: Receipt | None = None
    reason: str = ""
    attempts: int = 0  # how often it was taken over
    intended_at: datetime
