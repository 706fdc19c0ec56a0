"""Late is not always better: what was overtaken while nobody was there is not sent by itself any more.

Only of runs that are taken up again after they were cut off: whoever presses a button now wants it now. What
is overtaken stands on the record as `superseded` with the reason, and a person can still send it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from actions.base import Kit
from integration import plan
from integration.claim import Claim
from integration.errors import BadInput
from integration.models.communication import Communication
from integration.models.incident import Incident
from integration.models.run import Command
from integration.times import now

MAX_DELAY = timedelta(minutes=10)  # what is said later than this is no news any more
_WORDS = ("update", "mail")  # words of people, of which the newest counts


def resumed(command: Command) -> bool:
    """Whether this run was cut off before."""
    return command.door == "sweeper"


def too_late(asked_at: datetime | None) -> str:
    """Why words asked for then go out no more by themselves; empty while they are news."""
    if asked_at is None or now() - asked_at <= MAX_DELAY:
        return ""
    minutes = int((now() - asked_at).total_seconds() // 60)
    return f"overtaken: it was asked for {minutes} minutes ago, and nobody was there to send it"


def closed_since(kit: Kit, command: Command, incident: Incident) -> str:
    """Why words about an incident that has ended since are not sent; empty where it has not."""
    if not plan.is_closed(incident, kit.settings):
        return ""
    before = command.asked_of
    if before is not None:
        try:
            if plan.is_closed(kit.catalog.reader.read(before), kit.settings):
                return ""  # it was over when they were asked for
        except BadInput:
            return ""
    return f"overtaken: {incident.identifier} is {incident.status} by now"


async def overtaken(
    kit: Kit, command: Command, incident: Incident, claims: Sequence[Claim]
) -> dict[str, str]:
    """Why each claim of a run that is taken up again is not to be done any more, by its key."""
    if not resumed(command) or all(claim.done for claim in claims):
        return {}
    record = await kit.catalog.communications(incident.identifier)
    ended = closed_since(kit, command, incident)
    if any(claim.step.operation == "resolve_incident" for claim in claims):
        ended = ""  # that is what it waits for
    found: dict[str, str] = {}
    for claim in claims:
        asked_at = command.asked_at or claim.intended_at
        reason = ended or too_late(asked_at) or _newer(claim, record, asked_at)
        if reason and not claim.done:
            found[claim.step.key] = reason
    return found


def _newer(claim: Claim, record: Sequence[Communication], asked_at: datetime | None) -> str:
    """Why newer words to the same readers make these old; empty where there are none."""
    step = claim.step
    if step.purpose not in _WORDS or asked_at is None:
        return ""
    newer = [
        one
        for one in record
        if one.step.purpose == step.purpose
        and one.step.destination == step.destination
        and one.step.run != step.run
        and one.state in ("sent", "sending", "unknown")
        and one.intended_at > asked_at
    ]
    if not newer:
        return ""
    return f"overtaken: {max(newer, key=lambda one: one.intended_at).step.key} is newer"


async def withdraw(kit: Kit, command: Command, reason: str) -> None:
    """End what an earlier, cut off attempt at this run has left: it is wanted no more."""
    if not (resumed(command) and command.run):
        return
    for one in await kit.catalog.communications(command.incident):
        if one.step.run == command.run and one.state == "sending":
            await kit.performer.reconcile(one, reason, "withdrawn")
