"""A stage for stories, and the eyes and hands of the people in them.

The product is never asked: what happened is read in Port, in Slack as a person sees it, and in the
sandbox's journal.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Json, Stage, until
from tests.contract import exchanges
from tests.stories.leaks import leaks

CONFIG = "OCEAN__INTEGRATION__CONFIG__"
RESPONDER = "responder@example.com"
COMMANDER = "commander@example.com"
SUPPORT = "support@example.com"
OWNER = "checkout-owner@example.com"
LATECOMER = "latecomer@example.com"
STRANGER = "not-in-slack@example.com"
PEOPLE = (RESPONDER, COMMANDER, SUPPORT, OWNER, LATECOMER)
SERVICE = "checkout"
OPENING = "open_war_room_on_severity"
CLOSING = "close_war_room_on_status"
PATIENCE = 30.0
SAID = ("finding: the disk is full", "workaround: logs moved away", "decision: we resize tonight")

QUICK = {
    # History and search show the past, by 2 s, as the hostile sandbox does.
    f"{CONFIG}SETTLE_SECONDS": "2.2",
    f"{CONFIG}EFFECT_TIMEOUT_SECONDS": "2",
    f"{CONFIG}SWEEP_INTERVAL_SECONDS": "2",
    f"{CONFIG}MAX_ROOMS_PER_HOUR": "1000",
    "OCEAN__EVENT_LISTENER__TYPE": "POLLING",
    "OCEAN__EVENT_LISTENER__INTERVAL": "1",
}
"""Settings that make a story short. They shorten waiting and change nothing else."""

_numbers = itertools.count(1)


@contextlib.asynccontextmanager
async def staged(*, settings: dict[str, str] | None = None, port: Json | None = None) -> AsyncIterator[Stage]:
    """Sandbox and `ocean sail`, provisioned, with people in place; at the end every exchange of the
    stage is held to the vendors' contracts. `port` is seeded before provisioning."""
    with tempfile.TemporaryDirectory(prefix="incident-comms-") as folder:
        stage = Stage(Path(folder), settings={**QUICK, **(settings or {})})
        try:
            await stage.start_sandbox()
            await stage.ask("POST", "/seed", _cast(port or {}))
            await stage.provision()
            await stage.start_integration()
            await stage.connect()
            yield stage
            journal = await stage.journal(full="true")
            leaked = leaks(stage, journal)
        finally:
            # SIGTERM has a story of its own; here nobody waits for Ocean's farewell.
            await stage.integration.stop(signal.SIGKILL)
            await stage.down()
            if kept := os.environ.get("STORIES_LOG"):
                Path(kept).write_bytes(stage.integration.log.read_bytes())
    if leaked:
        pytest.fail("a secret stands where it must not:\n" + "\n".join(leaked))
    if exchanges.folder() is None:
        warnings.warn(exchanges.MISSING, stacklevel=1)
    elif found := exchanges.violations(journal):
        pytest.fail(f"{len(found)} exchanges break a vendor's contract:\n" + "\n".join(found[:20]))


def _cast(port: Json) -> Json:
    """The people of all stories: in Slack and in Port, one of them in Port alone."""
    persons = [{"email": email, "name": email.split("@")[0]} for email in PEOPLE]
    service = {"identifier": SERVICE, "title": "Checkout", "properties": {"owners": [OWNER]}}
    everybody = [*persons, {"email": STRANGER, "name": "stranger"}]
    entities = {"_user": [{"identifier": one["email"]} for one in everybody], "service": [service]}
    return {"slack": {"users": persons}, "port": {"entities": entities, **port}}


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


async def becomes[T](what: str, look: Callable[[], Awaitable[T | None]], seconds: float = PATIENCE) -> T:
    """Wait for what `look` gives; fails naming `what` when it is not there in time."""
    return await until(what, look, seconds)


async def mark(stage: Stage) -> int:
    """Where the journal stands now."""
    journal = await stage.journal()
    return int(journal[-1]["n"]) if journal else 0


