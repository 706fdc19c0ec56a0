"""Approve a draft for a status page: exactly what was read goes out, and nothing else."""

from __future__ import annotations

from actions.base import Kit, text_input
from actions.public_consent import Consent
from actions.public_operations import SPOKEN, Spoken
from integration import page_words
from integration.errors import BadInput
from integration.models.base import Json
from integration.models.communication import Communication
from integration.models.run import Command, Outcome
from integration.times import now

REASON_LIMIT = 500


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
        if draft.state != "draft":
            why = f": {draft.reason}" if draft.reason else ""
            return Outcome(
                ok=draft.state == "superseded",
                summary=f"This draft is {draft.state}{why}",
                label="Already sent" if draft.state == "superseded" else draft.state.capitalize(),
            )
        if not command.requested_by or command.automatic:
            raise BadInput("approval", "only a person approves a public text")
        if held.expires_at is None or held.expires_at <= now():
            reason = "it has expired; draft it again"
            await kit.page_catalog.end_draft(key, "withdrawn", reason)
            raise BadInput("communication", reason)
        content = _content(draft, held.content_hash, text_input(command, "contentHash", 64))
        if not override and command.requested_by == draft.step.requested_by:
            raise BadInput("approval", f"{command.requested_by} wrote this text and can't approve it as well")
        what = _what(content)
        consent = Consent(
            by=command.requested_by,
            draft=key,
            content=held.content_hash,
            override=override,
            components=content["components"],
            public=str(content.get("public") or "") or None,
        )
        ended = await what.carry_out(_command(command, draft, what, content), kit, _given(consent))
        if ended.ok:
            sent = f"{ended.label}: {' '.join(ended.links)}. {consent.told()}"
            await kit.page_catalog.end_draft(key, "superseded", sent, command.requested_by)
    return ended


def _content(draft: Communication, recorded: str, read: str) -> Json:
    """What was drafted, where it is what the approver has read."""
    content = draft.step.details.get("content")
    if not isinstance(content, dict) or not isinstance(content.get("inputs"), dict):
        raise BadInput("communication", "its content can't be read; draft it again")
    now_is = page_words.content_hash(content)
    same_words = str(content["inputs"].get("body") or "") == draft.step.text
    if not read:
        raise BadInput("contentHash", "is missing: press the button on the draft that you have read")
    if now_is != recorded or now_is != read or not same_words:
        raise BadInput("communication", "it was changed after it was drafted; draft it again")
    return content


def _what(content: Json) -> Spoken:
    for one in SPOKEN.values():
        if one.operation == content.get("operation"):
            return one
    raise BadInput("communication", f"{content.get('operation')!r} is nothing that a status page is told")


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


async def _given(consent: Consent) -> Consent:
    return consent
