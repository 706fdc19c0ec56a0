"""Announce a maintenance on a status page for an incident, such as the fix that needs one, after approval."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta

from actions.base import Kit, need_incident
from actions.delivery import flag
from actions.public import (
    chosen_page,
    known_page,
    left_unsaid,
    maintenance_key,
    page_service,
    public_body,
    public_name,
    refuse_private,
    tell,
)
from actions.public_components import listed_components
from actions.public_consent import Consent, by_approval
from actions.public_guards import judge
from actions.public_step import Said, public_step
from integration.claim import Claim
from integration.errors import BadInput
from integration.models.base import Json
from integration.models.run import Command, Outcome
from integration.models.statuspage import MaintenanceWindow
from integration.services.statuspage import StatuspageService
from integration.times import now, when

LATEST = timedelta(days=366)


async def handle(command: Command, kit: Kit) -> Outcome:
    return await by_approval(command, kit, carry_out)


async def carry_out(command: Command, kit: Kit, consenting: Awaitable[Consent]) -> Outcome:
    identifier = need_incident(command)
    service = page_service(kit)
    page, name, body = chosen_page(kit, command), public_name(command), public_body(command)
    notify = flag(command, "notifySubscribers")
    window = window_of(command, notify)
    async with kit.locks.holding(identifier):
        incident, consent, listed, _ = await asyncio.gather(
            kit.catalog.incident(identifier),
            consenting,
            listed_components(kit, service, command, page),
            known_page(kit, page),
        )
        refuse_private(incident)
        judged = await judge(kit, command, incident, status="scheduled", name=name, body=body)
        said = Said(body, notify, consent, judged)
        number = 1
        while True:
            step = public_step(
                command,
                said,
                operation="schedule_maintenance",
                purpose="maintenance",
                key=maintenance_key(identifier, page, number),
                page=page,
                details={
                    "name": name,
                    "status": "scheduled",
                    "window": window.model_dump(mode="json"),
                    "components": {},
                    "listed": [one.id for one in listed],
                },
            )
            (claim,) = await kit.performer.intend([step], insist=command.by_person)
            held = claim.step.details
            same = held.get("name") == name and held.get("window") == step.details["window"]
            if claim.done and claim.step.run != command.run and not (same and await _stands(service, claim)):
                number += 1  # another maintenance, or one that was taken off the page or ended since
                continue
            if (unsaid := await left_unsaid(kit, command, incident, claim)) is not None:
                return unsaid
            receipt = await kit.performer.perform(claim, instead=step)
            break
        if not claim.acted and claim.step.run != command.run:
            return Outcome(
                summary=f"This maintenance is announced already: {receipt.permalink}",
                label="Already sent",
                links=(receipt.permalink,),
            )
        problem = await tell(kit, command, incident, "maintenance scheduled", receipt, "")
    return Outcome(
        summary=(
            f"“{name}” is announced for {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC: "
            f"{receipt.permalink}. {problem}"
        ).strip(),
        label="Scheduled",
        links=(receipt.permalink,),
        log=said.told(),
    )


async def _stands(service: StatuspageService, claim: Claim) -> bool:
    data: Json = claim.receipt.data if claim.receipt else {}
    shown = await service.incident(str(data.get("page")), str(data.get("incident")))
    return shown is not None and not shown.over


def window_of(command: Command, notify: bool) -> MaintenanceWindow:
    """The window that the inputs name. Raises BadInput for one that is past, reversed or over a year away."""
    start, end = (_time(command, name) for name in ("scheduledFor", "scheduledUntil"))
    if end <= start:
        raise BadInput("scheduledUntil", "is not after the beginning; swap them or choose a later end")
    if start <= now():
        raise BadInput("scheduledFor", f"{start:%Y-%m-%d %H:%M} UTC is past; choose a time to come")
    if end - now() > LATEST:
        raise BadInput("scheduledUntil", "is over a year away")
    return MaintenanceWindow(
        start=start,
        end=end,
        automatic=flag(command, "automatic", default=True),
        remind=notify,
        notify=notify,
    )


def _time(command: Command, name: str) -> datetime:
    found = when(command.inputs.get(name))
    if found is None:
        raise BadInput(name, "choose a date and a time")
    return found
