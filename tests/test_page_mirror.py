"""What people do on the status page reaches Port: by hints that are read first, and without any hint."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from integration import page_mirror
from integration.page_mirror import PageMirror
from integration.services.statuspage_shapes import fingerprint
from sandbox.world import iso
from tests.page_bench import CHECKOUT, PAGE, SEARCH, Bench, bench, shows
from tests.sandbox.serve import until


@pytest.fixture
async def page() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


@pytest.fixture
async def mirror(page: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PageMirror]:
    monkeypatch.setattr(page_mirror, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(page_mirror, "RETRY_SECONDS", (0.01, 0.01))
    found = page.mirror()
    yield found
    await found.stop()


# Onto our incident


async def test_a_hint_brings_what_the_page_says_onto_our_incident(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1", status="investigating")
    public = page.publish("INC-1", status="identified", components={CHECKOUT: "partial_outage"})

    mirror.observe(PAGE, public["id"])

    await shows(page, "INC-1", publicStatus="identified")
    held, related = await page.shown("INC-1")
    assert related == public["id"]
    assert held["publicIncident"] == public["shortlink"]
    assert held["publicSince"] == public["created_at"]
    assert held["lastPublicUpdateAt"] == public["incident_updates"][0]["created_at"]
    assert held["status"] == "investigating"  # theirs is theirs
    component = await page.client.get_entity("statuspageComponent", CHECKOUT)
    assert component is not None
    assert component["properties"]["status"] == "partial_outage"
    entity = await page.client.get_entity("statuspageIncident", public["id"])
    assert entity is not None
    assert entity["relations"] == {"statuspage": PAGE, "components": [CHECKOUT], "incident": "INC-1"}


async def test_a_hint_of_what_is_known_is_not_read_again(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1")
    mirror.observe(PAGE, public["id"], told=fingerprint(public))
    await shows(page, "INC-1", publicStatus="investigating")
    await until(lambda: not mirror.busy)
    read = page.asked("incidents.get")

    mirror.observe(PAGE, public["id"], told=fingerprint(public))
    assert not mirror.busy
    changed = page.statuspage.people.post_update(public["id"], "Found it.", "identified")
    mirror.observe(PAGE, public["id"], told=fingerprint(changed))

    await shows(page, "INC-1", publicStatus="identified")
    assert page.asked("incidents.get") == read + 1


async def test_it_is_found_by_our_record_where_the_metadata_was_lost(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("")
    await page.record("INC-1:publish", "INC-1", public["id"])

    mirror.observe(PAGE, public["id"])

    await shows(page, "INC-1", publicStatus="investigating")


async def test_a_public_incident_of_nobody_reaches_port_and_no_incident(
    page: Bench, mirror: PageMirror
) -> None:
    await page.incident("INC-1")
    public = page.publish("")

    mirror.observe(PAGE, public["id"])
    await until(lambda: "incident_update" in page.upserts.kinds())
    await mirror.poll()

    assert (await page.shown("INC-1"))[1] == ""
    assert page.patches() == 0


async def test_an_incident_of_the_same_name_of_another_installation_is_left_alone(
    page: Bench, mirror: PageMirror
) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1", key="a-key-that-our-record-does-not-know")

    mirror.observe(PAGE, public["id"])
    await until(lambda: "incident_update" in page.upserts.kinds())
    await mirror.stop()

    assert (await page.shown("INC-1"))[1] == ""


async def test_metadata_naming_an_unknown_incident_does_no_harm(page: Bench, mirror: PageMirror) -> None:
    public = page.publish("INC-404")

    mirror.observe(PAGE, public["id"])

    await until(lambda: "incident_update" in page.upserts.kinds())


async def test_of_several_the_incident_shows_the_one_that_spoke_last(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    first = page.publish("INC-1", status="investigating")
    page.world.clock.shift["statuspage"] = 60
    second = page.publish("INC-1", status="monitoring")
    mirror.observe(PAGE, second["id"])
    await shows(page, "INC-1", publicStatus="monitoring")

    mirror.observe(PAGE, first["id"])
    await until(lambda: page.upserts.heard.count(("incident", [first["id"]])) == 1)
    await mirror.stop()

    assert (await page.shown("INC-1"))[1] == second["id"]
    page.world.clock.shift["statuspage"] = 120
    page.statuspage.people.post_update(first["id"], "Found it.", "identified")
    mirror.observe(PAGE, first["id"])
    await shows(page, "INC-1", publicStatus="identified")
    assert (await page.shown("INC-1"))[1] == first["id"]


async def test_maintenance_is_mirrored_but_is_no_public_status_of_ours(
    page: Bench, mirror: PageMirror
) -> None:
    await page.incident("INC-1")
    soon, later = (page.world.clock.now() + hours * 3600 for hours in (1, 2))
    public = page.publish(
        "INC-1", status="scheduled", scheduled_for=iso(soon), scheduled_until=iso(later), name="Work"
    )

    mirror.observe(PAGE, public["id"])

    await until(lambda: "incident_update" in page.upserts.kinds())
    await mirror.stop()
    entity = await page.client.get_entity("statuspageIncident", public["id"])
    assert entity is not None
    assert entity["properties"]["status"] == "scheduled"
    assert "publicStatus" not in (await page.shown("INC-1"))[0]


async def test_without_an_entity_to_relate_to_the_rest_is_written(page: Bench, mirror: PageMirror) -> None:
    async def nothing(kind: str, raws: list[dict[str, object]]) -> list[str]:
        return []  # as where the mapping has no such kind

    mirror._upsert = nothing
    await page.incident("INC-1")
    public = page.publish("INC-1")

    mirror.observe(PAGE, public["id"])

    await shows(page, "INC-1", publicStatus="investigating", publicIncident=public["shortlink"])
    assert (await page.shown("INC-1"))[1] == ""


async def test_nothing_is_written_when_nothing_has_changed(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1")
    for _ in range(2):
        mirror.observe(PAGE, public["id"])
        await until(lambda: not mirror._following)

    assert page.patches() == 1


# Hints


async def test_many_hints_about_one_incident_are_one_read(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1")

    for _ in range(50):
        mirror.observe(PAGE, public["id"])
        mirror.observe(PAGE, component=CHECKOUT)
        mirror.observe(PAGE, component=SEARCH)
    await until(lambda: not mirror._following)

    assert page.asked("incidents.get") == 1
    assert page.asked("components.list") == 1
    assert page.asked("pages.get") == 1
    assert ("component", [CHECKOUT, SEARCH]) in page.upserts.heard


async def test_a_hint_that_comes_during_the_read_is_read_again(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1")
    page.fault(operation="incidents.get", answer_delay=0.3)

    mirror.observe(PAGE, public["id"])
    await until(lambda: page.asked("incidents.get") == 1)
    page.statuspage.people.post_update(public["id"], "It is over.", "resolved")
    mirror.observe(PAGE, public["id"])

    await shows(page, "INC-1", publicStatus="resolved")
    assert page.asked("incidents.get") == 2


async def test_a_read_that_fails_is_tried_again(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1")
    page.fault(operation="incidents.get", status=500, times=3)

    mirror.observe(PAGE, public["id"])

    await shows(page, "INC-1", publicStatus="investigating")


async def test_components_whose_read_failed_are_not_forgotten(page: Bench, mirror: PageMirror) -> None:
    page.fault(operation="components.list", status=500, times=3)

    mirror.observe(PAGE, component=CHECKOUT)

    await until(lambda: ("component", [CHECKOUT]) in page.upserts.heard)


async def test_pages_that_are_not_ours_are_never_asked_for(page: Bench) -> None:
    mirror = page.mirror(statuspage_pages=("anotherpage1",))
    public = page.publish("INC-1")

    mirror.observe(PAGE, public["id"])
    mirror.observe(PAGE, component=CHECKOUT)
    await mirror.stop()

    assert not mirror._following
    assert page.asked() == 0


async def test_a_hint_at_an_incident_that_is_not_there_changes_nothing(
    page: Bench, mirror: PageMirror
) -> None:
    """Whoever knows the secret may say anything: another page's id does not undo what is ours."""
    await page.incident("INC-1")
    public = page.publish("INC-1")
    mirror.observe(PAGE, public["id"])
    await shows(page, "INC-1", publicStatus="investigating")

    mirror.observe("nosuchpage01", public["id"])
    await until(lambda: not mirror._following)

    await shows(page, "INC-1", publicStatus="investigating")


