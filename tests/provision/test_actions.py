"""Actions and automations: ours are renewed, what people changed of them stays."""

from __future__ import annotations

from typing import Any

import pytest

from integration import portjson
from integration.errors import BadInput
from integration.provision import covers
from integration.settings import Settings
from tests.provision.conftest import CLAIMED, WEBHOOK, Organisation


def test_a_definition_covers_itself_and_what_port_adds() -> None:
    action = portjson.port_actions(portjson.definitions()[0], Settings(), WEBHOOK)[0]

    assert covers({**action, "createdAt": "now", "id": "x"}, action)
    assert not covers({**action, "title": "Mine"}, action)


def test_an_input_that_is_gone_is_a_difference() -> None:
    assert not covers({"inputs": {"a": 1, "b": 2}}, {"inputs": {"a": 1}})
    assert not covers({"order": ["a", "b"]}, {"order": ["a"]})


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
