"""Close an incident's war room: last word, meeting ended, channel archived after the quiet time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

from loguru import logger

from actions.base import Kit, latest_room, need_incident, text_input
from actions.documents import write_documents
from actions.privacy import follow_privacy
from integration import communicator, plan
from integration.errors import BadInput, IncidentCommsError, ServiceError
from integration.models.incident import WarRoom
from integration.models.run import Command, Outcome
from integration.record_check import head_line
from integration.times import iso, now

SEARCH_SETTLES_SECONDS = 5.0
MESSAGE_LIMIT = 3000  # Block Kit's section text; longer belongs into a document


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    message = text_input(command, "message", MESSAGE_LIMIT)
    async with kit.locks.holding(identifier):
        incident, room = await asyncio.gather(kit.catalog.incident(identifier), latest_room(kit, identifier))
        if room is None:
            if command.automatic:
                return Outcome(
                    summary=f"{identifier} has no war room; nothing to close.", label="Nothing to do"
                )
            raise BadInput("incident", f"{identifier} has no war room")
        if command.automatic and not plan.is_closed(incident, kit.settings):
            return Outcome(summary=f"{identifier} is open again; its war room stays open.", label="Overtaken")
        if room.state != "open":
            if room.state == "closed":  # documents come last, and an earlier close may have been cut off
                await _tried("RCA", write_documents(kit, incident, room))
            return Outcome(
                summary=f"The war room of {identifier} is {room.state} already.",
                label="Already closed",
                links=(room.channel_url,),
            )
        # The change that ends an incident may make it private as well.
        room = await follow_privacy(kit, incident, room, None)
        counts, head = await asyncio.gather(kit.mirror.settle(room), kit.chain.head(identifier))
        minutes = None if room.linked else float(kit.settings.archive_after_quiet_minutes)
        text = communicator.closing(incident, message, counts, minutes, head_line(head) if head else "")
        step = plan.message(
            room,
            "closing",
            text,
            number=room.closures + 1,
            requested_by=command.requested_by,
            run=command.run,
        )
        (claim,) = await kit.performer.intend([step])
        said, ended = await asyncio.gather(
            _tried("closing message", kit.performer.perform(claim)),
            _tried("meeting", _end_meeting(room, kit)),
        )
        kit.performer.relate([claim], room.identifier)
        closed_at = now()
        closed = room.model_copy(
            update={"state": "closed", "closures": room.closures + 1, "closed_at": closed_at}
        )
        await kit.performer.flush()
        # The room last of all: a close that was cut off before this is taken up again, and finds what
        # was said.
        await kit.catalog.patch_incident(identifier, {"warRoomState": "closed"})
        await kit.catalog.patch_room(
            room.identifier, {"state": "closed", "closures": closed.closures, "closedAt": iso(closed_at)}
        )
        kit.mirror.watch(closed)
        written = await _tried("RCA", write_documents(kit, incident, closed, [claim.communication()]))
        log = [line for line in (said, ended, written) if line]
        kit.later([asyncio.create_task(_documents_again(closed, kit))])
        if due_for_archive(closed, kit.settings.archive_after_quiet_minutes):
            log += await archive(closed, kit)
        return Outcome(
            summary=f"The war room of {identifier} is closed.",
            label="Closed",
            links=(room.channel_url,),
            log=tuple(log),
        )


async def _tried(what: str, work: Awaitable[Any]) -> str:
    """Do one part of the closing; a part that fails is told and holds nothing else up."""
    try:
        await work
    except IncidentCommsError as problem:
        logger.warning(f"{what}: {problem}")
        return f"The {what} failed: {problem}"
    return ""


async def _documents_again(room: WarRoom, kit: Kit) -> None:
    """What was written a moment before the close was not in Port's search yet."""
    await asyncio.sleep(SEARCH_SETTLES_SECONDS)
    await _tried("RCA", _documents(room, kit))


async def _end_meeting(room: WarRoom, kit: Kit) -> None:
    if kit.zoom is not None and room.bridge_kind == "zoom" and room.meeting_id:
        await kit.zoom.end_meeting(room.meeting_id)


def just_closed(room: WarRoom) -> bool:
    """Whether what was said last may not have been in the documents yet: Port's search lags."""
    return (
        room.state == "closed"
        and room.closed_at is not None
        and now() - room.closed_at < timedelta(minutes=3)
    )


def due_for_archive(room: WarRoom, quiet_minutes: float) -> bool:
    """Whether a closed room has been quiet long enough. A linked channel was never ours to archive."""
    if room.state != "closed" or room.linked or room.closed_at is None:
        return False
    last = max(room.closed_at, room.last_activity_at or room.closed_at)
    return now() - last >= timedelta(minutes=quiet_minutes)


async def archive(room: WarRoom, kit: Kit) -> list[str]:
    """Read the room a last time, then archive it: a bot is out of an archived channel for good."""
    # The search that found it lags: it may be open again by now.
    present = await kit.catalog.room(room.identifier)
    if present is None or not due_for_archive(present, kit.settings.archive_after_quiet_minutes):
        return []
    try:
        await kit.mirror.read(present)
        # What Port knows of it may be old: nobody mirrors some rooms, and at times we are down.
        if said := await _last_said(present, kit):
            present = present.model_copy(update={"last_activity_at": said})
            if not due_for_archive(present, kit.settings.archive_after_quiet_minutes):
                await kit.catalog.patch_room(room.identifier, {"lastActivityAt": iso(said)})
                return []
        await kit.slack.archive(room.channel_id)
    except ServiceError as problem:
        return [f"The channel is not archived yet: {problem}"]
    await kit.catalog.patch_incident(room.incident, {"warRoomState": "archived"})
    await kit.catalog.patch_room(room.identifier, {"state": "archived", "archivedAt": iso(now())})
    kit.mirror.forget(room)
    told = [f"#{room.channel_name} is archived."]
    return [line for line in (*told, await _tried("RCA", _documents(room, kit))) if line]


async def _last_said(room: WarRoom, kit: Kit) -> datetime | None:
    """When somebody last said something there, asked of Slack; replies in old threads the mirror knows."""
    newest = await kit.slack.last_said(room.channel_id)
    shown = datetime.fromtimestamp(newest, UTC) if newest is not None else None
    return max(filter(None, (shown, await kit.mirror.last_said(room))), default=None)


async def _documents(room: WarRoom, kit: Kit) -> None:
    await write_documents(kit, await kit.catalog.incident(room.incident), room)
