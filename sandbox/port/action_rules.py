"""What Port refuses in an action or automation. All its objects are closed: an unknown key is a refusal."""

from __future__ import annotations

from typing import Any

from sandbox.port.names import check_action_identifier, check_property_identifier
from sandbox.port.search import check_query
from sandbox.port.store import Store
from sandbox.port.wire import invalid
from sandbox.world import Json

_TOP = {
    *("identifier", "title", "icon", "description", "trigger", "invocationMethod"),
    *("requiredApproval", "approvalNotification", "publish", "allowAnyoneToViewRuns"),
}
_ENTITY_EVENTS = ("ENTITY_CREATED", "ENTITY_UPDATED", "ENTITY_DELETED", "ANY_ENTITY_CHANGE")
_RUN_EVENTS = ("RUN_CREATED", "RUN_UPDATED", "ANY_RUN_CHANGE")
_TIMER = "TIMER_PROPERTY_EXPIRED"
_INPUT_TYPES = ("string", "number", "boolean", "object", "array")

_METHODS: dict[str, tuple[set[str], set[str]]] = {
    "KAFKA": (set(), {"payload"}),
    "WEBHOOK": ({"url"}, {"agent", "synchronized", "method", "headers", "body"}),
    "GITHUB": ({"org", "repo", "workflow"}, {"workflowInputs", "reportWorkflowStatus"}),
    "GITLAB": ({"projectName", "groupName"}, {"defaultRef", "pipelineVariables"}),
    "AZURE_DEVOPS": ({"webhook", "org"}, {"payload"}),
    "INTEGRATION_ACTION": (
        {"installationId", "integrationActionType", "integrationActionExecutionProperties"},
        set(),
    ),
    "UPSERT_ENTITY": ({"blueprintIdentifier", "mapping"}, set()),
}
"""Invocation type -> (required keys, optional keys)."""

PUBLIC_INTEGRATION_ACTIONS = ("dispatch_workflow",)
"""The only `integrationActionType` the public schema names."""

_MAPPING = {"identifier", "title", "team", "icon", "properties", "relations"}


def check(store: Store, action: Json, allow_integration_actions: bool) -> None:
    """Raises PortError 422 naming what is wrong."""
    _closed(action, _TOP, "body")
    for key in ("identifier", "trigger", "invocationMethod"):
        if key not in action:
            raise invalid(f"body must have required property '{key}'")
    check_action_identifier(action["identifier"])
    for key in ("title", "icon", "description"):
        _typed(action, key, str, "body", "string")
    for key in ("publish", "allowAnyoneToViewRuns"):
        _typed(action, key, bool, "body", "boolean")
    _approval(action)
    trigger = _object(action, "trigger", "body")
    _one_of(trigger.get("type"), ("self-service", "automation"), "body/trigger/type")
    if trigger["type"] == "automation":
        _automation(store, trigger)
        if action.get("requiredApproval"):
            raise invalid("body/requiredApproval: an automation has no approval")
    else:
        _self_service(store, trigger)
    _method(store, _object(action, "invocationMethod", "body"), allow_integration_actions)


def _closed(value: Json, allowed: set[str], where: str) -> None:
    if extra := set(value) - allowed:
        raise invalid(f"{where} must NOT have additional properties: {sorted(extra)[0]}")


def _object(owner: Json, key: str, where: str) -> Json:
    value = owner.get(key)
    if not isinstance(value, dict):
        raise invalid(f"{where}/{key} must be object")
    return value


def _typed(owner: Json, key: str, kind: type, where: str, name: str) -> None:
    if key in owner and not isinstance(owner[key], kind):
        raise invalid(f"{where}/{key} must be {name}")


def _one_of(value: Any, allowed: tuple[str, ...], where: str) -> None:
    if value not in allowed:
        raise invalid(f"{where} must be equal to one of the allowed values: {', '.join(allowed)}")


def _known_blueprint(store: Store, identifier: Any, where: str) -> None:
    if not isinstance(identifier, str):
        raise invalid(f"{where} must be string")
    if identifier not in store.blueprints:
        raise invalid(f"{where}: blueprint '{identifier}' does not exist")


def _approval(action: Json) -> None:
    approval = action.get("requiredApproval")
    if isinstance(approval, dict):
        _closed(approval, {"type"}, "body/requiredApproval")
        _one_of(approval.get("type"), ("ANY", "ALL"), "body/requiredApproval/type")
    elif approval is not None and not isinstance(approval, bool):
        raise invalid("body/requiredApproval must be boolean or object")
    if "approvalNotification" not in action:
        return
    notification, where = _object(action, "approvalNotification", "body"), "body/approvalNotification"
    _one_of(notification.get("type", "email"), ("webhook", "email"), f"{where}/type")
    if notification.get("type") != "webhook":
        _closed(notification, {"type"}, where)
        return
    _closed(notification, {"type", "format", "url"}, where)
    if not isinstance(notification.get("url"), str):
        raise invalid(f"{where} must have required property 'url'")
    _one_of(notification.get("format", "json"), ("json", "slack"), f"{where}/format")


