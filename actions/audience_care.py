"""What time asks for towards audiences: notices that were kept back, and promises of news.

All of it is computed from the record, on the sweeper's schedule: nothing waits in a process.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from loguru import logger

from actions import remind_update
from actions.base import Kit, latest_room
from actions.delivery import deliver
from actions.promises import current_promises
from integration import messages, notices, plan
from integration.errors import IncidentCommsError
from integration.models.communication import Communication
from integration.models.incident import WarRoom
from integration.models.run import AUTOMATION, Command
from integration.notices import Change
from integration.times import now

_AFTER_CLOSING = timedelta(minutes=15)  # the promises of a room that has closed are settled within
BY = f"{AUTOMATION}cadence"


async def look_after_audiences(kit: Kit) -> None:
    """One round. What fails for one incident keeps no other from being looked after."""
    waiting = [one for one in await kit.audiences.held_notices() if notices.waiting(one)]
    for incident in dict.fromkeys(one.step.incident for one in waiting):
        due = [one for one in waiting if one.step.incident == incident]
        try:
            await _tell_what_waited(kit, incident, [one for one in due if _is_due(one)])
        except IncidentCommsError as problem:
            logger.warning(f"{incident}: notices that were kept back: {problem}")
    if not any(one.promised for one in await kit.audiences.readers(fresh=False)):
        return
    for room in await kit.catalog.rooms_in_use():
        if room.incident in kit.locks or not _concerns(room):
            continue
        try:
            await _keep_promises(kit, room)
        except IncidentCommsError as problem:
            logger.warning(f"{room.incident}: promises: {problem}")


def _is_due(one: Communication) -> bool:
    until = notices.waiting(one)
    return until is not None and until <= now()


def _concerns(room: WarRoom) -> bool:
    return room.state == "open" or (room.closed_at is not None and now() - room.closed_at < _AFTER_CLOSING)


async def _keep_promises(kit: Kit, room: WarRoom) -> None:
    incident = await kit.catalog.incident(room.incident)
    promises = await current_promises(kit, incident, room)
    at = now()
    overdue = {one.identifier for one in promises if one.overdue(at)}
    if room.state == "open" and overdue and not overdue <= kit.audiences.reminded:
        command = Command(
            action="remind_update", run="", incident=room.incident, requested_by=BY, door="sweeper"
        )
        await remind_update.handle(command, kit)
        kit.audiences.reminded |= overdue


async def _tell_what_waited(kit: Kit, identifier: str, due: Sequence[Communication]) -> None:
    """Send what still holds; end what does not."""
    if not due:
        return
    incident = await kit.catalog.incident(identifier)
    room = await latest_room(kit, identifier)
    record = await kit.catalog.communications(identifier)
    async with kit.locks.holding(plan.room_id(identifier, 1)):
        for found in due:
            held = await kit.catalog.communication(found.step.key)  # the search shows the past
            if held is None or notices.waiting(held) is None:
                continue
            changed = notices.told(held)
            if not all(notices.stands(change, incident) for change in changed):
                kit.performer.supersede(held, f"overtaken: {identifier} went on")
                continue
            earlier = [one for one in notices.notices(record, held.step.destination) if one.state == "sent"]
            standing = notices.undone(changed, earlier, now())
            if standing is not None:
                await _change_in_place(kit, held, standing, changed, room)
                continue
            claim = kit.performer.claim_of(held, held.step.requested_by)
            await deliver(kit, [claim], room, "")
        await kit.performer.flush()


async def _change_in_place(
    kit: Kit, held: Communication, standing: Communication, changed: Sequence[Change], room: WarRoom | None
) -> None:
    """Have the last notice say that what it told was taken back."""
    incident = await kit.catalog.incident(held.step.incident)
    part = messages.change_notice(incident, changed, again=True)
    receipt = standing.receipt
    edit = {"ts": receipt.data["ts"], "permalink": receipt.permalink} if receipt else {}
    details = {**held.step.details, "blocks": part.blocks, "edit": edit}
    step = held.step.model_copy(update={"text": part.text, "details": details})
    claim = kit.performer.claim_of(held.model_copy(update={"step": step}), held.step.requested_by)
    (result,) = await deliver(kit, [claim], room, "")
    if not result.problem:
        kit.performer.reworded(kit.performer.claim_of(standing, standing.step.requested_by), part.text)
