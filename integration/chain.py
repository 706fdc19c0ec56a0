"""Writes the chained record to Port: one link for each outcome, off the path that a responder waits for.

A link is created create-only under its number, so two processes can't take the same one, and whoever is
refused reads what stands there before he takes the next. Since nobody writes number n without having read
all numbers before it, the same outcome is linked once, whatever died in between.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from loguru import logger

from integration.budget import Priority
from integration.entities import COMMUNICATION, LINK, read_communication
from integration.errors import IncidentCommsError, Refused
from integration.locks import KeyedLocks
from integration.models.base import Json
from integration.models.communication import Communication
from integration.record import (
    OUTCOMES,
    Head,
    Link,
    link_entity,
    link_id,
    link_of,
    link_prefix,
    read_link,
)
from integration.services.port import PortService
from integration.times import iso, now, when

AT_ONCE = 20  # outcomes taken in hand together
KEPT = 200  # incidents whose chain is remembered
MOST_GAPS = 200  # numbers that a search did not show and that are asked for one by one
FIRST_LOOK_BACK = timedelta(days=30)
LOOK_BACK = timedelta(minutes=10)
FRESH = timedelta(seconds=20)  # a younger outcome may be in somebody's hand, and Port's search lags
HEAD_SECONDS = 2.0  # how long the closing message waits for links that are on their way


async def read_chain(port: PortService, incident: str) -> list[Link]:
    """Every link of an incident by number. What a search that lags does not show is asked for by number."""
    prefix = link_prefix(incident)
    rules = [{"property": "$identifier", "operator": "beginsWith", "value": prefix}]
    shown = await port.search(LINK, rules, priority=Priority.MIRROR)
    links = {
        link.number: link for entity in shown if (link := read_link(entity)) and link.incident == incident
    }
    last = max(links, default=0)
    gaps = [number for number in range(1, min(last, len(links) + MOST_GAPS)) if number not in links]
    for link in await asyncio.gather(*(_one(port, incident, number) for number in gaps)):
        if link is not None:
            links[link.number] = link
    while (link := await _one(port, incident, last + 1)) is not None:
        links[link.number], last = link, link.number
    return [links[number] for number in sorted(links)]


async def _one(port: PortService, incident: str, number: int) -> Link | None:
    entity = await port.get_entity(LINK, link_id(incident, number), priority=Priority.MIRROR)
    return read_link(entity) if entity else None


@dataclass
class _Noted:
    """An outcome to link. `said` is what was written of it; None: whatever stands in Port."""

    key: str
    said: Json | None
    at: datetime


@dataclass
class _Chain:
    """What is known of one incident's chain: all of it up to `head`."""

    head: Head | None = None
    transitions: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, link: Link) -> None:
        self.head = Head(number=link.number, hash=link.hash)
        self.transitions.add(link.transition)

    def attempted(self, communication: Communication) -> str:
        """The outcome that this attempt is linked with, or nothing."""
        attempt = (communication.step.key, communication.owner)
        return next((state for key, owner, state in self.transitions if (key, owner) == attempt), "")


