"""`make bench`: what opening a war room and an update to many cost, measured through the framework, as JSON.

Every call to Slack, Zoom and Port is made slower by `--delay` seconds, so that round trips can be seen.
Times count from the moment Port's webhook arrives.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from sandbox.stage import Json, Stage, StageError, until
from scripts.audience_bench import updates_to_many

RESPONDERS = ("responder@example.com", "support@example.com")


async def opening(stage: Stage, number: int) -> Json:
    """Open one room; the seconds to each milestone and the calls it took."""
    incident = f"BENCH-{number}"
    before = len(await stage.journal())
    await stage.create(
        "incident",
        {
            "identifier": incident,
            "title": f"Bench number {number}",
            "properties": {
                "status": "investigating",
                "severity": "sev1",
                "startedAt": datetime.now(UTC).isoformat(),
            },
            "relations": {"responders": list(RESPONDERS)},
        },
    )

    async def ended() -> bool:
        runs = [run for run in await stage.runs() if (run.get("payload") or {}).get("body")]
        return any(
            run["payload"]["body"].get("incident") == incident and run["status"] == "SUCCESS" for run in runs
        )

    await until(f"the room of {incident} is open", ended, 60)
    entries = (await stage.journal())[before:]
    delivered = next(entry for entry in entries if _delivers(entry))
    start = delivered["started"]
    calls = [entry for entry in entries if entry["direction"] == "in" and _ours(entry)]

    def done(operation: str) -> float:
        found = next(entry for entry in calls if entry["operation"] == operation)
        return round(float(found["started"] + found["seconds"] - start), 3)

    return {
        "channel": done("conversations.create"),
        "bridge": done("meetings.create"),
        "invited": done("conversations.invite"),
        "briefing": done("chat.postMessage"),
        "reported": done("runs.patch"),
        "round_trips": round_trips(calls, start, ("conversations.invite", "chat.postMessage")),
        "calls": len(calls),
    }


def _delivers(entry: Json) -> bool:
    return entry["direction"] == "out" and str(entry["path"]).endswith("/actions/open_war_room")


def _ours(entry: Json) -> bool:
    """A call of the handler's, not of Ocean's own polling nor of this measuring."""
    return not entry["operation"].startswith(
        ("integration.", "ingest.", "runs.claim", "runs.list", "workflows.")
    )


def round_trips(calls: list[Json], start: float, milestones: tuple[str, ...]) -> int:
    """The longest chain of calls up to a milestone in which each began after the one before had ended."""
    chains: list[tuple[float, int]] = []
    longest = 0
    for call in sorted(calls, key=lambda entry: float(entry["started"])):
        if call["started"] < start:
            continue
        length = 1 + max((n for ended, n in chains if ended <= call["started"]), default=0)
        chains.append((call["started"] + call["seconds"], length))
        if call["operation"] in milestones:
            longest = max(longest, length)
    return longest


async def main(options: argparse.Namespace) -> int:
    console = Console(stderr=True)
    people = [{"email": email, "name": email.split("@")[0]} for email in RESPONDERS]
    try:
        async with Stage.up(settings={"OCEAN__INTEGRATION__CONFIG__MAX_ROOMS_PER_HOUR": "1000"}) as stage:
            entities = {"_user": [{"identifier": email} for email in RESPONDERS]}
            await stage.ask("POST", "/seed", {"slack": {"users": people}, "port": {"entities": entities}})
            await opening(stage, 0)  # warm: tokens, connections
            with console.status("two updates to fifty destinations"):
                for measured in await updates_to_many(stage):
                    print(json.dumps(measured), flush=True)
            for delay in (0.0, options.delay):
                if delay:
                    fault = {"service": "*", "operation": "*", "times": 100_000, "delay": delay}
                    await stage.ask("POST", "/faults", fault)
                with console.status(f"opening {options.times} rooms, {delay * 1000:g} ms on every call"):
                    runs = [
                        await opening(stage, round(delay * 1000) * 100 + number + 1)
                        for number in range(options.times)
                    ]
                measured = median(runs)
                if not delay:
                    del measured["round_trips"]  # calls this short can not be told one after another
                print(json.dumps({"operation": "open_war_room", "delay": delay, **measured}), flush=True)
    except StageError as problem:
        console.print(f"[red]✘ {problem}[/]")
        return 1
    return 0


def median(runs: list[dict[str, Any]]) -> Json:
    return {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]} | {
        "times": len(runs)
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--delay", type=float, default=0.1, help="seconds added to every call")
    sys.exit(asyncio.run(main(parser.parse_args())))
