"""Each guard of public words, met by a run that somebody has approved: what it stops, what it only warns of,
who sends it all the same, and how the settings change that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests.stories.outward_public import (
    BODY,
    SEARCH,
    Hand,
    public,
    spoken,
    waiting,
)
from tests.stories.play import COMMANDER, CONFIG, Incident, Room, becomes

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS: Json = {"page": DEFAULT_PAGE, "name": "Payments fail", "body": BODY}
HOST = "db-7.prod.internal"
RULES = f"{CONFIG}GUARD_RULES"


async def said(incident: Incident, operation: str, **inputs: object) -> Json:
    """Asked for by the commander and approved; the run with its logs."""
    run = await waiting(incident, operation, COMMANDER, **inputs)
    await incident.stage.approve(run, ADMIN)
    await incident.stage.finished(run)
    found: Json = await incident.stage.ask("GET", f"/port/runs/{run}")
    return found


def logged(run: Json) -> str:
    return "\n".join(str(entry.get("message")) for entry in run["logs"])


async def stopped(incident: Incident, operation: str, *told: str, **inputs: object) -> None:
    """It goes nowhere, and the run says why."""
    before = await public(incident)
    run = await said(incident, operation, **inputs)
    assert (run["status"], run["statusLabel"]) == ("FAILURE", "Bad input"), run["summary"]
    for words in told:
        assert words in run["summary"], run["summary"]
    assert await public(incident) == before


async def published(incident: Incident, **inputs: object) -> Json:
    run = await said(incident, "publish", **{**WORDS, **inputs})
    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Published"), run["summary"]
    (shown,) = await public(incident)
    return shown


async def noted(room: Room, words: str) -> None:
    """Said in the room, and found in Port, whose search lags."""
    await room.say(words)
    rules = [{"operator": "relatedTo", "blueprint": "incidentWarRoom", "value": room.entity["identifier"]}]
    query = {"query": {"combinator": "and", "rules": rules}}

    async def look() -> bool:
        answer = await room.stage.port.post("/blueprints/incidentNote/entities/search", json=query)
        return words in [f"finding: {one['title']}" for one in answer.json()["entities"]]

    await becomes(f"Port finds “{words}”", look)


async def found_on_record(incident: Incident, purpose: str) -> Json:
    """What the guards have found, as the record has it."""
    *_, sent = await spoken(incident, purpose)
    guards: Json = sent["details"]["guards"]
    return guards


async def test_a_leak_is_stopped_with_its_place_and_cleaned_words(page_stage: Stage) -> None:
    incident = await Incident.created(page_stage, severity="sev4")
    words = {**WORDS, "body": f"The host {HOST} is down."}
    await stopped(incident, "publish", "blocked", HOST, "Cleaned text", **words)

    await published(incident, body=words["body"], override="The contract names the host.")

    kept = await found_on_record(incident, "publish")
    assert kept["override"] == {"by": COMMANDER, "reason": "The contract names the host."}
    assert {one["rule"] for one in kept["findings"]} == {"leak"}


async def test_a_resolution_waits_for_the_incident_and_for_components_left_degraded(
    page_stage: Stage,
) -> None:
    incident = await Incident.created(page_stage, severity="sev4")
    shown = await published(incident)
    over: Json = {"body": "Payments work again."}
    await stopped(incident, "resolve", "while the incident is still investigating", **over)
    # Somebody at the page has another component on it, and leaves it as it is.
    hand = Hand(page_stage)
    added: Json = {"components": {SEARCH: "major_outage"}, "component_ids": [SEARCH]}
    await hand("PATCH", f"/incidents/{shown['id']}", **added)
    await incident.change(status="resolved")
    await stopped(incident, "resolve", "leave", SEARCH, "major outage", **over)

    await hand.component(SEARCH, "operational")
    run = await said(incident, "resolve", **over)

    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Resolved"), run["summary"]


async def test_what_the_notes_deny_is_not_claimed(page_stage: Stage) -> None:
    incident = await Incident.created(page_stage, severity="sev1")
    room = await incident.opened()
    await noted(room, "finding: 40 orders were lost when the primary died")
    claim = {**WORDS, "body": "Payments fail. There was no data loss."}

    await stopped(incident, "publish", "no data loss", "40 orders were lost", **claim)

    await noted(room, "finding: data loss is ruled out, all 40 orders were restored")
    await published(incident, body=claim["body"])


async def test_impact_and_start_are_warned_of(page_stage: Stage) -> None:
    incident = await Incident.created(page_stage, severity="sev1")
    hours_ago = f"{datetime.now(UTC) - timedelta(hours=3):%H:%M} UTC"

    await published(incident, body=f"Payments fail since {hours_ago}.", impact="minor")

    kept = await found_on_record(incident, "publish")
    assert {one["rule"] for one in kept["findings"]} == {"impact", "start"}
    assert "override" not in kept
    (run,) = [one for one in await incident.runs() if one["action"]["identifier"] == "publish_status_page"]
    assert "Warning: the page would show impact minor, less than sev1 means (critical)." in logged(run)


async def test_limits_and_privacy_are_lifted_by_nobody(page_stage: Stage) -> None:
    incident = await Incident.created(page_stage, severity="sev4")
    why = "I want it."
    for words, told in (
        ({"body": "We hear more at [insert time]."}, "not filled in"),
        ({"body": "Payments <b>fail</b>."}, "HTML"),
        ({"name": "Ask <@U0123ABCD>"}, "Slack's markup"),
    ):
        await stopped(incident, "publish", told, **{**WORDS, **words}, override=why)
    run = await waiting(incident, "publish", COMMANDER, **WORDS, override=why)
    await incident.change(private=True)
    await page_stage.approve(run, ADMIN)

    late = await page_stage.finished(run)

    assert (late["status"], late["statusLabel"]) == ("FAILURE", "Bad input")
    assert "is private" in late["summary"]
    assert await public(incident) == []


async def test_settings_say_what_stops_and_what_warns(page_stage: Stage) -> None:
    stage = page_stage
    before = stage.integration.env[RULES]
    await stage.integration.stop()
    stage.integration.env[RULES] = '{"impact": "block", "leak": "warn", "resolved early": "off"}'
    try:
        await stage.start_integration()
        incident = await Incident.created(stage, severity="sev2")
        await stopped(incident, "publish", "impact minor", **WORDS, impact="minor")
        await published(incident, body=f"The host {HOST} is down.", impact="major")
        kept = await found_on_record(incident, "publish")
        run = await said(incident, "resolve", body="Payments work again.")
    finally:
        await stage.integration.stop()
        stage.integration.env[RULES] = before
        await stage.start_integration()

    assert [one["rule"] for one in kept["findings"]] == ["leak"]
    assert "override" not in kept
    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Resolved"), run["summary"]
    (resolved,) = await spoken(incident, "resolve")
    assert "guards" not in resolved["details"]
