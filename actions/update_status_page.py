"""Post an update to the incident's public incident, after approval."""

from __future__ import annotations

import asyncio
import json

from actions.base import Kit, need_incident
from actions.delivery import choice, claim_words, flag, words_key
from actions.public import (
    REALTIME,
    approved,
    chosen_components,
    left_unsaid,
    page_service,
    public_body,
    published,
    refuse_private,
    tell,
)
from integration.errors import BadInput
from integration.models import Command, Outcome, Step


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    page_service(kit)
    body = public_body(command)
    notify = flag(command, "notifySubscribers")
    async with kit.locks.holding(identifier):
        incident, approver, (target, _) = await asyncio.gather(
            kit.catalog.incident(identifier), approved(kit, command), published(kit, command, identifier)
        )
        refuse_private(incident)
        public = target.shown
        components = await chosen_components(kit, command, target.page)
        if public.over and not command.inputs.get("status"):
            raise BadInput("incident", f"its public incident is {public.status}; publish a new one")
        status = choice(command, "status", REALTIME, default=public.status)
        # The same words with other components, or with other readers, are another update.
        rest = json.dumps([components, notify], sort_keys=True)
        key = words_key(identifier, "public update", public.id, status, body, rest)
        step = Step(
            key=key,
            operation="update_incident",
            purpose="public update",
            incident=identifier,
            destination=target.page,
            text=body,
            requested_by=command.requested_by,
            approved_by=approver,
            run=command.run,
            details={
                "page": target.page,
                "public": public.id,
                "published": target.key,
                "status": status,
                "components": components,
                "notify": notify,
                "metadata": public.metadata,
            },
        )
        (claim,) = await claim_words(kit, [step], command, again=False)
        if not claim.done and public.over:
            await kit.performer.abandon([claim], "the public incident is resolved")
            await kit.performer.flush()
            if not claim.done:
                raise BadInput("incident", f"its public incident is {public.status}; publish a new one")
        said = [update.created_at for update in public.updates]
        if (unsaid := await left_unsaid(kit, command, incident, claim, said)) is not None:
            return unsaid
        receipt = await kit.performer.perform(claim, instead=step)
        already = not claim.acted and claim.step.run != command.run  # its own is told until it is reported
        problem = "" if already else await tell(kit, command, incident, "updated", receipt, status)
    return Outcome(
        summary=f"The public incident of {identifier} is {status}: {receipt.permalink}. {problem}".strip(),
        label="Already sent" if already else "Updated",
        links=(receipt.permalink,),
        log=(f"Subscribers are {'told' if notify else 'not told'}.", f"Approved by {approver}."),
    )
