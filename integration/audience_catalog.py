"""Audiences, drafts and promises in Port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from integration.cadence import STATES, Promise
from integration.catalog import Catalog
from integration.drafts import Draft
from integration.entities import (
    AUDIENCE,
    COMMUNICATION,
    DRAFT,
    PROMISE,
    owned_by,
    read_audience,
    read_communication,
    text_of,
)
from integration.errors import BadInput, Refused
from integration.models.audience import Audience
from integration.models.base import Json, Value
from integration.models.communication import Communication
from integration.models.incident import Incident
from integration.models.port import ItemOutcome
from integration.notices import PURPOSE
from integration.services.port import PortService
from integration.settings import Settings
from integration.times import iso, now, when

REMEMBER_SECONDS = 20.0  # audiences, for what is computed on schedule
_REMEMBERED = 1000  # fields that have just changed
STATUS_PAGE = "status-page"
"""What a draft for the public has in place of an audience in its identifier."""


class Drafted(Value):
    """A draft as Port holds it."""

    identifier: str
    incident: str
    audience: str
    text: str
    state: str
    drafted_at: datetime
    notes_until: datetime | None = None


class AudienceCatalog:
    """Raises the errors of PortService."""

    def __init__(self, port: PortService, catalog: Catalog, settings: Settings) -> None:
        self._port = port
        self._catalog = catalog
        self._settings = settings
        self._all: tuple[float, list[Audience]] = (float("-inf"), [])
        self._changed: dict[tuple[str, str], tuple[float, str]] = {}
        self.reminded: set[str] = set()
        """Identifiers of promises whose reminder is known to stand: what needs no second look."""

    # Audiences

    async def every(self, *, fresh: bool = True) -> list[Audience]:
        """All audiences. Port's search lags by seconds; not `fresh`: as they were a moment ago."""
        read_at, known = self._all
        if fresh or time.monotonic() - read_at > REMEMBER_SECONDS:
            known = [read_audience(entity) for entity in await self._port.search(AUDIENCE, [])]
            known.sort(key=lambda one: one.identifier)
            self._all = (time.monotonic(), known)
        return known

    async def readers(self, *, fresh: bool = True) -> list[Audience]:
        """Those of them that read somewhere."""
        every = await self.every(fresh=fresh)
        return [one for one in every if one.slack_channels or one.emails or one.teams]

    async def named(self, identifiers: Sequence[str]) -> list[Audience]:
        """The named audiences, in the order given; raises BadInput naming one that Port does not know."""
        entities = await asyncio.gather(*(self._port.get_entity(AUDIENCE, one) for one in identifiers))
        for identifier, entity in zip(identifiers, entities, strict=True):
            if entity is None:
                raise BadInput("audiences", f"Port has no {AUDIENCE} {identifier!r}")
        return [read_audience(entity) for entity in entities if entity]

    async def noticed(self) -> list[Audience]:
        """The audiences that get status notices."""
        rules = [{"property": "notices", "operator": "=", "value": True}]
        return [read_audience(entity) for entity in await self._port.search(AUDIENCE, rules)]

    def changed(self, incident: str, field: str, version: str, calm: timedelta) -> bool:
        """Note that a field has changed; whether another change of it came less than `calm` before.

        Port's search shows the record as it was seconds ago; what this process has just seen it knows.
        """
        at, key = time.monotonic(), (incident, field)
        before, known = self._changed.get(key, (float("-inf"), version))
        lately = known != version and at - before < calm.total_seconds()
        if known != version or key not in self._changed:
            self._changed[key] = (at, version)
            if len(self._changed) > _REMEMBERED:
                del self._changed[next(iter(self._changed))]
        return lately

    async def held_notices(self) -> list[Communication]:
        """Notices that are kept back. Port's search lags by seconds."""
        rules = [
            {"property": "state", "operator": "=", "value": "held"},
            {"property": "purpose", "operator": "=", "value": PURPOSE},
        ]
        found = await self._port.search(COMMUNICATION, rules)
        return [one for entity in found if (one := read_communication(entity))]

    async def with_people(self, audiences: Sequence[Audience]) -> tuple[list[Audience], list[str]]:
        """The audiences with the addresses of everybody in their teams, and what is wrong with the teams."""
        if not any(audience.teams for audience in audiences):
            return list(audiences), []
        teams = await self._port.teams()
        found: list[Audience] = []
        problems: list[str] = []
        for audience in audiences:
            addresses = list(audience.emails)
            for team in audience.teams:
                people = teams.get(team)
                if people is None:
                    problems.append(f"audience {audience.identifier}: Port has no team {team!r}")
                elif not people:
                    problems.append(f"audience {audience.identifier}: nobody is in team {team!r}")
                addresses += people or []
            known = {address.casefold(): address for address in reversed(addresses)}
            emails = tuple(reversed(known.values()))
            found.append(audience.model_copy(update={"emails": emails}))
        return found, problems

    async def service_titles(self, incident: Incident) -> list[str]:
        """What people call the affected services, in the incident's order."""
        blueprint = self._settings.service_blueprint
        entities = await asyncio.gather(*(self._port.get_entity(blueprint, one) for one in incident.services))
        return [
            text_of((entity or {}).get("title")) or identifier
            for identifier, entity in zip(incident.services, entities, strict=True)
        ]

    # Drafts

    async def write_draft(
        self,
        incident: str,
        draft: Draft,
        run: str,
        *,
        state: str,
        notes_until: datetime,
        problems: Sequence[str],
        cleaned: str,
        destinations: Sequence[str],
        team: str,
        how: str,
    ) -> str:
        """Write a draft; its identifier. The run is its identity: one that is redelivered writes the same."""
        whom = draft.audience or STATUS_PAGE
        identifier = f"{incident}:draft:{whom}:{run or int(notes_until.timestamp() * 1000)}"
        properties: Json = {
            "text": draft.text,
            "state": state,
            "audience": draft.audience,
            "madeBy": draft.made_by,
            "draftedAt": iso(now()),
            "notesUntil": iso(notes_until),
            "sources": _sources(draft),
            "problems": list(problems),
            "leftOut": draft.left_out,
            "cleaned": cleaned or None,
            "destinations": list(destinations)[:100],
            "how": how,
        }
        relations = {"incident": incident} | ({"audience": draft.audience} if draft.audience else {})
        entity: Json = {
            "identifier": identifier,
            "title": f"{draft.audience or 'Status page'} · {incident}",
            "properties": properties,
            "relations": relations,
            **owned_by(team),
        }
        _written(DRAFT, await self._port.merge_entities(DRAFT, [entity]))
        return identifier

    async def reword_draft(self, identifier: str, draft: Draft, how: str) -> None:
        """Put better words in place of the template's, which stay beside them."""
        before = await self.draft(identifier)
        properties: Json = {
            "text": draft.text,
            "madeBy": draft.made_by,
            "sources": _sources(draft),
            "templateText": before.text if before else None,
            "how": how,
        }
        entity = {"identifier": identifier, "properties": properties}
        _written(DRAFT, await self._port.merge_entities(DRAFT, [entity]))

    async def tell_how(self, hows: dict[str, str]) -> None:
        """Write who has worded drafts, or why nobody but the template: identifier -> how."""
        entities = [{"identifier": one, "properties": {"how": how}} for one, how in hows.items()]
        if entities:
            _written(DRAFT, await self._port.merge_entities(DRAFT, entities))

    async def draft(self, identifier: str) -> Drafted | None:
        entity = await self._port.get_entity(DRAFT, identifier)
        return _drafted(entity) if entity else None

    async def drafts(self, incident: str) -> list[Drafted]:
        """Every draft about an incident, newest first. Port's search lags by seconds."""
        found = [one for entity in await self._about(DRAFT, incident) if (one := _drafted(entity))]
        return sorted(found, key=lambda one: one.drafted_at, reverse=True)

    async def settle_drafts(self, states: dict[str, str]) -> None:
        """Write what became of drafts: identifier -> state."""
        entities = [{"identifier": one, "properties": {"state": state}} for one, state in states.items()]
        if entities:
            _written(DRAFT, await self._port.merge_entities(DRAFT, entities))

    # Promises

    async def promises(self, incident: str) -> list[Promise]:
        """Every promise about an incident, oldest first. Port's search lags by seconds."""
        found = [_promise(entity) for entity in await self._about(PROMISE, incident)]
        return sorted((one for one in found if one), key=lambda one: (one.began, one.audience))

    async def write_promises(self, promises: Iterable[Promise], team: str) -> None:
        entities = [
            {
                "identifier": one.identifier,
                "title": f"{one.audience} · {one.incident} · {one.due:%H:%M}",
                "properties": {
                    "state": one.state,
                    "due": iso(one.due),
                    "beganAt": iso(one.began),
                    "settledAt": iso(one.settled_at) if one.settled_at else None,
                    "lateMinutes": round(one.late / timedelta(minutes=1), 2),
                    "severity": one.severity,
                    "audience": one.audience,
                },
                "relations": {"incident": one.incident, "audience": one.audience},
                **owned_by(team),
            }
            for one in promises
        ]
        if entities:
            _written(PROMISE, await self._port.merge_entities(PROMISE, entities))

    async def _about(self, blueprint: str, incident: str) -> list[Json]:
        rules = [{"operator": "relatedTo", "blueprint": self._settings.incident_blueprint, "value": incident}]
        found = await self._port.search(blueprint, rules)
        return [one for one in found if (one.get("relations") or {}).get("incident") == incident]


