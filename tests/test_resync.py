"""A resync of status pages, by Ocean itself: what is mapped, how often is read, and what is never deleted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from port_ocean.context.event import EventType, event_context
from port_ocean.context.ocean import ocean as context
from port_ocean.integration_testing import IntegrationTestHarness, InterceptTransport, ResyncResult

from integration import resync
from integration.errors import Ambiguous, Unreachable
from integration.live_upserts import LiveUpserts
from integration.resync import register_kinds
from integration.services.statuspage import StatuspageService
from sandbox.world import Json
from tests.page_bench import CHECKOUT, PAGE, SEARCH, Bench, bench, mapped, shipped_mapping

MAIN = "from tests.test_resync import Hung\nHung.now()\n"


@pytest.fixture
async def page() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


class Hung:
    """The kinds of one test, hung on Ocean when its main.py is loaded."""

    current: Hung

    def __init__(self, service: StatuspageService | None, page: Bench, **settings: Any) -> None:
        key = "" if service is None else page.settings.statuspage_api_key
        self.service = service
        self.settings = page.settings.model_copy(update={"statuspage_api_key": key, **settings})
        self.absorbed: list[Sequence[Json]] = []
        self.absorbing: Exception | None = None

    @classmethod
    def now(cls) -> None:
        hung = cls.current
        register_kinds(context, hung._service, lambda: hung.settings, hung._absorb)

    async def _service(self) -> StatuspageService | None:
        return self.service

    async def _absorb(self, incidents: Sequence[Json]) -> None:
        self.absorbed.append(list(incidents))
        if self.absorbing:
            raise self.absorbing


@contextlib.asynccontextmanager
async def ocean(
    hung: Hung, folder: Path, *, there: Sequence[tuple[str, str]] = (), mapping: Json | None = None
) -> AsyncIterator[IntegrationTestHarness]:
    """Ocean with our kinds and a recording Port, which holds the entities `there` (blueprint, identifier)."""
    Hung.current = hung
    (folder / "main.py").write_text(MAIN)
    held = [{"blueprint": blueprint, "identifier": identifier} for blueprint, identifier in there]
    harness = IntegrationTestHarness(
        str(folder),
        mapping or shipped_mapping(),
        InterceptTransport(strict=True),
        config_overrides={"processing_mode": "ocean-core", "caching_storage_mode": "memory"},
        port_search_entities_response=[
            {**one, "title": "", "properties": {}, "relations": {}, "team": []} for one in held
        ],
    )
    await harness.start()
    try:
        yield harness
    finally:
        await harness.shutdown()


async def resynced(hung: Hung, folder: Path, **more: Any) -> ResyncResult:
    async with ocean(hung, folder, **more) as harness:
        return await harness.trigger_resync()


def identifiers(entities: list[Json], blueprint: str) -> list[str]:
    return [one["identifier"] for one in entities if one["blueprint"] == blueprint]


STALE = ("statuspageIncident", "an-incident-that-was-deleted")


async def test_pages_become_entities_as_the_mapping_says(page: Bench, tmp_path: Path) -> None:
    public = page.publish("INC-1", components={CHECKOUT: "major_outage"})
    page.statuspage.people.post_update(public["id"], "Found it.", "identified")

    done = await resynced(Hung(page.service, page), tmp_path, there=[STALE])

    assert (done.errors, done.reconciliation_success) == ([], True)
    found = {one["identifier"]: one for one in done.upserted_entities}
    assert found[PAGE]["title"] == "Example Shop Status"
    assert found[PAGE]["properties"]["url"] == "https://shop.example.com"
    (group,) = identifiers(done.upserted_entities, "statuspageComponentGroup")
    assert found[group]["properties"]["position"] == int(found[group]["properties"]["position"])
    assert group not in identifiers(done.upserted_entities, "statuspageComponent")
    assert found[CHECKOUT]["relations"] == {"componentGroup": group, "statuspage": PAGE}
    assert found[CHECKOUT]["properties"]["status"] == "major_outage"
    incident = found[public["id"]]
    assert incident["properties"]["status"] == "identified"
    assert incident["properties"]["impact"] == "critical"
    assert incident["properties"]["pageId"] == PAGE
    assert incident["relations"] == {"components": [CHECKOUT], "statuspage": PAGE}
    said = [found[one] for one in identifiers(done.upserted_entities, "statuspageIncidentUpdate")]
    assert sorted(one["title"] for one in said) == ["Found it.", "We are looking into it."]
    assert {one["relations"]["incident"] for one in said} == {public["id"]}
    assert done.deleted_entities == [{"blueprint": STALE[0], "identifier": STALE[1]}]


async def test_each_list_is_read_once(page: Bench, tmp_path: Path) -> None:
    """250 incidents are three lists; their updates come from the same read, and the pages from one."""
    past = [{"name": f"Incident {number}"} for number in range(250)]
    page.statuspage.seed({"pages": [{"name": "Another", "id": "anotherpage1", "incidents": past}]})
    hung = Hung(page.service, page)

    async with ocean(hung, tmp_path) as harness:
        done = await harness.trigger_resync()
        first = page.asked()
        again = await harness.trigger_resync()

    assert (done.errors, again.errors) == ([], [])
    assert len(identifiers(done.upserted_entities, "statuspageIncident")) == 250
    assert len(identifiers(done.upserted_entities, "statuspageIncidentUpdate")) == 250
    assert page.asked("pages.list") == 2
    assert page.asked("incidents.list") == 2 * (3 + 1)
    assert page.asked() == 2 * first
    assert first == 1 + 2 + 2 + 4
    assert [len(incidents) for incidents in hung.absorbed] == [250, 250]


async def test_a_kind_mapped_twice_is_read_once(page: Bench, tmp_path: Path) -> None:
    page.publish("INC-1")
    resources = [one for one in shipped_mapping()["resources"] if one["kind"] == "incident"]
    mapping = {**shipped_mapping(), "resources": resources * 2}

    done = await resynced(Hung(page.service, page), tmp_path, mapping=mapping)

    assert done.errors == []
    assert page.asked("incidents.list") == 1


async def test_batches_are_large(page: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ocean forks a process pool for each batch, so what comes in lists of 100 goes in larger ones."""
    monkeypatch.setattr(resync, "BATCH", 150)
    past = [{"name": f"Incident {number}"} for number in range(310)]
    page.statuspage.seed({"pages": [{"name": "Another", "id": "anotherpage1", "incidents": past}]})
    sizes: list[int] = []
    kinds = resync.PageKinds(Hung(page.service, page)._service, lambda: page.settings, _nothing)

    async with event_context(EventType.RESYNC):
        sizes = [len(batch) async for batch in kinds.incidents("incident")]

    assert sizes == [150, 150, 10]


