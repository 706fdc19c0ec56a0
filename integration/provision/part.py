"""One thing that should stand in Port: how it stands now, how it will, and what has to be done for that."""

from __future__ import annotations

import difflib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from integration.models.base import Json
from integration.provision.memory import Written

Step = Callable[[], Awaitable[object]]


@dataclass
class Part:
    """`said`: what was (or will be) done, in words. `steps[n]` runs in round n, after all of round n - 1;
    nothing to do: no steps. `before` and `after` are what a diff shows. `written` is what is remembered of
    it, and `remembered` says that it is already."""

    kind: str
    name: str
    said: str
    before: Json | None = None
    after: Json | None = None
    steps: dict[int, Step] = field(default_factory=dict)
    written: Written | None = None
    remembered: bool = False

    @property
    def line(self) -> str:
        return f"{self.kind} {self.name}: {self.said}"

    def diff(self) -> str:
        """A unified diff of the two, as indented JSON; empty where nothing changes."""
        if not self.steps:
            return ""
        old, new = _lines(self.before), _lines(self.after)
        title = f"{self.kind} {self.name}"
        shown = difflib.unified_diff(old, new, f"{title} (in Port)", f"{title} (wanted)", lineterm="", n=2)
        return "\n".join(shown)


def _lines(content: Json | None) -> list[str]:
    if content is None:
        return []
    return json.dumps(content, indent=2, ensure_ascii=False).splitlines()


def summary(parts: Sequence[Part]) -> str:
    changing = sum(bool(part.steps) for part in parts)
    return f"{changing} of {len(parts)} would change" if changing else f"all {len(parts)} are up to date"