class Chain:
    """The chains of all incidents. One instance a process; any number of processes may write."""

    def __init__(self, port: PortService, key: str) -> None:
        self._port = port
        self._key = key
        self._waiting: list[_Noted] = []
        self._failed: dict[tuple[str, str], _Noted] = {}  # by communication and attempt
        self._worker: asyncio.Task[None] | None = None
        self._locks = KeyedLocks()
        self._chains: OrderedDict[str, _Chain] = OrderedDict()
        self._looked_at: datetime | None = None

    def note(self, outcomes: Mapping[str, Json]) -> None:
        """Take in what was just written of communications, by identifier; returns at once."""
        at = now()
        self._take([_Noted(key, dict(said), at) for key, said in outcomes.items() if "state" in said])

    async def head(self, incident: str) -> Head | None:
        """The end of the incident's chain as far as it is known now; None when there is none, or Port does
        not say."""
        if self._worker is not None:
            await asyncio.wait({self._worker}, timeout=HEAD_SECONDS)
        try:
            async with self._locks.holding(incident):
                return (await self._chain(incident)).head
        except IncidentCommsError as problem:
            logger.warning(f"record of {incident}: its head can't be read: {problem}")
            return None

    async def catch_up(self, *, first: bool) -> None:
        """Look for outcomes that nobody linked, because a process died or Port failed, and link them.

        Communications that were last changed over 30 days before the first look of this process, or over
        10 minutes before the last, are left alone. What fails is logged and left to the next time.
        """
        failed, self._failed = self._failed, {}
        self._take(list(failed.values()))
        started = now()
        try:
            unlinked = await self._unlinked(first, started)
        except IncidentCommsError as problem:
            logger.warning(f"record: outcomes without a link can't be looked for: {problem}")
            return
        seen = {key for key, _ in failed}
        self._take([_Noted(key, None, started) for key in unlinked if key not in seen])
        self._looked_at = started

    async def _unlinked(self, first: bool, started: datetime) -> list[str]:
        since = self._looked_at - LOOK_BACK if self._looked_at else started - FIRST_LOOK_BACK
        rules: list[Json] = [
            {"property": "state", "operator": "in", "value": list(OUTCOMES)},
            {"property": "$updatedAt", "operator": ">", "value": iso(since)},
        ]
        include = ["$identifier", "$updatedAt", "state", "owner", "incident"]
        shown = await self._port.search(COMMUNICATION, rules, include=include, priority=Priority.MIRROR)
        open_ones = [
            entity for entity in shown if not self._knows(entity) and (first or _settled(entity, started))
        ]
        linked = await self._transitions_since(since) if open_ones else set()
        return [str(entity["identifier"]) for entity in open_ones if _transition(entity) not in linked]

    async def settled(self) -> None:
        """Wait until everything taken in so far is linked, or has failed."""
        while self._worker is not None and not self._worker.done():
            await asyncio.wait({self._worker})

    async def stop(self, seconds: float = HEAD_SECONDS) -> None:
        """Finish what can be finished in time; the rest is found by the next process."""
        if self._worker is not None:
            await asyncio.wait({self._worker}, timeout=seconds)
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    # Linking

    def _take(self, noted: list[_Noted]) -> None:
        self._waiting += noted
        if self._waiting and (self._worker is None or self._worker.done()):
            # A context of its own: it lives longer than the run whose outcome it links.
            self._worker = asyncio.create_task(self._work(), context=contextvars.Context())

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            found = await asyncio.gather(*(self._read(one) for one in batch))
            by_incident: dict[str, list[tuple[_Noted, Communication]]] = {}
            for one, communication in zip(batch, found, strict=True):
                if communication is not None:
                    by_incident.setdefault(communication.step.incident, []).append((one, communication))
            await asyncio.gather(*(self._extend(incident, some) for incident, some in by_incident.items()))

    async def _read(self, noted: _Noted) -> Communication | None:
        """The communication with the outcome that was noted; None when there is nothing to link."""
        try:
            entity = await self._port.get_entity(COMMUNICATION, noted.key, priority=Priority.MIRROR)
            if entity is None:
                return None
            communication = read_communication(_as_noted(entity, noted.said))
        except IncidentCommsError as problem:
            self._give_up(noted, problem)
            return None
        if communication is None or communication.state not in OUTCOMES or not communication.step.incident:
            return None
        return communication

    async def _extend(self, incident: str, some: list[tuple[_Noted, Communication]]) -> None:
        async with self._locks.holding(incident):
            for noted, communication in some:
                try:
                    await self._link(await self._chain(incident), noted, communication)
                except IncidentCommsError as problem:
                    self._give_up(noted, problem)

    async def _link(self, chain: _Chain, noted: _Noted, communication: Communication) -> None:
        found = noted.said is None
        transition = (communication.step.key, communication.owner, communication.state)
        while transition not in chain.transitions:
            if found and (linked := chain.attempted(communication)):
                logger.error(
                    f"record: {communication.step.key} is {communication.state}, its link says {linked}; "
                    "somebody has changed it"
                )
                return
            link = link_of(
                communication, after=chain.head, at=noted.at, linked_at=now(), found=found, key=self._key
            )
            entity = link_entity(link, communication.step.team)
            (outcome,) = await self._port.create_entities(LINK, [entity], priority=Priority.MIRROR)
            if outcome.created:
                chain.add(link)
            elif outcome.exists:
                # Another process took the number, or it was us and the answer was lost: the link tells.
                there = await _one(self._port, link.incident, link.number)
                if there is None:
                    raise Refused(
                        "port", "entities.get", "404", f"{link.identifier} exists and can't be read"
                    )
                chain.add(there)
            else:
                raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)

    async def _chain(self, incident: str) -> _Chain:
        """What is known of an incident's chain, read when nothing is. Call it with its lock held."""
        chain = self._chains.get(incident)
        if chain is None:
            chain = _Chain()
            for link in await read_chain(self._port, incident):
                chain.add(link)
            self._chains[incident] = chain
            if len(self._chains) > KEPT:
                self._chains.popitem(last=False)
        self._chains.move_to_end(incident)
        return chain

    def _give_up(self, noted: _Noted, problem: IncidentCommsError) -> None:
        logger.warning(f"record: {noted.key} is not linked yet: {problem}")
        if noted.said is not None:  # the others are found again
            self._failed[noted.key, str(noted.said.get("owner"))] = noted

    # Looking for what was not linked

    def _knows(self, entity: Json) -> bool:
        incident = (entity.get("relations") or {}).get("incident")
        chain = self._chains.get(incident) if isinstance(incident, str) else None
        return chain is not None and _transition(entity) in chain.transitions

    async def _transitions_since(self, since: datetime) -> set[tuple[str, str, str]]:
        rules = [{"property": "linkedAt", "operator": ">", "value": iso(since - LOOK_BACK)}]
        include = ["$identifier", "communication", "owner", "state"]
        shown = await self._port.search(LINK, rules, include=include, priority=Priority.MIRROR)
        return {link.transition for entity in shown if (link := read_link(entity)) is not None}


def _as_noted(entity: Json, said: Json | None) -> Json:
    """The entity with the outcome that was noted, where another attempt has begun since."""
    stands: Json = entity.get("properties") or {}
    if said is None or all(stands.get(name) == said.get(name) for name in ("state", "owner")):
        return entity
    return {**entity, "properties": stands | said}


def _transition(entity: Json) -> tuple[str, str, str]:
    properties: Json = entity.get("properties") or {}
    return (str(entity["identifier"]), str(properties.get("owner") or ""), str(properties.get("state") or ""))


def _settled(entity: Json, at: datetime) -> bool:
    changed = when(entity.get("updatedAt"))
    return changed is None or at - changed >= FRESH
