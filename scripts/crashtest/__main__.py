"""`make crashtest`: kill the integration at every call of every operation, and see what becomes of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
from rich.console import Console

from sandbox.stage import StageError
from scripts.crashtest import report
from scripts.crashtest.calls import Call
from scripts.crashtest.faults import fault_points
from scripts.crashtest.operation import Operation
from scripts.crashtest.operations import OPERATIONS
from scripts.crashtest.points import Playable, Verdict, dry_run, points
from scripts.crashtest.site import CONFIG, QUICK, Site
from scripts.crashtest.trap import WHENS, When

PER_SITE = 40  # points until a site is replaced: Zoom's daily limit, and what piles up in it
WIPE_EVERY = 10
SHIPPED_TIMEOUT = 10.0  # seconds; the default of EFFECT_TIMEOUT_SECONDS
DRAIN = {"OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN": "1"}
_console = Console(stderr=True)


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
    parser.add_argument("--sigterm", action="store_true", help="SIGTERM, with a second to drain")
    parser.add_argument("--sample", type=int, default=0, help="this many points of each operation, by chance")
    parser.add_argument("--seed", type=int, default=1, help="of that chance")
    parser.add_argument("--parallel", type=int, default=6, help="stages at a time; they mostly wait")
    parser.add_argument("--real", action="store_true", help="with the times as shipped, not shortened")
    parser.add_argument("--list", action="store_true", help="only list the calls")
    parser.add_argument("--json", action="store_true", help="JSON lines: every point, then the figures")
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


async def plan(chosen: argparse.Namespace, settings: dict[str, str]) -> list[Playable]:
    """Dry runs of the chosen operations, and what is to be tried on their calls."""
    part, parts = shard()
    names = chosen.operation or list(OPERATIONS)
    at_once = asyncio.Semaphore(chosen.parallel)

    async def calls_of(name: str) -> list[Call]:
        async with at_once, Site.open(settings) as site:
            return await dry_run(site, OPERATIONS[name])

    found: list[Playable] = []
    for name, calls in zip(names, await asyncio.gather(*map(calls_of, names)), strict=True):
        if chosen.list:
            for call in calls:
                kind = "acts" if call.acts else "writes" if call.changes else "reads"
                print(f"{name:14} {kind:7} {call.name:45} {call.about}")
        every = tried(OPERATIONS[name], [call for call in calls if chosen.call in call.name], chosen)
        if chosen.sample and chosen.sample < len(every):
            every = random.Random(f"{chosen.seed} {name}").sample(every, chosen.sample)
        found += every
    # In no order: a run that is stopped half-way has seen something of everything.
    random.Random(chosen.seed).shuffle(found)
    return found[part - 1 :: parts]


def tried(operation: Operation, calls: list[Call], chosen: argparse.Namespace) -> list[Playable]:
    if chosen.faults:
        timeout = SHIPPED_TIMEOUT if chosen.real else float(QUICK[f"{CONFIG}EFFECT_TIMEOUT_SECONDS"])
        found = fault_points(operation, calls, timeout)
        return [one for one in found if chosen.fault in one.fault.name]
    whens: tuple[When, ...] = ("ended",) if chosen.sigterm else WHENS[: chosen.points]
    every = points(operation, calls, whens)
    return [replace(point, wipe=number % WIPE_EVERY == 0) for number, point in enumerate(every)]


async def work(
    queue: asyncio.Queue[Playable], settings: dict[str, str], done: list[Verdict], chosen: argparse.Namespace
) -> None:
    """Play points on one site after the other until there are none left."""
    while not queue.empty():
        try:
            async with Site.open(settings) as site:
                for _ in range(PER_SITE):
                    if queue.empty():
                        return
                    verdict = await attempt(site, queue.get_nowait(), chosen)
                    done.append(verdict)
                    tell(verdict, queue.qsize(), chosen)
                    if chosen.keep and (verdict.problems or verdict.broken):
                        keep(site, verdict, chosen.keep)
                    if verdict.broken:
                        break
        except (StageError, httpx.HTTPError) as problem:
            _console.print(f"a stage broke: {problem}", markup=False)


async def attempt(site: Site, point: Playable, chosen: argparse.Namespace) -> Verdict:
    """Play a point; once more on a fresh process when its call did not come: something was remembered."""
    try:
        verdict = await point.play(site, chosen.patience)
        if not verdict.reached:
            await site.restart()
            verdict = await point.play(site, chosen.patience)
    except (StageError, RuntimeError, OSError, ValueError, httpx.HTTPError) as problem:
        verdict = Verdict(
            point.name,
            point.operation.name,
            point.call.about,
            broken=f"{type(problem).__name__}: {problem}"[:500],
        )
    return verdict


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
    name = verdict.point.replace(" ", "_").replace("#", "-")
    (folder / f"{name}.log").write_bytes(site.integration.log.read_bytes())


async def main(chosen: argparse.Namespace) -> int:
    began = time.monotonic()
    if task := asyncio.current_task():
        # Ended from outside, too, it takes its stages with it.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    settings = ({} if chosen.real else dict(QUICK)) | (DRAIN if chosen.sigterm else {})
    queue: asyncio.Queue[Playable] = asyncio.Queue()
    try:
        planned = await plan(chosen, settings)
    except StageError as problem:
        _console.print(f"✘ {problem}", markup=False)
        return 1
    if chosen.list:
        return 0
    for point in planned:
        queue.put_nowait(point)
    _console.print(f"{len(planned)} points", markup=False)
    done: list[Verdict] = []
    sites = max(1, min(chosen.parallel, len(planned)))
    await asyncio.gather(*(work(queue, settings, done, chosen) for _ in range(sites)))
    report.told(done, time.monotonic() - began, chosen.json)
    return 1 if report.failed(done) or len(done) < len(planned) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(arguments())))
