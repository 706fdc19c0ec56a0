"""Blueprints that are there already only gain, and a clash is named before anything is written."""

from __future__ import annotations

import pytest

from integration.errors import BadInput
from integration.provision.plan import PRIVATE_WORDS
from integration.settings import IncidentFields, Settings
from sandbox.port.service import Port
from sandbox.routing import Routes
from sandbox.world import Json, World
from tests.provision.conftest import SERVICE, Organisation, settled
from tests.sandbox.serve import serve


async def test_the_customers_incident_blueprint_only_gains(organisation: Organisation) -> None:
    theirs = {
        "identifier": "pagerdutyIncident",
        "title": "PagerDuty incident",
        "icon": "pagerduty",
        "schema": {
            "properties": {
                "urgency": {"type": "string", "title": "Urgency", "enum": ["high", "low"]},
                "warRoomChannel": {"type": "string", "title": "Our own words for it"},
            },
            "required": ["urgency"],
        },
        "relations": {"service": {"title": "Service", "target": "service", "required": False, "many": False}},
    }
    await organisation.client.create_blueprint(theirs)
    settings = Settings(
        incident_blueprint="pagerdutyIncident", incident_fields=IncidentFields(severity=".properties.urgency")
    )

    said = await organisation.provision(settings)

    found = await organisation.blueprint("pagerdutyIncident")
    assert found["title"] == "PagerDuty incident"
    assert found["schema"]["required"] == ["urgency"]
    assert found["schema"]["properties"]["urgency"] == theirs["schema"]["properties"]["urgency"]  # type: ignore[index]
    assert found["schema"]["properties"]["warRoomChannel"]["title"] == "Our own words for it"
    assert "warRoomState" in found["schema"]["properties"]
    assert "summary" not in found["schema"]["properties"]
    assert set(found["relations"]) == {"service", "warRoom", "statuspageIncident"}
    assert said[0].startswith("blueprint pagerdutyIncident: added warRoomBridge, warRoomState")
    assert await organisation.client.blueprint("incident") is None
    room = await organisation.blueprint("incidentWarRoom")
    assert room["relations"]["incident"]["target"] == "pagerdutyIncident"


async def test_an_incident_blueprint_that_is_not_there_is_named(organisation: Organisation) -> None:
    before = organisation.effects()

    with pytest.raises(BadInput, match=r"INCIDENT_BLUEPRINT.*opsIncident"):
        await organisation.provision(Settings(incident_blueprint="opsIncident"))

    assert organisation.effects() == before


@pytest.mark.parametrize(
    ("theirs", "says"),
    [
        (
            {"schema": {"properties": {"lastActivityAt": {"type": "number"}}}},
            "property lastActivityAt is of type number, ours is string",
        ),
        (
            {"relations": {"warRoom": {"target": "service", "many": True}}},
            "relation warRoom goes to many service",
        ),
        (
            {
                "schema": {"properties": {"x": {"type": "string"}}},
                "calculationProperties": {"latestNote": {"type": "string", "calculation": ".properties.x"}},
            },
            "latestNote is computed",
        ),
    ],
)
async def test_a_clash_is_named_and_nothing_is_written(
    organisation: Organisation, theirs: Json, says: str
) -> None:
    blueprint = {"identifier": "incident", "title": "Incident", "schema": {"properties": {}}}
    await organisation.client.create_blueprint(blueprint | theirs)
    before = organisation.effects()

    with pytest.raises(BadInput, match=says):
        await organisation.provision()

    assert organisation.effects() == before


async def test_an_earlier_blueprint_of_ours_gains_type_and_owner_and_yields_to_theirs(
    organisation: Organisation,
) -> None:
    await organisation.provision()
    whole = await organisation.blueprint("incident")
    properties, relations = whole["schema"]["properties"], whole["relations"]
    team = {"title": "Team in charge", "target": "service", "required": False, "many": False}
    earlier: Json = {
        "schema": {"properties": {key: value for key, value in properties.items() if key != "type"}},
        "relations": {**relations, "owner": team},
    }
    assert properties["type"]["type"] == "string"
    assert relations["owner"]["target"] == "_user"
    other = Organisation(Port(World()), "")
    async with serve(Routes(other.port.routes())) as url:
        other = Organisation(other.port, url + "/port")
        await other.client.create_blueprint(SERVICE)
        bare: Json = {"identifier": "incident", "title": "Incident", "icon": "Alert", **earlier}
        bare["relations"] = {key: one for key, one in bare["relations"].items() if one["target"] == "service"}
        await other.client.create_blueprint(bare)
        await other.provision()
        found = await other.blueprint("incident")
        await other.client.aclose()

    assert "type" in found["schema"]["properties"]
    assert found["relations"]["owner"] == found["relations"]["owner"] | team
    assert "responders" in found["relations"]


async def test_without_services_the_rest_is_there_and_the_relation_follows() -> None:
    port = Port(World())
    async with serve(Routes(port.routes())) as url:
        organisation = Organisation(port, url + "/port")
        first = await organisation.provision()
        await organisation.client.create_blueprint(SERVICE)
        second = await organisation.provision()
        await organisation.client.aclose()

    assert first[0] == (
        "blueprint incident: created (without relation services, as Port has no blueprint service)"
    )
    assert second[0] == "blueprint incident: added relation services"


