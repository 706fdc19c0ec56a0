"""Taking it away again: what people said and had stays until it is asked for by name."""

from __future__ import annotations

from integration.provision.remove import remove
from integration.settings import IncidentFields, Settings
from tests.provision.conftest import Organisation

THEIRS = {
    "identifier": "pagerdutyIncident",
    "title": "PagerDuty incident",
    "schema": {"properties": {"urgency": {"type": "string"}, "warRoomChannel": {"type": "string"}}},
}
SETTINGS = Settings(
    incident_blueprint="pagerdutyIncident", incident_fields=IncidentFields(severity=".properties.urgency")
)


async def test_it_is_as_before_where_nothing_was_said(organisation: Organisation) -> None:
    await organisation.client.create_blueprint(THEIRS)
    await organisation.client.create_blueprint(
        {"identifier": "statuspage", "title": "Somebody's", "schema": {"properties": {}}}
    )
    before = {name: dict(one) for name, one in organisation.port.store.blueprints.items()}
    await organisation.provision(SETTINGS)
    for blueprint in ("commsAudience", "commsSwitch"):
        for entity in await organisation.entities(blueprint):
            organisation.port.delete_entity(blueprint, entity)

    dry = await remove(organisation.client, SETTINGS, delete_data=False, dry=True)
    untouched = set(organisation.port.store.actions)
    said = await remove(organisation.client, SETTINGS, delete_data=False, dry=False)

    assert untouched
    assert any("would be removed" in line for line in dry)
    assert organisation.port.store.actions == {}
    assert organisation.port.store.pages == {}
    assert organisation.port.store.secrets == {}
    assert set(organisation.port.store.blueprints) == set(before), said
    theirs = await organisation.blueprint("pagerdutyIncident")
    assert set(theirs["schema"]["properties"]) == {"urgency", "warRoomChannel"}
    assert theirs["relations"] == {}
    assert set((await organisation.blueprint("statuspage"))["schema"]["properties"]) == set()
    assert (await remove(organisation.client, SETTINGS, delete_data=False, dry=False))[0].startswith(
        "nothing"
    )


async def test_what_holds_data_stays_and_is_counted(organisation: Organisation) -> None:
    await organisation.client.create_blueprint(THEIRS)
    await organisation.provision(SETTINGS)
    client = organisation.client
    await client.create_entities(
        "pagerdutyIncident", [{"identifier": "P1", "properties": {"urgency": "high"}}]
    )
    room = {"identifier": "P1", "properties": {"state": "open"}, "relations": {"incident": "P1"}}
    await client.create_entities("incidentWarRoom", [room])
    await client.patch_entity("pagerdutyIncident", "P1", {"warRoomState": "open"}, {"warRoom": "P1"})

    said = await remove(client, SETTINGS, delete_data=False, dry=False)

    assert organisation.port.store.actions == {}  # nothing is begun any more
    assert "blueprint incidentWarRoom: kept, it holds 1 entities" in said
    assert any(line.startswith("blueprint pagerdutyIncident: our ") and "kept, 1" in line for line in said)
    assert said[-1].endswith("`--remove --delete-data` deletes that, for good")
    assert set(await organisation.entities("incidentWarRoom")) == {"P1"}
    incident = (await organisation.entities("pagerdutyIncident"))["P1"]
    assert incident["properties"]["warRoomState"] == "open"
    assert await client.blueprint("incidentNote") is None  # empty, and nobody points to it

    await organisation.provision(SETTINGS)  # it can be taken up again
    await remove(client, SETTINGS, delete_data=True, dry=False)

    assert await client.blueprint("incidentWarRoom") is None
    theirs = await organisation.blueprint("pagerdutyIncident")
    assert set(theirs["schema"]["properties"]) == {"urgency", "warRoomChannel"}
    incident = (await organisation.entities("pagerdutyIncident"))["P1"]
    assert incident["properties"]["urgency"] == "high"


async def test_what_a_kept_aggregation_counts_stays(organisation: Organisation) -> None:
    await organisation.client.create_blueprint(
        {"identifier": "statuspage", "title": "Somebody's", "schema": {"properties": {}}}
    )
    await organisation.provision()
    page = {"identifier": "page", "properties": {"subscribers": 3}}
    await organisation.client.create_entities("statuspage", [page])

    said = await remove(organisation.client, Settings(), delete_data=False, dry=False)

    assert "blueprint statuspageComponent: kept, what is kept points to it" in said
    kept = await organisation.entities("statuspage")
    assert kept["page"]["properties"]["criticalOpenIssues"] == 0
