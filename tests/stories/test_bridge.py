"""The bridge: from a pool of hosts, in time or after, static or none; it never holds the channel up."""

from __future__ import annotations

import pytest

from sandbox.stage import Json, Stage
from tests.stories.play import RESPONDER, Incident, Room, becomes, mark, outside, trouble

pytestmark = pytest.mark.asyncio(loop_scope="session")

CREATE: Json = {"service": "zoom", "operation": "meetings.create"}
DAILY = {
    "code": 429,
    "message": "You have exceeded the daily rate limit (100) of Meeting Create/Update API requests "
    "permitted for this particular user.",
}


async def test_a_host_at_its_daily_limit_makes_room_for_the_next(stage: Stage) -> None:
    async with trouble(stage, {**CREATE, "status": 429, "body": DAILY}):
        incident = await Incident.created(stage, severity="sev1")
        room = await incident.opened()

    asked = await stage.journal(since=incident.since, operation="meetings.create", full="true")
    hosts = [one["path"].split("/users/")[1].split("/")[0] for one in asked]
    assert [one["status"] for one in asked] == [429, 201]
    assert len(set(hosts)) == 2
    assert room.properties["bridgeKind"] == "zoom"
    assert room.properties["bridgeHost"] == hosts[1].replace("%40", "@")


async def test_without_a_bridge_the_room_stands_and_says_why(stage: Stage) -> None:
    async with trouble(stage, {**CREATE, "status": 400, "error": "300", "times": 5}):
        incident = await Incident.created(stage, severity="sev1", responders=[RESPONDER])
        room = await incident.opened()

    run = await incident.run("open_war_room_on_severity")
    assert run["statusLabel"] == "No bridge"
    assert "no bridge" in run["summary"]
    assert "zoom meetings.create" in run["summary"]
    assert room.properties["bridgeKind"] == "none"
    assert await room.members() == {RESPONDER}
    (briefing,) = await room.ours()
    assert "zoom meetings.create" in "".join(field["text"] for field in briefing["blocks"][1]["fields"])
    assert (await incident.communications())["bridge"]["state"] == "failed"


async def test_a_slow_zoom_holds_nobody_up_and_its_link_follows(stage: Stage) -> None:
    before = await mark(stage)
    async with trouble(stage, {**CREATE, "answer_delay": 4.0}):
        incident = await Incident.created(stage, severity="sev1", responders=[RESPONDER])
        room = await incident.room()

        async def briefed() -> list[Json] | None:
            return await room.ours() if await room.members() == {RESPONDER} else None

        (briefing,) = await becomes("he is in and sees what is wrong", briefed)
        assert "Join the bridge" not in str(briefing["blocks"])
        assert (await stage.journal(operation="meetings.create"))[-1]["status"] is None

        room = await incident.opened()

    async def linked() -> Room | None:
        now = await room.again()
        return now if now.properties.get("bridge") else None

    room = await becomes("the link stands on the war room", linked)
    bridge = room.properties["bridge"]
    briefing, follows = await room.ours()
    assert f"<{bridge}|Join the bridge>" in str(briefing["blocks"])
    assert bridge in follows["text"]
    assert bridge in (await room.seen())["topic"]
    assert bridge in [mark["link"] for mark in (await room.seen())["bookmarks"]]
    assert (await incident.entity())["properties"]["warRoomBridge"] == bridge
    assert (await outside(stage, before)).count("meetings.create") == 1
