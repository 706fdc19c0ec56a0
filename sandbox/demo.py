"""`make demo`: one incident, told from Port to Slack and Zoom and back, through the real product."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.stage import Json, Stage, StageError, until

INCIDENT = "INC-42"
CHECKOUT = "checkout-api"
RESPONDER = "responder@example.com"
OWNER = "checkout-owner@example.com"
COMMANDER = "commander@example.com"
SUPPORT = "support@example.com"
OLD_INCIDENTS = 25

TALK: list[tuple[str, str]] = [
    (COMMANDER, "I'm taking command. We are investigating."),
    (SUPPORT, "impact: about 30% of customers can't pay, we have 14 tickets since 10 minutes ago"),
    (RESPONDER, "finding: the connection pool of checkout-db is exhausted since the 10:02 deploy"),
    (RESPONDER, "graph of the pool: https://grafana.example.com/d/checkout/pool?from=now-1h"),
    (OWNER, "workaround: rolled the deploy back on half of the fleet"),
    (COMMANDER, "decision: we roll back everywhere and leave the flag off"),
    (OWNER, "action: @responder please add an alert on pool saturation tomorrow"),
    (SUPPORT, "question: can we tell customers when it will be over?"),
    (RESPONDER, "lol, dashboards are pretty today"),
]


class Story:
    """The steps, told as they happen and summed up at the end."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self.stage, self.console = stage, console
        self.started = time.monotonic()
        self.steps: list[Json] = []
        self.channel = ""

    @contextlib.asynccontextmanager
    async def step(self, what: str) -> AsyncIterator[list[str]]:
        """One step: a spinner while it lasts, then its time and what came of it."""
        began = time.monotonic()
        told: list[str] = []
        with self.console.status(escape(what)):
            yield told
        seconds = time.monotonic() - began
        self.steps.append({"step": what, "seconds": round(seconds, 2), "result": "; ".join(told)})
        self.console.print(f"[green]✔[/] {escape(what)} [dim]{seconds:.1f} s[/]")
        for line in told:
            self.console.print(f"    {escape(line)}", highlight=False)

    async def play(self) -> None:
        stage = self.stage
        async with self.step("Port knows people, a service with an owner, and old incidents") as told:
            await self._catalogue()
            told.append(f"{OLD_INCIDENTS} old incidents imported; none may open a room")
        async with self.step(f"{INCIDENT} is created as sev3: no war room") as told:
            started = datetime.now(UTC) - timedelta(minutes=10)
            await stage.create(
                "incident",
                {
                    "identifier": INCIDENT,
                    "title": "Checkout fails for many customers 🔥",
                    "properties": {
                        "status": "investigating",
                        "severity": "sev3",
                        "startedAt": started.isoformat(),
                    },
                    "relations": {"services": [CHECKOUT], "responders": [RESPONDER, SUPPORT]},
                },
                COMMANDER,
            )
        async with self.step("it is raised to sev1: Port's automation opens the room") as told:
            await stage.change("incident", INCIDENT, {"severity": "sev1"}, COMMANDER)
            run = await self._run_of("open_war_room_on_severity")
            _expect(run["status"] == "SUCCESS", f"the run ended {run['status']}: {run.get('summary')}")
            room = await self._room()
            self.channel = room["properties"]["channelId"]
            told += [str(run.get("summary")), "invited: " + ", ".join(room["properties"]["invited"])]
        async with self.step("people join the bridge and talk") as told:
            await self._talk()
            told.append(f"{len(TALK)} messages, one edited, one deleted, a reaction and a pin")
        async with self.step("what they said stands as notes on the incident") as told:
            notes = await self._notes()
            told += [f"{note['properties']['kind']:<10} {note['title']}" for note in notes]
        async with self.step("somebody presses “Open war room” again") as told:
            run = await stage.finished(await stage.press("open_war_room", INCIDENT, {}, RESPONDER))
            _expect(run["status"] == "SUCCESS", f"the second opening ended {run['status']}")
            told.append(str(run.get("summary")))
        async with self.step("the incident is resolved: the room says so and closes") as told:
            await stage.change("incident", INCIDENT, {"status": "resolved"}, COMMANDER)
            run = await self._run_of("close_war_room_on_status")
            _expect(run["status"] == "SUCCESS", f"closing ended {run['status']}: {run.get('summary')}")
            told.append(str(run.get("summary")))

    async def _catalogue(self) -> None:
        stage = self.stage
        people = [RESPONDER, OWNER, COMMANDER, SUPPORT]
        await stage.ask(
            "POST",
            "/seed",
            {
                "slack": {"users": [{"email": email, "name": email.split("@")[0]} for email in people]},
                "port": {
                    "entities": {
                        "_user": [{"identifier": email, "title": email.split("@")[0]} for email in people],
                        "service": [
                            {
                                "identifier": CHECKOUT,
                                "title": "Checkout API",
                                "properties": {"owners": [OWNER]},
                            }
                        ],
                    }
                },
            },
        )
        long_ago = datetime.now(UTC) - timedelta(days=40)
        for number in range(OLD_INCIDENTS):
            await stage.create(
                "incident",
                {
                    "identifier": f"OLD-{number}",
                    "title": f"An old incident, number {number}",
                    "properties": {
                        "status": "resolved" if number % 2 else "open",
                        "severity": "sev1",
                        "startedAt": (long_ago + timedelta(hours=number)).isoformat(),
                    },
                },
            )

    async def _run_of(self, automation: str) -> Json:
        async def look() -> Json | None:
            for run in await self.stage.runs():
                if run["action"]["identifier"] == automation and run["status"] != "IN_PROGRESS":
                    return run
            return None

        return await until(f"automation {automation} has run", look, 60)

    async def _room(self) -> Json:
        async def look() -> Json | None:
            room = await self.stage.entity("incidentWarRoom", INCIDENT)
            return room if room and room["properties"].get("invited") else None

        return await until("the war room stands in Port", look)

    async def _talk(self) -> None:
        stage, channel = self.stage, self.channel
        room = await self._room()
        meeting = room["properties"].get("meetingId")
        _expect(bool(meeting), "the war room has no Zoom meeting")
        for person in (COMMANDER, RESPONDER):
            await stage.ask("POST", "/zoom/join", {"meeting": meeting, "user": person})
        said = [await stage.say(channel, person, text) for person, text in TALK]
        await stage.ask(
            "POST",
            "/slack/react",
            {"channel": channel, "ts": said[0], "name": "mega", "user": RESPONDER},
        )
        await stage.ask("POST", "/slack/pin", {"channel": channel, "ts": said[3], "user": COMMANDER})
        text = "workaround: rolled the deploy back on the whole fleet, errors are falling"
        await stage.ask(
            "POST", "/slack/edit", {"channel": channel, "ts": said[4], "user": OWNER, "text": text}
        )
        await stage.say(channel, RESPONDER, "confirmed, the error rate is at 2%", thread_ts=said[4])
        wrong = await stage.say(channel, SUPPORT, "finding: the customer is called <oops, wrong room>")
        await stage.ask("POST", "/slack/delete", {"channel": channel, "ts": wrong, "user": SUPPORT})

    async def _notes(self) -> list[Json]:
        wanted = {"impact", "finding", "workaround", "decision", "action", "question", "update"}

        async def look() -> list[Json] | None:
            notes = await self._standing_notes()
            kinds = {note["properties"]["kind"] for note in notes}
            edited = any("whole fleet" in str(note["properties"].get("text")) for note in notes)
            leaked = any("wrong room" in str(note["properties"].get("text")) for note in notes)
            return notes if wanted <= kinds and edited and not leaked else None

        return await until("every kind of note stands, the edit is seen, the deletion too", look)

    async def _standing_notes(self) -> list[Json]:
        notes = await self.stage.of_incident("incidentNote", INCIDENT)
        standing = [note for note in notes if not note["properties"].get("deletedAt")]
        return sorted(standing, key=lambda note: str(note["properties"]["saidAt"]))

    async def summary(self) -> Json:
        """What happened, as one object. Raises StageError when something promised did not."""
        stage = self.stage
        incident = await stage.entity("incident", INCIDENT)
        room = await self._room()
        properties = room["properties"]
        notes = await self._standing_notes()
        communications = await stage.of_incident("incidentCommunication", INCIDENT)
        runs = await stage.runs()
        journal = await stage.journal()
        rooms = await stage.entities("incidentWarRoom")
        calls = Counter(
            f"{entry['service']} {entry['operation']}" for entry in journal if entry["direction"] == "in"
        )
        created = [entry for entry in journal if entry["operation"] == "conversations.create"]
        meetings = [entry for entry in journal if entry["operation"] == "meetings.create"]
        _expect(incident is not None, f"{INCIDENT} is gone from Port")
        _expect(len(rooms) == 1, f"{len(rooms)} war rooms instead of one")
        _expect(len([c for c in created if c["effect"]]) == 1, "more or less than one channel was created")
        _expect(len([m for m in meetings if m["effect"]]) == 1, "more or less than one meeting was created")
        for communication in communications:
            state = communication["properties"]["state"]
            _expect(state == "sent", f"{communication['identifier']} is {state}, not sent")
            _expect(
                bool(communication["properties"].get("receipt")), f"{communication['identifier']}: no receipt"
            )
        for run in runs:
            _expect(
                run["status"] == "SUCCESS", f"run {run['id']} ended {run['status']}: {run.get('summary')}"
            )
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
            "notes": dict(Counter(note["properties"]["kind"] for note in notes)),
            "communications": [_communication(one) for one in communications],
            "runs": [
                {
                    "action": run["action"]["identifier"],
                    "status": run["status"],
                    "label": run.get("statusLabel"),
                    "summary": run.get("summary"),
                }
                for run in runs
            ],
            "steps": self.steps,
            "seconds": round(time.monotonic() - self.started, 1),
            "calls": {"by_service": dict(by_service), "by_operation": dict(sorted(calls.items()))},
        }


