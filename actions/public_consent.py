"""That somebody may have words said in public: who, of which content, and on what grounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from actions.base import Kit
from actions.overtaken import resumed, withdraw
from integration.errors import BadInput
from integration.models.base import Json
from integration.models.run import Command
from integration.settings import variable
from integration.times import now


@dataclass(frozen=True)
class Consent:
    """An approval, and what it was given for.

    by          who approved
    draft       identifier of the draft that was approved; empty where Port's approval was of the run itself
    content     hash of what the draft says and changes
    override    why nobody else was asked, where its author sends it on a permission of his own
    components  component -> state as approved; None where the run's own inputs say which
    public      the public incident it is for; None where there was none, or the run's inputs say which
    """

    by: str
    draft: str = ""
    content: str = ""
    override: str = ""
    components: Mapping[str, str] | None = None
    public: str | None = None

    def details(self) -> Json:
        """What the record keeps of it."""
        if not self.draft:
            return {"approval": {"by": self.by, "through": "the run's approval in Port"}}
        kept: Json = {"by": self.by, "through": "a draft", "draft": self.draft, "contentHash": self.content}
        return {"approval": kept | ({"override": self.override} if self.override else {})}

    def told(self) -> str:
        if self.override:
            return f"Sent by {self.by} without a second person: {self.override}"
        return f"Approved by {self.by}."


async def approved(kit: Kit, command: Command) -> Consent:
    """Who approved this run in Port. A public text goes out only with the approval of somebody else than
    its author; what he approved are the run's inputs, which nobody can change any more.

    Raises BadInput when nobody has, the author has, or it was too long ago.
    """
    approval = await kit.catalog.approval(command.run)
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
    return Consent(by=approval.approver)
