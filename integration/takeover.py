"""Who goes on with an intent that somebody else has left, or seems to have left.

Each take-over is an attempt entity that only one can create. Whoever finds that another has it, and that
he is alive, waits for what he comes to. Whoever was slow makes sure that he has not been succeeded before
he acts. Whether a process is alive is a hint (`peers`); the attempts decide.
"""

from __future__ import annotations

import asyncio
import time

from loguru import logger

from integration.catalog import Catalog
from integration.claim import Claim
from integration.errors import Refused
from integration.models.communication import Communication
from integration.peers import Peers, process_of
from integration.times import now

SLOWEST_TURN_SECONDS = 60.0  # what a call may wait for a provider's rate limit
_TRIES = 3  # of an effect by its owner
_LOOK_SECONDS = 0.5  # between two looks at the record


class TakeOvers:
    """One instance a process; `process` names it among all that ever ran."""

    def __init__(
        self, catalog: Catalog, peers: Peers, process: str, *, effect_timeout: float, settle: float
    ) -> None:
        self._catalog = catalog
        self._peers = peers
        self._process = process
        self._started = time.monotonic()
        self._effect_timeout = effect_timeout
        self._quiet = effect_timeout + settle
        # As long as a live owner may take for one effect; one that has let go of it is waited for in vain.
        self._patience = _TRIES * (effect_timeout + 2 * settle) + SLOWEST_TURN_SECONDS

    async def take_over(self, claim: Claim) -> bool:
        """Become the only one that goes on with this intent.

        False: who has it has settled it meanwhile, and the claim says how.
        """
        key = claim.step.key
        number, holder, rival = claim.attempts, claim.last_owner, False
        if number and not self._peers.alone:
            holder = await self._catalog.attempt_owner(key, number) or holder
        while not await self._settled(claim, holder, rival):
            taken_by = await self._catalog.create_attempt(key, number + 1, claim.owner, claim.step.team)
            number += 1
            if taken_by == claim.owner:
                logger.info(f"{key}: taken over from {holder or 'an earlier run'} (attempt {number})")
                claim.attempts, claim.since = number, time.monotonic()
                return True
            if not taken_by:
                raise Refused(
                    "port", "entities.get", "404", f"{key}: attempt {number} can't be read; try again"
                )
            holder, rival = taken_by, True
        return False

    async def _settled(self, claim: Claim, holder: str, rival: bool) -> bool:
        """Wait for `holder` while he may be at work; whether it has an outcome that is news to the claim.

        `rival`: he was quicker than we just now, or it is the trace of one who died. A lone process waits
        for nobody else, except for one who is there by mistake.
        """
        process = process_of(holder)
        if process == self._process or (claim.verdict != "recover" and _same(holder, claim.last_owner)):
            return False  # one of us, who has let go of it; or its outcome is the one that we know
        alone = self._peers.alone
        if alone and not rival and self._intended(claim) < self._started:
            return False
        until = time.monotonic() + (self._quiet if alone else self._patience)
        told = False
        while True:
            at_work = time.monotonic() < until and (alone or await self._peers.alive(process))
            held = await self._catalog.communication(claim.step.key)
            if held is not None and _is_news(held, claim):
                claim.see(held)
                return True
            if not at_work:
                return False
            if not told:
                logger.info(
                    f"{claim.step.key}: another process is at it ({holder}); waiting for what it comes to"
                )
                told = True
            await asyncio.sleep(_LOOK_SECONDS)

    async def succeeded(self, claim: Claim) -> bool:
        """Whether somebody has taken over from us, who were slow or out of reach. Look before acting."""
        late = time.monotonic() - claim.since > self._effect_timeout
        if not late and self._peers.sure():
            return False
        looked = time.monotonic()
        successor = await self._catalog.attempt_owner(claim.step.key, claim.attempts + 1)
        if not successor:
            claim.since = looked
            return False
        logger.warning(f"{claim.step.key}: {successor} has taken over from us meanwhile")
        claim.verdict, claim.last_owner = "recover", successor
        return True

    def quiet_from(self, claim: Claim) -> float:
        """Monotonic time from which nothing of the earlier owner can still be on its way."""
        if process_of(claim.last_owner) == self._process:
            return time.monotonic() + self._quiet
        if not self._peers.alone:
            # He may have looked just before we took over, found himself the owner, and acted.
            return claim.since + self._quiet
        return max(self._started, self._intended(claim)) + self._quiet

    def _intended(self, claim: Claim) -> float:
        """Monotonic time of the intent. One that is younger than we are is of a process that overlaps with
        us by mistake: a lone process is replaced, and whoever was there before it is gone."""
        if claim.intended_at is None:
            return self._started
        return time.monotonic() - max(0.0, (now() - claim.intended_at).total_seconds())


def _is_news(held: Communication, claim: Claim) -> bool:
    """Whether it has an outcome, and not the one that the claim was made upon."""
    return held.state != "sending" and (claim.verdict == "recover" or held.owner != claim.last_owner)


def _same(one: str, other: str) -> bool:
    """Whether two owners are the same attempt; later outcomes of one are told apart by a suffix."""
    return one.partition(".")[0] == other.partition(".")[0]
