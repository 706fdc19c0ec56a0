"""Takes away what provisioning made. What holds data stays, and is counted, until it is asked for by name.

Only what is remembered as ours goes: a blueprint of the status page that another integration made, a property
that was there before us, a scorecard of the same name are somebody else's.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import partial

from integration.models.base import Json
from integration.provision import memory
from integration.provision.blueprints import COMPUTED
from integration.provision.memory import Memory
from integration.provision.wanted import AGENT_BLUEPRINT
from integration.services.port import PortService
from integration.services.port_setup import PortSetup
from integration.settings import Settings

_PUT = ("identifier", "title", "icon", "description", "schema", "relations", "ownership", *COMPUTED)


@dataclass
class _Removal:
    port: PortService
    setup: PortSetup
    known: Memory
    delete_data: bool
    dry: bool

    async def do(self, name: str, step: Callable[[], Awaitable[object]]) -> str:
        if self.dry:
            return f"{name}: would be removed"
        return f"{name}: {'removed' if await step() is not False else 'was gone already'}"


async def remove(port: PortService, settings: Settings, *, delete_data: bool, dry: bool) -> list[str]:
    """One line for each thing. `delete_data`: entities and filled properties go as well. `dry`: say it only.

    Buttons and automations go first, so that nothing is begun any more; what tells ours from others' last,
    so that it can be run again after a failure.
    """
    known = await memory.recall(port)
    if not known.written:
        return ["nothing is remembered of a `make provision` here: nothing was removed"]
    work = _Removal(port, PortSetup(port), known, delete_data, dry)
    said = [await work.do(f"{kind} {name}", step) for kind, name, step in _things(work)]
    said += await _blueprints(work, settings)
    kept = [line for line in said if ": kept" in line]
    if kept:
        said.append(f"{len(kept)} kept for their data; `--remove --delete-data` deletes that, for good")
    return said


def _things(work: _Removal) -> list[tuple[str, str, Callable[[], Awaitable[object]]]]:
    """Everything but blueprints that is of our making, with how it goes."""
    setup = work.setup
    found: list[tuple[str, str, Callable[[], Awaitable[object]]]] = []
    ways: dict[str, Callable[[str], Awaitable[object]]] = {
        "automation": work.port.delete_action,
        "action": work.port.delete_action,
        "page": setup.delete_page,
        "agent": lambda name: setup.delete_entity(AGENT_BLUEPRINT, name),
        "scorecard": lambda name: setup.delete_scorecard(*name.split("/", 1)),
        "secret": setup.delete_secret,
    }
    for kind, way in ways.items():
        for (made, name), written in sorted(work.known.written.items()):
            if made == kind and written.created:
                found.append((kind, name, partial(way, name)))
    return found


async def _blueprints(work: _Removal, settings: Settings) -> list[str]:
    """Ours as far as they are empty and nothing that stays points to them; then our additions to others."""
    mine = [name for (kind, name), one in work.known.written.items() if kind == "blueprint" and one.created]
    there = {name: found for name in mine if (found := await work.port.blueprint(name)) is not None}
    counts = {name: await work.setup.count(name) for name in there if name != memory.BLUEPRINT}
    stays = set() if work.delete_data else {name for name, count in counts.items() if count}
    others = [
        name for (kind, name), one in work.known.written.items() if kind == "blueprint" and not one.created
    ]
    held = {name: await _additions(work, name) for name in others}
    pointed = {target for additions in held.values() for target in additions.targets}
    while True:
        more = {name for name in there if name in pointed and name not in stays} if pointed else set()
        more |= {
            target
            for name in stays
            for target in _targets(there[name])
            if target in there and target not in stays
        }
        if not more - stays:
            break
        stays |= more
    said = []
    for name, additions in held.items():
        said += await additions.take_away(work, name)
    going = [name for name in there if name not in stays and name != memory.BLUEPRINT]
    for name in stays:
        why = f"it holds {counts[name]} entities" if counts.get(name) else "what is kept points to it"
        said.append(f"blueprint {name}: kept, {why}")
    said += await _delete(work, there, going, counts)
    if not stays and not any(": kept" in line for line in said):
        said += await _delete(work, there, [memory.BLUEPRINT], counts | {memory.BLUEPRINT: 1})
    elif not work.dry:
        await _forget(work, set(going))
    return said


async def _delete(
    work: _Removal, there: dict[str, Json], going: list[str], counts: dict[str, int]
) -> list[str]:
    """Entities first, then the relations among them, then the blueprints themselves."""
    if work.dry:
        return [f"blueprint {name}: would be removed{_with(counts.get(name, 0), name)}" for name in going]
    for name in going:
        if counts.get(name):
            await work.setup.delete_all_entities(name)
    for name in going:
        found = there[name]
        bare = {key: found[key] for key in _PUT if found.get(key)} | {"relations": {}}
        for kind in COMPUTED:
            bare.pop(kind, None)
        bare.pop("ownership", None)
        if found.get("relations") or any(found.get(kind) for kind in COMPUTED):
            await work.port.put_blueprint(name, bare)
    for name in going:
        await work.setup.delete_blueprint(name)
    return [f"blueprint {name}: removed{_with(counts.get(name, 0), name)}" for name in going]


def _with(count: int, name: str) -> str:
    return f" with {count} entities" if count and name != memory.BLUEPRINT else ""


async def _forget(work: _Removal, gone: set[str]) -> None:
    """What is gone is nobody's any more; what stays is still ours to remove later."""
    for kind, name in work.known.written:
        if kind != "blueprint" or name in gone:
            await work.setup.delete_entity(memory.BLUEPRINT, memory.identifier(kind, name))


