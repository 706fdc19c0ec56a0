"""Resolve the incident's public incident, after approval; only components that it changed go back."""

from __future__ import annotations

from collections.abc import Awaitable

from actions.base import Kit
from actions.public_consent import Consent, by_approval
from actions.public_turn import Turn, end
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
    return await end(command, kit, consenting, RESOLVE)
