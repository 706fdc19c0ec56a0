"""What Port's automations asked for while nobody was there: rooms that were not opened, rooms left open,
changes that nobody was told of.

Port calls once. A call that reaches nobody ends its run as failed, and no later change of the incident
sets the automation off again. So after a start, and on every resync, the present state is looked at: by
the same rules, through the same handlers, and only where the automation is switched on. What a change was
can't be seen any more, but Port keeps what the run would have carried.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from loguru import logger

from integration import plan
from integration.catalog import Catalog
from integration.command import command_of_run
from integration.errors import BadInput
from integration.models.base import Json
from integration.models.incident import Incident
from integration.models.run import AUTOMATION, Command
from integration.runner import Runner
from integration.services.port import PortService
from integration.settings import Settings
from integration.times import now, when

REQUESTED_BY = f"{AUTOMATION}sweeper"
TELLING = "announce_status"
AGAIN_SECONDS = 300.0  # one incident is not tried again sooner


class Missed:
    """`automations`: identifiers of our automations in Port, each with the action that it starts."""

    def __init__(
        self,
        port: PortService,
        catalog: Catalog,
        runner: Runner,
        settings: Settings,
        automations: Mapping[str, str],
    ) -> None:
        self._port = port
        self._catalog = catalog
        self._runner = runner
        self._settings = settings
        self._automations = automations
        self._tried: dict[tuple[str, str], float] = {}

    async def take_up(self, before: datetime, under_way: Collection[str]) -> None:
        """Open, close and tell what was missed of incidents that were last changed before that time.

        What was changed later reaches us by its own run. `under_way`: incidents that a run is about.
        """
        await self._open(before, under_way)
        await self._tell(before)
        await self._close(before, under_way)

    async def _open(self, before: datetime, under_way: Collection[str]) -> None:
        installed = await self._switched_on_since("open_war_room")
        if installed is None:
            return
        oldest = now() - timedelta(hours=self._settings.max_incident_age_hours)
        entities = await self._catalog.incidents_changed_since(max(installed, oldest))
        entities.sort(key=lambda entity: str(entity.get("createdAt")), reverse=True)
        wanting = [
            str(entity["identifier"])
            for entity in entities
            if entity["identifier"] not in under_way and self._wants_room(entity, installed, before)
        ]
        most = self._settings.max_rooms_per_hour
        if len(wanting) > most:
            logger.warning(f"sweeper: {len(wanting)} severe incidents have no room; opening {most} of them")
        for identifier in wanting[:most]:
            # Port's search shows the past.
            entity = await self._catalog.incident_entity(identifier)
            if (
                entity is not None
                and self._wants_room(entity, installed, before)
                and await self._catalog.room(identifier) is None
            ):
                self._take("open_war_room", identifier)

    def _wants_room(self, entity: Json, installed: datetime, before: datetime) -> bool:
        """Whether the automation would have opened a room. What was there before it is left to people."""
        created = when(entity.get("createdAt"))
        if created is None or created < installed or not _changed_before(entity, before):
            return False
        if (entity.get("relations") or {}).get("warRoom"):
            return False
        incident = self._read(entity)
        return incident is not None and plan.why_no_room(incident, self._settings, True, now()) is None

    async def _tell(self, before: datetime) -> None:
        """Changes whose run reached nobody. Their notices have keys of their own, so none is told twice, and
        what is too old by now or was overtaken is shown on the record and not sent."""
        oldest = now() - timedelta(hours=self._settings.max_incident_age_hours)
        for identifier in (name for name, action in self._automations.items() if action == TELLING):
            for run in reversed(await self._port.recent_runs(identifier)):
                created = when(run.get("createdAt"))
                # Whatever we end ourselves has a label.
                unheard = run.get("status") == "FAILURE" and not run.get("statusLabel")
                if created is None or not oldest <= created < before or not unheard:
                    continue
                command = command_of_run(TELLING, run)
                if command is not None and (TELLING, command.run) not in self._tried:
                    self._tried[TELLING, command.run] = time.monotonic()
                    if self._runner.take(command) is not None:
                        logger.info(
                            f"sweeper: nobody was there for {TELLING} of {command.incident}; taken up"
                        )

    async def _close(self, before: datetime, under_way: Collection[str]) -> None:
        if await self._switched_on_since("close_war_room") is None:
            return
        for room in await self._catalog.rooms_in_use():
            if room.state != "open" or room.incident in under_way:
                continue
            entity = await self._catalog.incident_entity(room.incident)
            if entity is None or not _changed_before(entity, before):
                continue
            incident = self._read(entity)
            if incident is not None and plan.is_closed(incident, self._settings):
                self._take("close_war_room", room.incident)

    def _take(self, action: str, incident: str) -> None:
        if time.monotonic() - self._tried.get((action, incident), float("-inf")) < AGAIN_SECONDS:
            return
        self._tried[action, incident] = time.monotonic()
        command = Command(action=action, run="", incident=incident, requested_by=REQUESTED_BY, door="sweeper")
        if self._runner.take(command) is not None:
            logger.info(f"sweeper: nobody was there for {action} of {incident}; taken up")

    async def _switched_on_since(self, action: str) -> datetime | None:
        """Since when Port has an automation for this action; None when it has none or it is switched off."""
        for identifier in (name for name, starts in self._automations.items() if starts == action):
            automation = await self._port.action(identifier)
            if automation is not None and automation.get("publish") is True:
                return when(automation.get("createdAt")) or datetime.min.replace(tzinfo=UTC)
        return None

    def _read(self, entity: Json) -> Incident | None:
        try:
            return self._catalog.reader.read(entity)
        except BadInput as problem:
            logger.warning(f"sweeper: {problem}")
            return None


def _changed_before(entity: Json, at: datetime) -> bool:
    changed = when(entity.get("updatedAt")) or when(entity.get("createdAt"))
    return changed is not None and changed < at
