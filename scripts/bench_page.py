"""`make bench`, the status page: what it costs to say something there, to read it all, to follow a hint.

Through the real framework, against a Statuspage that keeps to its one request a second. Times of an
operation count from the moment Port calls us after the approval, those of a hint from the webhook's delivery.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage, StageError, until
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.statuspage.state import API_KEY

AUTHOR = "commander@example.com"
CHECKOUT = "sbxcheckout1"
BIG = "benchbigpage"
COMPONENTS, INCIDENTS, UPDATES = 60, 1000, 8  # updates of each incident
RULES = {"OCEAN__INTEGRATION__CONFIG__GUARD_RULES": '{"resolved early": "warn"}'}


def big_page(components: int, incidents: int, updates: int) -> Json:
    """A page with a long past."""
    statuses = ("investigating", "identified", "monitoring")
    return {
        "id": BIG,
        "name": "Bench",
        "components": [{"id": f"benchcomp{one:03}", "name": f"Component {one}"} for one in range(components)],
        "incidents": [
            {
                "name": f"Incident {one}",
                "status": "resolved",
                "components": [f"benchcomp{one % components:03}"],
                "updates": [
                    {
                        "status": "resolved" if two == updates - 1 else statuses[two % 3],
                        "body": f"News {two} of incident {one}.",
                    }
                    for two in range(updates)
                ],
            }
            for one in range(incidents)
        ],
    }


class Page:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def asked(self, since: int = 0) -> list[Json]:
        """Requests that Statuspage got after a mark of the journal."""
        found = await self.stage.journal(since=since, service="statuspage")
        return [one for one in found if one["direction"] == "in"]

    async def mark(self) -> int:
        journal = await self.stage.journal()
        return int(journal[-1]["n"]) if journal else 0

    async def say(self, incident: str, action: str, wrote: str, **inputs: Any) -> Json:
        """Press, read what goes out, approve and wait; calls and seconds of it."""
        given = {"notifySubscribers": False, **inputs}
        since, began = await self.mark(), time.monotonic()
        run = await self.stage.press(action, incident, given, AUTHOR)
        shown = f"{incident}:preview:{run}"

        async def look() -> Json | None:
            return await self.stage.entity("incidentCommunication", shown)

        preview = await until(f"{shown} can be read", look)
        if preview["properties"]["state"] != "draft":
            raise StageError(f"{action}: {preview['properties'].get('reason')}")
        readable = round(time.monotonic() - began, 1)
        read = Counter(one["operation"] for one in await self.asked(since))
        await asyncio.sleep(0.5)  # the link on the run, the word to the room
        since = await self.mark()
        await self.stage.approve(run, ADMIN)
        ended = await self.stage.finished(run)
        if ended["status"] != "SUCCESS":
            raise StageError(f"{action}: {ended.get('summary')}")
        await asyncio.sleep(1.0)  # what follows, such as reading it again, counts as well
        journal = await self.stage.journal(since=since)
        start = next(one["started"] for one in journal if str(one["path"]).endswith(f"/actions/{action}"))
        calls = [one for one in journal if one["service"] == "statuspage" and one["direction"] == "in"]
        written = next(one for one in calls if one["operation"] == wrote)
        return {
            "preview_calls": dict(read),
            "readable": readable,
            "statuspage_calls": dict(Counter(one["operation"] for one in calls)),
            "on_page": round(written["started"] + written["seconds"] - start, 3),
            "reported": round(_done(journal, "runs.patch") - start, 3),
        }

    async def count(self, blueprint: str) -> int:
        return len(await self.stage.entities(blueprint))

    async def resync(self) -> Json:
        """Start the integration anew, which reads everything; its calls, seconds and memory."""
        await self.stage.integration.stop()
        since = await self.mark()
        began = time.monotonic()
        await self.stage.start_integration()
        peak = 0.0

        async def done() -> bool:
            nonlocal peak
            peak = max(peak, resident(self.stage.integration.pid))
            journal = await self.stage.journal(since=since, operation="integration.resync_state", full="true")
            return any("completed" in str(one["request"]) for one in journal)

        await until("the resync has ended", done, 600)
        seconds = time.monotonic() - began
        calls = await self.asked(since)
        journal = await self.stage.journal(since=since)
        writes = [one for one in journal if one["operation"].startswith("entities.") and one["effect"]]
        items = await self.count("statuspageIncident") + await self.count("statuspageIncidentUpdate")
        return {
            "statuspage_calls": dict(Counter(one["operation"] for one in calls)),
            "port_writes": len(writes),
            "seconds": round(seconds, 1),
            "items": items,
            "items_per_second": round(items / seconds, 1),
            "peak_megabytes": round(peak, 1),
        }


def _done(journal: list[Json], operation: str) -> float:
    found = [one for one in journal if one["operation"] == operation]
    return float(found[-1]["started"] + found[-1]["seconds"])


def resident(pid: int) -> float:
    """Megabytes that a process and its children hold; 0 where the system does not tell."""
    total = 0.0
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        try:
            status = Path(f"/proc/{one}/status").read_text()
            children = Path(f"/proc/{one}/task/{one}/children").read_text().split()
        except OSError:
            continue
        rss = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")), "0")
        total += int(rss) / 1024
        waiting += [int(child) for child in children]
    return total


async def spoken(stage: Stage) -> None:
    page = Page(stage)

    async def mirrored() -> bool:
        return await stage.entity("statuspageComponent", CHECKOUT) is not None

    await until("the page stands in Port", mirrored, 60)
    await stage.create("incident", _incident("BENCH-PAGE"))
    outage = {"components": [CHECKOUT], "componentStatus": "partial_outage"}
    public = {"page": DEFAULT_PAGE, "name": "Payments fail", "body": "Some payments fail."}
    told = {
        "publish": await page.say(
            "BENCH-PAGE", "publish_status_page", "incidents.create", **public, **outage
        ),
        "update": await page.say("BENCH-PAGE", "update_status_page", "incidents.update", body="We found it."),
        "resolve": await page.say(
            "BENCH-PAGE", "resolve_status_page", "incidents.update", body="It is over."
        ),
    }
    for operation, figures in told.items():
        _tell(operation, figures)


async def hinted(stage: Stage) -> None:
    """From a webhook to the entity, of a change that somebody makes on the page."""
    page = Page(stage)
    made = await _by_hand(stage, "POST", "incidents", name="By hand", body="Seen.", status="investigating")

    async def stands(status: str) -> bool:
        found = await stage.entity("statuspageIncident", made["id"])
        return found is not None and found["properties"]["status"] == status

    await until("the incident stands in Port", lambda: stands("investigating"), 60)
    await asyncio.sleep(5)
    since = await page.mark()
    await _by_hand(stage, "PATCH", f"incidents/{made['id']}", body="Found.", status="identified")
    await until("the change stands in Port", lambda: stands("identified"), 60)
    journal = await stage.journal(since=since)
    sent = next(
        one["started"] for one in journal if one["direction"] == "out" and "/statuspage/" in one["path"]
    )
    wrote = next(
        one
        for one in journal
        if one["direction"] == "in" and one["effect"] and "/statuspageIncident/" in one["path"]
    )
    calls = [one for one in journal if one["service"] == "statuspage" and one["direction"] == "in"]
    figures = {
        "entity": round(wrote["started"] + wrote["seconds"] - sent, 3),
        "statuspage_calls": dict(
            Counter(one["operation"] for one in calls if one["operation"] != "incidents.update")
        ),
    }
    _tell("webhook", figures)


async def resyncs(stage: Stage, options: argparse.Namespace) -> None:
    page = Page(stage)
    size = (options.components, options.incidents, options.updates)
    await stage.ask("POST", "/seed", {"statuspage": {"pages": [big_page(*size)]}})
    _tell("resync", await page.resync())
    _tell("resync, nothing changed", await page.resync())


async def amid(stage: Stage) -> None:
    """Publish while a resync reads all it can of the one request a second."""
    page = Page(stage)
    await stage.create("incident", _incident("BENCH-AMID"))
    await stage.integration.stop()
    since = await page.mark()
    await stage.start_integration()

    async def reading() -> bool:
        return any(one["operation"] == "incidents.list" for one in await page.asked(since))

    await until("the resync reads incidents", reading, 60)
    public = {"page": DEFAULT_PAGE, "name": "Amid", "body": "Some payments fail."}
    _tell(
        "publish amid a resync",
        await page.say("BENCH-AMID", "publish_status_page", "incidents.create", **public),
    )


def _incident(identifier: str) -> Json:
    return {
        "identifier": identifier,
        "title": identifier,
        "properties": {"status": "investigating", "severity": "sev4"},
    }


async def _by_hand(stage: Stage, method: str, path: str, **given: Any) -> Json:
    headers = {"authorization": f"OAuth {API_KEY}"}
    async with httpx.AsyncClient(headers=headers, timeout=30) as http:
        url = f"{stage.base}/statuspage/v1/pages/{DEFAULT_PAGE}/{path}"
        answer = await http.request(method, url, json={"incident": given})
        answer.raise_for_status()
        found: Json = answer.json()
        return found


def _tell(operation: str, figures: Json) -> None:
    print(json.dumps({"operation": operation, **figures}), flush=True)


async def main(options: argparse.Namespace) -> int:
    console = Console(stderr=True)
    try:
        async with Stage.up(settings=RULES) as stage:
            with console.status("the status page"):
                await spoken(stage)
                await hinted(stage)
                await resyncs(stage, options)
                await amid(stage)
    except StageError as problem:
        console.print(f"[red]✘ {problem}[/]")
        return 1
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m scripts.bench_page", description=__doc__)
    parser.add_argument("--components", type=int, default=COMPONENTS)
    parser.add_argument("--incidents", type=int, default=INCIDENTS)
    parser.add_argument("--updates", type=int, default=UPDATES, help="of each incident")
    sys.exit(asyncio.run(main(parser.parse_args())))
