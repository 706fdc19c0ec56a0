"""Intend, effect, receipt, reconcile: the only place that acts on the outside (docs/guarantees.md).

Plan      the caller computes steps, each under a key that says what it is about (`plan`).
Intend    one create-only write of all steps: the only compare-and-set that Port offers.
Effect    with a marker the provider gives back.
Receipt   `sent` with the provider's ids, or `failed` with the reason.

Who finds an intent that is not his makes sure the owner is gone, takes over by an attempt entity that
only one can create, waits until nothing can be on its way any more, reads the provider for the marker
twice, and only then does what is truly missing. What stays open is `unknown` and is never sent again
by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from loguru import logger

from integration.catalog import Catalog
from integration.claim import Claim
from integration.effects import Effect
from integration.entities import text_hash
from integration.errors import (
    Ambiguous,
    BadInput,
    CredentialsRefused,
    IncidentCommsError,
    RateLimited,
    Refused,
    Unreachable,
)
from integration.intents import Intents
from integration.locks import KeyedLocks
from integration.models.base import Json
from integration.models.communication import Communication, Operation, Receipt, Step
from integration.outcomes import Outcomes, wanted
from integration.peers import Alone, Peers
from integration.switch import Switch
from integration.takeover import TakeOvers
from integration.times import now

MAX_ATTEMPTS = 3

Undone = Literal["withdrawn", "superseded", "failed"]
"""How an intent ends that is not done: nobody wants it, something has overtaken it, it could not be done."""

SIDE_BY_SIDE: Mapping[Operation, int] = {"send_email": 5, "post_message": 20}
"""How many of an operation are under way at once; the others wait where the pause switch still holds them."""


class Held(IncidentCommsError):
    """Kept back by the pause switch; it goes out on a person's word only."""


class StillUnknown(IncidentCommsError):
    """An effect of which nobody can say whether it happened: a person decides."""


class _Succeeded(IncidentCommsError):
    """Somebody else has taken over what we were about to do."""


