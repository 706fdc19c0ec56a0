"""Outcomes of communications on their way to the record: what comes close together is written in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from loguru import logger

from integration.catalog import Catalog
from integration.claim import Claim
from integration.entities import text_hash
from integration.models.base import Json
from integration.models.communication import Receipt, Step
from integration.record_check import same_words
from integration.times import iso, now

_BATCH_SECONDS = 0.01


class Outcomes:
    """`told` hears what was just written of communications, by identifier."""

    def __init__(self, catalog: Catalog, told: Callable[[Mapping[str, Json]], None] | None) -> None:
        self._catalog = catalog
        self._told = told
        self._waiting: dict[str, Json] = {}
        self._writing: asyncio.Task[None] | None = None

    def add(self, claim: Claim, properties: Json) -> None:
        """Note what became of a claim; it is written in a moment."""
        known = {name: value for name, value in properties.items() if value is not None}
        if "state" in known:
            # Whose outcome it is, also where he took over; the record tells a second one by it.
            claim.outcomes += 1
            known["owner"] = claim.owner if claim.outcomes == 1 else f"{claim.owner}.{claim.outcomes}"
        self._waiting.setdefault(claim.step.key, {}).update(known)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    def sent(self, claim: Claim, receipt: Receipt) -> Receipt:
        """It is done, and this is the receipt."""
        claim.verdict, claim.receipt = "sent", receipt
        if receipt.text and not same_words(receipt.text, claim.step.text):
            claim.set(text=receipt.text)  # what stands there: the plan says it otherwise by now
        step = claim.step
        self.add(
            claim,
            {
                "state": "sent",
                "sentAt": iso(receipt.at or now()),
                "receipt": receipt.data,
                "permalink": receipt.permalink or None,
                "destination": step.destination,
                "text": step.text,
                "textHash": text_hash(step.text),
                "details": step.details,
                "requestedBy": step.requested_by,
                "reason": "",
            },
        )
        return receipt

    async def _write(self) -> None:
        await asyncio.sleep(_BATCH_SECONDS)
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            try:
                refused = await self._catalog.merge_communications(batch)
            except BaseException:
                # Kept: `flush` raises it to the run, and what stays `sending` is reconciled by the sweeper.
                self._waiting = {
                    key: {**batch.get(key, {}), **self._waiting.get(key, {})}
                    for key in {*batch, *self._waiting}
                }
                raise
            for key, problem in refused.items():
                # It stays `sending`, so the sweeper looks for it again.
                logger.error(f"{key}: its outcome is refused by Port: {problem}")
            if self._told is not None:
                self._told({key: said for key, said in batch.items() if key not in refused})

    async def flush(self) -> None:
        """Wait until every outcome so far stands in Port. Raises ServiceError when Port refuses them."""
        while self._waiting or (self._writing is not None and not self._writing.done()):
            if self._writing is None or self._writing.done():
                self._writing = asyncio.create_task(self._write())
            await asyncio.shield(self._writing)


def wanted(step: Step) -> Json:
    """What the record says of a step that is about to be done anew: its words, and who stands for them."""
    return {
        "text": step.text,
        "textHash": text_hash(step.text),
        "destination": step.destination,
        "details": step.details,
        "requestedBy": step.requested_by,
        "approvedBy": step.approved_by,
        "run": step.run,
    }