async def outside(stage: Stage, since: int) -> list[str]:
    """Operations that changed something at Slack or Zoom since a mark, in order: `conversations.create`.

    Without the bookmarks of earlier rooms: Slack takes few a minute, so they may come long after.
    """
    acted = [one for one in await stage.journal() if one["effect"] and one["direction"] == "in"]
    # The effect of a creation reads "channel inc-1-... (C0123) created".
    earlier = [
        one["effect"].split()[1]
        for one in acted
        if one["operation"] == "conversations.create" and one["n"] <= since
    ]
    return [
        one["operation"]
        for one in acted
        if one["n"] > since and one["service"] not in ("port", "unknown")
        if one["operation"] != "oauth.token"
        if one["operation"] != "bookmarks.add" or not any(name in one["effect"] for name in earlier)
    ]


async def quiet(stage: Stage) -> None:
    """Wait until nothing more comes of earlier stories: a room is furnished after its run has ended. For
    a story that shows that nothing at all happens outside."""

    async def look() -> bool:
        effects = [
            entry["started"]
            for entry in await stage.journal()
            if entry["effect"] and entry["direction"] == "in" and entry["service"] in ("slack", "zoom")
        ]
        return not effects or time.time() - max(effects) > 1.0

    await becomes("Slack and Zoom are left in peace", look)


@contextlib.asynccontextmanager
async def trouble(stage: Stage, *faults: Json) -> AsyncIterator[None]:
    """Plan faults at the providers; what is left of them is forgotten, and what is held let go."""
    await stage.ask("POST", "/faults", list(faults))
    try:
        yield
    finally:
        await stage.ask("DELETE", "/faults")


@dataclass
class Incident:
    """One incident of its own in Port, and what there is to see of it."""

    stage: Stage
    identifier: str
    since: int  # the journal's mark before it began

    @classmethod
    async def created(cls, stage: Stage, title: str = "Checkout is slow", **more: Any) -> Incident:
        """Create it as a person does in Port. `more` are properties; `services`, `responders` relations."""
        identifier = more.pop("identifier", None) or f"INC-{next(_numbers)}"
        since = await mark(stage)
        relations = {name: more.pop(name) for name in ("services", "responders") if name in more}
        properties = {"status": "investigating", "startedAt": ago(minutes=5), **more}
        entity: Json = {"identifier": identifier, "title": title, "relations": relations}
        entity["properties"] = {name: value for name, value in properties.items() if value is not None}
        await stage.create("incident", entity, COMMANDER)
        return cls(stage, identifier, since)

    async def change(self, **properties: Any) -> None:
        relations = {name: properties.pop(name) for name in ("services", "responders") if name in properties}
        more: Json = {"relations": relations} if relations else {}
        if "title" in properties:
            more["title"] = properties.pop("title")
        await self.stage.change("incident", self.identifier, properties, COMMANDER, **more)

    async def press(self, action: str, **inputs: Any) -> Json:
        """Press a button on it; the run when it is final."""
        return await self.stage.finished(await self.stage.press(action, self.identifier, inputs, RESPONDER))

    # In Port

    async def entity(self) -> Json:
        found = await self.stage.entity("incident", self.identifier)
        assert found is not None
        return found

    async def runs(self, action: str = "") -> list[Json]:
        """Every run about it with its logs, newest first; of one action or automation where it is named."""
        found: list[Json] = await self.stage.ask("GET", f"/port/runs?entity={self.identifier}")
        return [run for run in found if action in ("", run["action"]["identifier"])]

    async def run(self, action: str, number: int = 1) -> Json:
        """The n-th run of an action or automation about it, once it is final."""

        async def look() -> Json | None:
            runs = await self.runs(action)
            done = [
                run for run in reversed(runs) if run["status"] not in ("IN_PROGRESS", "WAITING_FOR_APPROVAL")
            ]
            return done[number - 1] if len(done) >= number else None

        return await becomes(f"run {number} of {action} on {self.identifier} ends", look, 60)

    async def opened(self) -> Room:
        """Its room, opened by the automation; fails with the run's words when it did not open."""
        run = await self.run(OPENING)
        assert run["status"] == "SUCCESS", run.get("summary")
        return await self.room()

    async def room(self, generation: int = 1) -> Room:
        identifier = self.identifier if generation == 1 else f"{self.identifier}:room:{generation}"

        async def look() -> Json | None:
            return await self.stage.entity("incidentWarRoom", identifier)

        return Room(self, await becomes(f"war room {identifier} stands", look))

    async def rooms(self) -> list[Json]:
        return await self.stage.of_incident("incidentWarRoom", self.identifier)

    async def communications(self) -> dict[str, Json]:
        """Properties of every communication, by what it was for."""
        found = await self.stage.of_incident("incidentCommunication", self.identifier)
        return {one["properties"]["purpose"]: one["properties"] for one in found}

    async def notes(self) -> list[Json]:
        """Every note entity, tombstones too, oldest first."""
        found = await self.stage.of_incident("incidentNote", self.identifier)
        return sorted(found, key=lambda note: float(note["properties"]["ts"]))


