"""Words for a status page: what a draft begins with, what its approver reads, and the hash that binds the
two to what goes out. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from integration.errors import BadInput
from integration.mdtext import one_line
from integration.models.base import Json
from integration.models.statuspage import ComponentChange
from integration.settings import variable
from integration.times import when

COMPONENT_STATE_OF: Mapping[str, str] = {
    "critical": "major_outage",
    "major": "partial_outage",
    "minor": "degraded_performance",
    "none": "operational",
}
"""The state that makes Statuspage derive this impact."""

WORDS: Mapping[str, str] = {
    "title": "Problems with {components}",
    "investigating": (
        "We are looking into a problem with {components}. Some customers may be affected. "
        "We will say more here as soon as we know it."
    ),
    "identified": "We know what causes the problem with {components} and are working on it.",
    "monitoring": "The problem with {components} is mended. We are watching whether it holds.",
    "resolved": "The problem with {components} is over. We are sorry for the trouble.",
    "reopened": "The problem with {components} is back. We are working on it.",
    "maintenance": "Maintenance of {components}",
    "scheduled": "We will work on {components} from {start} to {end}. It may not be available meanwhile.",
    "completed": "The maintenance of {components} is done.",
}
"""By public status; `title` and `maintenance` are names. What is in braces is filled in."""

NOWHERE = "our service"  # where no component is named


def proposed(what: str, own: Mapping[str, str], components: Sequence[str], **more: str) -> str:
    """Words to begin with. `own` are the customer's, by the names of `WORDS`.

    Only what customers see anyway is filled in: names of components, times. Raises BadInput for a brace
    that nothing fills.
    """
    template = own.get(what) or WORDS[what]
    values = {"components": _listed(components), **more}
    try:
        return template.format_map(values)
    except (KeyError, ValueError, IndexError, AttributeError) as problem:
        known = ", ".join(f"{{{name}}}" for name in values)
        raise BadInput(
            variable("public_words"), f"{what}: {problem} can't be filled in; known: {known}"
        ) from None


def content_hash(content: Json) -> str:
    """Of all that goes out: page, public incident, words, states of components, who is told."""
    plain = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()


def preview(
    *,
    what: str,
    page: str,
    public: str,
    inputs: Json,
    changes: Sequence[ComponentChange],
    notes: Sequence[str],
    author: str,
    expires: datetime,
) -> str:
    """Markdown for the approver: exactly what goes out, where, what changes, and who is told.

    `notes` say what was proposed and why, and what stays.
    """
    lines = [f"**{what}** on {one_line(page, 255)}" + (f", of “{one_line(public, 255)}”" if public else "")]
    if inputs.get("name"):
        lines.append(f"**Title:** {one_line(str(inputs['name']), 255)}")
    if inputs.get("status"):
        lines.append(f"**Public status:** {inputs['status']}")
    if inputs.get("impact"):
        lines.append(f"**Impact shown:** {inputs['impact']}")
    if inputs.get("scheduledFor"):
        clock = "by the clock" if inputs.get("automatic", True) else "by hand"
        window = f"**From** {utc(inputs['scheduledFor'])} **to** {utc(inputs.get('scheduledUntil'))}"
        lines.append(f"{window}, {clock}")
    quoted = "\n".join(f"> {line}" for line in str(inputs.get("body") or "").splitlines())
    lines.append(quoted or "> (no words)")
    rows = [f"| {one_line(one.name, 100)} | {one.before or 'unknown'} | {one.after} |" for one in changes]
    table = ["| component | is | becomes |", "|---|---|---|", *rows]
    lines.append("\n".join(table) if rows else "No component changes.")
    told = "**get a message**" if inputs.get("notifySubscribers") else "get no message"
    lines.append(f"Subscribers {told}.")
    lines += [f"- {note}" for note in notes]
    lines.append(
        f"Drafted by {author or 'nobody known'}; can be approved until {expires:%Y-%m-%d %H:%M} UTC."
    )
    return "\n\n".join(lines)


def utc(time: object) -> str:
    """A time of a form as people read it, whichever zone it was given in; what is none stays as it is."""
    at = when(time)
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else str(time or "")


def _listed(components: Sequence[str]) -> str:
    if not components:
        return NOWHERE
    *some, last = components
    return f"{', '.join(some)} and {last}" if some else last
