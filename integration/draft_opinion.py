"""Port AI on drafts that stand already: one question for all of an incident's audiences.

Ours are in Port before it is asked, and stay wherever nothing better comes: no quota, no answer in time, an
answer that does not hold. Why is told with each. Of private incidents it is asked nothing: Port keeps what
agents are asked, readable by whoever reads its invocations.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

from loguru import logger

from integration.drafts import Draft
from integration.drafts.proposed import MOST_AUDIENCES, Wanted, answered, fits, proposal, question
from integration.errors import BadInput, ServiceError
from integration.models.base import Value
from integration.second_opinion import ANSWER_SECONDS, BACK_OFF_SECONDS, QUOTA_KEPT
from integration.services.port_ai import PortAi

BY_MODEL, BY_TEMPLATE = "model", "template"

Check = Callable[[Wanted, Draft], list[str]]
"""What keeps a draft from its readers, beside what it rests on."""


class Worded(Value):
    """What came of one draft: a better one, or why ours stands."""

    draft: Draft | None = None
    reason: str = ""

    @property
    def how(self) -> str:
        return BY_MODEL if self.draft else f"{BY_TEMPLATE} (Port AI: {self.reason})"


class DraftOpinion:
    """Asks `agent`; not closed here, the client is shared."""

    def __init__(self, ai: PortAi, agent: str) -> None:
        self._ai, self._agent = ai, agent
        self._pause_until = 0.0
        self._failures = 0

    async def ask(self, incident: str, wanted: Sequence[Wanted], check: Check) -> dict[str, Worded]:
        """What came of each, by audience, within `ANSWER_SECONDS`. Raises nothing."""
        asked = [one for one in wanted if fits(one)][:MOST_AUDIENCES]
        shown = {one.audience.identifier for one in asked}
        found = {
            one.audience.identifier: Worded(reason="nothing new to word, or too much of it")
            for one in wanted
            if one.audience.identifier not in shown
        }
        if not asked:
            return found
        try:
            worded = await self._asked(incident, asked, check)
        except ServiceError as problem:
            logger.warning(f"port ai: drafts for {incident}: {problem}")
            pause = BACK_OFF_SECONDS[min(self._failures, len(BACK_OFF_SECONDS) - 1)]
            self._pause_until = time.monotonic() + pause
            self._failures += 1
            worded = {name: Worded(reason="it did not answer") for name in shown}
        return {**found, **worded}

    async def _asked(self, incident: str, wanted: list[Wanted], check: Check) -> dict[str, Worded]:
        names = [one.audience.identifier for one in wanted]
        if time.monotonic() < self._pause_until:
            return {name: Worded(reason="it did not answer a moment ago") for name in names}
        deadline = time.monotonic() + ANSWER_SECONDS
        if (await self._ai.quota()).remaining <= QUOTA_KEPT:
            return {name: Worded(reason="this month's quota is used up") for name in names}
        labels = {"source": "incident-comms", "incident": incident}
        code = secrets.token_hex(8)
        said = await self._ai.ask(self._agent, question(wanted, code), labels, ANSWER_SECONDS)
        found = _taken(wanted, said, check)
        self._failures = 0
        left = [one for one in wanted if not found[one.audience.identifier].draft]
        seconds = deadline - time.monotonic()
        if not left or seconds <= 1.0:
            return found
        problems = {one.audience.identifier: found[one.audience.identifier].reason for one in left}
        try:
            said = await self._ai.ask(self._agent, question(left, code, problems), labels, seconds)
        except ServiceError as problem:
            logger.warning(f"port ai: drafts for {incident}, once more: {problem}")
            return found
        return {**found, **_taken(left, said, check)}


def _taken(wanted: Sequence[Wanted], answer: str, check: Check) -> dict[str, Worded]:
    """What of an answer is taken, each draft by itself."""
    try:
        said = answered(answer)
    except BadInput as problem:
        return {one.audience.identifier: Worded(reason=problem.problem) for one in wanted}
    found: dict[str, Worded] = {}
    for one in wanted:
        name = one.audience.identifier
        if name not in said:
            found[name] = Worded(reason="its answer leaves this audience out")
            continue
        try:
            draft = proposal(one, said[name], "Port AI")
        except BadInput as problem:
            found[name] = Worded(reason=problem.problem)
            continue
        stopped = check(one, draft)
        found[name] = Worded(reason=stopped[0]) if stopped else Worded(draft=draft)
    return found
