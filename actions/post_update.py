"""Post an update to audiences: each in its Slack channels and, where it has addresses, by email."""

from __future__ import annotations

import asyncio

from actions.base import Kit, need_incident
from actions.delivery import Sent, check_private, claim_words, deliver, flag, identifiers, outcome, words_key
from integration import messages
from integration.errors import BadInput
from integration.models import Audience, Command, Incident, Outcome, Step


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    names = identifiers(command, "audiences")
    if not names:
        raise BadInput("audiences", "choose at least one audience")
    text = messages.checked_text("text", command.inputs.get("text"), messages.UPDATE_LIMIT)
    again = flag(command, "sendAgain", default=False)
    incident, audiences = await asyncio.gather(kit.catalog.incident(identifier), kit.catalog.audiences(names))
    check_private(command, incident)
    steps: list[Step] = []
    problems: list[str] = []
    for audience in audiences:
        of_audience = [
            *slack_steps(command, incident, audience, text),
            *mail_steps(command, incident, audience, "", text),
        ]
        if not of_audience:
            problems.append(f"audience {audience.identifier} has neither a Slack channel nor an address")
        steps += of_audience
    results: list[Sent] = []
    if steps:
        results = await deliver(kit, await claim_words(kit, steps, command, again))
        await kit.performer.flush()
    return outcome(f"Update of {identifier}", results, problems)


def slack_steps(command: Command, incident: Incident, audience: Audience, text: str) -> list[Step]:
    """One message per channel and part: Slack's limits split a long update."""
    parts = messages.update(incident, text, audience.title)
    return [
        Step(
            key=words_key(incident.identifier, "update", audience.identifier, channel, text, str(number)),
            operation="post_message",
            purpose="update",
            incident=incident.identifier,
            destination=channel,
            text=part.text,
            audience=audience.identifier,
            requested_by=command.requested_by,
            run=command.run,
            details={"blocks": part.blocks},
        )
        for channel in audience.slack_channels
        for number, part in enumerate(parts)
    ]


def mail_steps(
    command: Command, incident: Incident, audience: Audience, subject: str, text: str, purpose: str = "update"
) -> list[Step]:
    """One mail per person."""
    mail = messages.email(incident, subject, text)
    return [
        Step(
            key=words_key(incident.identifier, purpose, audience.identifier, address, subject, text),
            operation="send_email",
            purpose=purpose,
            incident=incident.identifier,
            destination=address,
            text=mail.plain,
            audience=audience.identifier,
            requested_by=command.requested_by,
            run=command.run,
            details={"subject": mail.subject, "html": mail.html, "thread": incident.identifier},
        )
        for address in audience.emails
    ]
