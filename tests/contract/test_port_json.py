"""What Port is told about us: against Port's own schema, and against what our code says."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import jq
import pytest

from actions.registry import ACTIONS
from integration import portjson
from integration.entities import LINK
from integration.errors import BadInput
from integration.models.communication import CommunicationState, Operation
from integration.models.note import NOTE_KINDS
from integration.record import OUTCOMES, Link, link_entity
from integration.settings import Settings
from tests.contract.built import DOORS, THEIRS, actions, rendered

SHARED = Path(os.environ.get("INCIDENT_COMMS_SHARED", portjson.ROOT.parent / "shared"))
VALIDATOR = SHARED / "tools" / "port_validate.py"
BODY = {"action", "run", "incident", "snapshot", "inputs", "requestedBy"}


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


def test_a_link_of_the_record_says_every_outcome_and_nothing_its_blueprint_does_not_know() -> None:
    found = next(one for one in portjson.blueprints().own if one["identifier"] == LINK)
    link = Link(
        incident="INC-1",
        number=1,
        receipt={"ts": "1.2"},
        permalink="https://e.com",
        replaces="INC-1:draft",
        content_hash="0" * 64,
    )
    entity = link_entity(link)

    assert set(found["schema"]["properties"]) == set(entity["properties"])
    assert set(found["relations"]) == set(entity["relations"])
    assert tuple(found["schema"]["properties"]["state"]["enum"]) == OUTCOMES
    assert {*OUTCOMES, "sending", "draft"} == set(get_args(CommunicationState))


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


@pytest.mark.parametrize(
    "given",
    [[{"identifier": "sales", "properties": {}}, {"identifier": "support"}], ["sales", "support"]],
    ids=["entities", "identifiers"],
)
def test_entity_inputs_reach_us_as_identifiers(given: list[Any]) -> None:
    body = actions(Settings(), DOORS[0])["post_update"]["invocationMethod"]["body"]
    one = actions(Settings(), DOORS[0])["publish_status_page"]["invocationMethod"]["body"]

    said = rendered(body["inputs"], {"inputs": {"audiences": given, "text": "Up"}})
    assert said["audiences"] == ["sales", "support"]
    assert said["text"] == "Up"
    assert {value for name, value in said.items() if name not in ("audiences", "text")} == {None}
    found = rendered(one["inputs"], {"inputs": {"page": given[0]}})
    assert (found["page"], found["components"]) == ("sales", [])


def test_a_communication_is_sent_for_its_incident() -> None:
    action = actions(Settings(incident_blueprint="pagerdutyIncident"), DOORS[0])["send_communication"]
    held = {"identifier": "INC-1:update:1", "relations": {"incident": "INC-1"}, "properties": {}}

    body = rendered(
        {key: action["invocationMethod"]["body"][key] for key in ("incident", "snapshot", "inputs")},
        {"entity": held, "inputs": {"overtaken": True}},
    )

    assert action["trigger"]["blueprintIdentifier"] == "incidentCommunication"
    inputs = {"communication": "INC-1:update:1", "overtaken": True}
    assert body == {"incident": "INC-1", "snapshot": None, "inputs": inputs}
    (offered,) = action["trigger"]["condition"]["rules"]
    assert (offered["property"], offered["operator"]) == ("state", "in")
    assert not {"sending", "sent"} & set(offered["value"])


def test_an_automation_is_created_switched_on_and_reads_the_event() -> None:
    nothing_set_up = actions(Settings(), DOORS[0])
    off = [name for name, one in nothing_set_up.items() if not one["publish"]]
    assert off == ["draft_publication_for_status_page"]
    for action in actions(Settings(statuspage_api_key="key"), DOORS[0]).values():
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
