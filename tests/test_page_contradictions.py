"""A page that does not fit its incident is noticed with nobody doing anything, and forgotten when it fits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from integration import page_contradictions, page_mirror
from integration.page_mirror import PageMirror
from integration.times import iso
from sandbox.world import Json
from tests.page_bench import CHECKOUT, PAGE, SEARCH, Bench, bench
from tests.sandbox.serve import until


@pytest.fixture
async def page(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(page_contradictions, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(page_mirror, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(page_mirror, "DEBOUNCE_SECONDS", 0.01)
    async with bench() as found:
        yield found


async def held(page: Bench, mirror: PageMirror, *read: str) -> Json:
    """What INC-1 shows after the public incidents `read` were read and time was given."""
    for public in read:
        mirror.observe(PAGE, public)
    await until(lambda: not mirror.busy)
    await mirror.tend()
    return (await page.shown("INC-1"))[0]


async def test_a_page_left_open_after_closing_is_noticed_and_forgotten(page: Bench) -> None:
    mirror = page.mirror()
    await page.incident("INC-1", status="investigating")
    public = page.publish("INC-1")
    before = await held(page, mirror, public["id"])
    await page.incident("INC-1", status="resolved")
    closed = await held(page, mirror)

    assert "publicAfterClosingSince" not in before
    assert closed["publicAfterClosingSince"]
    assert not closed.get("publicContradictions")  # it is early yet

    # It is remembered in Port: another process goes on with it.
    since = iso(datetime.now(UTC) - timedelta(minutes=31))
    await page.incident("INC-1", publicAfterClosingSince=since)
    late = await held(page, page.mirror())
    said = (
        f"- The incident is resolved since {since[:10]} {since[11:16]} UTC and the page says investigating."
    )
    assert late["publicContradictions"] == said
    written = page.patches()
    await held(page, mirror)
    assert page.patches() == written  # it is said once

    page.statuspage.people.post_update(public["id"], "It is over.", "resolved")
    after = await held(page, mirror, public["id"])
    assert not after.get("publicContradictions")
    assert not after.get("publicAfterClosingSince")
    await mirror.stop()


async def test_components_left_degraded_are_named_unless_something_holds_them(page: Bench) -> None:
    mirror = page.mirror()
    await page.incident("INC-1", status="resolved")
    states = {CHECKOUT: "partial_outage", SEARCH: "major_outage"}
    public = page.publish("INC-1", components=states)
    other = page.publish("", components={SEARCH: "major_outage"})
    people = page.statuspage.people
    people.post_update(public["id"], "It is over.", "resolved")

    left = await held(page, mirror, public["id"], other["id"])

    assert left["publicContradictions"] == "- The page says resolved and leaves Checkout (partial outage)."
    people.set_component(CHECKOUT, "operational")
    mirror.observe(PAGE, component=CHECKOUT)
    assert not (await held(page, mirror)).get("publicContradictions")
    people.post_update(other["id"], "It is over as well.", "resolved")
    nobody = await held(page, mirror, other["id"])
    assert nobody["publicContradictions"] == "- The page says resolved and leaves Search (major outage)."
    await mirror.stop()


async def test_an_incident_reopened_made_private_or_more_severe_is_noticed(page: Bench) -> None:
    mirror = page.mirror(guard_rules={**page.settings.guard_rules, "impact": "off"})
    await page.incident("INC-1", status="resolved")
    public = page.publish("INC-1", components={CHECKOUT: "degraded_performance"})
    page.statuspage.people.set_component(CHECKOUT, "operational")
    page.statuspage.people.post_update(public["id"], "It is over.", "resolved")
    assert not (await held(page, mirror, public["id"])).get("publicContradictions")

    await page.incident("INC-1", status="investigating")
    again = (await held(page, mirror))["publicContradictions"]
    assert again == "- The page says resolved while the incident is still investigating."
    page.statuspage.people.post_update(public["id"], "It is back.", "investigating")
    await page.incident("INC-1", severity="sev1", private=True)
    hidden = (await held(page, mirror, public["id"]))["publicContradictions"]
    assert "is private" in hidden
    assert "impact" not in hidden
    louder = (await held(page, page.mirror()))["publicContradictions"]
    assert "less than sev1 means (critical)" in louder
    await mirror.stop()


async def test_what_was_resolved_long_ago_and_what_is_on_no_page_is_left_alone(page: Bench) -> None:
    mirror = page.mirror()
    long_ago = iso(datetime.now(UTC) - timedelta(days=3))
    words = {"publicStatus": "resolved", "lastPublicUpdateAt": long_ago}
    await page.incident("INC-1", status="investigating", **words)
    await page.incident("INC-2", status="resolved")
    written = page.patches()

    await mirror.tend()

    assert page.patches() == written
    await page.incident("INC-1", publicContradictions="- Something of then.")
    assert not (await held(page, mirror)).get("publicContradictions")
    await mirror.stop()
