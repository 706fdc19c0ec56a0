"""Post an update to audiences: the same words to all, or each its own draft where no words are given."""

from __future__ import annotations

import asyncio

from actions.base import Kit, latest_room, need_incident
from actions.delivery import check_private, flag, identifiers
from actions.updating import Voice, nowhere, send
from actions.voices import Situation, current, look, propose
from integration import messages
from integration.audience_catalog import Drafted
from integration.errors import BadInput
from integration.models.audience import Audience
from integration.models.base import Json
from integration.models.run import Command, Outcome
from integration.times import iso, now


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    names = identifiers(command, "audiences")
    if not names:
        raise BadInput("audiences", "choose at least one audience")
    given = command.inputs.get("text")
    own_words = given is None or (isinstance(given, str) and not given.strip())
    again = flag(command, "sendAgain", default=False)
    if own_words:
        return await _each_its_own(command, kit, identifier, names, again)
    text = messages.checked_text("text", given, messages.UPDATE_LIMIT)
    incident, audiences, room = await asyncio.gather(
        kit.catalog.incident(identifier), kit.audiences.named(names), latest_room(kit, identifier)
    )
    check_private(command, incident)
    audiences, problems = await kit.audiences.with_people(audiences)
    details = {"notesUntil": iso(command.asked_at or now())}
    voices = [Voice(audience=one, text=text, details=details) for one in audiences]
    problems += nowhere(audiences)
    return await send(command, kit, incident, room, voices, what="Update of", problems=problems, again=again)


async def _each_its_own(
    command: Command, kit: Kit, identifier: str, names: list[str], again: bool
) -> Outcome:
    """Each audience gets its newest draft that nobody has sent yet, or one that is made now."""
    situation, audiences, drafted = await asyncio.gather(
        look(kit, identifier), kit.audiences.named(names), kit.audiences.drafts(identifier)
    )
    check_private(command, situation.incident)
    audiences, problems = await kit.audiences.with_people(audiences)
    problems += nowhere(audiences)
    voices: list[Voice] = []
    for audience in audiences:
        try:
            voices.append(await _voice(situation, audience, current(drafted, situation, audience.identifier)))
        except BadInput as problem:
            problems.append(f"{audience.identifier}: {problem}")
    return await send(
        command,
        kit,
        situation.incident,
        situation.room,
        voices,
        what="Update of",
        problems=problems,
        again=again,
    )


async def _voice(situation: Situation, audience: Audience, drafted: Drafted | None) -> Voice:
    """Raises BadInput when its draft says what nobody has noted."""
    if drafted is not None:
        until: Json = {
            "notesUntil": iso(drafted.notes_until or drafted.drafted_at),
            "draft": drafted.identifier,
        }
        return Voice(audience=audience, text=drafted.text, details=until, draft=drafted.identifier)
    proposal = await propose(situation, audience)
    if made_up := proposal.draft.untraced:
        raise BadInput("text", f"its draft says what nobody has noted: {'; '.join(made_up)}")
    if proposal.draft.problem:
        raise BadInput(
            "template", f"{proposal.draft.problem}; mend it, or press “Draft update” and send ours"
        )
    return Voice(audience=audience, text=proposal.draft.text, details={"notesUntil": iso(now())})
