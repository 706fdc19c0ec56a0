"""Cut off before, amid and after words to the outside: what is no longer wanted is not done, what nobody can
tell is on the record as unknown, and nothing is taken up for ever."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from sandbox.stage import Json, Stage
from tests.stories.outward import (
    COMMUNICATION,
    LAGS,
    QUICKER,
    attempts,
    audience,
    channels,
    inbox,
    on_hold,
    quiet,
    record,
    recorded,
    said,
    send,
    until_intended,
)
from tests.stories.play import (
    COMMANDER,
    CONFIG,
    OPENING,
    RESPONDER,
    Incident,
    Room,
    becomes,
    staged,
    trouble,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTICE = "announce_status_on_change"
WORDS = "Payments work again for most customers."
TAKEN, CUT_OFF = "taken@example.com", "cut-off@example.com"
TIMEOUT = f"{CONFIG}EFFECT_TIMEOUT_SECONDS"


@dataclass
class Scene:
    """Five incidents whose words were cut off, and what people did while nobody was there."""

    stage: Stage
    room: Room  # its status moved on twice, the first notice was about to be posted
    notices: str  # the channel of those who get notices
    unwanted: list[Incident]  # resolved while their channels were being created
    archived: Incident  # its audience's channel was archived before the post
    archive: str
    taken: Incident  # the server had taken the mail when SIGTERM came
    cut_off: Incident  # the server took the mail, its answer went nowhere
    runs: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene() -> AsyncIterator[Scene]:
    """Ended in good order amid a mail, started; killed amid four other things, started again."""
    # Everything must still hang when the last of it does.
    async with staged(settings={**QUICKER, TIMEOUT: "60"}) as stage:
        await stage.ask("PATCH", "/hostility", LAGS)
        _, (notices,) = await audience(stage, channels=1, notices=True)
        readers, (archive,) = await audience(stage, channels=1)
        mailed = {address: (await audience(stage, address))[0] for address in (TAKEN, CUT_OFF)}
        room = await (await Incident.created(stage, severity="sev1")).opened()
        taken, cut_off, archived = [await Incident.created(stage, severity="sev4") for _ in range(3)]
        runs: dict[str, str] = {}

        async def press(incident: Incident, action: str, readers: str) -> None:
            inputs: Json = {"audiences": [readers], "text": WORDS}
            runs[incident.identifier] = await stage.press(action, incident.identifier, inputs, RESPONDER)

        async with trouble(stage, {"service": "mail", "operation": "smtp.data", "answer_delay": 0.5}):
            await press(taken, "send_email", mailed[TAKEN])
            await becomes("the server has taken it", lambda: inbox(stage, TAKEN))
            await stage.integration.stop(signal.SIGTERM)
        await by_hand(room)
        await stage.start_integration()

        async with trouble(
            stage, hold("smtp.data"), hold("conversations.create"), hold("conversations.create")
        ):
            since, unwanted = 0, []
            for _ in range(2):
                unwanted.append(await Incident.created(stage, severity="sev1"))
                since = (await on_hold(stage, "conversations.create", since=since))["n"]
            await press(cut_off, "send_email", mailed[CUT_OFF])
            await on_hold(stage, "smtp.data")
            await until_intended(stage, press(archived, "post_update", readers))
            await until_intended(stage, room.incident.change(status="identified"))
            await stage.integration.stop(signal.SIGKILL)
        await stage.ask("POST", "/slack/archive", {"channel": archive, "user": COMMANDER})
        await room.incident.change(status="monitoring")
        for incident in unwanted:
            await incident.change(status="resolved")
        await as_cut_off_later(unwanted[1])
        stage.integration.env[TIMEOUT] = "2"
        await stage.start_integration()
        yield Scene(stage, room, notices, unwanted, archived, archive, taken, cut_off, runs)


def hold(operation: str) -> Json:
    """Done, and never answered."""
    return {"service": "*", "operation": operation, "hold": "after"}


async def as_cut_off_later(incident: Incident) -> None:
    """What it would have left a moment later: a channel on the record, and no war room yet."""
    (channel,) = await channels(incident)
    receipt: Json = {"channel": channel["id"], "name": channel["name"], "private": False, "linked": False}
    known: Json = {"state": "sent", "receipt": receipt}
    await incident.stage.change(COMMUNICATION, f"{incident.identifier}:channel", known)


async def by_hand(room: Room) -> None:
    """What people leave in Port that is none of ours to send or to write."""
    incident: Json = {"incident": room.incident.identifier}
    for number, more in enumerate(({}, {"operation": "post_message", "purpose": "update"})):
        entity: Json = {"identifier": f"by-hand-{number}", "properties": {"state": "sending", **more}}
        await room.stage.create(COMMUNICATION, {**entity, "relations": incident}, COMMANDER)
    note: Json = {"kind": "finding", "title": "By hand", "text": "By hand", "channelId": room.channel}
    related = {**incident, "warRoom": room.entity["identifier"]}
    await room.stage.create(
        "incidentNote", {"identifier": "note-by-hand", "properties": note, "relations": related}, COMMANDER
    )


async def test_a_mail_that_was_taken_before_the_end_is_sent_on_the_record(scene: Scene) -> None:
    ended = await scene.stage.finished(scene.runs[scene.taken.identifier])

    sent = await recorded(scene.taken, "mail", "sent")
    assert (ended["status"], ended["statusLabel"]) == ("SUCCESS", "Sent")
    assert sent["receipt"]["messageId"]
    assert len(await inbox(scene.stage, TAKEN)) == 1


async def test_a_mail_whose_answer_was_lost_is_unknown_until_a_person_decides(scene: Scene) -> None:
    ended = await scene.stage.finished(scene.runs[scene.cut_off.identifier])

    left = await recorded(scene.cut_off, "mail", "unknown")
    assert ended["status"] == "FAILURE"
    assert "ended while it was being sent" in left["reason"]
    await quiet(scene.cut_off)
    assert len(await inbox(scene.stage, CUT_OFF)) == 1

    again = await send(scene.stage, left["identifier"], COMMANDER)

    assert (again["status"], again["statusLabel"]) == ("SUCCESS", "Sent")
    sent = await recorded(scene.cut_off, "mail", "sent")
    assert (sent["requestedBy"], sent["run"]) == (COMMANDER, again["id"])
    assert len(await inbox(scene.stage, CUT_OFF)) == 2


async def test_a_notice_that_is_no_news_any_more_is_not_posted(scene: Scene) -> None:
    stage, incident = scene.stage, scene.room.incident

    async def ended() -> list[Json] | None:
        runs = [run for run in await incident.runs() if run["action"]["identifier"] == NOTICE]
        return runs if all(run["status"] != "IN_PROGRESS" for run in runs) else None

    # The run of the second change could not reach us: nobody was there.
    runs = await becomes("the runs of the notices end", ended)
    assert [run["statusLabel"] for run in runs if run["status"] == "SUCCESS"] == ["Overtaken"]

    async def settled() -> list[Json] | None:
        found = [one for one in (await record(incident)).values() if one.get("purpose") == "status notice"]
        stale = [one for one in found if one["details"]["to"] == "identified"]
        return stale if all(one["state"] != "sending" for one in stale) else None

    stale = await becomes("no notice is left sending", settled)
    assert {one["destination"] for one in stale} == {scene.notices, scene.room.channel}
    assert {one["state"] for one in stale} == {"superseded"}
    assert all("overtaken" in one["reason"] for one in stale)
    for where in (scene.notices, scene.room.channel):
        assert not [text for text in await said(stage, where) if "now identified" in text]


@pytest.mark.parametrize("which", [0, 1])
async def test_a_channel_that_nobody_wants_any_more_is_archived(scene: Scene, which: int) -> None:
    incident = scene.unwanted[which]
    run = await incident.run(OPENING)
    assert run["statusLabel"] == "Not needed"
    await quiet(incident)

    assert await channels(incident) == []
    assert len(await channels(incident, archived=True)) == 1
    assert await meetings(incident) == []
    states = {one["purpose"]: one["state"] for one in (await record(incident)).values()}
    assert "sending" not in states.values(), states
    assert await incident.rooms() == []


async def meetings(incident: Incident) -> list[Json]:
    """Its meetings that somebody can still join."""
    found = (await incident.stage.ask("GET", "/state"))["zoom"]["meetings"]
    return [one for one in found if f"{incident.identifier}:" in str(one) and not one["deleted"]]


async def test_a_channel_archived_meanwhile_leaves_an_honest_end(scene: Scene) -> None:
    ended = await scene.stage.finished(scene.runs[scene.archived.identifier])

    left = await recorded(scene.archived, "update", "unknown", "failed")
    assert ended["status"] == "FAILURE"
    assert "archived" in left["reason"]
    assert "archived" in ended["summary"]
    await quiet(scene.archived)
    assert await attempts(scene.stage, left["identifier"]) == 1
    assert await said(scene.stage, scene.archive) == []


async def test_what_people_made_by_hand_stops_nothing(scene: Scene) -> None:
    stage, room = scene.stage, scene.room

    ts = await room.say("finding: life goes on")

    await becomes("it is noted", lambda: stage.entity("incidentNote", f"{room.channel}-{ts}"))
    await (await Incident.created(stage, severity="sev1")).opened()
    await room.incident.change(status="resolved")
    await room.state("closed")
    await recorded(room.incident, "closing", "sent")
    await quiet(room.incident)
    log = stage.integration.log.read_text("utf-8", "replace")
    assert "Traceback" not in log, log[max(0, log.find("Traceback") - 500) :]
    assert await stage.entity("incidentNote", "note-by-hand") is not None
