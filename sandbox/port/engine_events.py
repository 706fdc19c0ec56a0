"""Events that automations listen to, and what the templates of a run can see.

A condition sees the event itself (`.diff.after`, `.context`, ...); the payload of an automation sees it
under `.event`, and has neither `.entity` nor `.inputs`.
"""

from __future__ import annotations

from sandbox.port.auth import Principal
from sandbox.port.runs import Run
from sandbox.port.templates import truthy
from sandbox.world import Json, iso

_ENTITY_TYPES = {"CREATE": "ENTITY_CREATED", "UPDATE": "ENTITY_UPDATED", "DELETE": "ENTITY_DELETED"}
_RUN_TYPES = {"CREATE": "RUN_CREATED", "UPDATE": "RUN_UPDATED"}
TIMER = "TIMER_PROPERTY_EXPIRED"


def entity_event(change: Json) -> Json:
    """The event of a change as Port tells it: {"before", "after", "blueprint", "identifier", ...}."""
    return {
        "action": change["action"],
        "resourceType": "entity",
        "trigger": {"by": change["by"], "origin": change["origin"], "at": change["at"]},
        "context": {
            "blueprintIdentifier": change["blueprint"],
            "entityIdentifier": change["identifier"],
            "propertyIdentifier": None,
        },
        "diff": {"before": change["before"], "after": change["after"]},
    }


def timer_event(entity: Json, name: str, at: float, org: str) -> Json:
    """A timer has run out: nobody caused it, and there is only an `after`."""
    return {
        "action": "TIMER_EXPIRED",
        "resourceType": "entity",
        "trigger": {"by": {"byPort": True, "orgId": org}, "origin": "API", "at": iso(at)},
        "context": {
            "blueprintIdentifier": entity["blueprint"],
            "entityIdentifier": entity["identifier"],
            "propertyIdentifier": name,
        },
        "diff": {"before": None, "after": entity},
    }


def run_event(run: Run, before: Json | None, at: float, by: Json) -> Json:
    after = run.public()
    return {
        "action": "CREATE" if before is None else "UPDATE",
        "resourceType": "run",
        "trigger": {"by": by, "origin": run.source, "at": iso(at)},
        "context": {
            "actionIdentifier": run.identifier,
            "runId": run.id,
            "blueprintIdentifier": (run.blueprint or {}).get("identifier"),
            "entityIdentifier": (run.entity or {}).get("identifier"),
            "propertyIdentifier": None,
        },
        "diff": {"before": before, "after": after},
    }


def listens(action: Json, event: Json) -> bool:
    """Whether this is a published automation on such an event, and its condition holds."""
    trigger = action.get("trigger") or {}
    if trigger.get("type") != "automation" or action.get("publish") is not True:
        return False
    return _matches(trigger.get("event") or {}, event) and _holds(trigger.get("condition"), event)


def _matches(wanted: Json, event: Json) -> bool:
    kind, context = wanted.get("type"), event["context"]
    if event["resourceType"] == "run":
        types = (_RUN_TYPES[event["action"]], "ANY_RUN_CHANGE")
        return kind in types and wanted.get("actionIdentifier") == context["actionIdentifier"]
    if wanted.get("blueprintIdentifier") != context["blueprintIdentifier"]:
        return False
    if context["propertyIdentifier"] is not None:
        return kind == TIMER and wanted.get("propertyIdentifier") == context["propertyIdentifier"]
    return kind in (_ENTITY_TYPES[event["action"]], "ANY_ENTITY_CHANGE")


def _holds(condition: Json | None, event: Json) -> bool:
    if not condition or not condition.get("expressions"):
        return True
    results = (truthy(str(expression), event) for expression in condition["expressions"])
    return any(results) if condition.get("combinator") == "or" else all(results)


def press_context(
    action: Json, run_id: str, who: Principal, trigger: Json, entity: Json | None, inputs: Json
) -> Json:
    """What the templates of a self-service run see, secrets apart. `trigger` has origin, at, operation."""
    return {
        "inputs": inputs,
        "entity": entity,
        "action": _about(action),
        "run": {"id": run_id},
        "trigger": {"by": who.by(), **trigger},
        "event": None,
    }


def automation_context(action: Json, run_id: str, event: Json) -> Json:
    """What the templates of an automation run see, secrets apart."""
    return {
        "inputs": None,
        "entity": None,
        "action": _about(action),
        "run": {"id": run_id},
        "trigger": event["trigger"],
        "event": event,
    }


def _about(action: Json) -> Json:
    trigger = action.get("trigger") or {}
    where = trigger.get("blueprintIdentifier") or (trigger.get("event") or {}).get("blueprintIdentifier")
    return {
        "identifier": action["identifier"],
        "title": action.get("title"),
        "blueprint": where,
        "encryptedProperties": [],
    }