@dataclass
class Room:
    incident: Incident
    entity: Json

    @property
    def stage(self) -> Stage:
        return self.incident.stage

    @property
    def properties(self) -> Json:
        found: Json = self.entity["properties"]
        return found

    @property
    def channel(self) -> str:
        return str(self.properties["channelId"])

    async def again(self) -> Room:
        """As it stands in Port now."""
        found = await self.stage.entity("incidentWarRoom", self.entity["identifier"])
        assert found is not None
        return Room(self.incident, found)

    async def state(self, state: str) -> Room:
        async def look() -> Room | None:
            now = await self.again()
            return now if now.properties["state"] == state else None

        return await becomes(f"war room {self.entity['identifier']} is {state}", look)

    async def seen(self) -> Json:
        """The channel as a person sees it."""
        found: Json = await self.stage.ask("GET", f"/slack/channels/{self.channel}")
        return found

    async def ours(self) -> list[Json]:
        """What the integration's bot has said in the channel."""
        return [message for message in (await self.seen())["messages"] if message["bot"]]

    async def members(self) -> set[str]:
        return {str(one["email"]) for one in (await self.seen())["members"] if not one["bot"]}

    async def say(self, text: str, user: str = RESPONDER, **more: Any) -> str:
        return await self.stage.say(self.channel, user, text, **more)

    async def act(self, what: str, ts: str, user: str = RESPONDER, **more: Any) -> None:
        """edit, delete, react, unreact, pin, unpin"""
        body = {"channel": self.channel, "ts": ts, "user": user, **more}
        await self.stage.ask("POST", f"/slack/{what}", body)

    async def noted(self, what: str, wanted: Callable[[dict[str, Json]], bool]) -> dict[str, Json]:
        """The properties of its notes by ts, once they are as wanted."""

        async def look() -> dict[str, Json] | None:
            notes = {
                note["properties"]["ts"]: note["properties"]
                for note in await self.incident.notes()
                if note["properties"]["channelId"] == self.channel
            }
            return notes if wanted(notes) else None

        return await becomes(what, look)


async def spoken(stage: Stage) -> Room:
    """An open room in which three things were said and noted."""
    incident = await Incident.created(stage, severity="sev1", responders=[RESPONDER])
    room = await incident.opened()
    for text in SAID:
        await room.say(text)
    await room.noted("what was said is noted", lambda notes: len(notes) == len(SAID))
    return room


async def resynced(stage: Stage) -> None:
    """A full resync, asked for as Port's UI does when a mapping is saved, and seen through."""
    before = await mark(stage)
    integration = (await stage.port.get("/integration")).json()["integrations"][0]
    name = integration["installationId"]
    answer = await stage.port.patch(f"/integration/{name}/config", json={"config": integration["config"]})
    assert answer.status_code == 200, answer.text

    async def over() -> bool:
        journal = await stage.journal(since=before, operation="integration.resync_state")
        return any("completed" in str(entry["effect"]) for entry in journal)

    await becomes("the resync is completed", over)
