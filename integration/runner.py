"""Runs: from a command to a final report in Port, whichever door the command came through.

Ocean acknowledges a run before it executes it and never redelivers; an answered webhook is no different.
So a run that is cut off stays IN_PROGRESS, and the sweeper hands it to `take` again.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Mapping

from loguru import logger

from integration.errors import BadInput, IncidentCommsError, Refused, ServiceError
from integration.models.run import Command, Outcome
from integration.peers import Alone, Peers
from integration.services.port import PortService

Handler = Callable[[Command], Awaitable[Outcome]]

REPORT_RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
SUMMARY_LIMIT = 2000


class Runner:
    """Carries out commands, each run once at a time, and reports until Port says the run is final."""

    def __init__(
        self,
        port: PortService,
        handlers: Mapping[str, Handler],
        peers: Peers | None = None,
        tell: Callable[[Command, Outcome], Awaitable[None]] | None = None,
    ) -> None:
        """`tell` hears of every run that was reported; what it raises is its own affair."""
        self._port = port
        self._peers = peers or Alone()
        self._tell = tell
        self._handlers = handlers
        self._running: dict[str, asyncio.Task[Outcome]] = {}
        self._closing = False

    @property
    def actions(self) -> frozenset[str]:
        return frozenset(self._handlers)

    def in_hand(self, run: str) -> bool:
        return run in self._running

    @property
    def accepting(self) -> bool:
        return not self._closing

    def take(self, command: Command) -> asyncio.Task[Outcome] | None:
        """Start on a command in the background; None when that run is in hand already.

        Raises BadInput for an unknown action. After `drain` nothing is taken: the sweeper of the next
        process finds the run.
        """
        if command.action not in self._handlers:
            known = ", ".join(sorted(self._handlers))
            raise BadInput("action", f"unknown action {command.action!r}; known: {known}")
        key = command.run or f"{command.action}:{command.incident}"
        if self._closing or key in self._running:
            return None
        # A context of its own: Ocean's event contexts refuse to be nested.
        task = asyncio.create_task(self._run(command), context=contextvars.Context())
        self._running[key] = task
        task.add_done_callback(lambda _: self._running.pop(key, None))
        return task

    async def _run(self, command: Command) -> Outcome:
        if not command.run:
            return await self._outcome(command)
        if not await self._peers.claim_run(command.run):
            # Should it die with its process, the sweeper takes it up.
            logger.info(f"run {command.run} is in the hand of another process")
            return Outcome(summary="Another process has this run in hand.")
        try:
            outcome = await self._outcome(command)
            await self._report(command, outcome)
        finally:
            self._peers.drop_run(command.run)
        if self._tell is not None:
            await self._tell(command, outcome)
        return outcome

    async def _outcome(self, command: Command) -> Outcome:
        about = f"{command.action} for {command.incident or 'no incident'} (run {command.run or 'none'})"
        try:
            outcome = await self._handlers[command.action](command)
        except BadInput as problem:
            return Outcome(ok=False, summary=f"Refused: {problem}", label="Bad input")
        except IncidentCommsError as problem:
            logger.warning(f"{about} failed: {problem}")
            return Outcome(ok=False, summary=str(problem), label="Failed")
        except Exception:
            # The stack goes to our log, not to the run: it may hold what the run's readers may not see.
            logger.exception(f"{about} failed unexpectedly")
            summary = "An unexpected error; nothing already done is lost. The integration's log tells more."
            return Outcome(ok=False, summary=summary, label="Failed")
        logger.info(f"{about}: {outcome.summary}")
        return outcome

    async def _report(self, command: Command, outcome: Outcome) -> None:
        if outcome.log:
            try:
                await self._port.log_run(command.run, "\n".join(outcome.log))
            except ServiceError as problem:
                logger.warning(f"run {command.run}: log not written: {problem}")
        delays = iter(REPORT_RETRY_SECONDS)
        while True:
            try:
                await self._port.finish_run(
                    command.run,
                    ok=outcome.ok,
                    label=outcome.label,
                    summary=outcome.summary[:SUMMARY_LIMIT],
                    links=list(outcome.links),
                )
                return
            except Refused as problem:
                logger.error(f"run {command.run}: Port refuses the report: {problem}")
                return
            except ServiceError as problem:
                delay = next(delays, REPORT_RETRY_SECONDS[-1])
                logger.warning(
                    f"run {command.run}: report not delivered, trying again in {delay:g} s: {problem}"
                )
                await asyncio.sleep(delay)

    async def drain(self, seconds: float) -> None:
        """Take nothing new, give what runs up to `seconds` to finish, leave the rest to the next process."""
        self._closing = True
        running = list(self._running.values())
        if not running:
            return
        _, unfinished = await asyncio.wait(running, timeout=seconds)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        if unfinished:
            logger.warning(f"{len(unfinished)} runs were cut off; the next process takes them up")
