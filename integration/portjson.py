"""What Port is told about us, built from the definitions on disk: blueprints, actions and automations.

Pure: files and settings in, Port's JSON out. `scripts/generate.py` writes Ocean's first-install defaults
with it, `integration/provision` brings an organisation up to date with it.

A definition in `actions/` is neutral: one action, the button and the automations that start it. The
same object reaches us by either door, as the body of a webhook or as the execution properties of an
integration action:
  {"action", "run", "incident", "snapshot", "inputs", "requestedBy"}
A button stands on incidents unless it names another `blueprint`; `body` in a button or an automation
replaces what would be said of the incident and the inputs.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.errors import BadInput
from integration.models.base import Json
from integration.models.run import OPERATION_INPUT
from integration.settings import DEFAULT_BLUEPRINT, DEFAULT_SERVICE, IncidentFields, Settings

ROOT = Path(__file__).resolve().parent.parent

ACTION_PATH = "/integration/port/actions/"
"""Where the webhook door listens, below the integration's public address; the action's name follows."""

URL_SECRET = "{{ .secrets.INCIDENT_COMMS_URL }}"  # noqa: S105 - the name of one of Port's secrets, not a secret
"""Stands for our public address in Ocean's defaults, which are written before the address is known."""

APPROVAL = ("requiredApproval", "approvalNotification")
"""Of a button: that somebody must approve a run before it reaches us, and how they are told."""

_OPERATION_FIELD: Json = {
    "type": "string",
    "title": "Operation",
    "description": "What this was asked for by, where it did not begin in Port",
    "visible": False,
}

STATES_SWITCH = "differentStates"
"""The input that shows one more for each state a component can have."""

_CAUSE = '(.trigger.by.user.email | if . then " (change by " + . + ")" else "" end)'
"""jq: whose change set an automation off. A change made by an integration has no e-mail address."""

_IDENTIFIER = 'if type == "object" then .identifier else . end'
"""jq: the identifier of an entity input, which reaches a payload as the whole entity."""

_TESTS = {"is_closed": ("status", "closed_statuses"), "is_severe": ("severity", "open_severities")}
"""Tests of an incident in conditions: the field that is read and the setting that lists what it may say."""

_READS = {
    "is_noticed": (
        '(<<severity>> // "" | tostring | ascii_downcase) as $severity | <<severity_impacts>> | to_entries '
        '| any((.key | ascii_downcase) == $severity and .value != "none")'
    ),
    # A time may be written in any zone; jq reads but Greenwich's.
    "is_recent": (
        "(<<started_at>> // .createdAt) as $at "
        '| ([$at | capture("(?<sign>[+-])(?<h>[0-9]{2}):?(?<m>[0-9]{2})$") '
        '| ((.h | tonumber) * 60 + (.m | tonumber)) * (if .sign == "-" then -1 else 1 end)] '
        "| add // 0) as $offset "
        '| ($at[0:19] + "Z" | fromdateiso8601) - $offset * 60 > now - <<max_incident_age_hours>> * 3600'
    ),
}
"""More of them: whether customers notice its severity, and whether it is none of old."""

_PLACEHOLDER = re.compile(r"<<([a-z_]+)>>")
_ADDITIONS = "incident.additions"


@dataclass(frozen=True)
class Webhook:
    """Port calls us, signed. `base_url` is our public address."""

    base_url: str


@dataclass(frozen=True)
class IntegrationAction:
    """Ocean claims the run from Port. `installation_id` is the integration's identifier."""

    installation_id: str


Door = Webhook | IntegrationAction


@dataclass(frozen=True)
class Blueprints:
    """`own` are ours whatever the customer has; `incident` is for who has none of his own;
    `additions` are what any incident blueprint gets from us (`schema.properties` and `relations` only).
    """

    own: list[Json]
    incident: Json
    additions: Json

    def first_install(self) -> list[Json]:
        """All of them, for an organisation without an incident blueprint."""
        return [merged(self.incident, self.additions), *self.own]


