"""Figures of the status pages that cost a request each: subscribers of a page, uptime of a component.

They are decoration: one request at a time, after everything else, and each figure once a day.
"""

from __future__ import annotations

import time

from loguru import logger

from integration.budget import Priority
from integration.errors import Refused, ServiceError
from integration.models.base import Json
from integration.page_catalog import COMPONENT, PAGE, PageCatalog
from integration.page_entities import PageEntities
from integration.services.port import PortService
from integration.services.statuspage import NOT_FOUND, StatuspageService
from integration.settings import Settings
from integration.times import iso, now

DAY = 24 * 3600.0


class PageFigures:
    """One instance a process."""

    def __init__(
        self,
        port: PortService,
        entities: PageEntities,
        statuspage: StatuspageService,
        settings: Settings,
    ) -> None:
        self._port = port
        self._entities = entities
        self._statuspage = statuspage
        self._pages = PageCatalog(port, settings)
        self._listed = float("-inf")
        self._begun = False
        self._due: list[tuple[str, str]] = []  # blueprint and identifier
        self._page_of: dict[str, str] = {}

    async def refresh(self) -> None:
        """Read the next figure that is due, if there is one. What fails is tried again tomorrow."""
        if not self._due and time.monotonic() - self._listed > DAY:
            await self._list()
        if not self._due:
            return
        blueprint, identifier = self._due.pop(0)
        try:
            found = await (self._of_page(identifier) if blueprint == PAGE else self._of_component(identifier))
            if found:
                await self._entities.add(blueprint, identifier, found)
        except ServiceError as problem:
            logger.debug(f"statuspage: no figures of {blueprint} {identifier}: {problem}")
            if blueprint == COMPONENT and isinstance(problem, Refused) and problem.code == NOT_FOUND:
                await self._remove_orphan(identifier)

    def begin(self) -> None:
        """List what there is anew: a resync has brought in the pages, the first time perhaps."""
        if not self._begun:
            self._begun, self._listed = True, float("-inf")

    async def _list(self) -> None:
        self._listed = time.monotonic()
        pages = await self._pages.pages()
        self._due = [(PAGE, page) for page in pages]
        rules: list[Json] = [{"property": "showcase", "operator": "=", "value": True}]
        for entity in await self._port.search(COMPONENT, rules):
            page = (entity.get("relations") or {}).get("statuspage")
            if page in pages:
                self._page_of[str(entity["identifier"])] = str(page)
                self._due.append((COMPONENT, str(entity["identifier"])))

    async def _remove_orphan(self, component: str) -> None:
        """Where Port's own integration keeps components, it no longer removes the ones we have written to."""
        page = self._page_of[component]
        found = (
            await self._entities.orphans(COMPONENT, {page}, set()) if not self._entities.kept_by_us else []
        )
        if not any(one["identifier"] == component for one in found):
            return
        async for some in self._statuspage.raw_components(page, priority=Priority.DECORATION):
            if any(one["id"] == component for one in some):
                return
        await self._entities.remove(COMPONENT, component)

    async def _of_page(self, page: str) -> Json:
        counts = await self._statuspage.subscriber_counts(page)
        by_medium = {name: count for name, count in counts.items() if count}
        return {"subscribers": sum(counts.values()), "subscribersByMedium": by_medium} if counts else {}

    async def _of_component(self, component: str) -> Json:
        uptime = await self._statuspage.uptime(self._page_of[component], component)
        return {} if uptime is None else {"uptime": uptime, "uptimeReadAt": iso(now())}
