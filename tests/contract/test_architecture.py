"""docs/architecture.md names every module of the product, and none that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from integration.portjson import ROOT

LIST = (ROOT / "docs/architecture.md").read_text("utf-8").split("```")[1]
_NAME = re.compile(r"(?<![\w/*.-])(?:[\w*.-]+/)*(?:[\w*-]+\.py\b|(?<=/)(?=[\s,;:]))")


def files(pattern: str) -> set[Path]:
    """What a pattern from the root stands for; a folder stands for all that is in it."""
    if pattern.endswith("/"):
        return {path for path in (ROOT / pattern).rglob("*") if path.is_file()}
    if pattern == "actions/*.py":  # one action each: with its definition beside it
        return {path for path in ROOT.glob(pattern) if path.with_suffix(".json").exists()}
    return set(ROOT.glob(pattern))


def named() -> Iterator[tuple[str, set[Path]]]:
    """Each name in the list and its files. One without its folder, as in a description, is in the folder of
    the entry that it is told with, or beside that folder."""
    entry = ""
    for line in LIST.splitlines():
        if line and not line.startswith(" "):
            entry = line.split()[0].rpartition("/")[0]
        for name in _NAME.findall(line):
            places = [f"{entry}/{name}", f"{entry.rpartition('/')[0]}/{name}".lstrip("/"), name]
            yield name, next(filter(None, map(files, reversed(places))), set())


def test_what_is_named_is_there() -> None:
    names = list(named())

    assert len(names) > 100
    assert [name for name, found in names if not found] == []


def test_every_module_is_named() -> None:
    known = set().union(*(found for _, found in named()))
    modules = {path for part in ("integration", "actions") for path in (ROOT / part).rglob("*.py")}

    assert sorted(str(one.relative_to(ROOT)) for one in modules - known if one.name != "__init__.py") == []
