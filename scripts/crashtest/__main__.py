"""`make crashtest`: kill the integration at every call of every operation, and see what becomes of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
import zlib
from dataclasses import replace
from pathlib import Path

import httpx
from rich.console import Console

from sandbox.stage import ROOT, StageError
from scripts.crashtest import report
from scripts.crashtest.calls import Call, in_all
from scripts.crashtest.faults import DOWN_SECONDS, MINUTE_SECONDS, FaultPoint, fault_points
from scripts.crashtest.forged import Forge
from scripts.crashtest.operation import Operation
from scripts.crashtest.operations import OPERATIONS
from scripts.crashtest.points import Playable, Point, Verdict, dry_run, points
from scripts.crashtest.site import CONFIG, DRAIN, QUICK, Site, copy_program
from scripts.crashtest.together import packed
from scripts.crashtest.trap import WHENS, When

PER_SITE = 80  # points until a site is replaced: Zoom's daily limit, and what piles up in it
WIPE_EVERY = 10
LISTINGS = 3  # plays of each operation that list its calls: what comes by chance is left out
ATTEMPTS = 3
BROKEN_AT_MOST = 3  # stages in a row on which nothing could be played
SHIPPED_TIMEOUT = 10.0  # seconds; the default of EFFECT_TIMEOUT_SECONDS
QUICK_TIMEOUT = float(QUICK[f"{CONFIG}EFFECT_TIMEOUT_SECONDS"])
ENDED: tuple[When, ...] = ("ended",)
_console = Console(stderr=True, soft_wrap=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make crashtest ARGS=...", description=__doc__)
    parser.add_argument(
        "--operation", action="append", choices=list(OPERATIONS), help="only this one; repeatable"
    )
    parser.add_argument(
        "--points", type=int, default=len(WHENS), choices=range(1, 5), help=f"of {', '.join(WHENS)}"
    )
    parser.add_argument("--call", default="", help="only calls whose name holds this: conversations.create#1")
    parser.add_argument("--faults", action="store_true", help="no kill: every fault at every call")
    parser.add_argument("--fault", default="", help="only faults whose name holds this: 429")
    parser.add_argument("--single", action="store_true", help="each fault in a play of its own")
    parser.add_argument("--sigterm", action="store_true", help="no kill: SIGTERM, with a second to drain")
    parser.add_argument("--all", action="store_true", help="kills, SIGTERM and faults in one run")
    parser.add_argument("--sample", type=int, default=0, help="this many points of each operation, by chance")
    parser.add_argument("--seed", type=int, default=1, help="of that chance")
    parser.add_argument("--parallel", type=int, default=16, help="stages at a time; they mostly wait")
    parser.add_argument("--real", action="store_true", help="with the times as shipped, not shortened")
    parser.add_argument("--list", action="store_true", help="only list the calls")
    parser.add_argument("--json", action="store_true", help="JSON lines: every point, then the figures")
    parser.add_argument("--again", type=Path, help="only what was wrong in an earlier run's --json")
    parser.add_argument("--keep", type=Path, help="a folder for the integration's log of what went wrong")
    parser.add_argument(
        "--patience", type=float, default=45.0, help="seconds until what is not calm has failed"
    )
    return parser.parse_args()


def shard() -> tuple[int, int]:
    """SHARD=i/n of the environment: this is the i-th of n parts, counted from 1."""
    given = os.environ.get("SHARD", "") or "1/1"
    part, _, parts = given.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise SystemExit(f"SHARD={given}: 1/4, 2/4, ... is expected")
    return int(part), int(parts)


class Crew:
    """Some stages side by side: first they list the operations' calls, then they play the points."""

    def __init__(self, chosen: argparse.Namespace, program: Path, forge: Forge) -> None:
        self._chosen = chosen
        self._program, self._forge = program, forge
        self._settings = {} if chosen.real else dict(QUICK)
        self._names: list[str] = list(chosen.operation or OPERATIONS)
        self._unlisted = LISTINGS * list(reversed(self._names))
        self._seen: dict[str, list[list[Call]]] = {name: [] for name in self._names}
        self._calls: dict[str, list[Call]] = {}
        self._queue: asyncio.Queue[Playable] = asyncio.Queue()
        self._listed = asyncio.Event()
        self.planned = 0
        self.done: list[Verdict] = []

    @property
    def listed(self) -> bool:
        return self._listed.is_set()

    async def play(self) -> None:
        """Raises StageErrors when an operation does not even end well by itself."""
        async with asyncio.TaskGroup() as crew:
            for _ in range(max(1, self._chosen.parallel)):
                crew.create_task(self._work())

    async def _work(self) -> None:
        """Play points on one site after the other until there are none left."""
        first, broken = True, 0
        while first or not self._queue.empty():
            played = len(self.done)
            try:
                async with Site.open(self._settings | DRAIN, self._program, self._forge) as site:
                    if first:
                        first = False
                        await self._list(site)
                    await self._points(site)
            except (StageError, httpx.HTTPError) as problem:
                broken = broken + 1 if len(self.done) == played else 0
                if not self._listed.is_set() or broken == BROKEN_AT_MOST:
                    raise
                _console.print(f"a stage broke: {problem}", markup=False)

    async def _list(self, site: Site) -> None:
        while self._unlisted:
            name = self._unlisted.pop()
            self._seen[name].append(await dry_run(site, OPERATIONS[name]))
        if all(len(self._seen[name]) == LISTINGS for name in self._names) and not self._listed.is_set():
            self._calls = {name: in_all(self._seen[name]) for name in self._names}
            self._plan()
            self._listed.set()
        await self._listed.wait()

    def _plan(self) -> None:
        chosen = self._chosen
        found: list[Point | FaultPoint] = []
        for name in self._names:
            calls = self._calls[name]
            if chosen.list:
                listed(name, calls)
            shared = self._calls.get(OPERATIONS[name].like, [])
            every = tried(OPERATIONS[name], [one for one in calls if chosen.call in one.name], shared, chosen)
            if chosen.sample and chosen.sample < len(every):
                every = random.Random(f"{chosen.seed} {name}").sample(every, chosen.sample)
            found += every
        if chosen.again:
            wrong = wrong_in(chosen.again.read_text())
            found = [one for one in found if one.name in wrong]
        part, parts = shard()
        # By its name: each part lists the calls anew, and they need not come in the same order.
        mine = [one for one in found if zlib.crc32(one.name.encode()) % parts == part - 1]
        plays: list[Playable] = [one for one in mine if isinstance(one, Point)]
        faults = [one for one in mine if isinstance(one, FaultPoint)]
        plays += faults if chosen.single else packed(faults, chosen.seed)
        # In no order: a run that is stopped half-way has seen something of everything.
        random.Random(chosen.seed).shuffle(plays)
        self.planned = len(mine)
        _console.print(f"{self.planned} points in {len(plays)} plays", markup=False)
        for play in [] if chosen.list else plays:
            self._queue.put_nowait(play)

    async def _points(self, site: Site) -> None:
        for _ in range(PER_SITE):
            if self._queue.empty():
                return
            play = self._queue.get_nowait()
            verdicts = await attempt(site, play, self._chosen)
            broken = any(verdict.broken for verdict in verdicts)
            if len(verdicts) > 1:
                verdicts = self._once_more(play, verdicts)
            for verdict in verdicts:
                self.done.append(verdict)
                tell(verdict, self._queue.qsize(), self._chosen)
                if self._chosen.keep and (verdict.problems or verdict.broken):
                    keep(site, verdict, self._chosen.keep)
            if broken:
                return

    def _once_more(self, play: Playable, verdicts: list[Verdict]) -> list[Verdict]:
        """Of several in one play those that are settled; the others are tried again alone."""
        left = {one.point for one in verdicts if one.problems or one.broken or not one.reached}
        for one in play.alone:
            if one.name in left:
                self._queue.put_nowait(one)
        if found := dict.fromkeys(str(problem) for one in verdicts for problem in one.problems):
            _console.print(f"~ each again alone: {play.name}", markup=False)
            for problem in found:
                _console.print(f"    {problem}", markup=False)
        return [one for one in verdicts if one.point not in left]


