"""A public incident becomes something else: resolved, open again, completed. Once, whoever asks how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from actions.base import Kit
from actions.public import Published, last_word, left_unsaid, page_service, tell
from actions.public_consent import Consent
from integration.effects_public import marker
from integration.models.base import Json
from integration.models.communication import Operation, Step
from integration.models.incident import Incident
from integration.models.run import Command, Outcome
from integration.models.statuspage import PublicIncident


@dataclass(frozen=True)
class Turn:
    """What it becomes. `there`: whether a public incident is that already; `key`: part of the keys."""

    operation: Operation
    purpose: str
    key: str
    status: str
    there: Callable[[PublicIncident], bool]
    done: str  # "resolved"
    shown: str  # what our incident shows as its public status; empty for a maintenance


async def turn(
    kit: Kit,
    command: Command,
    incident: Incident,
    consent: Consent,
    what: Turn,
    target: Published,
    details: Json,
    body: str,
    log: tuple[str, ...],
) -> Outcome:
    """Say it on the page. `details`: `components` and `notify`. Call it with the incident's lock held."""
    public, number = target.shown, 1
    while True:
        key = turn_key(incident.identifier, what.key, public.id, number)
        step = Step(
            key=key,
            replaces=last_word(target, public, key),
            operation=what.operation,
            purpose=what.purpose,
            incident=incident.identifier,
            destination=target.page,
            text=body,
            requested_by=command.requested_by,
            approved_by=consent.by,
            run=command.run,
            details={
                "page": target.page,
                "public": public.id,
                "published": target.key,
                "status": what.status,
                "metadata": public.metadata,
                "listed": list(public.components),
                **details,
                **consent.details(),
            },
        )
        (claim,) = await kit.performer.intend([step], insist=command.by_person)
        if not claim.done or claim.step.run == command.run or what.there(public):
            break
        # Said before, and not so: undone by hand, unless somebody has just said it again.
        public = await page_service(kit).incident(target.page, public.id) or public
        if what.there(public):
            break
        number += 1
    name = f"The public incident of {incident.identifier}"
    if not claim.done and what.there(public) and marker(public).get("operation") != step.key:
        await kit.performer.abandon([claim], f"it was {what.done} on the page by hand")
        await kit.performer.flush()
        return Outcome(summary=f"{name} is {public.status} already.", label=f"Already {what.done}")
    said = [update.created_at for update in public.updates]
    if (unsaid := await left_unsaid(kit, command, incident, claim, said)) is not None:
        return unsaid
    receipt = await kit.performer.perform(claim, instead=step)
    if not claim.acted and claim.step.run != command.run:  # its own is told until it is reported
        return Outcome(
            summary=f"{name} was {what.done} before: {receipt.permalink}.",
            label="Already sent",
            links=(receipt.permalink,),
        )
    problem = await tell(kit, command, incident, what.done, receipt, what.shown, body)
    return Outcome(
        summary=f"{name} is {what.done}: {receipt.permalink}. {problem}".strip(),
        label=what.done.capitalize(),
        links=(receipt.permalink,),
        log=(*log, told_subscribers(bool(details["notify"])), consent.told()),
    )


def turn_key(incident: str, what: str, public: str, number: int) -> str:
    """It happens once to a public incident; what was undone by hand since has the next number."""
    return f"{incident}:{what}:{public}" + (f":{number}" if number > 1 else "")


def told_subscribers(notify: bool) -> str:
    return f"Subscribers are {'told' if notify else 'not told'}."
