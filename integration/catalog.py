"""Incident, war room, notes and communications in Port: the reading and writing beyond Ocean's own.

What is written here carries our own User-Agent, so it belongs to no Ocean datasource and no resync,
mapping change or reinstall deletes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from integration.bridge_events import BRIDGE_EVENT, BridgeEvent, read_bridge_event
from integration.entities import (
    ATTEMPT,
    COMMUNICATION,
    DRAFT,
    LINK,
    NOTE,
    PROMISE,
    SWITCH,
    THE_SWITCH,
    WAR_ROOM,
    intent_entity,
    owned_by,
    read_communication,
    read_room,
    teams,
    text_of,
)
from integration.errors import BadInput, Refused
from integration.incident_reader import IncidentReader
from integration.models.base import Json
from integration.models.communication import Communication, Step
from integration.models.incident import Incident, WarRoom
from integration.models.note import NoteKind
from integration.models.port import ItemOutcome
from integration.services.port import PortService
from integration.settings import Settings
from integration.times import iso, now


class Catalog:
    """Our blueprints, and the few properties of ours on the customer's incident."""

    def __init__(self, port: PortService, settings: Settings) -> None:
        self._port = port
        self._settings = settings
        self.reader = IncidentReader(settings)

    # The incident

    async def incident_entity(self, identifier: str) -> Json | None:
        return await self._port.get_entity(self._settings.incident_blueprint, identifier)

    async def incident(self, identifier: str) -> Incident:
        """The incident as it stands now; raises BadInput when Port knows none by that identifier."""
        entity = await self.incident_entity(identifier)
        if entity is None:
            raise BadInput("incident", self.unknown_incident(identifier))
        return self.reader.read(entity)

    def unknown_incident(self, identifier: str) -> str:
        return f"Port has no {self._settings.incident_blueprint} {identifier!r}"

    async def named(self, blueprint: str) -> list[tuple[str, str]]:
        """(identifier, title) of every entity of a blueprint, by title. Port's search lags by seconds."""
        every: Json = {"property": "$identifier", "operator": "isNotEmpty"}
        found = await self._port.search(blueprint, [every], include=["$identifier", "$title"])
        pairs = [
            (str(one["identifier"]), text_of(one.get("title")) or str(one["identifier"])) for one in found
        ]
        return sorted(pairs, key=lambda pair: pair[1].casefold())

    async def incidents_changed_since(self, since: datetime) -> list[Json]:
        """The entities of incidents created or changed since then. Port's search lags by seconds."""
        rules = [{"property": "$updatedAt", "operator": "between", "value": _since(since)}]
        return await self._port.search(self._settings.incident_blueprint, rules)

    async def owners(self, services: Sequence[str]) -> tuple[str, ...]:
        """E-mail addresses of the owners of the named services."""
        # One GET each, side by side: Port's search shows the past, and a service may be new.
        blueprint = self._settings.service_blueprint
        entities = await asyncio.gather(*(self._port.get_entity(blueprint, one) for one in services))
        return self.reader.owners(entity for entity in entities if entity)

    async def patch_incident(self, identifier: str, properties: Json, relations: Json | None = None) -> None:
        await self._port.patch_entity(
            self._settings.incident_blueprint, identifier, properties=properties, relations=relations
        )

    # War rooms

    async def room(self, identifier: str) -> WarRoom | None:
        entity = await self._port.get_entity(WAR_ROOM, identifier)
        return read_room(entity) if entity else None

    async def rooms_in_use(self) -> list[WarRoom]:
        """War rooms that are open, or closed and still to be archived.

        Port's search lags by seconds: only for what is repeated anyway.
        """
        to_archive: Json = {
            "combinator": "and",
            "rules": [
                {"property": "state", "operator": "=", "value": "closed"},
                {"property": "linked", "operator": "!=", "value": True},
            ],
        }
        rules = [
            {
                "combinator": "or",
                "rules": [{"property": "state", "operator": "=", "value": "open"}, to_archive],
            }
        ]
        return [room for entity in await self._port.search(WAR_ROOM, rules) if (room := read_room(entity))]

    async def rooms_of_channel(self, channel: str) -> list[WarRoom]:
        """The rooms that have this channel: of a linked one several, one after the other. Search lags."""
        rules = [{"property": "channelId", "operator": "=", "value": channel}]
        return [room for entity in await self._port.search(WAR_ROOM, rules) if (room := read_room(entity))]

    async def room_of_meeting(self, meeting: str) -> WarRoom | None:
        """The latest room with this Zoom meeting. Port's search lags by seconds."""
        rules = [{"property": "meetingId", "operator": "=", "value": meeting}]
        rooms = [room for entity in await self._port.search(WAR_ROOM, rules) if (room := read_room(entity))]
        return max(rooms, key=lambda room: room.generation, default=None)

    async def rooms_opened_since(self, since: datetime) -> frozenset[str]:
        """Identifiers of the war rooms that were opened since then. Port's search lags by seconds."""
        rules = [{"property": "openedAt", "operator": "between", "value": _since(since)}]
        found = await self._port.search(WAR_ROOM, rules, include=["$identifier"])
        return frozenset(str(entity["identifier"]) for entity in found)

    async def write_room(self, room: WarRoom, title: str, previous: str = "") -> None:
        """Create or merge the whole war room entity."""
        relations: Json = {"incident": room.incident}
        if previous:
            relations["previous"] = previous
        properties = {
            "state": room.state,
            "channelId": room.channel_id,
            "channelName": room.channel_name,
            "channel": room.channel_url or None,
            "linked": room.linked,
            "private": room.private,
            "bridgeKind": room.bridge_kind,
            "bridge": room.bridge_url or None,
            "bridgeHost": room.bridge_host or None,
            "meetingId": room.meeting_id or None,
            "briefing": room.briefing_url or None,
            "briefingTs": room.briefing_ts or None,
            "generation": room.generation,
            "closures": room.closures,
            "invited": list(room.invited),
            "notInvited": list(room.not_invited),
            "openedAt": iso(room.opened_at) if room.opened_at else None,
            "reopenedAt": iso(room.reopened_at) if room.reopened_at else None,
            "closedAt": iso(room.closed_at) if room.closed_at else None,
            "archivedAt": iso(room.archived_at) if room.archived_at else None,
            "mirror": room.mirror,
        }
        entity: Json = {
            "identifier": room.identifier,
            "title": title,
            "properties": {name: value for name, value in properties.items() if value is not None},
            "relations": relations,
            **owned_by(room.team),
        }
        _all_written(WAR_ROOM, await self._port.merge_entities(WAR_ROOM, [entity]))

    async def patch_room(self, identifier: str, properties: Json) -> None:
        await self._port.patch_entity(WAR_ROOM, identifier, properties=properties, relations=None)

    async def give_room(self, room: WarRoom, *, forget_documents: bool) -> None:
        """Write whose a war room is by now: its team's, or everybody's where it has none."""
        documents: Json = dict.fromkeys(("timeline", "rca")) if forget_documents else {}
        properties = {"private": room.private, "mirror": room.mirror, **documents}
        entity = {"identifier": room.identifier, "properties": properties, "team": teams(room.team)}
        _all_written(WAR_ROOM, await self._port.merge_entities(WAR_ROOM, [entity]))

    async def give_words(self, room: WarRoom) -> None:
        """The same for notes, communications, drafts, promises and links of its incident.

        Port's search lags by seconds.
        """
        rules = [
            {"operator": "relatedTo", "blueprint": self._settings.incident_blueprint, "value": room.incident}
        ]
        for blueprint in (NOTE, COMMUNICATION, LINK, BRIDGE_EVENT, DRAFT, PROMISE):
            entities = [
                {"identifier": entity["identifier"], "team": teams(room.team)}
                for entity in await self._port.search(blueprint, rules)
                if (entity.get("relations") or {}).get("incident") == room.incident
                # An earlier room may have been for few on account of its channel.
                and (room.team or entity["relations"].get("warRoom") in (None, "", room.identifier))
            ]
            _all_written(blueprint, await self._port.merge_entities(blueprint, entities))

    # Communications

    async def create_intents(self, steps: Sequence[Step], owners: Sequence[str]) -> list[ItemOutcome]:
        """One create-only write of all intents; an outcome that `exists` was there before."""
        entities = [intent_entity(step, owner, now()) for step, owner in zip(steps, owners, strict=True)]
        return await self._port.create_entities(COMMUNICATION, entities)

    async def communication(self, key: str) -> Communication | None:
        entity = await self._port.get_entity(COMMUNICATION, key)
        return read_communication(entity) if entity else None

    async def merge_communications(self, changes: dict[str, Json]) -> dict[str, str]:
        """Merge properties into communications, all in one write; `changes` is by identifier.

        The key "warRoom" is taken as the relation, "team" as the team that may read it. Gives what Port
        refused, with its reason.
        """
        entities = []
        for key, properties in changes.items():
            own = dict(properties)
            war_room = own.pop("warRoom", None)
            team = own.pop("team", "")
            entity: Json = {"identifier": key, "properties": own, **owned_by(team)}
            if war_room:
                entity["relations"] = {"warRoom": war_room}
            entities.append(entity)
        outcomes = await self._port.merge_entities(COMMUNICATION, entities)
        return {outcome.identifier: outcome.error for outcome in outcomes if outcome.error}

    async def unfinished(self) -> list[Communication]:
        """Intents without an outcome."""
        rules = [{"property": "state", "operator": "=", "value": "sending"}]
        found = await self._port.search(COMMUNICATION, rules)
        return [one for entity in found if (one := read_communication(entity))]

    async def create_attempt(self, key: str, number: int, owner: str, team: str = "") -> str:
        """Claim the n-th take-over of a communication, create-only; returns whose it is now."""
        identifier = f"{key}:attempt:{number}"
        entity = {
            "identifier": identifier,
            "title": f"Attempt {number}",
            "properties": {"number": number, "owner": owner, "startedAt": iso(now())},
            "relations": {"communication": key},
            **owned_by(team),
        }
        (outcome,) = await self._port.create_entities(ATTEMPT, [entity])
        if outcome.created:
            return owner
        if not outcome.exists:
            raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)
        return await self.attempt_owner(key, number)

    async def attempt_owner(self, key: str, number: int) -> str:
        """Whose the n-th take-over of a communication is; an empty string when there is none."""
        held = await self._port.get_entity(ATTEMPT, f"{key}:attempt:{number}")
        return str((held or {}).get("properties", {}).get("owner") or "")

    async def bridge_events(self, incident: str) -> list[BridgeEvent]:
        """What happened in the calls of one incident. Port's search lags by seconds."""
        rules = [{"operator": "relatedTo", "blueprint": self._settings.incident_blueprint, "value": incident}]
        found = await self._port.search(BRIDGE_EVENT, rules)
        return [
            event
            for entity in found
            if (entity.get("relations") or {}).get("incident") == incident
            and (event := read_bridge_event(entity)) is not None
        ]

    async def entity(self, blueprint: str, identifier: str) -> Json | None:
        return await self._port.get_entity(blueprint, identifier)

    async def merge(self, blueprint: str, entities: Sequence[Json]) -> None:
        """Create or merge entities of ours; raises Refused when one is not written."""
        _all_written(blueprint, await self._port.merge_entities(blueprint, list(entities)))

    async def communications(self, incident: str) -> list[Communication]:
        """Everything on the record of one incident. Port's search lags by seconds."""
        rules = [{"operator": "relatedTo", "blueprint": self._settings.incident_blueprint, "value": incident}]
        found = await self._port.search(COMMUNICATION, rules)
        # relatedTo follows relations over several steps; the incident itself is what counts here.
        readable = [one for entity in found if (one := read_communication(entity))]
        return [one for one in readable if one.step.incident == incident]

    async def paused(self) -> str:
        """Why everything outgoing is held back, or an empty string when nothing is."""
        entity = await self._port.get_entity(SWITCH, THE_SWITCH)
        properties: Json = (entity or {}).get("properties") or {}
        if properties.get("paused") is not True:
            return ""
        return text_of(properties.get("reason")) or "no reason given"

    async def everything(self, blueprint: str, *names: str) -> list[Json]:
        """All entities of a blueprint; only the named properties, relations and `$identifier`s if any are."""
        return await self._port.search(blueprint, [], include=names or None)

    # Notes

    async def notes(self, channel: str) -> list[Json]:
        """The note entities of one channel, as Port holds them."""
        rules = [{"property": "channelId", "operator": "=", "value": channel}]
        return await self._port.search(NOTE, rules)

    async def notes_of_room(self, room: WarRoom) -> list[Json]:
        """All note entities of one room, those written by a button included."""
        rules = [{"operator": "relatedTo", "blueprint": WAR_ROOM, "value": room.identifier}]
        found = await self._port.search(NOTE, rules)
        return [note for note in found if (note.get("relations") or {}).get("warRoom") == room.identifier]

    def written_note(self, room: WarRoom, run: str, kind: NoteKind, text: str, by: str) -> Json:
        """A note that a person wrote by a button; the run is its identity."""
        line = text.strip().splitlines()[0]
        return {
            "identifier": f"{room.incident}:note:{run}",
            "title": line if len(line) <= 100 else line[:99] + "…",
            "properties": {
                "kind": kind,
                "title": line if len(line) <= 100 else line[:99] + "…",
                "text": text,
                "author": by,
                "saidAt": iso(now()),
                "confidence": 1,
                "how": "mark",
                "source": "port",
                **({"state": "open"} if kind in ("action", "question") else {}),
                # No ts: it stands beside the channel's messages, so no read of them touches it.
                "channelId": room.channel_id,
            },
            "relations": {"warRoom": room.identifier, "incident": room.incident},
            **owned_by(room.team),
        }

    async def write_note(self, note: Json) -> None:
        _all_written(NOTE, await self._port.merge_entities(NOTE, [note]))

    async def merge_notes(self, entities: Sequence[Json]) -> list[ItemOutcome]:
        return await self._port.merge_entities(NOTE, list(entities))


def _all_written(blueprint: str, outcomes: Iterable[ItemOutcome]) -> None:
    for outcome in outcomes:
        if outcome.error:
            hint = "Run `make provision`: the blueprint may be missing or older than this version."
            raise Refused(
                "port",
                "entities.bulk",
                str(outcome.status),
                f"{blueprint} {outcome.identifier}: {outcome.error}",
                hint,
            )


def _since(at: datetime) -> Json:
    """From then on. Port knows no open end; its clock may be ahead of ours."""
    return {"from": iso(at), "to": iso(now() + timedelta(minutes=10))}
