"""The integration's calls as the sandbox's journal has them: which are whose, and how one is named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sandbox.stage import Json

OURS = "incident-comms"
_STANDING = {"runs.list", "auth.access_token", "oauth.token", "auth.test", "incidents.list", "actions.get"}
"""What the integration does for itself, whatever goes on: tokens, the sweeper's lists, resyncs."""

_SWEPT = ("state", "publicStatus", "publicIncident", "$updatedAt", "linkedAt")
"""Properties by which the sweeper searches, and no operation does."""

_POLL = "incidents.unresolved"
"""The status page is polled by this; only resolving asks for it, too."""

_PREFIXES = re.compile(r"^(/port/v1|/slack/api|/zoom/v2|/statuspage/v1)")

_VARIABLE: dict[str, str] = {
    # What differs from time to time in the path of one and the same call.
    "RUN": r"\br_\w+",
    "HASH": r"\b(?:[0-9a-f]{16}|[0-9a-f]{10})\b",
    "ID": r"\b[a-z0-9]{12}\b",
    "NUMBER": r"\b[0-9]{9,}\b",
    "SERVICE": r"\bservice-[0-9]+\b",
    "HOST": r"\bbridge-[0-9]+@",
    "AUDIENCE": r"\b(?:engineering|management|support)\b",
    "READER": r"\b(?:engineer-[0-9]+|manager|agent)@example\.com\b",
}


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
    """One call of an operation: the n-th about the same, counted from 0."""

    service: str
    operation: str
    ordinal: int
    about: str = ""  # method and path, with what differs from time to time left out; empty: any
    acts: bool = False  # it changes something outside
    changes: bool = False  # it changes something, in Port or outside
    before: int = 0  # calls of ours to the same service that went before it
    alone: bool = False  # nothing else is under way from its beginning to the end of the next call
    twin: bool = False  # one about the same, which came before it, is under way as well

    def among(self, entries: list[Json], incident: str) -> int | None:
        """Its number in the journal, once it is among these full entries."""
        own = [
            one["n"]
            for one in entries
            if (one["service"], one["operation"]) == (self.service, self.operation)
            and self.about in ("", _about(one, incident))
            and ours(one)
            and not standing(one, polls=self.operation != _POLL)
        ]
        return own[self.ordinal] if self.ordinal < len(own) else None

    def planned(self, incident: str) -> Json:
        """The part of a planned fault that says which calls are meant: all that are about the same."""
        found: Json = {"service": self.service, "operation": self.operation}
        if self.service != "mail":
            found["caller"] = OURS
        if self.about:
            found["path"] = ".*" + _pattern(self.about.partition(" ")[2], incident)
        return found

    @property
    def kind(self) -> tuple[str, str, str]:
        return self.service, self.operation, self.about

    @property
    def name(self) -> str:
        return f"{self.service} {self.operation} {self._short}#{self.ordinal + 1}"

    @property
    def _short(self) -> str:
        """As much of the path as tells it from others of its operation."""
        path = self.about.partition(" ")[2]
        return path.replace("/blueprints/", "").replace("/entities", "").strip("/")


def listed(entries: list[Json], incident: str, polls: bool) -> list[Call]:
    """The operation's calls among these journal entries, in order; `polls`: it asks what a poll asks."""
    seen: Counter[tuple[str, str, str]] = Counter()
    before: Counter[str] = Counter()
    last: dict[tuple[str, str, str], float] = {}  # when the last of them had its answer
    found: list[Call] = []
    ordered = [one for one in sorted(entries, key=lambda one: float(one["started"])) if ours(one)]
    for number, entry in enumerate(ordered):
        service = str(entry["service"])
        place, before[service] = before[service], before[service] + 1
        if standing(entry, polls=not polls):
            continue
        about = _about(entry, incident)
        kind = (service, str(entry["operation"]), about)
        acts = bool(entry["effect"]) and service != "port" and entry["operation"] != "smtp.rcpt"
        changes = bool(entry["effect"])
        began, until = float(entry["started"]), float(entry["started"]) + float(entry["seconds"])
        twin = began < last.get(kind, 0.0)
        last[kind] = max(until, last.get(kind, 0.0))
        alone = _alone(ordered, number)
        found.append(Call(*kind[:2], seen[kind], about, acts, changes, place, alone, twin))
        seen[kind] += 1
    return found


def in_all(plays: Sequence[Sequence[Call]]) -> list[Call]:
    """The calls of the first play, so far as every other play has as many of the kind.

    How many there are may be chance: writes that meet become one, and what is read beside the operation
    comes sooner or later. A call has company (`twin`) or none (`alone`) where that is so in every play.
    """
    numbers = [Counter(one.kind for one in calls) for calls in plays]
    found = []
    for call in plays[0]:
        kind = call.kind
        if any(call.ordinal >= counted[kind] for counted in numbers):
            continue
        same = [one for calls in plays for one in calls if one.kind == kind and one.ordinal == call.ordinal]
        found.append(replace(call, alone=all(one.alone for one in same), twin=any(one.twin for one in same)))
    return found


def _alone(ordered: list[Json], number: int) -> bool:
    """Whether nothing but this call and the next is under way from its beginning to the next one's end."""
    if number + 1 >= len(ordered):
        return False
    this, following = ordered[number], ordered[number + 1]
    begins, ends = float(this["started"]), float(following["started"]) + float(following["seconds"])
    if float(following["started"]) < begins + float(this["seconds"]):
        return False
    others = (one for place, one in enumerate(ordered) if place not in (number, number + 1))
    return all(
        float(one["started"]) > ends or float(one["started"]) + float(one["seconds"]) < begins
        for one in others
    )


def _about(entry: Json, incident: str) -> str:
    path = _PREFIXES.sub("", str(entry["path"]).replace(incident, "INC"))
    for name, variable in _VARIABLE.items():
        path = re.sub(variable, name, path)
    return f"{entry['method']} {path}"


def _pattern(path: str, incident: str) -> str:
    """The regular expression of a path that `_about` has made."""
    found = re.escape(path).replace("INC", re.escape(incident))
    for name, variable in _VARIABLE.items():
        found = found.replace(name, variable)
    return found