async def _nothing(incidents: Sequence[Json]) -> None:
    return None


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("pages.list", {"status": 500}),
        ("pages.list", {"body": [], "status": 200}),
        ("pages.list", {"status": 401}),
        ("components.list", {"status": 500}),
        ("component_groups.list", {"malformed": True}),
        ("incidents.list", {"status": 500, "skip": 1}),
        ("incidents.list", {"status": 404}),
        ("incidents.list", {"body": {"incidents": []}, "status": 200}),
        ("incidents.list", {"body": [{"id": "abc", "status": "resolved"}], "status": 200}),
    ],
)
async def test_what_cannot_be_read_as_a_whole_deletes_nothing(
    page: Bench, tmp_path: Path, operation: str, fault: Json
) -> None:
    past = [{"name": f"Incident {number}"} for number in range(150)]
    page.statuspage.seed({"pages": [{"name": "Another", "id": "anotherpage1", "incidents": past}]})
    page.fault(operation=operation, times=100, **fault)

    done = await resynced(Hung(page.service, page), tmp_path, there=[STALE])

    assert done.errors
    assert not done.reconciliation_success
    assert done.deleted_entities == []


async def test_a_key_that_sees_no_page_is_named(page: Bench, tmp_path: Path) -> None:
    page.statuspage.store.pages.clear()

    done = await resynced(Hung(page.service, page), tmp_path, there=[STALE])

    assert "OCEAN__INTEGRATION__CONFIG__STATUSPAGE_API_KEY" in str(done.errors[0])
    assert done.deleted_entities == []


async def test_only_the_pages_of_the_settings_are_read(page: Bench, tmp_path: Path) -> None:
    page.statuspage.seed({"pages": [{"name": "Another", "id": "anotherpage1", "components": ["Theirs"]}]})

    done = await resynced(Hung(page.service, page, statuspage_pages=(PAGE,)), tmp_path)

    assert identifiers(done.upserted_entities, "statuspage") == [PAGE]
    assert {CHECKOUT, SEARCH} < set(identifiers(done.upserted_entities, "statuspageComponent"))
    assert len(identifiers(done.upserted_entities, "statuspageComponent")) == 4


async def test_a_page_of_the_settings_that_is_missing_deletes_nothing(page: Bench, tmp_path: Path) -> None:
    hung = Hung(page.service, page, statuspage_pages=(PAGE, "nosuchpage01"))

    done = await resynced(hung, tmp_path, there=[STALE])

    assert "nosuchpage01" in str(done.errors[0])
    assert "OCEAN__INTEGRATION__CONFIG__STATUSPAGE_PAGES" in str(done.errors[0])
    assert done.deleted_entities == []


async def test_without_a_key_a_resync_succeeds_and_deletes_nothing(page: Bench, tmp_path: Path) -> None:
    """Whoever has no status page has resyncs all the same; whoever lost the key keeps what stands."""
    hung = Hung(None, page)
    started: list[str] = []

    async def begun() -> None:
        started.append("resync")

    async with ocean(hung, tmp_path, there=[STALE, ("statuspage", PAGE)]) as harness:
        context.on_resync_start()(begun)
        done = await harness.trigger_resync()

    assert (done.errors, done.reconciliation_success) == ([], True)
    assert (done.upserted_entities, done.deleted_entities) == ([], [])
    assert started == ["resync"]  # hooks run: rooms are read again
    assert hung.absorbed == []


