"""Resolve the incident's public incident, after approval; only components that it changed go back."""

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

RESOLVE = Turn(
    operation="resolve_incident",
    purpose="resolve",
    key="resolve",
    status="resolved",
    there=lambda public: public.over,
    done="resolved",
    shown="resolved",
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
        target, record = await published(kit, command, identifier, consent)
        ours = changed_components(record, target.shown.id)
        found = await going_back(service, target.page, target.shown, ours)
        found = found.only(consent.components)
        back = dict.fromkeys(found.back, "operational")
        judged = await judge(
            kit,
            command,
            incident,
            status="resolved",
            body=body,
            components={**target.shown.components, **back},
            held=found.stay,
        )
        names = ", ".join(found.names[one] for one in found.back)
        return await turn(
            kit,
            command,
            incident,
            consent,
            RESOLVE,
            target,
            {"components": back, "notify": notify, **judged.details()},
            body,
            (f"Back to operational: {names or 'no component'}.", *found.left, *judged.told()),
        )
