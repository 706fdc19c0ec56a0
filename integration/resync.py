"""Ocean's kinds: what stands on the status pages. Mapped by `.port/resources/port-app-config.yml`.

War rooms, notes and communications are none of them: they are written by our own client, so that no
resync deletes them, and the same schedule re-derives them (`Sweeper.resync`).

A resync deletes every entity of ours that no kind gave again. So a kind gives everything or raises, and
a raise makes Ocean skip its deletions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from loguru import logger
from port_ocean.context.event import event
from port_ocean.context.ocean import PortOceanContext
from port_ocean.core.handlers.port_app_config.api import APIPortAppConfig

from integration.errors import Ambiguous, BadInput, Refused, ServiceError
from integration.live_upserts import COMPONENT, GROUP, INCIDENT, PAGE, UPDATE
from integration.mapping import InProcessJq
from integration.models.base import Json
from integration.services.statuspage import SERVICE, StatuspageService
from integration.settings import Settings, variable

BATCH = 500  # items in one yield: Ocean forks a process pool for each, and holds each in memory
_READS = "incident_comms.statuspage"  # where in the resync event's attributes our reads are kept

Absorb = Callable[[Sequence[Json]], Awaitable[None]]
"""Takes every public incident of all pages, once a resync has read them."""


@dataclass
class _Reads:
    """What one resync has read. It lives in the resync's event, and so ends with it."""

    pages: list[Json] | None = None
    incidents: list[Json] | None = None
    absorbed: bool = False


class PageKinds:
    """The generators that Ocean runs, one for each kind.

    `service` gives None where no status page is set up: then nothing is given, and nothing is deleted
    either (`guarded_mapping`).
    """

    def __init__(
        self,
        service: Callable[[], Awaitable[StatuspageService | None]],
        settings: Callable[[], Settings],
        absorb: Absorb,
    ) -> None:
        self._service = service
        self._settings = settings
        self._absorb = absorb

    async def pages(self, kind: str) -> AsyncIterator[list[Json]]:
        if self._is_ours():
            for batch in _batches(await self._pages()):
                yield batch

    async def groups(self, kind: str) -> AsyncIterator[list[Json]]:
        if not self._is_ours():
            return
        async for batch in _gathered(self._of_pages(StatuspageService.raw_groups)):
            yield batch

    async def components(self, kind: str) -> AsyncIterator[list[Json]]:
        """The lists hold groups too, with `group` true; the mapping's selector leaves them out."""
        if not self._is_ours():
            return
        async for batch in _gathered(self._of_pages(StatuspageService.raw_components)):
            yield batch

    async def incidents(self, kind: str) -> AsyncIterator[list[Json]]:
        async for batch in _gathered(self._incidents()):
            if self._is_ours():
                yield batch
        # Only now, when Ocean has written the last batch: there is nothing to relate to before.
        reads = _reads()
        if reads.incidents is not None and not reads.absorbed:
            reads.absorbed = True
            await self._tell(reads.incidents)

    async def updates(self, kind: str) -> AsyncIterator[list[Json]]:
        """Updates come inside their incidents: from the same read."""
        if not self._is_ours():
            return
        async for batch in _gathered(_updates_in(self._incidents())):
            yield batch

    def _is_ours(self) -> bool:
        """Whether these entities are ours to keep: where Port's own integration does, nothing is given, and
        nothing is deleted. Incidents are read all the same, for what is shown on those of the customer."""
        return self._settings().statuspage_mirror == "whole"

    async def _incidents(self) -> AsyncIterator[list[Json]]:
        """Lists of incidents; read once in a resync, whichever kind comes first and however often."""
        reads = _reads()
        if reads.incidents is not None:
            yield reads.incidents
            return
        if await self._service() is None:
            return
        found: list[Json] = []
        async for some in self._of_pages(StatuspageService.incidents):
            found += some
            yield some
        reads.incidents = found

    async def _tell(self, incidents: list[Json]) -> None:
        try:
            await self._absorb(incidents)
        except ServiceError as problem:
            # About our own incidents in Port; what Ocean makes of the read is not touched by it.
            logger.warning(f"resync: our incidents do not show what their pages say: {problem}")

    async def _of_pages(
        self, listed: Callable[[StatuspageService, str], AsyncIterator[list[Json]]]
    ) -> AsyncIterator[list[Json]]:
        pages = await self._pages()
        service = await self._service()
        if service is None:
            return
        for page in pages:
            async for some in listed(service, page["id"]):
                yield some

    async def _pages(self) -> list[Json]:
        """The pages to mirror. Raises when there are none, or not all that the settings name: an empty
        answer must not look like an empty account."""
        service = await self._service()
        if service is None:
            return []
        reads = _reads()
        if reads.pages is None:
            reads.pages = _chosen(await service.raw_pages(), self._settings().statuspage_pages)
        return reads.pages


