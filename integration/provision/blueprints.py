"""Blueprints: ours are kept up, the customer's only gain; a clash is named before anything is written."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

from integration import portjson
from integration.errors import BadInput
from integration.models.base import Json
from integration.provision.memory import Memory, Written
from integration.provision.merge import Path, Rules, merge, named
from integration.provision.part import Part, Step
from integration.services.port import PortService
from integration.settings import DEFAULT_BLUEPRINT, Settings, variable

COMPUTED = ("mirrorProperties", "calculationProperties", "aggregationProperties")
BARE, RELATED, DERIVED = 0, 1, 2
"""Rounds: relations go in circles and Port wants their target to exist; what is computed wants both."""


def _whole(path: Path) -> bool:
    """Whether the path names a property or relation, not something about it."""
    return len(path) == (3 if path[:1] == ("schema",) else 2) and path[0] in (
        "schema",
        "relations",
        *COMPUTED,
    )


_RULES = Rules(needed=_whole)  # code writes what people took out

_YIELDING = frozenset(("type", "owner"))
"""Properties and relations that our incident blueprint had not from the start: an earlier one of ours is
known without them, and people may have made their own since."""


@dataclass
class Pair:
    """A blueprint as we want it and as it is; `skipped` says which of its relations can't be made."""

    wanted: Json
    present: Json | None
    skipped: list[str] = field(default_factory=list)


def look(there: Mapping[str, Json], settings: Settings) -> list[Pair]:
    """Every blueprint we want, the incident's first; `there` is all of Port's.

    Raises BadInput for what clashes and for a missing incident blueprint.
    """
    wanted = portjson.blueprints(settings.incident_blueprint, settings.service_blueprint)
    theirs = there.get(settings.incident_blueprint)
    if theirs is None and settings.incident_blueprint != DEFAULT_BLUEPRINT:
        raise BadInput(
            variable("incident_blueprint"), f"Port has no blueprint {settings.incident_blueprint!r}"
        )
    # One that has all our properties is ours, of an earlier run that may have stopped half-way.
    ours = settings.incident_blueprint == DEFAULT_BLUEPRINT and (
        theirs is None or set(wanted.incident["schema"]["properties"]) - _YIELDING <= set(properties(theirs))
    )
    if ours and theirs is not None:
        _give_way(wanted.incident, theirs)
    incident = portjson.merged(wanted.incident, wanted.additions) if ours else wanted.additions
    pairs = [Pair(incident, theirs), *(Pair(one, there.get(one["identifier"])) for one in wanted.own)]
    clashes = [clash for pair in pairs if pair.present for clash in _clashes(pair.wanted, pair.present)]
    if clashes:
        raise BadInput(
            "blueprint " + clashes[0],
            "; ".join([*clashes[1:], "rename or remove yours, nothing was changed"]),
        )
    ready = {pair.wanted["identifier"] for pair in pairs} | set(there)
    for pair in pairs:
        _skip_relations_to_nowhere(pair, ready)
    return pairs


def _give_way(wanted: Json, theirs: Json) -> None:
    """Leave out what came later where people have something else of that name by now."""
    for name in _YIELDING:
        there = properties(theirs).get(name)
        if name in _computed(theirs) or (there and there.get("type") != _type(wanted, name)):
            wanted["schema"]["properties"].pop(name, None)
        relation = (theirs.get("relations") or {}).get(name)
        ours = wanted["relations"].get(name)
        if relation and ours and _end(relation) != _end(ours):
            del wanted["relations"][name]


def _type(blueprint: Json, name: str) -> object:
    return properties(blueprint).get(name, {}).get("type")


def _end(relation: Json) -> tuple[object, bool]:
    return relation.get("target"), bool(relation.get("many"))


def parts(port: PortService, pairs: list[Pair], memory: Memory) -> list[Part]:
    """What is to be done about each."""
    return [_part(port, pair, memory) for pair in pairs]


def _part(port: PortService, pair: Pair, memory: Memory) -> Part:
    identifier: str = pair.wanted["identifier"]
    bare = {
        key: value for key, value in pair.wanted.items() if key not in ("relations", "ownership", *COMPUTED)
    }
    steps: dict[int, Step] = {}
    if pair.present is None:
        steps[BARE] = lambda: port.create_blueprint(bare)
    present = pair.present or {**copy.deepcopy(bare), "relations": {}}
    goal, names, kept = _goal(pair.wanted, present, memory.content("blueprint", identifier))
    early = {key: value for key, value in goal.items() if key not in COMPUTED and value != present.get(key)}
    late = {key: goal[key] for key in COMPUTED if goal.get(key) and goal[key] != present.get(key)}
    if early:
        steps[RELATED] = lambda: port.patch_blueprint(identifier, early)
    if late:
        steps[DERIVED] = lambda: port.patch_blueprint(identifier, late)
    said = "created" if pair.present is None else ", ".join(names) or "unchanged"
    if kept:
        said += f"; kept yours: {named(kept)}"
    if pair.skipped:
        said += f" (without {'; '.join(pair.skipped)})"
    shown = {key: pair.present[key] for key in goal if key in pair.present} if pair.present else None
    return Part(
        "blueprint",
        identifier,
        said,
        before=shown,
        after={"identifier": identifier, **goal} if pair.present is None else {**(shown or {}), **goal},
        steps=steps,
        written=_written(pair, memory),
    )


