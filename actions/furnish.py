"""What a room stands better with, and what an opening that was cut off may have left out: topic, people,
bookmarks, and its place on the incident. None of it has a key, so it is looked up before it is done."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from loguru import logger

from actions.base import Kit
from actions.sync_war_room import sync
from integration import communicator
from integration.errors import Ambiguous, ServiceError
from integration.models.base import Json
from integration.models.incident import Incident, WarRoom

RECENT = timedelta(minutes=10)


def just_opened(room: WarRoom, started: datetime) -> bool:
    """Whether the process before the one that `started` then may not have come to the end of its opening."""
    opened = room.opened_at
    return room.state == "open" and opened is not None and started - RECENT < opened < started


async def furnish(kit: Kit, room: WarRoom) -> list[str]:
    """Mend what is missing in an open room and leave alone what is there; what could not be mended."""
    entity = await kit.catalog.incident_entity(room.incident)
    if entity is None:
        return []
    incident = kit.catalog.reader.read(entity)
    answers = await asyncio.gather(
        sync(incident, room, kit),
        add_bookmarks(kit, room, bookmarks(incident, room), look=True),
        _show(kit, room, entity),
        return_exceptions=True,
    )
    problems: list[str] = []
    for answer in answers:
        if isinstance(answer, ServiceError):
            logger.warning(f"#{room.channel_name}: {answer}")
            problems.append(str(answer))
        elif isinstance(answer, BaseException):
            raise answer
    return problems


def bookmarks(incident: Incident, room: WarRoom) -> dict[str, str]:
    """The links at the top of the channel, by title."""
    links = {"Incident in Port": incident.url, "Bridge": room.bridge_url}
    return {title: link for title, link in links.items() if link}


async def add_bookmarks(kit: Kit, room: WarRoom, wanted: dict[str, str], *, look: bool) -> None:
    """Add bookmarks; `look` first which are there, where somebody may have been here before.

    One whose answer was lost is looked for and, if it is missing, added again. Raises ServiceError.
    """
    try:
        await _add_bookmarks(kit, room, wanted, look=look)
    except Ambiguous:
        await asyncio.sleep(kit.settings.settle_seconds)  # it may still be on its way
        await _add_bookmarks(kit, room, wanted, look=True)


async def _add_bookmarks(kit: Kit, room: WarRoom, wanted: dict[str, str], *, look: bool) -> None:
    there: set[str] = set()
    if look:
        there = {bookmark.link for bookmark in await kit.slack.bookmarks(room.channel_id)}
    missing = {title: link for title, link in wanted.items() if link not in there}
    # All have ended before anybody looks again.
    answers = await asyncio.gather(
        *(kit.slack.add_bookmark(room.channel_id, title, link) for title, link in missing.items()),
        return_exceptions=True,
    )
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer


async def set_topic(kit: Kit, room: WarRoom, topic: str) -> None:
    """Set the topic. Slack tells the channel each time, so after a lost answer it is looked at first."""
    try:
        await kit.slack.set_topic(room.channel_id, topic)
    except Ambiguous:
        await asyncio.sleep(kit.settings.settle_seconds)
        channel = await kit.slack.channel(room.channel_id)
        if channel is not None and not communicator.same_topic(channel.topic, topic):
            await kit.slack.set_topic(room.channel_id, topic)


async def _show(kit: Kit, room: WarRoom, entity: Json) -> None:
    """The incident names its room. Written only when it does not: each write may set off automations."""
    properties, relations = shown(room)
    held: Json = entity.get("properties") or {}
    if any(held.get(name) != value for name, value in properties.items()) or (
        (entity.get("relations") or {}).get("warRoom") != room.identifier
    ):
        await kit.catalog.patch_incident(room.incident, properties, relations)


def shown(room: WarRoom) -> tuple[Json, Json]:
    """What the incident says of its room: properties and relations."""
    properties = {"warRoomChannel": room.channel_url, "warRoomState": room.state}
    if room.bridge_url:
        properties["warRoomBridge"] = room.bridge_url
    return properties, {"warRoom": room.identifier}
