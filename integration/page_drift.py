"""What a public incident says that we did not say: edits made on the page by hand. Pure.

Each difference is one line of words for a person. A line is stable as long as the difference is, so that
accepting it can be remembered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from integration.entities import text_hash
from integration.models.base import Json
from integration.models.communication import Communication
from integration.models.statuspage import PublicIncident, PublicUpdate
from integration.times import iso, when

QUOTED = 120  # characters of somebody's words in a line
LINES = 20


def drift(
    public: PublicIncident,
    said: Iterable[Communication],
    explained: Callable[[str, str], bool] = lambda component, state: False,
) -> list[str]:
    """`said`: what is on our record as sent of this public incident, and nothing else. `explained`: whether
    a component is in a state by the doing of another incident of ours."""
    ours = sorted(said, key=lambda one: one.intended_at)
    if not ours or not any(
        one.step.operation in ("publish_incident", "schedule_maintenance") for one in ours
    ):
        return []  # opened by hand: there is nothing to hold it against
    lines = [*_standing(public, ours), *_updates(public, ours)]
    if not public.over:
        lines += [
            f"{public.component_names.get(one) or one} is {state}; this incident set it to {set_to}."
            for one, state, set_to in otherwise(public, ours)
            if not explained(one, state)
        ]
    more = len(lines) - LINES
    return [*lines[:LINES], *([f"{more} more differences."] if more > 0 else [])]


def line_hash(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()[:16]


def _standing(public: PublicIncident, ours: Sequence[Communication]) -> list[str]:
    lines: list[str] = []
    details = [one.step.details for one in ours]
    name = next((one["name"] for one in reversed(details) if one.get("name")), "")
    if name and public.name != name:
        lines.append(f"The title is “{_short(public.name)}”; we published “{_short(name)}”.")
    status = str(details[-1].get("status") or "")
    if status and public.status != status and not (_automatic(details) and public.scheduled_for):
        lines.append(f"It is {public.status}; we said {status} last.")
    window = next((one["window"] for one in reversed(details) if one.get("window")), None)
    if isinstance(window, dict):
        for field, shown in (("start", public.scheduled_for), ("end", public.scheduled_until)):
            planned = when(window.get(field))
            if shown is not None and planned is not None and abs((shown - planned).total_seconds()) > 1:
                lines.append(f"The {field} of the maintenance is {iso(shown)}; we announced {iso(planned)}.")
    return lines


def _updates(public: PublicIncident, ours: Sequence[Communication]) -> list[str]:
    lines: list[str] = []
    by_id = {update.id: update for update in public.updates}
    known: set[str] = set()
    details = [one.step.details for one in ours]
    for one in ours:
        data: Json = one.receipt.data if one.receipt else {}
        told = str(data.get("update") or "")
        if not told:
            continue
        known.add(told)
        if told not in by_id:
            lines.append(f"Our words “{_short(one.step.text)}” were taken off the page.")
        elif data.get("textHash") and text_hash(by_id[told].body) != data["textHash"]:
            lines.append(f"Our words “{_short(one.step.text)}” were changed to “{_short(by_id[told].body)}”.")
    after = any(one.step.operation == "publish_postmortem" for one in ours)
    for update in reversed(public.updates):  # oldest first
        ours_otherwise = (update.status == "postmortem" and after) or (
            _automatic(details) and update.status in ("in_progress", "completed")
        )
        if update.id not in known and not ours_otherwise:
            lines.append(
                f"{_at(update)}somebody wrote on the page ({update.status}): “{_short(update.body)}”."
            )
    return lines


def otherwise(public: PublicIncident, said: Iterable[Communication]) -> list[tuple[str, str, str]]:
    """The components that are in another state than what was `said` last has set them to: id, the state it
    is in, the one that was set."""
    set_to: dict[str, str] = {}
    for one in sorted(said, key=lambda one: one.intended_at):
        set_to |= one.step.details.get("components") or {}
    return [
        (one, state, set_to[one])
        for one, state in public.components.items()
        if one in set_to and state != set_to[one]
    ]


def _automatic(details: Sequence[Json]) -> bool:
    """Whether the page itself begins and ends it, in our name."""
    return any((one.get("window") or {}).get("automatic") is True for one in details)


def _at(update: PublicUpdate) -> str:
    return f"At {update.created_at:%Y-%m-%d %H:%M} UTC " if update.created_at else ""


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"
