"""What keeps a text from an audience: what its readers may not know, and when they sleep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from actions.base import text_input
from actions.delivery import flag
from integration import audiences, guards
from integration.errors import BadInput
from integration.guards import Leak, Words
from integration.models.audience import Audience
from integration.models.base import Json
from integration.models.incident import Incident
from integration.models.run import Command
from integration.times import iso

OVERRIDE_LIMIT = 500
_SHOWN = 10  # leaks told one by one


def blocked_by(audience: str, found: Sequence[Leak]) -> list[str]:
    """Each leak with its span and the reason, in sentences."""
    told = [
        f"{audience} may not read “{leak.text[:80]}” (at {leak.start + 1} to {leak.end}), {leak.reason}"
        for leak in found[:_SHOWN]
    ]
    return told + ([f"{audience}: and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else [])


def spans(found: Sequence[Leak]) -> list[Json]:
    """The leaks for the record, without what a secret says."""
    return [
        {
            "start": leak.start,
            "end": leak.end,
            "kind": leak.kind,
            "text": "" if leak.kind == "secret" else leak.text[:200],
        }
        for leak in found
    ]


def released(command: Command, audience: Audience, text: str, words: Words) -> Json:
    """What the record says of a text that goes out although the leak check found something; nothing where
    it found nothing.

    Raises BadInput with every span, its reason and the cleaned text when nobody has taken it upon himself.
    """
    found = guards.leaks(text, knows=audience.knows, words=words)
    if not found:
        return {}
    why = text_input(command, "override", OVERRIDE_LIMIT)
    if why and command.by_person:
        return {"override": {"by": command.requested_by, "reason": why, "leaks": spans(found)}}
    told = "; ".join(blocked_by(audience.identifier, found))
    clean = guards.cleaned(text, found)
    raise BadInput(
        "text",
        f"blocked: {told}. Send the cleaned text, or say in “Send it all the same” why it may go out. "
        f"Cleaned text:\n{clean}",
    )


def awake(command: Command, audience: Audience, incident: Incident, at: datetime) -> None:
    """Raises BadInput when the audience has quiet hours and nobody said that it is to be woken."""
    until = audiences.quiet_until(audience, incident.severity, at)
    if until is None or flag(command, "alsoQuiet", default=False):
        return
    zone = ZoneInfo(str(audience.quiet.get(audiences.TIME_ZONE) or "UTC"))
    here = until.astimezone(zone)
    raise BadInput(
        "alsoQuiet",
        f"{audience.identifier} has quiet hours for {incident.severity or 'this'} until {here:%H:%M} "
        f"{here.tzname()} ({iso(until)}); choose “Also in quiet hours” to send it now",
    )
