"""What keeps words from a status page: leaks, and contradictions with what is known inside.

Each finding blocks or warns as the settings weigh it. A person may send a text all the same; who and why
stands on the record with what was found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from actions.base import Kit, latest_room, text_input
from integration import guards, plan, timeline
from integration.errors import BadInput
from integration.guard_words import guard_rules
from integration.guards import Finding
from integration.models.base import Json
from integration.models.incident import Incident
from integration.models.run import AUTOMATION, Command
from integration.times import now

OVERRIDE_LIMIT = 500
_SHOWN = 10  # findings told one by one


@dataclass(frozen=True)
class Judged:
    """What was found, and who sends it all the same."""

    findings: tuple[Finding, ...] = ()
    unread: tuple[str, ...] = ()  # lists that could not be read: what they hold was not looked for
    by: str = ""
    reason: str = ""

    def details(self) -> Json:
        """For the record. A secret's own text is in no finding."""
        if not self.findings:
            return {}
        found: Json = {"findings": [{"rule": one.rule, "reason": one.reason} for one in self.findings]}
        return {"guards": found | ({"override": {"by": self.by, "reason": self.reason}} if self.by else {})}

    def told(self) -> tuple[str, ...]:
        sent = f"Sent all the same by {self.by}: {self.reason}" if self.by else ""
        lines = [f"{'Overridden' if one.blocking else 'Warning'}: {one.reason}." for one in self.findings]
        return (*lines, *([sent] if sent else []), *self.unread)


async def judge(
    kit: Kit,
    command: Command,
    incident: Incident,
    *,
    status: str,
    name: str = "",
    body: str,
    impact: str = "",
    components: Mapping[str, str] | None = None,
    held: frozenset[str] = frozenset(),
) -> Judged:
    """Hold what the page would say against what is known.

    `components`: state of each that the public incident will list or change; `held`: those that something
    else keeps as they are. Raises BadInput with every reason, its place and the cleaned text where
    something blocks and nobody has taken it upon himself.
    """
    (words, unread), room = await asyncio.gather(
        kit.guard_words.words(), latest_room(kit, incident.identifier)
    )
    notes = await kit.catalog.notes_of_room(room) if room is not None else []
    facts = [found for note in notes if (found := timeline.note_facts(note)) is not None]
    rules = guard_rules(kit.settings)
    leaks = [leak for text in (name, body) for leak in guards.leaks(text, knows="customer-safe", words=words)]
    public = guards.Public(
        name=name,
        body=body,
        status=status,
        impact=impact,
        components=components or {},
        held=held,
        titled=bool(name),  # what needs one has refused none before
    )
    inside = guards.Inside(
        status=incident.status,
        severity=incident.severity,
        closed=plan.is_closed(incident, kit.settings),
        private=incident.private,
        started_at=incident.started_at,
    )
    findings = (
        *guards.leak_findings(leaks, rules.weights),
        *guards.contradictions(public, inside, facts, now=now(), rules=rules),
    )
    blocking = guards.blocking(findings)
    why = text_input(command, "override", OVERRIDE_LIMIT)
    by = command.requested_by
    if not blocking:
        return Judged(findings, unread)
    if why and by and not by.startswith(AUTOMATION) and all(one.lifted for one in blocking):
        return Judged(findings, unread, by, why)
    told = "; ".join(one.reason for one in blocking[:_SHOWN])
    more = f"; and {len(blocking) - _SHOWN} more" if len(blocking) > _SHOWN else ""
    clean = guards.cleaned(body, guards.leaks(body, knows="customer-safe", words=words))
    instead = f" Cleaned text:\n{clean}" if clean != body else ""
    lifted = all(one.lifted for one in blocking)
    way = ", or say in “Send it all the same” why it may go out" if lifted else ""
    raise BadInput("body", f"blocked: {told}{more}. Change it{way}.{instead}")
