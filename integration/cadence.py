"""What each audience was promised, and whether it was kept. Pure: the record in, promises out.

A promise begins when the room opens and again with each update, and says by when there is news. It is
recorded when it begins; from then on what stands on the record counts, so neither a restart nor a changed
interval moves a promise that was made. A new severity may only bring it forward.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from integration import audiences
from integration.models.audience import Audience
from integration.models.base import Value
from integration.models.communication import Communication

State = Literal["open", "kept", "missed", "dropped"]
STATES: tuple[State, ...] = ("open", "kept", "missed", "dropped")
"""kept     news came in time                  missed   news came late, or the incident ended without
dropped  the incident ended before it was due"""

PURPOSES = ("update", "mail")
"""Communications that count as news."""


SAME_MOMENT = timedelta(seconds=2)
"""News that close together are one: its messages come one after the other."""


class Promise(Value):
    """News for one audience by `due`. `number` counts an audience's updates from 0."""

    incident: str
    audience: str
    began: datetime
    due: datetime
    severity: str = ""
    state: State = "open"
    settled_at: datetime | None = None  # when the news came, or the incident ended
    late: timedelta = timedelta()

    @property
    def identifier(self) -> str:
        """The same for the same promise, whoever computes it."""
        return f"{self.incident}:promise:{self.audience}:{int(self.began.timestamp() * 1000)}"

    def overdue(self, at: datetime) -> bool:
        return self.state == "open" and self.due <= at


def due(audience: Audience, severity: str, began: datetime) -> datetime | None:
    """By when there is to be news; None where nothing is promised. What falls into quiet hours waits for
    their end. Raises BadInput naming the audience."""
    interval = audiences.promise(audience, severity)
    if interval is None:
        return None
    at = began + interval
    return audiences.quiet_until(audience, severity, at) or at


def news(audience: str, communications: Iterable[Communication]) -> list[datetime]:
    """When this audience heard something, in order. What one run sent to many places is one update."""
    first: dict[str, datetime] = {}
    for one in communications:
        if one.step.audience != audience or one.step.purpose not in PURPOSES or one.state != "sent":
            continue
        at = one.receipt.at if one.receipt and one.receipt.at else one.intended_at
        first[update_of(one)] = min(at, first.get(update_of(one), at))
    return sorted(first.values())


def update_of(communication: Communication) -> str:
    """What the messages and mails of one update have in common, also when some are sent again later."""
    step = communication.step
    return str(step.details.get("update") or step.run or step.key)


def settle(
    incident: str,
    audience: Audience,
    severity: str,
    recorded: Sequence[Promise],
    heard: Sequence[datetime],
    *,
    began: datetime | None,
    ended: datetime | None,
    at: datetime,
) -> list[Promise]:
    """The promises to an audience as they stand now, oldest first.

    `recorded`: what was recorded of them; `heard`: when there was news; `began`: when the room opened.
    What is settled on the record stays so, since a search may show less than was known then. Raises
    BadInput naming the audience.
    """
    known = {one.identifier: one for one in recorded}
    # A search that lags shows a promise before the news that it began with, or a part of an update.
    starts = sorted(one.began for one in recorded)
    for start in sorted([*([began] if began else []), *heard]):
        if not any(abs(start - one) <= SAME_MOMENT for one in starts):
            starts.append(start.replace(microsecond=start.microsecond // 1000 * 1000))
    starts.sort()
    found: list[Promise] = []
    for number, start in enumerate(starts):
        promise = _made(incident, audience, severity, start, known)
        if promise is None:
            continue
        if promise.state == "open":
            following = starts[number + 1] if number + 1 < len(starts) else None
            promise = _settled(_forward(promise, audience, severity, at), following, ended)
        found.append(promise)
    return found


def next_due(promises: Iterable[Promise]) -> datetime | None:
    """The earliest that is still open, be it over time."""
    return min((one.due for one in promises if one.state == "open"), default=None)


def _made(
    incident: str, audience: Audience, severity: str, start: datetime, known: dict[str, Promise]
) -> Promise | None:
    by = due(audience, severity, start)
    fresh = Promise(
        incident=incident, audience=audience.identifier, began=start, due=by or start, severity=severity
    )
    return known.get(fresh.identifier) or (fresh if by is not None else None)


def _forward(promise: Promise, audience: Audience, severity: str, at: datetime) -> Promise:
    """A promise under a new severity: sooner, never later, and never in the past."""
    if promise.severity.casefold() == severity.casefold():
        return promise
    interval = audiences.promise(audience, severity)
    by = promise.due if interval is None else min(promise.due, max(promise.began, at) + interval)
    return promise.model_copy(update={"severity": severity, "due": by})


def _settled(promise: Promise, heard: datetime | None, ended: datetime | None) -> Promise:
    if heard is None and ended is None:
        return promise
    # News of the end itself may come a moment after it.
    over = heard or ended or promise.due
    late = max(over - promise.due, timedelta())
    state: State = "missed" if late else "kept" if heard else "dropped"
    return promise.model_copy(update={"state": state, "settled_at": over, "late": late})
