"""Publish a postmortem of the incident's public incident that is over, after approval."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from actions.base import Kit, need_incident
from actions.delivery import flag, words_key
from actions.public import left_unsaid, page_service, public_body, published, refuse_private, tell
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
    page_service(kit)
    body, notify = public_body(command), flag(command, "notifySubscribers")
    async with kit.locks.holding(identifier):
        incident, consent = await asyncio.gather(kit.catalog.incident(identifier), consenting)
        refuse_private(incident)
        target, _ = await published(kit, command, identifier, consent)
        public = target.shown
        if not public.over:
            raise BadInput("incident", f"its public incident is {public.status}; resolve it first")
        judged = await judge(kit, command, incident, status="postmortem", body=body)
        step = Step(
            key=words_key(identifier, "postmortem", public.id, body),
            operation="publish_postmortem",
            purpose="postmortem",
            incident=identifier,
            destination=target.page,
            text=body,
            requested_by=command.requested_by,
            approved_by=consent.by,
            run=command.run,
            details={
                "page": target.page,
                "public": public.id,
                "status": "postmortem",
                "shortlink": public.shortlink,
                "components": {},
                "notify": notify,
                **judged.details(),
                **consent.details(),
            },
        )
        (claim,) = await kit.performer.intend([step], insist=command.by_person)
        if (unsaid := await left_unsaid(kit, command, incident, claim)) is not None:
            return unsaid
        receipt = await kit.performer.perform(claim, instead=step)
        already = not claim.acted and claim.step.run != command.run
        if not already:
            problem = await tell(
                kit, command, incident, "postmortem published", receipt, "postmortem", claim.step.text
            )
    if already:
        return Outcome(
            summary=f"This postmortem is public already: {receipt.permalink}",
            label="Already sent",
            links=(receipt.permalink,),
        )
    return Outcome(
        summary=f"The postmortem of {identifier} is public: {receipt.permalink}. {problem}".strip(),
        label="Published",
        links=(receipt.permalink,),
        log=(told_subscribers(notify), consent.told(), *judged.told()),
    )
