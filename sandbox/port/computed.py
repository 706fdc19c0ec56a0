"""What Port computes when an entity is read: mirror, calculation and aggregation properties."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jq

from sandbox.copies import copied
from sandbox.port.property_rules import parse_time
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.store import Store

_META = {"$identifier": "identifier", "$title": "title", "$icon": "icon", "$team": "team"}
_HOURS = {"hour": 1.0, "day": 24.0, "week": 168.0, "month": 730.0}

Match = Callable[[Json, Json], bool]
"""Does an entity match a search query? Handed in, because search itself reads computed properties."""


@lru_cache(maxsize=500)
def _program(expression: str) -> Any:
    return jq.compile(expression)


def run_jq(expression: str, value: Any) -> Any:
    """The first result of a jq expression. Port answers null, not an error, when it fails."""
    try:
        return _program(expression).input_value(value).first()
    except (ValueError, StopIteration):
        return None


def present(store: Store, entity: Json, match: Match, calculated: bool = True) -> Json:
    """The entity as the API shows it. `calculated` False leaves computed properties out."""
    shown = copied(entity)
    for key in ("title", "icon"):
        if shown.get(key) is None:
            shown.pop(key, None)
    blueprint = store.blueprints.get(entity["blueprint"])
    if not calculated or blueprint is None:
        return shown
    for name, mirror in blueprint["mirrorProperties"].items():
        shown["properties"][name] = mirrored(store, entity, mirror["path"])
    for name, aggregation in blueprint["aggregationProperties"].items():
        shown["properties"][name] = aggregated(store, entity, aggregation, match)
    calculations = blueprint["calculationProperties"]
    context = {**copied(shown), "title": entity.get("title")} if calculations else {}
    for name, calculation in calculations.items():
        shown["properties"][name] = run_jq(calculation["calculation"], context)
    return shown


def mirrored(store: Store, entity: Json, path: str) -> Any:
    """The value at the end of `relation.relation.property`; a list as soon as one relation is many."""
    *steps, last = path.split(".")
    found, several = [entity], False
    for step in steps:
        onward: list[Json] = []
        for here in found:
            relation = store.blueprints[here["blueprint"]]["relations"].get(step)
            if relation is None:
                continue
            several = several or bool(relation["many"])
            names = here["relations"].get(step)
            for name in names if isinstance(names, list) else [names]:
                target = store.entity(relation["target"], name) if name else None
                if target is not None:
                    onward.append(target)
        found = onward
    values = [_read(store, target, last) for target in found]
    if several:
        return values
    return values[0] if values else None


def _read(store: Store, entity: Json, name: str) -> Any:
    if name.startswith("$"):
        return entity.get(_META.get(name, name[1:]))
    blueprint = store.blueprints[entity["blueprint"]]
    if name in blueprint["mirrorProperties"]:
        return mirrored(store, entity, blueprint["mirrorProperties"][name]["path"])
    if name in blueprint["calculationProperties"]:
        return run_jq(blueprint["calculationProperties"][name]["calculation"], entity)
    return entity["properties"].get(name)


def aggregated(store: Store, entity: Json, aggregation: Json, match: Match) -> float | None:
    """The value of an aggregation property now. Port recomputes it every 15 minutes."""
    found = [
        other
        for other in _related(store, entity, aggregation["target"])
        if "query" not in aggregation or match(other, aggregation["query"])
    ]
    spec = aggregation["calculationSpec"]
    if spec["calculationBy"] == "entities":
        return len(found) if spec["func"] == "count" else _average_count(found, spec)
    values = [other["properties"].get(spec["property"]) for other in found]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if not numbers:
        return 0 if spec["func"] == "sum" else None
    functions: dict[str, Callable[[list[Any]], float]] = {
        "sum": sum,
        "min": min,
        "max": max,
        "median": statistics.median,
        "average": statistics.fmean,
    }
    return functions[spec["func"]](numbers)


def _average_count(found: list[Json], spec: Json) -> float | None:
    """Entities per hour, day, week or month, from the first of them to the last."""
    unit = _HOURS.get(spec.get("averageOf", ""))
    key = str(spec.get("measureTimeBy", "$createdAt")).removeprefix("$")
    times = [parse_time(one.get(key) or one["properties"].get(key)) for one in found]
    known = sorted(time for time in times if time is not None)
    if unit is None or len(known) < 2:
        return float(len(found))
    hours = (known[-1] - known[0]).total_seconds() / 3600
    return len(found) / max(1.0, hours / unit)


def _related(store: Store, entity: Json, target: str) -> Iterable[Json]:
    """Entities of blueprint `target` that reach `entity`, or are reached by it, through relations."""
    return [
        other
        for other in store.entities.get(target, {}).values()
        if reaches(store, other, entity) or reaches(store, entity, other)
    ]


def reaches(store: Store, start: Json, goal: Json, required: bool | None = None) -> bool:
    """Is there a path along relations, in their direction, from one entity to the other?

    `required` keeps to relations that are (True) or are not (False) required.
    """
    wanted = (goal["blueprint"], goal["identifier"])
    seen, waiting = set(), [start]
    while waiting:
        here = waiting.pop()
        blueprint = store.blueprints.get(here["blueprint"])
        for name, value in here["relations"].items():
            relation = blueprint["relations"].get(name) if blueprint else None
            if relation is None or required not in (None, relation["required"]):
                continue
            for identifier in value if isinstance(value, list) else [value]:
                key = (relation["target"], identifier)
                if not identifier or key in seen:
                    continue
                if key == wanted:
                    return True
                seen.add(key)
                target = store.entity(*key)
                if target is not None:
                    waiting.append(target)
    return False
