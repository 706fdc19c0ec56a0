"""Intents: the create-only writes with which one process, and one task in it, makes a step its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from weakref import WeakValueDictionary

from integration.catalog import Catalog
from integration.claim import VERDICTS, Claim
from integration.errors import Refused
from integration.locks import KeyedLocks
from integration.models.communication import Communication, Step
from integration.takeover import SLOWEST_TURN_SECONDS
from integration.times import now

_TURN_SECONDS = 0.05  # between two looks at whether another task of ours has come to its turn


class Intents:
    """One instance a process; `process` names it among all that ever ran."""

    def __init__(self, catalog: Catalog, process: str) -> None:
        self._catalog = catalog
        self._process = process
        self._claims = 0
        self._made: WeakValueDictionary[str, Claim] = WeakValueDictionary()  # by owner, while somebody has it

    async def claim(self, steps: Sequence[Step], insist: bool) -> list[Claim]:
        """Claim all steps in one create-only write, and say of each what to make of it.

        Raises Refused when Port refuses an intent for another reason than that it exists.
        """
        # Known before they stand: whoever finds one of them waits for us.
        fresh = [Claim(step, "mine", self._next_owner(), intended_at=now()) for step in steps]
        self._made.update({claim.owner: claim for claim in fresh})
        outcomes = await self._catalog.create_intents(steps, [claim.owner for claim in fresh])
        for outcome in outcomes:
            if not outcome.created and not outcome.exists:
                raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)
        return list(
            await asyncio.gather(
                *(
                    self.existing(claim, insist=insist, created=outcome.created)
                    for claim, outcome in zip(fresh, outcomes, strict=True)
                )
            )
        )

    async def existing(self, fresh: Claim, *, insist: bool = False, created: bool = False) -> Claim:
        """What to make of an intent that was there before; `fresh` itself where it is ours after all."""
        if created:
            return fresh
        step, owner = fresh.step, fresh.owner
        # GET by identifier: Port's search lags, this does not.
        held = await self._catalog.communication(step.key)
        if held is None:
            raise Refused("port", "entities.get", "404", f"{step.key} exists and can't be read; try again")
        if held.owner == owner:  # our own write, whose answer was lost and which was repeated
            return fresh
        verdict = VERDICTS.get(held.state, "again")
        return Claim(
            # What ended without an effect is done as it is wanted now; what may stand was done as it was.
            step if verdict == "again" else held.step,
            verdict,
            owner,
            receipt=held.receipt,
            reason=held.reason,
            intended_at=held.intended_at,
            last_owner=held.owner,
            insist=insist,
            attempts=held.attempts,
        )

    def claim_of(self, held: Communication, by: str) -> Claim:
        """A claim on something that stands on the record and that a person wants sent now.

        His word also sends what is unknown: he has looked, and takes it upon himself.
        """
        step = held.step.model_copy(update={"requested_by": by or held.step.requested_by})
        return Claim(
            step,
            "again",
            self._next_owner(),
            intended_at=held.intended_at,
            last_owner=held.owner,
            insist=True,
            attempts=held.attempts,
        )

    def fresh(self, step: Step) -> Claim:
        """A claim of ours that stands nowhere yet."""
        return Claim(step, "mine", self._next_owner())

    async def after_you(self, claim: Claim, busy: KeyedLocks) -> None:
        """Wait for another task of ours that has made this intent and not come to it yet.

        `busy` holds the keys that somebody is at. Nobody waits for a task that has let go of its claim, nor
        for ever.
        """
        until = time.monotonic() + SLOWEST_TURN_SECONDS
        while claim.verdict == "recover" and claim.step.key not in busy and time.monotonic() < until:
            other = self._made.get(claim.last_owner)
            if other is None or other.verdict != "mine" or other.outcomes:
                return
            del other
            await asyncio.sleep(_TURN_SECONDS)

    def _next_owner(self) -> str:
        self._claims += 1
        return f"{self._process}/{self._claims}"
