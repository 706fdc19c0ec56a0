"""Provisioning as a whole: from nothing, again, and after it was stopped anywhere."""

from __future__ import annotations

import itertools

import pytest

from integration.errors import IncidentCommsError
from tests.provision.conftest import AUDIENCES, BLUEPRINTS, WEBHOOK, Organisation, settled

RELATIONS = {"warRoom", "statuspageIncident", "services", "responders", "owner"}


async def test_an_empty_organisation_gets_everything_and_then_nothing(organisation: Organisation) -> None:
    first = await organisation.provision()
    changed = len(organisation.effects())
    second = await organisation.provision()

    made = [line for line in first if not line.startswith(("grant", "agent"))]
    assert all(line.endswith(": created") for line in made)
    assert {line.split()[1].strip(":") for line in first if line.startswith("blueprint")} == BLUEPRINTS
    assert len(second) == len(first)
    assert all(settled(line) for line in second)
    assert len(organisation.effects()) == changed
    room = await organisation.blueprint("incidentWarRoom")
    incident = await organisation.blueprint("incident")
    assert room["relations"]["incident"]["target"] == "incident"
    assert room["ownership"]["type"] == "Direct"
    assert incident["relations"]["warRoom"]["target"] == "incidentWarRoom"
    assert set(incident["relations"]) == RELATIONS
    opens = await organisation.action("open_war_room_on_severity")
    assert opens["publish"] is True
    assert opens["invocationMethod"]["url"].startswith(WEBHOOK.base_url)


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

    assert all(settled(line) for line in await organisation.provision())
    assert set((await organisation.blueprint("incident"))["relations"]) == RELATIONS
    assert set(await organisation.entities("commsAudience")) == AUDIENCES
    assert set(await organisation.entities("commsSwitch")) == {"communications"}
