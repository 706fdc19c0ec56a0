"""Look-ups that lie: whoever takes over finds what was done, however late, far back or oddly it is shown,
and takes nothing for ours that is not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from integration.effects import METADATA_EVENT
from integration.models.communication import Step
from sandbox.slack.state import BOT_USER, Channel
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.world import Json
from tests.deaths import Death, Moment
from tests.lives import COMMANDER, Lives, lives_here

pytestmark = pytest.mark.asyncio(loop_scope="module")

POST, CREATE, MEETING = "chat.postMessage", "conversations.create", "/meetings"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[Lives]:
    async with lives_here() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def stage(world: Lives) -> Lives:
    """One incident, and one channel of readers that our bot is in."""
    await world.again()
    world.audience("readers")
    properties: Json = {"status": "investigating", "severity": "sev4"}
    entity = {"identifier": "INC-1", "title": "Slow", "properties": properties}
    world.sandbox.port.create_entity("incident", entity, COMMANDER)
    return world


def readers(stage: Lives) -> Channel:
    found = stage.sandbox.slack.store.channel_named("readers")
    assert found is not None
    return found


def said(stage: Lives) -> list[str]:
    """What our bot has said to the readers."""
    return [
        versions.now["ts"]
        for versions in readers(stage).messages.values()
        if versions.now and versions.now.get("metadata")
    ]


async def update(stage: Lives, moment: Moment) -> str:
    """Tell the readers; the process dies about the post."""
    stage.start()
    stage.gate.death = Death(1, moment, POST)
    run = stage.press("post_update", "INC-1", COMMANDER, audiences=["readers"], text="Payments fail.")
    assert not await stage.seen_through()
    return run


async def found_once(stage: Lives, run: str) -> None:
    """The next life finds the one post, and posts no other."""
    (before,) = said(stage)
    await stage.swept()

    ended = stage.run(run)
    assert ended["status"] == "SUCCESS", ended["summary"]
    assert said(stage) == [before]
    (one,) = stage.record().values()
    assert (one["state"], one["receipt"]["ts"], one["attempts"]) == ("sent", before, 1)


@pytest.mark.rehearsal
async def test_history_that_shows_it_late(stage: Lives) -> None:
    """By most of the settling time: 3 of 5 seconds in the settings that are the default."""
    stage.more = {"settle_seconds": 0.5}
    stage.sandbox.world.hostility.history_lag_seconds = 0.3 + 0.3  # the time-out is waited for as well
    await found_once(stage, await update(stage, "after"))


@pytest.mark.rehearsal
@pytest.mark.parametrize("off", [-60.0, 60.0])
async def test_a_provider_whose_clock_is_a_minute_off(stage: Lives, off: float) -> None:
    stage.sandbox.world.clock.shift["slack"] = off
    await found_once(stage, await update(stage, "after"))


@pytest.mark.rehearsal
async def test_a_post_on_the_third_page_of_history(stage: Lives) -> None:
    run = await update(stage, "after")
    for number in range(450):
        stage.sandbox.slack.say(readers(stage).id, COMMANDER, f"and another thing {number}")
    await found_once(stage, run)
    pages = [one for one in stage.sandbox.world.journal if one.operation == "conversations.history"]
    assert len([one for one in pages if readers(stage).id in str(one.request)]) >= 3


@pytest.mark.rehearsal
async def test_a_channel_that_we_have_left(stage: Lives) -> None:
    run = await update(stage, "after")
    stage.sandbox.slack.leave(readers(stage).id, BOT_USER)
    await found_once(stage, run)


@pytest.mark.rehearsal
async def test_a_channel_that_nobody_lets_us_into_any_more(stage: Lives) -> None:
    """It may stand there, and nobody can tell: a person decides."""
    run = await update(stage, "after")
    readers(stage).kind = "private"
    stage.sandbox.slack.leave(readers(stage).id, BOT_USER)

    await stage.swept()

    assert "can't be read any more" in stage.run(run)["summary"]
    assert len(said(stage)) == 1
    assert [one["state"] for one in stage.record().values()] == ["unknown"]


@pytest.mark.rehearsal
async def test_a_post_that_was_a_reply_in_a_thread(stage: Lives) -> None:
    engine = stage.start()
    parent = stage.sandbox.slack.say(readers(stage).id, COMMANDER, "how is it going?")
    step = Step(
        key="INC-1:reply",
        operation="post_message",
        purpose="update",
        incident="INC-1",
        destination=readers(stage).id,
        text="Better.",
        details={"thread": parent},
    )

    async def reply() -> None:
        (claim,) = await engine.performer.intend([step])
        await engine.performer.perform(claim)

    stage.gate.death = Death(1, "after", POST)
    assert not await stage.live(reply())
    (before,) = said(stage)

    later = stage.start()
    (claim,) = await later.performer.intend([step])
    receipt = await later.performer.perform(claim)
    await later.performer.flush()

    assert receipt.data["ts"] == before
    assert said(stage) == [before]


async def test_a_message_of_another_app_that_bears_our_mark(stage: Lives) -> None:
    """Anybody who can post can set metadata; it is not what was asked of us."""
    run = await update(stage, "before")
    ts = stage.sandbox.slack.bot_say(readers(stage).id, "Payments fail.")
    (key,) = stage.record()
    message = readers(stage).message(ts)
    assert message is not None
    mark = {"event_type": METADATA_EVENT, "event_payload": {"key": key}}
    readers(stage).put(ts, {**message, "metadata": mark})

    await stage.swept()

    assert stage.run(run)["status"] == "SUCCESS", stage.run(run)["summary"]
    assert stage.record()[key]["receipt"]["ts"] != ts
    assert len(said(stage)) == 2


# Rooms


async def opened(stage: Lives, run: str) -> Json:
    """The war room that the next life opens."""
    await stage.swept()
    assert stage.run(run)["status"] == "SUCCESS", stage.run(run)["summary"]
    found: Json = stage.sandbox.port.store.entities["incidentWarRoom"]["INC-1"]["properties"]
    return found


async def open_room(stage: Lives, moment: Moment, of: str) -> str:
    stage.start()
    stage.gate.death = Death(1, moment, of)
    run = stage.press("open_war_room", "INC-1", COMMANDER)
    assert not await stage.seen_through()
    return run


def ours(stage: Lives, name: str) -> list[Channel]:
    return [
        one
        for one in stage.sandbox.slack.store.channels.values()
        if one.name == name and one.creator == BOT_USER
    ]


@pytest.mark.rehearsal
async def test_two_creates_of_one_name_that_both_succeed(stage: Lives) -> None:
    run = await open_room(stage, "after", CREATE)
    name = stage.record()["INC-1:channel"]["details"]["names"][0]
    (first,) = ours(stage, name)
    twin = stage.sandbox.slack.changes.create(name, BOT_USER)
    twin.created = first.created + 1

    room = await opened(stage, run)

    assert room["channelId"] == first.id
    assert (first.archived, twin.archived) == (False, True)
    assert stage.record()["INC-1:channel"]["receipt"]["archivedTwins"] == [twin.id]


@pytest.mark.rehearsal
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_meeting_by_hand_with_our_topic(stage: Lives, moment: Moment) -> None:
    engine = stage.start()
    assert engine.zoom is not None
    host = engine.settings.zoom_hosts[0]
    theirs = await engine.zoom.create_meeting(host, "INC-1 Slow", agenda="Planned long ago")
    await stage.kill()

    room = await opened(stage, await open_room(stage, moment, MEETING))

    meetings = [one for one in stage.sandbox.zoom.state()["meetings"] if not one["deleted"]]
    assert len(meetings) == 2
    assert room["meetingId"] != theirs.id
    assert theirs.id in {str(one["id"]) for one in meetings}


@pytest.mark.rehearsal
@pytest.mark.parametrize("moment", ["before", "answered"])
async def test_a_foreign_channel_of_our_name(stage: Lives, moment: Moment) -> None:
    run = await open_room(stage, "before", CREATE)
    name = stage.record()["INC-1:channel"]["details"]["names"][0]
    foreign = stage.sandbox.slack.create_channel(name, COMMANDER)["id"]
    await stage.swept(Death(1, moment, CREATE))  # and dies once more over it

    room = await opened(stage, run)

    assert room["channelId"] != foreign
    assert room["channelName"] != name
    assert len([one for one in stage.sandbox.slack.store.channels.values() if one.creator == BOT_USER]) == 1
    theirs = stage.sandbox.slack.store.channels[foreign]
    assert BOT_USER not in theirs.members


@pytest.mark.rehearsal
async def test_a_channel_that_took_our_name_after_ours_was_renamed(stage: Lives) -> None:
    """Ours is known by who made it and by its tag; one by hand with that very name stays theirs."""
    run = await open_room(stage, "after", CREATE)
    name = stage.record()["INC-1:channel"]["details"]["names"][0]
    (first,) = ours(stage, name)
    first.change(name=f"old-{name}"[:80])
    foreign = stage.sandbox.slack.create_channel(name, COMMANDER)["id"]

    room = await opened(stage, run)

    assert room["channelId"] == first.id != foreign


@pytest.mark.rehearsal
async def test_public_words_while_the_page_s_clock_is_off(stage: Lives) -> None:
    stage.sandbox.world.clock.shift["statuspage"] = -60.0
    stage.start()
    stage.gate.death = Death(1, "after", "/incidents")
    given = {"page": DEFAULT_PAGE, "name": "Slow", "body": "It is slow.", "status": "investigating"}
    run = stage.press("publish_status_page", "INC-1", COMMANDER, **given, notifySubscribers=False)
    assert not await stage.seen_through()
    await stage.swept()
    assert stage.run(run)["status"] == "SUCCESS", stage.run(run)["summary"]

    stage.gate.death = Death(2, "after", "/incidents/")
    words = {"body": "Still slow.", "notifySubscribers": False}
    run = stage.press("update_status_page", "INC-1", COMMANDER, **words)
    await stage.seen_through()
    await stage.swept()

    assert stage.run(run)["status"] == "SUCCESS", stage.run(run)["summary"]
    (public,) = stage.sandbox.statuspage.state()["incidents"]
    assert [one["body"] for one in public["incident_updates"]] == ["Still slow.", "It is slow."]
