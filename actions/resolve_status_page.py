"""Resolve the incident's public incident, after approval; only components that it changed go back."""

from __future__ import annotations

import asyncio

from actions.base import Kit, need_incident
from actions.delivery import flag
from actions.public import (
    approved,
    changed_components,
    left_unsaid,
    page_service,
    public_body,
    published,
    refuse_private,
    tell,
)
from integration.effects_public import marker
from integration.models import Command, Outcome, PageComponent, PublicIncident, Step


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    service = page_service(kit)
    body = public_body(command)
    notify = flag(command, "notifySubscribers")
    async with kit.locks.holding(identifier):
        incident, approver, (target, record) = await asyncio.gather(
            kit.catalog.incident(identifier), approved(kit, command), published(kit, command, identifier)
        )
        refuse_private(incident)
        public = target.shown
        components, unresolved = await asyncio.gather(
            service.components(target.page), service.unresolved(target.page)
        )
        back, left = going_back(changed_components(record, public.id), components, unresolved, public.id)
        number = 1
        while True:
            step = Step(
                key=resolve_key(identifier, public.id, number),
                operation="resolve_incident",
                purpose="resolve",
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
                    "status": "resolved",
                    "components": dict.fromkeys(back, "operational"),
                    "notify": notify,
                    "metadata": public.metadata,
                },
            )
            (claim,) = await kit.performer.intend([step], insist=command.by_person)
            if not claim.done or claim.step.run == command.run or public.over:
                break
            # Said before, and not over: reopened by hand, unless somebody has just resolved it.
            public = await service.incident(target.page, public.id) or public
            if public.over:
                break
            number += 1
        if not claim.done and public.over and marker(public).get("operation") != step.key:
            await kit.performer.abandon([claim], "it was resolved on the page by hand")
            await kit.performer.flush()
            return Outcome(
                summary=f"The public incident of {identifier} is {public.status} already.",
                label="Already resolved",
            )
        said = [update.created_at for update in public.updates]
        if (unsaid := await left_unsaid(kit, command, incident, claim, said)) is not None:
            return unsaid
        receipt = await kit.performer.perform(claim, instead=step)
        already = not claim.acted and claim.step.run != command.run  # its own is told until it is reported
        problem = "" if already else await tell(kit, command, incident, "resolved", receipt, "resolved")
    if already:
        return Outcome(
            summary=f"The public incident of {identifier} was resolved before: {receipt.permalink}.",
            label="Already sent",
            links=(receipt.permalink,),
        )
    return Outcome(
        summary=f"The public incident of {identifier} is resolved: {receipt.permalink}. {problem}".strip(),
        label="Resolved",
        links=(receipt.permalink,),
        log=(
            f"Back to operational: {', '.join(back) or 'no component'}.",
            *left,
            f"Subscribers are {'told' if notify else 'not told'}.",
            f"Approved by {approver}.",
        ),
    )


def resolve_key(incident: str, public: str, number: int) -> str:
    """One resolution of a public incident; what was reopened by hand is resolved by the next number."""
    return f"{incident}:resolve:{public}" + (f":{number}" if number > 1 else "")


def going_back(
    ours: dict[str, str], components: list[PageComponent], unresolved: list[PublicIncident], public: str
) -> tuple[list[str], list[str]]:
    """(ids of components that go back to operational, why the others of ours do not).

    A component stays as it is where somebody changed it by hand since, or another open incident holds it.
    """
    back: list[str] = []
    left: list[str] = []
    held = {
        one: incident.name for incident in unresolved if incident.id != public for one in incident.components
    }
    for component in components:
        if component.id not in ours or component.status == "operational":
            continue
        if component.status != ours[component.id]:
            left.append(f"{component.name} stays {component.status}: it was changed by hand since.")
        elif component.id in held:
            left.append(f"{component.name} stays {component.status}: “{held[component.id]}” is still open.")
        else:
            back.append(component.id)
    return back, left
