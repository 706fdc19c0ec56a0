"""The integration's calls as the sandbox's journal has them: which are whose, and how one is named."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from sandbox.stage import Json

OURS = "incident-comms"
_STANDING = {"runs.list", "auth.access_token", "oauth.token", "auth.test", "incidents.list", "actions.get"}
"""What the integration does for itself, whatever goes on: tokens, the sweeper's lists, resyncs."""

_SWEPT = ("state", "publicStatus", "publicIncident", "$updatedAt", "linkedAt")
"""Properties by which the sweeper searches, and no operation does."""

_POLL = "incidents.unresolved"
"""The status page is polled by this; only resolving asks for it, too."""

_RUN = re.compile(r"\br_\w+")


def ours(entry: Json) -> bool:
    """A call by our own clients. Ocean's are not ours: its start, polls, resyncs and metrics go on anyway."""
    if entry["direction"] != "in":
        return False
    return entry["service"] == "mail" or str(entry["caller"]).startswith(OURS)


def standing(entry: Json, polls: bool = True) -> bool:
    """A call that belongs to no operation: the sweeper's searches, tokens, polls unless told otherwise.

    Needs the entry in full.
    """
    if entry["operation"] in _STANDING or (polls and entry["operation"] == _POLL):
        return True
    if not entry["operation"].endswith("entities.search"):
        return False
    asked = str(entry["request"].get("body", ""))
    return any(f'"{name}"' in asked for name in _SWEPT) and '"relatedTo"' not in asked


def swept(entry: Json) -> bool:
    """The look for intents without an outcome, with which the sweeper's round is nearly over."""
    return ours(entry) and str(entry["path"]).endswith("/incidentCommunication/entities/search")


@dataclass(frozen=True)
class Call:
    """One call of an operation: the n-th of its kind, counted from 0."""

    service: str
    operation: str
    ordinal: int
    about: str = ""  # method and path, with what differs from time to time left out
    acts: bool = False  # it changes something outside
    changes: bool = False  # it changes something, in Port or outside
    before: int = 0  # calls to the same service that went before it, whosoever they are

    def among(self, entries: list[Json]) -> int | None:
        """Its number in the journal, once it is among these full entries."""
        same = [
            one for one in entries if (one["service"], one["operation"]) == (self.service, self.operation)
        ]
        own = [one["n"] for one in same if ours(one) and not standing(one, polls=self.operation != _POLL)]
        return own[self.ordinal] if self.ordinal < len(own) else None

    @property
    def name(self) -> str:
        return f"{self.service} {self.operation}#{self.ordinal + 1}"


def listed(entries: list[Json], incident: str, polls: bool) -> list[Call]:
    """The operation's calls among these journal entries, in order; `polls`: it asks what a poll asks."""
    seen: Counter[tuple[str, str]] = Counter()
    before: Counter[str] = Counter()
    found: list[Call] = []
    for entry in entries:
        service = str(entry["service"])
        before[service] += entry["direction"] == "in"
        if not ours(entry) or standing(entry, polls=not polls):
            continue
        kind = (entry["service"], entry["operation"])
        acts = bool(entry["effect"]) and entry["service"] != "port" and entry["operation"] != "smtp.rcpt"
        changes = bool(entry["effect"])
        place = before[service] - 1
        found.append(Call(*kind, seen[kind], _about(entry, incident), acts, changes, place))
        seen[kind] += 1
    return found


def _about(entry: Json, incident: str) -> str:
    path = _RUN.sub("RUN", str(entry["path"]).replace(incident, "INC"))
    for prefix in ("/port/v1", "/slack/api", "/zoom/v2", "/statuspage/v1"):
        path = path.removeprefix(prefix)
    return f"{entry['method']} {path}"
