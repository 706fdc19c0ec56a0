"""Asked twice from outside: one effect, and the later run says so. And who has not got it, gets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from sandbox.slack.state import BOT_USER
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.world import Json
from tests.lives import COMMANDER, Lives, lives_here
from tests.sandbox.serve import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBERS = (1, 2, 3, 4, 5)
AUDIENCES = [f"readers-{number}" for number in NUMBERS]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Lives]:
    """Five audiences with a channel each; every story has an incident of its own."""
    async with lives_here() as found:
        found.start()
        for name in AUDIENCES:
            found.audience(name)
        yield found


def create(stage: Lives, incident: str, **more: str) -> None:
    properties: Json = {"status": "investigating", "severity": "sev4", **more}
    entity = {"identifier": incident, "title": "Slow", "properties": properties}
    stage.sandbox.port.create_entity("incident", entity, COMMANDER)


def posted(stage: Lives, incident: str) -> list[str]:
    """The keys of what stands in Slack about an incident, by our marks."""
    marks = [
        ((one.now or {}).get("metadata") or {}).get("event_payload", {}).get("key", "")
        for channel in stage.sandbox.slack.store.channels.values()
        for one in channel.messages.values()
    ]
    return [key for key in marks if key.startswith(f"{incident}:")]


def of(stage: Lives, incident: str, purpose: str = "update") -> dict[str, Json]:
    return {
        key: one
        for key, one in stage.record().items()
        if key.startswith(f"{incident}:") and one["purpose"] == purpose
    }


async def update(stage: Lives, incident: str, **more: object) -> Json:
    given: Json = {"audiences": AUDIENCES, "text": "Payments fail.", **more}
    run = stage.press("post_update", incident, COMMANDER, **given)
    await stage.seen_through()
    return stage.run(run)


async def test_of_five_audiences_one_failed_and_again_reaches_that_one_alone(stage: Lives) -> None:
    create(stage, "INC-1")
    third = stage.sandbox.slack.store.channel_named("readers-3")
    assert third is not None
    stage.sandbox.slack.archive(third.id)

    first = await update(stage, "INC-1")

    assert (first["status"], first["statusLabel"]) == ("FAILURE", "Partly sent")
    assert "sent to 4" in first["summary"]
    states = {one["destination"]: one["state"] for one in of(stage, "INC-1").values()}
    assert (states.pop(third.id), set(states.values())) == ("failed", {"sent"})

    stage.sandbox.slack.unarchive(third.id)
    stage.sandbox.slack.invite(third.id, BOT_USER)
    again = await update(stage, "INC-1")

    assert again["status"] == "SUCCESS", again["summary"]
    assert "sent to 1, 4 had it already" in again["summary"]
    assert len(posted(stage, "INC-1")) == 5
    assert {one["state"] for one in of(stage, "INC-1").values()} == {"sent"}


async def test_an_action_run_again_after_success_says_so_and_again_is_an_input_of_its_own(
    stage: Lives,
) -> None:
    create(stage, "INC-2")
    assert (await update(stage, "INC-2"))["statusLabel"] == "Sent"

    later = await update(stage, "INC-2")

    assert (later["status"], later["statusLabel"]) == ("SUCCESS", "Already sent")
    assert "5 had it already" in later["summary"]
    assert later["link"], "where it stands"
    assert len(posted(stage, "INC-2")) == 5

    said = set(of(stage, "INC-2"))
    anew = await update(stage, "INC-2", sendAgain=True)

    assert anew["statusLabel"] == "Sent"
    assert len(posted(stage, "INC-2")) == 10
    # The record says what each stands in for.
    assert {one["replaces"] for key, one in of(stage, "INC-2").items() if key not in said} == said


async def test_two_automations_for_one_change(stage: Lives) -> None:
    """A second one for the same change, as somebody sets it up in Port by copying ours."""
    create(stage, "INC-3")
    stage.press("open_war_room", "INC-3", COMMANDER)
    await stage.seen_through()
    actions = stage.sandbox.port.store.actions
    original = actions["announce_status_on_change"]
    actions["a_copy"] = {**original, "identifier": "a_copy"}
    try:
        change = {"properties": {"status": "identified"}}
        stage.sandbox.port.change_entity("incident", "INC-3", change, COMMANDER)
        await stage.seen_through()
    finally:
        del actions["a_copy"]

    runs = [run for run in stage.sandbox.engine.runs if run.identifier in ("a_copy", original["identifier"])]
    ends = [run.public() for run in runs]
    assert len(ends) == 2
    assert {one["status"] for one in ends} == {"SUCCESS"}, [one.get("summary") for one in ends]
    assert sorted(one["statusLabel"] for one in ends) == ["Already sent", "Sent"]
    assert len([key for key in posted(stage, "INC-3") if ":status:" in key]) == 1


async def test_the_same_run_by_both_doors_and_again_when_it_is_done(stage: Lives) -> None:
    """As Port sent it by webhook; as Ocean would claim it; and word for word once more, late."""
    create(stage, "INC-4")
    since = len(stage.sandbox.world.journal)
    run = stage.press("open_war_room", "INC-4", COMMANDER)

    async def sent() -> Json:
        while True:
            for entry in stage.sandbox.world.journal[since:]:
                if entry.direction == "out" and entry.operation == "webhook.open_war_room":
                    return {"url": entry.path, **entry.request}
            await asyncio.sleep(0)

    call = await sent()
    async with httpx.AsyncClient(timeout=10) as client:

        async def again() -> int:
            return (
                await client.post(call["url"], content=call["body"].encode(), headers=call["headers"])
            ).status_code

        early, _ = await asyncio.gather(again(), stage.seen_through())
        late = await again()
        await stage.idle()

    assert (early, late) == (202, 202)
    assert stage.run(run)["status"] == "SUCCESS"
    ours = [one for one in stage.sandbox.slack.store.channels.values() if one.name.startswith("inc-4-")]
    assert len(ours) == 1
    assert posted(stage, "INC-4") == ["INC-4:briefing"]


async def test_public_words_follow_upon_the_last_ones(stage: Lives) -> None:
    create(stage, "INC-5")
    given = {"page": DEFAULT_PAGE, "name": "Slow", "body": "It is slow.", "status": "investigating"}
    stage.press("publish_status_page", "INC-5", COMMANDER, **given, notifySubscribers=False)
    await stage.seen_through()
    for body in ("Still slow.", "Still slow."):
        run = stage.press("update_status_page", "INC-5", COMMANDER, body=body, notifySubscribers=False)
        await stage.seen_through()
    assert stage.run(run)["statusLabel"] == "Already sent"
    over = {"properties": {"status": "resolved"}}
    stage.sandbox.port.change_entity("incident", "INC-5", over, COMMANDER)
    run = stage.press("resolve_status_page", "INC-5", COMMANDER, body="Over.", notifySubscribers=False)
    await stage.seen_through()
    assert stage.run(run)["status"] == "SUCCESS", stage.run(run)["summary"]

    (published,) = of(stage, "INC-5", "publish")
    ((updated, second),) = of(stage, "INC-5", "public update").items()
    (third,) = of(stage, "INC-5", "resolve").values()
    assert (second["replaces"], third["replaces"]) == (published, updated)
    (public,) = stage.sandbox.statuspage.state()["incidents"]
    assert [one["body"] for one in public["incident_updates"]] == ["Over.", "Still slow.", "It is slow."]


@pytest.mark.rehearsal
async def test_an_event_of_slack_delivered_again_is_one_note(stage: Lives) -> None:
    """With the header that says so and without, at once and to a process that has never heard of it."""
    slack, port = stage.sandbox.slack, stage.sandbox.port
    create(stage, "INC-6")
    stage.press("open_war_room", "INC-6", COMMANDER)
    await stage.seen_through()
    room = port.store.entities["incidentWarRoom"]["INC-6"]["properties"]["channelId"]
    slack.events.url = f"{stage.url}/integration/slack/events"
    since = len(stage.sandbox.world.journal)
    try:
        ts = slack.say(room, COMMANDER, "finding: the disk is full")
    finally:
        slack.events.url = None

    def notes() -> list[Json]:
        found = port.store.entities["incidentNote"].values()
        return [one for one in found if one["properties"].get("ts") == ts]

    await until(notes, what="its note")
    (note,) = notes()
    (event,) = [
        one
        for one in stage.sandbox.world.journal[since:]
        if one.direction == "out" and one.operation == "event.message"
    ]
    for _ in range(2):
        for more in ({"x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}, {}):
            async with httpx.AsyncClient(timeout=10) as client:
                answer = await client.post(
                    event.path,
                    content=event.request["body"].encode(),
                    headers={**event.request["headers"], **more},
                )
            assert answer.status_code == 200
        await asyncio.sleep(0.3)
        assert [(one["identifier"], one["properties"]) for one in notes()] == [
            (note["identifier"], note["properties"])
        ]
        await stage.swept()
