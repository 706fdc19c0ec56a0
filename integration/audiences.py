"""What an audience's rules, promises and hours mean for one incident. Pure.

Rules are a query in Port's search form over the incident entity. They are run here and not by Port's
search, which shows the past and never says why: of each rule it is told what the incident has instead.
A property that the entity lacks is looked for among what the settings' jq reads from it, so `severity`,
`status` and `services` mean the same whatever the customer's blueprint calls them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integration.entities import text_of, texts_of
from integration.errors import BadInput
from integration.models.audience import Audience
from integration.models.base import Json, Value
from integration.models.incident import Incident
from integration.plan import linked_channel

ANY_OTHER = "*"
TIME_ZONE = "timeZone"
LANGUAGES = ("en", "de", "es", "fr")
TONES = ("plain", "warm", "formal")
_DEPTH = 8  # groups within groups
_RULES = 100
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]\d|2[0-3]):([0-5]\d)")
_LONGEST_PROMISE = 60 * 24 * 30  # minutes


class Reach(Value):
    """Whether an incident concerns an audience. `why`: a line for each rule, with what the incident has."""

    reached: bool
    why: tuple[str, ...] = ()


def reach(audience: Audience, incident: Incident, entity: Json) -> Reach:
    """Raises BadInput naming the audience and the rule that can't be read."""
    if not audience.reach:
        return Reach(reached=True, why=("no rules: every incident",))
    why: list[str] = []
    where = f"audience {audience.identifier}, reach"
    reached = _group(audience.reach, _Facts(incident, entity), where, why, 0)
    return Reach(reached=reached, why=tuple(why))


def promise(audience: Audience, severity: str) -> timedelta | None:
    """How long this audience waits for news at most; None where it is promised none.

    Raises BadInput naming the audience when the minutes are no number above 0.
    """
    minutes = _by_severity(audience.promised, severity)
    if minutes is None:
        return None
    where = f"audience {audience.identifier}, promisedMinutes"
    if isinstance(minutes, bool) or not isinstance(minutes, (int, float)):
        raise BadInput(where, f"{minutes!r} is no number of minutes")
    if not 0 < minutes <= _LONGEST_PROMISE:
        raise BadInput(where, f"{minutes:g} minutes: at most a month, and more than none")
    return timedelta(minutes=minutes)


def quiet_until(audience: Audience, severity: str, at: datetime) -> datetime | None:
    """When the quiet hours end that `at` falls into; None when it is in none.

    Hours that begin later than they end go over midnight; equal ones are the whole day. Raises BadInput
    naming the audience.
    """
    hours = _by_severity(audience.quiet, severity)
    if hours is None:
        return None
    where = f"audience {audience.identifier}, quietHours"
    found = _HOURS.fullmatch(hours.strip()) if isinstance(hours, str) else None
    if found is None:
        raise BadInput(where, f"{hours!r} is not of the form 22:00-07:00")
    begin = time(int(found[1]), int(found[2]))
    end = time(int(found[3]), int(found[4]))
    zone = _zone(where, audience.quiet.get(TIME_ZONE))
    here = at.astimezone(zone)
    if begin < end:
        inside, days = begin <= here.time() < end, 0
    else:
        inside = here.time() >= begin or here.time() < end
        days = 1 if here.time() >= begin else 0
    if not inside:
        return None
    # On the wall clock: a night in which the clocks are changed is an hour longer or shorter.
    over = datetime.combine(here.date() + timedelta(days=days), end, zone).astimezone(at.tzinfo)
    return over if over > at else None


def channel_of(value: str) -> str:
    """The channel's ID, of an ID or a link. Raises BadInput for a name, which changes with every rename."""
    try:
        return linked_channel(value)
    except BadInput:
        hint = "write the channel's ID (C0123ABCDEF): names change"
        raise BadInput("slackChannels", f"{value!r} is no ID and no link of a channel; {hint}") from None


def problems(audience: Audience, at: datetime) -> list[str]:
    """Everything about an audience that a person has to mend, in sentences."""
    found: list[str] = []

    def tried(work: Callable[[], object]) -> None:
        try:
            work()
        except BadInput as problem:
            found.append(str(problem))

    tried(partial(reach, audience, Incident(identifier="none"), {}))
    for severity in {*audience.promised, *audience.quiet} - {TIME_ZONE}:
        tried(partial(promise, audience, severity))
        tried(partial(quiet_until, audience, severity, at))
    for channel in audience.slack_channels:
        tried(partial(channel_of, channel))
    for field, value, known in (("language", audience.language, LANGUAGES), ("tone", audience.tone, TONES)):
        if value not in known:
            found.append(f"audience {audience.identifier}, {field}: {value!r} is none of {', '.join(known)}")
    return list(dict.fromkeys(found))


def _by_severity(values: Json, severity: str) -> Any:
    known = {str(name).casefold(): value for name, value in values.items()}
    return known.get(severity.casefold(), known.get(ANY_OTHER)) if severity else known.get(ANY_OTHER)


