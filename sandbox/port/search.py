"""Port's search queries: checking a query's form, and matching entities against it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sandbox.port.computed import Match, present, reaches
from sandbox.port.property_rules import parse_time
from sandbox.port.wire import PortError, invalid
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.store import Store

_EMPTY = ("isEmpty", "isNotEmpty")
_EXPIRED = ("isExpired", "isNotExpired")
_DATES = ("between", "notBetween")
_ORDER = (">", ">=", "<", "<=")
_TEXT = ("beginsWith", "doesNotBeginsWith", "endsWith", "doesNotEndsWith")
_PLAIN = ("=", "!=", "containsAny", "contains", "doesNotContains", *_TEXT, "in", "notIn")
OPERATORS = (*_EMPTY, *_EXPIRED, *_DATES, *_ORDER, *_PLAIN, "relatedTo", "matchAny")
PRESETS = {
    "lastDay": 1,
    "lastWeek": 7,
    "last2Weeks": 14,
    "lastMonth": 30,
    "last3Months": 90,
    "last6Months": 180,
    "last12Months": 365,
}
_NEGATIVE = {"!=": "=", "doesNotContains": "contains", "notIn": "in", "notBetween": "between"} | {
    "doesNotBeginsWith": "beginsWith",
    "doesNotEndsWith": "endsWith",
    "isNotEmpty": "isEmpty",
    "isNotExpired": "isExpired",
}
_META = {
    *("identifier", "title", "icon", "team", "blueprint", "createdAt", "updatedAt", "createdBy", "updatedBy"),
}


def check_query(query: Any, where: str = "query", relations: bool = True) -> None:
    """Raises PortError 422. `relations` False: no relation rules, as on the route over all blueprints."""
    if not isinstance(query, dict):
        raise invalid(f"{where} must be object")
    if query.get("combinator") not in ("and", "or"):
        raise invalid(f"{where}/combinator must be equal to one of the allowed values: and, or")
    if set(query) - {"combinator", "rules"}:
        raise invalid(f"{where} must NOT have additional properties")
    if not isinstance(query.get("rules"), list):
        raise invalid(f"{where}/rules must be array")
    for index, rule in enumerate(query["rules"]):
        _check_rule(rule, f"{where}/rules/{index}", relations)


def _check_rule(rule: Any, where: str, relations: bool) -> None:
    if not isinstance(rule, dict):
        raise invalid(f"{where} must be object")
    if "combinator" in rule:
        check_query(rule, where, relations)
        return
    operator = rule.get("operator")
    if operator not in OPERATORS:
        raise invalid(f"{where}/operator must be equal to one of the allowed values: {', '.join(OPERATORS)}")
    kind = _kind(rule, where)
    if kind in ("relation", "scorecard") and not relations:
        raise invalid(f"{where}: {kind} rules belong to the search of one blueprint")
    known: dict[str, set[str]] = {
        "related": {"operator", "blueprint", "value", "direction", "required"},
        "property": {"property", "operator", "value"},
        "relation": {"relation", "targetProperty", "operator", "value"},
        "scorecard": {"scorecard", "scorecardRule", "operator", "value"},
        "propertySchema": {"propertySchema", "operator", "value"},
    }
    if extra := set(rule) - known[kind]:
        raise invalid(f"{where} must NOT have additional properties: {sorted(extra)[0]}")
    if operator not in (*_EMPTY, *_EXPIRED) and "value" not in rule and kind != "propertySchema":
        raise invalid(f"{where} must have required property 'value'")
    _check_value(operator, rule.get("value"), where)


def _kind(rule: Json, where: str) -> str:
    if rule["operator"] == "relatedTo":
        if not isinstance(rule.get("blueprint"), str):
            raise invalid(f"{where} must have required property 'blueprint'")
        return "related"
    for kind in ("property", "relation", "scorecard", "propertySchema"):
        if kind in rule:
            return kind
    raise invalid(f"{where} must have required property 'property'")


def _check_value(operator: str, value: Any, where: str) -> None:
    if isinstance(value, dict) and "context" in value:
        return
    if operator in _DATES:
        span = value if isinstance(value, dict) else {}
        dated = parse_time(span.get("from")) and parse_time(span.get("to"))
        if not dated and span.get("preset") not in (*PRESETS, "today", "tomorrow", "yesterday"):
            raise invalid(f"{where}/value must have 'from' and 'to', or a known 'preset'")
    elif operator in _ORDER:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number and parse_time(value) is None:
            raise invalid(f"{where}/value must be a number or a date-time")
    elif operator in ("in", "notIn", "containsAny") and not isinstance(value, list):
        raise invalid(f"{where}/value must be array")


class Matcher:
    """Matches entities of a store. `user` is the entity of the person who asks, for `context` values."""

    def __init__(self, store: Store, user: Json | None, match: Match) -> None:
        self.store, self.user, self.match = store, user, match

    def matches(self, entity: Json, query: Json) -> bool:
        """An empty "or" matches nothing, an empty "and" everything."""
        combine = all if query["combinator"] == "and" else any
        return combine(self._rule(entity, rule) for rule in query["rules"])

    def _rule(self, entity: Json, rule: Json) -> bool:
        if "combinator" in rule:
            return self.matches(entity, rule)
        operator = rule["operator"]
        if operator == "relatedTo":
            return self._related(entity, rule)
        if "propertySchema" in rule:
            return self._any_property(entity, rule)
        if "scorecard" in rule:
            return _compare(None, operator, rule.get("value"))
        if "relation" in rule:
            return _compare(self._relation(entity, rule), operator, rule.get("value"))
        return _compare(self._value(entity, rule["property"]), operator, self._wanted(rule.get("value")))

    def _wanted(self, value: Any) -> Any:
        if not (isinstance(value, dict) and "context" in value):
            return value
        if self.user is None:
            return None
        if value["context"] == "userTeams":
            return list(self.user.get("team", []))
        return self._value(self.user, value["property"])

    def _value(self, entity: Json, name: Any) -> Any:
        if isinstance(name, dict):
            return self._wanted(name) if "context" in name else None
        if name == "$datasource":
            return self.store.datasources.get((entity["blueprint"], entity["identifier"]))
        plain = name.removeprefix("$")
        if name.startswith("$") and plain in _META:
            return entity.get(plain)
        blueprint = self.store.blueprints.get(entity["blueprint"])
        if blueprint is None:
            return None
        if name in blueprint["schema"]["properties"]:
            return entity["properties"].get(name)
        if name in entity["relations"]:
            return entity["relations"][name]
        computed = ("mirrorProperties", "calculationProperties", "aggregationProperties")
        if any(name in blueprint[kind] for kind in computed):
            return present(self.store, entity, self.match)["properties"].get(name)
        return entity["properties"].get(name)

    def _relation(self, entity: Json, rule: Json) -> Any:
        value = entity["relations"].get(rule["relation"])
        if rule.get("targetProperty") != "$title" or not value:
            return value
        model = self.store.blueprints[entity["blueprint"]]["relations"][rule["relation"]]
        names = value if isinstance(value, list) else [value]
        titles = [(self.store.entity(model["target"], name) or {}).get("title") for name in names]
        return titles if isinstance(value, list) else titles[0]

    def _any_property(self, entity: Json, rule: Json) -> bool:
        wanted = rule["propertySchema"]
        model = self.store.blueprints[entity["blueprint"]]["schema"]["properties"]
        return any(
            _compare(entity["properties"].get(name), rule["operator"], rule.get("value"))
            for name, definition in model.items()
            if all(definition.get(key) == value for key, value in wanted.items() if key != "items")
        )

    def _related(self, entity: Json, rule: Json) -> bool:
        names = rule["value"] if isinstance(rule["value"], list) else [rule["value"]]
        for name in names:
            other = self.store.entity(rule["blueprint"], name)
            if other is None or (other["blueprint"], other["identifier"]) == (
                entity["blueprint"],
                entity["identifier"],
            ):
                continue
            direction, required = rule.get("direction", "both"), rule.get("required")
            # Upstream of X is what X depends on, reached along its relations; downstream are its dependents.
            if direction != "downstream" and reaches(self.store, other, entity, required):
                return True
            if direction != "upstream" and reaches(self.store, entity, other, required):
                return True
        return False


def _compare(actual: Any, operator: str, wanted: Any) -> bool:
    if operator in _NEGATIVE:
        return not _compare(actual, _NEGATIVE[operator], wanted)
    if operator == "isEmpty":
        return actual is None or actual in ("", [], {})
    if operator == "isExpired":
        time = parse_time(actual)
        return time is not None and time <= datetime.now(UTC)
    if operator == "=" and isinstance(wanted, dict) and "preset" in wanted:
        return _between(actual, wanted)
    if operator == "=":
        return _equal(actual, wanted)
    if operator in _ORDER:
        return _ordered(actual, operator, wanted)
    if operator == "between":
        return _between(actual, wanted)
    if operator == "in":
        return isinstance(wanted, list) and any(_equal(actual, one) for one in wanted)
    if operator in ("containsAny", "matchAny"):
        have = actual if isinstance(actual, list) else [actual]
        return any(one in have for one in (wanted if isinstance(wanted, list) else [wanted]))
    if operator == "contains":
        return _contains(actual, wanted)
    if not isinstance(actual, str) or not isinstance(wanted, str):
        return False
    return actual.startswith(wanted) if operator == "beginsWith" else actual.endswith(wanted)


def _equal(actual: Any, wanted: Any) -> bool:
    if isinstance(actual, bool) != isinstance(wanted, bool):
        return False
    return bool(actual == wanted)


def _contains(actual: Any, wanted: Any) -> bool:
    if isinstance(actual, list):
        return all(one in actual for one in wanted) if isinstance(wanted, list) else wanted in actual
    return isinstance(actual, str) and isinstance(wanted, str) and wanted in actual


def _ordered(actual: Any, operator: str, wanted: Any) -> bool:
    left: Any = parse_time(actual) or actual
    right: Any = parse_time(wanted) or wanted
    if isinstance(left, datetime) != isinstance(right, datetime):
        return False
    if not isinstance(left, datetime | int | float) or not isinstance(right, datetime | int | float):
        return False
    if operator.startswith(">"):
        return bool(left > right or (operator == ">=" and left == right))  # type: ignore[operator]
    return bool(left < right or (operator == "<=" and left == right))  # type: ignore[operator]


def _between(actual: Any, wanted: Any) -> bool:
    time = parse_time(actual)
    if time is None or not isinstance(wanted, dict):
        return False
    start, end = _span(wanted)
    return start is not None and end is not None and start <= time <= end


def _span(wanted: Json) -> tuple[datetime | None, datetime | None]:
    if "preset" not in wanted:
        return parse_time(wanted.get("from")), parse_time(wanted.get("to"))
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    day = {"yesterday": -1, "today": 0, "tomorrow": 1}.get(wanted["preset"])
    if day is not None:
        start = midnight + timedelta(days=day)
        return start, start + timedelta(days=1)
    return now - timedelta(days=PRESETS[wanted["preset"]]), now


def narrowed(entity: Json, include: list[str], exclude: list[str]) -> Json:
    """`include` and `exclude` of the entity routes: names of the entity JSON ("title", "properties.x").

    A bare property or relation name and `$identifier` style names are understood too: the search of one
    blueprint speaks of them so.
    """
    result = entity
    if include:
        result = {}
        for name in include:
            for path in _paths(entity, name):
                _copy(entity, result, path)
    for name in exclude:
        for path in _paths(result, name):
            result = _without(result, path)
    return result


def _paths(entity: Json, name: str) -> list[list[str]]:
    head, dot, rest = name.partition(".")
    if dot and head in ("properties", "relations"):
        return [[head, rest]]
    plain = name.removeprefix("$")
    if plain in entity or plain in _META or plain in ("properties", "relations"):
        return [[plain]]
    return [[part, name] for part in ("properties", "relations") if name in entity.get(part, {})]


def _copy(source: Json, target: Json, path: list[str]) -> None:
    if path[0] not in source:
        return
    if len(path) == 1:
        target[path[0]] = source[path[0]]
    elif path[1] in source[path[0]]:
        target.setdefault(path[0], {})[path[1]] = source[path[0]][path[1]]


def _without(source: Json, path: list[str]) -> Json:
    if len(path) == 1:
        return {key: value for key, value in source.items() if key != path[0]}
    inner = {key: value for key, value in source.get(path[0], {}).items() if key != path[1]}
    return {**source, path[0]: inner} if path[0] in source else source


def refuse_cursor() -> PortError:
    return invalid("from must be the 'next' of an earlier answer")
