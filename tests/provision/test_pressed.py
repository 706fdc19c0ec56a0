"""The provisioned buttons and automations, pressed and fired: what reaches us is what the handlers read."""

from __future__ import annotations

import pytest

from sandbox.port.engine import Engine
from sandbox.port.wire import PortError
from sandbox.world import Json
from tests.provision.conftest import CLAIMED, Organisation

ASKS, APPROVES = "oncall@example.com", "lead@example.com"


async def engine_of(organisation: Organisation) -> Engine:
    """Port's engine over a provisioned organisation with an incident, two people and a status page."""
    port = organisation.port
    engine = Engine(port)
    port.allow_integration_actions = True
    await organisation.provision(door=CLAIMED)
    port.seed({"users": [{"email": ASKS}, {"email": APPROVES, "role": "Admin"}]})
    port.create_entity("statuspage", {"identifier": "page-1", "title": "Example", "properties": {}})
    for number in (1, 2):
        component = {
            "identifier": f"component-{number}",
            "properties": {},
            "relations": {"statuspage": "page-1"},
        }
        port.create_entity("statuspageComponent", component)
    port.create_entity("incidentWarRoom", {"identifier": "INC-1", "properties": {}})
    incident = {"identifier": "INC-1", "title": "Checkout", "relations": {"warRoom": "INC-1"}}
    port.create_entity("incident", incident | {"properties": {"status": "open", "severity": "sev3"}})
    return engine


def body_of(run: Json) -> Json:
    found: Json = run["payload"]["integrationActionExecutionProperties"]
    return found


async def test_audiences_come_as_identifiers(organisation: Organisation) -> None:
    engine = await engine_of(organisation)

    run = engine.press("post_update", "INC-1", {"audiences": ["sales", "support"], "text": "Better"}, ASKS)

    body = body_of(run)
    given = {"audiences": ["sales", "support"], "text": "Better"}
    assert body["inputs"] == {**body["inputs"], **given, "sendAgain": False, "includePrivate": False}
    assert (body["incident"], body["snapshot"]["title"], body["requestedBy"]) == ("INC-1", "Checkout", ASKS)


@pytest.mark.parametrize("audiences", [[], ["nobody"]])
async def test_an_update_for_nobody_is_refused_by_the_form(
    organisation: Organisation, audiences: list[str]
) -> None:
    engine = await engine_of(organisation)

    with pytest.raises(PortError, match="audiences"):
        engine.press("post_update", "INC-1", {"audiences": audiences, "text": "Better"}, ASKS)


async def test_a_public_post_reaches_us_only_once_approved(organisation: Organisation) -> None:
    engine = await engine_of(organisation)
    inputs = {
        "page": "page-1",
        "name": "Checkout is slow",
        "body": "We are on it.",
        "components": ["component-1", "component-2"],
        "componentStatus": "partial_outage",
        "notifySubscribers": False,
    }

    waiting = engine.press("publish_status_page", "INC-1", inputs, ASKS)
    assert (waiting["status"], waiting.get("payload")) == ("WAITING_FOR_APPROVAL", None)
    approved = engine.approve(waiting["id"], APPROVES, True)

    taken = body_of(approved)["inputs"]
    assert taken == taken | inputs | {"status": "investigating"}


async def test_whether_subscribers_are_told_must_be_said(organisation: Organisation) -> None:
    engine = await engine_of(organisation)

    for action in ("update_status_page", "resolve_status_page"):
        with pytest.raises(PortError, match="notifySubscribers"):
            engine.press(action, "INC-1", {"body": "Fixed."}, ASKS)


async def test_what_was_held_back_can_be_sent_and_what_was_sent_can_not(organisation: Organisation) -> None:
    engine = await engine_of(organisation)
    for state in ("held", "sent"):
        organisation.port.create_entity(
            "incidentCommunication",
            {"identifier": state, "properties": {"state": state}, "relations": {"incident": "INC-1"}},
        )

    body = body_of(engine.press("send_communication", "held", {}, ASKS))

    assert (body["incident"], body["snapshot"]) == ("INC-1", None)
    assert body["inputs"]["communication"] == "held"
    with pytest.raises(PortError, match="does not meet the condition"):
        engine.press("send_communication", "sent", {}, ASKS)


async def test_a_changed_status_is_announced_with_its_version(organisation: Organisation) -> None:
    engine = await engine_of(organisation)

    changed = organisation.port.change_entity("incident", "INC-1", {"properties": {"status": "monitoring"}})

    runs = [run for run in engine.snapshot() if run["action"]["identifier"] == "announce_status_on_change"]
    (said,) = [body_of(run)["inputs"] for run in runs]
    assert (said["from"], said["to"], said["version"]) == ("open", "monitoring", changed["updatedAt"])
    assert said["severityFrom"] == said["severityTo"]
