"""Publish a postmortem of the incident's public incident that is over, after approval."""

from __future__ import annotations

from collections.abc import Awaitable

from actions.base import Kit, need_incident
from actions.delivery import flag, words_key
from actions.public import left_unsaid, page_service, public_body, spoken_of, tell
from actions.public_consent import Consent, by_approval
from actions.public_guards import judge
from actions.public_states import refuse_unfit
from actions.public_step import Said, public_step
from integration.models.run import Command, Outcome


async def handle(command: Command, kit: Kit) -> Outcome:
    return await by_approval(command, kit, carry_out)


async def carry_out(command: Command, kit: Kit, consenting: Awaitable[Consent]) -> Outcome:
    identifier = need_incident(command)
    service = page_service(kit)
    body, notify = public_body(command), flag(command, "notifySubscribers")
    async with kit.locks.holding(identifier):
        incident, consent, target, _ = await spoken_of(kit, command, consenting)
        public = target.shown
        refuse_unfit("publish_postmortem", public)
        judged = await judge(kit, command, incident, status="postmortem", body=body)
        said = Said(body, notify, consent, judged)
        number = 1
        while True:
            key = words_key(identifier, "postmortem", public.id, body) + (f":{number}" if number > 1 else "")
            step = public_step(
                command,
                said,
                operation="publish_postmortem",
                purpose="postmortem",
                key=key,
                page=target.page,
                details={
                    "public": public.id,
                    "status": "postmortem",
                    "shortlink": public.shortlink,
                    "components": {},
                },
            )
            (claim,) = await kit.performer.intend([step], insist=command.by_person)
            if not claim.done or claim.step.run == command.run:
                break
            shown = await service.incident(target.page, public.id)
            if shown is None or shown.status == "postmortem":
                break
            number += 1  # it was taken off the page since
        if (unsaid := await left_unsaid(kit, command, incident, claim)) is not None:
            return unsaid
        receipt = await kit.performer.perform(claim, instead=step)
        if not claim.acted and claim.step.run != command.run:
            return Outcome(
                summary=f"This postmortem is public already: {receipt.permalink}",
                label="Already sent",
                links=(receipt.permalink,),
            )
        text = claim.step.text
        problem = await tell(kit, command, incident, "postmortem published", receipt, "postmortem", text)
    return Outcome(
        summary=f"The postmortem of {identifier} is public: {receipt.permalink}. {problem}".strip(),
        label="Published",
        links=(receipt.permalink,),
        log=said.told(),
    )
