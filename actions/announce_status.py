"""Tell the room and the audiences that want notices that an incident's status has changed. Concise.

Of a private incident the room alone is told: whom else it concerns is a person's decision.
"""

from __future__ import annotations

import asyncio

from actions.base import Kit, latest_room, need_incident
from actions.delivery import deliver, outcome, words_key
from actions.overtaken import too_late
from integration import messages, plan
from integration.models import Audience, Command, Incident, Operation, Outcome, Step, WarRoom
from integration.times import when


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    before, after = str(command.inputs.get("from") or ""), str(command.inputs.get("to") or "")
    version = str(command.inputs.get("version") or "")
    incident, room, audiences = await asyncio.gather(
        kit.catalog.incident(identifier), latest_room(kit, identifier), kit.catalog.noticed_audiences()
    )
    if not after or after.casefold() == before.casefold():
        return Outcome(summary=f"The status of {identifier} has not changed.", label="Nothing to do")
    overtaken = too_late(when(version))
    if incident.status.casefold() != after.casefold():
        overtaken = f"overtaken: {identifier} went on from {after} to {incident.status}"
    if incident.private:
        audiences = []
    told = incident.model_copy(update={"status": after}) if overtaken else incident
    steps = notice_steps(
        command, told, room, audiences, before, version, closing=plan.is_closed(told, kit.settings)
    )
    steps = plan.owned(steps, incident, kit.settings)
    if overtaken:
        # On the record all the same: people see what was not said, and can still say it.
        await kit.performer.abandon(await kit.performer.intend(steps), overtaken, "superseded")
        await kit.performer.flush()
        return Outcome(summary=f"Not sent, {overtaken}.", label="Overtaken")
    if not steps:
        return Outcome(summary=f"Nobody gets status notices of {identifier}.", label="Nothing to do")
    results = await deliver(kit, await kit.performer.intend(steps), room, command.run)
    await kit.performer.flush()
    return outcome(f"{identifier} {before} → {after}", results)


def notice_steps(
    command: Command,
    incident: Incident,
    room: WarRoom | None,
    audiences: list[Audience],
    before: str,
    version: str,
    closing: bool,
) -> list[Step]:
    """One notice per destination. The key names the change, so two automations for one change meet."""
    notice = messages.status_notice(incident, before, incident.status)
    mail = messages.status_mail(incident, before, incident.status)

    def step(operation: Operation, destination: str, audience: str) -> Step:
        by_mail = operation == "send_email"
        return Step(
            # The change itself: which status, from which, in which version of the entity.
            key=words_key(incident.identifier, "status", before, incident.status, version, destination),
            operation=operation,
            purpose="status notice",
            incident=incident.identifier,
            destination=destination,
            text=mail.plain if by_mail else notice.text,
            audience=audience,
            requested_by=command.requested_by,
            run=command.run,
            details={"to": incident.status}
            | (
                {"subject": mail.subject, "html": mail.html, "thread": incident.identifier}
                if by_mail
                else {"blocks": notice.blocks}
            ),
        )

    steps: dict[str, Step] = {}
    # The closing message says it already when the room closes with the incident.
    if room is not None and room.state == "open" and not closing:
        steps[room.channel_id] = step("post_message", room.channel_id, "")
    for audience in audiences:
        for channel in audience.slack_channels:
            steps.setdefault(channel, step("post_message", channel, audience.identifier))
        for address in audience.emails:
            steps.setdefault(address, step("send_email", address, audience.identifier))
    return list(steps.values())
