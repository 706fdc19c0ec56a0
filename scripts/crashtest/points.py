"""One point: an operation is cut off at one call, and what comes after the restart is judged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from sandbox.stage import Json, StageError
from scripts.crashtest.calls import Call, listed
from scripts.crashtest.operation import Operation, Played
from scripts.crashtest.site import QUIET, Site
from scripts.crashtest.trap import Trap, When
from scripts.crashtest.truth import Problem, Truth, always

PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.6, 2.0  # between two looks at how it stands
END_SECONDS = 20.0  # a process that is asked to end has ended by then


@dataclass
class Verdict:
    point: str
    operation: str
    about: str = ""
    reached: bool = True
    seconds: float = 0.0  # from the restart to calm
    problems: list[Problem] = field(default_factory=list)
    unknown: int = 0  # mails
    together: int = 1  # points that were tried in the same play
    broken: str = ""  # the test itself could not go on

    def as_json(self) -> Json:
        return {**asdict(self), "problems": [str(one) for one in self.problems]}


class Playable(Protocol):
    """One thing to try on a site, and to judge: a point, or several in one play."""

    @property
    def name(self) -> str: ...

    @property
    def operation(self) -> Operation: ...

    @property
    def alone(self) -> Sequence[Playable]:
        """What it consists of, to be tried one by one; itself where it is one."""

    def verdict(self) -> Verdict:
        """An empty one."""

    async def play(self, site: Site, patience: float) -> list[Verdict]:
        """Leaves the site fit for the next one. Raises StageError when it can't go on."""


@dataclass(frozen=True)
class Point:
    """An operation cut off at one call; the integration is started again, on a wiped folder if `wipe`."""

    operation: Operation
    call: Call
    when: When
    wipe: bool = False

    @property
    def name(self) -> str:
        return f"{self.operation.name} {self.call.name} {self.when}"

    @property
    def alone(self) -> Sequence[Playable]:
        return [self]

    def verdict(self) -> Verdict:
        return Verdict(self.name, self.operation.name, self.call.about)

    async def play(self, site: Site, patience: float) -> list[Verdict]:
        operation, verdict = self.operation, self.verdict()
        played = await prepared(site, operation)
        trap = Trap(site, self.call, played.incident, await site.mark())
        await trap.set(self.when)
        await operation.begin(played)

        async def over() -> bool:
            return not problems_of(operation, await played.truth())

        verdict.reached = await trap.caught(over)
        if not verdict.reached:
            await site.retire(played.incident)
            return [verdict]
        await operation.ripe(played)
        sprung = time.monotonic()
        await trap.spring(self.when)
        if time.monotonic() - sprung > END_SECONDS:
            verdict.problems.append(Problem("stuck", "process", f"did not end within {END_SECONDS:g} s"))
        if self.wipe:
            if left := site.written():
                verdict.problems.append(Problem("untrue", "folder", f"the integration wrote {left}"))
            site.wipe()
        began = time.monotonic()
        await site.start_integration()
        if self.when == "late":
            await trap.release(trap.held)
        await site.calm()
        problems, calm_at, truth = await judged(operation, played, began, patience)
        # Killed by a call of what went before: the operation itself never came here.
        verdict.reached = operation.button not in truth.undelivered
        verdict.problems += problems if verdict.reached else []
        verdict.seconds = round(calm_at - began, 1)
        verdict.unknown = len(truth.unknown())
        await site.retire(played.incident)
        return [verdict]


async def dry_run(site: Site, operation: Operation) -> list[Call]:
    """Play it without a cut and list its calls. Raises StageError when it does not end well by itself."""
    played = await prepared(site, operation)
    began = await site.mark()
    await operation.begin(played)
    problems, *_ = await judged(operation, played, time.monotonic(), 45)
    if problems:
        found = "; ".join(str(one) for one in problems)
        raise StageError(f"{operation.name} ends badly by itself: {found}")
    await site.quiet(began, operation.trail, 2 * operation.trail)
    calls = listed(await site.journal(since=began, full="true"), played.incident, operation.polls)
    await site.retire(played.incident)
    return calls


async def prepared(site: Site, operation: Operation) -> Played:
    played = Played(site, site.name(), await site.mark())
    await operation.prepare(played)
    await site.quiet(await site.mark(), operation.rest)
    return played


Excuse = Callable[[list[Problem], Truth], list[Problem]]
"""Leaves out the problems that are to be expected."""


async def judged(
    operation: Operation, played: Played, began: float, patience: float, excused: Excuse | None = None
) -> tuple[list[Problem], float, Truth]:
    """(what is wrong when patience, in seconds since `began`, is over; when all was well and quiet; how it
    stands then)"""
    mark = await played.site.mark()

    async def found() -> tuple[list[Problem], Truth]:
        truth = await played.truth()
        problems = problems_of(operation, truth)
        return excused(problems, truth) if excused else problems, truth

    pause = PAUSE_SECONDS
    while True:
        at = time.monotonic()
        problems, truth = await found()
        # Twice in a row, with quiet in between: a second effect may follow the first.
        if not problems and await played.site.quiet(mark, QUIET):
            problems, truth = await found()
            if not problems:
                return [], at, truth
        if time.monotonic() - began > patience:
            return problems, time.monotonic(), truth
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, LONGEST_PAUSE_SECONDS)


def problems_of(operation: Operation, truth: Truth) -> list[Problem]:
    return [*always(truth), *operation.missing(truth)]


def points(operation: Operation, calls: list[Call], whens: tuple[When, ...]) -> list[Point]:
    """Every call at every moment, but no two that are one and the same to everybody.

    - It is processed late only where that changes something outside.
    - A read that is lost and one that is processed leave the same: nothing outside, nothing known inside.
    - Right after an answer is before the next call leaves, where nothing else is under way around the two.
    """
    return [
        Point(operation, call, when)
        for call in calls
        for when in whens
        if (when != "late" or call.acts)
        and (when != "acted" or call.changes or "lost" not in whens)
        and (when != "answered" or not call.alone or "lost" not in whens)
    ]
