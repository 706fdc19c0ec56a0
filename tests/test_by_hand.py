"""What others say by hand, on the public page and in announcement channels, is on the record as not ours."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from integration import by_hand
from integration.recorded import read_recorded
from integration.verify import Report, verify
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.world import Json
from tests.lives import COMMANDER, Lives, lives_here
from tests.sandbox.serve import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Lives]:
    """Two incidents that were announced in one channel, one of them on the public page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_hand, "LOOK_SECONDS", 0.0)
        patch.setattr(by_hand, "SEARCH_LAG_SECONDS", 1.0)
        async with lives_here() as found:
            port = found.sandbox.port
            found.start()
            found.audience("readers")
            for name in ("INC-1", "INC-2"):
                properties: Json = {"status": "investigating", "severity": "sev4"}
                port.create_entity("incident", {"identifier": name, "properties": properties}, COMMANDER)
                found.press("open_war_room", name, COMMANDER)
                found.press("post_update", name, COMMANDER, audiences=["readers"], text=f"Of {name}: slow.")
                await found.seen_through()
            yield found


def said_by_others(stage: Lives) -> dict[str, Json]:
    return {key: one for key, one in stage.record().items() if one["purpose"] == "by hand"}


async def linked(stage: Lives, incident: str) -> Report:
    """Its record, once everything is linked."""
    engine = stage.present
    await engine.chain.catch_up(first=True)
    await engine.chain.settled()
    return await verify(engine.port, engine.settings, incident, engine.slack, engine.statuspage)


async def test_what_others_say_in_an_announcement_channel(stage: Lives) -> None:
    slack = stage.sandbox.slack
    readers = slack.store.channel_named("readers")
    assert readers is not None
    ours = next(ts for ts, one in readers.messages.items() if one.now and one.now.get("metadata"))
    named = slack.say(readers.id, COMMANDER, "inc-1 is the cache, password=hunter2hunter2")
    unnamed = slack.say(readers.id, COMMANDER, "we are on it")
    robot = slack.bot_say(readers.id, "latency is back to normal")
    slack.say(readers.id, COMMANDER, "thanks", thread_ts=ours)

    for _ in range(2):
        await stage.swept()

    found = said_by_others(stage)
    wanted = {("INC-1", named), ("INC-2", unnamed), ("INC-2", robot)}
    assert set(found) == {f"{incident}:by-hand:{readers.id}-{ts}" for incident, ts in wanted}
    one = found[f"INC-1:by-hand:{readers.id}-{named}"]
    assert (one["state"], one["requestedBy"]) == ("sent", COMMANDER)
    assert one["reason"].startswith("not ours")
    assert one["permalink"].endswith(named.replace(".", ""))
    assert "hunter2hunter2" not in str(one)
    report = await linked(stage, "INC-1")
    assert report.result == "intact", report.as_text()

    slack.edit(readers.id, named, "inc-1 was the database")

    report = await linked(stage, "INC-1")
    assert report.result == "drifted"
    assert [(each.key, each.detail) for each in report.messages if each.outcome == "edited"] == [
        (f"INC-1:by-hand:{readers.id}-{named}", "not ours")
    ]


async def test_what_others_say_on_the_public_page(stage: Lives) -> None:
    given = {"page": DEFAULT_PAGE, "name": "Slow", "body": "It is slow.", "status": "investigating"}
    stage.press("publish_status_page", "INC-2", COMMANDER, **given, notifySubscribers=False)
    await stage.seen_through()
    (public,) = stage.sandbox.statuspage.state()["incidents"]
    stage.sandbox.world.hostility.search_lag_seconds = 0.8  # our own post is not found at once
    stage.sandbox.statuspage.people.post_update(public["id"], "Fixed, by hand.", "monitoring")
    pages = stage.present.pages
    assert pages is not None

    def known() -> list[Json]:
        return [one for one in said_by_others(stage).values() if one["medium"] == "statuspage"]

    for _ in range(2):
        pages.observe(DEFAULT_PAGE, public["id"])
        await until(known, what="its record")
        await until(lambda: not pages._following, what="the end of the read")
        await until(lambda: not pages._record._words._waiting, what="a second look")

    (one,) = known()
    assert (one["text"], one["state"], one["destination"]) == ("Fixed, by hand.", "sent", DEFAULT_PAGE)
    report = await linked(stage, "INC-2")
    assert report.result == "intact", report.as_text()
    recorded = await read_recorded(stage.present.port, stage.present.settings, "INC-2")
    assert recorded.problems == []
    # What we say next is ours, and still one of a kind.
    words = {"body": "Better.", "notifySubscribers": False}
    run = stage.press("update_status_page", "INC-2", COMMANDER, **words)
    await stage.seen_through()
    assert stage.run(run)["status"] == "SUCCESS", stage.run(run)["summary"]
    assert len(known()) == 1
