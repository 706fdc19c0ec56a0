"""Actions and automations: what is accepted, what is refused and why."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.sandbox.port.conftest import Bench

Json = dict[str, Any]

BUTTON: Json = {
    "identifier": "open_room",
    "title": "Open a room",
    "trigger": {
        "type": "self-service",
        "operation": "DAY-2",
        "blueprintIdentifier": "incident",
        "userInputs": {
            "properties": {
                "reason": {"type": "string"},
                "service": {"type": "string", "format": "entity", "blueprint": "service"},
            },
            "required": ["reason"],
            "order": ["reason", "service"],
        },
    },
    "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com/hook", "body": {}},
}
AUTOMATION: Json = {
    "identifier": "on_incident",
    "trigger": {
        "type": "automation",
        "event": {"type": "ENTITY_CREATED", "blueprintIdentifier": "incident"},
        "condition": {"type": "JQ", "expressions": ["true"], "combinator": "and"},
    },
    "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com/hook"},
    "publish": True,
}
CLAIMED: Json = {
    "type": "INTEGRATION_ACTION",
    "installationId": "mine",
    "integrationActionType": "open_war_room",
    "integrationActionExecutionProperties": {},
}


def _with(action: Json, path: str, value: Any) -> Json:
    """A copy with one value changed; `...` removes it."""
    changed = copy.deepcopy(action)
    *steps, last = path.split("/")
    here = changed
    for step in steps:
        here = here[step]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return changed


REFUSED: list[tuple[str, Json]] = [
    ("additional", _with(BUTTON, "permissions", {})),
    ("identifier", _with(BUTTON, "identifier", "with/slash")),
    ("invocationMethod", _with(BUTTON, "invocationMethod", ...)),
    ("trigger/type", _with(BUTTON, "trigger/type", "manual")),
    ("operation", _with(BUTTON, "trigger/operation", "DAY-3")),
    ("userInputs", _with(BUTTON, "trigger/userInputs", ...)),
    ("does not exist", _with(BUTTON, "trigger/blueprintIdentifier", "nowhere")),
    ("15", _with(BUTTON, "trigger/actionCardButtonText", "far too long for a button")),
    ("required", _with(BUTTON, "trigger/userInputs/required", ["absent"])),
    ("order", _with(BUTTON, "trigger/userInputs/order", ["absent"])),
    ("steps", _with(BUTTON, "trigger/userInputs/steps", [])),
    ("type", _with(BUTTON, "trigger/userInputs/properties/reason", {"type": "text"})),
    ("blueprint", _with(BUTTON, "trigger/userInputs/properties/service/blueprint", "nowhere")),
    (
        "condition",
        _with(
            _with(BUTTON, "trigger/operation", "CREATE"),
            "trigger/condition",
            {"type": "SEARCH", "combinator": "and", "rules": []},
        ),
    ),
    ("event/type", _with(AUTOMATION, "trigger/event/type", "SCHEDULE")),
    ("does not exist", _with(AUTOMATION, "trigger/event/blueprintIdentifier", "nowhere")),
    ("condition/type", _with(AUTOMATION, "trigger/condition/type", "SEARCH")),
    ("expressions", _with(AUTOMATION, "trigger/condition/expressions", "true")),
    ("additional", _with(AUTOMATION, "trigger/userInputs", {})),
    ("approval", _with(AUTOMATION, "requiredApproval", True)),
    (
        "timer",
        _with(
            AUTOMATION,
            "trigger/event",
            {
                "type": "TIMER_PROPERTY_EXPIRED",
                "blueprintIdentifier": "incident",
                "propertyIdentifier": "status",
            },
        ),
    ),
    ("invocationMethod/type", _with(BUTTON, "invocationMethod", {"type": "SLACK"})),
    ("url", _with(BUTTON, "invocationMethod", {"type": "WEBHOOK"})),
    ("additional", _with(BUTTON, "invocationMethod/retries", 3)),
    ("body", _with(BUTTON, "invocationMethod/body", "text")),
    ("headers", _with(BUTTON, "invocationMethod/headers", {"a": 1})),
    ("integrationActionType", _with(BUTTON, "invocationMethod", CLAIMED)),
    ("mapping", _with(BUTTON, "invocationMethod", {"type": "UPSERT_ENTITY", "blueprintIdentifier": "note"})),
]


@pytest.mark.parametrize(("word", "action"), REFUSED, ids=range(len(REFUSED)))
async def test_refused_with_a_reason(bench: Bench, word: str, action: Json) -> None:
    answer = await bench.call("POST", "/actions", action)

    assert answer.status_code == 422
    assert word in answer.json()["message"]
    assert bench.port.store.actions == {}


async def test_life_of_an_action(bench: Bench) -> None:
    heard: list[str] = []
    bench.port.on_action_change(lambda change: heard.append(change["action"]))

    made = await bench.call("POST", "/actions", BUTTON)
    assert made.status_code == 201
    assert made.json()["action"]["publish"] is False
    assert (await bench.call("POST", "/actions", BUTTON)).status_code == 409
    changed = await bench.call("PUT", "/actions/open_room", {**BUTTON, "title": "Open"})
    assert changed.json()["action"]["title"] == "Open"
    assert changed.json()["action"]["id"] == made.json()["action"]["id"]
    assert (await bench.call("GET", "/actions/open_room")).json() == changed.json()
    assert (await bench.call("DELETE", "/actions/open_room")).status_code == 200
    assert (await bench.call("GET", "/actions/open_room")).status_code == 404
    assert heard == ["CREATE", "UPDATE", "DELETE"]


async def test_listed_by_trigger(bench: Bench) -> None:
    for action in (BUTTON, AUTOMATION):
        await bench.call("POST", "/actions", action)

    async def listed(query: str) -> list[str]:
        found = (await bench.call("GET", f"/actions?{query}")).json()["actions"]
        return [action["identifier"] for action in found]

    assert await listed("") == ["open_room", "on_incident"]
    assert await listed("trigger_type=automation") == ["on_incident"]
    assert await listed("operation=DAY-2&blueprint_identifier=incident") == ["open_room"]
    assert await listed("trigger_event=ENTITY_DELETED") == []
    assert await listed("published=true") == ["on_incident"]


async def test_integration_actions_only_where_the_organisation_has_them(bench: Bench) -> None:
    claimed = _with(BUTTON, "invocationMethod", CLAIMED)
    public = _with(claimed, "invocationMethod/integrationActionType", "dispatch_workflow")
    assert (await bench.call("POST", "/actions", public)).status_code == 201

    bench.port.seed({"allow_integration_actions": True})
    assert (await bench.call("PUT", "/actions/open_room", claimed)).status_code == 200


async def test_permissions(bench: Bench) -> None:
    await bench.call("POST", "/actions", BUTTON)
    path = "/actions/open_room/permissions"

    changed = await bench.call("PATCH", path, {"execute": {"teams": ["on-call"], "roles": []}})
    assert changed.json()["permissions"]["execute"]["teams"] == ["on-call"]
    assert (await bench.call("GET", path)).json() == changed.json()
    assert (await bench.call("PATCH", path, {"approve": {"ownedByTeam": True}})).status_code == 422


async def test_a_blueprint_goes_with_its_actions_only_when_asked(bench: Bench) -> None:
    about = _with(BUTTON, "trigger/blueprintIdentifier", "note")
    assert (await bench.call("POST", "/actions", about)).status_code == 201

    assert (await bench.call("DELETE", "/blueprints/note")).status_code == 422
    assert (await bench.call("DELETE", "/blueprints/note?delete_actions=true")).status_code == 200
    assert bench.port.store.actions == {}
