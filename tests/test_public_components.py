"""Components on a status page: who holds them, who gives them back, and what a maintenance does to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integration.times import iso, now
from tests.public_bench import (
    API,
    APPROVER,
    CHECKOUT,
    LOGIN,
    PAGE,
    SEARCH,
    Public,
)

WORDS: dict[str, Any] = {"page": PAGE, "name": "Payments fail", "body": "Some payments fail."}


pytestmark = pytest.mark.asyncio(loop_scope="session")


def outage(*components: str, state: str = "partial_outage") -> dict[str, Any]:
    return {"components": list(components), "componentStatus": state}


async def test_a_maintenance_is_announced_and_completed(public: Public) -> None:
    await public.stage.incident(public.one)
    start, end = now() + timedelta(hours=1), now() + timedelta(hours=2)
    window = {"scheduledFor": iso(start), "scheduledUntil": iso(end)}
    made = await public.say(
        public.one,
        "schedule",
        page=PAGE,
        name="New disks",
        body="We change disks.",
        components=[API],
        **window,
    )
    (shown,) = public.shown(public.one)
    assert (made.label, shown["status"], shown["impact"]) == ("Scheduled", "scheduled", "maintenance")
    assert [one["id"] for one in shown["components"]] == [API]
    assert public.states()[API] == "operational"

    # The page begins it by itself, and somebody ends it before its time.
    public.stage.sandbox.world.clock.shift["statuspage"] = 3700
    public.stage.sandbox.statuspage.timers.settle()
    assert public.states()[API] == "under_maintenance"
    ended = await public.say(public.one, "complete", body="Done early.")

    (shown,) = public.shown(public.one)
    assert (ended.label, shown["status"]) == ("Completed", "completed")
    assert public.states()[API] == "operational"
    assert "publicStatus" not in await public.stage.properties("incident", public.one)


async def test_a_maintenance_that_stands_no_more_is_announced_again(public: Public) -> None:
    await public.stage.incident(public.one)
    window = {
        "scheduledFor": iso(now() + timedelta(hours=1)),
        "scheduledUntil": iso(now() + timedelta(hours=2)),
    }
    work: dict[str, Any] = {"page": PAGE, "name": "New disks", "body": "We change disks.", **window}
    people = public.stage.sandbox.statuspage.people

    first = await public.say(public.one, "schedule", **work)
    again = await public.say(public.one, "schedule", **work)
    people.delete_incident(public.shown(public.one)[0]["id"])
    deleted = await public.say(public.one, "schedule", **work)
    await public.say(public.one, "complete", body="Not needed.")
    ended = await public.say(public.one, "schedule", **work)

    labels = [one.label for one in (first, again, deleted, ended)]
    assert labels == ["Scheduled", "Already sent", "Scheduled", "Scheduled"]
    assert [one["status"] for one in public.shown(public.one)] == ["completed", "scheduled"]


async def test_windows_that_make_no_sense_are_refused(public: Public) -> None:
    await public.stage.incident(public.one)
    soon, later, past = (iso(now() + timedelta(hours=hours)) for hours in (1, 2, -1))
    for start, end, why in (
        (past, later, "is past"),
        (later, soon, "not after the beginning"),
        ("tomorrow", later, "choose a date and a time"),
        (soon, iso(datetime(2099, 1, 1, tzinfo=UTC)), "over a year"),
    ):
        ended = await public.act(
            "draft_public_update",
            public.one,
            operation="schedule",
            page=PAGE,
            name="Work",
            body="We work.",
            notifySubscribers=False,
            scheduledFor=start,
            scheduledUntil=end,
        )
        assert (ended.ok, why in ended.summary) == (False, True), ended.summary
    assert public.shown(public.one) == []


async def test_a_component_that_another_incident_or_a_maintenance_holds_stays(public: Public) -> None:
    for name in (public.one, public.two):
        await public.stage.incident(name)
        await public.say(
            name, "publish", **{**WORDS, "name": name}, **outage(CHECKOUT, SEARCH, state="major_outage")
        )
    people = public.stage.sandbox.statuspage.people
    people.open_incident(
        PAGE,
        name="Disk work",
        body="Work.",
        status="in_progress",
        scheduled_for=iso(now() - timedelta(minutes=5)),
        scheduled_until=iso(now() + timedelta(hours=1)),
        component_ids=[SEARCH],
        components={SEARCH: "major_outage"},
    )

    for name in (public.one, public.two):
        await public.stage.incident(name, status="resolved")
    first = await public.say(public.one, "resolve", body="Over.")
    held = public.states()
    second = await public.say(public.two, "resolve", body="Over as well.")

    assert held[CHECKOUT] == held[SEARCH] == "major_outage"
    assert any(public.two in line and "still open" in line for line in first.log)
    after = public.states()
    assert (after[CHECKOUT], after[SEARCH]) == ("operational", "major_outage")
    assert any("Disk work" in line for line in second.log)


@pytest.mark.parametrize("worse", [0, 1])
async def test_what_another_incident_of_ours_has_left_was_changed_by_nobody_s_hand(
    public: Public, worse: int
) -> None:
    both = (public.one, public.two)
    for number, name in enumerate(both):
        state = "major_outage" if number == worse else "degraded_performance"
        await public.stage.incident(name)
        await public.say(name, "publish", **{**WORDS, "name": name}, **outage(CHECKOUT, state=state))
    await public.quiet()
    for name in both:
        (shown,) = public.shown(name)
        assert public.engine.pages is not None
        public.engine.pages.observe(PAGE, shown["id"])
    await public.quiet()
    for name in both:
        assert not (await public.stage.properties("incident", name)).get("publicDrift")
        await public.stage.incident(name, status="resolved")

    left = await public.say(public.two, "resolve", body="Over.")
    last = await public.say(public.one, "resolve", body="Over as well.")

    assert any("still open" in line for line in left.log)
    assert "Back to operational: Checkout." in last.log
    assert public.states()[CHECKOUT] == "operational"


async def test_who_outlasts_the_others_gives_back_what_they_have_left(public: Public) -> None:
    for name in (public.one, public.two):
        await public.stage.incident(name)
    await public.say(public.one, "publish", **WORDS, **outage(API))
    await public.say(public.one, "update", body="The API works.", **outage(API, state="operational"))
    await public.say(public.two, "publish", **WORDS, **outage(API, state="major_outage"))
    for name in (public.one, public.two):
        await public.stage.incident(name, status="resolved")

    await public.say(public.two, "resolve", body="Over.")
    held = public.states()[API]
    await public.say(public.one, "resolve", body="Over as well.")

    assert (held, public.states()[API]) == ("major_outage", "operational")


async def test_a_state_changed_by_hand_is_respected_shown_and_can_be_accepted(public: Public) -> None:
    await public.stage.incident(public.one)
    await public.say(public.one, "publish", **WORDS, **outage(LOGIN))
    await public.quiet()
    assert not (await public.stage.properties("incident", public.one)).get("publicDrift")
    people = public.stage.sandbox.statuspage.people
    people.set_component(LOGIN, "degraded_performance")
    (shown,) = public.shown(public.one)
    people.post_update(shown["id"], "Written by hand.", "monitoring")
    pages = public.engine.pages
    assert pages is not None

    pages.observe(PAGE, shown["id"])
    await public.quiet()

    drift = (await public.stage.properties("incident", public.one))["publicDrift"]
    assert "Written by hand." in drift
    assert "Login is degraded_performance; this incident set it to partial_outage." in drift
    assert "It is monitoring; we said investigating last." in drift
    ended = await public.act("accept_public_changes", public.one, APPROVER, seen=drift)
    assert ended.label == "Accepted"
    held = await public.stage.properties("incident", public.one)
    assert not held.get("publicDrift")
    assert {one["by"] for one in held["publicAccepted"]["lines"]} == {APPROVER}
    pages.observe(PAGE, shown["id"])
    await public.quiet()
    assert not (await public.stage.properties("incident", public.one)).get("publicDrift")

    await public.stage.incident(public.one, status="resolved")
    resolved = await public.say(public.one, "resolve", body="Over.")
    assert public.states()[LOGIN] == "degraded_performance"
    assert any("changed by hand" in line for line in resolved.log)


async def test_a_component_of_another_page_is_refused(public: Public) -> None:
    await public.stage.incident(public.one)
    other = {"id": "pageofothers", "name": "Others", "components": [{"id": "cmpofothers1", "name": "Theirs"}]}
    public.stage.sandbox.statuspage.seed({"pages": [other]})
    await public.stage.write("statuspage", {"identifier": "pageofothers", "title": "Others"})
    await public.stage.write(
        "statuspageComponent", {"identifier": "cmpofothers1", "relations": {"statuspage": "pageofothers"}}
    )

    for operation in ("publish", "schedule"):
        ended = await public.act(
            "draft_public_update",
            public.one,
            operation=operation,
            notifySubscribers=False,
            scheduledFor=iso(now() + timedelta(hours=1)),
            scheduledUntil=iso(now() + timedelta(hours=2)),
            **WORDS,
            **outage("cmpofothers1"),
        )
        told = f"components: 'cmpofothers1' is no component of page '{PAGE}'"
        assert (ended.ok, told in ended.summary) == (False, True), ended.summary
    assert public.shown(public.one) == []
