"""Late is not always better: what was overtaken while nobody was there is not sent, is shown, and can be
sent by a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.world import Json
from tests.deaths import Death
from tests.lives import COMMANDER, Lives, lives_here

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOURS = 3 * 3600.0
POST, PUBLIC = "chat.postMessage", "/incidents"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[Lives]:
    async with lives_here() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def stage(world: Lives) -> AsyncIterator[Lives]:
    """One incident in a quiet organisation, and one channel of readers."""
    await world.again()
    world.start()
    world.audience("readers", notices=True)
    properties: Json = {"status": "investigating", "severity": "sev4"}
    world.sandbox.port.create_entity("incident", {"identifier": "INC-1", "properties": properties}, COMMANDER)
    yield world
    world.sandbox.world.clock.shift.clear()


def change(stage: Lives, **properties: Any) -> None:
    stage.sandbox.port.change_entity("incident", "INC-1", {"properties": properties}, COMMANDER)


def said(stage: Lives) -> list[str]:
    """What our bot has said to the readers."""
    channel = stage.sandbox.slack.store.channel_named("readers")
    assert channel is not None
    return [
        versions.now["text"]
        for versions in channel.messages.values()
        if versions.now and versions.now.get("bot_id")
    ]


def states(stage: Lives) -> set[tuple[str, str]]:
    return {(one["purpose"], one["state"]) for one in stage.record().values()}


async def update(stage: Lives, text: str = "Payments fail.", moment: Any = None) -> str:
    """Press the button; with a moment, the process dies about its one post."""
    stage.gate.death = Death(1, moment, POST) if moment else None
    run = stage.press("post_update", "INC-1", COMMANDER, audiences=["readers"], text=text)
    assert await stage.seen_through() == (moment is None)
    return run


async def down_for(stage: Lives, seconds: float) -> None:
    """What was asked for was asked that long ago, by Port's clock."""
    for run in stage.sandbox.engine.runs:
        run.at -= seconds
        run.updated_at = run.at


async def test_three_hours_later_an_update_is_no_news(stage: Lives) -> None:
    run = await update(stage, moment="before")
    await down_for(stage, HOURS)

    await stage.swept()

    ended = stage.run(run)
    assert (ended["status"], ended["statusLabel"]) == ("FAILURE", "Not sent")
    assert "180 minutes ago" in ended["summary"]
    assert said(stage) == []
    ((key, shown),) = stage.record().items()
    assert shown["state"] == "superseded"
    assert "overtaken" in shown["reason"]

    sent = stage.press("send_communication", key, COMMANDER)
    await stage.seen_through()

    assert stage.run(sent)["status"] == "SUCCESS"
    assert len(said(stage)) == 1
    assert stage.record()[key]["state"] == "sent"


@pytest.mark.rehearsal
async def test_what_the_reader_has_got_is_sent_however_late_it_is_found(stage: Lives) -> None:
    run = await update(stage, moment="after")
    await down_for(stage, HOURS)
    change(stage, status="resolved")

    await stage.swept()

    assert stage.run(run)["status"] == "SUCCESS", stage.run(run)["summary"]
    assert len(said(stage)) == 1
    assert ("update", "sent") in states(stage)


@pytest.mark.rehearsal
async def test_the_incident_ended_meanwhile(stage: Lives) -> None:
    run = await update(stage, moment="before")
    change(stage, status="resolved")

    await stage.swept()

    assert "INC-1 is resolved by now" in stage.run(run)["summary"]
    assert said(stage) == []
    assert ("update", "superseded") in states(stage)


@pytest.mark.rehearsal
async def test_words_about_an_ended_incident_that_was_over_already_are_still_news(stage: Lives) -> None:
    change(stage, status="resolved")
    await stage.seen_through()
    before = len(said(stage))
    run = await update(stage, "Here is what we learned.", moment="before")

    await stage.swept()

    assert stage.run(run)["status"] == "SUCCESS", stage.run(run)["summary"]
    assert len(said(stage)) == before + 1


