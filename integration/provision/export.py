"""Port's JSON as files, with the organisation's settings in it, and Terraform that applies them.

<folder>/blueprints/<id>.json           whole, with relations
<folder>/blueprints/<id>.bare.json      what a blueprint is made of first: relations go in circles
<folder>/{actions,permissions,scorecards,pages,agents}/<id>.json
<folder>/main.tf.json                   for the provider Mastercard/restapi, which takes Port's JSON as it is
"""

from __future__ import annotations

import json
from pathlib import Path

from integration import portjson
from integration.models.base import Json
from integration.provision import wanted
from integration.provision.blueprints import COMPUTED
from integration.settings import DEFAULT_BLUEPRINT, Settings


def export(settings: Settings, door: portjson.Door, folder: Path) -> list[Path]:
    """Write them; returns what was written. Nothing is asked of Port."""
    documents = _documents(settings, door)
    written = []
    for name, content in documents.items():
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
        written.append(path)
    terraform = folder / "main.tf.json"
    terraform.write_text(json.dumps(_terraform(documents), indent=2) + "\n", "utf-8")
    return [*written, terraform]


def _documents(settings: Settings, door: portjson.Door) -> dict[str, Json]:
    """By path without ending, in the order of their making."""
    found: dict[str, Json] = {}
    shipped = portjson.blueprints(settings.incident_blueprint, settings.service_blueprint)
    theirs = settings.incident_blueprint != DEFAULT_BLUEPRINT
    blueprints = shipped.own if theirs else shipped.first_install()
    for one in blueprints:
        later = ("relations", "ownership", *COMPUTED)
        found[f"blueprints/{one['identifier']}.bare"] = {k: v for k, v in one.items() if k not in later}
    for one in blueprints:
        found[f"blueprints/{one['identifier']}"] = one
    if theirs:
        found[f"blueprints/{settings.incident_blueprint}.additions"] = shipped.additions
    for definition in portjson.definitions():
        for action in portjson.port_actions(definition, settings, door):
            found[f"actions/{action['identifier']}"] = action
            who = wanted.permissions(action, definition.get("duty", "update"), settings)
            if who is not None:
                found[f"permissions/{action['identifier']}"] = who
    for card in wanted.scorecards(settings):
        found[f"scorecards/{card['blueprint']}.{card['identifier']}"] = card
    for page in wanted.pages(settings):
        found[f"pages/{page['identifier']}"] = page
    for agent in wanted.agents(settings):
        found[f"agents/{agent['identifier']}"] = agent
    return found


def _terraform(documents: dict[str, Json]) -> Json:
    """One resource a document. Destroying one of them never deletes a blueprint: it may hold data."""
    resources: dict[str, Json] = {}
    made = [name for name in documents if name.endswith(".bare")]
    for name, content in documents.items():
        kind, _, rest = name.partition("/")
        resource: Json = {"data": f"${{jsonencode({_expression(name)})}}", "id_attribute": "identifier"}
        resource["object_id"] = str(content.get("identifier", rest))
        after: list[str] = []
        if kind == "blueprints":
            one = f"/v1/blueprints/{resource['object_id']}"
            resource |= {"path": "/v1/blueprints", "destroy_method": "GET"}
            if not name.endswith(".bare"):
                # It is there already: made bare above, or the customer's own.
                resource |= {"create_path": one, "create_method": "PATCH", "update_method": "PATCH"}
                after = [*made, *_counted(content, documents)]
            else:
                resource["update_method"] = "PATCH"
        elif kind == "permissions":
            one = f"/v1/actions/{rest}/permissions"
            resource |= {"path": one, "create_path": one, "read_path": one, "update_path": one}
            resource |= {"create_method": "PATCH", "update_method": "PATCH", "destroy_method": "GET"}
            resource |= {"destroy_path": one, "object_id": rest}
            after = [f"actions/{rest}"]
        elif kind == "scorecards":
            resource["path"] = f"/v1/blueprints/{content['blueprint']}/scorecards"
            resource["data"] = (
                f'${{jsonencode({{ for k, v in {_expression(name)} : k => v if k != "blueprint" }})}}'
            )
            after = [one for one in documents if one.startswith("blueprints/") and one not in made]
        elif kind == "agents":
            path = f"/v1/blueprints/{wanted.AGENT_BLUEPRINT}/entities"
            resource |= {"path": path, "create_path": f"{path}?upsert=true&merge=true"}
        else:
            resource["path"] = f"/v1/{kind}"
            after = [one for one in documents if one.startswith("blueprints/") and one not in made]
            # An automation that listens to the runs of an action comes after that.
            event = (content.get("trigger") or {}).get("event") or {}
            after += [f"actions/{event['actionIdentifier']}"] if "actionIdentifier" in event else []
        if after:
            resource["depends_on"] = [f"restapi_object.{_label(one)}" for one in after]
        resources[_label(name)] = resource
    return {
        "terraform": {
            "required_providers": {"restapi": {"source": "Mastercard/restapi", "version": "~> 1.20"}}
        },
        "variable": {
            "port_url": {"type": "string", "default": "https://api.port.io"},
            "port_token": {"type": "string", "sensitive": True},
        },
        "provider": {
            "restapi": {
                "uri": "${var.port_url}",
                "headers": {"Authorization": "Bearer ${var.port_token}", "Content-Type": "application/json"},
                "write_returns_object": False,
            }
        },
        "resource": {"restapi_object": resources},
    }


def _counted(blueprint: Json, documents: dict[str, Json]) -> list[str]:
    """The whole blueprints whose entities this one's aggregations count: their relations come first."""
    targets = (one["target"] for one in (blueprint.get("aggregationProperties") or {}).values())
    return [name for target in dict.fromkeys(targets) if (name := f"blueprints/{target}") in documents]


def _expression(name: str) -> str:
    return f'jsondecode(file("${{path.module}}/{name}.json"))'


def _label(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name)
