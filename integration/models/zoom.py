"""Zoom's meetings and people, as far as we use them."""

from __future__ import annotations

from datetime import datetime

from integration.models.base import Value


class Meeting(Value):
    """A Zoom meeting. `start_url` is never kept: it lets whoever holds it act as the host."""

    id: str
    uuid: str
    host: str  # e-mail or user id it was created for
    agenda: str = ""
    join_url: str
    status: str = ""  # waiting | started | ""


class PastMeeting(Value):
    """A call that took place and is over."""

    uuid: str
    started: datetime
    ended: datetime


class ZoomUser(Value):
    """A person of the Zoom account who may be a host."""

    licensed: bool = False  # Zoom's type 2; a basic host's meetings end after 40 minutes
    active: bool = False
