"""One incident from its first minute to its review: the room, and what is told outside it.

Each step shows what came of it, and ends the story with a StageError when something promised did not happen.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.markup import escape

from sandbox.stage import Json, Stage, until
from sandbox.story_outside import Outside
from sandbox.story_people import (
    CHECKOUT,
    COMMANDER,
    INCIDENT,
    LEAD,
    OLD_INCIDENTS,
    OWNER,
    RESPONDER,
    SUPPORT,
    TALK,
    expect,
)


async def _nothing(step: str) -> None:
    return None


class Story:
    """The steps, told as they happen. `look` is called with the name of a step once it is done."""

    def __init__(
        self, stage: Stage, console: Console, look: Callable[[str], Awaitable[None]] = _nothing
    ) -> None:
        self.stage, self.console, self.look = stage, console, look
        self.started = time.monotonic()
        self.steps: list[Json] = []
        self.channel = ""
        self.outside = Outside(stage)

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
        """From the first sign to the review."""
        await self._open()
        for name, act in (
            (
                "an update goes to two audiences, by Slack and mail; sent again, nobody gets it twice",
                "update",
            ),
            ("the status changes: a notice in the room and where notices are wanted", "notice"),
            ("the commander asks to publish; somebody else approves; customers see it", "publish"),
            ("the public incident is updated, approved as well", "update_page"),
            ("somebody changes the page by hand: Port shows it", "by_hand"),
            ("a note is added by a button", "note"),
            ("communication is paused: an update is held, and stays so until somebody sends it", "pause"),
            ("the public incident is resolved: only its own component goes back", "resolve"),
        ):
            async with self.step(name) as told:
                told += await getattr(self.outside, act)(self.channel)
            await self.look(act)
        async with self.step("the incident is resolved: the room closes, with timeline and RCA") as told:
            told += await self._close()
        await self.look("close")

    async def _open(self) -> None:
        stage = self.stage
        async with self.step("Port knows people, audiences, a service with an owner, old incidents") as told:
            await self._catalogue()
            told.append(f"{OLD_INCIDENTS} old incidents imported; none may open a room")
            told += await self.outside.audiences()
        async with self.step(f"{INCIDENT} is created as sev3: no war room") as told:
            started = datetime.now(UTC) - timedelta(minutes=10)
            properties = {"status": "investigating", "severity": "sev3", "startedAt": started.isoformat()}
            relations = {"services": [CHECKOUT], "responders": [RESPONDER, SUPPORT]}
            entity = {"identifier": INCIDENT, "title": "Checkout fails for many customers 🔥"}
            await stage.create(
                "incident", {**entity, "properties": properties, "relations": relations}, COMMANDER
            )
        async with self.step("it is raised to sev1: Port's automation opens the room") as told:
            await stage.change("incident", INCIDENT, {"severity": "sev1"}, COMMANDER)
            run = await self.outside.run_of("open_war_room_on_severity")
            expect(run["status"] == "SUCCESS", f"the run ended {run['status']}: {run.get('summary')}")
            room = await self.room()
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
            expect(run["status"] == "SUCCESS", f"the second opening ended {run['status']}")
            told.append(str(run.get("summary")))

    async def _catalogue(self) -> None:
        stage = self.stage
        people = [RESPONDER, OWNER, COMMANDER, SUPPORT]
        persons = [{"email": email, "name": email.split("@")[0]} for email in people]
        lead = {"email": LEAD, "name": "Comms lead", "role": "Admin"}
        checkout = {"identifier": CHECKOUT, "title": "Checkout API", "properties": {"owners": [OWNER]}}
        seed = {"users": [*persons, lead], "entities": {"service": [checkout]}}
        await stage.ask("POST", "/seed", {"slack": {"users": persons}, "port": seed})
        long_ago = datetime.now(UTC) - timedelta(days=40)
        for number in range(OLD_INCIDENTS):
            properties = {
                "status": "resolved" if number % 2 else "open",
                "severity": "sev1",
                "startedAt": (long_ago + timedelta(hours=number)).isoformat(),
            }
            entity = {"identifier": f"OLD-{number}", "title": f"An old incident, number {number}"}
            await stage.create("incident", {**entity, "properties": properties})

    async def room(self) -> Json:
        """The war room once it stands and people are invited."""

        async def look() -> Json | None:
            room = await self.stage.entity("incidentWarRoom", INCIDENT)
            return room if room and room["properties"].get("invited") else None

        return await until("the war room stands in Port", look)

    async def _talk(self) -> None:
        stage, channel = self.stage, self.channel
        room = await self.room()
        meeting = room["properties"].get("meetingId")
        expect(bool(meeting), "the war room has no Zoom meeting")
        for person in (COMMANDER, RESPONDER):
            await stage.ask("POST", "/zoom/join", {"meeting": meeting, "user": person})
        said = [await stage.say(channel, person, text) for person, text in TALK]
        mark = {"channel": channel, "ts": said[0], "name": "mega", "user": RESPONDER}
        await stage.ask("POST", "/slack/react", mark)
        await stage.ask("POST", "/slack/pin", {"channel": channel, "ts": said[3], "user": COMMANDER})
        text = "workaround: rolled the deploy back on the whole fleet, errors are falling"
        edit = {"channel": channel, "ts": said[4], "user": OWNER, "text": text}
        await stage.ask("POST", "/slack/edit", edit)
        await stage.say(channel, RESPONDER, "confirmed, the error rate is at 2%", thread_ts=said[4])
        wrong = await stage.say(channel, SUPPORT, "finding: the customer is called <oops, wrong room>")
        await stage.ask("POST", "/slack/delete", {"channel": channel, "ts": wrong, "user": SUPPORT})

    async def _notes(self) -> list[Json]:
        wanted = {"impact", "finding", "workaround", "decision", "action", "question", "update"}

        async def look() -> list[Json] | None:
            notes = await self.standing_notes()
            kinds = {note["properties"]["kind"] for note in notes}
            edited = any("whole fleet" in str(note["properties"].get("text")) for note in notes)
            leaked = any("wrong room" in str(note["properties"].get("text")) for note in notes)
            return notes if wanted <= kinds and edited and not leaked else None

        return await until("every kind of note stands, the edit is seen, the deletion too", look)

    async def standing_notes(self) -> list[Json]:
        notes = await self.stage.of_incident("incidentNote", INCIDENT)
        standing = [note for note in notes if not note["properties"].get("deletedAt")]
        return sorted(standing, key=lambda note: str(note["properties"]["saidAt"]))

    async def _close(self) -> list[str]:
        stage = self.stage
        before = len(await self.outside.runs_of("announce_status_on_change"))
        await stage.change("incident", INCIDENT, {"status": "resolved"}, COMMANDER)
        closing = await self.outside.run_of("close_war_room_on_status")
        expect(closing["status"] == "SUCCESS", f"closing ended {closing['status']}: {closing.get('summary')}")
        notice = await self.outside.run_of("announce_status_on_change", before + 1)
        expect(notice["status"] == "SUCCESS", f"the notice ended {notice['status']}: {notice.get('summary')}")
        properties = (await self.room())["properties"]
        told = [str(closing.get("summary"))]
        for name in ("timeline", "rca"):
            document = str(properties.get(name) or "")
            for wanted in self.outside.told_in_review:
                expect(wanted in document, f"the {name} does not say {wanted!r}")
            told.append(f"{name}: {len(document.splitlines())} lines of Markdown on the war room")
        return told
