"""Where our mirror of status pages says less, or something else, than Port's own Statuspage integration.

    python -m scripts.compare_statuspage dump ours.json
    python -m scripts.compare_statuspage ours.json theirs.json

`dump` writes the status page entities of the Port that OCEAN__PORT__CLIENT_ID, _CLIENT_SECRET and _BASE_URL
name, in the environment or in .env. To compare, take one of a Port that we fill and one of a Port that theirs
fills, from the same status pages. Any list of entities as Port's API gives them will do, or an object with
`entities`.

What we have more is fine. Each entity, title, property and relation of theirs must be ours too, under the
same name and with the same value. Of entities of theirs that say nothing only the identifier is compared:
Port refused what they were to say, and they stand there because others are related to them. Prints a line for
each difference, then how many entities there are of each blueprint. Exit status 1 where something differs, 2
where a file is no dump or Port does not answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from integration.budget import Budget
from integration.errors import Refused, ServiceError
from integration.provision.target import DEFAULT_PORT
from integration.services.port import PortService
from integration.times import when

BLUEPRINTS = (
    "statuspage",
    "statuspageComponentGroup",
    "statuspageComponent",
    "statuspageIncident",
    "statuspageIncidentUpdate",
)
_EMPTY: tuple[Any, ...] = (None, "", [], {})  # left out by Port or kept as null, all the same

Entity = Mapping[str, Any]


def missing(ours: Sequence[Entity], theirs: Sequence[Entity]) -> Iterator[str]:
    """A line for each entity, title, property and relation of `theirs` that `ours` lacks or has otherwise."""
    known = _by_key(ours)
    for key, entity in sorted(_by_key(theirs).items()):
        name, mine = " ".join(key), known.get(key)
        if mine is None:
            yield f"{name}: is missing"
            continue
        if not _speaks(entity):
            continue
        for what, said, wanted in _facts(mine, entity):
            if _same(said, wanted):
                continue
            yield f"{name}: {what} is {_shown(said)}, not {_shown(wanted)}"


def _speaks(entity: Entity) -> bool:
    """Whether it was written, not only named: whatever stands on a page has a name or a time."""
    return (
        entity.get("title") not in _EMPTY or (entity.get("properties") or {}).get("createdAt") not in _EMPTY
    )


def _facts(mine: Entity, entity: Entity) -> Iterator[tuple[str, Any, Any]]:
    """Name, our value and theirs, of each that theirs has."""
    yield "title", mine.get("title"), entity.get("title")
    for part, named in (("properties", "property"), ("relations", "relation")):
        held = mine.get(part) or {}
        for field, value in sorted((entity.get(part) or {}).items()):
            yield f"{named} {field}", held.get(field), value


def _same(said: Any, wanted: Any) -> bool:
    if wanted in _EMPTY or said == wanted:
        return True
    if isinstance(said, list) and isinstance(wanted, list):
        return sorted(map(repr, said)) == sorted(map(repr, wanted))
    moment = when(wanted)
    return moment is not None and moment == when(said)


def _by_key(entities: Sequence[Entity]) -> dict[tuple[str, str], Entity]:
    return {
        (one["blueprint"], str(one.get("identifier"))): one
        for one in entities
        if one.get("blueprint") in BLUEPRINTS
    }


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


def read(path: Path) -> list[Entity]:
    """The entities in a dump. Raises ValueError naming the file when it is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise ValueError(f"{path}: {problem}") from None
    entities = found.get("entities") if isinstance(found, dict) else found
    if not isinstance(entities, list) or not all(isinstance(one, dict) for one in entities):
        raise ValueError(f"{path}: no list of entities")
    return entities


async def dump(environment: Mapping[str, str]) -> list[Entity]:
    """Every status page entity in that Port, with what Port computes; blueprints it does not have are left
    out. Raises ServiceError, and ValueError naming a variable that is missing."""
    known = {name.upper(): value for name, value in environment.items() if value}
    for name in ("OCEAN__PORT__CLIENT_ID", "OCEAN__PORT__CLIENT_SECRET"):
        if name not in known:
            raise ValueError(f"{name} is missing: Port shows it in the menu ... > Credentials")
    base = known.get("OCEAN__PORT__BASE_URL", DEFAULT_PORT)
    port = PortService(base, known["OCEAN__PORT__CLIENT_ID"], known["OCEAN__PORT__CLIENT_SECRET"], Budget())
    found: list[Entity] = []
    try:
        for blueprint in BLUEPRINTS:
            try:
                entities = await port.search(blueprint, [])
            except Refused as refusal:
                if refusal.code != "404":
                    raise
                continue
            found += sorted(entities, key=lambda one: str(one.get("identifier")))
    finally:
        await port.aclose()
    return found


def _counts(ours: Sequence[Entity], theirs: Sequence[Entity]) -> list[str]:
    mine, other = _by_key(ours), _by_key(theirs)
    lines = []
    for blueprint in BLUEPRINTS:
        there = [one for (name, _), one in other.items() if name == blueprint]
        silent = sum(not _speaks(one) for one in there)
        said = f"{blueprint}: {sum(name == blueprint for name, _ in mine)} of ours, {len(there)} of theirs"
        lines.append(said + (f", {silent} of which say nothing" if silent else ""))
    return lines


def _dumped(path: Path) -> int:
    dotenv = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    try:
        entities = asyncio.run(dump({**dotenv, **os.environ}))
        path.write_text(json.dumps({"entities": entities}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except (OSError, ValueError, ServiceError) as problem:
        print(problem, file=sys.stderr)
        return 2
    for blueprint in BLUEPRINTS:
        print(f"{blueprint}: {sum(one.get('blueprint') == blueprint for one in entities)}")
    return 0


def main(given: Sequence[str]) -> int:
    if len(given) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if given[0] == "dump":
        return _dumped(Path(given[1]))
    try:
        ours, theirs = (read(Path(path)) for path in given)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    lines = list(missing(ours, theirs))
    compared = sum(_speaks(one) for one in _by_key(theirs).values())
    verdict = f"{compared} entities of theirs compared, {len(lines)} differences"
    print("\n".join([*lines, *_counts(ours, theirs), verdict]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