@dataclass
class _Additions:
    """What we added to a blueprint that was there before. `filled`: entities that have some of it."""

    names: tuple[str, ...]
    blueprint: Json | None
    filled: int
    targets: set[str]

    async def take_away(self, work: _Removal, name: str) -> list[str]:
        if self.blueprint is None or not self.names:
            return []
        what = f"blueprint {name}: our {', '.join(one.partition('.')[2] for one in self.names)}"
        if self.filled and not work.delete_data:
            return [f"{what}: kept, {self.filled} entities say something there"]
        if work.dry:
            return [f"{what}: would be removed"]
        rest = copy.deepcopy({key: self.blueprint[key] for key in _PUT if self.blueprint.get(key)})
        for one in self.names:
            kind, _, key = one.partition(".")
            (rest["schema"]["properties"] if kind == "properties" else rest.get(kind, {})).pop(key, None)
        await work.port.put_blueprint(name, rest)
        return [f"{what}: removed"]


async def _additions(work: _Removal, name: str) -> _Additions:
    found = await work.port.blueprint(name)
    names = work.known.added("blueprint", name)
    if found is None or not names:
        return _Additions(names, found, 0, set())
    written = [one.partition(".")[2] for one in names if one.startswith(("properties.", "relations."))]
    rules = [
        {"relation": one.partition(".")[2], "operator": "isNotEmpty"}
        if one.startswith("relations.")
        else {"property": one.partition(".")[2], "operator": "isNotEmpty"}
        for one in names
        if one.startswith(("properties.", "relations."))
    ]
    filled = len(await work.port.search(name, rules, "or", ["$identifier"])) if written else 0
    keeps = bool(filled) and not work.delete_data
    ours = {one.partition(".")[2] for one in names}
    return _Additions(names, found, filled, _targets(found, ours) if keeps else set())


def _targets(blueprint: Json, named: Collection[str] | None = None) -> set[str]:
    """The blueprints that this one's relations and aggregations go to, all of them or those `named`."""
    return {
        one["target"]
        for kind in ("relations", "aggregationProperties")
        for key, one in (blueprint.get(kind) or {}).items()
        if named is None or key in named
    }
