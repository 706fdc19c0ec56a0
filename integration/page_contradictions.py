"""What a status page says that does not fit the incident it is about, found with no post at all.

A page that nobody has resolved, components left degraded, an incident that was reopened or has become
private, a severity raised since: nobody tells of these, so they are looked for. Knows Port only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from loguru import logger

from integration import guards, plan
from integration.catalog import Catalog
from integration.entities import text_of, texts_of
from integration.errors import BadInput, Refused
from integration.guard_words import guard_rules
from integration.models.base import Json
from integration.models.incident import Incident
from integration.page_catalog import COMPONENT
from integration.page_record import OPEN, PUBLIC_INCIDENT, properties, related
from integration.services.port import PortService
from integration.settings import Settings
from integration.times import iso, now, when

CHECK_SECONDS = 60.0
OVER_WITHIN = timedelta(hours=24)  # how long one is looked at after the last word on it
HOLDING = (*OPEN, "in_progress", "verifying")  # what is under way holds its components as they are


@dataclass(frozen=True)
class _Page:
    """The pages as Port has them: public incidents under way and components not operational, by id."""

    standing: Mapping[str, Json]
    degraded: Mapping[str, str]
    names: Mapping[str, str]  # of those

    def held(self, but: str) -> frozenset[str]:
        """Components that another public incident than `but` holds."""
        return frozenset(
            one for public, entity in self.standing.items() if public != but for one in _components(entity)
        )

    def told(self, reason: str) -> str:
        """As a line for people: components by their names."""
        for identifier, name in self.names.items():
            reason = reason.replace(identifier, name or identifier)
        return f"- {reason[:1].upper()}{reason[1:]}."


class PageContradictions:
    """One instance a process."""

    def __init__(self, port: PortService, catalog: Catalog, settings: Settings) -> None:
        self._port = port
        self._catalog = catalog
        self._settings = settings
        self._rules = guard_rules(settings)
        self._next = float("-inf")

    async def refresh(self) -> None:
        """Show on each incident that is on a page what contradicts, and take away what does not any more.

        Does nothing when called again within a minute. Raises the errors of PortService.
        """
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + CHECK_SECONDS
        rules: list[Json] = [
            {"property": "publicStatus", "operator": "in", "value": list(OPEN)},
            {"property": "lastPublicUpdateAt", "operator": ">", "value": iso(now() - OVER_WITHIN)},
            {"property": "publicContradictions", "operator": "isNotEmpty"},
        ]
        ours = await self._port.search(self._settings.incident_blueprint, rules, "or")
        page = await self._page() if ours else None
        if page is None:
            return
        for entity in ours:
            try:
                await self._show(entity, page)
            except (BadInput, Refused) as problem:
                logger.warning(f"statuspage: {entity.get('identifier')} not compared: {problem}")

    async def _page(self) -> _Page | None:
        """None where this installation's mapping keeps no public incidents or components in Port."""
        try:
            standing = await self._port.search(
                PUBLIC_INCIDENT, [{"property": "status", "operator": "in", "value": list(HOLDING)}]
            )
            degraded = await self._port.search(
                COMPONENT, [{"property": "status", "operator": "!=", "value": "operational"}]
            )
        except Refused as problem:
            logger.debug(f"statuspage: pages can't be compared with incidents: {problem}")
            return None
        states = {str(one["identifier"]): text_of(properties(one).get("status")) for one in degraded}
        return _Page(
            {str(one["identifier"]): one for one in standing},
            {one: state for one, state in states.items() if state},
            {str(one["identifier"]): text_of(one.get("title")) for one in degraded},
        )

    async def _show(self, entity: Json, page: _Page) -> None:
        held = properties(entity)
        incident = self._catalog.reader.read(entity)
        status, closed = text_of(held.get("publicStatus")), plan.is_closed(incident, self._settings)
        late = closed and status in OPEN
        # Nobody tells when an incident was closed: it is since we have seen it so, and Port remembers.
        since = (when(held.get("publicAfterClosingSince")) or now()) if late else None
        lines: list[str] = []
        if status in OPEN or _recent(held):
            public = await self._public(related(entity), status, page)
            inside = guards.Inside(
                status=incident.status,
                severity=incident.severity,
                closed=closed,
                closed_at=since,
                private=incident.private,
            )
            found = guards.contradictions(public, inside, now=now(), rules=self._rules)
            lines = [page.told(one.reason) for one in found]
        await self._write(incident, held, "\n".join(lines) or None, iso(since) if since else None)

    async def _public(self, identifier: str, status: str, page: _Page) -> guards.Public:
        entity = page.standing.get(identifier)
        if entity is None and identifier and page.degraded:  # over: what it has left behind is of interest
            entity = await self._port.get_entity(PUBLIC_INCIDENT, identifier)
        listed = _components(entity or {})
        return guards.Public(
            status=status,
            impact=text_of(properties(entity).get("impact")),
            components={one: page.degraded.get(one, "operational") for one in listed},
            held=page.held(identifier),
            limits=False,
            stands=True,
        )

    async def _write(self, incident: Incident, held: Json, lines: str | None, since: str | None) -> None:
        changes: Json = {}
        if held.get("publicContradictions") != lines:
            changes["publicContradictions"] = lines
        if when(held.get("publicAfterClosingSince")) != when(since):
            changes["publicAfterClosingSince"] = since
        if changes:
            await self._catalog.patch_incident(incident.identifier, changes)
            told = (lines or "").replace("\n", " ")
            logger.info(f"statuspage: {incident.identifier} and its page: {told or 'nothing contradicts'}")


def _recent(held: Json) -> bool:
    spoken = when(held.get("lastPublicUpdateAt"))
    return bool(held.get("publicStatus")) and spoken is not None and now() - spoken < OVER_WITHIN


def _components(entity: Json) -> tuple[str, ...]:
    return texts_of((entity.get("relations") or {}).get("components"))
