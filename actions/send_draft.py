"""Send one draft to its audience, as a person has changed it."""

from __future__ import annotations

import asyncio

from actions.base import Kit, latest_room
from actions.delivery import check_private
from actions.updating import Voice, nowhere, send
from integration import messages
from integration.errors import BadInput
from integration.models.run import Command, Outcome
from integration.times import iso


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = command.inputs.get("draft")
    if not isinstance(identifier, str) or not identifier:
        raise BadInput("draft", "run this action on a draft")
    drafted = await kit.audiences.draft(identifier)
    if drafted is None:
        raise BadInput("draft", f"Port has no draft {identifier!r}")
    if not drafted.audience:
        raise BadInput(
            "draft", "it is for the status page: use it with “Publish on status page” or its update"
        )
    text = command.inputs.get("text")
    words = drafted.text if text in (None, "") else messages.checked_text("text", text, messages.UPDATE_LIMIT)
    incident, audiences, room = await asyncio.gather(
        kit.catalog.incident(drafted.incident),
        kit.audiences.named([drafted.audience]),
        latest_room(kit, drafted.incident),
    )
    check_private(command, incident)
    audiences, problems = await kit.audiences.with_people(audiences)
    problems += nowhere(audiences)
    details = {"draft": identifier, "notesUntil": iso(drafted.notes_until or drafted.drafted_at)}
    if words.strip() != drafted.text.strip():
        details["editedBy"] = command.requested_by
    voices = [Voice(audience=one, text=words, details=details, draft=identifier) for one in audiences]
    return await send(command, kit, incident, room, voices, what="Update of", problems=problems)
