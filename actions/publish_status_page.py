"""Publish the incident on a status page: one write, with the states of its components, after approval."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from actions.base import Kit, need_incident
from actions.delivery import choice, flag
from actions.public import (
    REALTIME,
    already_public,
    chosen_page,
    known_page,
    left_unsaid,
    page_service,
    public_body,
    public_name,
    publish_key,
    refuse_private,
    tell,
)
from actions.public_components import chosen_components
from actions.public_consent import Consent, by_approval
from actions.public_guards import judge
from actions.public_step import Said, public_step
from integration.models.run import Command, Outcome

IMPACTS = ("none", "minor", "major", "critical")


def chosen_impact(command: Command) -> str:
    """Empty where the page is to work it out."""
    return choice(command, "impact", IMPACTS) if command.inputs.get("impact") else ""


async def handle(command: Command, kit: Kit) -> Outcome:
    return await by_approval(command, kit, carry_out)


async def carry_out(command: Command, kit: Kit, consenting: Awaitable[Consent]) -> Outcome:
    identifier = need_incident(command)
    service = page_service(kit)
    page, name, body = chosen_page(kit, command), public_name(command), public_body(command)
    status = choice(command, "status", REALTIME, default="investigating")
    impact = chosen_impact(command)
    notify = flag(command, "notifySubscribers")
    async with kit.locks.holding(identifier):
        incident, consent, chosen, _ = await asyncio.gather(
            kit.catalog.incident(identifier),
            consenting,
            chosen_components(kit, service, command, page),
            known_page(kit, page),
        )
        refuse_private(incident)
        components = {one.id: one.after for one in chosen}
        judged = await judge(
            kit,
            command,
            incident,
            status=status,
            name=name,
            body=body,
            impact=impact,
            components=components,
        )
        said = Said(body, notify, consent, judged)
        number = 1
        while True:
            step = public_step(
                command,
                said,
                operation="publish_incident",
                purpose="publish",
                key=publish_key(identifier, page, number),
                replaces=publish_key(identifier, page, number - 1) if number > 1 else "",
                page=page,
                details={"name": name, "status": status, "impact": impact, "components": components},
            )
            (claim,) = await kit.performer.intend([step], insist=command.by_person)
            if (unsaid := await left_unsaid(kit, command, incident, claim)) is not None:
                return unsaid
            receipt = await kit.performer.perform(claim, instead=step)
            # Its own post is never done again, whatever has become of it: this run was cut off after it.
            if claim.acted or claim.step.run == command.run:
                break
            public = await service.incident(page, str(receipt.data["incident"]))
            if public is not None and not public.over:
                same = (claim.step.text, claim.step.details.get("name")) == (body, name)
                link = receipt.permalink
                return Outcome(
                    ok=same,
                    summary=f"{identifier} is on this page already: {link}"
                    if same
                    else f"Not published: {already_public(identifier, page, link)}.",
                    label="Already sent" if same else "Already public",
                    links=(link,),
                )
            number += 1
        problem = await tell(kit, command, incident, "published", receipt, status, claim.step.text)
    return Outcome(
        summary=f"{identifier} is on the page as “{name}” ({status}): {receipt.permalink}. {problem}".strip(),
        label="Published",
        links=(receipt.permalink,),
        log=said.told(),
    )
