"""Better words for drafts that stand in Port, where Port AI is wanted and has some."""

from __future__ import annotations

from collections.abc import Sequence

from actions.base import Kit
from actions.voices import Proposal, Situation, checked
from integration.draft_opinion import BY_MODEL
from integration.drafts import Draft
from integration.drafts.proposed import Wanted

OWN_TEMPLATE = "template of "


async def reword(
    kit: Kit, situation: Situation, proposals: Sequence[Proposal], written: Sequence[str]
) -> list[Proposal]:
    """The proposals as they stand afterwards; `written`: their identifiers in Port.

    Ours stay for the public, for who has a template of his own, and where something is to be looked at. A
    draft that somebody has sent or replaced meanwhile is left alone. Raises the errors of PortService.
    """
    if kit.draft_opinion is None or situation.incident.private or _for_few(situation):
        return list(proposals)
    wanted = [
        Wanted(audience=one.audience, facts=one.facts, ours=one.draft)
        for one in proposals
        if one.facts and not one.blocked and not one.draft.made_by.startswith(OWN_TEMPLATE)
    ]

    def check(one: Wanted, draft: Draft) -> list[str]:
        return list(checked(situation, one.audience, draft).blocked)

    worded = await kit.draft_opinion.ask(situation.incident.identifier, wanted, check)
    found: list[Proposal] = []
    hows: dict[str, str] = {}
    for one, identifier in zip(proposals, written, strict=True):
        answer = worded.get(one.audience.identifier) if one.facts else None
        if answer is None:
            found.append(one)
            continue
        now = await kit.audiences.draft(identifier)
        if now is None or now.state != "ready" or now.text != one.draft.text:
            found.append(one)
            continue
        if answer.draft:
            await kit.audiences.reword_draft(identifier, answer.draft, BY_MODEL)
            found.append(one.model_copy(update={"draft": answer.draft, "how": answer.how}))
        else:
            hows[identifier] = answer.how
            found.append(one.model_copy(update={"how": answer.how}))
    await kit.audiences.tell_how(hows)
    return found


def _for_few(situation: Situation) -> bool:
    return situation.room is not None and situation.room.private