async def test_where_ports_own_integration_mirrors_the_pages_nothing_is_given_nor_deleted(
    page: Bench, tmp_path: Path
) -> None:
    public = page.publish("INC-1")
    hung = Hung(page.service, page, statuspage_mirror="additions")

    done = await resynced(hung, tmp_path, there=[STALE, ("statuspage", PAGE)])

    assert (done.errors, done.upserted_entities, done.deleted_entities) == ([], [], [])
    # What is added to the customer's incidents is read all the same.
    assert [one["id"] for read in hung.absorbed for one in read] == [public["id"]]


async def test_a_kind_that_nobody_knows_fails_the_resync(page: Bench, tmp_path: Path) -> None:
    resource = {**shipped_mapping()["resources"][0], "kind": "war_room"}
    mapping = {**shipped_mapping(), "resources": [resource]}

    done = await resynced(Hung(page.service, page), tmp_path, there=[STALE], mapping=mapping)

    assert "war_room" in str(done.errors[0])
    assert done.deleted_entities == []


async def test_our_incidents_not_written_is_no_failure_of_the_read(page: Bench, tmp_path: Path) -> None:
    hung = Hung(page.service, page)
    hung.absorbing = Unreachable("port", "entities.patch", "unreachable")

    done = await resynced(hung, tmp_path)

    assert done.errors == []
    assert len(hung.absorbed) == 1


async def test_a_live_change_goes_the_way_of_a_resync(page: Bench, tmp_path: Path) -> None:
    """In order, whoever calls: also from inside of one of Ocean's own events."""
    upserts = LiveUpserts()
    async with ocean(Hung(page.service, page), tmp_path) as harness:
        async with event_context(EventType.START):
            calls = (upserts("component", [{"id": f"c{n}", "group": n == 1, "name": "x"}]) for n in range(4))
            standing = await asyncio.gather(*calls)
        nothing = await upserts("component", [])
        unmapped = await upserts("war_room", [{"id": "abc"}])
        await upserts.stop()

    assert standing == [["c0"], [], ["c2"], ["c3"]]
    assert [one["identifier"] for one in harness.port_mock.upserted_entities] == ["c0", "c2", "c3"]
    assert (nothing, unmapped) == ([], [])


async def test_a_live_change_that_ocean_fails_on_is_told_and_the_next_goes_on(
    page: Bench, tmp_path: Path
) -> None:
    upserts = LiveUpserts()
    async with ocean(Hung(page.service, page), tmp_path):
        with pytest.raises(Ambiguous, match="register component"):
            await upserts("component", [{"id": "c0", "group": "neither yes nor no", "name": object()}])
        assert await upserts("component", [{"id": "c1", "group": False, "name": "x"}]) == ["c1"]
        waiting = asyncio.ensure_future(upserts("component", [{"id": "c2", "group": False, "name": "x"}]))
        await asyncio.sleep(0)
        await upserts.stop()
        with pytest.raises(asyncio.CancelledError):
            await waiting


@pytest.mark.parametrize(
    ("kind", "given", "name", "value"),
    [
        ("component_group", {"position": "3"}, "position", 3),
        ("component_group", {"position": 3}, "position", 3),
        ("component_group", {"position": None}, "position", None),
        ("component_group", {"position": ""}, "position", None),
        ("component", {"group": False, "status": ""}, "status", None),
        ("component", {"group": False, "start_date": "2024-02-29"}, "startDate", "2024-02-29T00:00:00Z"),
        ("component", {"group": False, "start_date": None}, "startDate", None),
        ("statuspage", {"url": ""}, "url", None),
        ("incident", {"reminder_intervals": "[3, 6]"}, "reminder_intervals", "[3, 6]"),
        ("incident", {"reminder_intervals": [3, 6]}, "reminder_intervals", "[3,6]"),
        ("incident", {"postmortem_published_at": False}, "postmortem_published_at", None),
        (
            "incident",
            {"postmortem_published_at": "2024-01-01T00:00:00Z"},
            "postmortemPublishedAt",
            "2024-01-01T00:00:00Z",
        ),
    ],
)
def test_what_port_would_refuse_is_made_acceptable(kind: str, given: Json, name: str, value: object) -> None:
    made = mapped(kind, {"id": "abc", **given})

    assert made is not None
    assert made[1]["properties"][name] == value


def test_missing_lists_are_no_relations() -> None:
    incident, update = mapped("incident", {"id": "a"}), mapped("incident_update", {"id": "b"})

    assert incident is not None
    assert update is not None
    assert incident[1]["relations"]["components"] == []
    assert update[1]["relations"]["affectedComponents"] == []


def test_a_deletion_never_follows_relations() -> None:
    """An incident of the customer's, related to a public one, would be deleted with it."""
    assert shipped_mapping()["deleteDependentEntities"] is False
    assert shipped_mapping()["createMissingRelatedEntities"] is True
