"""News is overdue: settle the promises, and remind the room of each broken one, once, with a draft."""

from __future__ import annotations

from actions.base import Kit, latest_room, need_incident
from actions.draft_update import keep
from actions.promises import current_promises, remind, reminder
from actions.voices import look, propose
from integration import plan
from integration.errors import BadInput
from integration.models.run import Command, Outcome
from integration.times import now


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    incident = await kit.catalog.incident(identifier)
    room = await latest_room(kit, identifier)
    promises = await current_promises(kit, incident, room)
    at = now()
    overdue = [one for one in promises if one.overdue(at)]
    if not overdue or plan.is_closed(incident, kit.settings):
        return Outcome(summary=f"No audience of {identifier} waits for overdue news.", label="Nothing to do")
    whom = ", ".join(one.audience for one in overdue)
    if room is None or room.state != "open":
        return Outcome(
            summary=f"News for {whom} is overdue; there is no open room to remind.", label="Overdue"
        )
    async with kit.locks.holding(plan.room_id(identifier, 1)):
        for promise in overdue:
            key = plan.step_key(room.identifier, "reminder") + f":{reminder(promise)}"
            stands = await kit.catalog.communication(key)
            if stands is not None and stands.state != "sending":
                continue
            situation = await look(kit, identifier)
            draft, text = "", ""
            try:
                (audience,) = await kit.audiences.named([promise.audience])
                (audience,), _ = await kit.audiences.with_people([audience])
                proposal = await propose(situation, audience)
                (draft,) = await keep(kit, situation, [proposal], f"due-{reminder(promise)}")
                text = proposal.draft.text
            except BadInput:
                pass  # the audience was deleted, or has something to mend: the reminder counts
            await remind(kit, incident, room, promise, draft, text)
    return Outcome(
        summary=f"News of {identifier} is overdue for {whom}; the room was reminded.", label="Overdue"
    )
