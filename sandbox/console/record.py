"""What was communicated about an incident, as rows for a person: what, to whom, how, by whom, when, with
what outcome. Reads entities by the usual names of such a record and leaves empty what is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Names = Callable[[str], str]
"""A name people know for an id or address; the thing itself where there is none."""

_SHOWN = 400  # characters of one value of a receipt


@dataclass
class Row:
    """One communication. `at` is when it was sent, or meant; `receipt` what the provider answered."""

    id: str
    what: str
    text: str
    audience: str
    where: str
    medium: str
    requested_by: str
    approved_by: str
    at: str
    state: str
    reason: str
    link: str
    receipt: list[tuple[str, str]]
    sent: bool


def rows(communications: list[Json], person: Names, place: Names) -> list[Row]:
    """In order of time. `person` names who asked and approved, `place` channels and pages."""
    found = [_row(one, person, place) for one in communications]
    return sorted(found, key=lambda row: row.at)


def _row(entity: Json, person: Names, place: Names) -> Row:
    p = entity["properties"]
    receipt = p.get("receipt")
    return Row(
        id=str(entity["identifier"]),
        what=_text(p.get("purpose") or p.get("operation") or entity.get("title") or entity["identifier"]),
        text=_text(p.get("text")),
        audience=_text(p.get("audience")),
        where=place(_text(p.get("destination"))),
        medium=_text(p.get("medium")),
        requested_by=person(_text(p.get("requestedBy"))),
        approved_by=person(_text(p.get("approvedBy"))),
        at=_text(p.get("sentAt") or p.get("intendedAt") or entity.get("createdAt")),
        state=_text(p.get("state")) or "?",
        reason=_text(p.get("reason")),
        link=_text(p.get("permalink")),
        receipt=[(str(k), _text(v)[:_SHOWN]) for k, v in receipt.items()]
        if isinstance(receipt, dict)
        else [],
        sent=bool(p.get("sentAt")),
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)
