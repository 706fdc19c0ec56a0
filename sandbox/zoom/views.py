"""Zoom's objects as its API and its webhooks print them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from sandbox import credentials
from sandbox.zoom.state import INSTANT, RECURRING_NO_TIME, Meeting, Occurrence, Participant, User

Json = dict[str, Any]

AGENDA_IN_LISTS = 250  # characters of the agenda that a list shows; get shows all

SETTINGS: Json = {
    "host_video": False,
    "participant_video": False,
    "cn_meeting": False,
    "in_meeting": False,
    "join_before_host": False,
    "jbh_time": 0,
    "mute_upon_entry": False,
    "watermark": False,
    "use_pmi": False,
    "approval_type": 2,
    "audio": "both",
    "auto_recording": "none",
    "enforce_login": False,
    "enforce_login_domains": "",
    "alternative_hosts": "",
    "alternative_hosts_email_notification": True,
    "close_registration": False,
    "show_share_button": False,
    "allow_multiple_devices": False,
    "registrants_confirmation_email": True,
    "registrants_email_notification": True,
    "meeting_authentication": False,
    "waiting_room": False,
    "encryption_type": "enhanced_encryption",
    "email_notification": True,
    "host_save_video_order": False,
    "internal_meeting": False,
    "participant_focused_meeting": False,
    "push_change_to_calendar": False,
    "auto_start_meeting_summary": False,
    "auto_start_ai_companion_questions": False,
    "device_testing": False,
}
"""What an account without settings of its own gives a new meeting."""


def stamp(seconds: float) -> str:
    """Zoom prints whole seconds in UTC: 2026-01-31T10:00:00Z."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")


def user(one: User) -> Json:
    first, _, last = one.name.partition(" ")
    return {
        "id": one.id,
        "first_name": first[:64],
        "last_name": last[:64],
        "display_name": one.name[:128],
        "email": one.email,
        "type": one.type,
        "status": one.status,
        "pmi": 0,
        "timezone": "UTC",
        "verified": 1,
        "dept": "",
        "created_at": stamp(one.created),
        "last_login_time": stamp(one.created),
        "language": "en-US",
        "account_id": credentials.ZOOM_ACCOUNT_ID,
    }


def listed_user(one: User) -> Json:
    full = user(one)
    for name in ("language", "account_id"):
        del full[name]
    return full


def _encrypted(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()[:32] + ".1"


def join_url(one: Meeting, web: str) -> str:
    """The link for participants; `web` is where the sandbox shows a meeting to a browser."""
    suffix = f"?pwd={_encrypted(one.password)}" if one.password else ""
    return f"{web}/j/{one.id}{suffix}"


def meeting(one: Meeting, web: str, now: float) -> Json:
    """The whole meeting. `start_url` lets whoever holds it start as host; it dies after two hours."""
    body: Json = {
        "uuid": one.uuid,
        "id": one.id,
        "host_id": one.host.id,
        "host_email": one.host.email,
        "assistant_id": "",
        "topic": one.topic,
        "type": one.type,
        "status": "started" if one.live else "waiting",
        "timezone": one.timezone,
        "agenda": one.agenda,
        "created_at": stamp(one.created),
        "start_url": f"{web}/s/{one.id}?zak=sandbox-not-a-secret-{int(now)}",
        "join_url": join_url(one, web),
        "settings": {**SETTINGS, **one.settings},
        "creation_source": one.source,
        "pre_schedule": False,
        **one.extra,
    }
    if one.type not in (INSTANT, RECURRING_NO_TIME):
        body["start_time"] = stamp(one.start if one.start is not None else one.created)
        body["duration"] = one.duration
    if one.password:
        body |= {
            "password": one.password,
            "h323_password": one.password,
            "pstn_password": one.password,
            "encrypted_password": _encrypted(one.password),
        }
    return body


def listed_meeting(one: Meeting, web: str) -> Json:
    """A meeting in a list: fewer fields and the first 250 characters of the agenda."""
    body: Json = {
        "uuid": one.uuid,
        "id": one.id,
        "host_id": one.host.id,
        "topic": one.topic,
        "type": one.type,
        "duration": one.duration,
        "timezone": one.timezone,
        "agenda": one.agenda[:AGENDA_IN_LISTS],
        "created_at": stamp(one.created),
        "join_url": join_url(one, web),
    }
    if one.start is not None:
        body["start_time"] = stamp(one.start)
    return body


def past(one: Meeting, occurrence: Occurrence, now: float) -> Json:
    ended = occurrence.ended or now
    stays = [(p.left or ended) - p.joined for p in occurrence.participants]
    return {
        "uuid": occurrence.uuid,
        "id": one.id,
        "host_id": one.host.id,
        "type": one.type,
        "topic": one.topic,
        "user_name": one.host.name,
        "user_email": one.host.email,
        "start_time": stamp(occurrence.started),
        "end_time": stamp(ended),
        "duration": _minutes(ended - occurrence.started),
        "total_minutes": sum(_minutes(stay) for stay in stays),
        "participants_count": len(occurrence.participants),
        "dept": "",
        "source": "Zoom",
        "has_meeting_summary": bool(occurrence.summary),
    }


def _minutes(seconds: float) -> int:
    return max(1, round(seconds / 60))


def participant(one: Participant, now: float) -> Json:
    left = one.left or now
    return {
        "id": one.account_user,
        "user_id": one.user_id,
        "name": one.name,
        "user_email": one.email,
        "join_time": stamp(one.joined),
        "leave_time": stamp(left),
        "duration": int(left - one.joined),
        "registrant_id": "",
        "failover": False,
        "status": "in_meeting",
        "internal_user": bool(one.account_user),
    }


def summary(one: Meeting, occurrence: Occurrence) -> Json:
    """`summary_content` (Markdown) is the field to read; Zoom still sends its older ones beside it."""
    ended = occurrence.ended or occurrence.summarised
    return {
        "meeting_host_id": one.host.id,
        "meeting_host_email": one.host.email,
        "meeting_uuid": occurrence.uuid,
        "meeting_id": one.id,
        "meeting_topic": one.topic,
        "meeting_start_time": stamp(occurrence.started),
        "meeting_end_time": stamp(ended),
        "summary_start_time": stamp(occurrence.started),
        "summary_end_time": stamp(ended),
        "summary_created_time": stamp(occurrence.summarised),
        "summary_last_modified_time": stamp(occurrence.summarised),
        "summary_title": f"Meeting summary for {one.topic}",
        "summary_overview": occurrence.summary.split("\n", 1)[0].lstrip("# "),
        "summary_details": [{"label": "Summary", "summary": occurrence.summary}],
        "next_steps": _next_steps(occurrence.summary),
        "summary_content": occurrence.summary,
    }


def _next_steps(summary: str) -> list[str]:
    """What is listed below a heading "Next steps"."""
    found: list[str] = []
    inside = False
    for line in summary.splitlines():
        if line.startswith("#"):
            inside = line.lstrip("# ").lower().startswith("next steps")
        elif inside and line.startswith("- "):
            found.append(line[2:].strip())
    return found
