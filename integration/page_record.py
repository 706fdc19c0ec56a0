"""What our incidents show of their public ones, and whose a public incident is. Knows Port only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from loguru import logger

from integration.by_hand import PageWords
from integration.catalog import Catalog
from integration.effects_public import marker
from integration.entities import COMMUNICATION, read_communication
from integration.errors import Refused
from integration.models.base import Json
from integration.models.communication import BY_HAND, PUBLIC_OPERATIONS, Communication
from integration.models.statuspage import PublicIncident
from integration.page_catalog import PAGE
from integration.page_drift import drift, line_hash, otherwise
from integration.page_entities import PageEntities
from integration.page_states import SetByUs, set_by_us
from integration.services.port import PortService
from integration.settings import Settings
from integration.times import iso, now, when

PUBLIC_INCIDENT = "statuspageIncident"  # the blueprint, and the relation to it on the customer's incident

SILENCE_STEP = 5  # minutes
OPENING = ("publish_incident", "schedule_maintenance")
OPEN = ("investigating", "identified", "monitoring")
SHOWN = (*OPEN, "resolved", "postmortem")
"""What an incident of ours can say of its public one; maintenance has other words and is not shown there."""


class PageRecord:
    """Which public incident stands for which of ours. Raises the errors of PortService."""

    def __init__(
        self, port: PortService, entities: PageEntities, catalog: Catalog, settings: Settings
    ) -> None:
        self._port = port
        self._entities = entities
        self._catalog = catalog
        self._words = PageWords(port, catalog)
        self._blueprint = settings.incident_blueprint
        self._page_of: dict[str, str] = {}  # by public incident
        self._credited: set[str] = set()  # public incidents whose entities say whose they are

    async def stop(self) -> None:
        """Drop what waits. Nothing is lost by it: the next process reads the pages again."""
        await self._words.stop()

    # Which ones

    async def public(self) -> list[Json]:
        """Every incident of ours that has a public one. Port's search lags by seconds."""
        rules = [{"property": "publicStatus", "operator": "isNotEmpty"}]
        return await self._port.search(self._blueprint, rules)

    async def watched(self, recent: timedelta) -> list[Json]:
        """Those of ours whose public incident is open, or was spoken of within `recent`."""
        rules: list[Json] = [
            {"property": "publicStatus", "operator": "in", "value": list(OPEN)},
            {"property": "lastPublicUpdateAt", "operator": ">", "value": iso(now() - recent)},
        ]
        return await self._port.search(self._blueprint, rules, "or")

    async def where(self, entity: Json) -> tuple[str, str] | None:
        """Page and id of the public incident that our incident shows; None when that is not known."""
        if public := related(entity):
            if public not in self._page_of:
                there = await self._port.get_entity(PUBLIC_INCIDENT, public) or {}
                # Port's own integration maps the relation alone.
                page = properties(there).get("pageId") or (there.get("relations") or {}).get(PAGE)
                if isinstance(page, str) and page:
                    self._page_of[public] = page
            if public in self._page_of:
                return self._page_of[public], public
        # Published a moment ago, nothing is related yet; but it is on the record.
        record = await self._catalog.communications(str(entity["identifier"]))
        for one in sorted(record, key=lambda one: one.intended_at, reverse=True):
            data = one.receipt.data if one.receipt else {}
            if one.step.operation == "publish_incident" and one.state == "sent" and data.get("incident"):
                return str(data.get("page")), str(data["incident"])
        return None

    async def incident_of(self, public: PublicIncident) -> str:
        """Identifier of our incident that this public one is about; empty when it is none of ours.

        A page may be shared with another installation, whose incidents may bear the same identifiers: a
        key that our record does not know is theirs.
        """
        marked = marker(public)
        incident, key = marked.get("incident"), marked.get("key")
        if isinstance(incident, str) and incident:
            if not isinstance(key, str) or not key:
                return incident
            communication = await self._catalog.communication(key)
            return incident if communication and communication.step.incident == incident else ""
        rules: list[Json] = [
            {"property": "operation", "operator": "in", "value": list(OPENING)},
            {"property": "state", "operator": "=", "value": "sent"},
        ]
        for entity in await self._port.search(COMMUNICATION, rules):
            receipt = properties(entity).get("receipt")
            if isinstance(receipt, dict) and receipt.get("incident") == public.id:
                one = read_communication(entity)
                return one.step.incident if one else ""
        return ""

    # What they show

    async def show(self, public: PublicIncident) -> bool:
        """Write onto our incident what its public one says, and what of that is not ours, where it differs
        from what stands there. False: not all could be written yet, come again."""
        incident = await self.incident_of(public)
        entity = await self._catalog.incident_entity(incident) if incident else None
        if entity is None:
            return True
        said = await self._said(incident, public)
        self._words.observe(incident, public)
        settled = all(one.state != "sending" for one in said)
        changes = differences(entity, public) if not public.maintenance else {}
        if settled and not public.maintenance and _is_shown(entity, public, changes):
            ours = [one for one in said if one.state == "sent"]
            by_us = SetByUs()
            if not public.over and otherwise(public, ours):
                by_us = await set_by_us(self._port, public.page_id)
            changes |= _drifted(entity, drift(public, ours, by_us.explains))
        relations = {PUBLIC_INCIDENT: public.id} if changes.pop(PUBLIC_INCIDENT, None) else None
        related_now = True
        if changes or relations:
            related_now = await self._patch(incident, changes, relations)
            logger.info(f"statuspage: {incident} is {public.status} in public ({public.shortlink})")
        return await self._credit(incident, public, said) and settled and related_now

    async def _said(self, incident: str, public: PublicIncident) -> list[Communication]:
        """What is on our record of this public incident. Port's search lags, so what the page itself names
        as ours is read by identifier."""
        found = {one.step.key: one for one in await self._catalog.communications(incident)}
        for name in ("key", "operation"):
            key = marker(public).get(name)
            if isinstance(key, str) and key:
                one = await self._catalog.communication(key)
                if one is not None:
                    found[key] = one
        return [
            one
            for one in found.values()
            if one.step.operation in PUBLIC_OPERATIONS
            and one.step.purpose != BY_HAND
            and public.id in (_incident_in(one), one.step.details.get("public"))
            and one.state in ("sent", "sending")
        ]

    async def _credit(self, incident: str, public: PublicIncident, said: Sequence[Communication]) -> bool:
        """Say on the public incident's entity whose it is and who published it, once in our life."""
        opened = next((one.step for one in said if one.step.operation in OPENING), None)
        if public.id in self._credited:
            return True
        named = {
            "publishedBy": opened.requested_by if opened else "",
            "approvedBy": opened.approved_by if opened else "",
        }
        properties = {name: value for name, value in named.items() if value}
        try:
            await self._entities.add(PUBLIC_INCIDENT, public.id, properties, {"incident": incident})
        except Refused as problem:
            logger.debug(f"statuspage: {public.id} does not say yet whose it is: {problem}")
            return problem.code != "404"  # its entity may come; a blueprint without the relation stays so
        self._credited.add(public.id)
        return True

    async def silence(self) -> None:
        """How long the public has heard nothing, on each incident of ours that is open there; in steps, since
        every write to an incident may set somebody's automations off."""
        for entity in await self.public():
            held = properties(entity)
            spoken = when(held.get("lastPublicUpdateAt"))
            minutes: int | None = None
            if held.get("publicStatus") in OPEN and spoken is not None:
                minutes = int((now() - spoken).total_seconds() // 60) // SILENCE_STEP * SILENCE_STEP
            if held.get("publicSilenceMinutes") != minutes:
                await self._catalog.patch_incident(
                    str(entity["identifier"]), {"publicSilenceMinutes": minutes}
                )

    async def forget(self, page: str, public: str) -> None:
        """That public incident is no more. Its entity goes with the next resync: Port deletes none that
        another one is related to."""
        for entity in await self.public():
            if (related(entity) or public) != public or await self.where(entity) != (page, public):
                continue
            logger.warning(f"statuspage: {public} of {entity['identifier']} was deleted on page {page}")
            nothing: Json = dict.fromkeys(
                (
                    *("publicStatus", "publicIncident", "publicSince", "publicSilenceMinutes"),
                    *("publicContradictions", "publicAfterClosingSince"),
                )
            )
            nothing["publicDrift"] = "- The public incident was deleted on its page."
            await self._catalog.patch_incident(str(entity["identifier"]), nothing, {PUBLIC_INCIDENT: None})

    async def _patch(self, incident: str, changes: Json, relations: Json | None) -> bool:
        """Whether the relation could be written too."""
        try:
            await self._catalog.patch_incident(incident, changes, relations)
        except Refused as problem:
            if relations is None:
                raise
            # The mapping of this installation may leave public incidents out: then there is no entity to
            # relate to, and the rest is worth having all the same.
            logger.warning(f"statuspage: {incident} could not be related to its public incident: {problem}")
            if changes:
                await self._catalog.patch_incident(incident, changes)
            return False
        return True


def differences(entity: Json, public: PublicIncident) -> Json:
    """What to change on our incident: properties, and the relation under its name.

    With several public incidents for one of ours, on two pages or one after the other, it shows the one
    that has spoken last; so does a late answer never undo a newer one.
    """
    held, spoken = properties(entity), _spoken(public)
    shown = when(held.get("lastPublicUpdateAt"))
    if shown is not None and spoken is not None and spoken < shown:
        return {}
    wanted: Json = {
        "publicStatus": public.status if public.status in SHOWN else None,
        "publicIncident": public.shortlink or None,
        "publicSince": _time(public.created_at),
        "lastPublicUpdateAt": _time(spoken),
        "lastPublicWords": _words(public) or None,
    }
    changes = {
        name: value
        for name, value in wanted.items()
        if value is not None and not _same(held.get(name), value)
    }
    return changes | ({PUBLIC_INCIDENT: public.id} if related(entity) != public.id else {})


def _is_shown(entity: Json, public: PublicIncident, changes: Json) -> bool:
    """Whether our incident shows this public one, of several."""
    return bool(changes) or related(entity) == public.id


def _drifted(entity: Json, lines: Sequence[str]) -> Json:
    """What to change so that our incident shows these differences, but for those that somebody accepted."""
    held = properties(entity)
    accepted = {one.get("line") for one in accepted_lines(held)}
    shown = "\n".join(f"- {line}" for line in lines if line_hash(line) not in accepted) or None
    return {"publicDrift": shown} if held.get("publicDrift") != shown else {}


def accepted_lines(held: Json) -> list[Json]:
    """Differences that were accepted: `line` (its hash), `by`, `at`."""
    found = (held.get("publicAccepted") or {}).get("lines")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _words(public: PublicIncident) -> str:
    """What the page said last."""
    dated = [one for one in public.updates if one.created_at is not None]
    return max(dated, key=lambda one: one.created_at or now()).body if dated else ""


def _incident_in(one: Communication) -> str:
    return str((one.receipt.data if one.receipt else {}).get("incident") or "")


def properties(entity: Json | None) -> Json:
    found = (entity or {}).get("properties")
    return found if isinstance(found, dict) else {}


def related(entity: Json) -> str:
    found = (entity.get("relations") or {}).get(PUBLIC_INCIDENT)
    return found if isinstance(found, str) else ""


def _spoken(public: PublicIncident) -> datetime | None:
    """When the page last said something; the time shown beside it may have been changed by hand."""
    return max((one.created_at for one in public.updates if one.created_at), default=public.created_at)


def _time(at: datetime | None) -> str | None:
    return iso(at.astimezone(UTC)) if at else None


def _same(held: Any, wanted: str) -> bool:
    """Equal, or the same moment in two spellings."""
    return held == wanted or (when(wanted) is not None and when(held) == when(wanted))
