"""The steps of notices: what each destination is told of a change, where, and under which key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from actions.delivery import words_key
from integration import messages, notices
from integration.models.audience import Audience
from integration.models.base import Json
from integration.models.communication import Communication, Step
from integration.models.incident import Incident, WarRoom
from integration.models.run import Command
from integration.notices import Change
from integration.times import iso


@dataclass(frozen=True)
class Notice:
    """What one place is to be told; `at`: not before, because of `why`. `earlier`: what it replaces."""

    place: tuple[str, Audience | None]
    changes: tuple[Change, ...]
    at: datetime | None = None
    why: str = ""
    earlier: tuple[Communication, ...] = ()


def notice_step(
    command: Command,
    incident: Incident,
    notice: Notice,
    version: str,
    record: Sequence[Communication],
    room: WarRoom | None,
) -> Step:
    """The key names the change, so two automations for one change meet."""
    destination, audience = notice.place
    about = [part for one in notice.changes for part in (one.field, one.before, one.after)]
    if [one.field for one in notice.changes] == ["status"]:
        about = about[1:]
    by_mail = "@" in destination
    details: Json = {
        "to": incident.status,
        "changes": [one.model_dump() for one in notice.changes],
        "version": version,
    }
    if notice.at is not None:
        details |= {"notBefore": iso(notice.at), "why": notice.why}
    if by_mail:
        mail = messages.change_mail(incident, notice.changes)
        text = mail.plain
        details |= {"subject": mail.subject, "html": mail.html, "thread": incident.identifier}
    else:
        part = messages.change_notice(incident, notice.changes)
        text = part.text
        details["blocks"] = part.blocks
        in_room = room is not None and destination == room.channel_id
        if not in_room and (thread := notices.first_message(record, destination)):
            details["thread"] = thread
    return Step(
        key=words_key(incident.identifier, "status", *about, version, destination),
        operation="send_email" if by_mail else "post_message",
        purpose=notices.PURPOSE,
        incident=incident.identifier,
        destination=destination,
        text=text,
        audience=audience.identifier if audience else "",
        requested_by=command.requested_by,
        run=command.run,
        details=details,
    )


def kept_back(step: Step) -> str:
    """Why a notice is not sent yet, as the record says it; empty where nothing keeps it."""
    until = step.details.get("notBefore")
    return f"{notices.WAITS}{until}: {step.details.get('why') or 'later'}" if until else ""