def blueprints(
    incident_blueprint: str = DEFAULT_BLUEPRINT,
    service_blueprint: str = DEFAULT_SERVICE,
    folder: Path = ROOT / "blueprints",
) -> Blueprints:
    """The blueprints on disk, with relations to incidents and services pointing to the customer's."""
    targets = {DEFAULT_BLUEPRINT: incident_blueprint, DEFAULT_SERVICE: service_blueprint}
    found = {path.stem: _retarget(_read(path), targets) for path in sorted(folder.glob("*.json"))}
    incident, additions = found.pop(DEFAULT_BLUEPRINT), found.pop(_ADDITIONS)
    return Blueprints(list(found.values()), incident, {**additions, "identifier": incident_blueprint})


def merged(blueprint: Json, additions: Json) -> Json:
    """`blueprint` with the properties and relations of `additions`."""
    out = copy.deepcopy(blueprint)
    out["schema"]["properties"] |= copy.deepcopy(additions["schema"]["properties"])
    out["relations"] |= copy.deepcopy(additions["relations"])
    return out


def ready_entities(folder: Path = ROOT / "entities") -> dict[str, list[Json]]:
    """The entities that an organisation starts with, by blueprint."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}


def definitions(folder: Path = ROOT / "actions") -> list[Json]:
    """The neutral definitions on disk, by name."""
    return [_with_states(_read(path)) for path in sorted(folder.glob("*.json"))]


def _with_states(definition: Json) -> Json:
    """`definition` where its form has the switch for it, with an input for each state of a component: like
    `components`, and shown once that is switched on."""
    form = definition.get("button", {}).get("userInputs", {})
    inputs: Json = form.get("properties", {})
    if STATES_SWITCH not in inputs:
        return definition
    pickers = {
        state: {
            **copy.deepcopy(inputs["components"]),
            "title": state.replace("_", " ").capitalize(),
            "description": "The components that are to have this state",
            "visible": {"jqQuery": f".form.{STATES_SWITCH} == true"},
        }
        for state in inputs["componentStatus"]["enum"]
    }
    form["properties"] = {}
    for name, field in inputs.items():
        form["properties"] |= {name: field} | (pickers if name == STATES_SWITCH else {})
    after = form["order"].index(STATES_SWITCH) + 1
    form["order"][after:after] = list(pickers)
    return definition


def port_actions(definition: Json, settings: Settings, door: Door) -> list[Json]:
    """The button, if it has one, and the automations of one definition, as `POST /v1/actions` takes them."""
    button = [_button(definition, settings, door)] if "button" in definition else []
    return [*button, *(_automation(definition, one, settings, door) for one in definition["automations"])]


def _button(definition: Json, settings: Settings, door: Door) -> Json:
    button = copy.deepcopy(definition["button"])
    inputs = button["userInputs"]["properties"]
    inputs[OPERATION_INPUT] = copy.deepcopy(_OPERATION_FIELD)
    if "order" in button["userInputs"]:
        button["userInputs"]["order"].append(OPERATION_INPUT)
    identifier, changes = button.pop("identifier"), button.pop("body", {})
    blueprint = button.pop("blueprint", settings.incident_blueprint)
    approval = {key: button.pop(key) for key in APPROVAL if key in button}
    body = {
        "incident": "{{ .entity.identifier }}",
        "snapshot": "{{ .entity }}",
        "inputs": {name: f"{{{{ {_input(name, form)} }}}}" for name, form in inputs.items()},
        "requestedBy": "{{ .trigger.by.user.email }}",
    }
    return {
        "identifier": identifier,
        "title": definition["title"],
        "icon": definition["icon"],
        "description": definition["description"],
        "trigger": {"type": "self-service", **button, "blueprintIdentifier": blueprint},
        "invocationMethod": _invocation(definition["action"], door, {**body, **_filled(changes, settings)}),
        **approval,
        "publish": True,
    }


def _input(name: str, form: Json) -> str:
    """jq: an input as we take it, entities by their identifiers whichever way Port sends them."""
    if form.get("format") == "entity":
        return f".inputs.{name} | {_IDENTIFIER}"
    if form.get("items", {}).get("format") == "entity":
        return f"[.inputs.{name}[]? | {_IDENTIFIER}]"
    return f".inputs.{name}"


def _automation(definition: Json, automation: Json, settings: Settings, door: Door) -> Json:
    identifier = automation["identifier"]
    body = {
        "incident": "{{ .event.context.entityIdentifier }}",
        "snapshot": "{{ .event.diff.after }}",
        "inputs": {},
        "requestedBy": f'{{{{ "automation {identifier}" + {_CAUSE} }}}}',
    }
    changes = _filled(automation.get("body", {}), settings)
    return {
        "identifier": identifier,
        "title": automation["title"],
        "icon": definition["icon"],
        "description": automation["description"],
        "trigger": {
            "type": "automation",
            "event": {
                "type": automation["event"],
                # Of runs: of which action; else of incidents.
                **(
                    {"actionIdentifier": automation["runsOf"]}
                    if "runsOf" in automation
                    else {"blueprintIdentifier": settings.incident_blueprint}
                ),
                # Of a timer: which property of the incident expires.
                **({"propertyIdentifier": automation["property"]} if "property" in automation else {}),
            },
            "condition": {
                "type": "JQ",
                "expressions": [condition(one, settings) for one in automation["conditions"]],
                "combinator": "and",
            },
        },
        "invocationMethod": _invocation(definition["action"], door, {**body, **changes}),
        # Port creates an automation switched off without it; so is one of a service that is not set up.
        "publish": bool(getattr(settings, automation["needs"])) if "needs" in automation else True,
    }


def condition(expression: str, settings: Settings) -> str:
    """`expression` with `<<field>>` replaced by the jq that reads that field of an incident, `<<setting>>`
    by that setting as JSON, and `<<is_closed>>` and its like by the jq that says so of an incident.

    Upper and lower case don't count in these tests, as they don't in `plan`. Raises BadInput naming an
    unknown placeholder.
    """

    def filled(match: re.Match[str]) -> str:
        name = match[1]
        if name in _TESTS:
            field, setting = _TESTS[name]
            fact = f'<<{field}>> // "" | tostring | ascii_downcase'
            test = f"({fact}) as ${field} | <<{setting}>> | any(ascii_downcase == ${field})"
            return f"({_PLACEHOLDER.sub(filled, test)})"
        if name in _READS:
            return f"({_PLACEHOLDER.sub(filled, _READS[name])})"
        if name in IncidentFields.model_fields:
            return f"({getattr(settings.incident_fields, name)})"
        if name not in Settings.model_fields:
            raise BadInput(name, "is neither a field of an incident nor a setting")
        return json.dumps(getattr(settings, name))

    return _PLACEHOLDER.sub(filled, expression)


def _filled(body: Json, settings: Settings) -> Json:
    """`body` with the placeholders of its templates replaced."""

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(one) for key, one in value.items()}
        return condition(value, settings) if isinstance(value, str) else value

    return {key: fill(value) for key, value in body.items()}


def _invocation(action: str, door: Door, about: Json) -> Json:
    body = {"action": action, "run": "{{ .run.id }}", **about}
    if isinstance(door, IntegrationAction):
        return {
            "type": "INTEGRATION_ACTION",
            "installationId": door.installation_id,
            "integrationActionType": action,
            "integrationActionExecutionProperties": body,
        }
    return {
        "type": "WEBHOOK",
        "url": door.base_url.rstrip("/") + ACTION_PATH + action,
        "method": "POST",
        # Port would wait for the answer and take its status for the run's; ours come when the work is done.
        "synchronized": False,
        "body": body,
    }


def _retarget(blueprint: Json, targets: dict[str, str]) -> Json:
    for relation in blueprint.get("relations", {}).values():
        relation["target"] = targets.get(relation["target"], relation["target"])
    return blueprint


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))
