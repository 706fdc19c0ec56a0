"""The whole life of a public incident, each of its seven operations: by runs that wait in Port for somebody's
approval, and by drafts that somebody approves. What customers see is read off the page in the console."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from scripts import picture
from tests.stories.outward_public import (
    API,
    BODY,
    CHECKOUT,
    OTHER_PAGE,
    Hand,
    bodies,
    components,
    decided,
    draft_of,
    public,
    seen,
    shows,
    spoken,
    stands_for,
    waiting,
)
from tests.stories.play import COMMANDER, Incident

pytestmark = pytest.mark.asyncio(loop_scope="session")

Say = Callable[..., Awaitable[Json]]
PUBLISH: Json = {"page": DEFAULT_PAGE, "name": "Payments fail", "status": "investigating"}
PURPOSES = {"update": "public update", "schedule": "maintenance", "complete": "complete maintenance"}


async def by_run(incident: Incident, operation: str, **inputs: object) -> Json:
    """Asked for in Port, where the run waits until somebody else approves it. Nothing is said before."""
    before = await page_of(incident)
    run = await waiting(incident, operation, COMMANDER, **inputs)
    assert await page_of(incident) == before
    await incident.stage.approve(run, ADMIN)
    return await incident.stage.finished(run)


async def by_draft(incident: Incident, operation: str, **inputs: object) -> Json:
    """Drafted, read and approved by somebody else. Nothing is said before."""
    before = await page_of(incident)
    draft = await draft_of(incident, operation, COMMANDER, **inputs)
    assert str(inputs["body"]) in draft["preview"]
    assert await page_of(incident) == before
    return await decided(incident.stage, draft, ADMIN)


def outage(component: str) -> Json:
    return {"components": [component], "componentStatus": "partial_outage"}


async def page_of(incident: Incident) -> list[tuple[str, list[str]]]:
    return [(one["status"], bodies(one)) for one in await public(incident)]


@pytest.mark.parametrize("say", [by_run, by_draft])
async def test_a_whole_life_in_public(page_stage: Stage, say: Say) -> None:
    stage = page_stage
    incident = await Incident.created(stage, severity="sev2")
    hand = Hand(stage)

    async def said(operation: str, label: str, words: str, **inputs: object) -> Json:
        """Said once, on the record, and before the customers' eyes."""
        ended = await say(incident, operation, body=words, **inputs)
        assert (ended["status"], ended["statusLabel"]) == ("SUCCESS", label), ended["summary"]
        *_, sent = await spoken(incident, PURPOSES.get(operation, operation))
        stands_for(sent, ended, COMMANDER, ADMIN, words)
        assert words in await seen(stage)
        return ended

    await said("publish", "Published", BODY, **PUBLISH, **outage(CHECKOUT))
    assert "Partial outage" in await seen(stage)
    await shows(incident, publicStatus="investigating", lastPublicWords=BODY)
    await said("update", "Updated", "It is the card payments.", status="identified", **outage(API))
    await incident.change(status="resolved")
    await said("resolve", "Resolved", "Cards work again.")
    assert (await components(stage))[CHECKOUT] == (await components(stage))[API] == "operational"
    await incident.change(status="investigating")
    await said("reopen", "Open again", "Cards fail again.", status="identified", **outage(CHECKOUT))
    assert (await components(stage))[CHECKOUT] == "partial_outage"
    await incident.change(status="resolved")
    await said("resolve", "Resolved", "Cards work for good.")
    await said("postmortem", "Published", "A certificate had expired.")

    (shown,) = await public(incident)
    assert [one["status"] for one in reversed(shown["incident_updates"])] == [
        *("investigating", "identified", "resolved", "identified", "resolved", "postmortem")
    ]
    await shows(incident, publicStatus="postmortem", lastPublicWords="A certificate had expired.")

    start = datetime.now(UTC) + timedelta(hours=1)
    window = {"scheduledFor": start.isoformat(), "scheduledUntil": (start + timedelta(hours=1)).isoformat()}
    announced: Json = {"page": DEFAULT_PAGE, "name": "New disks", **window}
    await said("schedule", "Scheduled", "We change disks.", **announced, components=[API])
    assert (await components(stage))[API] == "operational"
    *_, planned = await public(incident)
    assert (planned["status"], planned["impact"]) == ("scheduled", "maintenance")
    # Somebody at the page begins before the time; it is ended from here.
    under_way: Json = {"status": "in_progress", "components": {API: "under_maintenance"}}
    await hand("PATCH", f"/incidents/{planned['id']}", **under_way, deliver_notifications=False)
    assert "Under maintenance" in await seen(stage)
    ended = await said("complete", "Completed", "The disks are new.")
    *_, planned = await public(incident)
    assert (planned["status"], (await components(stage))[API]) == ("completed", "operational")
    assert planned["shortlink"] in str(ended["link"])
    held = (await incident.entity())["properties"]
    assert not held.get("publicDrift")
    assert held["publicStatus"] == "postmortem"


@pytest.mark.skipif(picture.browser() is None, reason="no Chromium on PATH")
async def test_a_customer_s_browser_shows_each_step(page_stage: Stage) -> None:
    stage = page_stage
    incident = await Incident.created(stage, severity="sev4")
    url = f"{stage.base}/console/page/{OTHER_PAGE}"

    async def looked() -> str:
        return html.unescape(await asyncio.to_thread(picture.dom, url))

    before = await looked()
    words = "Partners can not sign in."
    given: Json = {"page": OTHER_PAGE, "name": "Partners: sign-in fails", "impact": "major", "body": words}
    await by_draft(incident, "publish", **given)
    open_ = await looked()
    await incident.change(status="resolved")
    await by_draft(incident, "resolve", body="Partners sign in again.")
    over = await looked()

    assert "Partners: sign-in fails" not in before
    for shown in ("Partners: sign-in fails", words, "Investigating"):
        assert shown in open_, open_
    for shown in ("Partners sign in again.", words, "Resolved"):
        assert shown in over, over
