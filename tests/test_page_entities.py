"""What is added to entities that a resync keeps: the status of a page, and under whose name it is written."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from integration import page_mirror
from integration.page_mirror import PageMirror
from integration.page_status import PageStatus
from integration.times import when
from sandbox.world import Json
from tests.page_bench import CHECKOUT, OCEAN, PAGE, SEARCH, Bench, bench
from tests.sandbox.serve import until

INCIDENT = "statuspageIncident"


@pytest.fixture
async def page() -> AsyncIterator[Bench]:
    async with bench() as found:
        await found.upserts("statuspage", [(await found.service.raw_page(PAGE)) or {}])
        yield found


@pytest.fixture
async def mirror(page: Bench) -> AsyncIterator[PageMirror]:
    found = page.mirror()
    yield found
    await found.stop()


@pytest.fixture
async def adding(page: Bench) -> AsyncIterator[PageMirror]:
    """Where Port's own integration keeps the entities."""
    found = page.mirror(statuspage_mirror="additions")
    yield found
    await found.stop()


def status(indicator: str, words: str = "Some words", at: str = "2026-01-02T03:04:05Z") -> PageStatus:
    return PageStatus(indicator, words, when(at))


async def top(page: Bench) -> tuple[str | None, str | None]:
    entity = await page.client.get_entity("statuspage", PAGE)
    held: Json = entity["properties"] if entity else {}
    return held.get("status_indicator"), held.get("status_description")


async def told(page: Bench, mirror: PageMirror, *statuses: PageStatus) -> tuple[str | None, str | None]:
    for one in statuses:
        mirror.observe(PAGE, component=CHECKOUT, status=one)
    await until(lambda: not mirror.busy)
    return await top(page)


def source(page: Bench, blueprint: str, identifier: str) -> str:
    return page.port.store.datasources[(blueprint, identifier)]


async def test_the_status_of_the_page_is_what_its_webhooks_tell(page: Bench, mirror: PageMirror) -> None:
    assert await top(page) == (None, None)

    shown = await told(page, mirror, status("none"), status("major", "Partial System Outage"))

    assert shown == ("major", "Partial System Outage")
    # A resync does not take it away, nor does a webhook that was overtaken, nor nonsense.
    await page.upserts("statuspage", [(await page.service.raw_page(PAGE)) or {}])
    late, nonsense = status("none", at="2026-01-02T03:04:04Z"), status("purple", at="2026-01-02T03:05:00Z")
    endless = status("none", "x" * 300, at="2026-01-02T03:05:00Z")
    assert await told(page, mirror, late, nonsense, endless) == ("major", "Partial System Outage")


async def test_it_is_written_once_and_costs_no_request_of_statuspage(page: Bench, mirror: PageMirror) -> None:
    await told(page, mirror, status("minor"))
    asked, patches = page.asked(), len(written(page))

    mirror.observe(PAGE, component=CHECKOUT, told="operational", status=status("minor"))
    mirror.observe(PAGE, component=CHECKOUT, told="operational", status=status("none"))
    await until(lambda: not mirror.busy)

    assert page.asked() == asked
    assert len(written(page)) == patches + 1
    assert (await top(page))[0] == "none"
    assert source(page, "statuspage", PAGE) == OCEAN
    # Another process was told otherwise in between.
    await page.client.patch_entity("statuspage", PAGE, {"status_indicator": "critical"})
    assert (await told(page, mirror, status("none")))[0] == "none"


def written(page: Bench) -> list[str]:
    found = [entry for entry in page.world.journal if entry.operation == "entities.patch" and entry.effect]
    return [entry.path for entry in found if "/blueprints/statuspage/" in entry.path]


async def test_where_others_keep_the_page_its_status_is_theirs(page: Bench, adding: PageMirror) -> None:
    assert await told(page, adding, status("major")) == (None, None)


