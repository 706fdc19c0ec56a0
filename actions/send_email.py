"""Send an email to the addresses of audiences: one mail per person, at most once."""

from __future__ import annotations

import asyncio

from actions.base import Kit, latest_room, need_incident, text_input
from actions.delivery import check_private, flag, identifiers
from actions.updating import Voice, nowhere, send
from integration import messages
from integration.errors import BadInput
from integration.models.run import Command, Outcome
from integration.times import iso, now


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    names = identifiers(command, "audiences")
    if not names:
        raise BadInput("audiences", "choose at least one audience")
    subject = text_input(command, "subject", messages.SUBJECT_LIMIT)
    text = messages.checked_text("text", command.inputs.get("text"), messages.UPDATE_LIMIT)
    again = flag(command, "sendAgain", default=False)
    incident, audiences, room = await asyncio.gather(
        kit.catalog.incident(identifier), kit.audiences.named(names), latest_room(kit, identifier)
    )
    check_private(command, incident)
    audiences, problems = await kit.audiences.with_people(audiences)
    details = {"notesUntil": iso(command.asked_at or now())}
    voices = [Voice(audience=one, text=text, subject=subject, details=details) for one in audiences]
    problems += nowhere(audiences, by_mail_only=True)
    return await send(
        command,
        kit,
        incident,
        room,
        voices,
        what="Email about",
        problems=problems,
        again=again,
        by_mail_only=True,
    )