def _automation(store: Store, trigger: Json) -> None:
    where = "body/trigger"
    _closed(trigger, {"type", "event", "condition"}, where)
    event = _object(trigger, "event", where)
    _one_of(event.get("type"), (*_ENTITY_EVENTS, *_RUN_EVENTS, _TIMER), f"{where}/event/type")
    if event["type"] in _RUN_EVENTS:
        _closed(event, {"type", "actionIdentifier"}, f"{where}/event")
        if not isinstance(event.get("actionIdentifier"), str):
            raise invalid(f"{where}/event must have required property 'actionIdentifier'")
    else:
        timer = {"propertyIdentifier"} if event["type"] == _TIMER else set()
        _closed(event, {"type", "blueprintIdentifier"} | timer, f"{where}/event")
        blueprint = event.get("blueprintIdentifier")
        _known_blueprint(store, blueprint, f"{where}/event/blueprintIdentifier")
        if timer:
            _timer_property(store.blueprints[str(blueprint)], event)
    if "condition" not in trigger:
        return
    condition, where = _object(trigger, "condition", where), f"{where}/condition"
    _closed(condition, {"type", "expressions", "combinator"}, where)
    _one_of(condition.get("type"), ("JQ",), f"{where}/type")
    expressions = condition.get("expressions")
    if not isinstance(expressions, list) or not all(isinstance(text, str) for text in expressions):
        raise invalid(f"{where}/expressions must be array of strings")
    _one_of(condition.get("combinator", "and"), ("and", "or"), f"{where}/combinator")


def _timer_property(blueprint: Json, event: Json) -> None:
    name = event.get("propertyIdentifier")
    definition = blueprint["schema"]["properties"].get(name)
    if definition is None or definition.get("format") != "timer":
        raise invalid(f"body/trigger/event/propertyIdentifier: '{name}' is not a timer of the blueprint")


def _self_service(store: Store, trigger: Json) -> None:
    where = "body/trigger"
    allowed = {"type", "operation", "blueprintIdentifier", "userInputs"}
    allowed |= {"actionCardButtonText", "executeActionButtonText"}
    _one_of(trigger.get("operation"), ("CREATE", "DAY-2", "DELETE"), f"{where}/operation")
    if trigger["operation"] != "CREATE":
        allowed.add("condition")
    _closed(trigger, allowed, where)
    if "blueprintIdentifier" in trigger:
        _known_blueprint(store, trigger["blueprintIdentifier"], f"{where}/blueprintIdentifier")
    for key in ("actionCardButtonText", "executeActionButtonText"):
        text = trigger.get(key, "Go")
        if not isinstance(text, str) or not 2 <= len(text) <= 15 or text != text.strip():
            raise invalid(f"{where}/{key} must be a text of at most 15 characters")
    if "condition" in trigger:
        condition = _object(trigger, "condition", where)
        _one_of(condition.get("type"), ("SEARCH",), f"{where}/condition/type")
        query = {key: value for key, value in condition.items() if key != "type"}
        check_query(query, f"{where}/condition")
    if "userInputs" not in trigger:
        raise invalid(f"{where} must have required property 'userInputs'")
    _inputs(store, _object(trigger, "userInputs", where), f"{where}/userInputs")


def _inputs(store: Store, inputs: Json, where: str) -> None:
    _closed(inputs, {"properties", "titles", "required", "order", "steps"}, where)
    if "order" in inputs and "steps" in inputs:
        raise invalid(f"{where} must have either 'order' or 'steps'")
    properties = _object(inputs, "properties", where)
    for name, definition in properties.items():
        check_property_identifier(name, f"{where}/properties")
        place = f"{where}/properties/{name}"
        if not isinstance(definition, dict):
            raise invalid(f"{place} must be object")
        _one_of(definition.get("type"), _INPUT_TYPES, f"{place}/type")
        items = definition.get("items")
        for form in (definition, items if isinstance(items, dict) else {}):
            if form.get("format") == "entity":
                _known_blueprint(store, form.get("blueprint"), f"{place}/blueprint")
    required = inputs.get("required", [])
    if isinstance(required, dict):
        if not isinstance(required.get("jqQuery"), str):
            raise invalid(f"{where}/required must be array, or an object with 'jqQuery'")
    elif not isinstance(required, list) or not all(name in properties for name in required):
        raise invalid(f"{where}/required must be array of names of inputs")
    order = inputs.get("order", [])
    if not isinstance(order, list) or not all(name in properties for name in order):
        raise invalid(f"{where}/order must be array of names of inputs")
    _typed(inputs, "steps", list, where, "array")


def _method(store: Store, method: Json, allow_integration_actions: bool) -> None:
    where, kind = "body/invocationMethod", method.get("type")
    _one_of(kind, tuple(_METHODS), f"{where}/type")
    required, optional = _METHODS[str(kind)]
    _closed(method, {"type"} | required | optional, where)
    for key in sorted(required):
        if key not in method:
            raise invalid(f"{where} must have required property '{key}'")
        if key not in ("mapping", "integrationActionExecutionProperties"):
            _typed(method, key, str, where, "string")
    if kind == "WEBHOOK":
        _webhook(method, where)
    elif kind == "INTEGRATION_ACTION":
        _object(method, "integrationActionExecutionProperties", where)
        if not allow_integration_actions:
            _one_of(
                method["integrationActionType"], PUBLIC_INTEGRATION_ACTIONS, f"{where}/integrationActionType"
            )
    elif kind == "UPSERT_ENTITY":
        _known_blueprint(store, method["blueprintIdentifier"], f"{where}/blueprintIdentifier")
        _closed(_object(method, "mapping", where), _MAPPING, f"{where}/mapping")


def _webhook(method: Json, where: str) -> None:
    for key in ("agent", "synchronized"):
        if not isinstance(method.get(key, False), bool | str):
            raise invalid(f"{where}/{key} must be boolean or string")
    if not isinstance(method.get("body", {}), dict | list):
        raise invalid(f"{where}/body must be array or object")
    headers = method.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise invalid(f"{where}/headers must be object of strings")
    _typed(method, "method", str, where, "string")
