"""Where our mirror of status pages says less, or something else, than Port's own Statuspage integration.

    python -m scripts.compare_statuspage ours.json theirs.json

Each file holds entities as Port's API gives them: a list, or an object with `entities`; for example those of
`GET /v1/blueprints/<blueprint>/entities` for each blueprint of a status page, one after the other. What we
have more is fine. Each entity, title, property and relation of theirs must be ours too, under the same name
and with the same value. Prints a line for each that is not; exit status 1 then, 2 where a file is no dump.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

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
        for what, said, wanted in _facts(mine, entity):
            if _same(said, wanted):
                continue
            yield f"{name}: {what} is {_shown(said)}, not {_shown(wanted)}"


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


def main(given: Sequence[str]) -> int:
    if len(given) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        ours, theirs = (read(Path(path)) for path in given)
    except ValueError as problem:
        print(problem, file=sys.stderr)
        return 2
    lines = list(missing(ours, theirs))
    print(
        "\n".join([*lines, f"{len(_by_key(theirs))} entities of theirs compared, {len(lines)} differences"])
    )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
