"""Approve a draft for a status page: exactly what was read goes out, and nothing else."""

from __future__ import annotations

from actions.base import Kit, text_input
from actions.public_consent import PREVIEW, Consent, content_in, given, refuse_own, settle_as
from actions.public_operations import Spoken, of_operation
from integration.errors import BadInput
from integration.models.base import Json
from integration.models.communication import Communication
from integration.models.run import Command, Outcome
from integration.times import now

REASON_LIMIT = 500
AGAIN = "draft it again"


async def handle(command: Command, kit: Kit) -> Outcome:
    """By somebody else than the draft's author."""
    return await approve(command, kit, override="")


async def approve(command: Command, kit: Kit, override: str) -> Outcome:
    """`override`: why the author sends it himself, on a permission that Port has checked.

    Raises BadInput for a draft that is none any more, has expired, has been changed since it was read, or
    is the approver's own.
    """
    key = command.inputs.get("communication")
    if not isinstance(key, str) or not key:
        raise BadInput("communication", "run this action on a draft")
    async with kit.locks.holding(key):
        held = await kit.page_catalog.draft(key)
        if held is None:
            raise BadInput("communication", f"Port has no draft {key!r}")
        draft = held.communication
        if draft.step.purpose == PREVIEW:
            raise BadInput(
                "communication",
                f"it waits for the approval of its run; approve that: {kit.runs.url(draft.step.run)}",
            )
        if draft.state != "draft":
            why = f": {draft.reason}" if draft.reason else ""
            return Outcome(
                ok=draft.state == "superseded",
                summary=f"This draft is {draft.state}{why}",
                label="Already sent" if draft.state == "superseded" else draft.state.capitalize(),
            )
        if not command.requested_by or command.automatic or await kit.runs.automatic(command.run):
            raise BadInput("approval", "only a person approves a public text")
        if held.expires_at is None or held.expires_at <= now():
            reason = "it has expired; draft it again"
            await kit.page_catalog.end_draft(key, "withdrawn", reason)
            raise BadInput("communication", reason)
        read = text_input(command, "contentHash", 64)
        if not read:
            raise BadInput("contentHash", "is missing: press the button on the draft that you have read")
        content = content_in(held, AGAIN)
        if read != held.content_hash:
            raise BadInput("communication", f"it was changed after it was drafted; {AGAIN}")
        if not override:
            await refuse_own(kit, draft.step.requested_by, command.requested_by)
        what = of_operation(content.get("operation"))
        if what is None:
            raise BadInput("communication", f"{content.get('operation')!r} is nothing that a page is told")
        consent = Consent(
            by=command.requested_by,
            at=now(),
            draft=key,
            content=held.content_hash,
            override=override,
            components=content["components"],
            public=str(content.get("public") or "") or None,
            was=str(content.get("was") or ""),
        )
        ended = await what.carry_out(_command(command, draft, what, content), kit, given(consent))
        if ended.ok:  # else it can be approved again
            await settle_as(kit, draft, ended, consent)
    return ended


def _command(command: Command, draft: Communication, what: Spoken, content: Json) -> Command:
    """What the author would have asked for himself."""
    return command.model_copy(
        update={
            "action": what.action,
            "incident": draft.step.incident,
            "inputs": content["inputs"],
            "requested_by": draft.step.requested_by,
        }
    )
