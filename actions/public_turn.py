"""A public incident becomes something else: resolved, open again, completed. Once, whoever asks how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from actions.base import Kit, need_incident
from actions.delivery import flag
from actions.overtaken import resumed
from actions.public import Published, last_word, left_unsaid, page_service, public_body, spoken_of, tell
from actions.public_components import changed_components, going_back
from actions.public_consent import Consent
from actions.public_guards import judge
from actions.public_step import Said, public_step
from integration.effects_public import marker
from integration.models.communication import Operation
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
    opened_by: Operation = "publish_incident"


async def end(command: Command, kit: Kit, consenting: Awaitable[Consent], what: Turn) -> Outcome:
    """Say that a public incident or a maintenance is over. Of its components, those that it changed and
    that nothing else holds go back to operational."""
    service = page_service(kit)
    body, notify = public_body(command), flag(command, "notifySubscribers")
    async with kit.locks.holding(need_incident(command)):
        incident, consent, target, record = await spoken_of(kit, command, consenting, what.opened_by)
        ours = changed_components(record, target.shown)
        found = (await going_back(kit, service, target.page, target.shown, ours)).only(consent.components)
        back = dict.fromkeys(found.back, "operational")
        judged = await judge(
            kit,
            command,
            incident,
            status=what.shown,  # the end of a maintenance says nothing of the incident, which may go on
            body=body,
            components={**target.shown.components, **back},
            held=found.stay,
        )
        names = ", ".join(found.names[one] for one in found.back) or "no component"
        said = Said(body, notify, consent, judged)
        log = (f"Back to operational: {names}.", *found.left)
        return await turn(kit, command, incident, what, target, said, back, log)


async def turn(
    kit: Kit,
    command: Command,
    incident: Incident,
    what: Turn,
    target: Published,
    said: Said,
    components: Mapping[str, str],
    log: tuple[str, ...] = (),
) -> Outcome:
    """Say it on the page. `components` become this with it. Call it with the incident's lock held."""
    public, number = target.shown, 1
    while True:
        key = turn_key(incident.identifier, what.key, public.id, number)
        step = public_step(
            command,
            said,
            operation=what.operation,
            purpose=what.purpose,
            key=key,
            replaces=last_word(target, public, key),
            page=target.page,
            details={
                "public": public.id,
                "published": target.key,
                "status": what.status,
                "metadata": public.metadata,
                "listed": list(public.components),
                "components": dict(components),
            },
        )
        (claim,) = await kit.performer.intend([step], insist=command.by_person)
        if not claim.done or claim.step.run == command.run:
            break
        following = turn_key(incident.identifier, what.key, public.id, number + 1)
        if resumed(command) and await kit.catalog.communication(following) is not None:
            number += 1  # this run was cut off after one of these
            continue
        if what.there(public):
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
    heard = [update.created_at for update in public.updates]
    if (unsaid := await left_unsaid(kit, command, incident, claim, heard)) is not None:
        return unsaid
    receipt = await kit.performer.perform(claim, instead=step)
    if not claim.acted and claim.step.run != command.run:  # its own is told until it is reported
        return Outcome(
            summary=f"{name} was {what.done} before: {receipt.permalink}.",
            label="Already sent",
            links=(receipt.permalink,),
        )
    problem = await tell(kit, command, incident, what.done, receipt, what.shown, said.body)
    return Outcome(
        summary=f"{name} is {what.done}: {receipt.permalink}. {problem}".strip(),
        label=what.done.capitalize(),
        links=(receipt.permalink,),
        log=(*log, *said.told()),
    )


def turn_key(incident: str, what: str, public: str, number: int) -> str:
    """It happens once to a public incident; what was undone by hand since has the next number."""
    return f"{incident}:{what}:{public}" + (f":{number}" if number > 1 else "")
