"""Add a note to the incident by a button; the room sees it too."""

from __future__ import annotations

import asyncio

from actions.base import Kit, latest_room, need_incident
from actions.delivery import choice
from integration import messages, plan
from integration.credentials import mask
from integration.errors import BadInput, IncidentCommsError
from integration.models.note import NOTE_KINDS, NoteKind
from integration.models.run import Command, Outcome

NOTE_LIMIT = 3000


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    kind: NoteKind = choice(command, "kind", NOTE_KINDS)  # type: ignore[assignment]
    text = mask(messages.checked_text("text", command.inputs.get("text"), NOTE_LIMIT))
    incident, room = await asyncio.gather(kit.catalog.incident(identifier), latest_room(kit, identifier))
    if room is None:
        raise BadInput("incident", f"{identifier} has no war room to keep notes in; open it first")
    # Its identity is what it was asked by: a redelivered run, or a form sent twice, writes the same note.
    note = kit.catalog.written_note(room, command.asked_by, kind, text, command.requested_by)
    await kit.catalog.write_note(note)
    kit.mirror.noted(room, note)
    problem = ""
    if room.state == "open":
        said = messages.note_in_room(kind, text, command.requested_by)
        step = plan.message(
            room, "note", said, about=command.asked_by, requested_by=command.requested_by, run=command.run
        )
        (claim,) = await kit.performer.intend([step])
        try:
            await kit.performer.perform(claim)
        except IncidentCommsError as failure:
            problem = f" The room was not told: {failure}"
        kit.performer.relate([claim], room.identifier)
        await kit.performer.flush()
    return Outcome(summary=f"Noted on {incident.identifier} as {kind}.{problem}", label="Noted")
