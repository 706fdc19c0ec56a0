"""Draft what is to be said on a status page: nothing goes out before somebody else has approved it."""

from __future__ import annotations

from datetime import timedelta

from actions.base import Kit, need_incident
from actions.delivery import choice
from actions.public_drafting import drafted
from actions.public_operations import SPOKEN
from integration.models.communication import Step
from integration.models.run import Command, Outcome
from integration.times import iso, now


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    what = SPOKEN[choice(command, "operation", tuple(SPOKEN), default="publish")]
    found = await drafted(kit, command, what, proposing=True)
    expires = now() + timedelta(minutes=kit.settings.public_approval_minutes)
    key = f"{identifier}:draft:{found.digest[:16]}" + (f":{command.run}" if command.run else "")
    step = Step(
        key=key,
        operation=what.operation,
        purpose="draft",
        incident=identifier,
        destination=found.page,
        text=str(found.inputs["body"]),
        requested_by=command.requested_by,
        run=command.run,
        details={"content": found.content},
    )
    shown = found.preview(command.requested_by, expires)
    await kit.page_catalog.write_draft(
        step, {"contentHash": found.digest, "preview": shown, "expiresAt": iso(expires)}
    )
    link = kit.page_catalog.url(key)
    return Outcome(
        summary=f"“{what.title}” of {identifier} is drafted; somebody else approves it before "
        f"{expires:%H:%M} UTC: {link}",
        label="Drafted",
        links=(link,),
        log=found.notes,
    )
