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
from integration.models.statuspage import ComponentChange, PageComponent, PublicIncident
from integration.page_states import SetByUs
from integration.services.statuspage import StatuspageService

COMPONENT_STATES = (
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "under_maintenance",
)
"""Each is an input as well: the components that are to have this state."""


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


def in_states(command: Command) -> dict[str, list[str]]:
    """The components that the inputs name by the state they are to have, without states of none.

    Raises BadInput where there are some although the form hid these inputs when it was sent.
    """
    named = {state: found for state in COMPONENT_STATES if (found := identifiers(command, state))}
    if named and command.inputs.get("differentStates") is False:
        raise BadInput(
            next(iter(named)), "names components while “Different states” is off; switch it on, or empty this"
        )
    return named


async def chosen_components(
    kit: Kit, service: StatuspageService, command: Command, page: str
) -> list[ComponentChange]:
    """The components that the inputs name, each as it is and as it is to be.

    Port's word is taken where it knows a component of this page, which spares a request; Statuspage
    refuses a write that names one it does not have. Raises BadInput naming the input for one that is not
    on this page, and for one that is to have two states.
    """
    together, state = identifiers(command, "components"), command.inputs.get("componentStatus") or ""
    named = [(one, by, by) for by, ones in in_states(command).items() for one in ones]
    if state and not together:
        raise BadInput("components", "choose the components that are to become " + str(state))
    if together and not state:
        raise BadInput("componentStatus", "choose the state that these components are to have")
    if together and state not in COMPONENT_STATES:
        raise BadInput("componentStatus", f"{state!r} is none of {', '.join(COMPONENT_STATES)}")
    wanted = [*((one, str(state), "components") for one in together), *named]
    known = await _on_page(kit, service, page, [(one, field) for one, _, field in wanted])
    chosen: dict[str, ComponentChange] = {}
    for one, after, field in wanted:
        name, before = known[one].name, known[one].status
        other = chosen.setdefault(one, ComponentChange(id=one, name=name, before=before, after=after))
        if other.after != after:
            raise BadInput(field, f"{name} is to become {other.after} as well; name it in one state only")
    return list(chosen.values())


async def listed_components(
    kit: Kit, service: StatuspageService, command: Command, page: str
) -> list[PageComponent]:
    """The components that the inputs name, where they are to be listed and change nothing yet. Raises
    BadInput for one that is not on this page."""
    wanted = identifiers(command, "components")
    known = await _on_page(kit, service, page, [(one, "components") for one in wanted])
    return [known[one] for one in wanted]


async def _on_page(
    kit: Kit, service: StatuspageService, page: str, wanted: Sequence[tuple[str, str]]
) -> Mapping[str, PageComponent]:
    """`wanted`: identifiers of components, and the input that names each."""
    known = await kit.page_catalog.components(one for one, _ in wanted)
    if not all(one in known and known[one].page_id == page for one, _ in wanted):
        known = {component.id: component for component in await service.components(page)}
    for one, field in wanted:
        if one not in known:
            raise BadInput(field, f"{one!r} is no component of page {page!r}")
        if known[one].is_group:
            raise BadInput(field, f"{known[one].name} is a group; choose its components")
    return known


def changed_components(record: Sequence[Communication], public: PublicIncident) -> dict[str, str]:
    """The components whose state this public incident changed on the page, and to what it set them last:
    what it set to operational may be otherwise by another that it outlasts.

    Those of a maintenance were put under maintenance by the page itself, when it began.
    """
    found: dict[str, str] = {}
    if public.scheduled_for is not None:
        found = dict.fromkeys(public.components, "under_maintenance")
    for one in sorted(record, key=lambda one: one.intended_at):
        if one.state == "sent" and one.receipt and one.receipt.data.get("incident") == public.id:
            found.update(one.step.details.get("components") or {})
    return found


async def going_back(
    kit: Kit, service: StatuspageService, page: str, public: PublicIncident, ours: Mapping[str, str]
) -> GoingBack:
    """What goes back to operational when `public` is over; `ours` is what it has set, by component.

    A component stays as it is where another open incident or a maintenance holds it, or where somebody
    has changed it by hand since, which another incident of ours that is over by now has not. Costs two
    requests, three where the page no longer lists one of ours as affected, and none where it changed nothing.
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
    differ = [one for one, state in ours.items() if status.get(one) not in (None, "operational", state)]
    by_us = await kit.page_catalog.set_by_us(page) if set(differ) - set(held) else SetByUs()
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
        elif status[one] != set_to and not by_us.explains(one, status[one]):
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
