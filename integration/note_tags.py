"""What the catalogue knows of what notes name: services by their names, people by their addresses.

Read once in ten minutes. What can't be read is left out: a note without tags is better than none.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import jq
from loguru import logger

from integration.catalog import Catalog
from integration.entities import texts_of
from integration.errors import Refused, ServiceError
from integration.models.base import Json
from integration.models.slack import Message
from integration.notetaker import Context, ServiceNames
from integration.people import People
from integration.settings import Settings, variable

FRESH_SECONDS = 600.0
USERS = "_user"
"""Port's own blueprint of people; the identifier is the e-mail address."""
TAGS = ("services", "authorUser", "people")
"""The relations of a note that lead to what the catalogue knows."""
UNTAGGED: Json = {"services": [], "authorUser": None, "people": []}
"""The relations of a note that names nobody any more."""
_MENTION = re.compile(r"<@([A-Z0-9]+)")


@dataclass(frozen=True)
class Known:
    """What the catalogue knew a moment ago. `users`: identifier in Port by Slack user id; None where
    Port's people can't be read."""

    services: ServiceNames
    users: Mapping[str, str] | None


NO_TAGS = Known(ServiceNames(), None)


class NoteTags:
    """`clock` gives seconds."""

    def __init__(
        self,
        catalog: Catalog,
        people: People,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._people = people
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._read_at: float | None = None
        self._services = ServiceNames()
        self._users: dict[str, str] = {}  # identifier in Port by address, case folded

    async def known(self, slack_users: Iterable[str]) -> Known:
        """What is known of services, and of these people."""
        async with self._lock:
            if self._read_at is None or self._clock() - self._read_at > FRESH_SECONDS:
                await asyncio.gather(self._read_services(), self._read_users())
                self._read_at = self._clock()
        if not self._users:
            return Known(self._services, None)
        addresses = await self._people.addresses(slack_users)
        users = {
            user: identifier
            for user, address in addresses.items()
            if (identifier := self._users.get(address.casefold()))
        }
        return Known(self._services, users)

    async def write(self, notes: Sequence[Json]) -> None:
        """Write notes. One whose tags Port refuses (a service that is gone, relations that were never
        provisioned) is written without them. Raises Refused for one that it does not take at all."""
        refused = [note for note, why in await self._refused(notes) if _tagged(note)]
        if refused:
            self._read_at = None  # something of it is no longer there
            logger.warning(
                f"mirror: {len(refused)} notes are written without what they name in the catalogue"
            )
            for note in refused:
                for name in TAGS:
                    note["relations"].pop(name, None)
            await self._refused(refused)

    async def _refused(self, notes: Sequence[Json]) -> list[tuple[Json, str]]:
        """Those not written for their tags, perhaps; raises for those that have none."""
        outcomes = await self._catalog.merge_notes(notes)
        by_identifier = {outcome.identifier: outcome for outcome in outcomes if outcome.error}
        found: list[tuple[Json, str]] = []
        for note in notes:
            outcome = by_identifier.get(note["identifier"])
            if outcome is None:
                continue
            if not _tagged(note) or outcome.status in (401, 403, 413, 429) or outcome.status >= 500:
                raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)
            found.append((note, outcome.error))
        return found

    async def _read_services(self) -> None:
        blueprint, program = self._settings.service_blueprint, jq.compile(self._settings.service_names)
        try:
            entities = await self._catalog.everything(blueprint)
            self._services = ServiceNames.of(
                (str(entity.get("identifier")), _names(program, entity)) for entity in entities
            )
        except ServiceError as problem:
            logger.warning(f"mirror: no services to tag notes with, {blueprint} can't be read: {problem}")
        except ValueError as problem:
            logger.warning(f"{variable('service_names')} fails on an entity of {blueprint}: {problem}")

    async def _read_users(self) -> None:
        try:
            entities = await self._catalog.everything(USERS, "$identifier")
        except ServiceError as problem:
            logger.warning(f"mirror: notes lead to nobody, Port's people can't be read: {problem}")
            return
        identifiers = (str(entity.get("identifier")) for entity in entities)
        self._users = {identifier.casefold(): identifier for identifier in identifiers}


def tag(
    note: Json,
    services: Sequence[str],
    message: Message,
    known: Known,
    names: Mapping[str, str],
    ours: Collection[str],
) -> None:
    """Put on the note's entity which services it names and whom, as names and as what Port knows."""
    properties, relations = note["properties"], note["relations"]
    mentioned = [user for user in dict.fromkeys(_MENTION.findall(message.text)) if user not in ours]
    properties["people"] = [names[user] for user in mentioned if user in names]
    if known.services.known:
        properties["services"] = relations["services"] = list(services)
    if known.users is not None:
        relations["authorUser"] = known.users.get(message.user)
        relations["people"] = [known.users[user] for user in mentioned if user in known.users]


def own_patterns(settings: Settings) -> Context:
    """The customer's own patterns of links and secrets."""
    return Context(
        link_types={re.compile(pattern): kind for pattern, kind in settings.link_types.items()},
        masks=tuple(re.compile(pattern) for pattern in settings.secret_patterns),
    )


def _tagged(note: Json) -> bool:
    return any(name in note["relations"] for name in TAGS)


def _names(program: jq._Program, entity: Json) -> list[str]:
    found = [text for answer in program.input_value(entity).all() for text in texts_of(answer)]
    return [text for text in found if text.strip()]