async def test_what_a_resync_keeps_stays_under_its_name(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1", components={CHECKOUT: "major_outage"})
    page.world.journal.clear()

    mirror.observe(PAGE, public["id"])
    await until(lambda: not mirror.busy)

    entity = await page.client.get_entity(INCIDENT, public["id"])
    assert entity is not None
    assert entity["relations"]["incident"] == "INC-1"
    assert source(page, INCIDENT, public["id"]) == OCEAN


async def as_theirs(page: Bench, public: Json) -> None:
    """The entity as Port's own integration maps it: the page is a relation alone."""
    properties: Json = {"status": public["status"], "createdAt": public["created_at"]}
    entity = {"identifier": public["id"], "title": public["name"], "properties": properties}
    await page.client.merge_entities(INCIDENT, [entity | {"relations": {"statuspage": PAGE}}])
    page.port.store.datasources[(INCIDENT, public["id"])] = "port-ocean/statuspage/0.2.81/theirs/exporter"


async def test_beside_theirs_changes_by_hand_are_found_and_leftovers_removed(
    page: Bench, adding: PageMirror
) -> None:
    for one in ("INC-1", "INC-2"):
        await page.incident(one)
    first, second = page.publish("INC-1"), page.publish("INC-2")
    foreign = page.publish("")
    for public in (first, second, foreign):
        await as_theirs(page, public)
    await adding.absorb([first, second, foreign])
    assert (await page.shown("INC-1"))[1] == first["id"]
    page.statuspage.people.post_update(first["id"], "Found.", "identified", {}, False)

    other = page.mirror(statuspage_mirror="additions")  # remembers nothing
    await other.poll()

    assert (await page.shown("INC-1"))[0]["publicStatus"] == "identified"
    # Who was added to stands under our name now: theirs will not remove it any more.
    for gone in (second, foreign):
        page.statuspage.people.delete_incident(gone["id"])
    await other.absorb([raw for raw in [await page.service.raw_incident(PAGE, first["id"])] if raw])
    assert await page.client.get_entity(INCIDENT, second["id"]) is None
    assert await page.client.get_entity(INCIDENT, foreign["id"]) is not None  # theirs to remove
    assert await page.client.get_entity(INCIDENT, first["id"]) is not None
    await other.stop()


async def test_what_was_published_since_the_resync_read_is_no_leftover(
    page: Bench, adding: PageMirror
) -> None:
    await page.incident("INC-1")
    old, new = page.publish(""), page.publish("INC-1")
    for one in (old, new):
        await as_theirs(page, one)
    adding.observe(PAGE, new["id"])
    await until(lambda: not adding.busy)

    await adding.absorb([old])

    assert await page.client.get_entity(INCIDENT, new["id"]) is not None


async def test_figures_wait_for_no_second_day(page: Bench, mirror: PageMirror) -> None:
    await mirror.tend()  # the first resync has not brought in anything yet
    async for components in page.service.raw_components(PAGE):
        await page.upserts("component", components)

    await mirror.absorb([])
    for _ in range(12):
        await mirror.tend()

    component = await page.client.get_entity("statuspageComponent", CHECKOUT)
    assert component is not None
    assert component["properties"]["uptime"] is not None
    assert source(page, "statuspageComponent", CHECKOUT) == OCEAN


async def test_an_entity_that_others_make_a_moment_later_is_waited_for(
    page: Bench, adding: PageMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_mirror, "RETRY_SECONDS", (0.05, 0.05, 0.05))
    await page.incident("INC-1")
    public = page.publish("INC-1")

    adding.observe(PAGE, public["id"])
    await until(lambda: page.asked("incidents.get") >= 2)
    await as_theirs(page, public)
    await until(lambda: not adding.busy)

    assert (await page.shown("INC-1"))[1] == public["id"]
    entity = await page.client.get_entity(INCIDENT, public["id"])
    assert entity is not None
    assert entity["relations"]["incident"] == "INC-1"


async def test_a_component_that_is_gone_is_removed_where_nobody_else_would(
    page: Bench, adding: PageMirror
) -> None:
    async for components in page.service.raw_components(PAGE):
        await page.upserts("component", components)
    page.statuspage.store.components.pop(CHECKOUT)

    for _ in range(12):
        await adding.tend()

    assert await page.client.get_entity("statuspageComponent", CHECKOUT) is None
    assert await page.client.get_entity("statuspageComponent", SEARCH) is not None
