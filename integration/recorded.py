"""An incident's record as Port has it: communications, links, and what does not fit between them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integration.catalog import Catalog
from integration.chain import read_chain
from integration.errors import BadInput
from integration.models.communication import Communication
from integration.models.incident import Incident
from integration.record import Link
from integration.record_check import Problem, check_approvals, check_chain, check_record
from integration.services.port import PortService
from integration.settings import Settings
from integration.times import now


@dataclass(frozen=True)
class Recorded:
    """`communications` by identifier; `incident` is None where it was deleted and its record stands."""

    incident: Incident | None
    links: Sequence[Link]
    communications: Mapping[str, Communication]
    problems: Sequence[Problem]

    @property
    def altered(self) -> set[int]:
        """Numbers of the links that prove nothing."""
        return {one.number for one in self.problems if one.trouble == "altered"}


async def read_recorded(port: PortService, settings: Settings, incident: str) -> Recorded:
    """Read and check it. Raises BadInput for an incident that nothing is known of, ServiceError."""
    catalog = Catalog(port, settings)
    links, entity, shown = await asyncio.gather(
        read_chain(port, incident), catalog.incident_entity(incident), catalog.communications(incident)
    )
    # A draft has not been communicated.
    communications = {one.step.key: one for one in shown if one.state != "draft"}
    # Port's search lags: what it does not show is asked for, and what it says against somebody too.
    linked = {link.communication for link in links if link.communication}
    await _look_again(catalog, communications, linked - set(communications))
    if entity is None and not links and not communications:
        raise BadInput("incident", catalog.unknown_incident(incident))
    problems = check_chain(links, settings.installation_key)
    altered = {one.number for one in problems if one.trouble == "altered"}
    suspects = {one.communication for one in check_record(links, communications, altered, now())}
    await _look_again(catalog, communications, suspects)
    problems += check_record(links, communications, altered, now())
    problems += check_approvals(communications)
    about = catalog.reader.read(entity) if entity else None
    return Recorded(about, links, communications, problems)


async def _look_again(catalog: Catalog, communications: dict[str, Communication], keys: set[str]) -> None:
    for one in await asyncio.gather(*(catalog.communication(key) for key in sorted(keys))):
        if one is not None:
            communications[one.step.key] = one
