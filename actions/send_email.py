"""Send an email to the addresses of audiences: one mail per person, at most once."""

from __future__ import annotations

import asyncio

from actions.base import Kit, latest_room, need_incident, text_input
from actions.delivery import Sent, check_private, claim_words, deliver, flag, identifiers, outcome
from actions.overtaken import overtaken
from actions.post_update import each_reader_once, mail_steps
from integration import messages, plan
from integration.errors import BadInput
from integration.models import Command, Outcome


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    names = identifiers(command, "audiences")
    if not names:
        raise BadInput("audiences", "choose at least one audience")
    subject = text_input(command, "subject", messages.SUBJECT_LIMIT)
    text = messages.checked_text("text", command.inputs.get("text"), messages.UPDATE_LIMIT)
    again = flag(command, "sendAgain", default=False)
    incident, audiences, room = await asyncio.gather(
        kit.catalog.incident(identifier), kit.catalog.audiences(names), latest_room(kit, identifier)
    )
    check_private(command, incident)
    problems = [f"audience {one.identifier} has no address" for one in audiences if not one.emails]
    steps = [
        step
        for audience in each_reader_once(audiences)
        for step in mail_steps(command, incident, audience, subject, text, purpose="mail")
    ]
    results: list[Sent] = []
    if steps:
        claims = await claim_words(kit, plan.owned(steps, incident, kit.settings), command, again)
        late = await overtaken(kit, command, incident, claims)
        results = await deliver(kit, claims, room, command.run, late)
        await kit.performer.flush()
    return outcome(f"Email about {identifier}", results, problems)
