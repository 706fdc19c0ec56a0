"""Send one's own draft for a status page when nobody else can be asked. Port says who may; the record names
him and his reason."""

from __future__ import annotations

from actions.approve_public_update import REASON_LIMIT, approve
from actions.base import Kit, text_input
from integration.errors import BadInput
from integration.models.run import Command, Outcome


async def handle(command: Command, kit: Kit) -> Outcome:
    reason = text_input(command, "reason", REASON_LIMIT)
    if not reason:
        raise BadInput("reason", "say why nobody else could be asked; it stands on the record")
    return await approve(command, kit, override=reason)
