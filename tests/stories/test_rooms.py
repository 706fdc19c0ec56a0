"""Which channel becomes the room: a valid name from any title, private or not, new or linked, never a
foreign one of the same name."""

from __future__ import annotations

import asyncio
import re

import pytest

from integration.models.incident import Incident as Named
from integration.plan import channel_name, step_key
from integration.settings import Settings
from sandbox.stage import Json, Stage
from tests.stories.conftest import INSTALLATION_KEY
from tests.stories.play import COMMANDER, RESPONDER, SUPPORT, Incident, Room, becomes, mark, outside

pytestmark = pytest.mark.asyncio(loop_scope="session")

TITLES = {
    "emoji": "🔥🔥 Checkout 🔥",
    "accents": "Décès du serveur à Orléans: señal Ünterbrochen",
    "200 characters": "latency " * 25,
    "empty": "",
    "right to left": "الدفع معطل في كل مكان",
    "nothing that a name may hold": "!!! ??? ///",
}


async def test_any_title_gives_a_valid_name_and_a_briefing(stage: Stage) -> None:
    incidents = [await Incident.created(stage, title, severity="sev1") for title in TITLES.values()]

    rooms = await asyncio.gather(*(incident.room() for incident in incidents))

    names = [room.properties["channelName"] for room in rooms]
    for incident, room, name in zip(incidents, rooms, names, strict=True):
        assert re.fullmatch(r"[a-z0-9_-]{1,80}", name), name
        assert name.startswith(incident.identifier.lower())
        assert (await room.seen())["name"] == name
    assert "checkout" in names[0]
    assert "deces-du-serveur-a-orleans-senal" in names[1]
    assert len(set(names)) == len(names)
    for room in rooms:

        async def briefed(room: Room = room) -> list[Json]:
            return await room.ours()

        (briefing,) = await becomes("the briefing stands", briefed)
        assert len(briefing["blocks"][0]["text"]["text"]) <= 150


async def test_a_private_incident_gets_a_private_channel_that_nobody_mirrors(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev1", private=True, responders=[RESPONDER])
    room = await incident.opened()
    public = await (await Incident.created(stage, severity="sev1")).opened()

    await room.say("finding: the payroll of the board is in the log")
    await public.say("finding: the disk is full")

    await public.noted("the public room is mirrored", lambda notes: len(notes) == 1)
    assert (await room.seen())["private"]
    assert await room.members() == {RESPONDER}
    assert room.properties["mirror"] == "off"
    assert await incident.notes() == []


@pytest.mark.parametrize("way", ["property", "input", "id in the input"])
async def test_the_channel_that_exists_is_linked(stage: Stage, way: str) -> None:
    words = way.replace(" ", "-")
    body = {"name": f"payments-trouble-{words}", "user": COMMANDER, "members": [SUPPORT]}
    theirs = (await stage.ask("POST", "/slack/channels", body))["id"]
    url = f"https://sandbox.slack.com/archives/{theirs}"
    before = await mark(stage)

    if way == "property":
        incident = await Incident.created(stage, severity="sev1", slackChannel=url, responders=[RESPONDER])
        room = await incident.opened()
    else:
        incident = await Incident.created(stage, severity="sev4", responders=[RESPONDER])
        run = await incident.press("open_war_room", channel=url if way == "input" else theirs)
        assert run["status"] == "SUCCESS", run
        room = await incident.room()

    assert room.channel == theirs
    assert room.properties["channelName"] == f"payments-trouble-{words}"
    assert await room.members() == {COMMANDER, SUPPORT, RESPONDER}
    assert len(await room.ours()) == 1
    assert "conversations.create" not in await outside(stage, before)
    await room.say("workaround: linked channels are mirrored too")
    await room.noted("what is said in it is noted", lambda notes: len(notes) == 1)


async def test_a_foreign_channel_of_the_same_name_is_never_adopted(stage: Stage) -> None:
    settings = Settings(installation_key=INSTALLATION_KEY)
    named = Named(identifier="INC-TAKEN", title="Taken")
    name = channel_name(named, step_key("INC-TAKEN", "channel"), settings)
    body = {"name": name, "user": COMMANDER, "members": [SUPPORT]}
    foreign = (await stage.ask("POST", "/slack/channels", body))["id"]

    incident = await Incident.created(stage, "Taken", identifier="INC-TAKEN", severity="sev1")
    room = await incident.opened()

    assert room.channel != foreign
    assert room.properties["channelName"] != name
    assert room.properties["channelName"].startswith("inc-taken-taken-2-")
    theirs = await stage.ask("GET", f"/slack/channels/{foreign}")
    assert [message for message in theirs["messages"] if message["bot"]] == []
    assert SUPPORT not in await room.members()
