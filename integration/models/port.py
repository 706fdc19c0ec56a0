"""What Port answers about writes and approvals."""

from __future__ import annotations

from datetime import datetime

from integration.models.base import Value


class ItemOutcome(Value):
    """What Port did with one entity of a bulk write.

    `created`: this call made it. `exists`: it was there before, which is a refusal when only creating
    and an update when merging. `error`: Port's reason when the entity was not written, else empty.
    `status`: Port's status code for it.
    """

    identifier: str
    created: bool = False
    exists: bool = False
    error: str = ""
    status: int = 200

    @property
    def written(self) -> bool:
        """Does the entity now hold what was sent, because of this call."""
        return not self.error


class Approval(Value):
    """Who wrote a run and who approved it; no approver when nobody has.

    By e-mail address, or by Port's user id where Port does not tell the address.
    """

    author: str = ""
    approver: str = ""
    at: datetime | None = None  # when the run was last changed, which is not before it was approved
