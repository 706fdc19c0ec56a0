"""Nothing has to reach us: Slack talks by Socket Mode, Port's runs are claimed, Zoom and Statuspage are
looked at. The integration has no address of its own, and nobody calls it."""

from __future__ import annotations

import httpx
import pytest

from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.statuspage.state import API_KEY
from tests.stories.play import CLOSING, OPENING, RESPONDER, Incident, Room, becomes, resynced

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.rehearsal]

PUBLIC = f"/pages/{DEFAULT_PAGE}/incidents"
WORDS = {"name": "Checkout is slow", "body": "We are looking into it.", "deliver_notifications": False}


async def called(room: Room, *wanted: str) -> list[Json]:
    """What its timeline tells of the call, once it is this."""

    async def look() -> list[Json] | None:
        found = [
            one["properties"]
            for one in await room.stage.of_incident("incidentBridgeEvent", room.incident.identifier)
        ]
        return found if sorted(one["event"] for one in found) == sorted(wanted) else None

    return await becomes(f"the timeline tells of {wanted}", look)


async def bridge(room: Room, state: str) -> None:
    async def look() -> bool:
        return (await room.again()).properties.get("bridgeState") == state

    await becomes(f"the bridge is {state}", look)


async def test_an_incident_from_its_opening_to_its_close_without_an_inbound_call(other_stage: Stage) -> None:
    stage = other_stage
    assert not stage.integration.env["OCEAN__BASE_URL"]
    incident = await Incident.created(stage, severity="sev1", responders=[RESPONDER])
    room = await incident.opened()
    assert (await incident.run(OPENING))["payload"]["type"] == "INTEGRATION_ACTION"

    ts = await room.say("finding: the pool is exhausted")
    await room.noted("what was said is noted", lambda notes: ts in notes)

    meeting = {"meeting": room.properties["meetingId"]}
    await stage.ask("POST", "/zoom/join", {**meeting, "user": RESPONDER})
    await bridge(room, "started")
    await called(room, "started")
    await stage.ask("POST", "/zoom/end", meeting)
    await bridge(room, "ended")
    await called(room, "started", "ended")

    headers = {"authorization": f"OAuth {API_KEY}", "connection": "close"}
    async with httpx.AsyncClient(base_url=f"{stage.base}/statuspage/v1", headers=headers) as by_hand:
        metadata = {"incident_comms": {"incident": incident.identifier}}
        made = await by_hand.post(PUBLIC, json={"incident": {**WORDS, "metadata": metadata}})
        await resynced(stage)
        await shown(incident, "investigating")
        change = {"status": "monitoring", "body": "A fix is out.", "deliver_notifications": False}
        path = f"{PUBLIC}/{made.json()['id']}"
        assert (await by_hand.patch(path, json={"incident": change})).is_success
        await shown(incident, "monitoring")

    await incident.change(status="resolved")
    assert (await incident.run(CLOSING))["status"] == "SUCCESS"

    told = [one for one in await stage.journal(since=incident.since) if one["direction"] == "out"]
    # What Slack tells comes through the connection that we have opened; nothing comes any other way.
    assert {one["method"] for one in told} == {"WEBSOCKET"}
    assert [one for one in told if stage.url in one["path"]] == []


async def test_a_call_under_way_at_the_close_is_told_to_its_end(other_stage: Stage) -> None:
    incident = await Incident.created(other_stage, severity="sev1", responders=[RESPONDER])
    room = await incident.opened()
    meeting = room.properties["meetingId"]
    await other_stage.ask("POST", "/zoom/join", {"meeting": meeting, "user": RESPONDER})
    await bridge(room, "started")

    await incident.change(status="resolved")

    await bridge(room, "ended")
    await called(room, "started", "ended")


async def shown(incident: Incident, status: str) -> None:
    async def look() -> bool:
        said = (await incident.entity())["properties"].get("publicStatus")
        return bool(said == status)

    await becomes(f"the incident shows that the page says {status}", look, 60)
