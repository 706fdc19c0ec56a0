"""What every action handler is given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from actions.quota import Openings
from integration.audience_catalog import AudienceCatalog
from integration.catalog import Catalog
from integration.chain import Chain
from integration.draft_opinion import DraftOpinion
from integration.errors import BadInput
from integration.guard_words import GuardWords
from integration.locks import KeyedLocks
from integration.mirror import Mirror
from integration.models.incident import WarRoom
from integration.models.run import Command, Outcome
from integration.page_catalog import PageCatalog
from integration.page_mirror import PageMirror
from integration.people import People
from integration.perform import Performer
from integration.plan import room_id
from integration.run_catalog import RunCatalog
from integration.services.slack import SlackService
from integration.services.statuspage import StatuspageService
from integration.services.zoom import ZoomService
from integration.settings import Settings


@dataclass(frozen=True)
class Kit:
    settings: Settings
    catalog: Catalog
    chain: Chain
    performer: Performer
    mirror: Mirror
    people: People
    slack: SlackService
    zoom: ZoomService | None
    statuspage: StatuspageService | None
    pages: PageMirror | None
    locks: KeyedLocks
    page_catalog: PageCatalog
    guard_words: GuardWords
    audiences: AudienceCatalog
    runs: RunCatalog
    draft_opinion: DraftOpinion | None = None
    openings: Openings = field(default_factory=Openings)
    unfinished: set[asyncio.Task[None]] = field(default_factory=set)

    def later(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        """Keep what goes on after its run has ended from being collected."""
        for task in tasks:
            if not task.done():
                self.unfinished.add(task)
                task.add_done_callback(self.unfinished.discard)


Handle = Callable[[Command, Kit], Awaitable[Outcome]]


def text_input(command: Command, name: str, limit: int) -> str:
    """An optional text input of a run, stripped. Raises BadInput when it is no text or too long."""
    value = command.inputs.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(name, f"expected text, got {type(value).__name__}")
    text = value.strip()
    if len(text) > limit:
        raise BadInput(name, f"{len(text)} characters, at most {limit} are allowed")
    return text


def need_incident(command: Command) -> str:
    if not command.incident:
        raise BadInput("incident", "name the incident: run this action on an incident entity")
    return command.incident


async def latest_room(kit: Kit, incident: str) -> WarRoom | None:
    """The incident's newest war room. Read by identifier, since Port's search lags."""
    latest = None
    generation = 1
    while (room := await kit.catalog.room(room_id(incident, generation))) is not None:
        latest, generation = room, generation + 1
    return latest
