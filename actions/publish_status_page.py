"""Publish the incident on a status page: one write, with the states of its components, after approval."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from actions.base import Kit, need_incident, text_input
from actions.delivery import choice, flag
from actions.public import (
    NAME_LIMIT,
    REALTIME,
    chosen_page,
    known_page,
    left_unsaid,
    page_service,
    plain,
    public_body,
    publish_key,
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

IMPACTS = ("none", "minor", "major", "critical")


async def handle(command: Command, kit: Kit) -> Outcome:
    return await by_approval(command, kit, carry_out)


async def carry_out(command: Command, kit: Kit, consenting: Awaitable[Consent]) -> Outcome:
    identifier = need_incident(command)
    service = page_service(kit)
    page = chosen_page(kit, command)
    name = plain("name", text_input(command, "name", NAME_LIMIT))
    if not name:
        raise BadInput("name", "is missing: the title customers see")
    body = public_body(command)
    status = choice(command, "status", REALTIME, default="investigating")
    impact = choice(command, "impact", IMPACTS) if command.inputs.get("impact") else ""
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
        number = 1
        while True:
            step = Step(
                key=publish_key(identifier, page, number),
                replaces=publish_key(identifier, page, number - 1) if number > 1 else "",
                operation="publish_incident",
                purpose="publish",
                incident=identifier,
                destination=page,
                text=body,
                requested_by=command.requested_by,
                approved_by=consent.by,
                run=command.run,
                details={
                    "page": page,
                    "name": name,
                    "status": status,
                    "impact": impact,
                    "components": components,
                    "notify": notify,
                    **judged.details(),
                    **consent.details(),
                },
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
                return Outcome(
                    summary=f"{identifier} is on this page already: {receipt.permalink}",
                    label="Already sent",
                    links=(receipt.permalink,),
                )
            number += 1
        problem = await tell(kit, command, incident, "published", receipt, status, claim.step.text)
    return Outcome(
        summary=f"{identifier} is on the page as “{name}” ({status}): {receipt.permalink}. {problem}".strip(),
        label="Published",
        links=(receipt.permalink,),
        log=(told_subscribers(notify), consent.told(), *judged.told()),
    )
