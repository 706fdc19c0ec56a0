"""Draw up an incident's timeline, RCA and postmortem draft anew, as its notes and the record stand now."""

from __future__ import annotations

from actions.base import Kit, latest_room, need_incident
from actions.documents import again_soon, write_documents
from integration import plan
from integration.entities import WAR_ROOM
from integration.errors import BadInput, ServiceError
from integration.models.run import Command, Outcome


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    incident = await kit.catalog.incident(identifier)
    room = await latest_room(kit, identifier)
    if room is None:
        raise BadInput(
            "incident", f"{identifier} has no war room whose notes could be drawn up; open one first"
        )
    if plan.hidden(room.private or incident.private, kit.settings):
        raise BadInput(
            "incident",
            f"{identifier} is private and no team is named that may read about it (privateRoomsTeam)",
        )
    log = []
    try:
        # What was said a moment ago is in it, too.
        await kit.mirror.settle(room)
    except ServiceError as problem:
        log.append(f"The last messages may be missing: {problem}")
    await write_documents(kit, incident, room)
    again_soon(kit, room)
    page = kit.catalog.reader.page(WAR_ROOM, room.identifier)
    return Outcome(
        summary=f"Timeline, RCA and postmortem draft of {identifier} are written on its war room.",
        label="Written",
        links=(page,),
        log=tuple(log),
    )
