"""What we add to entities that a resync of Ocean's keeps: under whose name, and what is left of them later.

Port remembers the User-Agent of a write as the entity's datasource, and Ocean removes only what stands under
its own. So what is ours to keep is written under Ocean's name; what Port's own integration keeps, under ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from loguru import logger

from integration.errors import Refused
from integration.models.base import Json
from integration.page_catalog import PAGE
from integration.services.port import PortService
from integration.services.port_setup import PortSetup
from integration.settings import Settings

OUR_AGENT = "incident-comms/"
"""In the datasource of whatever we have written last, ourselves or by a resync."""


class PageEntities:
    """Raises the errors of PortService.

    `agent` gives the User-Agent of Ocean's resyncs; it is asked for when it is needed, as Ocean knows it
    only once it has started.
    """

    def __init__(self, port: PortService, settings: Settings, agent: Callable[[], str]) -> None:
        self._port = port
        self._settings = settings
        self._agent = agent

    @property
    def kept_by_us(self) -> bool:
        return self._settings.statuspage_mirror == "whole"

    async def says(self, blueprint: str, identifier: str, properties: Json) -> bool:
        """Whether the entity has these values."""
        entity = await self._port.get_entity(blueprint, identifier) or {}
        held = entity.get("properties") or {}
        return all(held.get(name) == value for name, value in properties.items())

    async def add(
        self, blueprint: str, identifier: str, properties: Json, relations: Json | None = None
    ) -> None:
        """Raises Refused (404) while there is no such entity."""
        agent = self._agent() if self.kept_by_us else ""
        await self._port.patch_entity(blueprint, identifier, properties, relations, agent=agent)

    async def orphans(self, blueprint: str, pages: Collection[str], present: Collection[str]) -> list[Json]:
        """Entities of these pages that stand under our name and are not among `present`: no resync of
        anybody's removes them any more. Port's search lags by seconds."""
        rules: list[Json] = [{"property": "$datasource", "operator": "contains", "value": OUR_AGENT}]
        found = await self._port.search(blueprint, rules, include=["$identifier", PAGE])
        return [
            one
            for one in found
            if one["identifier"] not in present and (one.get("relations") or {}).get(PAGE) in pages
        ]

    async def remove(self, blueprint: str, identifier: str) -> None:
        """What others are related to stays, and is tried again at the next resync."""
        try:
            await PortSetup(self._port).delete_entity(blueprint, identifier)
        except Refused as refusal:
            logger.debug(f"statuspage: {blueprint} {identifier} stays: {refusal}")
        else:
            logger.info(f"statuspage: {blueprint} {identifier} is gone from its page, and from Port")