def _communication(entity: Json) -> Json:
    properties = entity["properties"]
    kept = ("purpose", "medium", "destination", "state", "requestedBy", "sentAt", "permalink", "receipt")
    return {"key": entity["identifier"], **{name: properties.get(name) for name in kept}}


def _expect(true: bool, problem: str) -> None:
    if not true:
        raise StageError(problem)


def show(console: Console, summary: Json) -> None:
    table = Table(title=f"{INCIDENT}: what was communicated", title_justify="left")
    for column in ("what", "where", "state", "receipt"):
        table.add_column(column, overflow="fold")
    for one in summary["communications"]:
        receipt = one["permalink"] or json.dumps(one["receipt"])
        table.add_row(
            *(escape(str(cell)) for cell in (one["purpose"], one["destination"], one["state"], receipt))
        )
    console.print(table)
    notes = ", ".join(f"{number} {kind}" for kind, number in sorted(summary["notes"].items()))
    calls = ", ".join(
        f"{service} {number}" for service, number in sorted(summary["calls"]["by_service"].items())
    )
    console.print(f"Notes: {notes}. Calls: {calls}. {summary['seconds']} s.", highlight=False)


async def main(options: argparse.Namespace) -> int:
    console = Console(stderr=True)
    console.print("[bold]incident-comms[/]: one incident, from Port to Slack and Zoom and back.\n")
    try:
        with console.status("starting sandbox and integration"):
            up = Stage.up(sandbox_port=options.port)
            stage = await up.__aenter__()
        try:
            console.print(f"[green]✔[/] sandbox {stage.base} and integration {stage.url} are up")
            story = Story(stage, console)
            await story.play()
            summary = await story.summary()
            if options.json:
                print(json.dumps(summary, indent=2))
            show(console, summary)
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
