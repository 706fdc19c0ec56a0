"""What the status page says, back in Port: on its own entities, and on the incident that it is about.

Webhooks are hints, and whatever they hint at is read from Statuspage before anything is written. They are
never needed: `poll` finds what people did on the page by hand, and a resync what both have missed.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Literal

from loguru import logger

from integration.budget import Priority
from integration.catalog import Catalog
from integration.effects_public import marker
from integration.errors import BadInput, ServiceError
from integration.live_upserts import COMPONENT, INCIDENT, PAGE, UPDATE
from integration.models.base import Json
from integration.models.statuspage import PublicIncident
from integration.page_catalog import PAGE as PAGE_BLUEPRINT
from integration.page_contradictions import PageContradictions
from integration.page_entities import PageEntities
from integration.page_figures import PageFigures
from integration.page_record import OPEN, PUBLIC_INCIDENT, PageRecord, differences, properties, related
from integration.page_status import PageStatus, PageStatuses
from integration.services.port import PortService
from integration.services.statuspage import StatuspageService
from integration.services.statuspage_shapes import fingerprint, incident_of, objects
from integration.settings import Settings
from integration.times import now, when

DEBOUNCE_SECONDS = 0.2  # one change on a page comes as several webhooks
RETRY_SECONDS = (2.0, 10.0, 60.0)
POLL_SECONDS = 5.0  # between two polls, for each page, however often we are called: a fifth of the key's rate
PAGE_SECONDS = 6 * 3600.0  # a page's own name and settings are read at most this often
REOPENED_WITHIN = timedelta(hours=24)  # how long a public incident is watched after its last word
MOST_HINTS = 500  # waiting at once; what is beyond is found by the poll

Upsert = Callable[[str, list[Json]], Awaitable[Sequence[str]]]
"""Takes a kind and raw objects through Ocean's mapping into Port (`LiveUpserts`)."""


