"""`make demo`: one incident, told from Port to Slack, Zoom, mail and the status page and back, through the
real product."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections import Counter
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.stage import CALLER, Json, Stage, StageError
from sandbox.story import Story
from sandbox.story_outside import PAGE
from sandbox.story_people import EXECUTIVES, INCIDENT, LEAD, expect


async def summary(story: Story) -> Json:
    """What happened, as one object. Raises StageError when something promised did not."""
    stage = story.stage
    incident = await stage.entity("incident", INCIDENT)
    properties = (await story.room())["properties"]
    notes = await story.standing_notes()
    runs = await stage.runs()
    journal = await stage.journal()
    communications = await stage.of_incident("incidentCommunication", INCIDENT)
    communications.sort(key=lambda one: str(one["properties"].get("sentAt")))
    expect(incident is not None, f"{INCIDENT} is gone from Port")
    rooms = await stage.entities("incidentWarRoom")
    expect(len(rooms) == 1, f"{len(rooms)} war rooms instead of one")
    _expect_once(journal)
    _expect_sent(communications)
    for run in runs:
        wanted = "FAILURE" if run["id"] in story.outside.held_runs else "SUCCESS"
        expect(run["status"] == wanted, f"run {run['id']} ended {run['status']}: {run.get('summary')}")
    # The demo's own look into Port is not the integration's work.
    theirs = [one for one in journal if one["direction"] == "in" and not one["caller"].startswith(CALLER)]
    calls = Counter(f"{one['service']} {one['operation']}" for one in theirs)
    by_service: Counter[str] = Counter()
    for name, number in calls.items():
        by_service[name.split(" ")[0]] += number
    return {
        "incident": {"identifier": INCIDENT, **(incident or {})["properties"]},
        "channel": {
            "id": properties["channelId"],
            "name": properties["channelName"],
            "url": properties["channel"],
        },
        "bridge": {"kind": properties["bridgeKind"], "url": properties["bridge"]},
        "public": await _public(story, communications),
        "mail": await _mail(story),
        "notes": dict(Counter(note["properties"]["kind"] for note in notes)),
        "communications": [
            _communication(one) for one in communications if one["properties"]["purpose"] != "preview"
        ],
        "runs": [
            {
                "action": run["action"]["identifier"],
                "status": run["status"],
                "label": run.get("statusLabel"),
                "summary": run.get("summary"),
            }
            for run in runs
        ],
        "documents": {name: len(str(properties.get(name) or "")) for name in ("timeline", "rca")},
        "steps": story.steps,
        "seconds": round(time.monotonic() - story.started, 1),
        "calls": {"by_service": dict(by_service), "by_operation": dict(sorted(calls.items()))},
    }


def _expect_once(journal: list[Json]) -> None:
    """What exists once in the world was made once."""
    for operation in ("conversations.create", "meetings.create", "incidents.create"):
        made = [one for one in journal if one["operation"] == operation and one["effect"]]
        expect(len(made) == 1, f"{operation} had an effect {len(made)} times instead of once")


def _expect_sent(communications: list[Json]) -> None:
    for one in communications:
        properties, name = one["properties"], one["identifier"]
        state = properties["state"]
        if properties["purpose"] == "preview":
            expect(state == "superseded", f"{name} is {state}, not carried out: {properties.get('reason')}")
            continue
        expect(state == "sent", f"{name} is {state}, not sent: {properties.get('reason')}")
        expect(bool(properties.get("receipt")), f"{name}: no receipt")
        expect(bool(properties.get("requestedBy")), f"{name}: nobody knows who asked for it")
        public = properties["medium"] == "statuspage"
        expect(not public or properties.get("approvedBy") == LEAD, f"{name}: not approved by {LEAD}")


async def _public(story: Story, communications: list[Json]) -> Json:
    """The public incident as a customer sees it, and who approved what was said there."""
    [over] = (await story.outside.seen())["past"]
    statuses = [update["status"] for update in reversed(over["updates"])]
    wanted = ["investigating", "identified", "monitoring", "resolved"]
    expect(statuses == wanted, f"the public incident went {', '.join(statuses)}")
    posts = [one["properties"] for one in communications if one["properties"]["medium"] == "statuspage"]
    bound = [one for one in posts if (one.get("details") or {}).get("approval", {}).get("contentHash")]
    expect(len(bound) == 3, f"{len(bound)} of 3 public posts say what their approver has read")
    return {
        "page": PAGE,
        "incident": over["id"],
        "url": over["shortlink"],
        "name": over["name"],
        "status": over["status"],
        "updates": statuses,
        "components": await story.outside.components(),
        "approvedBy": sorted({str(one["approvedBy"]) for one in posts}),
    }


async def _mail(story: Story) -> list[Json]:
    mails = await story.outside.mails()
    got = sorted(address for mail in mails for address in mail["recipients"])
    expect(got == sorted(EXECUTIVES), f"mail went to {', '.join(got) or 'nobody'}")
    return [
        {"to": mail["recipients"][0], "subject": mail["subject"], "messageId": mail["message_id"]}
        for mail in mails
    ]


def _communication(entity: Json) -> Json:
    properties = entity["properties"]
    kept = (
        *("purpose", "medium", "audience", "destination", "state", "requestedBy", "approvedBy"),
        *("sentAt", "permalink", "receipt"),
    )
    return {"key": entity["identifier"], **{name: properties.get(name) for name in kept}}


def show(console: Console, summary: Json) -> None:
    table = Table(title=f"{INCIDENT}: what was communicated", title_justify="left")
    for column in ("what", "to", "by", "asked by", "approved by", "state"):
        table.add_column(column, no_wrap=True)
    for one in summary["communications"]:
        room = one["destination"] in summary["channel"].values()
        to = one["audience"] or ("the room" if room else one["destination"])
        # "automation open_war_room_on_severity (change by somebody)", or a person.
        asked = "automation" if str(one["requestedBy"]).startswith("automation ") else one["requestedBy"]
        cells = (one["purpose"], to, one["medium"], asked, one["approvedBy"] or "", one["state"])
        table.add_row(*(escape(str(cell).removesuffix("@example.com")) for cell in cells))
    console.print(table)
    notes = ", ".join(f"{number} {kind}" for kind, number in sorted(summary["notes"].items()))
    calls = ", ".join(
        f"{service} {number}" for service, number in sorted(summary["calls"]["by_service"].items())
    )
    public = summary["public"]
    console.print(
        f"Public: {public['name']!r}, {' → '.join(public['updates'])}. Mails: {len(summary['mail'])}.",
        highlight=False,
    )
    console.print(f"Notes: {notes}. Calls: {calls}. {summary['seconds']} s.", highlight=False)


async def main(options: argparse.Namespace) -> int:
    console = Console(stderr=True)
    console.print(
        "[bold]incident-comms[/]: one incident, from Port to Slack, Zoom, mail and status page and back.\n"
    )
    try:
        with console.status("starting sandbox and integration"):
            up = Stage.up(sandbox_port=options.port)
            stage = await up.__aenter__()
        try:
            console.print(f"[green]✔[/] sandbox {stage.base} and integration {stage.url} are up")
            story = Story(stage, console)
            await story.play()
            told = await summary(story)
            if options.json:
                print(json.dumps(told, indent=2))
            show(console, told)
            if not options.once and sys.stdout.isatty():
                console.print(f"\nLook around: [bold]{stage.base}/console[/] · Ctrl-C ends everything.")
                await _interrupted()
        except StageError:
            console.print(f"[dim]{escape(stage.integration.tail(30))}[/]")
            raise
        finally:
            await up.__aexit__(None, None, None)
    except StageError as problem:
        console.print(f"[red]✘ {escape(str(problem))}[/]")
        return 1
    return 0


async def _interrupted() -> None:
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    await stop.wait()


def arguments(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo ARGS=...", description=__doc__)
    parser.add_argument("--once", action="store_true", help="play and end")
    parser.add_argument("--json", action="store_true", help="print one JSON summary on stdout")
    parser.add_argument("--port", type=int, default=0, help="the sandbox's port (default: a free one)")
    return parser.parse_args(args)


def run(work: Any) -> int:
    try:
        return int(asyncio.run(work))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run(main(arguments())))
