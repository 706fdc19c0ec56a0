"""Accept what somebody has changed on the status page by hand: it is no difference any more."""

from __future__ import annotations

from actions.base import Kit, need_incident
from integration.errors import BadInput
from integration.models.run import Command, Outcome
from integration.page_drift import line_hash
from integration.page_record import accepted_lines, properties
from integration.times import iso, now

MOST_KEPT = 100


async def handle(command: Command, kit: Kit) -> Outcome:
    """Accepts the lines that the person has read and that still stand; what has come since stays shown."""
    identifier = need_incident(command)
    read = command.inputs.get("seen")
    if not isinstance(read, str) or not read.strip():
        raise BadInput("incident", f"nothing of {identifier} was changed on the status page by hand")
    async with kit.locks.holding(f"{identifier}:accepted"):
        entity = await kit.catalog.incident_entity(identifier)
        if entity is None:
            raise BadInput("incident", kit.catalog.unknown_incident(identifier))
        held = properties(entity)
        stands = _lines(str(held.get("publicDrift") or ""))
        accepting = [line for line in stands if line in _lines(read)]
        if not accepting:
            return Outcome(summary="Nothing of what you have read stands any more.", label="Nothing to do")
        news = [
            {"line": line_hash(line), "by": command.requested_by, "at": iso(now()), "text": line}
            for line in accepting
        ]
        rest = "\n".join(f"- {line}" for line in stands if line not in accepting)
        await kit.catalog.patch_incident(
            identifier,
            {
                "publicDrift": rest or None,
                "publicAccepted": {"lines": [*accepted_lines(held), *news][-MOST_KEPT:]},
            },
        )
    return Outcome(
        summary=f"{len(accepting)} of {len(stands)} changes on the status page are accepted.",
        label="Accepted",
        log=tuple(accepting),
    )


def _lines(shown: str) -> list[str]:
    return [line.removeprefix("- ") for line in shown.splitlines() if line.strip()]
