"""Provisioning against the sandbox's Port: from empty, half-done and customised organisations."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from starlette.routing import Router

from integration import portjson
from integration.budget import Budget
from integration.errors import BadInput, IncidentCommsError
from integration.provision import covers, provision, read_target
from integration.services.http import Patience
from integration.services.port import PortService
from integration.settings import IncidentFields, Settings, variable
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port.service import Port
from sandbox.world import Hostility, Json, World
from tests.sandbox.serve import serve

WEBHOOK = portjson.Webhook("https://comms.example.com")
CLAIMED = portjson.IntegrationAction("incident-comms")
SERVICE = {"identifier": "service", "title": "Service", "schema": {"properties": {}}}
BLUEPRINTS = {
    "incident",
    "incidentWarRoom",
    "incidentNote",
    "incidentCommunication",
    "incidentCommunicationAttempt",
    "commsAudience",
    "commsSwitch",
    "statuspage",
    "statuspageComponentGroup",
    "statuspageComponent",
    "statuspageIncident",
    "statuspageIncidentUpdate",
}
AUDIENCES = {"engineering", "support", "sales", "executives"}


class Organisation:
    """The sandbox's Port with the product's client on it."""

    def __init__(self, port: Port, url: str) -> None:
        self.port, self.url = port, url
        self.client = PortService(
            url, PORT_CLIENT_ID, PORT_CLIENT_SECRET, Budget(), patience=Patience(tries=1, backoff=0.0)
        )

    async def provision(self, settings: Settings | None = None, door: portjson.Door = WEBHOOK) -> list[str]:
        return await provision(self.client, settings or Settings(), door)

    async def blueprint(self, identifier: str) -> Json:
        found = await self.client.blueprint(identifier)
        assert found is not None
        return found

    async def action(self, identifier: str) -> Json:
        found = await self.client.action(identifier)
        assert found is not None
        return found

    async def entities(self, blueprint: str) -> dict[str, Json]:
        return {one["identifier"]: one for one in await self.client.search(blueprint, [])}

    def effects(self) -> list[str]:
        """What was changed in Port so far, in words."""
        return [entry.effect for entry in self.port.world.journal if entry.effect]


@pytest_asyncio.fixture
async def organisation() -> AsyncIterator[Organisation]:
    world = World()
    world.hostility = Hostility.none()
    port = Port(world)
    async with serve(Router(routes=port.routes())) as url:
        found = Organisation(port, url + "/port")
        await found.client.create_blueprint(SERVICE)
        yield found
        await found.client.aclose()


def test_a_definition_covers_itself_and_what_port_adds() -> None:
    action = portjson.port_actions(portjson.definitions()[0], Settings(), WEBHOOK)[0]

    assert covers({**action, "createdAt": "now", "id": "x"}, action)
    assert not covers({**action, "title": "Mine"}, action)


def test_an_input_that_is_gone_is_a_difference() -> None:
    assert not covers({"inputs": {"a": 1, "b": 2}}, {"inputs": {"a": 1}})
    assert not covers({"order": ["a", "b"]}, {"order": ["a"]})


async def test_an_empty_organisation_gets_everything_and_then_nothing(organisation: Organisation) -> None:
    first = await organisation.provision()
    changed = len(organisation.effects())
    second = await organisation.provision()

    assert all(line.endswith(": created") for line in first)
    assert {line.split()[1].strip(":") for line in first if line.startswith("blueprint")} == BLUEPRINTS
    assert [line.split(": ")[1] for line in second] == ["unchanged"] * len(first)
    assert len(organisation.effects()) == changed
    room = await organisation.blueprint("incidentWarRoom")
    incident = await organisation.blueprint("incident")
    assert room["relations"]["incident"]["target"] == "incident"
    assert room["ownership"]["type"] == "Direct"
    assert incident["relations"]["warRoom"]["target"] == "incidentWarRoom"
    assert set(incident["relations"]) == {"warRoom", "statuspageIncident", "services", "responders"}
    opens = await organisation.action("open_war_room_on_severity")
    assert opens["publish"] is True
    assert opens["invocationMethod"]["url"].startswith(WEBHOOK.base_url)


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


async def test_without_services_the_rest_is_there_and_the_relation_follows() -> None:
    port = Port(World())
    async with serve(Router(routes=port.routes())) as url:
        organisation = Organisation(port, url + "/port")
        first = await organisation.provision()
        await organisation.client.create_blueprint(SERVICE)
        second = await organisation.provision()
        await organisation.client.aclose()

    assert first[0] == (
        "blueprint incident: created (without relation services, as Port has no blueprint service)"
    )
    assert second[0] == "blueprint incident: added relation services"


@pytest.mark.parametrize(
    ("operation", "done"),
    [
        *itertools.product(["blueprints.create", "blueprints.patch", "actions.create"], [0, 1, 3]),
        *itertools.product(["entities.bulk"], [0, 1]),
    ],
)
async def test_it_goes_on_where_it_stopped(organisation: Organisation, operation: str, done: int) -> None:
    organisation.port.world.faults.add(
        {"service": "port", "operation": operation, "skip": done, "status": 503, "after_effect": done == 1}
    )
    with pytest.raises(IncidentCommsError):
        await organisation.provision()

    await organisation.provision()

    assert all(line.endswith("unchanged") for line in await organisation.provision())
    assert set((await organisation.blueprint("incident"))["relations"]) == {
        "warRoom",
        "statuspageIncident",
        "services",
        "responders",
    }
    assert set(await organisation.entities("commsAudience")) == AUDIENCES
    assert set(await organisation.entities("commsSwitch")) == {"communications"}


async def test_what_people_changed_of_an_action_stays(organisation: Organisation) -> None:
    await organisation.provision()
    automation = await organisation.action("open_war_room_on_severity")
    mine: dict[str, Any] = {"title": "Rooms for bad days", "publish": False}
    keys = ("identifier", "title", "icon", "description", "trigger", "invocationMethod", "publish")
    changed = {key: automation[key] for key in keys} | mine
    await organisation.client.put_action("open_war_room_on_severity", changed)

    unchanged = await organisation.provision()
    renewed = await organisation.provision(Settings(open_severities=("sev1",)))

    assert "automation open_war_room_on_severity: unchanged" in unchanged
    assert "automation open_war_room_on_severity: renewed trigger" in renewed
    found = await organisation.action("open_war_room_on_severity")
    assert {key: found[key] for key in mine} == mine
    assert 'sev2"' not in str(found["trigger"])


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
    assert found["enum"] == ["haunted", "open", "opening", "closed", "archived"]
    assert found["enumColors"]["open"] == "lime"


async def test_the_pause_switch_and_ready_audiences_are_there(organisation: Organisation) -> None:
    await organisation.provision()

    switch = (await organisation.entities("commsSwitch"))["communications"]
    assert switch["properties"]["paused"] is False
    audiences = await organisation.entities("commsAudience")
    assert set(audiences) == AUDIENCES
    assert all(
        not one["properties"]["slackChannels"] and not one["properties"]["emails"]
        for one in audiences.values()
    )


async def test_what_people_did_to_switch_and_audiences_stays(organisation: Organisation) -> None:
    await organisation.provision()
    await organisation.client.patch_entity(
        "commsSwitch", "communications", {"paused": True, "reason": "Exercise"}
    )
    await organisation.client.patch_entity("commsAudience", "support", {"slackChannels": ["C0SUPPORT"]})
    organisation.port.delete_entity("commsAudience", "sales")

    said = await organisation.provision()

    assert "entity commsSwitch communications: unchanged" in said
    assert "entity commsAudience support: unchanged" in said
    assert "entity commsAudience sales: left out" in said
    switch = (await organisation.entities("commsSwitch"))["communications"]
    assert switch["properties"] == {"paused": True, "reason": "Exercise"}
    audiences = await organisation.entities("commsAudience")
    assert set(audiences) == AUDIENCES - {"sales"}
    assert audiences["support"]["properties"]["slackChannels"] == ["C0SUPPORT"]


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

    said = await organisation.provision()

    page = await organisation.blueprint("statuspage")
    assert page["title"] == "Our page"
    assert page["schema"]["properties"]["headline"]["title"] == "Motto"
    component = await organisation.blueprint("statuspageComponent")
    assert component["relations"]["statuspage"]["required"] is True
    assert component["relations"]["componentGroup"]["target"] == "statuspageComponentGroup"
    status = component["schema"]["properties"]["status"]
    assert status["title"] == "State"
    assert "under_maintenance" in status["enum"]  # else Port would refuse a component in maintenance
    assert status["enumColors"]["operational"] == "lime"
    assert "blueprint statuspageIncident: created" in said
    assert all(line.endswith("unchanged") for line in await organisation.provision())


async def test_an_approval_that_people_switched_off_stays_off(organisation: Organisation) -> None:
    await organisation.provision()
    action = await organisation.action("publish_status_page")
    assert action["requiredApproval"] is True
    keys = ("identifier", "title", "icon", "description", "trigger", "invocationMethod", "publish")
    mine = {key: action[key] for key in keys} | {"requiredApproval": False}
    await organisation.client.put_action("publish_status_page", mine)

    await organisation.provision(door=portjson.Webhook("https://moved.example.com"))

    found = await organisation.action("publish_status_page")
    assert found["requiredApproval"] is False
    assert found["invocationMethod"]["url"].startswith("https://moved.example.com/")


async def test_the_door_can_be_changed(organisation: Organisation) -> None:
    organisation.port.allow_integration_actions = True
    await organisation.provision()

    said = await organisation.provision(door=CLAIMED)

    assert "action open_war_room: renewed invocationMethod" in said
    call = (await organisation.action("open_war_room"))["invocationMethod"]
    assert (call["type"], call["integrationActionType"]) == ("INTEGRATION_ACTION", "open_war_room")


async def test_a_port_that_refuses_our_action_types_is_told_apart(organisation: Organisation) -> None:
    with pytest.raises(BadInput, match=r"DOOR.*webhook door"):
        await organisation.provision(door=CLAIMED)


@pytest.mark.parametrize(
    ("missing", "door"),
    [
        ("OCEAN__PORT__CLIENT_ID", "webhook"),
        ("OCEAN__PORT__CLIENT_SECRET", "webhook"),
        ("OCEAN__BASE_URL", "webhook"),
        (variable("door"), "pigeon"),
    ],
)
def test_a_missing_or_wrong_variable_is_named(missing: str, door: str) -> None:
    environment = {
        "OCEAN__PORT__CLIENT_ID": "id",
        "OCEAN__PORT__CLIENT_SECRET": "not-a-secret",
        "OCEAN__BASE_URL": "https://comms.example.com",
    }
    environment.pop(missing, None)

    with pytest.raises(BadInput, match=missing):
        read_target(environment | {variable("door"): door})


def test_the_claiming_door_needs_no_address() -> None:
    environment = {"OCEAN__PORT__CLIENT_ID": "id", "ocean__port__client_secret": "not-a-secret"}
    target = read_target(environment | {variable("door").lower(): "integration_action"})

    assert target.door == portjson.IntegrationAction("my-incident-comms-integration")


async def test_the_command_says_what_it_did(organisation: Organisation) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "OCEAN__PORT__BASE_URL": organisation.url,
        "OCEAN__PORT__CLIENT_ID": PORT_CLIENT_ID,
        "OCEAN__PORT__CLIENT_SECRET": PORT_CLIENT_SECRET,
        "OCEAN__BASE_URL": "https://comms.example.com",
    }

    async def command(**changes: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "integration.provision"),
            env=environment | changes,
            cwd=portjson.ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    done, wrong, refused = await asyncio.gather(
        command(),
        command(OCEAN__INTEGRATION__CONFIG__OPEN_SEVERITIES="sev1"),
        command(OCEAN__PORT__CLIENT_SECRET="nobody-knows"),
    )

    assert done[0] == 0
    assert "blueprint incidentWarRoom: created" in done[1]
    assert (wrong[0], wrong[1]) == (2, "")
    assert "OCEAN__INTEGRATION__CONFIG__OPEN_SEVERITIES" in wrong[2]
    assert refused[0] == 1
    assert "Traceback" not in refused[2] + wrong[2]
    assert "nobody-knows" not in refused[2]