def wrong_in(told: str) -> set[str]:
    """The points that were wrong, or did not come, in what --json has told."""
    lines = [json.loads(line) for line in told.splitlines()]
    return {
        one["point"]
        for one in lines
        if "point" in one and (one["problems"] or one["broken"] or not one["reached"])
    }


def listed(name: str, calls: list[Call]) -> None:
    for call in calls:
        kind = "acts" if call.acts else "writes" if call.changes else "reads"
        print(f"{name:14} {kind:7} {call.name}")


def tried(
    operation: Operation, calls: list[Call], shared: list[Call], chosen: argparse.Namespace
) -> list[Point | FaultPoint]:
    """What is to be tried on these calls: kills, unless something else is asked for. `shared`: those of the
    operation that it shares steps with."""
    found: list[Point | FaultPoint] = []
    if chosen.all or not (chosen.faults or chosen.sigterm):
        found += wiped(points(operation, calls, WHENS[: chosen.points]))
    if chosen.all or chosen.sigterm:
        found += wiped(points(operation, calls, ENDED))
    if chosen.all or chosen.faults:
        times = (SHIPPED_TIMEOUT, MINUTE_SECONDS) if chosen.real else (QUICK_TIMEOUT, DOWN_SECONDS)
        elsewhere = {(one.kind, one.ordinal) for one in shared}
        own = [one for one in calls if (one.kind, one.ordinal) not in elsewhere]
        found += [one for one in fault_points(operation, own, *times) if chosen.fault in one.fault.name]
    return found


