"""Who reads us, and what they may know."""

from __future__ import annotations

from typing import Literal

from integration.models.base import Json, Value

Knows = Literal["technical", "business", "customer-safe"]
KNOWS: tuple[Knows, ...] = ("technical", "business", "customer-safe")


class Audience(Value):
    """A named group of readers: where they read, what concerns them, how they are spoken to.

    As the commsAudience entity has it; `integration.audiences` says what the rules, times and hours mean.
    """

    identifier: str
    title: str = ""
    slack_channels: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()  # names of teams in Port; their people get mail
    notices: bool = False
    knows: Knows = "technical"
    reach: Json = {}  # which incidents: a query in Port's search form; empty: every one
    template: str = ""  # Jinja2; empty: ours for what they may know
    language: str = "en"
    tone: str = "plain"
    promised: Json = {}  # severity, or "*" for any other -> minutes between two updates
    quiet: Json = {}  # severity, or "*" -> "22:00-07:00"; and "timeZone"
