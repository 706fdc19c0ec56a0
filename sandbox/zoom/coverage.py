"""What of Zoom's API the emulator does. A test holds this table to the routes and to the contract.

Scopes: any one of an operation's scopes suffices, classic or granular, as its reference page lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sandbox.zoom.limits import Label


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    status: Literal["supported", "partial", "not"]
    label: Label = "light"
    scopes: tuple[str, ...] = ()
    notes: str = ""


_MEETING_READ = ("meeting:read", "meeting:read:admin")
_MEETING_WRITE = ("meeting:write", "meeting:write:admin")
_USER_READ = ("user:read", "user:write", "user:read:admin", "user:write:admin")


def _granular(name: str) -> tuple[str, ...]:
    return (name, f"{name}:admin")


COVERAGE: tuple[Operation, ...] = (
    Operation("oauth.token", "POST", "/oauth/token", "supported", notes="server-to-server grant only"),
    Operation(
        "users.list",
        "GET",
        "/users",
        "supported",
        "medium",
        (*_USER_READ, "user:read:list_users:admin"),
    ),
    Operation(
        "users.get",
        "GET",
        "/users/{userId}",
        "supported",
        "light",
        (*_USER_READ, *_granular("user:read:user")),
    ),
    Operation(
        "meetings.list",
        "GET",
        "/users/{userId}/meetings",
        "supported",
        "medium",
        (*_MEETING_READ, *_granular("meeting:read:list_meetings")),
    ),
    Operation(
        "meetings.create",
        "POST",
        "/users/{userId}/meetings",
        "partial",
        "light",
        (*_MEETING_WRITE, *_granular("meeting:write:meeting")),
        "a recurrence is stored, its occurrences are not computed; no templates, PMI or registration",
    ),
    Operation(
        "meetings.get",
        "GET",
        "/meetings/{meetingId}",
        "partial",
        "light",
        (*_MEETING_READ, *_granular("meeting:read:meeting")),
        "occurrence_id is ignored",
    ),
    Operation(
        "meetings.update",
        "PATCH",
        "/meetings/{meetingId}",
        "partial",
        "light",
        (*_MEETING_WRITE, *_granular("meeting:update:meeting")),
        "occurrence_id is ignored",
    ),
    Operation(
        "meetings.delete",
        "DELETE",
        "/meetings/{meetingId}",
        "partial",
        "light",
        (*_MEETING_WRITE, *_granular("meeting:delete:meeting")),
        "the whole series; sends no reminder",
    ),
    Operation(
        "meetings.status",
        "PUT",
        "/meetings/{meetingId}/status",
        "supported",
        "light",
        (*_MEETING_WRITE, *_granular("meeting:update:status")),
    ),
    Operation(
        "meetings.summary",
        "GET",
        "/meetings/{meetingId}/meeting_summary",
        "partial",
        "light",
        ("meeting_summary:read", "meeting_summary:read:admin", *_granular("meeting:read:summary")),
        "exists where the control API ended the meeting with one",
    ),
    Operation(
        "meetings.recordings",
        "GET",
        "/meetings/{meetingId}/recordings",
        "partial",
        "light",
        (
            "recording:read",
            "recording:read:admin",
            *_granular("cloud_recording:read:list_recording_files"),
        ),
        "the transcript alone, where the control API ended the call with one; else 404, code 3301",
    ),
    Operation(
        "past_meetings.get",
        "GET",
        "/past_meetings/{meetingId}",
        "supported",
        "light",
        (*_MEETING_READ, *_granular("meeting:read:past_meeting")),
    ),
    Operation(
        "past_meetings.instances",
        "GET",
        "/past_meetings/{meetingId}/instances",
        "supported",
        "medium",
        (*_MEETING_READ, *_granular("meeting:read:list_past_instances")),
    ),
    Operation(
        "past_meetings.participants",
        "GET",
        "/past_meetings/{meetingId}/participants",
        "supported",
        "medium",
        (*_MEETING_READ, *_granular("meeting:read:list_past_participants")),
    ),
    Operation("users.settings", "GET", "/users/{userId}/settings", "not"),
    Operation("meetings.upcoming", "GET", "/users/{userId}/upcoming_meetings", "not"),
    Operation("users.recordings", "GET", "/users/{userId}/recordings", "not"),
    Operation("meetings.invitation", "GET", "/meetings/{meetingId}/invitation", "not"),
    Operation("recordings.delete", "DELETE", "/meetings/{meetingId}/recordings", "not"),
    Operation("recordings.settings", "GET", "/meetings/{meetingId}/recordings/settings", "not"),
    Operation("recordings.settings_update", "PATCH", "/meetings/{meetingId}/recordings/settings", "not"),
    Operation("meetings.transcript", "GET", "/meetings/{meetingId}/transcript", "not"),
    Operation("meetings.summary_delete", "DELETE", "/meetings/{meetingId}/meeting_summary", "not"),
    Operation("meetings.summaries", "GET", "/meetings/meeting_summaries", "not"),
    Operation("live_meetings.events", "PATCH", "/live_meetings/{meetingId}/events", "not"),
    Operation("report.participants", "GET", "/report/meetings/{meetingId}/participants", "not"),
)

BY_NAME = {operation.name: operation for operation in COVERAGE}

DEFAULT_SCOPES = frozenset(
    scope for o in COVERAGE for scope in o.scopes if scope.count(":") == 3 and scope.endswith(":admin")
)
"""What the sandbox's app was granted: granular admin scopes, as server-to-server apps use them."""


def is_granular(scope: str) -> bool:
    """Whether a scope names its resource (`meeting:read:meeting`) or is classic (`meeting:read:admin`)."""
    parts = scope.split(":")
    return len(parts) >= 3 and parts[2] != "admin"
