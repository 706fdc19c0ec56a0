"""Post an update to the incident's public incident, after approval."""

from __future__ import annotations

import json
from collections.abc import Awaitable

from actions.base import Kit, need_incident
from actions.delivery import choice, claim_words, flag, words_key
from actions.public import REALTIME, last_word, left_unsaid, page_service, public_body, spoken_of, tell
from actions.public_components import chosen_components
from actions.public_consent import Consent, by_approval
from actions.public_guards import judge
from actions.public_states import refuse_unfit
from actions.public_step import Said, public_step
from integration.claim import Claim
from integration.models.run import Command, Outcome
from integration.models.statuspage import PublicIncident


async def handle(command: Command, kit: Kit) -> Outcome:
    return await by_approval(command, kit, carry_out)


async def carry_out(command: Command, kit: Kit, consenting: Awaitable[Consent]) -> Outcome:
    identifier = need_incident(command)
    service = page_service(kit)
    body, notify = public_body(command), flag(command, "notifySubscribers")
    async with kit.locks.holding(identifier):
        incident, consent, target, _ = await spoken_of(kit, command, consenting)
        public = target.shown
        chosen = await chosen_components(kit, service, command, target.page)
        components = {one.id: one.after for one in chosen}
        if not command.inputs.get("status"):  # it can't say again what it is
            refuse_unfit("update_incident", public)
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
        said = Said(body, notify, consent, judged)
        # The same words with other components, or with other readers, are another update.
        rest = json.dumps([components, notify], sort_keys=True)
        key = words_key(identifier, "public update", public.id, status, body, rest)
        step = public_step(
            command,
            said,
            operation="update_incident",
            purpose="public update",
            key=key,
            replaces=last_word(target, public, key),
            page=target.page,
            details={
                "public": public.id,
                "published": target.key,
                "status": status,
                "components": components,
                "listed": list(public.components),
                "metadata": public.metadata,
            },
        )
        (claim,) = await claim_words(kit, [step], command, False, lambda claim: _followed(claim, public))
        if not claim.done and public.over:
            await kit.performer.abandon([claim], "the public incident is resolved")
            await kit.performer.flush()
            if not claim.done:
                refuse_unfit("update_incident", public)
        heard = [update.created_at for update in public.updates]
        if (unsaid := await left_unsaid(kit, command, incident, claim, heard)) is not None:
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
        log=said.told(),
    )


def _followed(claim: Claim, public: PublicIncident) -> bool:
    """Whether the page has said something after those words: to say them again is news there."""
    said = (claim.receipt.data if claim.receipt else {}).get("update")
    dated = sorted((one.created_at, one.id) for one in public.updates if one.created_at is not None)
    return said in [identifier for _, identifier in dated[:-1]]
