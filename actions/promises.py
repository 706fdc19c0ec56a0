"""Promises of news on the record: made, settled, shown on the incident, and the room reminded once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from loguru import logger

from actions.base import Kit
from integration import audiences as rules
from integration import cadence, messages, plan
from integration.cadence import Promise
from integration.claim import Claim
from integration.errors import BadInput, IncidentCommsError, ServiceError
from integration.models.audience import Audience
from integration.models.communication import Communication
from integration.models.incident import Incident, WarRoom
from integration.times import iso, now, when

NEXT, BROKEN = "nextUpdateDue", "brokenPromises"
"""Properties of the incident: by when there must be news, and how many promises were not kept."""


async def keep_promises(
    kit: Kit,
    incident: Incident,
    room: WarRoom | None,
    claims: Sequence[Claim] = (),
    told: Sequence[Audience] = (),
) -> None:
    """Bring the promises about an incident up to date. `claims`: what was just sent, which Port's search may
    not show yet; `told`: to whom. What goes wrong fails nothing: the words are out, the sweeper comes by."""
    try:
        await _keep(kit, incident, room, claims, told)
    except ServiceError as problem:
        logger.warning(f"{incident.identifier}: promises not written, the sweeper does it: {problem}")


async def current_promises(kit: Kit, incident: Incident, room: WarRoom | None) -> list[Promise]:
    """The promises as they stand, written where they were not. Raises ServiceError."""
    return await _keep(kit, incident, room, (), ())


async def _keep(
    kit: Kit,
    incident: Incident,
    room: WarRoom | None,
    claims: Sequence[Claim],
    told: Sequence[Audience],
) -> list[Promise]:
    # Those that have just been told are known as they are; the others as they were a moment ago.
    known = {one.identifier: one for one in (*await kit.audiences.readers(fresh=False), *told)}
    every = [one for one in known.values() if one.promised]
    if not every:
        return []
    identifier = incident.identifier
    entity, record, recorded = await asyncio.gather(
        kit.catalog.incident_entity(identifier),
        kit.catalog.communications(identifier),
        kit.audiences.promises(identifier),
    )
    if entity is None:
        return []
    record = [*record, *_sent(claims, record)]
    over = plan.is_closed(incident, kit.settings)
    ended = ((room.closed_at if room else None) or now()) if over else None
    began = (room.reopened_at or room.opened_at) if room and not incident.private else None
    found: list[Promise] = []
    for audience in every:
        heard = cadence.news(audience.identifier, record)
        own = [one for one in recorded if one.audience == audience.identifier]
        if not (own or heard or _concerned(audience, incident, entity)):
            continue
        try:
            found += cadence.settle(
                identifier,
                audience,
                incident.severity,
                own,
                heard,
                began=None if over and not own else began,
                ended=ended,
                at=now(),
            )
        except BadInput as problem:
            # Theirs to mend, and “Preview audiences” says so; what others were promised stands.
            logger.warning(str(problem))
            found += own
    stands = {one.identifier: one for one in recorded}
    changed = [one for one in found if stands.get(one.identifier) != one]
    await kit.audiences.write_promises(changed, plan.team_of(incident.private, kit.settings))
    await _show(kit, entity, found)
    return found


def _concerned(audience: Audience, incident: Incident, entity: dict[str, object]) -> bool:
    try:
        return rules.reach(audience, incident, entity).reached
    except BadInput as problem:
        logger.warning(str(problem))
        return False


def _sent(claims: Sequence[Claim], record: Sequence[Communication]) -> list[Communication]:
    known = {one.step.key for one in record if one.state == "sent"}
    return [
        Communication(
            step=claim.step, state="sent", receipt=claim.receipt, intended_at=claim.intended_at or now()
        )
        for claim in claims
        if claim.done and claim.receipt is not None and claim.step.key not in known
    ]


async def _show(kit: Kit, entity: dict[str, object], promises: Sequence[Promise]) -> None:
    """Write the timer and the count on the incident, where they have changed: each write may set the
    customer's own automations off."""
    properties = entity.get("properties")
    shown = properties if isinstance(properties, dict) else {}
    due = cadence.next_due(promises)
    at = now()
    broken = sum(one.state == "missed" or one.overdue(at) for one in promises)
    wanted: dict[str, object] = {}
    if when(shown.get(NEXT)) != due:
        wanted[NEXT] = iso(due) if due else None
    if (shown.get(BROKEN) or 0) != broken:
        wanted[BROKEN] = broken
    if wanted:
        await kit.catalog.patch_incident(str(entity["identifier"]), wanted)


async def remind(
    kit: Kit, incident: Incident, room: WarRoom, promise: Promise, draft: str, text: str
) -> None:
    """Tell the room once that news is overdue, with the draft that is ready. Raises what sending raises."""
    link = kit.catalog.reader.page("incidentDraft", draft) if draft else ""
    said, blocks = messages.overdue(incident, promise.audience, promise.due, link, text)
    step = plan.message(
        room, "reminder", said, about=reminder(promise), requested_by="automation cadence", blocks=blocks
    )
    (claim,) = await kit.performer.intend([step])
    try:
        await kit.performer.perform(claim)
    except IncidentCommsError as problem:
        logger.warning(f"{step.key}: {problem}")
    kit.performer.relate([claim], room.identifier, room.team)
    await kit.performer.flush()


def reminder(promise: Promise) -> str:
    """What a reminder is about, so that there is one however often and by whom it is found overdue."""
    return promise.identifier.partition(":promise:")[2]
