"""Post an update to the incident's public incident, after approval."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable

from actions.base import Kit, need_incident
from actions.delivery import choice, claim_words, flag, words_key
from actions.public import (
    REALTIME,
    last_word,
    left_unsaid,
    page_service,
    public_body,
    published,
    refuse_private,
    tell,
)
from actions.public_components import chosen_components
from actions.public_consent import Consent, by_approval
from actions.public_guards import judge
from actions.public_turn import told_subscribers
from integration.errors import BadInput
from integration.models.communication import Step
from integration.models.run import Command, Outcome


async def handle(command: Command, kit: Kit) -> Outcome:
    return await by_approval(command, kit, carry_out)


async def carry_out(command: Command, kit: Kit, consenting: Awaitable[Consent]) -> Outcome:
    identifier = need_incident(command)
    service = page_service(kit)
    body = public_body(command)
    notify = flag(command, "notifySubscribers")
    async with kit.locks.holding(identifier):
        incident, consent = await asyncio.gather(kit.catalog.incident(identifier), consenting)
        refuse_private(incident)
        target, _ = await published(kit, command, identifier, consent)
        public = target.shown
        chosen = await chosen_components(kit, service, command, target.page)
        components = {one.id: one.after for one in chosen}
        over = f"its public incident is {public.status}; reopen it, or publish a new one"
        if public.over and not command.inputs.get("status"):
            raise BadInput("incident", over)
        status = choice(command, "status", REALTIME, default=public.status)
        judged = await judge(
            kit,
            command,
            incident,
            status=status,
            body=body,
            impact=public.impact_override,
            components={**public.components, **components},
        )
        # The same words with other components, or with other readers, are another update.
        rest = json.dumps([components, notify], sort_keys=True)
        key = words_key(identifier, "public update", public.id, status, body, rest)
        step = Step(
            key=key,
            replaces=last_word(target, public, key),
            operation="update_incident",
            purpose="public update",
            incident=identifier,
            destination=target.page,
            text=body,
            requested_by=command.requested_by,
            approved_by=consent.by,
            run=command.run,
            details={
                "page": target.page,
                "public": public.id,
                "published": target.key,
                "status": status,
                "components": components,
                "listed": list(public.components),
                "notify": notify,
                "metadata": public.metadata,
                **judged.details(),
                **consent.details(),
            },
        )
        (claim,) = await claim_words(kit, [step], command, again=False)
        if not claim.done and public.over:
            await kit.performer.abandon([claim], "the public incident is resolved")
            await kit.performer.flush()
            if not claim.done:
                raise BadInput("incident", over)
        said = [update.created_at for update in public.updates]
        if (unsaid := await left_unsaid(kit, command, incident, claim, said)) is not None:
            return unsaid
        receipt = await kit.performer.perform(claim, instead=step)
        already = not claim.acted and claim.step.run != command.run  # its own is told until it is reported
        problem = (
            "" if already else await tell(kit, command, incident, "updated", receipt, status, claim.step.text)
        )
    return Outcome(
        summary=f"The public incident of {identifier} is {status}: {receipt.permalink}. {problem}".strip(),
        label="Already sent" if already else "Updated",
        links=(receipt.permalink,),
        log=(told_subscribers(notify), consent.told(), *judged.told()),
    )