def wiped(every: list[Point]) -> list[Point]:
    """Some of them with the working folder wiped before the restart."""
    return [replace(point, wipe=number % WIPE_EVERY == 0) for number, point in enumerate(every)]


async def attempt(site: Site, play: Playable, chosen: argparse.Namespace) -> list[Verdict]:
    """Play it; again on a fresh process when its call did not come: something was remembered, or it came at
    another time. What is in a play with others is tried again alone, by whoever asked."""
    try:
        for _ in range(ATTEMPTS):
            verdicts = await play.play(site, chosen.patience)
            if len(play.alone) > 1 or all(one.reached for one in verdicts):
                break
            await site.restart()
    except (StageError, RuntimeError, OSError, ValueError, httpx.HTTPError) as problem:
        verdicts = [one.verdict() for one in play.alone]
        for verdict in verdicts:
            verdict.broken = f"{type(problem).__name__}: {problem}"[:500]
    return verdicts


def tell(verdict: Verdict, left: int, chosen: argparse.Namespace) -> None:
    if chosen.json:
        print(json.dumps(verdict.as_json()), flush=True)
    mark = "✘" if verdict.problems else "!" if verdict.broken else "✔" if verdict.reached else "?"
    _console.print(f"{mark} {verdict.point}: calm after {verdict.seconds:g} s ({left} left)", markup=False)
    for problem in verdict.problems:
        _console.print(f"    {problem}", markup=False)
    if verdict.broken:
        _console.print(f"    {verdict.broken}", markup=False)


def keep(site: Site, verdict: Verdict, folder: Path) -> None:
    """The log of the whole site, under the name of the point with which it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "_", verdict.point)
    (folder / f"{name}.log").write_bytes(site.integration.log.read_bytes())


async def main(chosen: argparse.Namespace) -> int:
    began = time.monotonic()
    if task := asyncio.current_task():
        # Ended from outside, too, it takes its stages with it.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="incident-comms-program-") as folder:
        # The program as it is now: it may be worked on while it is tried.
        program = Path(folder)
        copy_program(ROOT, program)
        forge = Forge(program)
        crew = Crew(chosen, program, forge)
        try:
            await crew.play()
        except* (StageError, httpx.HTTPError) as problems:
            for problem in problems.exceptions:
                _console.print(f"✘ {problem}", markup=False)
        except* asyncio.CancelledError:
            _console.print("stopped before the end", markup=False)
        finally:
            await forge.put_out()
    if not crew.listed:
        return 1
    if chosen.list:
        return 0
    report.told(crew.done, time.monotonic() - began, chosen.json)
    return 1 if report.failed(crew.done) or len(crew.done) < crew.planned else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
