"""What Port is told about us: Port's own schema, the settings, and the conditions run over real events."""

from __future__ import annotations

import importlib.util
import json
import os
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import jq
import pytest

from actions.registry import ACTIONS
from integration import portjson
from integration.errors import BadInput
from integration.models import NOTE_KINDS, CommunicationState, Operation
from integration.settings import IncidentFields, Settings

SHARED = Path(os.environ.get("INCIDENT_COMMS_SHARED", portjson.ROOT.parent / "shared"))
VALIDATOR = SHARED / "tools" / "port_validate.py"
BODY = {"action", "run", "incident", "snapshot", "inputs", "requestedBy"}
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


@pytest.fixture(scope="module")
def validator() -> ModuleType:
    """The checker of Port's JSON, with Port's schema loaded once."""
    if not VALIDATOR.exists():
        pytest.skip(f"Port's schema is not here ({VALIDATOR})")
    described = importlib.util.spec_from_file_location("port_validate", VALIDATOR)
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    module.__dict__["SCHEMA"] = module.load_spec(None)
    return module


@pytest.mark.parametrize("settings", [Settings(), THEIRS], ids=["ours", "theirs"])
@pytest.mark.parametrize("door", DOORS, ids=["webhook", "integration action"])
def test_ports_schema_accepts_everything(
    validator: ModuleType, settings: Settings, door: portjson.Door
) -> None:
    blueprints = portjson.blueprints(settings.incident_blueprint)
    service = {"identifier": "service", "title": "Service", "schema": {"properties": {}}, "relations": {}}
    incident = {**blueprints.incident, "identifier": settings.incident_blueprint}
    documents = [
        service,
        portjson.merged(incident, blueprints.additions),
        *blueprints.own,
        *actions(settings, door).values(),
    ]
    named = [(one["identifier"], validator.detect(one), one) for one in documents]
    bundle = validator.make_bundle(named, [one["action"] for one in portjson.definitions()], True)

    found = {
        name: result.items
        for name, kind, one in named
        if (result := validator.validate(one, kind, validator.SCHEMA, bundle)).items
    }

    assert {kind for _, kind, _ in named} == {"blueprint", "action"}
    assert found == {}


def test_ports_schema_accepts_the_first_entities(validator: ModuleType) -> None:
    for entities in portjson.ready_entities().values():
        for entity in entities:
            assert validator.validate(entity, "entity", validator.SCHEMA, {}).items == []


def test_the_first_entities_fit_their_blueprints() -> None:
    blueprints = {one["identifier"]: one for one in portjson.blueprints().own}
    ready = portjson.ready_entities()

    assert set(ready) == {"commsAudience", "commsSwitch"}
    for blueprint, entities in ready.items():
        fields = blueprints[blueprint]["schema"]["properties"]
        for entity in entities:
            assert set(entity["properties"]) <= set(fields)
            for name, value in entity["properties"].items():
                assert value in fields[name].get("enum", [value])
    assert [one["properties"]["paused"] for one in ready["commsSwitch"]] == [False]
    assert {one["identifier"] for one in ready["commsAudience"]} == {
        "engineering",
        "support",
        "sales",
        "executives",
    }


def test_every_definition_has_a_handler_of_the_same_name() -> None:
    defined = {path.stem for path in (portjson.ROOT / "actions").glob("*.json")}

    assert defined == set(ACTIONS)


def test_a_definition_has_its_files_name() -> None:
    for path in (portjson.ROOT / "actions").glob("*.json"):
        assert json.loads(path.read_text())["action"] == path.stem
    for path in (portjson.ROOT / "blueprints").glob("*.json"):
        assert json.loads(path.read_text())["identifier"] == path.stem.removesuffix(".additions")


def test_kinds_of_notes_are_the_same_everywhere() -> None:
    note = next(one for one in portjson.blueprints().own if one["identifier"] == "incidentNote")
    button = actions(Settings(), DOORS[0])["add_note"]["trigger"]["userInputs"]["properties"]["kind"]

    assert tuple(note["schema"]["properties"]["kind"]["enum"]) == NOTE_KINDS
    assert tuple(button["enum"]) == NOTE_KINDS


def test_what_is_written_of_a_communication_is_known_to_its_blueprint() -> None:
    found = next(one for one in portjson.blueprints().own if one["identifier"] == "incidentCommunication")
    fields = found["schema"]["properties"]

    assert set(fields["operation"]["enum"]) == set(get_args(Operation))
    assert set(fields["state"]["enum"]) == set(get_args(CommunicationState))
    assert found["relations"]["audience"]["target"] == "commsAudience"