def _sources(draft: Draft) -> list[Json]:
    return [{"sentence": one.text, "sources": list(one.sources)} for one in draft.sentences]


def _drafted(entity: Json) -> Drafted | None:
    properties: Json = entity.get("properties") or {}
    text = text_of(properties.get("text"))
    incident = text_of((entity.get("relations") or {}).get("incident"))
    if not text or not incident:
        return None
    return Drafted(
        identifier=str(entity["identifier"]),
        incident=incident,
        audience=text_of(properties.get("audience")),
        text=text,
        state=text_of(properties.get("state")),
        drafted_at=when(properties.get("draftedAt")) or when(entity.get("createdAt")) or now(),
        notes_until=when(properties.get("notesUntil")),
    )


def _promise(entity: Json) -> Promise | None:
    properties: Json = entity.get("properties") or {}
    began, due = when(properties.get("beganAt")), when(properties.get("due"))
    state: Any = properties.get("state")
    if began is None or due is None or state not in STATES:
        return None
    late = properties.get("lateMinutes")
    return Promise(
        incident=text_of((entity.get("relations") or {}).get("incident")),
        audience=text_of(properties.get("audience")),
        began=began,
        due=due,
        severity=text_of(properties.get("severity")),
        state=state,
        settled_at=when(properties.get("settledAt")),
        late=timedelta(minutes=late) if isinstance(late, (int, float)) else timedelta(),
    )


def _written(blueprint: str, outcomes: Iterable[ItemOutcome]) -> None:
    for outcome in outcomes:
        if outcome.error:
            hint = "Run `make provision`: the blueprint may be missing or older than this version."
            told = f"{blueprint} {outcome.identifier}: {outcome.error}"
            raise Refused("port", "entities.bulk", str(outcome.status), told, hint)