class Performer:
    """Carries steps out once. One instance a process; `process` names it among all that ever ran."""

    def __init__(
        self,
        catalog: Catalog,
        effects: Mapping[Operation, Effect],
        *,
        process: str,
        effect_timeout: float,
        settle: float,
        peers: Peers | None = None,
        on_outcome: Callable[[Mapping[str, Json]], None] | None = None,
    ) -> None:
        """`on_outcome` is told what was just written of communications, by identifier."""
        self._catalog = catalog
        self._effects = effects
        self._intents = Intents(catalog, process)
        self._outcomes = Outcomes(catalog, on_outcome)
        self._take_overs = TakeOvers(
            catalog, peers or Alone(), process, effect_timeout=effect_timeout, settle=settle
        )
        self._settle = settle
        self._busy = KeyedLocks()
        self._slots = {operation: asyncio.Semaphore(SIDE_BY_SIDE.get(operation, 10)) for operation in effects}
        self._switch = Switch(catalog)

    # Intend

    async def intend(self, steps: Sequence[Step], *, insist: bool = False) -> list[Claim]:
        """Claim all steps in one create-only write, and say of each what to make of it.

        `insist`: a person asks, so what is unknown and can be read back is looked for and then done.

        Raises Refused when Port refuses an intent for another reason than that it exists.
        """
        claims, _ = await asyncio.gather(self._intents.claim(steps, insist), self._switch.why())
        return claims

    def claim_of(self, held: Communication, by: str) -> Claim:
        """A claim on something that stands on the record and that a person wants sent now."""
        return self._intents.claim_of(held, by)

    async def reconcile(
        self,
        intent: Communication,
        reason: str = "overtaken: the run that wanted it has ended",
        state: Undone = "failed",
    ) -> None:
        """Settle an intent whose run has ended: find what became of it, and never do it now.

        Nobody wants it by itself any more; a person can still send it.
        """
        claim = await self._intents.existing(self._intents.fresh(intent.step))
        try:
            await self.abandon([claim], reason, state)
        except IncidentCommsError as problem:
            logger.warning(f"{intent.step.key}: {problem}")
        await self.flush()

    async def abandon(
        self,
        claims: Sequence[Claim],
        reason: str,
        state: Undone = "withdrawn",
        *,
        cannot_have_happened: bool = False,
    ) -> None:
        """End intents that the present state does not want.

        What an earlier owner may have done is looked for first, unless the facts rule it out: a claim that
        is done afterwards was sent.
        """
        await asyncio.gather(*(self._abandon(claim, reason, state, cannot_have_happened) for claim in claims))

    async def _abandon(
        self,
        claim: Claim,
        reason: str,
        state: Undone,
        cannot_have_happened: bool,
    ) -> None:
        await self._intents.after_you(claim, self._busy)
        async with self._busy.holding(claim.step.key):
            if claim.verdict != "mine":
                await self._refresh(claim)
            if claim.verdict == "recover":
                effect = self._effects.get(claim.step.operation)
                if effect is None:
                    raise self._no_service(claim)
                if not await self._take_over(claim):
                    return
                impossible = cannot_have_happened or effect.repeatable(claim.step)
                if not impossible and await self._find_earlier(effect, claim):
                    return
                claim.verdict = "mine"
            if claim.verdict == "mine":
                self._outcome(claim, {"state": state, "reason": reason})

    # Effect

    async def perform(
        self, claim: Claim, *, cannot_have_happened: bool = False, instead: Step | None = None
    ) -> Receipt:
        """Make sure the step's effect exists exactly once, and return its receipt.

        `cannot_have_happened` spares the look-up where the facts rule an earlier effect out: no message
        stands in a channel that was created a moment ago. `instead` is what is done where another run's
        step under the same key has left nothing: these words are wanted now, and these are approved.

        Raises Refused or Unreachable (recorded as failed), Held, StillUnknown (recorded as unknown).
        """
        key = claim.step.key
        await self._intents.after_you(claim, self._busy)
        contended = key in self._busy
        async with self._busy.holding(key):
            if (contended or claim.verdict != "mine") and not claim.done:
                await self._refresh(claim)
            return await self._perform(claim, cannot_have_happened, instead)

    async def _refresh(self, claim: Claim) -> None:
        """See how it stands now: since the claim was made, another task may have been at the same step."""
        await self.flush()
        held = await self._catalog.communication(claim.step.key)
        if held is not None:
            claim.see(held)

    async def _perform(self, claim: Claim, cannot_have_happened: bool, instead: Step | None) -> Receipt:
        if claim.verdict == "sent" and claim.receipt is not None:
            return claim.receipt
        effect = self._effects.get(claim.step.operation)
        if effect is None:
            raise self._no_service(claim)
        if claim.verdict == "unknown" and not (claim.insist and effect.readable):
            found = await effect.find(claim.step, self._intended(claim)) if effect.readable else None
            return self._found_or_unknown(claim, found)
        if claim.verdict != "mine":
            if not await self._take_over(claim):
                return await self._perform(claim, cannot_have_happened, instead)
            if not cannot_have_happened and not effect.repeatable(claim.step):
                found = await self._find_earlier(effect, claim)
                if found is not None:
                    return found
            claim.verdict = "mine"
            if instead is not None and instead.run != claim.step.run:
                claim.step = instead
                await self._catalog.merge_communications({instead.key: wanted(instead)})
        try:
            async with self._slots[claim.step.operation]:
                return await self._act(effect, claim)
        except _Succeeded:
            return await self._perform(claim, False, instead)

    async def _find_earlier(self, effect: Effect, claim: Claim) -> Receipt | None:
        """What an earlier attempt has left. None: nothing, as far as anybody can tell.

        Raises StillUnknown (recorded) where the provider can't be asked.
        """
        if not effect.readable:
            if claim.verdict == "again":
                return None
            raise self._unknown(claim, "the process ended while it was being sent")
        try:
            if claim.verdict == "again":
                # It ended without an effect, as far as was known then.
                found = await effect.find(claim.step, self._intended(claim))
            else:
                quiet = self._take_overs.quiet_from(claim) if claim.verdict == "recover" else time.monotonic()
                found = await self._look(effect, claim, quiet)
        except (RateLimited, CredentialsRefused):
            raise
        except Refused as refusal:
            if claim.verdict == "again":
                return None  # what can't be read now will refuse the act as well, and say why
            raise self._unknown(
                claim, f"it may have been sent, and can't be read any more: {refusal}"
            ) from refusal
        return self._outcomes.sent(claim, found) if found is not None else None

    async def paused(self) -> str:
        """Why everything outgoing is held back, or an empty string."""
        return await self._switch.why()

    async def _act(self, effect: Effect, claim: Claim) -> Receipt:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            if await self._take_overs.succeeded(claim):
                raise _Succeeded(claim.step.key)
            paused = await self._switch.why()
            if paused:
                reason = f"all communication is paused: {paused}"
                self._outcome(claim, {"state": "held", "reason": reason})
                raise Held(f"{claim.step.purpose}: held back, {reason}")
            try:
                receipt = await effect.act(claim.step)
                claim.acted = True
                return self._outcomes.sent(claim, receipt)
            except Unreachable as problem:
                if attempt == MAX_ATTEMPTS:
                    self._failed(claim, problem)
                    raise
                await asyncio.sleep(0.5 * 2**attempt)
            except Ambiguous as problem:
                if not effect.readable:
                    raise self._unknown(claim, str(problem)) from problem
                logger.warning(f"{claim.step.key}: {problem}; reading the provider before anything else")
                # Ours again once it is known how it stands; until then it may have happened.
                claim.verdict, claim.last_owner = "recover", claim.owner
                found = await self._look(effect, claim, time.monotonic() + self._settle)
                claim.verdict = "mine"
                if found is not None:
                    return self._outcomes.sent(claim, found)
                if attempt == MAX_ATTEMPTS:
                    self._failed(claim, problem, "; it was looked for each time and not found")
                    raise
            except IncidentCommsError as problem:
                self._failed(claim, problem)
                raise
        raise AssertionError("every attempt returns or raises")

    async def _take_over(self, claim: Claim) -> bool:
        """Become the only one that goes on with this intent; False when another has settled it meanwhile."""
        if not await self._take_overs.take_over(claim):
            return False
        change: Json = {"attempts": claim.attempts}
        if claim.verdict != "recover":
            change |= {"state": "sending", "owner": claim.owner, "reason": "", **wanted(claim.step)}
        await self._catalog.merge_communications({claim.step.key: change})
        return True

    async def _look(self, effect: Effect, claim: Claim, quiet_from: float) -> Receipt | None:
        """Read the provider for the marker, twice: what was just done may not be shown at once."""
        await asyncio.sleep(max(0.0, quiet_from - time.monotonic()))
        found = await effect.find(claim.step, self._intended(claim))
        if found is None:
            await asyncio.sleep(self._settle)
            found = await effect.find(claim.step, self._intended(claim))
        return found

    @staticmethod
    def _intended(claim: Claim) -> datetime:
        return claim.intended_at or now() - timedelta(hours=1)

    # Receipt

    def _found_or_unknown(self, claim: Claim, found: Receipt | None) -> Receipt:
        if found is None:
            raise StillUnknown(
                f"{claim.step.purpose}: {claim.reason or 'nobody could tell whether it was sent'}"
            )
        return self._outcomes.sent(claim, found)

    def _no_service(self, claim: Claim) -> BadInput:
        """The settings name no service for this operation; nothing was sent."""
        problem = BadInput(claim.step.operation, "no service is configured for it; see the settings")
        if claim.verdict == "mine":
            self._outcome(claim, {"state": "failed", "reason": str(problem)})
        return problem

    def _unknown(self, claim: Claim, reason: str) -> StillUnknown:
        claim.verdict, claim.reason = "unknown", reason
        self._outcome(claim, {"state": "unknown", "reason": reason})
        return StillUnknown(f"{claim.step.purpose} to {claim.step.destination}: {reason}")

    def _failed(self, claim: Claim, problem: IncidentCommsError, more: str = "") -> None:
        self._outcome(claim, {"state": "failed", "reason": f"{problem}{more}"})

    def hold(self, claim: Claim, reason: str) -> None:
        """Keep back what nobody has begun to send; `reason` says until when."""
        if claim.verdict == "mine":
            claim.verdict = "again"
            self._outcome(claim, {"state": "held", "reason": reason})

    def supersede(self, held: Communication, reason: str) -> None:
        """End what was held back and is wanted no more."""
        if held.state == "held":
            self._outcome(self.claim_of(held, ""), {"state": "superseded", "reason": reason})

    def reworded(self, claim: Claim, text: str) -> None:
        """What was sent says something else now: we have changed it at the provider."""
        claim.set(text=text)
        self._outcome(claim, {"state": "sent", "text": text, "textHash": text_hash(text)})

    def relate(self, claims: Sequence[Claim], war_room: str, team: str = "") -> None:
        """Relate communications to their war room, once that entity exists; `team` may read them."""
        for claim in claims:
            self._outcome(claim, {"warRoom": war_room, "team": team or None})

    def _outcome(self, claim: Claim, properties: Json) -> None:
        self._outcomes.add(claim, properties)

    async def flush(self) -> None:
        """Wait until every outcome so far stands in Port. Raises ServiceError when Port refuses them."""
        await self._outcomes.flush()