def test_states_of_the_status_page_are_the_same_everywhere() -> None:
    own = {one["identifier"]: one["schema"]["properties"] for one in portjson.blueprints().own}
    buttons = actions(Settings(), DOORS[0])
    states = set(own["statuspageComponent"]["status"]["enum"])

    for name in ("publish_status_page", "update_status_page"):
        inputs = buttons[name]["trigger"]["userInputs"]["properties"]
        assert set(inputs["componentStatus"]["enum"]) == states
        assert set(inputs["status"]["enum"]) < set(own["statuspageIncident"]["status"]["enum"])
    assert own["statuspageIncident"]["status"]["enum"] == own["statuspageIncidentUpdate"]["status"]["enum"]
    public = portjson.blueprints().additions["schema"]["properties"]["publicStatus"]["enum"]
    assert set(public) < set(own["statuspageIncident"]["status"]["enum"])


def test_every_enum_is_coloured() -> None:
    for blueprint in portjson.blueprints().first_install():
        for name, field in blueprint["schema"]["properties"].items():
            assert set(field.get("enum", [])) == set(field.get("enumColors", {})), (
                f"{blueprint['identifier']}.{name}"
            )


def test_relations_follow_the_customers_blueprint() -> None:
    found = portjson.blueprints("pagerdutyIncident", "component")

    targets = {rel["target"] for one in found.own for rel in one["relations"].values()}
    assert "incident" not in targets
    assert "pagerdutyIncident" in targets
    assert found.additions["identifier"] == "pagerdutyIncident"
    assert found.incident["relations"]["services"]["target"] == "component"


def test_both_doors_carry_the_same_object() -> None:
    webhook, claimed = (actions(Settings(), door) for door in DOORS)

    assert set(webhook) == set(claimed)
    for identifier, action in webhook.items():
        call, claim = action["invocationMethod"], claimed[identifier]["invocationMethod"]
        assert set(call["body"]) == BODY
        assert call["body"] == claim["integrationActionExecutionProperties"]
        assert call["url"] == f"https://comms.example.com/integration/port/actions/{call['body']['action']}"
        assert call["synchronized"] is False
        assert claim["integrationActionType"] == call["body"]["action"]
        assert claim["installationId"] == "incident-comms"


@pytest.mark.parametrize("name", ["publish_status_page", "update_status_page", "resolve_status_page"])
@pytest.mark.parametrize("door", DOORS, ids=["webhook", "integration action"])
def test_a_public_post_waits_for_approval_and_nothing_else_starts_it(name: str, door: portjson.Door) -> None:
    found = actions(Settings(), door)
    starts = [one for one, action in found.items() if name in json.dumps(action["invocationMethod"])]

    assert starts == [name]
    assert found[name]["requiredApproval"] is True
    assert found[name]["approvalNotification"] == {"type": "email"}
    assert "notifySubscribers" in found[name]["trigger"]["userInputs"]["required"]
    assert "default" not in found[name]["trigger"]["userInputs"]["properties"]["notifySubscribers"]


def rendered(template: Any, context: dict[str, Any]) -> Any:
    """What Port makes of a template that is one expression, or of an object of them."""
    if isinstance(template, dict):
        return {key: rendered(value, context) for key, value in template.items()}
    if template is None:
        return None
    program = template.removeprefix("{{").removesuffix("}}")
    return jq.compile(program).input_value(context).first()


@pytest.mark.parametrize(
    "given",
    [[{"identifier": "sales", "properties": {}}, {"identifier": "support"}], ["sales", "support"]],
    ids=["entities", "identifiers"],
)
def test_entity_inputs_reach_us_as_identifiers(given: list[Any]) -> None:
    body = actions(Settings(), DOORS[0])["post_update"]["invocationMethod"]["body"]
    one = actions(Settings(), DOORS[0])["publish_status_page"]["invocationMethod"]["body"]

    assert rendered(body["inputs"], {"inputs": {"audiences": given, "text": "Up"}}) == {
        "audiences": ["sales", "support"],
        "text": "Up",
        "sendAgain": None,
    }
    found = rendered(one["inputs"], {"inputs": {"page": given[0]}})
    assert (found["page"], found["components"]) == ("sales", [])


