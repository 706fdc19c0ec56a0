"""Complete a maintenance of the incident on its page, after approval; its components go back."""

from __future__ import annotations

from collections.abc import Awaitable

from actions.base import Kit
from actions.public_consent import Consent, by_approval
from actions.public_turn import Turn, end
from integration.models.run import Command, Outcome

COMPLETE = Turn(
    operation="complete_maintenance",
    purpose="complete maintenance",
    key="complete",
    status="completed",
    there=lambda public: public.over,
    done="completed",
    shown="",
    opened_by="schedule_maintenance",
)


async def handle(command: Command, kit: Kit) -> Outcome:
    return await by_approval(command, kit, carry_out)


async def carry_out(command: Command, kit: Kit, consenting: Awaitable[Consent]) -> Outcome:
    return await end(command, kit, consenting, COMPLETE)
