"""What is built from the definitions, for whoever tests it."""

from __future__ import annotations

from typing import Any

import jq

from integration import portjson
from integration.settings import IncidentFields, Settings

DOORS: list[portjson.Door] = [
    portjson.Webhook("https://comms.example.com/"),
    portjson.IntegrationAction("incident-comms"),
]
THEIRS = Settings(
    incident_blueprint="pagerdutyIncident",
    open_severities=("high",),
    closed_statuses=("resolved",),
    incident_fields=IncidentFields(severity=".properties.urgency", started_at=".properties.created_at"),
)


def actions(settings: Settings, door: portjson.Door) -> dict[str, Any]:
    found = [
        action
        for definition in portjson.definitions()
        for action in portjson.port_actions(definition, settings, door)
    ]
    return {one["identifier"]: one for one in found}


def rendered(template: Any, context: dict[str, Any]) -> Any:
    """What Port makes of a template that is one expression, or of an object of them."""
    if isinstance(template, dict):
        return {key: rendered(value, context) for key, value in template.items()}
    if template is None:
        return None
    program = template.removeprefix("{{").removesuffix("}}")
    return jq.compile(program).input_value(context).first()
