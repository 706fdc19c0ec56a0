"""Send the last update again, only to those who did not get it."""

from __future__ import annotations

from collections.abc import Sequence

from actions.base import Kit, latest_room, need_incident
from actions.delivery import check_private, deliver, flag, outcome
from actions.promises import keep_promises
from integration.cadence import PURPOSES, update_of
from integration.models.communication import Communication
from integration.models.run import Command, Outcome

_NOT_GOT = ("failed", "held", "superseded", "withdrawn")


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    unknown_too = flag(command, "alsoUnknown", default=False)
    incident = await kit.catalog.incident(identifier)
    check_private(command, incident)
    last = newest_update(await kit.catalog.communications(identifier))
    wanted = [one for one in last if one.state in _NOT_GOT or (one.state == "unknown" and unknown_too)]
    unsure = [one for one in last if one.state == "unknown"]
    got = sum(one.state == "sent" for one in last)
    if not wanted:
        left = f", of {len(unsure)} nobody can tell: choose “Also where nobody can tell”" if unsure else ""
        what = f"{got} have the last update of {identifier}{left}." if last else "No update was sent yet."
        return Outcome(ok=bool(last) and not unsure, summary=what, label="Nothing to do")
    room = await latest_room(kit, identifier)
    claims = [
        kit.performer.claim_of(
            one.model_copy(update={"step": one.step.model_copy(update={"run": command.run})}),
            command.requested_by,
        )
        for one in wanted
    ]
    results = await deliver(kit, claims, room, command.run)
    await kit.performer.flush()
    await keep_promises(kit, incident, room, claims)
    return outcome(f"Again, to who has not got it ({got} have), the last update of {identifier}", results)


def newest_update(record: Sequence[Communication]) -> list[Communication]:
    """The communications of the update that was begun last, whatever became of each."""
    updates = [one for one in record if one.step.purpose in PURPOSES]
    if not updates:
        return []
    newest = max(updates, key=lambda one: (one.intended_at, one.step.key))
    return [one for one in updates if update_of(one) == update_of(newest)]