def test_a_communication_is_sent_for_its_incident() -> None:
    action = actions(Settings(incident_blueprint="pagerdutyIncident"), DOORS[0])["send_communication"]
    held = {"identifier": "INC-1:update:1", "relations": {"incident": "INC-1"}, "properties": {}}

    body = rendered(
        {key: action["invocationMethod"]["body"][key] for key in ("incident", "snapshot", "inputs")},
        {"entity": held, "inputs": {}},
    )

    assert action["trigger"]["blueprintIdentifier"] == "incidentCommunication"
    assert body == {"incident": "INC-1", "snapshot": None, "inputs": {"communication": "INC-1:update:1"}}
    offered = action["trigger"]["condition"]["rules"]
    assert offered == [{"property": "state", "operator": "in", "value": ["held", "failed", "unknown"]}]


def test_an_automation_is_created_switched_on_and_reads_the_event() -> None:
    for action in actions(Settings(), DOORS[0]).values():
        if action["trigger"]["type"] == "automation":
            assert action["publish"] is True
            said = json.dumps(action["invocationMethod"])
            assert ".entity" not in said.replace(".entityIdentifier", "")
            assert ".inputs" not in said


def test_who_caused_an_automation_is_said() -> None:
    template = actions(Settings(), DOORS[0])["open_war_room_on_severity"]["invocationMethod"]["body"][
        "requestedBy"
    ]
    expression = template.removeprefix("{{").removesuffix("}}")

    def said(by: Any) -> Any:
        return jq.compile(expression).input_value({"trigger": {"by": by}}).first()

    assert said({"user": {"email": "dana@example.com"}}) == (
        "automation open_war_room_on_severity (change by dana@example.com)"
    )
    assert said({"integration": "x"}) == said(None) == "automation open_war_room_on_severity"


def test_an_unknown_placeholder_is_named() -> None:
    with pytest.raises(BadInput, match="severty"):
        portjson.condition("<<severty>> == 1", Settings())


# --- the conditions, run as Port runs them ---------------------------------------------------------


def incident(**changes: Any) -> dict[str, Any]:
    """An entity as it stands in an event; `relations` and `createdAt` apart, changes are properties."""
    at = changes.pop("createdAt", datetime.now(UTC).isoformat().replace("+00:00", "Z"))
    relations = {"services": [], "responders": [], "warRoom": None} | changes.pop("relations", {})
    title = changes.pop("title", "Checkout is slow")
    properties = {"status": "open", "severity": "sev1", "startedAt": None} | changes
    return {
        "identifier": "inc-1",
        "title": title,
        "properties": properties,
        "relations": relations,
        "createdAt": at,
    }


@lru_cache
def programs(automation: str, theirs: bool) -> list[Any]:
    trigger = actions(THEIRS if theirs else Settings(), DOORS[0])[automation]["trigger"]
    return [jq.compile(expression) for expression in trigger["condition"]["expressions"]]


def fires(automation: str, before: Any, after: Any, theirs: bool = False) -> bool:
    event = {"action": "UPDATE", "diff": {"before": before, "after": after}, "context": {}}
    results = []
    for program in programs(automation, theirs):
        try:
            results.append(program.input_value(event).first() is True)
        except ValueError:  # Port takes an error in a condition for false
            results.append(False)
    return all(results)


