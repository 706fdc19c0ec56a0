"""A room whose words are for few, as its incident has it now: an incident may become private while its room
stands, and stop being so."""

from __future__ import annotations

import asyncio

from loguru import logger

from actions.base import Kit
from integration import plan, situation
from integration.errors import ServiceError
from integration.models.base import Json
from integration.models.incident import Incident, WarRoom
from integration.models.slack import Channel

SEARCH_SETTLES_SECONDS = 5.0


async def follow_privacy(kit: Kit, incident: Incident, room: WarRoom, channel: Channel | None) -> WarRoom:
    """Bring mirror, owning team and what the incident shows in line; the room as it is then.

    What was noted before it became private stays; without a team whoever saw it still does. Raises
    ServiceError.
    """
    private = incident.private or (channel.private if channel is not None else room.private)
    hidden = plan.hidden(private, kit.settings)
    changes: Json = {
        "private": private,
        "team": plan.team_of(private, kit.settings),
        "mirror": "off" if hidden else "fresh" if room.mirror == "off" else room.mirror,
    }
    if all(getattr(room, name) == value for name, value in changes.items()):
        return room
    changed = room.model_copy(update=changes)
    # Before anything else: not one more word is written where it may not be.
    kit.mirror.watch(changed)
    if private:
        await kit.catalog.patch_incident(incident.identifier, {"latestNote": "", **situation.NOTHING})
    await kit.catalog.give_room(changed, forget_documents=hidden)
    if changed.team != room.team:
        await kit.catalog.give_words(changed)
        kit.later([asyncio.create_task(_again(kit, changed))])
    return changed


async def _again(kit: Kit, room: WarRoom) -> None:
    """What was written a moment before was not in Port's search yet."""
    await asyncio.sleep(SEARCH_SETTLES_SECONDS)
    try:
        present = await kit.catalog.room(room.identifier)
        if present is not None and present.team == room.team:
            await kit.catalog.give_words(room)
    except ServiceError as problem:
        logger.warning(f"{room.incident}: its last words may still belong to nobody: {problem}")
