"""Several public words about one incident, on one page and on two: each goes out once, to the page that is
meant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests.stories.outward_public import (
    API,
    BODY,
    CHECKOUT,
    DEPUTY,
    LOGIN,
    OTHER_PAGE,
    SEARCH,
    approved,
    bodies,
    components,
    public,
    spoken,
    staged_pages,
)
from tests.stories.play import COMMANDER, Incident

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """A stage of our own: Statuspage takes one request a second of it."""
    async with staged_pages() as up:
        yield up


async def test_the_same_words_with_other_components_are_another_update(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")
    each: Json = {"differentStates": True, "major_outage": [CHECKOUT], "partial_outage": [LOGIN]}
    await approved(incident, "publish", COMMANDER, ADMIN, **each)
    for component in (SEARCH, API):
        more: Json = {"components": [component], "componentStatus": "degraded_performance"}
        run = await approved(incident, "update", COMMANDER, ADMIN, body="Worse.", **more)
        assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Updated")

    once_more = await approved(incident, "update", COMMANDER, ADMIN, body="Worse.", **more)

    assert once_more["statusLabel"] == "Already sent"
    (shown,) = await public(incident)
    assert bodies(shown) == ["Worse.", "Worse.", BODY]
    states = await components(stage)
    assert (states[SEARCH], states[API]) == ("degraded_performance", "degraded_performance")
    assert (states[CHECKOUT], states[LOGIN]) == ("major_outage", "partial_outage")


async def test_public_on_two_pages_each_word_goes_to_the_page_that_is_meant(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")
    await approved(incident, "publish", COMMANDER, ADMIN)
    await approved(incident, "publish", COMMANDER, ADMIN, page=OTHER_PAGE, name="Partners: payments fail")

    refused = [
        await approved(incident, action, COMMANDER, ADMIN, body="Which?") for action in ("update", "resolve")
    ]
    updated = await approved(incident, "update", COMMANDER, ADMIN, page=OTHER_PAGE, body="For partners.")
    resolved = await approved(
        incident, "resolve", COMMANDER, ADMIN, page=OTHER_PAGE, body="Over for partners."
    )
    # One is left, so nobody need say which.
    rest = await approved(incident, "resolve", COMMANDER, ADMIN, body="Over.")

    for run in refused:
        assert (run["status"], run["statusLabel"]) == ("FAILURE", "Bad input")
        assert run["summary"].startswith("Refused: page: ")
        assert DEFAULT_PAGE in run["summary"]
        assert OTHER_PAGE in run["summary"]
    assert [run["statusLabel"] for run in (updated, resolved, rest)] == ["Updated", "Resolved", "Resolved"]
    (here,), (there,) = await public(incident), await public(incident, OTHER_PAGE)
    assert bodies(here) == ["Over.", BODY]
    assert bodies(there) == ["Over for partners.", "For partners.", BODY]

    # Reopened by hand it can be resolved again, once.
    await stage.ask("POST", f"/statuspage/incidents/{here['id']}", {"body": "Again.", "status": "identified"})
    twice = [
        await approved(incident, "resolve", COMMANDER, ADMIN, page=DEFAULT_PAGE, body="Over for good.")
        for _ in range(2)
    ]

    assert [run["statusLabel"] for run in twice] == ["Resolved", "Already sent"]
    (here,) = await public(incident)
    assert bodies(here) == ["Over for good.", "Again.", "Over.", BODY]


async def test_drafted_approved_reopened_and_a_maintenance_through_the_buttons_of_port(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")
    given: Json = {"operation": "publish", "page": DEFAULT_PAGE, "body": BODY, "notifySubscribers": False}
    drafting = await stage.finished(
        await stage.press("draft_public_update", incident.identifier, given, ADMIN)
    )
    assert (drafting["status"], drafting["statusLabel"]) == ("SUCCESS", "Drafted"), drafting["summary"]
    assert await public(incident) == []
    (draft,) = await spoken(incident, "draft")

    own, other = [
        await stage.finished(await stage.press("approve_public_update", draft["identifier"], {}, by))
        for by in (ADMIN, DEPUTY)
    ]

    assert (own["status"], other["status"]) == ("FAILURE", "SUCCESS"), (own["summary"], other["summary"])
    (shown,) = await public(incident)
    assert bodies(shown) == [BODY]
    sent = (await spoken(incident, "publish"))[0]
    assert (sent["requestedBy"], sent["approvedBy"]) == (ADMIN, DEPUTY)

    await approved(incident, "resolve", COMMANDER, ADMIN, body="Over.")
    run = await approved(incident, "reopen", COMMANDER, ADMIN, body="Back.", status="identified")
    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Open again"), run["summary"]
    await approved(incident, "resolve", COMMANDER, ADMIN, body="Over again.")
    start = datetime.now(UTC) + timedelta(hours=1)
    window = {"scheduledFor": start.isoformat(), "scheduledUntil": (start + timedelta(hours=1)).isoformat()}
    asked = {"page": DEFAULT_PAGE, "name": "New disks", "body": "Work.", "notifySubscribers": False, **window}
    announced = await stage.press("schedule_maintenance", incident.identifier, asked, COMMANDER)
    await stage.approve(announced, ADMIN)
    run = await stage.finished(announced)
    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Scheduled"), run["summary"]

    first, planned = await public(incident)
    assert bodies(first) == ["Over again.", "Back.", "Over.", BODY]
    assert (planned["status"], planned["name"]) == ("scheduled", "New disks")


async def test_each_turn_of_an_incident_is_drafted_told_in_its_room_and_published_by_nobody(
    stage: Stage,
) -> None:
    service = (await stage.port.get("/blueprints/service")).json()["blueprint"]
    seen_as = {"title": "Seen as", "target": "statuspageComponent", "many": True, "required": False}
    relations = {**service.get("relations", {}), "statuspageComponents": seen_as}
    await stage.port.patch("/blueprints/service", json={"relations": relations})
    await stage.change("statuspageComponent", LOGIN, {}, relations={"statuspage": DEFAULT_PAGE})
    await stage.create("service", {"identifier": "sign-in", "relations": {"statuspageComponents": [LOGIN]}})

    incident = await Incident.created(stage, severity="sev1", services=["sign-in"])
    room = await incident.opened()
    drafting = await incident.run("draft_publication_for_status_page")

    assert (drafting["status"], drafting["statusLabel"]) == ("SUCCESS", "Drafted"), drafting["summary"]
    assert any("is drafted" in message["text"] for message in await room.ours())
    assert await public(incident) == []
    for turn, status in (("update", "identified"), ("resolution", "resolved")):
        (draft,) = [one for one in await spoken(incident, "draft") if one["state"] == "draft"]
        sent = await stage.finished(
            await stage.press("approve_public_update", draft["identifier"], {}, DEPUTY)
        )
        assert sent["status"] == "SUCCESS", sent["summary"]
        await incident.change(status=status)
        drafting = await incident.run(f"draft_{turn}_for_status_page")
        assert drafting["statusLabel"] == "Drafted", drafting["summary"]

    (shown,) = await public(incident)
    assert [update["status"] for update in shown["incident_updates"]] == ["identified", "investigating"]
    assert [one["name"] for one in shown["components"]] == ["Login"]