def _zone(where: str, name: Any) -> ZoneInfo:
    try:
        return ZoneInfo(text_of(name) or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(where, f"{name!r} is no time zone; write it as in Europe/Berlin") from None


# --- rules -----------------------------------------------------------------------------------------


class _Facts:
    """The incident's values by the names that rules use."""

    def __init__(self, incident: Incident, entity: Json) -> None:
        self._properties: Json = entity.get("properties") or {}
        self._relations: Json = entity.get("relations") or {}
        self._entity = entity
        self._known: Mapping[str, Any] = {
            "title": incident.title,
            "status": incident.status,
            "severity": incident.severity,
            "services": list(incident.services),
            "responders": list(incident.people),
            "private": incident.private,
        }

    def value(self, name: str) -> Any:
        if name.startswith("$"):
            key = "team" if name == "$team" else name[1:]
            return self._entity.get(key)
        for values in (self._properties, self._relations, self._known):
            if values.get(name) not in (None, [], ""):
                return values[name]
        return None

    def relation(self, name: str) -> Any:
        return self._relations.get(name) or self._known.get(name)


def _group(query: Any, facts: _Facts, where: str, why: list[str], depth: int) -> bool:
    if not isinstance(query, dict) or not isinstance(query.get("rules"), list):
        raise BadInput(where, 'expected {"combinator": "and", "rules": [...]}')
    combinator = query.get("combinator", "and")
    if combinator not in ("and", "or"):
        raise BadInput(where, f"combinator {combinator!r} is neither and nor or")
    if depth > _DEPTH or len(query["rules"]) > _RULES:
        raise BadInput(where, f"at most {_RULES} rules, {_DEPTH} groups deep")
    said = [
        _group(rule, facts, f"{where}.rules[{number}]", why, depth + 1)
        if isinstance(rule, dict) and "rules" in rule
        else _rule(rule, facts, f"{where}.rules[{number}]", why)
        for number, rule in enumerate(query["rules"])
    ]
    return all(said) if combinator == "and" else any(said) or not said


def _rule(rule: Any, facts: _Facts, where: str, why: list[str]) -> bool:
    if not isinstance(rule, dict):
        raise BadInput(where, f"expected a rule, got {type(rule).__name__}")
    name = rule.get("property") or rule.get("relation")
    if not isinstance(name, str):
        raise BadInput(where, "a rule names a property or a relation")
    operator = rule.get("operator")
    test = _TESTS.get(operator) if isinstance(operator, str) else None
    if test is None:
        known = ", ".join(_TESTS)
        raise BadInput(where, f"operator {operator!r} can't be used here; known: {known}")
    if "value" not in rule and operator not in ("isEmpty", "isNotEmpty"):
        raise BadInput(where, f"operator {operator} needs a value")
    actual = facts.relation(name) if "relation" in rule else facts.value(name)
    met = test(actual, rule.get("value"))
    wanted = _shown(rule["value"]) if "value" in rule else ""
    why.append(f"{'✔' if met else '✘'} {name} is {_shown(actual)}: {operator} {wanted}".rstrip())
    return met


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_shown(one) for one in value[:10]) or "empty"
    if value is None or value == "":
        return "empty"
    return str(value)[:100]


def _plain(value: Any) -> Any:
    """Text is compared without regard to case, as severities and statuses are everywhere here."""
    return value.casefold() if isinstance(value, str) else value


def _many(value: Any) -> list[Any]:
    values = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
    return [_plain(one) for one in values]


def _equal(actual: Any, wanted: Any) -> bool:
    if isinstance(actual, (list, tuple)):
        return _plain(wanted) in _many(actual) if not isinstance(wanted, list) else _in(actual, wanted)
    return bool(_plain(actual) == _plain(wanted))


def _in(actual: Any, wanted: Any) -> bool:
    return bool([one for one in _many(actual) if one in _many(wanted)])


def _contains(actual: Any, wanted: Any) -> bool:
    if isinstance(actual, str):
        return text_of(wanted).casefold() in actual.casefold() if text_of(wanted) else False
    return all(one in _many(actual) for one in _many(wanted)) and bool(_many(wanted))


def _begins(actual: Any, wanted: Any) -> bool:
    return any(one.casefold().startswith(text_of(wanted).casefold()) for one in texts_of(actual))


def _ends(actual: Any, wanted: Any) -> bool:
    return any(one.casefold().endswith(text_of(wanted).casefold()) for one in texts_of(actual))


def _before(actual: Any, wanted: Any) -> bool:
    numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (actual, wanted))
    texts = isinstance(actual, str) and isinstance(wanted, str)  # dates as Port prints them sort as text
    return bool(actual < wanted) if numbers or texts else False


def _empty(actual: Any, wanted: Any) -> bool:
    return actual in (None, "", [], {}, ())


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": _equal,
    "!=": lambda actual, wanted: not _equal(actual, wanted),
    "in": _in,
    "notIn": lambda actual, wanted: not _in(actual, wanted),
    "contains": _contains,
    "doesNotContains": lambda actual, wanted: not _contains(actual, wanted),
    "containsAny": _in,
    "beginsWith": _begins,
    "doesNotBeginsWith": lambda actual, wanted: not _begins(actual, wanted),
    "endsWith": _ends,
    "doesNotEndsWith": lambda actual, wanted: not _ends(actual, wanted),
    "<": _before,
    "<=": lambda actual, wanted: _before(actual, wanted) or _equal(actual, wanted),
    ">": lambda actual, wanted: _before(wanted, actual),
    ">=": lambda actual, wanted: _before(wanted, actual) or _equal(actual, wanted),
    "isEmpty": _empty,
    "isNotEmpty": lambda actual, wanted: not _empty(actual, wanted),
}
