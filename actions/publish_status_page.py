"""Publish the incident on a status page: one write, with the states of its components, after approval."""

from __future__ import annotations

import asyncio

from actions.base import Kit, need_incident, text_input
from actions.delivery import choice, flag, identifiers
from actions.public import (
    NAME_LIMIT,
    REALTIME,
    approved,
    chosen_components,
    left_unsaid,
    page_service,
    public_body,
    publish_key,
    refuse_private,
    tell,
)
from integration.errors import BadInput
from integration.models import Command, Outcome, Step


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    service = page_service(kit)
    pages = identifiers(command, "page")
    if len(pages) != 1:
        raise BadInput("page", "choose the status page")
    page = pages[0]
    name = text_input(command, "name", NAME_LIMIT)
    if not name:
        raise BadInput("name", "is missing: the title customers see")
    body = public_body(command)
    status = choice(command, "status", REALTIME, default="investigating")
    notify = flag(command, "notifySubscribers")
    if kit.settings.statuspage_pages and page not in kit.settings.statuspage_pages:
        raise BadInput("page", f"{page!r} is not among the pages this integration may write to")
    async with kit.locks.holding(identifier):
        incident, approver, components, known = await asyncio.gather(
            kit.catalog.incident(identifier),
            approved(kit, command),
            chosen_components(kit, command, page),
            service.page(page),
        )
        if known is None:
            raise BadInput("page", f"Statuspage knows no page {page!r}")
        refuse_private(incident)
        number = 1
        while True:
            step = Step(
                key=publish_key(identifier, page, number),
                operation="publish_incident",
                purpose="publish",
                incident=identifier,
                destination=page,
                text=body,
                requested_by=command.requested_by,
                approved_by=approver,
                run=command.run,
                details={
                    "page": page,
                    "name": name,
                    "status": status,
                    "components": components,
                    "notify": notify,
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
        problem = await tell(kit, command, incident, "published", receipt, status)
    return Outcome(
        summary=f"{identifier} is on the page as “{name}” ({status}): {receipt.permalink}. {problem}".strip(),
        label="Published",
        links=(receipt.permalink,),
        log=(f"Subscribers are {'told' if notify else 'not told'}.", f"Approved by {approver}."),
    )
