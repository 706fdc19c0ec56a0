"""That somebody may have words said in public: who, of which content, and on what grounds.

Port's own approval is of a run's inputs. What follows from them stands in the draft that `waiting_runs`
writes while the run waits, and that is what the approval holds for: another thing is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from loguru import logger

from actions.base import Kit
from actions.overtaken import resumed, withdraw
from integration import page_words
from integration.errors import BadInput, ServiceError
from integration.models.base import Json
from integration.models.communication import Communication
from integration.models.run import AUTOMATION, Command, Outcome
from integration.page_catalog import Draft
from integration.settings import variable
from integration.times import iso, now

PREVIEW = "preview"
"""Purpose of the draft that belongs to a run which waits for Port's approval."""
AGAIN = "press the button again"
UNREAD = "its run was approved before this stood; what was approved are the run's inputs"
_DERIVED = ("page", "status")  # inputs that a run may leave open and its draft fills in
_USUAL: Json = {"differentStates": False, "automatic": True}
"""What a form may say by itself, or leave to us."""


@dataclass(frozen=True)
class Consent:
    """An approval, and what it was given for.

    by          who approved
    at          when; None where nobody says
    draft       identifier of the draft that was approved; empty where it was the run's inputs alone
    content     hash of what the draft says and changes
    of_run      whether Port's approval of the run was waited for
    override    why nobody else was asked, where its author sends it on a permission of his own
    components  component -> state as approved; None where the run's own inputs say which
    public      the public incident it is for; None where there was none, or the run's inputs say which
    was         what that public incident said when it was approved, where the words say it again
    """

    by: str
    at: datetime | None = None
    draft: str = ""
    content: str = ""
    of_run: bool = False
    override: str = ""
    components: Mapping[str, str] | None = None
    public: str | None = None
    was: str = ""

    def details(self) -> Json:
        """What the record keeps of it."""
        kept: Json = {"by": self.by, "through": "the run's approval in Port" if self.of_run else "a draft"}
        if self.at is not None:
            kept["at"] = iso(self.at)
        if self.draft:
            kept |= {"draft": self.draft, "contentHash": self.content}
        else:
            kept["of"] = "the run's inputs"
        return {"approval": kept | ({"override": self.override} if self.override else {})}

    def told(self) -> str:
        if self.override:
            return f"Sent by {self.by} without a second person: {self.override}"
        of = "" if self.draft else " What was approved are the run's inputs: no draft of it stood yet."
        return f"Approved by {self.by}.{of}"

    @property
    def again(self) -> str:
        """What to do where it does not hold any more."""
        return AGAIN if self.of_run else "draft it again"

    def check(self, public: str, status: str, *, resumed: bool) -> None:
        """Raises BadInput where the public incident that is meant now is another than was approved, or says
        otherwise. What a run that was cut off has said itself is found by its key."""
        if self.public is not None and self.public != public:
            raise BadInput(self._field, f"another public incident is meant by now; {self.again}")
        if self.was and self.was != status and not resumed:
            raise BadInput(
                self._field,
                f"the public incident is {status} by now, and this was shown while it was {self.was}; "
                f"{self.again}",
            )

    @property
    def _field(self) -> str:
        return "approval" if self.of_run else "communication"


CarryOut = Callable[[Command, Kit, Awaitable[Consent]], Awaitable[Outcome]]


def preview_key(incident: str, run: str) -> str:
    """Of the draft that belongs to a waiting run: one for each."""
    return f"{incident}:{PREVIEW}:{run}"


async def by_approval(command: Command, kit: Kit, carry_out: CarryOut) -> Outcome:
    """Carry out a run that Port held for approval: what its draft has shown, and nothing else.

    Where none stood when it was approved, its inputs are what was approved, and the record says so.
    """
    key = preview_key(command.incident, command.run)
    if not (command.incident and command.run):
        return await carry_out(command, kit, approved(kit, command))
    async with kit.locks.holding(key):
        held, consent = await asyncio.gather(
            kit.page_catalog.draft(key), approved(kit, command), return_exceptions=True
        )
        if isinstance(held, BaseException):
            raise held
        try:
            if isinstance(consent, BaseException):
                raise consent
            bound, wanted = _bound(command, held, consent) if held is not None else (consent, command)
            ended = await carry_out(wanted, kit, given(bound))
        except BadInput as problem:
            # Refused before anything was said. What fails otherwise may have been said: once the run has
            # ended, the sweeper sees that from the record.
            if held is not None:
                await settle(kit, held.communication, "withdrawn", str(problem))
            raise
        if held is not None and not bound.draft:
            await settle(kit, held.communication, "withdrawn", UNREAD)
        elif held is not None:
            await settle_as(kit, held.communication, ended, bound)
    return ended


async def settle_as(kit: Kit, draft: Communication, ended: Outcome, consent: Consent) -> None:
    """Write what became of a draft that was carried out."""
    if ended.ok:
        sent = f"{ended.label}: {' '.join(ended.links)}. {consent.told()}"
        await settle(kit, draft, "superseded", sent, consent.by)
    else:
        await settle(kit, draft, "withdrawn", ended.summary)


