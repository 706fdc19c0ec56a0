"""The pause switch and the ready audiences, and what people made of them."""

from __future__ import annotations

from tests.provision.conftest import AUDIENCES, Organisation


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
