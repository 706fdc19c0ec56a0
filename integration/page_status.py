"""The status at the top of a page. Statuspage's API does not say it, only its webhooks do.

A resync leaves it as it was told last. Costs no request of Statuspage's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loguru import logger

from integration.errors import Refused
from integration.page_catalog import PAGE
from integration.page_entities import PageEntities

INDICATORS = ("none", "maintenance", "minor", "major", "critical")
LONGEST = 200  # characters of the description; Statuspage's own have about thirty


@dataclass(frozen=True)
class PageStatus:
    """`indicator` is one of INDICATORS, `description` Statuspage's words for it; `at`: when it was so."""

    indicator: str
    description: str
    at: datetime | None = None

    @property
    def plausible(self) -> bool:
        return self.indicator in INDICATORS and len(self.description) <= LONGEST


class PageStatuses:
    """Raises the errors of PortService."""

    def __init__(self, entities: PageEntities) -> None:
        self._entities = entities
        self._waiting: dict[str, PageStatus] = {}  # by page, what is to be written
        self._latest: dict[str, datetime] = {}

    def tell(self, page: str, status: PageStatus) -> bool:
        """Whether there is something to write. Webhooks overtake each other: the older one says nothing."""
        if not self._entities.kept_by_us or not status.plausible:
            return False
        if status.at is not None:
            if page in self._latest and status.at < self._latest[page]:
                return False
            self._latest[page] = status.at
        self._waiting[page] = status
        return True

    async def write(self, page: str) -> None:
        """Where it is not what stands there already: another process of ours may have been told otherwise."""
        status = self._waiting.get(page)
        if status is None:
            return
        said = {"status_indicator": status.indicator, "status_description": status.description}
        try:
            if not await self._entities.says(PAGE, page, said):
                await self._entities.add(PAGE, page, said)
        except Refused as refusal:
            # No such entity yet, or a blueprint of somebody's that knows fewer choices: the next one may do.
            logger.debug(f"statuspage: the status of page {page} is not shown: {refusal}")
            return
        if self._waiting.get(page) == status:
            del self._waiting[page]
