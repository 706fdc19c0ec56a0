"""Send what was held back, overtaken, has failed or is unknown: a person has decided that it is to go out."""

from __future__ import annotations

from actions.base import Kit, latest_room
from actions.delivery import deliver, flag, outcome
from actions.overtaken import resumed, too_late
from integration import plan
from integration.errors import BadInput
from integration.models.communication import PUBLIC_OPERATIONS
from integration.models.run import Command, Outcome


async def handle(command: Command, kit: Kit) -> Outcome:
    key = command.inputs.get("communication")
    if not isinstance(key, str) or not key:
        raise BadInput("communication", "run this action on a communication")
    held = await kit.catalog.communication(key)
    if held is None:
        raise BadInput("communication", f"Port has no communication {key!r}")
    cut_off = held.state == "sending" and held.step.run == command.run  # this very run, taken up again
    if held.state in ("sent", "sending") and not cut_off:
        return Outcome(
            ok=held.state == "sent", summary=f"{key} is {held.state}.", label=held.state.capitalize()
        )
    incident = await kit.catalog.incident(held.step.incident)
    if held.step.purpose in ("channel", "bridge", "briefing"):
        raise BadInput("communication", "run “Open war room” on the incident: it takes up what is missing")
    stale = held.step.purpose == "status notice" and incident.status != held.step.details.get("to")
    if stale and not flag(command, "overtaken", default=False):
        raise BadInput(
            "overtaken",
            f"{incident.identifier} is {incident.status} by now: choose yes to send it all the same",
        )
    if held.step.operation in PUBLIC_OPERATIONS:
        raise BadInput("communication", "run the status page action again: a public text needs its approval")
    async with kit.locks.holding(plan.room_id(held.step.incident, 1)):
        if cut_off:
            (claim,) = await kit.performer.intend([held.step])
        else:
            wanted = held.step.model_copy(update={"run": command.run})
            claim = kit.performer.claim_of(held.model_copy(update={"step": wanted}), command.requested_by)
        late = too_late(command.asked_at) if resumed(command) else ""
        room = await latest_room(kit, incident.identifier)
        results = await deliver(kit, [claim], room, command.run, {claim.step.key: late})
        await kit.performer.flush()
    return outcome(f"{held.step.purpose.capitalize()} of {held.step.incident}", results)
