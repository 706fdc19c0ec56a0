"""What customers see of an incident, from its first public words to its last: a life as most will live it."""

from __future__ import annotations

import pytest

from sandbox.port.service import ADMIN
from sandbox.stage import Stage
from tests.stories.outward_public import API, components, decided, draft_of, public, seen, shows, spoken
from tests.stories.play import COMMANDER, Incident, becomes

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_customers_read_what_somebody_has_approved_and_nothing_else(stage: Stage) -> None:
    incident = await Incident.created(stage, title="web-7 is down", severity="sev2")

    await becomes("the page stands in Port", lambda: stage.entity("statuspageComponent", API))
    draft = await draft_of(incident, "publish", COMMANDER, components=[API])
    unseen = await seen(stage)
    approved = await decided(stage, draft, ADMIN)

    assert draft["text"] not in unseen
    assert (approved["status"], approved["statusLabel"]) == ("SUCCESS", "Published"), approved["summary"]
    page = await seen(stage)
    assert draft["text"] in page
    assert "web-7" not in page
    assert (await components(stage))[API] == "partial_outage"
    await shows(incident, publicStatus="investigating", lastPublicWords=draft["text"])

    # Whoever closes the incident need not think of the page: what ends it there is drafted.
    await incident.change(status="resolved")

    async def drafted() -> str | None:
        standing = [one for one in await spoken(incident, "draft") if one["state"] == "draft"]
        return standing[0]["identifier"] if standing else None

    resolution = await becomes("the resolution is drafted", drafted)
    assert (await public(incident))[0]["status"] == "investigating"
    ended = await decided(stage, {"identifier": resolution}, ADMIN)

    assert (ended["status"], ended["statusLabel"]) == ("SUCCESS", "Resolved"), ended["summary"]
    assert (await components(stage))[API] == "operational"
    assert "Resolved" in await seen(stage)
