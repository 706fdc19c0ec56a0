"""Which operations a public incident fits as it is, and what to do where it does not: in the same words for
whoever drafts and for whoever sends."""

from __future__ import annotations

from integration.errors import BadInput
from integration.models.communication import Operation
from integration.models.statuspage import PublicIncident


def refuse_unfit(operation: Operation, public: PublicIncident) -> None:
    """Raises BadInput where `public` is in no state for `operation`."""
    if reason := _unfit(operation, public):
        raise BadInput("incident", reason)


def _unfit(operation: Operation, public: PublicIncident) -> str:
    state = f"its public incident is {public.status}"
    if operation == "update_incident" and public.over:
        # What was learned stands at its end: Statuspage opens no such incident again.
        return f"{state}; {'' if public.status == 'postmortem' else 'reopen it, or '}publish a new one"
    if operation == "resolve_incident" and public.over:
        return f"{state} already"
    if operation == "complete_maintenance" and public.over:
        return f"its maintenance is {public.status} already"
    if operation == "reopen_incident" and public.status == "postmortem":
        return "its public incident has a postmortem; publish a new one"
    if operation == "reopen_incident" and not public.over:
        return f"{state}, so it is open; update it"
    if operation == "publish_postmortem" and not public.over:
        return f"{state}; resolve it first"
    return ""
