"""Words that leave the room, pressed twice, paused, refused or cut off: each goes out once or is on the
record as not sent, and whoever presses again is told which."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.stage import Json, Stage
from tests.stories.outward import (
    COMMUNICATION,
    LAGS,
    QUICKER,
    audience,
    channels,
    inbox,
    paused,
    record,
    recorded,
    said,
    send,
)
from tests.stories.play import COMMANDER, OPENING, RESPONDER, Incident, becomes, staged, trouble

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "Payments work again for most customers."
CREATE = {"service": "slack", "operation": "conversations.create"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """A stage of our own: these stories pause, kill and restart."""
    async with staged(settings=QUICKER) as up:
        await up.ask("PATCH", "/hostility", LAGS)
        yield up


async def test_paused_amid_many_mails_the_rest_is_held_and_sent_once_on_a_word(stage: Stage) -> None:
    addresses = [f"reader-{n}@example.com" for n in range(40)]
    readers, (channel,) = await audience(stage, *addresses, channels=1)
    incident = await Incident.created(stage, severity="sev4")
    slow = {"service": "mail", "operation": "smtp.data", "delay": 0.6, "times": 40}
    async with trouble(stage, slow):
        run = await stage.press(
            "post_update", incident.identifier, {"audiences": [readers], "text": WORDS}, RESPONDER
        )
        await becomes("the first are out", lambda: inbox(stage))
        async with paused(stage):
            known = len(await inbox(stage))
            ended = await stage.finished(run)
            states = Counter(one["state"] for one in (await record(incident)).values())
            mails = [mail["recipients"][0] for mail in await inbox(stage)]
            held = await recorded_held(incident)
            again = await send(stage, held[0]["identifier"])
    assert ended["status"] == "FAILURE"
    assert set(states) == {"sent", "held"}
    assert len(mails) == len(set(mails)) == states["sent"] - 1, "one of the sent is the channel's"
    assert len(mails) <= known + 5, "what the server had when the pause was known"
    assert "a rehearsal" in held[0]["reason"]
    assert again["status"] == "FAILURE", "still paused"

    key = held[0]["identifier"]
    presses = [await stage.press("send_communication", key, {}, who) for who in (RESPONDER, COMMANDER)]
    runs = await asyncio.gather(*(stage.finished(one) for one in presses))

    assert len(await inbox(stage, held[0]["destination"])) == 1
    assert {one["status"] for one in runs} == {"SUCCESS"}
    assert sorted(one["statusLabel"] for one in runs) == ["Already sent", "Sent"]
    (sent,) = [one for name, one in (await record(incident)).items() if name == key]
    first = runs[[one["statusLabel"] for one in runs].index("Sent")]
    assert (sent["state"], sent["run"]) == ("sent", first["id"])
    assert sent["requestedBy"] == (RESPONDER if first["id"] == presses[0] else COMMANDER)
    assert len(await said(stage, channel)) == 1


async def recorded_held(incident: Incident) -> list[Json]:
    found = await record(incident)
    return [{**one, "identifier": key} for key, one in found.items() if one["state"] == "held"]


async def test_forty_addresses_pressed_four_times_get_one_mail_each(stage: Stage) -> None:
    addresses = [f"many-{n}@example.com" for n in range(40)]
    readers, _ = await audience(stage, *addresses)
    incident = await Incident.created(stage, severity="sev4")
    inputs: Json = {"audiences": [readers], "text": WORDS}

    # Each finds intents of the others before they have come to them: Port takes twenty in one write.
    slow = {"service": "port", "operation": "entities.bulk", "answer_delay": 0.5, "times": 4}
    async with trouble(stage, slow):
        presses = await asyncio.gather(
            *(stage.press("post_update", incident.identifier, inputs, RESPONDER) for _ in range(4))
        )
        runs = await asyncio.gather(*(stage.finished(one) for one in presses))

    assert {one["status"] for one in runs} == {"SUCCESS"}, [one["summary"] for one in runs]
    got = Counter(mail["recipients"][0] for mail in await inbox(stage))
    assert {address: got[address] for address in addresses} == dict.fromkeys(addresses, 1)
    assert Counter(one["state"] for one in (await record(incident)).values()) == {"sent": 40}


async def test_an_address_that_is_none_is_named_and_holds_no_other_up(stage: Stage) -> None:
    readers, _ = await audience(stage, "fine@example.com", "jörg@example.com", "also-fine@example.com")
    incident = await Incident.created(stage, severity="sev4")

    run = await incident.press("post_update", audiences=[readers], text=WORDS)

    states = {one["destination"]: one for one in (await record(incident)).values()}
    assert [one["state"] for one in states.values()].count("sent") == 2
    refused = states["jörg@example.com"]
    assert refused["state"] == "failed"
    assert refused["reason"].startswith("recipient: ")
    assert (run["status"], run["statusLabel"]) == ("FAILURE", "Partly sent")
    assert "jörg@example.com" in run["summary"]


async def test_a_channel_that_slack_fails_to_create_is_opened_by_the_next_press(stage: Stage) -> None:
    async with trouble(stage, {**CREATE, "status": 503, "times": 3}):
        incident = await Incident.created(stage, severity="sev1")
        run = await incident.run(OPENING)
    failed = await recorded(incident, "channel", "failed")

    again = await incident.press("open_war_room")

    assert run["status"] == "FAILURE"
    assert "not found" in failed["reason"]
    assert again["status"] == "SUCCESS", again["summary"]
    assert {one["state"] for one in (await record(incident)).values()} == {"sent"}
    assert len(await channels(incident)) == 1
    assert len(await (await incident.room()).ours()) == 1


async def test_a_channel_whose_answers_are_lost_is_created_once(stage: Stage) -> None:
    async with trouble(stage, {**CREATE, "status": 503, "after_effect": True, "times": 3}):
        incident = await Incident.created(stage, severity="sev1")
        room = await incident.opened()
    assert [one["id"] for one in await channels(incident)] == [room.channel]
    assert await channels(incident, archived=True) == []


async def test_an_unknown_briefing_is_looked_for_and_posted_where_it_is_missing(stage: Stage) -> None:
    missing, standing = [await Incident.created(stage, severity="sev1") for _ in range(2)]
    rooms = {incident.identifier: await incident.opened() for incident in (missing, standing)}
    (briefing,) = await rooms[missing.identifier].ours()
    await rooms[missing.identifier].act("delete", briefing["ts"])
    # As a cut-off opening leaves it where nobody could tell.
    for incident in (missing, standing):
        key = f"{incident.identifier}:briefing"
        await stage.change(COMMUNICATION, key, {"state": "unknown", "reason": "the answer was lost"})

    for incident in (standing, missing):
        run = await incident.press("open_war_room")

        assert run["status"] == "SUCCESS", run["summary"]
        (stands,) = await rooms[incident.identifier].ours()
        sent = await recorded(incident, "briefing", "sent")
        assert sent["receipt"]["ts"] == stands["ts"]
        assert (stands["ts"] == briefing["ts"]) is False
    (first,) = await rooms[standing.identifier].ours()
    assert float(first["ts"]) < float(stands["ts"]), "only the missing one was posted now"
