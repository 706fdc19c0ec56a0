"""What people do on the status page reaches Port: by hints that are read first, and without any hint."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from integration import page_mirror
from integration.doors import statuspage as door
from integration.doors.request import Refusal
from integration.page_mirror import PageMirror
from integration.services.statuspage_shapes import fingerprint
from sandbox.world import iso
from tests.page_bench import CHECKOUT, PAGE, SEARCH, Bench, bench
from tests.sandbox.serve import until

SECRET = "sandbox-statuspage-path"


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


async def shows(page: Bench, incident: str, **wanted: object) -> None:
    async def look() -> bool:
        held, _ = await page.shown(incident)
        return all(held.get(name) == value for name, value in wanted.items())

    seen: bool = await until(look, what=f"{incident} shows {wanted}")
    assert seen


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


# The door


class Door:
    def __init__(self, mirror: PageMirror | None, secret: str = SECRET) -> None:
        self.ready, self.mirror, self.secret = True, mirror, secret
        app, router = FastAPI(), APIRouter()
        door.add_routes(router, lambda: self.secret, self._mirror)
        app.include_router(router, prefix="/integration")
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://door.test")

    async def _mirror(self) -> PageMirror | None:
        if not self.ready:
            raise Refusal(503, "starting; try again")
        return self.mirror

    async def knock(self, body: object, secret: str = SECRET) -> httpx.Response:
        path = f"/integration/statuspage/{secret}/events"
        if isinstance(body, bytes):
            return await self.http.post(path, content=body)
        return await self.http.post(path, json=body)


async def test_the_door_takes_hints_as_statuspage_sends_them(page: Bench, mirror: PageMirror) -> None:
    await page.incident("INC-1")
    public = page.publish("INC-1", status="identified")
    at_door = Door(mirror)
    # What it claims is not believed: only the ids are used.
    claims = {"page": {"id": PAGE}, "incident": {**public, "status": "resolved", "name": "Nonsense"}}

    incident = await at_door.knock(claims)
    component = await at_door.knock(
        {
            "meta": {"generated_at": "2026-01-02T03:04:05.678Z"},
            "page": {"id": PAGE, "status_indicator": "major", "status_description": "Partial System Outage"},
            "component_update": {"component_id": SEARCH, "new_status": "major_outage"},
            "component": {"id": SEARCH, "status": "major_outage"},
        }
    )

    assert (incident.status_code, component.status_code) == (200, 200)
    await shows(page, "INC-1", publicStatus="identified")
    await until(lambda: ("component", [SEARCH]) in page.upserts.heard)
    entity = await page.client.get_entity("statuspageComponent", SEARCH)
    assert entity is not None
    assert entity["properties"]["status"] == "operational"
    # The status of the page as a whole is nowhere to be read.
    await until(lambda: not mirror.busy)
    shown = await page.client.get_entity("statuspage", PAGE)
    assert shown is not None
    assert shown["properties"]["status_indicator"] == "major"


@pytest.mark.parametrize("secret", ["wrong", SECRET + "x", SECRET[:-1], "%F0%9F%94%91", "sandbox_statuspage"])
async def test_a_wrong_secret_finds_no_door(mirror: PageMirror, secret: str) -> None:
    at_door = Door(mirror)
    elsewhere = await at_door.http.post("/integration/nothing/here")

    answer = await at_door.knock({"page": {"id": PAGE}, "incident": {"id": "abc"}}, secret)

    assert (answer.status_code, answer.content) == (elsewhere.status_code, elsewhere.content)
    assert not mirror._following


def test_the_access_log_does_not_tell_the_secret(
    mirror: PageMirror, caplog: pytest.LogCaptureFixture
) -> None:
    Door(mirror)
    access = logging.getLogger("uvicorn.access")
    access.propagate = True
    with caplog.at_level(logging.INFO, "uvicorn.access"):
        path = f"/integration/statuspage/{SECRET}/events"
        access.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "POST", path, "1.1", 200)

    assert SECRET not in caplog.text
    assert '"POST /integration/statuspage/***/events HTTP/1.1" 200' in caplog.text


async def test_no_door_without_a_secret_or_a_status_page(mirror: PageMirror) -> None:
    body = {"page": {"id": PAGE}, "incident": {"id": "abc"}}

    assert (await Door(mirror, secret="").knock(body, "")).status_code == 404
    assert (await Door(mirror, secret="").knock(body)).status_code == 404
    assert (await Door(None).knock(body)).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"page=1", 400),
        (b"[]", 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b"x" * 2_000_000, 413),
        ({}, 200),
        ({"page": "x", "incident": "y"}, 200),
        ({"page": {"id": 7}, "incident": {"id": "abc"}}, 200),
        ({"page": {"id": "../pages"}, "incident": {"id": "abc"}}, 200),
        ({"page": {"id": PAGE}, "incident": {"id": "a/../b"}}, 200),
        ({"page": {"id": PAGE}, "incident": {"id": "x" * 65}}, 200),
        ({"page": {"id": PAGE}, "incident": None}, 200),
        ({"incident": {"id": "abc"}}, 200),
    ],
)
async def test_whatever_else_comes_is_answered_and_asks_nothing(
    page: Bench, mirror: PageMirror, body: object, status: int
) -> None:
    answer = await Door(mirror).knock(body)

    assert answer.status_code == status
    assert not mirror._following


async def test_a_hint_for_a_foreign_page_is_answered_and_ignored(page: Bench) -> None:
    mirror = page.mirror(statuspage_pages=(PAGE,))

    answer = await Door(mirror).knock({"page": {"id": "foreignpage1"}, "incident": {"id": "abc"}})

    assert answer.status_code == 200
    assert not mirror._following


async def test_not_ready_yet_is_said(mirror: PageMirror) -> None:
    at_door = Door(mirror)
    at_door.ready = False

    assert (await at_door.knock({})).status_code == 503