async def settle(
    kit: Kit,
    draft: Communication,
    state: Literal["superseded", "withdrawn"],
    reason: str,
    approver: str = "",
) -> None:
    """End a draft that has not ended. Where Port does not take it, the sweeper finds it as it is and does."""
    if draft.state != "draft":
        return
    try:
        await kit.page_catalog.end_draft(draft.step.key, state, reason, approver)
    except ServiceError as problem:
        logger.warning(f"{draft.step.key}: that it is {state} is not written yet: {problem}")
    else:
        kit.chain.note({draft.step.key: {"state": state, "owner": draft.owner, "reason": reason}})


async def refuse_own(kit: Kit, author: str, approver: str) -> None:
    """Raises BadInput where they are one person, or Port does not tell. It may name either by id."""
    if not author or author.startswith(AUTOMATION):
        return
    wrote, approves = await asyncio.gather(kit.runs.address(author), kit.runs.address(approver))
    if wrote.casefold() == approves.casefold():
        raise BadInput("approval", f"{approves} wrote this text and can't approve it as well")
    if unknown := next((one for one in (wrote, approves) if "@" not in one), ""):
        raise BadInput(
            "approval",
            f"Port does not tell who {unknown!r} is, so nobody knows who wrote it; draft it again",
        )


async def given(consent: Consent) -> Consent:
    return consent


async def approved(kit: Kit, command: Command) -> Consent:
    """Who approved this run in Port. A public text goes out only with the approval of somebody else than
    its author.

    Raises BadInput when nobody has, the author has, or it was too long ago.
    """
    approval = await kit.runs.approval(command.run)
    if approval is None or not approval.approver:
        await withdraw(kit, command, "withdrawn: nobody approves it any more")
        raise BadInput(
            "approval",
            "a public text needs approval: run this action in Port, where it waits for an approver, or "
            "draft it; an automation can only draft",
        )
    if approval.approver in (approval.author, command.requested_by):
        raise BadInput("approval", f"{approval.approver} wrote this text and can't approve it as well")
    minutes = kit.settings.public_approval_minutes
    # A run that was cut off may have said it: that is found out first, and what is late is overtaken.
    expired = approval.at is not None and now() - approval.at > timedelta(minutes=minutes)
    if expired and not resumed(command):
        raise BadInput(
            "approval",
            f"that of {approval.approver} has expired after {minutes} minutes "
            f"({variable('public_approval_minutes')}); ask again",
        )
    return Consent(by=approval.approver, at=approval.at, of_run=True)


def content_in(held: Draft, again: str) -> Json:
    """What a draft says goes out. Raises BadInput naming what to do where that, or what is shown of it, is
    not what was drafted."""
    draft, recorded = held.communication, held.content_hash
    content = draft.step.details.get("content")
    parts = ("inputs", "components")
    if not isinstance(content, dict) or not all(isinstance(content.get(part), dict) for part in parts):
        raise BadInput("communication", f"its content can't be read; {again}")
    same_words = str(content["inputs"].get("body") or "") == draft.step.text
    if not recorded or page_words.content_hash(content) != recorded or not (same_words and held.sealed):
        raise BadInput("communication", f"it was changed after it was drafted; {again}")
    return content


def _bound(command: Command, held: Draft, consent: Consent) -> tuple[Consent, Command]:
    """The approval of what the draft of this run shows, and the command that does it.

    An approval that came before the draft stood is of the inputs alone. Raises BadInput where it came too
    late, and where the draft is not what this run asks for.
    """
    draft = held.communication
    if consent.at is not None and held.stood_at is not None and held.stood_at > consent.at:
        return consent, command
    if draft.state == "withdrawn":
        raise BadInput("approval", f"its draft was withdrawn: {draft.reason}; {AGAIN}")
    if consent.at is not None and held.expires_at is not None and consent.at > held.expires_at:
        raise BadInput("approval", f"it came after the draft had expired; {AGAIN}")
    content = content_in(held, AGAIN)
    if other := _other_inputs(command.inputs, content["inputs"]):
        raise BadInput("approval", f"its draft shows another {', '.join(other)} than was asked for; {AGAIN}")
    bound = Consent(
        by=consent.by,
        at=consent.at,
        draft=draft.step.key,
        content=held.content_hash,
        of_run=True,
        components=content["components"],
        public=str(content.get("public") or "") or None,
        was=str(content.get("was") or ""),
    )
    return bound, command.model_copy(update={"inputs": content["inputs"]})


def _other_inputs(asked: Json, shown: Json) -> list[str]:
    """Names of the inputs in which a draft differs from its run."""
    left, right = _plain(asked), _plain(shown)
    differ = {name for name in left.keys() & right.keys() if left[name] != right[name]}
    return sorted(differ | (left.keys() - right.keys()) | (right.keys() - left.keys() - {*_DERIVED}))


def _plain(inputs: Json) -> Json:
    """Inputs without those that say nothing or the usual, entities by their identifiers, whichever way Port
    sends them."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(one) for one in value if one is not None]
        return value.get("identifier", value) if isinstance(value, dict) else value

    return {
        name: found
        for name, value in inputs.items()
        if (found := plain(value)) not in (None, "", []) and not (name in _USUAL and found == _USUAL[name])
    }