class PageMirror:
    """Follows the public incidents. One instance a process."""

    def __init__(
        self,
        port: PortService,
        catalog: Catalog,
        statuspage: StatuspageService,
        settings: Settings,
        upsert: Upsert,
        agent: Callable[[], str] = str,
    ) -> None:
        self._entities = PageEntities(port, settings, agent)
        self._record = PageRecord(port, self._entities, catalog, settings)
        self._figures = PageFigures(port, self._entities, statuspage, settings)
        self._statuses = PageStatuses(self._entities)
        self._contradictions = PageContradictions(port, catalog, settings)
        statuspage.on_written(self._answered)
        self._statuspage = statuspage
        self._settings = settings
        self._upsert = upsert
        self._following: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._again: set[tuple[str, str]] = set()
        self._components: defaultdict[str, set[str]] = defaultdict(set)  # hinted at, by page
        self._page_read: dict[str, float] = {}
        self._next_poll = float("-inf")
        self._seen: dict[str, PublicIncident] = {}  # by id, as last written to Port
        self._answers: dict[str, Json] = {}  # to our own writes, by incident, until they are taken in
        self._told: dict[str, str] = {}  # by incident, the fingerprint of what Port has
        self._states: dict[str, str] = {}  # by component, as Port has it

    # Hints

    def observe(
        self,
        page: str,
        incident: str = "",
        component: str = "",
        told: str = "",
        status: PageStatus | None = None,
    ) -> None:
        """Something about `page` may have changed. Returns at once; however many hints come while one is
        waiting to be read, it is read once. Pages that are not ours are of no concern.

        `told` is what the hint says has come of it: the fingerprint of what the incident says, or the
        component's state. What we know already, as by our own writing, is not read again. `status` is the
        page's own as a whole, which can't be read.
        """
        if not self._is_ours(page) or not (incident or component):
            return
        if status is not None and self._statuses.tell(page, status):
            self._take_up(page, "")
        if incident:
            if told and told in (self._told.get(incident), fingerprint(self._answers.get(incident, {}))):
                return
            self._answers.pop(incident, None)
        else:
            if told and self._states.get(component) == told:
                return
            self._components[page].add(component)
        self._take_up(page, incident)

    def written(self, page: str, incident: str) -> None:
        """We have said something on the page, and it stands on the record: take in what the page answered."""
        if self._is_ours(page) and incident:
            self._take_up(page, incident)

    def _answered(self, raw: Json) -> None:
        """An answer to a write of ours, which shows the whole incident as it is now."""
        identifier = str(raw.get("id"))
        if "status" not in raw:
            self._answers.pop(identifier, None)
        elif len(self._answers) < MOST_HINTS:
            self._answers[identifier] = raw
            for component in objects(raw.get("components")):
                self._states[str(component.get("id"))] = str(component.get("status"))

    def _take_up(self, page: str, incident: str) -> None:
        key = (page, incident)
        if key in self._following:
            self._again.add(key)
        elif len(self._following) >= MOST_HINTS:
            logger.warning("statuspage: too many hints at once; the poll will find what has changed")
        else:
            # A context of its own: the request that brought the hint ends before this does.
            self._following[key] = asyncio.create_task(self._follow(key), context=contextvars.Context())

    @property
    def busy(self) -> bool:
        """Whether something is still to be read or taken in."""
        return bool(self._following)

    async def stop(self) -> None:
        """Drop what waits. Nothing is lost by it: the next process reads the pages again."""
        await self._record.stop()
        tasks = list(self._following.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, key: tuple[str, str]) -> None:
        try:
            while True:
                await asyncio.sleep(DEBOUNCE_SECONDS)
                self._again.discard(key)
                await self._read_hinted(*key)
                if key not in self._again:
                    return
        except Exception:
            logger.exception(f"statuspage: {' '.join(key)} could not be followed")
        finally:
            del self._following[key]

    async def _read_hinted(self, page: str, incident: str) -> None:
        for wait in (*RETRY_SECONDS, None):
            try:
                await self._statuses.write(page)
                if incident:
                    shown = await self._read(page, incident)
                    if shown == "part" and wait is not None and not self._entities.kept_by_us:
                        await asyncio.sleep(wait)  # others make the entity that ours is to be related to
                        continue
                elif self._components[page]:
                    await self._read_components(page)
                await self._statuses.write(page)  # again, where the page's entity was made just now
                return
            except (ServiceError, BadInput) as problem:
                if wait is None or isinstance(problem, BadInput):
                    logger.warning(f"statuspage: {page} {incident}: {problem}; left to the next poll")
                    return
                logger.info(f"statuspage: {page} {incident}: {problem}; again in {wait:.0f} s")
                await asyncio.sleep(wait)

    # On schedule

    async def poll(self) -> None:
        """Look at every incident of ours that has a public one, by one list of each page.

        Costs one request for each page with such incidents, and one more for each of them that has
        changed; does nothing when called again too soon. The failure of one page is logged and leaves the
        others alone.
        """
        if time.monotonic() < self._next_poll:
            return
        watched: defaultdict[str, dict[str, bool]] = defaultdict(dict)  # page -> public id -> open for us
        for entity in await self._record.watched(REOPENED_WITHIN):
            where = await self._record.where(entity)
            if where is not None and self._is_ours(where[0]):
                watched[where[0]][where[1]] = properties(entity).get("publicStatus") in OPEN
        for page, incidents in watched.items():
            try:
                await self._poll_page(page, incidents)
            except ServiceError as problem:
                logger.warning(f"statuspage: page {page} not looked at: {problem}")
        self._next_poll = time.monotonic() + POLL_SECONDS * max(1, len(watched))
        known = {public for incidents in watched.values() for public in incidents}
        self._seen = {public: seen for public, seen in self._seen.items() if public in known}

    async def tend(self) -> None:
        """On schedule: poll, and what only time asks for. The next figure, such as a component's uptime,
        waits until nobody else wants a request."""
        await self.poll()
        await self._record.silence()
        await self._contradictions.refresh()
        await self._figures.refresh()

    async def _poll_page(self, page: str, incidents: dict[str, bool]) -> None:
        unresolved = await self._statuspage.unresolved(page, priority=Priority.MIRROR)
        standing = {public.id: public for public in unresolved}
        for public, open_for_us in incidents.items():
            stands = standing.get(public)
            changed = stands is not None and self._seen.get(public) != stands
            ended_or_deleted = stands is None and open_for_us
            if changed or ended_or_deleted:
                await self._read(page, public)

    async def absorb(self, incidents: Sequence[Json]) -> None:
        """Take what a resync has read, all incidents of all pages: no further request, but for those of
        ours that have gone."""
        ours = await self._record.public()
        shown = {related(entity): entity for entity in ours if related(entity)}
        for raw in incidents:
            public = incident_of(raw)
            if public is None:
                continue
            entity = shown.get(public.id)
            unrelated = entity is None and bool(marker(public)) and not public.over
            changed = entity is not None and (self._is_watched(entity) or differences(entity, public))
            if unrelated or changed:
                await self._record.show(public)
        gone: set[str] = set()
        for missing in set(shown) - {raw.get("id") for raw in incidents}:
            where = await self._record.where(shown[missing])
            if where is not None and self._is_ours(where[0]) and await self._read(*where) == "gone":
                gone.add(missing)
        await self._remove_orphans(incidents, gone)
        self._figures.begin()

    async def _remove_orphans(self, incidents: Sequence[Json], gone: set[str]) -> None:
        """Beside Port's own integration: entities of public incidents that are no more, and that it does not
        remove, as we wrote them last. Ours are removed by the resync itself."""
        if self._entities.kept_by_us:
            return
        pages, present = ({str(raw.get(key)) for raw in incidents} for key in ("page_id", "id"))
        for entity in await self._entities.orphans(PUBLIC_INCIDENT, pages, present):
            public, page = str(entity["identifier"]), str(entity["relations"][PAGE_BLUEPRINT])
            if public not in gone and await self._asked(page, public) is not None:
                continue  # published since
            await self._entities.remove(PUBLIC_INCIDENT, public)

    # Reading

    async def _read(self, page: str, incident: str) -> Literal["shown", "part", "gone"]:
        """Read one public incident and write what it says, or what of that can be written already."""
        raw = self._answers.pop(incident, None)
        if raw is None:
            raw = await self._asked(page, incident)
        public = incident_of(raw) if raw is not None else None
        if raw is None or public is None:
            await self._record.forget(page, incident)
            return "gone"
        await self._refresh_page(page)
        await self._take_in(COMPONENT, objects(raw.get("components")))
        await self._take_in(INCIDENT, [raw])
        await self._take_in(UPDATE, objects(raw.get("incident_updates")))
        if not await self._record.show(public):
            return "part"
        self._seen[public.id] = public
        self._told[public.id] = fingerprint(raw)
        return "shown"

    async def _asked(self, page: str, incident: str) -> Json | None:
        return await self._statuspage.raw_incident(page, incident, priority=Priority.INTERNAL)

    async def _take_in(self, kind: str, raws: list[Json]) -> None:
        """Into Port by Ocean's mapping, unless Port's own integration keeps these entities."""
        if self._settings.statuspage_mirror == "whole":
            await self._upsert(kind, raws)
        if kind == COMPONENT:
            self._states |= {str(raw.get("id")): str(raw.get("status")) for raw in raws}

    async def _read_components(self, page: str) -> None:
        """There is no telling of many at once but by the list; one request for a hundred of them."""
        wanted, self._components[page] = self._components[page], set()
        found: list[Json] = []
        try:
            async for some in self._statuspage.raw_components(page, priority=Priority.INTERNAL):
                found += [component for component in some if component["id"] in wanted]
            await self._refresh_page(page)
            await self._take_in(COMPONENT, found)
        except ServiceError:
            self._components[page] |= wanted
            raise

    async def _refresh_page(self, page: str) -> None:
        last = self._page_read.get(page)
        if last is not None and time.monotonic() - last < PAGE_SECONDS:
            return
        self._page_read[page] = time.monotonic()  # before the read: others come while it is under way
        try:
            raw = await self._statuspage.raw_page(page, priority=Priority.INTERNAL)
            await self._take_in(PAGE, [raw] if raw is not None else [])
        except BaseException:
            self._page_read.pop(page, None)
            raise

    @staticmethod
    def _is_watched(entity: Json) -> bool:
        held = properties(entity)
        spoken = when(held.get("lastPublicUpdateAt"))
        return held.get("publicStatus") in OPEN or (spoken is not None and now() - spoken < REOPENED_WITHIN)

    def _is_ours(self, page: str) -> bool:
        pages = self._settings.statuspage_pages
        return not pages or page in pages
