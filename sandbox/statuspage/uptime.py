"""Uptime from what a component's status really was. A partial outage counts 30 %, as the vendor counts it."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.statuspage import errors, fields
from sandbox.statuspage.state import Component, Group
from sandbox.wire import Call
from sandbox.world import Json, iso

DAY = 86_400.0
PARTIAL_WEIGHT = 0.3


def component(one: Component, call: Call, now: float) -> Json:
    """The ComponentUptime body for the range asked for: the last 90 days, or since the component started."""
    start, end = _range(call, now)
    major, partial = _seconds(one, start, end, now)
    shown = {**_figures(start, end, major, partial, 1), "id": one.id, "name": one.name}
    return {**shown, "related_events": None}


def group(one: Group, members: list[Component], call: Call, now: float) -> Json:
    """The ComponentGroupUptime body: the mean of the members, without `related_events`."""
    start, end = _range(call, now)
    spans = [_seconds(c, start, end, now) for c in members]
    major, partial = sum(s[0] for s in spans), sum(s[1] for s in spans)
    return {**_figures(start, end, major, partial, max(len(members), 1)), "id": one.id, "name": one.name}


def _range(call: Call, now: float) -> tuple[float, float]:
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    end = _day(call, "end", today)
    start = _day(call, "start", end - 90 * DAY)
    if end < start:
        raise errors.invalid(["End date must not be before start date"])
    if end - start > 184 * DAY:
        raise errors.invalid(["The maximum supported date range is six calendar months"])
    return start, min(end, today)


def _day(call: Call, name: str, default: float) -> float:
    given = call.query.get(name)
    if not given:
        return default
    found = fields.epoch(given)
    if found is None:
        raise errors.invalid([f"{name.capitalize()} is invalid"])
    return found - found % DAY


def _seconds(one: Component, start: float, end: float, now: float) -> tuple[float, float]:
    """Seconds of major and of partial outage within the range, whose last day is included."""
    last = min(end + DAY, now)
    major = partial = 0.0
    for index, (since, status) in enumerate(one.history):
        until = one.history[index + 1][0] if index + 1 < len(one.history) else now
        span = max(0.0, min(until, last) - max(since, start))
        if status == "major_outage":
            major += span
        elif status == "partial_outage":
            partial += span
    return major, partial


def _figures(start: float, end: float, major: float, partial: float, members: int) -> Json:
    whole = (end + DAY - start) * members
    percentage = 100.0 * (1.0 - (major + PARTIAL_WEIGHT * partial) / whole)
    return {
        "range_start": iso(start),
        "range_end": iso(end),
        "uptime_percentage": round(percentage, 4),
        "major_outage": round(major),
        "partial_outage": round(partial),
        "warnings": None,
    }
