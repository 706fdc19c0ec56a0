"""Post an update to audiences: each in its Slack channels and, where it has addresses, by email."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from actions.base import Kit, latest_room, need_incident
from actions.delivery import Sent, check_private, claim_words, deliver, flag, identifiers, outcome, words_key
from actions.overtaken import overtaken
from integration import messages, plan
from integration.errors import BadInput
from integration.models import Audience, Command, Incident, Outcome, Step


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    names = identifiers(command, "audiences")
    if not names:
        raise BadInput("audiences", "choose at least one audience")
    text = messages.checked_text("text", command.inputs.get("text"), messages.UPDATE_LIMIT)
    again = flag(command, "sendAgain", default=False)
    incident, audiences, room = await asyncio.gather(
        kit.catalog.incident(identifier), kit.catalog.audiences(names), latest_room(kit, identifier)
    )
    check_private(command, incident)
    problems = [
        f"audience {one.identifier} has neither a Slack channel nor an address"
        for one in audiences
        if not (one.slack_channels or one.emails)
    ]
    steps = [
        step
        for audience in each_reader_once(audiences)
        for step in (
            *slack_steps(command, incident, audience, text),
            *mail_steps(command, incident, audience, "", text),
        )
    ]
    results: list[Sent] = []
    if steps:
        claims = await claim_words(kit, plan.owned(steps, incident, kit.settings), command, again)
        late = await overtaken(kit, command, incident, claims)
        results = await deliver(kit, claims, room, command.run, late)
        await kit.performer.flush()
    return outcome(f"Update of {identifier}", results, problems)


def each_reader_once(audiences: Sequence[Audience]) -> list[Audience]:
    """The audiences without the channels and addresses that an audience named before them has."""
    channels: set[str] = set()
    addresses: set[str] = set()
    found: list[Audience] = []
    for audience in audiences:
        news = {
            "slack_channels": _not_in(channels, audience.slack_channels, str),
            "emails": _not_in(addresses, audience.emails, str.casefold),
        }
        found.append(audience.model_copy(update=news))
    return found


def _not_in(seen: set[str], values: Sequence[str], same: Callable[[str], str]) -> tuple[str, ...]:
    """The values that `seen` lacks; it has them afterwards. `same` is alike for values that are the same."""
    found: list[str] = []
    for value in values:
        if same(value) not in seen:
            seen.add(same(value))
            found.append(value)
    return tuple(found)


def slack_steps(command: Command, incident: Incident, audience: Audience, text: str) -> list[Step]:
    """One message per channel and part: Slack's limits split a long update."""
    parts = messages.update(incident, text, audience.title)
    return [
        Step(
            key=words_key(incident.identifier, "update", channel, text, str(number)),
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
            key=words_key(incident.identifier, purpose, address.casefold(), subject, text),
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
