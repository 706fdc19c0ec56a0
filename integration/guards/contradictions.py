"""What a public post says, held against what is known inside. Pure: the caller reads, this judges.

It judges the page as it would stand after the post, so the same check finds what has drifted apart with no
post at all: the public incident as it is, against the incident as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from integration.guard_rules import WEIGHTS, GuardRule, Weight
from integration.guards.claims import Said, contradicted
from integration.guards.finding import Finding, finding
from integration.models.base import Value

NAME_LIMIT = 255  # Statuspage: characters of an incident's name
BODY_LIMIT = 25_000  # Statuspage: characters of an update's body

Impact = Literal["none", "minor", "major", "critical"]
_IMPACTS: tuple[str, ...] = ("none", "minor", "major", "critical")
_OVER = ("resolved", "completed", "postmortem")
_WORKED_ON = ("investigating", "identified", "monitoring")
# How far an incident is, in the words that incident tools use.
_PROGRESS: Mapping[str, int] = {
    "open": 0, "new": 0, "triggered": 0, "declared": 0, "detected": 0, "triage": 0, "investigating": 0,
    "acknowledged": 0, "active": 0, "identified": 1, "fixing": 1, "mitigating": 1, "monitoring": 2,
    "mitigated": 2, "fixed": 2, "stable": 2, "recovering": 2, "watching": 2,
}  # fmt: skip
# The least a component must show for an impact on the page to be believed.
_WORST: Mapping[str, int] = {
    "operational": 0,
    "under_maintenance": 0,
    "degraded_performance": 1,
    "partial_outage": 2,
    "major_outage": 3,
}

_MARKUP = re.compile(r"</?[a-z][a-z0-9]{0,20}(?:\s[^<>]{0,2000})?/?>|<!--", re.I)
_SLACK = re.compile(r"<(?:https?://|mailto:|[@#!])[^<>\s]{1,2000}>")
# What the writer of a public text forgot to fill in or take out; none of these is a note about this code.
_LEFT_OVER = re.compile(
    r"\{\{[^{}\n]{0,200}\}\}|\{%[^{}\n]{0,200}%\}|\[(?:insert|todo|tbd|your|time|date|component"
    r"|service|x+)\b[^\]\n]{0,60}\]"
    # In small letters "todo" is a word of several languages, and "TBD" is what customers may be told.
    r"|\b(?:(?-i:TODO|FIXME|XXX+)|lorem ipsum)\b|<(?:insert|todo|tbd|time|date|component"
    r"|service)[^<>\n]{0,60}>",
    re.I,
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_BEGAN = re.compile(
    r"\b(?:since|began|begun|started|starting|beginning|from|between|first (?:seen|noticed|observed))\b"
    r"(?:\s(?:at|on|around|about|approximately|roughly|~)){0,3}\s?"
    r"(?:(?P<date>\d{4}-\d\d-\d\d)[T ,]{1,2}(?:at )?)?~?(?P<hour>\d{1,2}):(?P<minute>\d\d)"
    r"(?::\d\d)?\s?(?P<half>[ap]\.?m\.?)?"
    r"(?P<until>\s?(?:-|–|to|and|until)\s?\d{1,2}:\d\d(?::\d\d)?\s?(?:[ap]\.?m\.?)?)?"
    r"\s?\(?(?P<zone>UTC|GMT|Z|EST|EDT|CST|CDT|MST|MDT|PST|PDT|CET|CEST|BST|WET|EET|EEST|JST"
    r"|[+-]\d\d:?\d\d)?\b",
    re.I,
)  # fmt: skip
_ZONES: Mapping[str, float] = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "JST": 9,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip


class Public(Value):
    """The public incident as it will stand. `components`: id -> status of each that it lists or changes."""

    name: str = ""
    body: str = ""
    status: str = ""  # investigating | identified | monitoring | resolved | scheduled … | postmortem
    impact: str = ""  # none | minor | major | critical; empty where the page works it out
    components: Mapping[str, str] = {}
    held: frozenset[str] = frozenset()  # components that another open incident or a maintenance holds
    started_at: datetime | None = None  # what the page shows as its beginning
    limits: bool = True  # whether words are about to be written
    titled: bool = True  # whether the title is among them
    stands: bool = False  # whether the page says so already


class Inside(Value):
    """The incident as we know it."""

    status: str = ""
    severity: str = ""
    closed: bool = False
    closed_at: datetime | None = None  # since when it is closed, where that is known
    private: bool = False
    started_at: datetime | None = None


class Rules(Value):
    """The customer's settings for these checks. Minutes are how far two times may lie apart."""

    weights: Mapping[GuardRule, Weight] = WEIGHTS
    impacts: Mapping[str, str] = {}  # severity -> impact that customers are shown
    late_minutes: float = 30
    start_minutes: float = 30


def contradictions(
    public: Public, inside: Inside, notes: Sequence[Said] = (), *, now: datetime, rules: Rules | None = None
) -> tuple[Finding, ...]:
    """Each reason why `public` does not fit what is known inside, the blocking ones first."""
    rules = rules or Rules()
    found = [
        told
        for rule, reason in _reasons(public, inside, notes, now, rules)
        if (told := finding(rule, reason, rules.weights))
    ]
    return tuple(sorted(found, key=lambda one: not one.blocking))


def progress(status: str) -> int | None:
    """How far an incident of that status is: 0 looked into, 1 understood, 2 watched; None for other words."""
    return _PROGRESS.get(status.lower())


