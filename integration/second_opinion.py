"""Port AI as a second opinion on what the rules have noted: later, in batches, and only where it is wanted.

Nobody waits for it. A note stands at once by the rules; the model's word changes it when it comes. Where
there is none (no quota, no agent, no answer in time, an answer that does not fit) the note stays as it is,
its `how` says `rules`, and the war room says why. Rooms of private incidents are never shown to it: Port
keeps what agents are asked, readable by whoever reads its invocations.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from loguru import logger

from integration.errors import BadInput, IncidentCommsError, ServiceError
from integration.model_notes import Asked, Verdict, batch, question, repair, verdicts
from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.services.port_ai import PortAi

GATHER_SECONDS = 8.0  # what is said within this time is one question: there are few in a month
ANSWER_SECONDS = 20.0  # for a question, its repair included
QUOTA_KEPT = 5  # questions of the month that are left to people
MOST_WAITING = 400  # of one room; what is beyond keeps the rules' word
BACK_OFF_SECONDS = (60.0, 300.0, 900.0)
LONGEST_PAUSE = 6 * 3600.0
BY_MODEL, BY_RULES = "model", "rules"

Judged = Callable[[WarRoom, dict[str, Verdict]], None]
"""Takes what the model says of a room's messages, by ts."""

Tell = Callable[[str, str], Awaitable[None]]
"""Writes on a war room (its identifier) who takes its notes."""


class SecondOpinion:
    """Asks one question at a time."""

    def __init__(self, ai: PortAi, agent: str, tell: Tell) -> None:
        self._ai, self._agent, self._tell = ai, agent, tell
        self.judged: Judged = lambda room, found: None
        self._waiting: dict[str, deque[Asked]] = {}
        self._rooms: dict[str, WarRoom] = {}
        self._told: dict[str, str] = {}
        self._working: asyncio.Task[None] | None = None
        self._pause_until = 0.0
        self._pause_reason = ""
        self._failures = 0

    async def aclose(self) -> None:
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
        await self._ai.aclose()

    def consider(self, room: WarRoom, notes: Iterable[Json]) -> None:
        """Have the model judge those of these note entities that the rules decided. Returns at once."""
        if room.private:
            return
        asked = [one for note in notes if (one := _asked(note)) is not None]
        if not asked:
            return
        self._rooms[room.identifier] = room
        waiting = self._waiting.setdefault(room.identifier, deque(maxlen=MOST_WAITING))
        news = {one.ts for one in asked}
        kept = [one for one in waiting if one.ts not in news]
        waiting.clear()
        waiting.extend([*kept, *asked])
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while any(self._waiting.values()):
            await asyncio.sleep(GATHER_SECONDS)
            identifier = next(name for name, waiting in self._waiting.items() if waiting)
            waiting = self._waiting[identifier]
            asked = batch(list(waiting))
            for _ in asked:
                waiting.popleft()
            if not waiting:
                # Turn by turn: a busy room does not keep the others waiting.
                del self._waiting[identifier]
            else:
                self._waiting[identifier] = self._waiting.pop(identifier)
            reason = await self._ask(identifier, asked)
            await self._say(identifier, f"{BY_RULES} (Port AI: {reason})" if reason else BY_MODEL)

    async def _ask(self, identifier: str, asked: list[Asked]) -> str:
        """Ask and hand on what comes; why nothing came, or an empty string."""
        if time.monotonic() < self._pause_until:
            return self._pause_reason
        try:
            quota = await self._ai.quota()
            if quota.remaining <= QUOTA_KEPT:
                self._pause(min(quota.seconds, LONGEST_PAUSE), "this month's quota is used up")
                return self._pause_reason
            found = await self._answered(identifier, asked)
        except BadInput as problem:
            logger.warning(f"port ai: {problem}")
            return "its answer could not be used"
        except ServiceError as problem:
            logger.warning(f"port ai: {problem}")
            seconds = BACK_OFF_SECONDS[min(self._failures, len(BACK_OFF_SECONDS) - 1)]
            self._failures += 1
            self._pause(seconds, "it did not answer")
            return self._pause_reason
        self._failures = 0
        self.judged(self._rooms[identifier], found)
        return ""

    async def _answered(self, identifier: str, asked: list[Asked]) -> dict[str, Verdict]:
        """The verdicts; where the answer does not fit, the question is put once more with the reason."""
        deadline = time.monotonic() + ANSWER_SECONDS
        labels = {"source": "incident-comms", "room": identifier}
        code = secrets.token_hex(8)
        said = await self._ai.ask(self._agent, question(asked, code), labels, ANSWER_SECONDS)
        try:
            return verdicts(asked, said)
        except BadInput as problem:
            left = deadline - time.monotonic()
            if left <= 1.0:
                raise
            again = repair(asked, code, problem.problem)
        return verdicts(asked, await self._ai.ask(self._agent, again, labels, left))

    def _pause(self, seconds: float, reason: str) -> None:
        self._pause_until = time.monotonic() + seconds
        self._pause_reason = reason

    async def _say(self, identifier: str, who: str) -> None:
        if self._told.get(identifier) == who:
            return
        try:
            await self._tell(identifier, who)
            self._told[identifier] = who
        except IncidentCommsError as problem:
            logger.warning(f"port ai: who takes the notes of {identifier} is not written: {problem}")


def _asked(note: Json) -> Asked | None:
    properties = note["properties"]
    if properties.get("how") != BY_RULES or properties.get("deletedAt") or not properties.get("ts"):
        return None
    return Asked(
        ts=properties["ts"],
        author=str(properties.get("author") or ""),
        thread=str(properties.get("thread") or ""),
        text=str(properties.get("text") or ""),
        kind=properties["kind"],
        confidence=float(properties.get("confidence") or 0.0),
    )
