"""Several faults in one play of an operation: each at a call of its own, so that every fault at every call
takes minutes and not hours.

Only faults are put together which the operation is expected to mend, and which strike a single call. Where
something is wrong in the end, each is tried again alone, and only that is judged; so is one whose call did
not come because of the others.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.crashtest.faults import FaultPoint, played_with
from scripts.crashtest.operation import Operation
from scripts.crashtest.points import Playable, Verdict
from scripts.crashtest.site import Site

MOST, MOST_SLOW = 8, 2
SLOW = "time-out"  # each makes its play longer by seconds


@dataclass(frozen=True)
class Together:
    points: tuple[FaultPoint, ...]

    @property
    def name(self) -> str:
        return " + ".join(point.name for point in self.points)

    @property
    def operation(self) -> Operation:
        return self.points[0].operation

    @property
    def alone(self) -> Sequence[Playable]:
        return self.points

    def verdict(self) -> Verdict:
        return Verdict(self.name, self.operation.name)

    async def play(self, site: Site, patience: float) -> list[Verdict]:
        return await played_with(self.points, site, patience)

    def takes(self, other: FaultPoint) -> bool:
        """Whether this one may come along: at a call about something else, no second one of those that
        change something outside, and not too many that take long."""
        if len(self.points) >= MOST or self.operation is not other.operation:
            return False
        if other.call.kind in [one.call.kind for one in self.points]:
            return False
        if other.call.acts and any(one.call.acts for one in self.points):
            return False
        return not _slow(other) or sum(_slow(one) for one in self.points) < MOST_SLOW


def _slow(point: FaultPoint) -> bool:
    return point.fault.name.startswith(SLOW)


def packed(points: Sequence[FaultPoint], seed: int) -> list[Playable]:
    """All of them, as many together as may be."""
    fit = [point for point in points if point.fault.mends and not point.fault.lasts]
    rest: list[Playable] = [point for point in points if not point.fault.mends or point.fault.lasts]
    random.Random(seed).shuffle(fit)
    # Those that are hard to place first; then each goes where there is most room.
    fit.sort(key=lambda point: (not point.call.acts, not _slow(point)))
    found: list[Together] = []
    for point in fit:
        place = next((number for number, one in enumerate(found) if one.takes(point)), None)
        if place is None:
            found.append(Together((point,)))
        else:
            found[place] = Together((*found[place].points, point))
    return [*rest, *(one if len(one.points) > 1 else one.points[0] for one in found)]
