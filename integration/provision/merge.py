"""What becomes of a definition in Port: ours of today, what stands there, and ours of last time. Pure.

Three versions tell who changed what. What only we changed is renewed; what people changed stays, and is
named where we have changed the same since. Where it is not known what we wrote last (an installation by
Ocean's defaults, an earlier version), `rules` say whose word counts.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from integration.models.base import Json

Path = tuple[str, ...]

MISSING: Final = object()


@dataclass(frozen=True)
class Rules:
    """How a kind of definition is merged.

    ours_if_unknown  whether ours counts at this path where our last word is not known
    always_ours      whether ours counts at this path whatever people did: code depends on it
    needed           whether what people removed at this path is put back: code writes it
    dropped          whether what we no longer want at this path goes: nothing is lost with it
    """

    ours_if_unknown: Callable[[Path], bool] = lambda path: False
    always_ours: Callable[[Path], bool] = lambda path: False
    needed: Callable[[Path], bool] = lambda path: False
    dropped: Callable[[Path], bool] = lambda path: False


@dataclass
class Merged:
    """`value` is what should stand. Paths: `added` and `renewed` by us, `kept` as people have it although
    ours has changed since, `foreign`: other than ours, and nobody knows whether we ever wrote it."""

    value: Any
    added: list[Path] = field(default_factory=list)
    renewed: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    foreign: list[Path] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        return bool(self.added or self.renewed)


def merge(last: Any, there: Any, ours: Any, rules: Rules) -> Merged:
    """`last` is MISSING where nobody knows what we wrote last."""
    found = Merged(None)
    found.value = _merge((), last, there, ours, rules, found)
    return found


def _merge(path: Path, last: Any, there: Any, ours: Any, rules: Rules, found: Merged) -> Any:
    if ours is MISSING:
        if last is not MISSING and covers(there, last) and rules.dropped(path):
            found.renewed.append(path)
            return MISSING
        return there
    if there is MISSING:
        if last is not MISSING and not rules.needed(path) and not rules.always_ours(path):
            if last != ours:
                found.kept.append(path)
            return MISSING
        found.added.append(path)
        return copy.deepcopy(ours)
    objects = isinstance(there, dict) and isinstance(ours, dict)
    if objects and isinstance(last, dict) and not rules.always_ours(path):
        return _merge_objects(path, last, there, ours, rules, found)
    if covers(there, ours):
        return there
    if rules.always_ours(path) or (last is MISSING and rules.ours_if_unknown(path)):
        found.renewed.append(path)
        return copy.deepcopy(ours)
    if objects:
        return _merge_objects(path, last, there, ours, rules, found)
    if last is MISSING:
        found.foreign.append(path)
        return there
    if covers(there, last):
        found.renewed.append(path)
        return copy.deepcopy(ours)
    if _words(last) and _words(there) and _words(ours):
        return _merge_words(path, last, there, ours, found)
    if last != ours:
        found.kept.append(path)
    return there


def _merge_words(path: Path, last: list[str], there: list[str], ours: list[str], found: Merged) -> list[str]:
    """People's order and additions, with what we have added and without what we have taken away since."""
    joined = [one for one in there if one in ours or one not in last]
    joined += [one for one in ours if one not in joined and one not in last]
    if joined != there:
        found.renewed.append(path)
    return joined


def _merge_objects(path: Path, last: Any, there: Json, ours: Json, rules: Rules, found: Merged) -> Json:
    base: Any = last if isinstance(last, dict) else MISSING
    out: Json = {}
    for key in [*there, *(key for key in ours if key not in there)]:
        before = base.get(key, MISSING) if base is not MISSING else MISSING
        value = _merge((*path, key), before, there.get(key, MISSING), ours.get(key, MISSING), rules, found)
        if value is not MISSING:
            out[key] = value
    return out


def _words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def covers(present: Any, wanted: Any) -> bool:
    """Whether `present` says all that `wanted` says. Port may have added defaults and times of its own,
    but what we no longer want among inputs or in a body must be gone."""
    if isinstance(wanted, dict):
        if not isinstance(present, dict):
            return False
        for key, value in wanted.items():
            closed = key in ("properties", "body", "integrationActionExecutionProperties", "inputs")
            if key not in present or (closed and set(present[key] or {}) != set(value)):
                return False
            if not covers(present[key], value):
                return False
        return True
    if isinstance(wanted, list):
        return (
            isinstance(present, list)
            and len(present) == len(wanted)
            and all(covers(there, one) for there, one in zip(present, wanted, strict=True))
        )
    return bool(present == wanted)


def named(paths: list[Path]) -> str:
    """Paths for people, at most five of them."""
    words = [".".join(path) or "all of it" for path in paths[:5]]
    return ", ".join(words) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
