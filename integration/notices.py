"""Changes of an incident that people are told of by themselves: status, severity, owner. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from integration.models.base import Json, Value
from integration.models.communication import Communication
from integration.models.incident import Incident
from integration.times import when

Field = Literal["status", "severity", "owner"]
PURPOSE = "status notice"
WAITS = "waits until "
"""How the reason begins of a notice that is kept back a while; what still holds then goes out by itself."""
IN_PLACE = timedelta(minutes=10)  # a younger notice that was undone is changed where it stands

_INPUTS: dict[Field, tuple[str, str]] = {
    "status": ("from", "to"),
    "severity": ("severityFrom", "severityTo"),
    "owner": ("ownerFrom", "ownerTo"),
}


class Change(Value):
    """One field of an incident that says something else now."""

    field: Field
    before: str = ""
    after: str


def changes(inputs: Json) -> tuple[Change, ...]:
    """What the automation says has changed. Upper and lower case don't count."""
    found = []
    for field, (earlier, later) in _INPUTS.items():
        before, after = (str(inputs.get(name) or "") for name in (earlier, later))
        if after and before.casefold() != after.casefold():
            found.append(Change(field=field, before=before, after=after))
    return tuple(found)


def value(incident: Incident, field: Field) -> str:
    return {"status": incident.status, "severity": incident.severity, "owner": incident.owner}[field]


def stands(change: Change, incident: Incident) -> bool:
    """Whether the incident still says so."""
    return value(incident, change.field).casefold() == change.after.casefold()


def merged(earlier: Sequence[Change], later: Sequence[Change]) -> tuple[Change, ...]:
    """What two changes come to for who has heard of neither; nothing of what has come back."""
    found = {change.field: change for change in earlier}
    for change in later:
        first = found.get(change.field, change)
        found[change.field] = change.model_copy(update={"before": first.before})
    return tuple(one for one in found.values() if one.before.casefold() != one.after.casefold())


def told(communication: Communication) -> tuple[Change, ...]:
    """What a notice on the record tells; one of an earlier version tells of the status."""
    details = communication.step.details
    listed = details.get("changes")
    if isinstance(listed, list):
        return tuple(Change.model_validate(one) for one in listed if isinstance(one, dict))
    return (Change(field="status", after=str(details["to"])),) if details.get("to") else ()


def waiting(communication: Communication) -> datetime | None:
    """Until when a notice is kept back; None for one that is not, or that the pause switch holds."""
    if communication.state != "held" or not communication.reason.startswith(WAITS):
        return None
    return when(communication.step.details.get("notBefore"))


def notices(record: Iterable[Communication], destination: str) -> list[Communication]:
    """The notices to one destination, oldest first."""
    found = [one for one in record if one.step.purpose == PURPOSE and one.step.destination == destination]
    return sorted(found, key=lambda one: one.intended_at)


def restless(
    changed: Sequence[Change], earlier: Iterable[Communication], at: datetime, calm: timedelta, key: str = ""
) -> bool:
    """Whether one of these fields was told, or kept back, a moment ago: then the next is told when it stands
    still. `key`: of the notice itself."""
    fields = {change.field for change in changed}
    return any(
        one.step.key != key
        and at - one.intended_at < calm
        and one.state in ("sent", "sending", "held")
        and fields & {change.field for change in told(one)}
        for one in earlier
    )


def undone(changed: Sequence[Change], earlier: Sequence[Communication], at: datetime) -> Communication | None:
    """The last notice, where these changes only take back what it told: it reads better changed than
    followed by another."""
    sent = [one for one in earlier if one.state == "sent" and one.step.operation == "post_message"]
    if not sent or len(changed) != 1 or at - sent[-1].intended_at > IN_PLACE:
        return None
    last, (change,) = told(sent[-1]), changed
    if len(last) != 1 or last[0].field != change.field or sent[-1].receipt is None:
        return None
    return sent[-1] if last[0].before.casefold() == change.after.casefold() else None


def first_message(record: Iterable[Communication], channel: str) -> str:
    """The ts of the first message about the incident in a channel: what follows belongs under it. Empty
    where there is none."""
    found = [
        one
        for one in record
        if one.step.operation == "post_message"
        and one.step.destination == channel
        and one.state == "sent"
        and one.receipt is not None
        and not one.step.details.get("thread")
    ]
    first = min(found, key=lambda one: one.intended_at, default=None)
    return str(first.receipt.data.get("ts") or "") if first and first.receipt else ""
