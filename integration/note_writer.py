"""From the messages of a room to its notes in Port: tagged by the catalogue, written where they differ."""

from __future__ import annotations

from integration import plan
from integration.catalog import Catalog
from integration.mirrored import Mirrored, people_in
from integration.models.base import Json
from integration.note_tags import NoteTags, own_patterns
from integration.notetaker import Marks
from integration.people import People
from integration.read_back import Slice, absent
from integration.services.slack import SlackService
from integration.settings import Settings


class NoteWriter:
    """Raises the errors of Catalog and SlackService."""

    def __init__(self, catalog: Catalog, slack: SlackService, people: People, settings: Settings) -> None:
        self._catalog = catalog
        self._slack = slack
        self._people = people
        self._settings = settings
        self._marks = Marks.from_settings(
            settings.note_reactions, settings.not_a_note_reactions, settings.note_prefixes
        )
        self._own = own_patterns(settings)
        self.tags = NoteTags(catalog, people, settings)

    async def held(self, known: Mirrored) -> dict[str, Json]:
        """The notes that Port holds of a room, by ts; read once."""
        if known.held is None:
            return await self.hold_anew(known)
        return known.held

    async def hold_anew(self, known: Mirrored) -> dict[str, Json]:
        """The same, with notes written just before a start, which Port's search did not show at first."""
        return known.hold(await self._catalog.notes(known.room.channel_id))

    async def write(self, known: Mirrored, batch: set[str]) -> list[Json]:
        """Write what has become of the messages of a batch (ts); the entities that were written."""
        bot = await self._slack.me()
        await self.held(known)
        authors = people_in(message for ts in batch if (message := known.state.message(ts)))
        known.take_closers(batch)
        names = await self._people.names(authors | known.settlers(batch))
        known.own, known.tags = self._own, await self.tags.known(authors)
        entities = known.entities(batch, names, bot, self._marks, self._team(known))
        if entities:
            await self.tags.write(entities)
            known.wrote(entities)
        return entities

    async def write_slice(self, known: Mirrored, part: Slice) -> None:
        """Write the notes of a part of the channel that was said long before what `known` keeps."""
        bot = await self._slack.me()
        beside = Mirrored(known.room, part.state, held=known.held, done=known.done)
        batch = part.messages | absent(part, known.held or {})
        said = people_in(message for ts in batch if (message := part.state.message(ts)))
        names = await self._people.names(said)
        beside.own, beside.tags = self._own, await self.tags.known(said)
        entities = beside.entities(batch, names, bot, self._marks, self._team(known))
        if entities:
            await self.tags.write(entities)
            known.wrote(entities)

    def _team(self, known: Mirrored) -> str:
        return plan.team_of(known.room.private, self._settings)