def _chosen(found: list[Json], wanted: Sequence[str]) -> list[Json]:
    if not found:
        hint = f"Check that the key in {variable('statuspage_api_key')} belongs to an account with pages."
        raise Refused(SERVICE, "pages.list", "no pages", "the key sees none", hint)
    if not wanted:
        return found
    by_id = {page["id"]: page for page in found}
    missing = [page for page in wanted if page not in by_id]
    if missing:
        raise BadInput(variable("statuspage_pages"), f"the key sees no page {', '.join(missing)}")
    return [by_id[page] for page in wanted]


def _reads() -> _Reads:
    reads: _Reads = event.attributes.setdefault(_READS, _Reads())
    return reads


async def _updates_in(lists: AsyncIterator[list[Json]]) -> AsyncIterator[list[Json]]:
    async for incidents in lists:
        for incident in incidents:
            updates = incident.get("incident_updates")
            if not isinstance(updates, list):
                why = f"incident {incident.get('id')} without its updates"
                raise Ambiguous(SERVICE, "incidents.list", "unreadable answer", why)
            yield updates


def _batches(items: list[Json]) -> list[list[Json]]:
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]


async def _gathered(lists: AsyncIterator[list[Json]]) -> AsyncIterator[list[Json]]:
    """The items of small lists in batches of BATCH, the last one smaller."""
    waiting: list[Json] = []
    async for some in lists:
        waiting += some
        while len(waiting) >= BATCH:
            yield waiting[:BATCH]
            waiting = waiting[BATCH:]
    if waiting:
        yield waiting


def guarded_mapping(enabled: Callable[[], bool]) -> type[APIPortAppConfig]:
    """Ocean's reader of the mapping, which switches deletions off while no status page is set up.

    The mapping is one for all installations and names the kinds. Without a key they give nothing, and a
    resync would take that for the truth. Raising instead would fail every resync of those who have no
    status page; leaving the resources out would make Ocean skip the resync with all its hooks. Ocean
    deletes while deleted / present <= entityDeletionThreshold, so 0 means never.
    """

    class GuardedMapping(APIPortAppConfig):
        async def _get_port_app_config(self) -> dict[str, Any]:
            config = await super()._get_port_app_config()
            return config if enabled() or not config else {**config, "entityDeletionThreshold": 0}

    return GuardedMapping


def register_kinds(
    context: PortOceanContext,
    service: Callable[[], Awaitable[StatuspageService | None]],
    settings: Callable[[], Settings],
    absorb: Absorb,
) -> None:
    """Hang the kinds on Ocean. Must run before Ocean starts: the mapping's reader is made then.

    A kind that a mapping names and nobody knows needs no handler: Ocean counts it as an error, and
    deletes nothing.
    """
    kinds = PageKinds(service, settings, absorb)
    context.integration.EntityProcessorClass = context.app.webhook_manager.EntityProcessorClass = InProcessJq
    context.integration.AppConfigHandlerClass = guarded_mapping(
        lambda: settings().statuspage_enabled and settings().statuspage_mirror == "whole"
    )
    for kind, generator in (
        (PAGE, kinds.pages),
        (GROUP, kinds.groups),
        (COMPONENT, kinds.components),
        (INCIDENT, kinds.incidents),
        (UPDATE, kinds.updates),
    ):
        context.on_resync(kind)(generator)
