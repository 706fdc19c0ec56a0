"""Preview audiences: whom an incident would reach and why, where they read, and what they would be told.

A dry run: nothing is sent, nothing is written.
"""

from __future__ import annotations

from actions.base import Kit, need_incident
from actions.delivery import identifiers
from actions.voices import Situation, look, propose
from integration import audiences as rules
from integration import cadence, drafts
from integration.errors import BadInput
from integration.models.audience import Audience
from integration.models.run import Command, Outcome
from integration.times import iso, now

_PEOPLE = 5  # addresses told one by one


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    chosen = identifiers(command, "audiences")
    situation = await look(kit, identifier)
    every = await kit.audiences.named(chosen) if chosen else await kit.audiences.every()
    every, problems = await kit.audiences.with_people(every)
    lines: list[str] = []
    reached: list[str] = []
    for audience in every:
        said, concerned, wrong = await _preview(situation, audience)
        lines += said
        problems += wrong
        if concerned:
            reached.append(audience.identifier)
    facts = drafts.gather(Audience(identifier=""), situation.incident, situation.entity, (), ())
    lines.append(f"A template may use: {', '.join(drafts.names(facts))}")
    whom = ", ".join(reached) or "nobody"
    why = f" To mend: {'; '.join(problems)}" if problems else ""
    return Outcome(
        ok=not problems,
        summary=f"{identifier} reaches {whom}, of {len(every)} audiences. Nothing was sent.{why}",
        label="Previewed",
        log=tuple(lines),
    )


async def _preview(situation: Situation, audience: Audience) -> tuple[list[str], bool, list[str]]:
    """The lines about one audience, whether it is reached, and what is wrong with it."""
    incident, at = situation.incident, now()
    wrong = rules.problems(audience, at)
    try:
        found = rules.reach(audience, incident, situation.entity)
    except BadInput as problem:
        return [f"✘ {audience.identifier}: {problem}"], False, wrong
    places = len(audience.slack_channels) + len(audience.emails)
    concerned = found.reached and places > 0
    state = "reached" if concerned else "reached, but reads nowhere" if found.reached else "not concerned"
    lines = [
        f"{'✔' if concerned else '✘'} {audience.identifier}: {state}",
        *(f"    {line}" for line in found.why),
    ]
    if not found.reached:
        return lines, False, wrong
    people = list(audience.emails[:_PEOPLE])
    more = f" and {len(audience.emails) - _PEOPLE} more" if len(audience.emails) > _PEOPLE else ""
    lines.append(f"    channels: {', '.join(audience.slack_channels) or 'none'}")
    lines.append(f"    mail: {', '.join(people) or 'none'}{more}")
    try:
        due = cadence.due(audience, incident.severity, at)
        quiet = rules.quiet_until(audience, incident.severity, at)
        lines.append(f"    news promised: {f'by {iso(due)}, told now' if due else 'never'}")
        lines.append(f"    quiet hours: {f'until {iso(quiet)}' if quiet else 'not now'}")
        proposal = await propose(situation, audience, at)
    except BadInput:
        return lines, concerned, wrong  # said in `wrong` already
    wrong += [one for one in proposal.problems if one not in wrong]
    lines += [f"    {problem}" for problem in proposal.problems]
    lines += [f"    | {line}" for line in proposal.draft.text.splitlines()]
    lines += [f"    ({', '.join(one.sources)}) {one.text}" for one in proposal.draft.sentences]
    return lines, concerned, wrong