async def test_hints_are_bounded(page: Bench, mirror: PageMirror) -> None:
    for number in range(page_mirror.MOST_HINTS + 20):
        mirror.observe(PAGE, f"incident{number}")

    assert len(mirror._following) == page_mirror.MOST_HINTS
    await mirror.stop()


# Without hints


async def test_the_poll_finds_what_was_changed_by_hand(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1")
    mirror.observe(PAGE, public["id"])
    await shows(page, "INC-1", publicStatus="investigating")

    page.statuspage.people.post_update(public["id"], "Better now.", "monitoring")
    await mirror.poll()
    assert (await page.shown("INC-1"))[0]["publicStatus"] == "monitoring"

    page.statuspage.people.post_update(public["id"], "All good.", "resolved")
    await mirror.poll()
    assert (await page.shown("INC-1"))[0]["publicStatus"] == "resolved"

    page.statuspage.people.post_update(public["id"], "It is back.", "investigating")
    await mirror.poll()
    assert (await page.shown("INC-1"))[0]["publicStatus"] == "investigating"


async def test_an_unchanged_page_costs_one_request_a_poll(page: Bench, mirror: PageMirror) -> None:
    for number in range(3):
        await page.incident(f"INC-{number}")
        mirror.observe(PAGE, page.publish(f"INC-{number}")["id"])
        await shows(page, f"INC-{number}", publicStatus="investigating")
    before, written = page.asked(), page.patches()

    await mirror.poll()
    await mirror.poll()

    assert page.asked() - before == 2
    assert page.asked("incidents.unresolved") == 2
    assert page.patches() == written


async def test_polls_do_not_use_up_the_key(
    page: Bench, mirror: PageMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_mirror, "POLL_SECONDS", 60.0)
    await page.incident("INC-1", publicStatus="investigating")
    public = page.publish("INC-1")
    await page.record("INC-1:publish", "INC-1", public["id"])

    for _ in range(5):
        await mirror.poll()

    assert page.asked("incidents.unresolved") == 1


async def test_the_poll_finds_what_no_webhook_ever_related(page: Bench, mirror: PageMirror) -> None:
    """The process died after the post: its record is there, the relation is not."""
    public = page.publish("INC-1", key="INC-1:publish")
    await page.incident("INC-1", publicStatus="investigating")
    await page.record("INC-1:publish", "INC-1", public["id"])

    await mirror.poll()

    assert (await page.shown("INC-1"))[1] == public["id"]


async def test_without_public_incidents_a_poll_asks_nothing(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")

    await mirror.poll()

    assert page.asked() == 0


async def test_a_public_incident_deleted_by_hand_is_public_no_more(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1")
    mirror.observe(PAGE, public["id"])
    await shows(page, "INC-1", publicStatus="investigating")

    page.statuspage.people.delete_incident(public["id"])
    await mirror.poll()

    held, related = await page.shown("INC-1")
    assert related == ""
    assert not held.get("publicStatus")
    assert not held.get("publicIncident")


async def test_a_page_that_does_not_answer_changes_nothing(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1")
    mirror.observe(PAGE, public["id"])
    await shows(page, "INC-1", publicStatus="investigating")
    page.fault(operation="*", status=500, times=100)

    await mirror.poll()

    await shows(page, "INC-1", publicStatus="investigating")


async def test_a_resync_absorbs_what_hints_and_polls_have_missed(page: Bench, mirror: PageMirror) -> None:
    for number in (1, 2, 3, 4):
        await page.incident(f"INC-{number}")
    changed, deleted = page.publish("INC-1"), page.publish("INC-2")
    for number, public in ((1, changed), (2, deleted)):
        mirror.observe(PAGE, public["id"])
        await shows(page, f"INC-{number}", publicStatus="investigating")
    page.statuspage.people.post_update(changed["id"], "All good.", "resolved")
    page.statuspage.people.delete_incident(deleted["id"])
    # Port makes the entity from the same read, before it is absorbed.
    unrelated = page.publish("INC-3")
    await page.upserts("incident", [unrelated])
    before = page.asked("incidents.get")

    await mirror.absorb([raw async for some in page.service.incidents(PAGE) for raw in some])

    assert (await page.shown("INC-1"))[0]["publicStatus"] == "resolved"
    assert (await page.shown("INC-2"))[1] == ""
    assert (await page.shown("INC-3"))[1] == unrelated["id"]
    assert (await page.shown("INC-4"))[1] == ""
    assert page.asked("incidents.get") - before == 1
