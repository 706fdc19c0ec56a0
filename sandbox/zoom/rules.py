"""What Zoom accepts in a meeting: field types, lengths and enumerations, refused with code 300 by field."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sandbox.zoom import errors

Json = dict[str, Any]

MEETING_TYPES = (1, 2, 3, 8, 10)
TOPIC_MAX, AGENDA_MAX, PASSWORD_MAX = 200, 2_000, 10
_PASSWORD = re.compile(r"[A-Za-z0-9@_*!-]*")

_SETTING_ENUMS: dict[str, tuple[object, ...]] = {
    "approval_type": (0, 1, 2),
    "audio": ("both", "telephony", "voip", "thirdParty"),
    "auto_recording": ("local", "cloud", "none"),
    "calendar_type": (1, 2),
    "encryption_type": ("enhanced_encryption", "e2ee"),
    "jbh_time": (0, 5, 10, 15),
    "registration_type": (1, 2, 3),
    "who_can_ask_questions": (1, 2, 3, 4, 5),
    "who_will_receive_summary": (1, 2, 3, 4),
}
_SETTING_STRINGS = {
    "alternative_hosts",
    "audio_conference_info",
    "authentication_domains",
    "authentication_name",
    "authentication_option",
    "contact_email",
    "contact_name",
    "enforce_login_domains",
    "summary_template_id",
}
_SETTING_SWITCHES = {
    "allow_host_control_participant_mute_state",
    "allow_multiple_devices",
    "alternative_host_manage_cloud_recording",
    "alternative_host_manage_meeting_summary",
    "alternative_host_update_polls",
    "alternative_hosts_email_notification",
    "auto_start_ai_companion_questions",
    "auto_start_meeting_summary",
    "close_registration",
    "cn_meeting",
    "device_testing",
    "disable_participant_video",
    "email_in_attendee_report",
    "email_notification",
    "enforce_login",
    "focus_mode",
    "host_save_video_order",
    "host_video",
    "in_meeting",
    "internal_meeting",
    "join_before_host",
    "meeting_authentication",
    "mute_upon_entry",
    "participant_focused_meeting",
    "participant_video",
    "private_meeting",
    "push_change_to_calendar",
    "registrants_confirmation_email",
    "registrants_email_notification",
    "request_permission_to_unmute_participants",
    "show_join_info",
    "show_share_button",
    "use_pmi",
    "waiting_room",
    "watermark",
}


@cache
def _zones() -> frozenset[str]:
    # A machine without a zone database still knows UTC.
    return frozenset(available_timezones()) | {"UTC"}


def check(body: object, *, update: bool = False) -> Json:
    """The body as an object; raises ZoomError 300 listing every field that Zoom would refuse.

    A field that is null is as good as left out: clients with typed models send every field they know.
    """
    if not isinstance(body, dict):
        raise errors.ZoomError(400, 300, "Request Body should be a valid JSON object.")
    body = _given(body)
    wrong: list[dict[str, str]] = []

    def refuse(field: str, message: str) -> None:
        wrong.append({"field": field, "message": message})

    def text(field: str, longest: int) -> None:
        value = body.get(field)
        if value is None:
            return
        if not isinstance(value, str):
            refuse(field, "Invalid field.")
        elif len(value) > longest:
            refuse(field, f"The length must be less than or equal to {longest} characters.")

    text("topic", TOPIC_MAX)
    text("agenda", AGENDA_MAX)
    text("password", PASSWORD_MAX)
    text("schedule_for", 320)
    password = body.get("password")
    if isinstance(password, str) and not _PASSWORD.fullmatch(password):
        refuse("password", "Only letters, digits and the characters @ - _ * ! are allowed.")
    kind = body.get("type")
    if kind is not None and (isinstance(kind, bool) or kind not in MEETING_TYPES):
        refuse("type", "Invalid field. Valid values are 1, 2, 3, 8, 10.")
    duration = body.get("duration")
    if duration is not None and not (_integer(duration) and 1 <= int(duration) <= 1440):
        refuse("duration", "Must be a whole number of minutes from 1 to 1440.")
    if body.get("start_time") is not None and start_time(body) is None:
        refuse("start_time", "Invalid date-time; use yyyy-MM-ddTHH:mm:ssZ.")
    zone = body.get("timezone")
    if zone is not None and not (isinstance(zone, str) and zone in _zones()):
        refuse("timezone", "Invalid timezone.")
    if kind == 8 and not update and not isinstance(body.get("recurrence"), dict):
        refuse("recurrence", "Required for a recurring meeting with fixed time.")
    _check_settings(body.get("settings"), refuse)
    if wrong:
        raise errors.invalid(wrong)
    return body


def _given(body: Json) -> Json:
    given = {name: value for name, value in body.items() if value is not None}
    if isinstance(given.get("settings"), dict):
        given["settings"] = {name: value for name, value in given["settings"].items() if value is not None}
    return given


def _check_settings(settings: object, refuse: Any) -> None:
    if settings is None:
        return
    if not isinstance(settings, dict):
        refuse("settings", "Invalid field.")
        return
    for name, value in settings.items():
        field = f"settings.{name}"
        if name in _SETTING_ENUMS and (isinstance(value, bool) or value not in _SETTING_ENUMS[name]):
            refuse(field, f"Valid values are {', '.join(map(str, _SETTING_ENUMS[name]))}.")
        elif name in _SETTING_SWITCHES and not isinstance(value, bool):
            refuse(field, "Must be true or false.")
        elif name in _SETTING_STRINGS and not isinstance(value, str):
            refuse(field, "Must be a string.")


def _integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def start_time(body: Json) -> float | None:
    """`start_time` in seconds since the epoch; local to `timezone` when it carries no offset, else None."""
    given = body.get("start_time")
    if not isinstance(given, str):
        return None
    try:
        parsed = datetime.fromisoformat(given)
    except ValueError:
        return None
    if parsed.tzinfo is None:
        zone = body.get("timezone")
        named = isinstance(zone, str) and zone != "UTC" and zone in _zones()
        parsed = parsed.replace(tzinfo=ZoneInfo(str(zone)) if named else UTC)
    return parsed.timestamp()
