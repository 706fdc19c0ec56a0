"""One run of an action in Port: what a door hands on, and how it ends."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from integration.models.base import Json, Value

AUTOMATION = "automation "
"""How `requested_by` begins when no person pressed a button; no e-mail address holds a space."""
OPERATION_INPUT = "operationId"
"""A hidden input of every button: what names the asking when it did not begin in Port."""


class Command(Value):
    """What a door hands to a handler: one Port run of one action, whichever way it came."""

    action: str
    run: str
    incident: str = ""
    inputs: Json = {}
    snapshot: Json | None = None  # the incident entity as Port sent it; may be stale
    requested_by: str = ""  # e-mail of a person, or the automation and who caused it
    operation_id: str = ""  # what it was asked for by, such as a form in Slack; empty: the run itself
    # Of a run that is taken up again: when it last went on, and the incident entity as it was asked about.
    asked_at: datetime | None = None
    asked_of: Json | None = None
    door: Literal["webhook", "integration_action", "sweeper"]

    @property
    def asked_by(self) -> str:
        """What tells one asking from another. Runs of one and the same asking do the same thing, once."""
        return self.operation_id or self.run

    @property
    def automatic(self) -> bool:
        """Whether no person asked for it."""
        return self.requested_by.startswith(AUTOMATION)

    @property
    def by_person(self) -> bool:
        """Whether somebody has just asked for it: no automation, no run that is taken up again."""
        return bool(self.requested_by) and not self.automatic and self.door != "sweeper"


class Outcome(Value):
    """How a run ends."""

    ok: bool = True
    summary: str  # a sentence for a person
    label: str = ""  # at most two words
    links: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
