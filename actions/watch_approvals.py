"""A run of public words waits for approval, or was declined: show what it would say, or end that."""

from __future__ import annotations

from actions.base import Kit, text_input
from actions.waiting_runs import WaitingRuns
from integration.errors import BadInput
from integration.models.run import Command, Outcome

RUN_LIMIT = 100


async def handle(command: Command, kit: Kit) -> Outcome:
    """Which run it is, is all that is taken from the event; Port is asked how it stands."""
    run = text_input(command, "run", RUN_LIMIT)
    if not run:
        raise BadInput("run", "is missing: it is what the automation names")
    return Outcome(summary=await WaitingRuns(kit).look(run))
