"""Draft what is to be said on a status page: nothing goes out before somebody else has approved it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from actions.base import Kit, need_incident
from actions.delivery import choice
from actions.public import room_hears
from actions.public_consent import settle
from actions.public_drafting import Drafted, drafted
from actions.public_operations import SPOKEN, Spoken
from integration import communicator, plan
from integration.errors import BadInput, IncidentCommsError
from integration.models.communication import Step
from integration.models.run import AUTOMATION, Command, Outcome
from integration.page_catalog import Draft
from integration.times import iso, now

PURPOSE = "draft"


async def handle(command: Command, kit: Kit) -> Outcome:
    what = SPOKEN[choice(command, "operation", tuple(SPOKEN), default="publish")]
    if not command.automatic:
        found = await drafted(kit, command, what, proposing=True)
        return await _draft(command, kit, what, found, f"{_key(command, found)}:{command.run}".rstrip(":"))
    async with kit.locks.holding(f"{need_incident(command)}:drafts"):
        if nothing := await _nothing_to_say(command, kit, what):
            return _none(nothing)
        try:
            found = await drafted(kit, command, what, proposing=True)
        except BadInput as problem:
            if problem.field == "incident":  # by now it is no case for this: it has been said, or is over
                return _none(problem.problem)
            await _tell(command, kit, communicator.not_drafted(what.title, str(problem)))
            raise
        if what.operation == "update_incident" and found.content.get("was"):
            return _none(f"the page says {found.content['was']} already")
        return await _draft_alone(command, kit, what, found)


def _key(command: Command, found: Drafted) -> str:
    return f"{command.incident}:{PURPOSE}:{found.digest[:16]}"


async def _draft(command: Command, kit: Kit, what: Spoken, found: Drafted, key: str) -> Outcome:
    incident = command.incident
    expires = now() + timedelta(minutes=kit.settings.public_approval_minutes)
    step = Step(
        key=key,
        operation=what.operation,
        purpose=PURPOSE,
        incident=incident,
        destination=found.page,
        text=str(found.inputs["body"]),
        requested_by=command.requested_by,
        run=command.run,
        details={"content": found.content},
    )
    shown = found.preview(command.requested_by, expires)
    await kit.page_catalog.write_draft(
        step, {"contentHash": found.digest, "preview": shown, "expiresAt": iso(expires)}
    )
    link = kit.page_catalog.url(key)
    problems = await _tell(command, kit, communicator.drafted_for_page(what.title, link, expires))
    return Outcome(
        summary=f"“{what.title}” of {incident} is drafted; somebody else approves it before "
        f"{expires:%H:%M} UTC: {link}",
        label="Drafted",
        links=(link,),
        log=(*found.notes, *problems),
    )


async def _tell(command: Command, kit: Kit, text: str) -> tuple[str, ...]:
    """Have the room hear what nobody has pressed a button for, so that somebody looks. Why it could not."""
    if command.automatic:
        try:
            await room_hears(kit, command, "approval notice", text)
            await kit.performer.flush()
        except IncidentCommsError as problem:
            return (f"The room was not told: {problem}",)
    return ()


# An automation drafts what changed, and one thing at a time.


async def _nothing_to_say(command: Command, kit: Kit, what: Spoken) -> str:
    """Why an automation has nothing to draft; empty where it may have."""
    if kit.statuspage is None:
        return "this integration has no status page"
    incident = await kit.catalog.incident(need_incident(command))
    if incident.private:
        return "the incident is private"
    if plan.is_closed(incident, kit.settings) != (what.operation == "resolve_incident"):
        return f"the incident is {incident.status} by now"
    if what.opens and not await kit.page_catalog.of_services(incident.services):
        return "customers see none of its services on a status page"
    return ""


async def _draft_alone(command: Command, kit: Kit, what: Spoken, found: Drafted) -> Outcome:
    """The only draft of an automation about this incident: an older one is out of date by it."""
    key = base = _key(command, found)
    number = 1
    # Read by identifier, since Port's search lags. What ended without being said can be drafted once more.
    while (held := await kit.page_catalog.draft(key)) is not None:
        if held.communication.step.run == command.run:
            break
        if _stands(held):
            link = kit.page_catalog.url(key)
            return Outcome(summary=f"This is drafted already: {link}", label="Already drafted", links=(link,))
        number += 1
        key = f"{base}:{number}"
    ended = await _draft(command, kit, what, found, key)
    older = [
        one.communication.step
        for one in await kit.page_catalog.drafts(PURPOSE)
        if _stands(one) and one.communication.step.incident == command.incident
    ]
    reason = f"“{what.title}” was drafted since: {ended.links[0]}"
    await asyncio.gather(
        *(
            _withdraw(kit, one.key, reason)
            for one in older
            if one.requested_by.startswith(AUTOMATION) and one.key != key
        )
    )
    return ended


async def _withdraw(kit: Kit, key: str, reason: str) -> None:
    """Unless it was decided upon meanwhile, which Port's search may not show yet."""
    async with kit.locks.holding(key):
        if present := await kit.page_catalog.draft(key):
            await settle(kit, present.communication, "withdrawn", reason)


def _stands(draft: Draft) -> bool:
    """Whether it can still be approved."""
    late = draft.expires_at is None or draft.expires_at <= now()
    return draft.communication.state == "draft" and not late


def _none(why: str) -> Outcome:
    return Outcome(summary=f"Nothing to draft: {why}.", label="Nothing to draft")
