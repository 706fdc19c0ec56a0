"""The steps of words to an audience: one for each channel and part of a long text, one for each person."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from actions.delivery import words_key
from integration import messages
from integration.models.audience import Audience
from integration.models.base import Json
from integration.models.communication import Step
from integration.models.incident import Incident
from integration.models.run import Command


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


def slack_steps(
    command: Command, incident: Incident, audience: Audience, text: str, details: Json | None = None
) -> list[Step]:
    """One message per channel and part: Slack's limits split a long update. `details` go on the record."""
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
            details={"blocks": part.blocks, **(details or {})},
        )
        for channel in audience.slack_channels
        for number, part in enumerate(parts)
    ]


def mail_steps(
    command: Command,
    incident: Incident,
    audience: Audience,
    subject: str,
    text: str,
    purpose: str = "update",
    details: Json | None = None,
) -> list[Step]:
    """One mail per person. `details` go on the record."""
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
            details={
                "subject": mail.subject,
                "html": mail.html,
                "thread": incident.identifier,
                **(details or {}),
            },
        )
        for address in audience.emails
    ]
