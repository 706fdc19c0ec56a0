"""A Slack, an organisation in Port and the room's mirror on both, over HTTP in one process."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from integration import mirror, portjson, room_documents, room_facts
from integration.catalog import Catalog
from integration.mirror import Mirror
from integration.models.incident import WarRoom
from integration.people import People
from integration.services.port import PortService
from integration.services.slack import SlackService
from integration.settings import Settings
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET, SLACK_BOT_TOKEN
from sandbox.port.service import Port
from sandbox.routing import Routes
from sandbox.slack.service import Slack
from sandbox.world import Hostility, Json, World
from tests.page_bench import QUICK, SERVICE
from tests.sandbox.serve import serve, until
from tests.services.conftest import GenerousBudget

RESPONDER = "responder@example.com"
TEAM = "incident-readers"
SETTLE = 0.05  # seconds; nothing lags here


def hasten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a mirror puts off waits for long."""
    monkeypatch.setattr(mirror, "DEBOUNCE_SECONDS", 0.01)
    monkeypatch.setattr(room_facts, "COUNT_SECONDS", 0.01)
    monkeypatch.setattr(room_facts, "TELL_SECONDS", 0.01)
    monkeypatch.setattr(room_documents, "DOCUMENT_SECONDS", 0.01)


@dataclass
class Bench:
    world: World
    slack: Slack
    url: str
    client: PortService
    service: SlackService
    settings: Settings
    port: Port
    written: list[str] = field(default_factory=list)  # rooms whose documents were asked for
    mirrors: list[Mirror] = field(default_factory=list)

    def mirror(self, **settings: Any) -> Mirror:
        """A mirror as a process that has just started has it."""
        chosen = self.settings.model_copy(update=settings)
        catalog = Catalog(self.client, chosen)

        async def document(room: WarRoom) -> None:
            self.written.append(room.identifier)

        found = Mirror(catalog, self.service, People(self.service), chosen, document)
        self.mirrors.append(found)
        return found

    async def room(self, incident: str = "INC-1", channel: str = "", **values: Any) -> WarRoom:
        """A war room in Port, in a channel that our bot is in."""
        if not channel:
            name = f"room-{incident.lower()}"
            private = bool(values.get("private"))
            channel = (await self.service.create_channel(name, private)).id
            self.slack.invite(channel, RESPONDER)
        room = WarRoom(
            identifier=incident,
            incident=incident,
            channel_id=channel,
            channel_name=incident.lower(),
            **{"opened_at": datetime.now(UTC), **values},
        )
        await self.entity("incident", incident)
        await Catalog(self.client, self.settings).write_room(room, incident)
        return room

    async def entity(self, blueprint: str, identifier: str, **more: Any) -> None:
        entity = {"identifier": identifier, "title": identifier, "properties": {}, **more}
        (outcome,) = await self.client.merge_entities(blueprint, [entity])
        assert outcome.written, outcome.error

    def say(self, room: WarRoom, text: str, **more: Any) -> str:
        return self.slack.say(room.channel_id, RESPONDER, text, **more)

    def event(self, room: WarRoom, ts: str) -> Json:
        """The event by which Slack tells of a message."""
        message = self._message(room, ts)
        return {**message, "type": "message", "channel": room.channel_id, "event_ts": ts}

    def _message(self, room: WarRoom, ts: str) -> Json:
        message = self.slack.find(room.channel_id).messages[ts].now
        assert message is not None
        return message

    def edited(self, room: WarRoom, ts: str, text: str) -> Json:
        self.slack.edit(room.channel_id, ts, text)
        message = self._message(room, ts)
        return {
            "type": "message",
            "subtype": "message_changed",
            "channel": room.channel_id,
            "message": message,
            "event_ts": f"{time.time():.6f}",
        }

    def deleted(self, room: WarRoom, ts: str) -> Json:
        self.slack.delete(room.channel_id, ts)
        return {
            "type": "message",
            "subtype": "message_deleted",
            "channel": room.channel_id,
            "deleted_ts": ts,
            "event_ts": f"{time.time():.6f}",
        }

    async def notes(self, room: WarRoom, *, tombstones: bool = False) -> dict[str, Json]:
        """Note entities of a room by ts, or by identifier where they have none."""
        rules = [{"operator": "relatedTo", "blueprint": "incidentWarRoom", "value": room.identifier}]
        found = await self.client.search("incidentNote", rules)
        return {
            str(note["properties"].get("ts") or note["identifier"]): note
            for note in found
            if tombstones or not note["properties"].get("deletedAt")
        }

    async def noted(self, room: WarRoom, *wanted: str) -> dict[str, Json]:
        """The notes of a room once exactly these stand."""

        async def look() -> dict[str, Json]:
            notes = await self.notes(room)
            return (notes or {"": {}}) if set(notes) == set(wanted) else {}

        notes: dict[str, Json] = await until(look, what=f"notes of {room.identifier} are {wanted}")
        return notes

    async def properties(self, blueprint: str, identifier: str) -> Json:
        entity = await self.client.get_entity(blueprint, identifier)
        assert entity is not None
        found: Json = entity["properties"]
        return found

    async def read(self, mirror: Mirror, room: WarRoom) -> None:
        """Have the room read as at a start, where everything older than the settling time counts."""
        mirror.watch(room, found=True)
        await until(lambda: time.time() > float(self._latest(room)) + 3 * SETTLE)
        await mirror.read(room)

    def _latest(self, room: WarRoom) -> str:
        return max(self.slack.find(room.channel_id).messages, default="0")


@contextlib.asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    world = World()
    world.hostility = Hostility.none()
    slack, port = Slack(world), Port(world)
    slack.limits.enabled = False
    slack.seed({"users": [{"email": RESPONDER, "name": "responder"}]})
    port.seed(
        {
            "blueprints": [SERVICE, *portjson.blueprints().first_install()],
            "teams": [{"name": TEAM}],
        }
    )
    budget = GenerousBudget()
    async with serve(Routes([*slack.routes(), *port.routes()])) as url:
        client = PortService(f"{url}/port", PORT_CLIENT_ID, PORT_CLIENT_SECRET, budget, patience=QUICK)
        service = SlackService(f"{url}/slack/api/", SLACK_BOT_TOKEN, budget, patience=QUICK)
        found = Bench(world, slack, url, client, service, Settings(settle_seconds=SETTLE / 2), port)
        yield found
        for mirror in found.mirrors:
            await mirror.stop()
        await service.aclose()
        await client.aclose()
        await world.reset()
        await slack.close()
