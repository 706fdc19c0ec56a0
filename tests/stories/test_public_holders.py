"""Components that several have a say in: two incidents, a maintenance, and people who work by hand."""

from __future__ import annotations

import pytest

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests.stories.outward_public import (
    BODY,
    CHECKOUT,
    LOGIN,
    SEARCH,
    Hand,
    approved,
    bodies,
    components,
    decided,
    draft_of,
    public,
    seen,
    shows,
)
from tests.stories.play import COMMANDER, Incident, ago, becomes

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def published(stage: Stage, name: str, state: str, *which: str) -> Incident:
    """An incident that is public with these components in this state."""
    incident = await Incident.created(stage, title=name, severity="sev4")
    changed: Json = {"components": list(which), "componentStatus": state}
    run = await approved(incident, "publish", COMMANDER, ADMIN, name=name, **changed)
    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Published"), run["summary"]
    return incident


async def resolved(incident: Incident) -> str:
    """It is over, in Port and on the page; what the run logged."""
    await incident.change(status="resolved")
    run = await approved(incident, "resolve", COMMANDER, ADMIN, body="It is over.")
    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Resolved"), run["summary"]
    found = await incident.stage.ask("GET", f"/port/runs/{run['id']}")
    return "\n".join(str(entry.get("message")) for entry in found["logs"])


@pytest.mark.parametrize(
    ("first", "second"), [("partial_outage", "major_outage"), ("major_outage", "degraded_performance")]
)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_the_last_of_two_incidents_sets_their_component_back(
    page_stage: Stage, first: str, second: str, order: tuple[int, int]
) -> None:
    both = [
        await published(page_stage, "Payments fail", first, CHECKOUT),
        await published(page_stage, "Cards are refused", second, CHECKOUT),
    ]
    names = ["Payments fail", "Cards are refused"]
    earlier, later = order

    told = await resolved(both[earlier])
    held = (await components(page_stage))[CHECKOUT]
    told_later = await resolved(both[later])

    assert held == second
    assert f"Checkout stays {second}: “{names[later]}” is still open." in told
    assert (await components(page_stage))[CHECKOUT] == "operational"
    assert "Back to operational: Checkout." in told_later
    for incident in both:
        assert not (await incident.entity())["properties"].get("publicDrift")


async def test_a_maintenance_under_way_keeps_what_an_incident_gives_back(page_stage: Stage) -> None:
    hand = Hand(page_stage)
    incident = await published(page_stage, "Search is slow", "partial_outage", SEARCH, LOGIN)
    window: Json = {"scheduled_for": ago(minutes=5), "scheduled_until": ago(minutes=-60)}
    work = await hand(
        "POST",
        "/incidents",
        name="New disks",
        body="We change disks.",
        status="in_progress",
        component_ids=[SEARCH],
        components={SEARCH: "under_maintenance"},
        **window,
    )

    told = await resolved(incident)

    states = await components(page_stage)
    assert (states[SEARCH], states[LOGIN]) == ("under_maintenance", "operational")
    assert "Search stays under_maintenance: “New disks” is still open." in told
    assert "Back to operational: Login." in told
    done: Json = {"status": "completed", "components": {SEARCH: "operational"}}
    await hand("PATCH", f"/incidents/{work['id']}", **done)


async def test_what_a_maintenance_of_ours_has_left_goes_back_with_the_incident(page_stage: Stage) -> None:
    """The fix of an incident is announced as a maintenance, which ends before the incident does."""
    incident = await published(page_stage, "Search is slow", "partial_outage", SEARCH)
    window: Json = {"scheduledFor": ago(minutes=-60), "scheduledUntil": ago(minutes=-120)}
    work: Json = {"page": DEFAULT_PAGE, "name": "New disks", "components": [SEARCH], **window}
    draft = await draft_of(incident, "schedule", COMMANDER, body="We change disks.", **work)
    await decided(page_stage, draft, ADMIN)
    (planned,) = [one for one in await public(incident) if one["name"] == "New disks"]
    begun: Json = {"status": "in_progress", "components": {SEARCH: "under_maintenance"}}
    await Hand(page_stage)("PATCH", f"/incidents/{planned['id']}", **begun)
    draft = await draft_of(incident, "complete", COMMANDER, body="The disks are new.")
    ended = await decided(page_stage, draft, ADMIN)
    assert ended["statusLabel"] == "Completed", ended["summary"]
    assert (await components(page_stage))[SEARCH] == "under_maintenance", "the incident still holds it"

    told = await resolved(incident)

    assert (await components(page_stage))[SEARCH] == "operational"
    assert "Back to operational: Search." in told


@pytest.mark.parametrize("told", ["by webhook", "by looking"])
async def test_an_edit_by_hand_is_shown_accepted_and_respected(page_stage: Stage, told: str) -> None:
    stage, hand = page_stage, Hand(page_stage)
    incident = await published(stage, "Sign-in fails", "partial_outage", LOGIN)
    (shown,) = await public(incident)
    if told == "by webhook":
        hooks = f"{stage.url}/integration/statuspage/{_secret(stage)}/events"
        await stage.ask("POST", "/statuspage/webhook-url", {"url": hooks})
    path = f"/incidents/{shown['id']}"
    try:
        quiet: Json = {"deliver_notifications": told == "by webhook"}
        await hand("PATCH", path, name="Sign-in is slow", status="monitoring", body="By hand.", **quiet)
        await hand.component(LOGIN, "degraded_performance")

        async def drift() -> str | None:
            held = (await incident.entity())["properties"].get("publicDrift") or ""
            return held if "degraded_performance" in held and "By hand." in held else None

        lines = await becomes("the incident shows what was done by hand", drift, 90)
    finally:
        await stage.ask("POST", "/statuspage/webhook-url", {"url": None})
    for line in (
        "The title is “Sign-in is slow”; we published “Sign-in fails”.",
        "It is monitoring; we said investigating last.",
        "somebody wrote on the page (monitoring): “By hand.”.",
        "Login is degraded_performance; this incident set it to partial_outage.",
    ):
        assert line in lines

    accepted = await incident.press("accept_public_changes")

    assert (accepted["status"], accepted["statusLabel"]) == ("SUCCESS", "Accepted")
    assert not (await shows(incident, publicStatus="monitoring")).get("publicDrift")
    (update,) = [one for one in shown["incident_updates"] if one["body"] == BODY]
    await hand("PATCH", f"{path}/incident_updates/{update['id']}", "incident_update", body="Rewritten.")
    told_of = await resolved(incident)
    assert (await components(stage))[LOGIN] == "degraded_performance"
    assert "Login stays degraded_performance: it was changed by hand since, from partial_outage." in told_of
    (shown,) = await public(incident)
    assert (shown["status"], bodies(shown)) == ("resolved", ["It is over.", "By hand.", "Rewritten."])
    assert "Degraded performance" in await seen(stage)
    # What has come since it was accepted is shown again.
    held = await becomes("the rewritten words are shown", lambda: _drift_of(incident, "Rewritten."), 90)
    assert "By hand." not in held
    await hand.component(LOGIN, "operational")


async def _drift_of(incident: Incident, words: str) -> str | None:
    held = str((await incident.entity())["properties"].get("publicDrift") or "")
    return held if words in held else None


def _secret(stage: Stage) -> str:
    return stage.integration.env["OCEAN__INTEGRATION__CONFIG__STATUSPAGE_WEBHOOK_SECRET"]
