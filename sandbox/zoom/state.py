"""What a Zoom account holds: users, meetings, the occurrences that took place, and who was in them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from sandbox.world import World
from sandbox.zoom import errors

Json = dict[str, Any]

BASIC, LICENSED, NO_MEETINGS = 1, 2, 99
INSTANT, SCHEDULED, RECURRING_NO_TIME, RECURRING = 1, 2, 3, 8

EXPIRES_AFTER = 30 * 86_400.0
"""Seconds after its scheduled time at which a scheduled meeting's id expires (support article KB0065195)."""


@dataclass
class User:
    """A member of the account. `type`: 1 basic, 2 licensed, 99 none (may not host)."""

    id: str
    email: str
    name: str
    created: float
    type: int = LICENSED
    status: str = "active"  # active | inactive | pending

    @property
    def may_host(self) -> bool:
        return self.type in (BASIC, LICENSED) and self.status == "active"


@dataclass
class Participant:
    """One stay of one person in one occurrence."""

    user_id: str  # number within the meeting
    participant_uuid: str
    name: str
    email: str
    account_user: str  # user id on the account; empty for guests
    joined: float
    left: float | None = None


@dataclass
class Occurrence:
    """One time a meeting took place; each has a UUID of its own."""

    uuid: str
    started: float
    ended: float | None = None
    participants: list[Participant] = field(default_factory=list)
    summary: str = ""  # Markdown, as AI Companion would write it
    summarised: float = 0.0

    def present(self) -> list[Participant]:
        return [p for p in self.participants if p.left is None]


@dataclass
class Meeting:
    id: int
    uuid: str  # of the occurrence under way, else of the next
    host: User
    type: int
    topic: str
    agenda: str
    duration: int  # minutes
    timezone: str
    password: str
    created: float
    start: float | None  # None for instant meetings and those without a fixed time
    settings: Json
    extra: Json = field(default_factory=dict)  # recurrence, tracking_fields, pre_schedule, as given
    source: str = "open_api"
    deleted: bool = False
    live: Occurrence | None = None
    past: list[Occurrence] = field(default_factory=list)
    updates: list[float] = field(default_factory=list)

    def expired(self, now: float) -> bool:
        """Zoom forgets an instant meeting when it ends and a scheduled one 30 days after its time."""
        if self.live is not None:
            return False
        if self.type == INSTANT:
            return bool(self.past)
        last = max([self.start or self.created, *(o.ended or 0.0 for o in self.past)])
        return now > last + EXPIRES_AFTER


class Store:
    """The account's state. Identifiers come from the world, so a seed plays the same story again."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.web = "https://zoom.example.com"  # where join links point; the running sandbox sets its own
        self.clear()

    def clear(self) -> None:
        self.users: dict[str, User] = {}
        self.meetings: dict[int, Meeting] = {}

    def now(self) -> float:
        return self.world.clock.now("zoom")

    def uuid(self) -> str:
        """22 characters and padding, standard base64: may begin with "/" or hold "//", as Zoom's do."""
        return base64.b64encode(self.world.ids.random.randbytes(16)).decode()

    def url_safe(self) -> str:
        return base64.urlsafe_b64encode(self.world.ids.random.randbytes(16)).decode().rstrip("=")

    def add_user(self, email: str, name: str = "", type: int = LICENSED, status: str = "active") -> User:
        known = self.by_email(email)
        if known is not None:
            known.type, known.status, known.name = type, status, name or known.name
            return known
        user = User(self.url_safe(), email, name or email.split("@")[0], self.now(), type, status)
        self.users[user.id] = user
        return user

    def by_email(self, email: str) -> User | None:
        return next((u for u in self.users.values() if u.email.lower() == email.lower()), None)

    def user(self, key: str) -> User:
        """By id, e-mail or "me" (the owner of the app: the first user). Raises ZoomError 1001."""
        if key == "me" and self.users:
            return next(iter(self.users.values()))
        user = self.users.get(key) or self.by_email(key)
        if user is None:
            raise errors.no_user(key)
        return user

    def host(self, key: str) -> User:
        """Like `user`, of somebody who may host. Raises ZoomError 3161 for the others."""
        user = self.user(key)
        if not user.may_host:
            raise errors.may_not_host()
        return user

    def meeting(self, key: str) -> Meeting:
        """By number. Raises ZoomError 300 for what is no number, 3001 when gone, expired or unknown."""
        if not key.isdigit():
            raise errors.ZoomError(400, 300, f"Invalid meeting id: {key}.")
        found = self.meetings.get(int(key))
        if found is None or found.deleted or found.expired(self.now()):
            raise errors.no_meeting(key)
        return found

    def occurrence(self, key: str) -> tuple[Meeting, Occurrence]:
        """An ended occurrence, by its UUID or as the latest of a meeting number. Raises ZoomError 3001."""
        for meeting in self.meetings.values():
            ended = meeting.past
            if key == str(meeting.id) and ended:
                return meeting, ended[-1]
            for occurrence in ended:
                if occurrence.uuid == key:
                    return meeting, occurrence
        raise errors.no_meeting(key)

    def new_meeting_id(self) -> int:
        while True:
            number = int(self.world.ids.random.choice("89") + self.world.ids.digits(10))
            if number not in self.meetings:
                return number
