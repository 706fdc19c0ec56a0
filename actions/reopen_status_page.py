"""Reopen the incident's public incident that was over, after approval."""

from __future__ import annotations

from collections.abc import Awaitable

from actions.base import Kit, need_incident
from actions.delivery import choice, flag
from actions.public import REALTIME, page_service, public_body, spoken_of
from actions.public_components import chosen_components
from actions.public_consent import Consent, by_approval
from actions.public_guards import judge
from actions.public_states import refuse_unfit
from actions.public_step import Said
from actions.public_turn import Turn, turn
from integration.models.run import Command, Outcome


async def handle(command: Command, kit: Kit) -> Outcome:
    return await by_approval(command, kit, carry_out)


async def carry_out(command: Command, kit: Kit, consenting: Awaitable[Consent]) -> Outcome:
    service = page_service(kit)
    body, notify = public_body(command), flag(command, "notifySubscribers")
    status = choice(command, "status", REALTIME, default="investigating")
    async with kit.locks.holding(need_incident(command)):
        incident, consent, target, _ = await spoken_of(kit, command, consenting)
        if target.shown.over:  # of one that is open, `turn` finds out who has opened it
            refuse_unfit("reopen_incident", target.shown)
        chosen = await chosen_components(kit, service, command, target.page)
        components = {one.id: one.after for one in chosen}
        what = Turn(
            operation="reopen_incident",
            purpose="reopen",
            key="reopen",
            status=status,
            there=lambda public: not public.over,
            done="open again",
            shown=status,
        )
        judged = await judge(
            kit,
            command,
            incident,
            status=status,
            body=body,
            impact=target.shown.impact_override,
            components={**target.shown.components, **components},
        )
        said = Said(body, notify, consent, judged)
        return await turn(kit, command, incident, what, target, said, components)