def _goal(wanted: Json, present: Json, last: object) -> tuple[Json, list[str], list[Path]]:
    """The top-level keys of the blueprint as they should be, what is said of the change, and what of ours
    people have changed and keep."""
    ours = {key: value for key, value in wanted.items() if key not in ("identifier", "ownership")}
    ours["schema"] = {"properties": wanted["schema"]["properties"]}
    there = {key: copy.deepcopy(present[key]) for key in ours if present.get(key) is not None}
    found = merge(last, there, ours, _RULES)
    goal: Json = found.value
    choices = [
        key
        for key, definition in properties(wanted).items()
        if _add_choices(goal["schema"]["properties"][key], definition)
    ]
    added = [_name(path) for path in found.added if _whole(path) or len(path) == 1]
    added += [f"choices of {key}" for key in choices]
    about = [path for path in found.added if not _whole(path) and len(path) > 1] + found.renewed
    renewed = [name for name in dict.fromkeys(_name(path) for path in about) if name not in choices]
    if "ownership" in wanted and not present.get("ownership") and not present.get("teamInheritance"):
        goal["ownership"] = wanted["ownership"]
        added.append("ownership")
    said = [f"added {', '.join(added)}"] if added else []
    if renewed:
        said.append(f"renewed {', '.join(renewed)}")
    return goal, said, found.kept


def _name(path: Path) -> str:
    """What a path within a blueprint is called: a property by its name alone."""
    if path[:2] == ("schema", "properties") and len(path) > 2:
        return path[2]
    if path[:1] == ("relations",) and len(path) > 1:
        return f"relation {path[1]}"
    return path[-1]


def _written(pair: Pair, memory: Memory) -> Written:
    """What is remembered: ours in full, and what of it was not there before us."""
    identifier: str = pair.wanted["identifier"]
    created = pair.present is None or memory.created("blueprint", identifier)
    before = set(memory.added("blueprint", identifier))
    if pair.present is not None:
        have = _names_in(pair.present)
        before |= {one for one in _names_in(pair.wanted) if one not in have}
    content = {
        key: {"properties": value["properties"]} if key == "schema" else value
        for key, value in pair.wanted.items()
        if key not in ("identifier", "ownership")
    }
    return Written("blueprint", identifier, content, created, () if created else tuple(sorted(before)))


def _names_in(blueprint: Json) -> list[str]:
    found = [f"properties.{key}" for key in properties(blueprint)]
    return found + [f"{kind}.{key}" for kind in ("relations", *COMPUTED) for key in blueprint.get(kind) or {}]


def _clashes(wanted: Json, present: Json) -> list[str]:
    """Properties and relations of the same name that can't serve both."""
    name, found = wanted["identifier"], []
    for key, definition in properties(wanted).items():
        there = properties(present).get(key)
        if there and there.get("type") != definition["type"]:
            found.append(
                f"{name}: property {key} is of type {there.get('type')}, ours is {definition['type']}"
            )
        elif key in _computed(present):
            found.append(f"{name}: property {key} is computed there, ours is written")
    for key in _computed(wanted):
        if key in properties(present):
            found.append(f"{name}: property {key} is written there, ours is computed")
    for key, relation in wanted["relations"].items():
        there = (present.get("relations") or {}).get(key)
        if there and _end(there) != _end(relation):
            many = "many " if there.get("many") else ""
            found.append(f"{name}: relation {key} goes to {many}{there.get('target')}, ours goes elsewhere")
    return found


def _skip_relations_to_nowhere(pair: Pair, ready: set[str]) -> None:
    """An organisation without services still gets its rooms; the relation follows when there are some."""
    for key, relation in list(pair.wanted["relations"].items()):
        target = relation["target"]
        if target not in ready:
            del pair.wanted["relations"][key]
            pair.skipped.append(f"relation {key}, as Port has no blueprint {target}")
            mirrors = pair.wanted.get("mirrorProperties") or {}
            for mirror in [
                one for one, said in mirrors.items() if str(said.get("path", "")).startswith(f"{key}.")
            ]:
                del mirrors[mirror]


def _add_choices(present: Json, wanted: Json) -> bool:
    """Add what we write to an enum that lacks it: Port would refuse the whole entity. Whether it did."""
    if not isinstance(present.get("enum"), list) or "enum" not in wanted:
        return False
    lacking = [choice for choice in wanted["enum"] if choice not in present["enum"]]
    if lacking:
        colours = {choice: wanted["enumColors"][choice] for choice in lacking}
        present["enum"] = [*present["enum"], *lacking]
        present["enumColors"] = {**colours, **(present.get("enumColors") or {})}
    return bool(lacking)


def properties(blueprint: Json) -> dict[str, Json]:
    found: dict[str, Json] = (blueprint.get("schema") or {}).get("properties") or {}
    return found


def _computed(blueprint: Json) -> set[str]:
    return {key for kind in COMPUTED for key in blueprint.get(kind) or {}}
