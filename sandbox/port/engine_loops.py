"""Cuts automations that set themselves off for ever, as one that writes the blueprint it listens to does.

Two signs are watched: the chain of automations that led to an event, known for what the engine does
itself and for writes that name a `run_id`; and how often one automation meets one entity or run within a
minute, which also catches loops that go through somebody's backend.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict, deque
from collections.abc import Iterator
from contextvars import ContextVar

Chain = tuple[str, ...]
"""Identifiers of the automations that led to something, oldest first."""

_current: ContextVar[Chain] = ContextVar("automation_chain", default=())


def current_chain() -> Chain:
    return _current.get()


@contextlib.contextmanager
def caused_by(chain: Chain) -> Iterator[None]:
    """What happens inside, in this task and those it starts, is an effect of `chain`."""
    token = _current.set(chain)
    try:
        yield
    finally:
        _current.reset(token)


class LoopGuard:
    """`in_a_row`: how often an automation may appear in one chain. `per_window`: how often it may run for
    one entity or run within `window` seconds."""

    def __init__(self, in_a_row: int = 10, per_window: int = 500, window: float = 60.0) -> None:
        self.in_a_row, self.per_window, self.window = in_a_row, per_window, window
        self._seen: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._cut: set[tuple[str, str]] = set()

    def clear(self) -> None:
        self._seen.clear()
        self._cut.clear()

    def look(self, automation: str, about: str, chain: Chain, now: float) -> tuple[bool, str | None]:
        """(may it run, what to write down). The reason is given once for every loop that is cut."""
        if chain.count(automation) >= self.in_a_row:
            return False, f"it set itself off {self.in_a_row} times in a row"
        key = (automation, about)
        times = self._seen[key]
        while times and times[0] <= now - self.window:
            times.popleft()
        if len(times) < self.per_window:
            times.append(now)
            self._cut.discard(key)
            return True, None
        if key in self._cut:
            return False, None
        self._cut.add(key)
        return False, f"it ran {self.per_window} times within {self.window:.0f} s for {about}"
