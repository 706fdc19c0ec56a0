"""Complete a maintenance of the incident on its page, after approval; its components go back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from actions.base import Kit, need_incident
from actions.delivery import flag
from actions.public import page_service, public_body, published, refuse_private
from actions.public_components import changed_components, going_back
from actions.public_consent import Consent, by_approval
from actions.public_guards import judge
from actions.public_turn import Turn, turn
from integration.models.run import Command, Outcome

COMPLETE = Turn(
    operation="complete_maintenance",
    purpose="complete maintenance",
    key="complete",
    status="completed",
    there=lambda public: public.over,
    done="completed",
    shown="",
)


async def handle(command: Command, kit: Kit) -> Outcome:
    return await by_approval(command, kit, carry_out)


async def carry_out(command: Command, kit: Kit, consenting: Awaitable[Consent]) -> Outcome:
    identifier = need_incident(command)
    service = page_service(kit)
    body, notify = public_body(command), flag(command, "notifySubscribers")
    async with kit.locks.holding(identifier):
        incident, consent = await asyncio.gather(kit.catalog.incident(identifier), consenting)
        refuse_private(incident)
        target, record = await published(kit, command, identifier, consent, "schedule_maintenance")
        # The page itself has put them under maintenance when it began.
        listed = target.shown.components
        ours = {one: "under_maintenance" for one, state in listed.items() if state == "under_maintenance"}
        ours |= changed_components(record, target.shown.id)
        found = await going_back(service, target.page, target.shown, ours)
        found = found.only(consent.components)
        # Its end says nothing of the incident, which may go on.
        judged = await judge(kit, command, incident, status="", body=body)
        names = ", ".join(found.names[one] for one in found.back)
        return await turn(
            kit,
            command,
            incident,
            consent,
            COMPLETE,
            target,
            {
                "components": dict.fromkeys(found.back, "operational"),
                "notify": notify,
                **judged.details(),
            },
            body,
            (f"Back to operational: {names or 'no component'}.", *found.left, *judged.told()),
        )
