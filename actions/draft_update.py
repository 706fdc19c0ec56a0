"""Draft an update: a text per audience, from what was noted since its last one, and one for the page.

Nobody gets anything: each draft is an entity in Port, where a person reads, changes and sends it.
"""

from __future__ import annotations

import asyncio

from actions.base import Kit, need_incident
from actions.delivery import identifiers
from actions.voices import Proposal, Situation, look, propose, propose_page, reached
from actions.wording import reword
from integration import plan
from integration.audience_catalog import STATUS_PAGE
from integration.draft_opinion import BY_TEMPLATE
from integration.entities import DRAFT
from integration.errors import BadInput
from integration.models.audience import Audience
from integration.models.run import Command, Outcome
from integration.times import now


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    chosen = identifiers(command, "audiences")
    situation = await look(kit, identifier)
    problems: list[str] = []
    if chosen:
        audiences = await kit.audiences.named(chosen)
    else:
        audiences, problems = reached(situation, await kit.audiences.every())
    audiences, unknown = await kit.audiences.with_people(audiences)
    problems += unknown
    proposals: list[Proposal] = []
    for audience in audiences:
        try:
            proposals.append(await propose(situation, audience))
        except BadInput as problem:
            problems.append(str(problem))
    if not situation.incident.private:
        proposals.append(propose_page(situation))
    written = await keep(kit, situation, proposals, command.run)
    # Ours stand by now: nobody waits for Port AI who does not want to.
    proposals = await reword(kit, situation, proposals, written)
    log = [line for one, draft in zip(proposals, written, strict=True) for line in _lines(one, draft)]
    ready = sum(not one.blocked for one in proposals)
    told = f"{ready} ready" + (f", {len(proposals) - ready} to look at" if ready < len(proposals) else "")
    why = f" {'; '.join(problems)}" if problems else ""
    return Outcome(
        ok=not problems,
        summary=f"Drafts for {identifier}: {told}. Nobody has got them yet.{why}",
        label="Drafted",
        links=tuple(kit.catalog.reader.page(DRAFT, draft) for draft in written),
        log=(*log, *problems, *situation.unread),
    )


async def keep(kit: Kit, situation: Situation, proposals: list[Proposal], run: str) -> list[str]:
    """Write the drafts, in place of earlier ones that were not sent; their identifiers."""
    until = now()
    earlier = await kit.audiences.drafts(situation.incident.identifier)
    team = plan.team_of(situation.incident.private, kit.settings)
    written = await asyncio.gather(
        *(
            kit.audiences.write_draft(
                situation.incident.identifier,
                one.draft,
                run,
                state="blocked" if one.blocked else "ready",
                notes_until=until,
                problems=one.problems,
                cleaned=one.cleaned,
                destinations=_destinations(one.audience),
                team=team,
                how=one.how,
            )
            for one in proposals
        )
    )
    whom = {one.audience.identifier for one in proposals}
    stale = [
        one.identifier
        for one in earlier
        if one.audience in whom and one.state in ("ready", "blocked") and one.identifier not in written
    ]
    await kit.audiences.settle_drafts(dict.fromkeys(stale, "overtaken"))
    return list(written)


def _destinations(audience: Audience) -> list[str]:
    return [*audience.slack_channels, *audience.emails]


def _lines(one: Proposal, draft: str) -> list[str]:
    name = one.audience.identifier or STATUS_PAGE
    mark = "✘" if one.blocked else "✔"
    how = f", {one.how}" if one.facts and one.how != BY_TEMPLATE else ""
    lines = [
        f"{mark} {name} ({draft}), by {one.draft.made_by}{how}",
        *(f"    {what}" for what in one.problems),
    ]
    if one.draft.left_out:
        lines.append(f"    {one.draft.left_out} sentences of the notes are not for these readers")
    return [*lines, *(f"    | {line}" for line in one.draft.text.splitlines())]
