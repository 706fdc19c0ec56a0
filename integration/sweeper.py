"""Finds what was left unfinished and drives it through the same handlers.

A crash strands a run: nobody redelivers it. At start and then on schedule the sweeper lists our active
runs and our intents without an outcome, and hands each to the handler again, which computes from the
present state what is still missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from loguru import logger

from integration.catalog import Catalog
from integration.command import command_of_run
from integration.errors import IncidentCommsError, Refused, ServiceError
from integration.mirror import Mirror
from integration.models.base import Json
from integration.models.communication import Communication
from integration.models.incident import WarRoom
from integration.models.run import Command
from integration.peers import Alone, Peers
from integration.runner import Runner
from integration.services.port import PortService
from integration.times import now, when

LOOK_BACK_SECONDS = 10.0  # from the start: Port's search does not show at once what was written before it
FRESH_SECONDS = 20.0  # a younger run may still be on its way to us through its door
START_RETRY_SECONDS = 5.0

PURPOSE_ACTION: Mapping[str, str] = {
    "channel": "open_war_room",
    "bridge": "open_war_room",
    "briefing": "open_war_room",
}
"""Which handler takes up an intent that only makes sense as a part of a whole. Of the others whose run has
ended it is only found out what became of them."""


class Sweeper:
    """`run` never ends; `sweep` is one round.

    `port_actions` maps the identifiers of actions and automations in Port to our action names;
    `tend` does what time asks for in one room (archive after the quiet hours); `reconcile` finds out what
    became of an intent that nobody wants done any more; `link` links outcomes that nobody linked;
    `promises` settles what audiences were promised and tells what was held back for a while;
    `waiting` shows what runs that wait for approval would do (action and run) and ends what was shown of
    others;
    `poll` looks for what was changed by hand on the status page, `calls` for calls that have begun or ended
    in rooms in use; `missed` takes up what Port's automations asked for while nobody was there (incidents
    last changed before a time, without those under way).
    """

    def __init__(
        self,
        port: PortService,
        catalog: Catalog,
        runner: Runner,
        mirror: Mirror,
        *,
        port_actions: Mapping[str, str],
        tend: Callable[[WarRoom], Awaitable[None]],
        reconcile: Callable[[Communication], Coroutine[Any, Any, None]],
        poll: Callable[[], Coroutine[Any, Any, None]] | None,
        link: Callable[[bool], Coroutine[Any, Any, None]],
        missed: Callable[[datetime, Collection[str]], Coroutine[Any, Any, None]],
        interval: float,
        peers: Peers | None = None,
        promises: Callable[[], Coroutine[Any, Any, None]] | None = None,
        calls: Callable[[Sequence[WarRoom]], Coroutine[Any, Any, None]] | None = None,
        waiting: Callable[[Sequence[tuple[str, Json]]], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self._port = port
        self._catalog = catalog
        self._runner = runner
        self._mirror = mirror
        self._port_actions = port_actions
        self._tend = tend
        self._reconcile = reconcile
        self._beside: dict[str, asyncio.Task[None]] = {}
        self._poll = poll
        self._promises = promises
        self._calls = calls
        self._waiting = waiting
        self._waiting_runs: list[tuple[str, Json]] = []  # of the last round
        self._link = link
        self._missed = missed
        self._started = now()
        self._looks_back = 0
        self._under_way: set[str] = set()  # incidents that a run is about which has not ended
        self._interval = interval
        self._peers = peers or Alone()
        self._hurried = asyncio.Event()

    def soon(self) -> None:
        """Do a round at once: another process is gone, and may have left something."""
        self._hurried.set()

    async def run(self) -> None:
        first = True
        while True:
            try:
                await self.sweep(first=first)
                first = False
            except ServiceError as problem:
                logger.warning(f"sweeper: {problem}; trying again")
            except Exception:
                logger.exception("sweeper: unexpected failure; trying again")
            await self._pause(min(START_RETRY_SECONDS, self._interval) if first else self._interval)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._hurried.wait(), seconds)
        except TimeoutError:
            return

    async def sweep(self, *, first: bool = False) -> None:
        """One round. On the first one after a start, whatever is unfinished was cut off with its process."""
        at_once = first or self._hurried.is_set()
        self._hurried.clear()
        # Somebody waits for a run; the rest can wait for each other.
        taken = await self._runs(at_once=at_once)
        if self._waiting is not None:
            self._go_on("runs that wait", self._waiting(self._waiting_runs))
        await self._intents(taken, at_once=at_once)
        await self._rooms(read=first)
        if self._looks_back < 2 or (now() - self._started).total_seconds() < LOOK_BACK_SECONDS:
            self._looks_back += 1
            self._go_on("what was missed", self._missed(self._started, self._under_way))
        self._go_on("links", self._link(first))
        if self._poll is not None:
            self._go_on("status page", self._poll())
        self._go_on("promises and notices", self.promises_and_notices())

    async def promises_and_notices(self) -> None:
        """What time asks for towards audiences, computed from the record."""
        if self._promises is not None:
            await self._promises()

    def _go_on(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        """Work beside the sweep, one at a time of each: it may wait for a minute, and runs can't."""
        running = self._beside.get(what)
        if running is not None and not running.done():
            work.close()
            return
        self._beside[what] = asyncio.create_task(_safely(what, work))

    async def resync(self) -> None:
        """Read every room again that can be read, and look for what was missed: what a scheduled resync
        does for our own entities."""
        await self._rooms(read=True)
        before = now() - timedelta(seconds=FRESH_SECONDS)
        self._go_on("what was missed", self._missed(before, self._under_way))

    async def _rooms(self, read: bool) -> None:
        rooms = await self._catalog.rooms_in_use()
        for room in sorted(rooms, key=_activity, reverse=True):
            self._mirror.watch(room, read=read, found=True)
        if self._calls is not None:
            self._go_on("calls", self._calls(rooms))
        for room in rooms:
            await _safely(f"#{room.channel_name}", self._tend(room))

    async def _runs(self, at_once: bool) -> set[str]:
        """Hand over the runs that nobody works on; the incidents they are about."""
        lists = await asyncio.gather(*(self._active(action) for action in self._port_actions))
        taken: set[str] = set()
        self._under_way = set()
        self._waiting_runs = []
        for action, runs in zip(self._port_actions.values(), lists, strict=True):
            for run in sorted(runs, key=lambda run: str(run.get("createdAt"))):
                if run.get("status") == "WAITING_FOR_APPROVAL":
                    self._waiting_runs.append((action, run))
                command = command_of_run(action, run)
                if command is not None:
                    self._under_way.add(command.incident)
                if command is None or not self._is_ours_to_drive(run, at_once):
                    continue
                taken.add(command.incident)
                if await self._peers.run_elsewhere(command.run):
                    continue
                if self._runner.take(command) is not None:
                    logger.info(f"sweeper: took up run {command.run} ({action} for {command.incident})")
        return taken

    async def _active(self, action: str) -> list[Json]:
        """An action's active runs; none of one that Port refuses to list, such as one not provisioned."""
        try:
            return await self._port.active_runs(action)
        except Refused as problem:
            logger.warning(f"sweeper: runs of {action}: {problem}")
            return []

    def _is_ours_to_drive(self, run: Json, at_once: bool) -> bool:
        if run.get("status") != "IN_PROGRESS" or self._runner.in_hand(str(run.get("id"))):
            return False
        payload = run.get("payload") or {}
        if payload.get("type") == "INTEGRATION_ACTION" and run.get("pendingExecution"):
            return False  # not acknowledged by us yet: Ocean claims it
        created = when(run.get("createdAt"))
        return at_once or created is None or (now() - created).total_seconds() >= FRESH_SECONDS

    async def _intents(self, taken: set[str], at_once: bool) -> None:
        """Intents without an outcome whose run is final or gone."""
        seen: set[tuple[str, str]] = set()
        waiting = {str(run.get("id")) for _, run in self._waiting_runs}
        for intent in await self._catalog.unfinished():
            incident = intent.step.incident
            if incident in taken or intent.step.run in waiting or await self._in_hand(intent):
                continue
            if not at_once and (now() - intent.intended_at).total_seconds() < FRESH_SECONDS:
                continue  # its run is on it, or Port's search still shows what was
            action = PURPOSE_ACTION.get(intent.step.purpose)
            if action is None:
                self._go_on(intent.step.key, self._reconcile(intent))
                continue
            if (action, incident) in seen:
                continue
            seen.add((action, incident))
            command = Command(
                action=action,
                run="",
                incident=incident,
                requested_by=intent.step.requested_by,
                door="sweeper",
            )
            if self._runner.take(command) is not None:
                logger.info(f"sweeper: took up {intent.step.key}, which has no outcome")
        self._beside = {what: task for what, task in self._beside.items() if not task.done()}

    async def _in_hand(self, intent: Communication) -> bool:
        run = intent.step.run
        return bool(run) and (self._runner.in_hand(run) or await self._peers.run_elsewhere(run))


async def _safely(what: str, work: Awaitable[None]) -> None:
    """One part of the sweep; one that fails keeps no other from being done."""
    try:
        await work
    except IncidentCommsError as problem:
        logger.warning(f"sweeper: {what}: {problem}")
    except Exception:
        logger.exception(f"sweeper: {what}: unexpected failure")


def _activity(room: WarRoom) -> float:
    last = room.last_activity_at or room.opened_at
    return last.timestamp() if last else 0.0


def actions_of(names: Sequence[str], definitions: Sequence[Json]) -> dict[str, str]:
    """Identifiers in Port (buttons and automations) by which our actions are known, to action names."""
    found: dict[str, str] = {}
    for definition in definitions:
        if definition["action"] in names:
            if "button" in definition:
                found[definition["button"]["identifier"]] = definition["action"]
            found.update((one["identifier"], definition["action"]) for one in definition["automations"])
    return found


def automations_of(definitions: Sequence[Json]) -> dict[str, str]:
    """Identifiers in Port of our automations alone, to action names."""
    return {
        one["identifier"]: definition["action"]
        for definition in definitions
        for one in definition["automations"]
    }
