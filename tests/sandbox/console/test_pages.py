"""The console: what a person sees of incident, room, bridge and journal, and that it is safe to look at."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import build
from sandbox.world import World
from scripts import picture
from tests.sandbox.console.scene import DANA, NASTY, PAGE, Stage, blueprint, text


async def test_the_list_leads_to_the_incident(stage: Stage) -> None:
    page = await stage.page("")

    assert "/console/incident/INC-1" in page
    assert "inc-1-checkout" in page
    home = await stage.http.get("/")
    assert home.headers["location"] == "/console"


async def test_the_incident_page_has_it_all(stage: Stage) -> None:
    page = await stage.page("/incident/INC-1")

    for shown in (
        "SEV1",
        "<strong>30 %</strong>",
        "note 0",
        "note 1",
        "Briefing",
        "A report",
        "inc-1-checkout",
        "INC-1 bridge",
        "opened by an automation",
        "conversations.create",
        'datetime="2026-01-31T10:01:00Z"',
    ):
        assert shown in page, shown
    assert "note 2" not in page
    assert page.index('<h3 class="kind">update') < page.index('<h3 class="kind">finding')


async def test_the_drafts_stand_side_by_side_with_what_they_rest_on(stage: Stage) -> None:
    page = await stage.page("/incident/INC-1")

    places = [page.index(f'id="draft-{name}"') for name in ("engineering", "executives", "sales", "support")]
    assert places == sorted(places)
    assert "<strong>for sales</strong> 4" in page, "the newest of each"
    assert "<strong>for sales</strong> 0" not in page
    assert "note n4" in page


async def test_the_channel_looks_as_it_does_to_a_person(stage: Stage) -> None:
    page = await stage.page(f"/channel/{stage.channel}")

    assert '<div class="b-header">Checkout is slow 🔥</div>' in page
    assert '<a class="b-button primary" href="https://example.com/j/1"' in page
    assert '<span class="mention">@here</span>' in page
    assert (
        "finding: the <strong>pool</strong> is exhausted, see <code>db-1</code> &amp; <em>logs</em>" in page
    )
    assert "👀 1" in page
    assert "📌 pinned" in page
    assert 'the fix <span class="edited">(edited)</span>' in page
    assert "This message was deleted." in page
    assert "hunter2" not in page
    assert page.index('class="thread"') < page.index("thanks")
    assert '<a href="https://example.com" rel="noopener noreferrer" target="_blank">runbook</a>' in page
    assert "🔖 Incident" in page


async def test_nothing_that_people_write_becomes_markup(stage: Stage) -> None:
    for path in (
        *("", "/incident/INC-1", "/record/INC-1", f"/channel/{stage.channel}", "/channels", "/journal"),
        *(f"/page/{PAGE}", "/pages", "/mail"),
    ):
        answer = await stage.http.get(f"/console{path}")
        assert NASTY not in answer.text
        assert 'href="javascript:' not in answer.text.lower()
        assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_a_fragment_is_the_inside_alone(stage: Stage) -> None:
    inside = await stage.page("/incident/INC-1?fragment=1")

    assert "<html" not in inside
    assert inside.strip() in await stage.page("/incident/INC-1")


async def test_what_is_not_there_is_said(stage: Stage) -> None:
    assert "No incident" in await stage.page("/incident/NOPE", 404)
    assert "No channel" in await stage.page("/channel/NOPE", 404)
    assert "No meeting" in await stage.page("/meeting/1", 404)
    assert "No incident" in await stage.page("/record/NOPE", 404)
    assert "No status page" in await stage.page("/page/NOPE", 404)
    assert "No HTML" in await stage.page("/mail/17/html", 404)
    assert (await stage.http.get("/stspg/nope")).status_code == 404


async def test_looking_leaves_no_trace(stage: Stage) -> None:
    before = len(stage.sandbox.world.journal)
    await stage.page("/incident/INC-1")

    assert len(stage.sandbox.world.journal) == before


async def test_an_empty_sandbox_and_a_customer_s_ownblueprint() -> None:
    sandbox = build(World(), kind=True)
    transport = httpx.ASGITransport(app=sandbox.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as http:
        assert "No incident yet" in (await http.get("/console")).text
        sandbox.port.seed({"blueprints": [blueprint("pagerdutyIncident", {"status": text("Status")})]})
        sandbox.port.create_entity("pagerdutyIncident", {"identifier": "Q1", "title": "Theirs"})
        assert "Theirs" in (await http.get("/console/incident/Q1")).text
    await sandbox.close()


chromium = pytest.mark.skipif(picture.browser() is None, reason="no Chromium on PATH")


@chromium
async def test_a_real_browser_shows_it_and_takes_a_picture(stage: Stage, tmp_path: Path) -> None:
    url = f"{stage.base}/console/incident/INC-1"
    shown = await asyncio.to_thread(picture.dom, url)
    assert "Join the bridge" in shown
    file = tmp_path / "console.png"
    await asyncio.to_thread(picture.take, url, file)
    assert file.read_bytes().startswith(b"\x89PNG")


@chromium
async def test_a_page_that_stays_open_shows_what_is_said_later(stage: Stage) -> None:
    looking = asyncio.create_task(
        asyncio.to_thread(picture.dom, f"{stage.base}/console/channel/{stage.channel}", settle=6.0)
    )
    seen = asyncio.Event()
    original = stage.sandbox.console.rooms.view

    def watched(key: str) -> Any:
        # The page was fetched: what is said from here on can only come by its own refresh.
        seen.set()
        return original(key)

    stage.sandbox.console.rooms.view = watched  # type: ignore[method-assign]
    await asyncio.wait_for(seen.wait(), 30)
    stage.sandbox.slack.say(stage.channel, DANA, "said while somebody was looking")
    assert "said while somebody was looking" in await looking