async def test_choices_we_write_are_added_to_an_enum(organisation: Organisation) -> None:
    await organisation.provision()
    room = await organisation.blueprint("incidentWarRoom")
    state = room["schema"]["properties"]["state"] | {
        "title": "How it stands",
        "enum": ["haunted", "open"],
        "enumColors": {"haunted": "purple", "open": "lime"},
    }
    properties = room["schema"]["properties"] | {"state": state}
    await organisation.client.patch_blueprint("incidentWarRoom", {"schema": {"properties": properties}})

    said = await organisation.provision()

    assert "blueprint incidentWarRoom: added choices of state" in said
    found = (await organisation.blueprint("incidentWarRoom"))["schema"]["properties"]["state"]
    assert found["title"] == "How it stands"
    assert found["enum"] == ["haunted", "open", "closed", "archived"]
    assert found["enumColors"]["open"] == "lime"


async def test_status_page_blueprints_of_another_integration_only_gain(organisation: Organisation) -> None:
    theirs: list[Json] = [
        {
            "identifier": "statuspage",
            "title": "Our page",
            "schema": {"properties": {"headline": {"type": "string", "title": "Motto"}}},
        },
        {
            "identifier": "statuspageComponent",
            "title": "Our component",
            "schema": {
                "properties": {
                    "status": {
                        "type": "string",
                        "title": "State",
                        "enum": ["operational", "major_outage"],
                        "enumColors": {"operational": "lime", "major_outage": "red"},
                    }
                }
            },
            "relations": {
                "statuspage": {"title": "Page", "target": "statuspage", "required": True, "many": False}
            },
        },
    ]
    for blueprint in theirs:
        await organisation.client.create_blueprint(blueprint)
    count: Json = {
        "title": "Slow ones",
        "target": "statuspageComponent",
        "calculationSpec": {"calculationBy": "entities", "func": "count"},
    }
    await organisation.client.patch_blueprint(
        "statuspage", {"aggregationProperties": {"criticalOpenIssues": count}}
    )

    said = await organisation.provision()

    page = await organisation.blueprint("statuspage")
    assert page["title"] == "Our page"
    assert page["aggregationProperties"]["criticalOpenIssues"] == count | {
        key: value
        for key, value in page["aggregationProperties"]["criticalOpenIssues"].items()
        if key not in count
    }
    assert page["schema"]["properties"]["headline"]["title"] == "Motto"
    component = await organisation.blueprint("statuspageComponent")
    assert component["relations"]["statuspage"]["required"] is True
    assert component["relations"]["componentGroup"]["target"] == "statuspageComponentGroup"
    status = component["schema"]["properties"]["status"]
    assert status["title"] == "State"
    assert "under_maintenance" in status["enum"]  # else Port would refuse a component in maintenance
    assert status["enumColors"]["operational"] == "lime"
    assert "blueprint statuspageIncident: created" in said
    assert all(settled(line) for line in await organisation.provision())


async def test_what_port_computes_on_status_pages_is_there_for_dashboards(organisation: Organisation) -> None:
    await organisation.provision()
    create = organisation.client.create_entities
    await create("statuspage", [{"identifier": "page", "properties": {}}])
    relations = {"statuspage": "page"}
    for name, status in (("a", "degraded_performance"), ("b", "operational"), ("c", "degraded_performance")):
        one: Json = {"identifier": name, "properties": {"status": status}, "relations": relations}
        await create("statuspageComponent", [one])
    for status in ("resolved", "completed"):
        await create("statuspageIncident", [{"identifier": status, "properties": {"status": status}}])
        update = {"identifier": status, "properties": {"status": status}, "relations": {"incident": status}}
        await create("statuspageIncidentUpdate", [update])

    pages = await organisation.entities("statuspage")
    kinds = {
        blueprint: {
            name: one["properties"]["category"]
            for name, one in (await organisation.entities(blueprint)).items()
        }
        for blueprint in ("statuspageIncident", "statuspageIncidentUpdate")
    }

    assert pages["page"]["properties"]["criticalOpenIssues"] == 2
    assert kinds["statuspageIncident"] == {"resolved": "incident", "completed": "maintainance"}
    assert kinds["statuspageIncidentUpdate"] == kinds["statuspageIncident"]


async def test_who_else_reads_private_words_is_said_and_not_changed(organisation: Organisation) -> None:
    settings = Settings(private_rooms_team="incident-readers")
    await organisation.provision(settings)
    only = {"entities": {"read": {"roles": ["Admin", "Note-moderator"], "teams": ["incident-readers"]}}}
    organisation.port.store.blueprint_permissions["incidentNote"] = only

    said = [line for line in await organisation.provision(settings) if line.startswith("permissions")]

    assert [line.split()[2].strip(":") for line in said] == [
        one for one in PRIVATE_WORDS if one != "incidentNote"
    ]
    assert all("role Member" in line for line in said)
    changed = [effect for effect in organisation.effects() if "permissions" in effect]
    assert not [effect for effect in changed if "of action" not in effect]
    assert not [line for line in await organisation.provision() if line.startswith("permissions")]
