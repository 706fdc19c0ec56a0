"""Ocean's mapping, run in this process.

Ocean forks a pool of workers for each batch it maps. They inherit the listening socket: after a SIGKILL of
the process they stay and hold its port, so that the next one can't start. A fork also costs about 90 ms a
batch, which is most of the time from a webhook to its entity.
"""

from __future__ import annotations

import asyncio
from typing import Any

from port_ocean.core.handlers.entity_processor.jq_entity_processor import JQEntityProcessor
from port_ocean.core.handlers.entity_processor.jq_entity_processor_sync import JQEntityProcessorSync
from port_ocean.core.handlers.entity_processor.models import MappedEntity

AT_ONCE = 20  # items mapped before others get their turn on the event loop

Mapped = tuple[list[MappedEntity], list[Exception]]


class InProcessJq(JQEntityProcessor):
    """Maps as Ocean's workers do, item by item, without forking."""

    async def parse_items_sync(
        self,
        compileable_patterns: dict[str, Any],
        raw_results: list[dict[Any, Any]],
        selector_query: str,
        parse_all: bool = False,
    ) -> tuple[list[Mapped], list[Exception]]:
        results: list[Mapped] = []
        for index, raw in enumerate(raw_results):
            try:
                entity = JQEntityProcessorSync._get_mapped_entity(
                    raw, compileable_patterns, selector_query, parse_all
                )
            except Exception as problem:
                results.append(([], [problem]))
            else:
                results.append(([entity], []))
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
        return results, []
