"""The one object both doors carry, read into a `Command`; a malformed one is refused, naming the field."""

from __future__ import annotations

import re
from typing import Any, Literal

from integration.errors import BadInput
from integration.models.base import Json
from integration.models.run import OPERATION_INPUT, Command
from integration.times import when

_OPERATION = re.compile(r"[A-Za-z0-9._:@=-]{1,200}")
_TEXT_LIMIT = 1000  # identifiers of Port have at most 1,000 characters


def read_command(
    action: str, body: Any, door: Literal["webhook", "integration_action", "sweeper"]
) -> Command:
    """The command in `body` ({"action","run","incident","snapshot","inputs","requestedBy"}).

    Raises BadInput naming the field.
    """
    if not isinstance(body, dict):
        raise BadInput("body", f"expected a JSON object, got {type(body).__name__}")
    named = body.get("action")
    if named is not None and named != action:
        raise BadInput("action", f"the address says {action!r}, the body {named!r}")
    snapshot = body.get("snapshot")
    if snapshot is not None and not isinstance(snapshot, dict):
        raise BadInput("snapshot", f"expected the incident entity, got {type(snapshot).__name__}")
    inputs = body.get("inputs")
    if inputs is not None and not isinstance(inputs, dict):
        raise BadInput("inputs", f"expected an object, got {type(inputs).__name__}")
    inputs = dict(inputs or {})
    operation_id = _text(inputs, OPERATION_INPUT)
    inputs.pop(OPERATION_INPUT, None)
    if operation_id and not _OPERATION.fullmatch(operation_id):
        raise BadInput(OPERATION_INPUT, "letters, digits and . _ : @ = - only, at most 200")
    return Command(
        action=action,
        run=_text(body, "run", required=True),
        incident=_text(body, "incident"),
        inputs=inputs,
        operation_id=operation_id,
        snapshot=snapshot,
        requested_by=_text(body, "requestedBy"),
        door=door,
    )


def command_of_run(action: str, run: Json) -> Command | None:
    """The command that a stranded run carried, from the payload Port keeps with it; None without one.

    Port keeps the rendered webhook body or the execution properties. Where it keeps neither, the run's
    own entity and inputs say the same.
    """
    payload: Json = run.get("payload") or {}
    body = payload.get("body") or payload.get("integrationActionExecutionProperties")
    if not isinstance(body, dict) or not (body.get("incident") or body.get("inputs")):
        entity = run.get("entity") or {}
        inputs = run.get("properties") or {}
        body = {"incident": entity.get("identifier"), "inputs": inputs}
        if action == "send_communication":
            # Its entity is the communication, which knows its incident.
            body = {"inputs": {**inputs, "communication": entity.get("identifier")}}
        body["requestedBy"] = run.get("createdBy")
    # The present state decides, not what it was when the run began; that only tells what has overtaken it.
    asked_of = body.get("snapshot")
    body = {**body, "run": run.get("id"), "snapshot": None, "action": action}
    try:
        command = read_command(action, body, "sweeper")
    except BadInput:
        return None
    return command.model_copy(
        update={
            # An approval sets it going anew.
            "asked_at": when(run.get("updatedAt")) or when(run.get("createdAt")),
            "asked_of": asked_of if isinstance(asked_of, dict) else None,
        }
    )


def _text(body: Json, name: str, required: bool = False) -> str:
    value = body.get(name)
    if value is None or value == "":
        if required:
            raise BadInput(name, "is missing")
        return ""
    if not isinstance(value, str):
        raise BadInput(name, f"expected text, got {type(value).__name__}")
    if len(value) > _TEXT_LIMIT:
        raise BadInput(name, f"{len(value)} characters, at most {_TEXT_LIMIT} are allowed")
    return value
