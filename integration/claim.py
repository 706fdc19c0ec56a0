"""An intent on the record, and what it is to whoever wants it done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from integration.models.base import Json
from integration.models.communication import Communication, Receipt, Step
from integration.times import now

Verdict = Literal["mine", "sent", "recover", "again", "unknown"]
VERDICTS: Mapping[str, Verdict] = {"sent": "sent", "sending": "recover", "unknown": "unknown"}
"""What a state on the record makes of a claim; every other state ended without an effect."""


@dataclass
class Claim:
    """An intent and what to make of it.

    mine     we created it: act
    sent     it is done: the receipt stands
    recover  somebody's work was cut off: look first
    again    it ended without an effect (failed, held, withdrawn): a new run may do it, after a look
    unknown  nobody could tell: look, and act only when a person insists

    `insist`: a person has just asked for it, knowing how it stands.
    """

    step: Step
    verdict: Verdict
    owner: str
    receipt: Receipt | None = None
    reason: str = ""
    intended_at: datetime | None = None
    last_owner: str = ""
    acted: bool = False  # the effect was done just now, by us
    outcomes: int = 0  # how many were written of it
    insist: bool = False
    attempts: int = 0  # how often it has been taken over
    since: float = field(default_factory=time.monotonic)  # when it was last known to be ours

    @property
    def done(self) -> bool:
        return self.verdict == "sent"

    def see(self, held: Communication) -> None:
        """Take note of how it stands on the record by now: another may have been at the same step."""
        if held.owner == self.owner and held.state == "sending":
            return
        news = held.owner != self.last_owner
        self.receipt, self.reason, self.attempts = held.receipt, held.reason, held.attempts
        self.last_owner, self.intended_at = held.owner, held.intended_at
        verdict = VERDICTS.get(held.state, "again")
        # Whoever insists knew of what was unknown when he asked, not of what has come since.
        if news or not (self.insist and self.verdict == "again" and verdict == "unknown"):
            self.verdict = verdict
        if self.done:
            self.step = held.step

    def communication(self) -> Communication:
        """What the record will say of it."""
        return Communication(
            step=self.step,
            state="sent" if self.done else "unknown" if self.verdict == "unknown" else "failed",
            owner=self.owner,
            receipt=self.receipt,
            reason=self.reason,
            intended_at=self.intended_at or now(),
        )

    def set(self, *, destination: str = "", text: str = "", details: Json | None = None) -> None:
        """Fill in what was not known at the intent: the channel's id, the text with the bridge link."""
        update: Json = {"details": {**self.step.details, **(details or {})}}
        if destination:
            update["destination"] = destination
        if text:
            update["text"] = text
        self.step = self.step.model_copy(update=update)