async def test_newer_words_went_out_meanwhile(stage: Lives) -> None:
    old = await update(stage, "Payments fail.", moment="before")
    await stage.kill()
    stage.start()
    new = stage.press("post_update", "INC-1", COMMANDER, audiences=["readers"], text="It works again.")
    await stage.runs_end([new])
    assert stage.run(new)["status"] == "SUCCESS"

    await stage.swept()

    assert "is newer" in stage.run(old)["summary"]
    assert ["It works again" in text for text in said(stage)] == [True]


@pytest.mark.rehearsal
async def test_a_notice_that_is_no_news_is_shown_and_a_person_may_still_send_it(stage: Lives) -> None:
    stage.press("open_war_room", "INC-1", COMMANDER)
    await stage.seen_through()
    stage.gate.death = Death(1, "before", POST)
    change(stage, status="identified")
    assert not await stage.seen_through()
    change(stage, status="monitoring")

    await stage.swept()

    readers = stage.sandbox.slack.store.channel_named("readers")
    assert readers is not None
    stale = {
        one["destination"]: key
        for key, one in stage.record().items()
        if one["details"].get("to") == "identified"
    }
    key = stale[readers.id]
    assert stage.record()[key]["state"] == "superseded"
    assert "went on from identified to monitoring" in stage.record()[key]["reason"]
    assert posted(stage, *stale.values()) == 0
    refused = stage.press("send_communication", key, COMMANDER)
    await stage.seen_through()
    assert "choose yes to send it all the same" in stage.run(refused)["summary"]

    sent = stage.press("send_communication", key, COMMANDER, overtaken=True)
    await stage.seen_through()

    assert stage.run(sent)["status"] == "SUCCESS", stage.run(sent)["summary"]
    assert posted(stage, *stale.values()) == posted(stage, key) == 1


def posted(stage: Lives, *keys: str) -> int:
    """How often communications stand in Slack, by our marks."""
    return sum(
        key in str((versions.now or {}).get("metadata"))
        for channel in stage.sandbox.slack.store.channels.values()
        for versions in channel.messages.values()
        for key in keys
    )


async def publish(stage: Lives, moment: Any) -> str:
    stage.gate.death = Death(1, moment, PUBLIC) if moment else None
    run = stage.press(
        "publish_status_page",
        "INC-1",
        COMMANDER,
        page=DEFAULT_PAGE,
        name="Payments fail",
        body="Some payments fail.",
        status="investigating",
        notifySubscribers=False,
    )
    assert await stage.seen_through() == (moment is None)
    return run


def public(stage: Lives) -> list[Json]:
    found: list[Json] = stage.sandbox.statuspage.state()["incidents"]
    return found


@pytest.mark.rehearsal
async def test_public_words_whose_approval_is_gone_are_withdrawn(stage: Lives) -> None:
    run = await publish(stage, "before")
    stage.sandbox.engine.runs.get(run).approval = None

    await stage.swept()

    assert "needs approval" in stage.run(run)["summary"]
    assert public(stage) == []
    assert states(stage) == {("publish", "withdrawn")}


@pytest.mark.rehearsal
async def test_public_words_of_three_hours_ago_wait_for_a_person(stage: Lives) -> None:
    late = await publish(stage, "before")
    await down_for(stage, HOURS)
    await stage.swept()
    assert (stage.run(late)["status"], stage.run(late)["statusLabel"]) == ("FAILURE", "Overtaken")
    assert public(stage) == []
    assert states(stage) == {("publish", "superseded")}

    again = await publish(stage, None)

    assert stage.run(again)["status"] == "SUCCESS"
    assert len(public(stage)) == 1
    assert states(stage) == {("publish", "sent")}


@pytest.mark.rehearsal
async def test_the_page_has_said_something_newer(stage: Lives) -> None:
    await publish(stage, None)
    stage.gate.death = Death(1, "before", PUBLIC + "/")
    words = {"body": "Still failing.", "notifySubscribers": False}
    run = stage.press("update_status_page", "INC-1", COMMANDER, **words)
    await stage.seen_through()
    stage.sandbox.statuspage.people.post_update(public(stage)[0]["id"], "Fixed, by hand.", "monitoring")

    await stage.swept()

    assert "the page has said something newer" in stage.run(run)["summary"]
    bodies = [update["body"] for update in public(stage)[0]["incident_updates"]]
    assert bodies == ["Fixed, by hand.", "Some payments fail."]
    assert ("public update", "superseded") in states(stage)