def _reasons(
    public: Public, inside: Inside, notes: Sequence[Said], now: datetime, rules: Rules
) -> Iterator[tuple[GuardRule, str]]:
    if inside.private:
        yield "private", "the incident is private: nothing of it goes on a public page"
    yield from _state(public, inside, now, rules)
    yield from _components(public)
    yield from _impact(public, inside, rules)
    for one in contradicted(f"{public.name}\n{public.body}", notes):
        when = f"{one.said_at.astimezone(UTC):%H:%M} UTC"
        yield (
            "claim",
            f"the text says “{one.claim}”; of {one.subject} a note of {when} says “{one.note}”",
        )
    yield from _start(public, inside, rules)
    if public.limits:
        yield from _limits(public)


def _state(public: Public, inside: Inside, now: datetime, rules: Rules) -> Iterator[tuple[GuardRule, str]]:
    stands, says = inside.status or "open", "says" if public.stands else "would say"
    if public.status in _OVER and not inside.closed:
        yield "resolved early", f"the page {says} {public.status} while the incident is still {stands}"
    if public.status in _WORKED_ON and inside.closed:
        since = inside.closed_at
        if since is not None and now - since > timedelta(minutes=rules.late_minutes):
            yield (
                "resolved late",  # its words stay the same while it lasts
                f"the incident is {stands} since {_told(since)} and the page says {public.status}",
            )
    if not inside.closed and public.status in _WORKED_ON:
        known = _PROGRESS.get(inside.status.lower())
        if known is not None and _PROGRESS[public.status] - known >= 2:
            yield "status ahead", f"the page {says} {public.status} while the incident is {stands}"


def _components(public: Public) -> Iterator[tuple[GuardRule, str]]:
    if public.status not in _OVER:
        return
    left = sorted(
        f"{identifier} ({status.replace('_', ' ')})"
        for identifier, status in public.components.items()
        if status not in ("", "operational") and identifier not in public.held
    )
    if left:
        says, leave = ("says", "leaves") if public.stands else ("would say", "leave")
        yield "components", f"the page {says} {public.status} and {leave} {', '.join(left)}"


def _impact(public: Public, inside: Inside, rules: Rules) -> Iterator[tuple[GuardRule, str]]:
    wanted = {severity.lower(): impact for severity, impact in rules.impacts.items()}.get(
        inside.severity.lower(), ""
    )
    if wanted not in _IMPACTS or public.status not in _WORKED_ON:
        return
    shows = "shows" if public.stands else "would show"
    if public.impact in _IMPACTS and public.impact != wanted:
        how = "less" if _IMPACTS.index(public.impact) < _IMPACTS.index(wanted) else "more"
        yield (
            "impact",
            f"the page {shows} impact {public.impact}, {how} than {inside.severity} means ({wanted})",
        )
    shown = [_WORST.get(status, 0) for status in public.components.values()]
    if shown and max(shown) == 0 and _IMPACTS.index(wanted) >= 2:
        yield "impact", f"every component {shows} as operational while the incident is {inside.severity}"


def _start(public: Public, inside: Inside, rules: Rules) -> Iterator[tuple[GuardRule, str]]:
    if inside.started_at is None:
        return
    began = inside.started_at.astimezone(UTC)
    apart = timedelta(minutes=rules.start_minutes)
    if public.started_at is not None and abs(public.started_at - began) > apart:
        yield "start", f"the page would begin at {_told(public.started_at)}, the incident at {_told(began)}"
    for match in _BEGAN.finditer(public.body):
        said = _moment(match, began)
        if said is not None and abs(said - began) > apart:
            yield "start", f"the text says “{match.group(0)}”, the incident began at {_told(began)}"
            return


def _moment(match: re.Match[str], near: datetime) -> datetime | None:
    """The time that was written, on the day nearest to `near`; None where its zone is not told."""
    zone = (match.group("zone") or "").upper()
    if not zone:
        return None
    if zone in _ZONES:
        offset = timedelta(hours=_ZONES[zone])
    else:
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
    hour, minute = int(match.group("hour")), int(match.group("minute"))
    if half := (match.group("half") or "").lower():
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    if hour > 23 or minute > 59:
        return None
    if match.group("date"):
        try:
            day = datetime.fromisoformat(match.group("date")).replace(tzinfo=UTC)
        except ValueError:
            return None
        return day + timedelta(hours=hour, minutes=minute) - offset
    day = near.replace(hour=0, minute=0, second=0, microsecond=0)
    at = timedelta(hours=hour, minutes=minute) - offset
    return min((day + timedelta(days=shift) + at for shift in (-1, 0, 1)), key=lambda one: abs(one - near))


def _told(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _limits(public: Public) -> Iterator[tuple[GuardRule, str]]:
    written = [("text", public.body, BODY_LIMIT)]
    if public.titled:
        written.insert(0, ("title", public.name, NAME_LIMIT))
    for what, text, limit in written:
        if not text.strip():
            yield "limits", f"the {what} is empty"
        if len(text) > limit:
            yield "limits", f"the {what} has {len(text):,} characters; the page takes {limit:,}"
        for pattern, problem in (
            (_MARKUP, "has HTML in it"),
            (_SLACK, "has Slack's markup in it"),
            (_LEFT_OVER, "has a place that was not filled in"),
            (_CONTROLS, "has characters that can't be shown"),
        ):
            if match := pattern.search(text):
                yield "limits", f"the {what} {problem} ({match.group(0)[:40]!r})"
    if public.titled and "\n" in public.name.strip():
        yield "limits", "the title is more than one line"
