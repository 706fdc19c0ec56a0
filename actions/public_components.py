"""Which components of a status page change, and which must not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from actions.base import Kit
from actions.delivery import identifiers
from integration.errors import BadInput
from integration.models.communication import Communication
from integration.models.run import Command
from integration.models.statuspage import PageComponent, PublicIncident
from integration.services.statuspage import StatuspageService

COMPONENT_STATES = (
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "under_maintenance",
)


@dataclass(frozen=True)
class GoingBack:
    """What becomes of the components that an incident has changed, when it is over.

    back  ids of those that become operational again
    left  why the others stay, a sentence each
    stay  ids of these
    names of all of them, by id
    """

    back: tuple[str, ...]
    left: tuple[str, ...]
    names: Mapping[str, str]
    stay: frozenset[str] = frozenset()

    def only(self, approved: Iterable[str] | None) -> GoingBack:
        """No more than was approved; None approves whatever it is."""
        if approved is None:
            return self
        allowed = set(approved)
        more = [one for one in self.back if one not in allowed]
        return GoingBack(
            tuple(one for one in self.back if one in allowed),
            (*self.left, *(f"{self.names[one]} stays: nobody approved that it changes." for one in more)),
            self.names,
            self.stay | set(more),
        )


async def chosen_components(
    kit: Kit, service: StatuspageService, command: Command, page: str
) -> dict[str, PageComponent]:
    """The components that the inputs name, by id, in the states they are to have.

    Port's word is taken where it knows a component of this page, which spares a request; Statuspage
    refuses a write that names one it does not have. Raises BadInput for one that is not on this page.
    """
    wanted = identifiers(command, "components")
    state = command.inputs.get("componentStatus") or ""
    if not wanted:
        if state:
            raise BadInput("components", "choose the components that are to become " + str(state))
        return {}
    if state not in COMPONENT_STATES:
        raise BadInput("componentStatus", f"{state!r} is none of {', '.join(COMPONENT_STATES)}")
    known = await kit.page_catalog.components(wanted)
    if not all(one in known and known[one].page_id == page for one in wanted):
        known = {component.id: component for component in await service.components(page)}
    for identifier in wanted:
        if identifier not in known:
            raise BadInput("components", f"{identifier!r} is no component of page {page!r}")
        if known[identifier].is_group:
            raise BadInput("components", f"{known[identifier].name} is a group; choose its components")
    return {one: known[one].model_copy(update={"status": str(state)}) for one in wanted}


def changed_components(record: Sequence[Communication], public: str) -> dict[str, str]:
    """The components whose state this incident changed on the page, and to what it set them last."""
    found: dict[str, str] = {}
    for one in sorted(record, key=lambda one: one.intended_at):
        if one.state == "sent" and one.receipt and one.receipt.data.get("incident") == public:
            found.update(one.step.details.get("components") or {})
    return {identifier: state for identifier, state in found.items() if state != "operational"}


async def going_back(
    service: StatuspageService, page: str, public: PublicIncident, ours: Mapping[str, str]
) -> GoingBack:
    """What goes back to operational when `public` is over; `ours` is what it has set, by component.

    A component stays as it is where another open incident or a maintenance holds it, or where somebody
    has changed it by hand since. Costs two requests, three where the page no longer lists one of ours as
    affected, and none where it changed nothing.
    """
    if not ours:
        return GoingBack((), (), {})

    async def states() -> tuple[Mapping[str, str], Mapping[str, str]]:
        if set(ours) <= set(public.components):
            return public.components, public.component_names
        listed = await service.components(page)
        return {one.id: one.status for one in listed}, {one.id: one.name for one in listed}

    unresolved, under_way, (status, names) = await asyncio.gather(
        service.unresolved(page), service.active_maintenance(page), states()
    )
    held = _holders([one for one in [*unresolved, *under_way] if one.id != public.id])
    back: list[str] = []
    left: list[str] = []
    stay: set[str] = set()
    for one, set_to in ours.items():
        if one not in status or status[one] == "operational":
            continue
        stays = f"{names[one]} stays {status[one]}"
        stay.add(one)
        if one in held:
            left.append(f"{stays}: “{held[one]}” is still open.")
        elif status[one] != set_to:
            left.append(f"{stays}: it was changed by hand since, from {set_to}.")
        else:
            stay.remove(one)
            back.append(one)
    return GoingBack(tuple(back), tuple(left), names, frozenset(stay))


def _holders(others: Iterable[PublicIncident]) -> dict[str, str]:
    """Who else has a say in which components: those listed as affected, and those that an update of theirs
    has left in another state than operational."""
    found: dict[str, str] = {}
    for incident in others:
        latest: dict[str, str] = {}
        for update in reversed(incident.updates):  # oldest first
            latest |= {one.id: one.after for one in update.components}
        named = [*incident.components, *(one for one, after in latest.items() if after != "operational")]
        for one in named:
            found.setdefault(one, incident.name)
    return found