def ago(offset: timedelta = timedelta(), **since: float) -> str:
    """That long ago, as a clock in a zone `offset` from Greenwich writes it."""
    at = datetime.now(UTC) - timedelta(**since) + offset
    if not offset:
        return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    hours, minutes = divmod(abs(int(offset.total_seconds())) // 60, 60)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f"{'-' if offset < timedelta() else '+'}{hours:02}:{minutes:02}"


WEST, EAST = timedelta(hours=-10), timedelta(hours=5, minutes=30)


@pytest.mark.parametrize(
    ("before", "after", "opens"),
    [
        (None, incident(), True),
        (None, incident(severity="sev3"), False),
        (None, incident(severity=None), False),
        (None, incident(status=None), True),
        (None, incident(status="resolved"), False),
        (None, incident(startedAt=ago(hours=2)), True),
        (None, incident(startedAt=ago(hours=25)), False),
        (None, incident(createdAt=ago(days=30)), False),
        (None, incident(startedAt=ago(WEST, hours=23)), True),
        (None, incident(startedAt=ago(WEST, hours=25)), False),
        (None, incident(startedAt=ago(EAST, hours=23)), True),
        (None, incident(startedAt=ago(EAST, hours=25)), False),
        (incident(severity="sev3"), incident(), True),
        (incident(severity=None), incident(), True),
        (incident(severity="sev2"), incident(), False),
        (incident(), incident(warRoomState="open"), False),
        (incident(status="resolved"), incident(), True),
        (incident(severity="sev3"), incident(severity="sev4"), False),
        (incident(severity="sev3", startedAt=ago(days=3)), incident(startedAt=ago(days=3)), False),
        (incident(), None, False),
    ],
)
def test_what_opens_a_room(before: Any, after: Any, opens: bool) -> None:
    assert fires("open_war_room_on_severity", before, after) is opens


def test_a_first_import_of_old_incidents_opens_nothing() -> None:
    imported = [incident(startedAt=ago(hours=25 + n)) for n in range(500)]

    assert not any(fires("open_war_room_on_severity", None, one) for one in imported)


def test_the_customers_own_fields_are_read() -> None:
    theirs = incident(urgency="high", status="triggered", created_at=ago(hours=1))

    assert fires("open_war_room_on_severity", None, theirs, True)
    assert not fires("open_war_room_on_severity", None, incident(urgency="low"), True)


@pytest.mark.parametrize(
    ("before", "after", "closes"),
    [
        (incident(), incident(status="resolved"), True),
        (incident(status="resolved"), incident(status="closed"), False),
        (incident(), incident(status="monitoring"), False),
        (incident(severity="sev4"), incident(severity="sev4", status="closed"), False),
        (
            incident(severity="sev4", relations={"warRoom": "room"}),
            incident(severity="sev4", status="closed", relations={"warRoom": "room"}),
            True,
        ),
    ],
)
def test_what_closes_a_room(before: Any, after: Any, closes: bool) -> None:
    assert fires("close_war_room_on_status", before, after) is closes


ROOM = {"warRoom": "room"}


@pytest.mark.parametrize(
    ("before", "after", "syncs"),
    [
        (incident(relations=ROOM), incident(relations=ROOM, title="Worse"), True),
        (incident(relations=ROOM), incident(relations=ROOM, severity="sev2"), True),
        (incident(relations=ROOM), incident(relations=ROOM, status="monitoring"), True),
        (incident(relations=ROOM), incident(relations=ROOM | {"responders": ["dana@example.com"]}), True),
        (incident(relations=ROOM), incident(relations=ROOM | {"services": ["checkout"]}), True),
        (incident(relations=ROOM), incident(relations=ROOM, latestNote="x"), False),
        (incident(relations=ROOM), incident(relations=ROOM, status="resolved"), False),
        (incident(), incident(title="Worse"), False),
    ],
)
def test_what_syncs_a_room(before: Any, after: Any, syncs: bool) -> None:
    assert fires("sync_war_room_on_change", before, after) is syncs


CUSTOM = Settings(incident_fields=IncidentFields(status=".properties.state"))


@pytest.mark.parametrize(
    ("before", "after", "announces"),
    [
        (incident(relations=ROOM), incident(relations=ROOM, status="monitoring"), True),
        (incident(relations=ROOM), incident(relations=ROOM, status="resolved"), True),
        (incident(relations=ROOM, status=None), incident(relations=ROOM), True),
        (incident(relations=ROOM), incident(relations=ROOM, status=None), False),
        (incident(relations=ROOM), incident(relations=ROOM, status=""), False),
        (incident(relations=ROOM), incident(relations=ROOM, severity="sev3"), False),
        (incident(), incident(relations=ROOM), False),
        (incident(), incident(status="resolved"), False),
    ],
)
def test_what_is_announced(before: Any, after: Any, announces: bool) -> None:
    assert fires("announce_status_on_change", before, after) is announces


def test_an_announcement_says_from_what_to_what_and_when() -> None:
    body = actions(CUSTOM, DOORS[0])["announce_status_on_change"]["invocationMethod"]["body"]
    before, after = (
        incident(state="open"),
        incident(state="monitoring") | {"updatedAt": "2026-01-02T03:04:05Z"},
    )

    said = rendered(body["inputs"], {"event": {"diff": {"before": before, "after": after}}})

    assert said == {"from": "open", "to": "monitoring", "version": "2026-01-02T03:04:05Z"}
