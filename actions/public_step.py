"""Public words as one step of the record, whatever is said by them."""

from __future__ import annotations

from typing import NamedTuple

from actions.public_consent import Consent
from actions.public_guards import Judged
from integration.models.base import Json
from integration.models.communication import Operation, Step
from integration.models.run import Command


class Said(NamedTuple):
    """What is said by an operation: its words, to whom, and on what grounds."""

    body: str
    notify: bool  # whether subscribers get a message
    consent: Consent
    judged: Judged

    def told(self) -> tuple[str, ...]:
        """For the run's log, a sentence each."""
        subscribers = f"Subscribers are {'told' if self.notify else 'not told'}."
        return (subscribers, self.consent.told(), *self.judged.told())


def public_step(
    command: Command,
    said: Said,
    *,
    operation: Operation,
    purpose: str,
    key: str,
    page: str,
    details: Json,
    replaces: str = "",
) -> Step:
    """`details`: `status`, `components`, and what the operation needs besides."""
    return Step(
        key=key,
        replaces=replaces,
        operation=operation,
        purpose=purpose,
        incident=command.incident,
        destination=page,
        text=said.body,
        requested_by=command.requested_by,
        approved_by=said.consent.by,
        run=command.run,
        details={
            "page": page,
            "notify": said.notify,
            **details,
            **said.judged.details(),
            **said.consent.details(),
        },
    )
