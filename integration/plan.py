"""What is to be done for an incident, and under which keys. Pure: incident and settings in, steps out.

A key says what an effect is about, never who asked for it: a double click, a re-run and two automations
meet in one key. Identifiers join their parts by ":", which Port allows and every URL path survives.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b32encode
from collections.abc import Iterable
from datetime import datetime, timedelta

from slugify import slugify

from integration.errors import BadInput
from integration.models.base import Json
from integration.models.communication import Operation, Step
from integration.models.incident import Incident, WarRoom
from integration.settings import Settings

CHANNEL_NAME_LIMIT = 80  # Slack: lowercase letters, digits, hyphen, underscore, at most 80
_TAG_LENGTH = 5
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{6,}")


def room_id(incident: str, generation: int) -> str:
    """Identifier of the incident's n-th war room entity, counted from 1."""
    return incident if generation == 1 else f"{incident}:room:{generation}"


def step_key(room: str, purpose: str, number: int = 0) -> str:
    """Identifier of a communication: `INC-42:briefing`, `INC-42:closing:2`."""
    key = f"{room}:{purpose.replace(' ', '-')}"
    return f"{key}:{number}" if number else key


def tag(key: str, installation_key: str) -> str:
    """Short keyed hash that marks a channel as ours: nobody without the installation key can guess it."""
    digest = hmac.new(installation_key.encode(), key.encode(), hashlib.sha256).digest()
    return b32encode(digest).decode().lower()[:_TAG_LENGTH]


def channel_name(incident: Incident, key: str, settings: Settings, attempt: int = 1) -> str:
    """A valid Slack name from any title: `inc-42-checkout-latency-k7f3q`.

    `attempt` above 1 dodges a foreign channel that holds the name. The tag always stands at the end.
    """
    number = slugify(incident.identifier, max_length=24)
    prefix = slugify(settings.channel_prefix, max_length=16)
    if prefix and not number.startswith(prefix):
        number = f"{prefix}-{number}" if number else prefix
    end = tag(key, settings.installation_key)
    if attempt > 1:
        end = f"{attempt}-{end}"
    room_for_title = CHANNEL_NAME_LIMIT - len(number) - len(end) - 2
    title = slugify(incident.title, max_length=max(room_for_title, 0), word_boundary=True)
    return "-".join(part for part in (number, title, end) if part)


def linked_channel(value: str) -> str:
    """The channel id in `value`: an id, or a link to the channel. Never a name: names prove nothing.

    Raises BadInput when there is none.
    """
    text = value.strip()
    if _CHANNEL_ID.fullmatch(text):
        return text
    found = re.search(r"/(?:archives|client/[A-Z0-9]+)/([CG][A-Z0-9]{6,})(?:[/?#]|$)", text)
    if found:
        return found.group(1)
    raise BadInput("channel", f"{value!r} is neither a Slack channel id (C0123ABCD) nor a link to a channel")


def team_of(private: bool, settings: Settings) -> str:
    """The team in Port that owns what is said about an incident; none where it is for everybody."""
    return settings.private_rooms_team if private else ""


def hidden(private: bool, settings: Settings) -> bool:
    """Whether what is said stays in Slack: it is for few, and no team is named that may read it."""
    return private and not settings.private_rooms_team


def owned(steps: Iterable[Step], incident: Incident, settings: Settings) -> list[Step]:
    """The steps with the team that may read what they say."""
    team = team_of(incident.private, settings)
    return [step.model_copy(update={"team": team}) for step in steps]


def is_closed(incident: Incident, settings: Settings) -> bool:
    return incident.status.casefold() in {status.casefold() for status in settings.closed_statuses}


def why_no_room(incident: Incident, settings: Settings, automatic: bool, now: datetime) -> BadInput | None:
    """Why this incident gets no war room, or None when it gets one.

    A person who presses the button may open one for any severity; an automation is only a hint, so
    what its conditions check is checked again here against the present state.
    """
    name = incident.identifier
    if is_closed(incident, settings):
        return BadInput("status", f"incident {name} is {incident.status}; reopen it first")
    if not incident.severity:
        return BadInput("severity", f"incident {name} has none; set it, then open the war room")
    if not automatic:
        return None
    if incident.severity.casefold() not in {severity.casefold() for severity in settings.open_severities}:
        return BadInput("severity", f"{incident.severity} opens no war room by itself")
    hours = settings.max_incident_age_hours
    if incident.started_at and incident.started_at < now - timedelta(hours=hours):
        return BadInput(
            "startedAt",
            f"{name} began over {hours:g} hours ago; open its war room with the button if it is still wanted",
        )
    return None


def opening(
    incident: Incident, settings: Settings, generation: int, requested_by: str, run: str, link: str = ""
) -> dict[str, Step]:
    """The steps that open a war room, by purpose: channel, bridge, briefing.

    `link` is the id of an existing channel to use instead of creating one.
    """
    room = room_id(incident.identifier, generation)

    def step(operation: Operation, purpose: str, destination: str, details: Json) -> Step:
        return Step(
            key=step_key(room, purpose),
            operation=operation,
            purpose=purpose,
            incident=incident.identifier,
            destination=destination,
            requested_by=requested_by,
            run=run,
            details=details,
            team=team_of(incident.private, settings),
        )

    key = step_key(room, "channel")
    names = [channel_name(incident, key, settings, attempt) for attempt in (1, 2, 3)]
    channel: Json = {"link": link} if link else {"names": names, "private": incident.private}
    steps = {
        "channel": step("open_channel", "channel", link or names[0], channel),
        "briefing": step("post_message", "briefing", link or names[0], {}),
    }
    hosts = host_order(incident.identifier, settings)
    if hosts:
        about = f"{incident.identifier} {incident.title}".strip()
        bridge: Json = {"hosts": hosts, "topic": about[:200]}
        steps["bridge"] = step("open_bridge", "bridge", hosts[0], bridge)
    return steps


def host_order(incident: str, settings: Settings) -> list[str]:
    """The pool of Zoom hosts, rotated by the incident so that they share the daily limit evenly.

    The order is fixed in the intent: who recovers knows in which hosts' lists a meeting may stand.
    """
    hosts = list(settings.zoom_hosts) if settings.zoom_account_id else []
    if not hosts:
        return []
    start = int(hashlib.sha256(incident.encode()).hexdigest(), 16) % len(hosts)
    return hosts[start:] + hosts[:start]


def message(
    room: WarRoom,
    purpose: str,
    text: str,
    *,
    number: int = 0,
    about: str = "",
    requested_by: str = "",
    run: str = "",
    blocks: list[Json] | None = None,
) -> Step:
    """One message of ours into the room. `number` or `about` tells several of one purpose apart."""
    key = step_key(room.identifier, purpose, number)
    return Step(
        key=f"{key}:{about}" if about else key,
        operation="post_message",
        purpose=purpose,
        incident=room.incident,
        destination=room.channel_id,
        text=text,
        requested_by=requested_by,
        run=run,
        details={"blocks": blocks} if blocks else {},
        team=room.team,
    )
