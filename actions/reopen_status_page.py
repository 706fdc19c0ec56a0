"""Reopen the incident's public incident that was over, after approval."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from actions.base import Kit, need_incident
from actions.delivery import choice, flag
from actions.public import REALTIME, page_service, public_body, published, refuse_private
from actions.public_components import chosen_components
from actions.public_consent import Consent, by_approval
from actions.public_guards import judge
from actions.public_turn import Turn, turn
from integration.errors import BadInput
from integration.models.run import Command, Outcome


async def handle(command: Command, kit: Kit) -> Outcome:
    return await by_approval(command, kit, carry_out)


async def carry_out(command: Command, kit: Kit, consenting: Awaitable[Consent]) -> Outcome:
    identifier = need_incident(command)
    service = page_service(kit)
    body, notify = public_body(command), flag(command, "notifySubscribers")
    status = choice(command, "status", REALTIME, default="investigating")
    async with kit.locks.holding(identifier):
        incident, consent = await asyncio.gather(kit.catalog.incident(identifier), consenting)
        refuse_private(incident)
        target, _ = await published(kit, command, identifier, consent)
        if target.shown.status == "postmortem":
            raise BadInput("incident", "its public incident has a postmortem; publish a new one")
        chosen = await chosen_components(kit, service, command, target.page)
        what = Turn(
            operation="reopen_incident",
            purpose="reopen",
            key="reopen",
            status=status,
            there=lambda public: not public.over,
            done="open again",
            shown=status,
        )
        components = {one.id: one.after for one in chosen}
        judged = await judge(
            kit,
            command,
            incident,
            status=status,
            body=body,
            impact=target.shown.impact_override,
            components={**target.shown.components, **components},
        )
        details = {"components": components, "notify": notify, **judged.details()}
        return await turn(kit, command, incident, consent, what, target, details, body, judged.told())
