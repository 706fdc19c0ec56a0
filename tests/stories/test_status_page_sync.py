"""The status page in Port, with everything real: by the first resync, by webhooks, by hand without any,
and never deleted because something could not be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.statuspage.state import API_KEY
from tests.stories.play import Incident, becomes, staged

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHECKOUT, SEARCH = "sbxcheckout1", "sbxsearch001"
INCIDENTS = f"/pages/{DEFAULT_PAGE}/incidents"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """A stage of our own: these stories restart the integration."""
    async with staged() as up:
        yield up


class Hand:
    """A person at Statuspage, who works on the page by its API and knows nothing of us."""

    def __init__(self, stage: Stage) -> None:
        headers = {"authorization": f"OAuth {API_KEY}"}
        self.http = httpx.AsyncClient(base_url=f"{stage.base}/statuspage/v1", headers=headers, timeout=10)

    async def __call__(self, method: str, path: str, what: str = "incident", **given: Any) -> Json:
        answer = await self.http.request(method, path, json={what: given} if given else None)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def hand(stage: Stage) -> AsyncIterator[Hand]:
    found = Hand(stage)
    yield found
    await found.http.aclose()


async def entity(stage: Stage, blueprint: str, identifier: str, seconds: float = 30.0, **wanted: Any) -> Json:
    """The entity once it stands in Port with these properties."""

    async def look() -> Json | None:
        found = await stage.entity(blueprint, identifier)
        if found is None:
            return None
        held = found["properties"]
        return found if all(held.get(name) == value for name, value in wanted.items()) else None

    return await becomes(f"{blueprint} {identifier} with {wanted}", look, seconds)


async def public_of(stage: Stage, hand: Hand, incident: str, **given: Any) -> Json:
    """A public incident that a person opens for one of ours. Nobody is told, our webhook neither."""
    metadata = {"incident_comms": {"incident": incident}}
    words = {"name": "Checkout is slow", "body": "We are looking into it.", "deliver_notifications": False}
    return await hand("POST", INCIDENTS, **{**words, "metadata": metadata, **given})


async def test_the_page_stands_in_port_after_the_first_resync(stage: Stage) -> None:
    page = await entity(stage, "statuspage", DEFAULT_PAGE, time_zone="UTC")
    checkout = await entity(stage, "statuspageComponent", CHECKOUT, status="operational")
    group = await stage.entity("statuspageComponentGroup", checkout["relations"]["componentGroup"])

    assert page["title"] == "Example Shop Status"
    assert checkout["relations"]["statuspage"] == DEFAULT_PAGE
    assert group is not None
    assert group["title"] == "Shop"


async def test_a_webhook_brings_a_change_by_hand_to_port_and_onto_the_incident(
    stage: Stage, hand: Hand
) -> None:
    incident = await Incident.created(stage)
    secret = stage.integration.env["OCEAN__INTEGRATION__CONFIG__STATUSPAGE_WEBHOOK_SECRET"]

    public = await public_of(
        stage,
        hand,
        incident.identifier,
        status="identified",
        component_ids=[CHECKOUT],
        components={CHECKOUT: "partial_outage"},
        deliver_notifications=True,
    )

    shown = await entity(stage, "incident", incident.identifier, publicStatus="identified")
    assert shown["properties"]["publicIncident"] == public["shortlink"]
    assert shown["relations"]["statuspageIncident"] == public["id"]
    mirrored = await entity(stage, "statuspageIncident", public["id"], status="identified", impact="major")
    assert mirrored["relations"]["components"] == [CHECKOUT]
    await entity(stage, "statuspageComponent", CHECKOUT, status="partial_outage")
    update = public["incident_updates"][0]
    said = await entity(stage, "statuspageIncidentUpdate", update["id"], body="We are looking into it.")
    assert said["relations"] == {"incident": public["id"], "affectedComponents": [CHECKOUT]}
    # A component's state alone is told by another kind of webhook.
    await hand("PATCH", f"/pages/{DEFAULT_PAGE}/components/{SEARCH}", "component", status="major_outage")
    await entity(stage, "statuspageComponent", SEARCH, status="major_outage")
    # The secret stands in the path of every delivery, and in no line of our log.
    assert secret not in stage.integration.log.read_text("utf-8", "replace")


@pytest.mark.rehearsal
async def test_without_webhooks_changes_by_hand_are_found_by_looking(stage: Stage, hand: Hand) -> None:
    incident = await Incident.created(stage)
    public = await public_of(stage, hand, incident.identifier)
    # A resync brings in what was opened while nobody told us of it.
    await stage.integration.stop()
    await stage.start_integration()
    await entity(stage, "incident", incident.identifier, publicStatus="investigating")

    path = f"{INCIDENTS}/{public['id']}"
    await hand("PATCH", path, status="monitoring", body="A fix is out.", deliver_notifications=False)
    await entity(stage, "incident", incident.identifier, 60, publicStatus="monitoring")
    await hand("PATCH", path, status="resolved", body="It is over.", deliver_notifications=False)
    shown = await entity(stage, "incident", incident.identifier, 60, publicStatus="resolved")

    assert shown["properties"]["status"] == "investigating"  # theirs to change
    await entity(stage, "statuspageIncident", public["id"], status="resolved")
    bodies = {
        one["properties"]["body"]
        for one in await stage.entities("statuspageIncidentUpdate")
        if one["relations"]["incident"] == public["id"]
    }
    assert bodies == {"We are looking into it.", "A fix is out.", "It is over."}


@pytest.mark.rehearsal
async def test_a_page_that_cannot_be_read_costs_no_entity(stage: Stage, hand: Hand) -> None:
    before = {one["identifier"] for one in await stage.entities("statuspageComponent")}
    assert before
    await stage.ask(
        "POST",
        "/faults",
        {"service": "statuspage", "operation": "components.list", "status": 500, "times": 100},
    )

    await stage.integration.stop()
    await stage.start_integration()

    async def failed() -> bool:
        journal = await stage.journal(service="statuspage", operation="components.list")
        return len([entry for entry in journal if entry["status"] == 500]) >= 3

    await becomes("the resync fails on the components", failed)
    await stage.ask("DELETE", "/faults")
    assert {one["identifier"] for one in await stage.entities("statuspageComponent")} == before
