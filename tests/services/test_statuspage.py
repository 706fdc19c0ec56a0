"""StatuspageService at the wire: what it says and reads, and how it is told of news."""

from __future__ import annotations

import json
from typing import Any

import pytest
from loguru import logger
from pytest_httpx import HTTPXMock

from integration.errors import (
    Ambiguous,
    BadInput,
    Refused,
)
from integration.models.base import Json
from integration.services.statuspage import BODY_LIMIT, NAME_LIMIT, StatuspageService
from tests.services.statuspage_said import (
    API,
    AT,
    INCIDENTS,
    KEY,
    MARKER,
    PAGE,
    component,
    incident,
    publish,
    sent,
)

# -- saying something --------------------------------------------------------------------------------


async def test_publishing_is_one_write_with_components_and_marker(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    httpx_mock.add_response(url=INCIDENTS, method="POST", status_code=201, json=incident())

    published = await publish(statuspage)

    (request,) = httpx_mock.get_requests()
    assert request.headers["authorization"] == f"OAuth {KEY}"
    assert json.loads(request.content) == {
        "incident": {
            "name": "Checkout fails",
            "status": "investigating",
            "body": "We are looking into it.",
            "deliver_notifications": False,
            "components": {"c1": "major_outage"},
            "component_ids": ["c1"],
            "metadata": MARKER,
        }
    }
    assert (published.id, published.page_id, published.over) == ("in1", "pg1", False)
    assert published.components == {"c1": "major_outage"}
    assert published.metadata == MARKER
    assert published.shortlink == "https://stspg.example.com/in1"
    (said,) = published.updates
    assert (said.components[0].id, said.components[0].before) == ("c1", "operational")
    assert said.created_at is not None
    assert said.created_at.isoformat() == "2026-03-01T12:00:00+00:00"


async def test_listing_more_components_than_change(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    httpx_mock.add_response(url=INCIDENTS, method="POST", status_code=201, json=incident())

    await publish(statuspage, component_ids=["c1", "c2"], impact_override="minor", deliver_notifications=True)

    given = sent(httpx_mock)["incident"]
    assert given["component_ids"] == ["c1", "c2"]
    assert (given["impact_override"], given["deliver_notifications"]) == ("minor", True)


async def test_a_change_sends_what_is_given_and_nothing_else(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    resolved = incident(status="resolved", resolved_at=AT, components=[component("c1")])
    httpx_mock.add_response(url=f"{INCIDENTS}/in1", method="PATCH", json=resolved)

    changed = await statuspage.update_incident(
        "pg1",
        "in1",
        status="resolved",
        body="All is well.",
        components={"c1": "operational"},
        deliver_notifications=True,
    )

    assert sent(httpx_mock) == {
        "incident": {
            "status": "resolved",
            "body": "All is well.",
            "components": {"c1": "operational"},
            "deliver_notifications": True,
        }
    }
    assert changed.over


async def test_an_empty_list_of_affected_components_is_a_change_too(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    httpx_mock.add_response(url=f"{INCIDENTS}/in1", method="PATCH", json=incident(components=[]))

    await statuspage.update_incident("pg1", "in1", component_ids=[], deliver_notifications=False)

    assert sent(httpx_mock) == {"incident": {"component_ids": [], "deliver_notifications": False}}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", {"name": "x" * (NAME_LIMIT + 1)}),
        ("name", {"name": " \n"}),
        ("body", {"body": "x" * (BODY_LIMIT + 1)}),
        ("body", {"body": ""}),
    ],
)
async def test_what_a_page_cannot_take_is_not_sent(
    statuspage: StatuspageService, field: str, given: Json
) -> None:
    with pytest.raises(BadInput) as refused:
        await publish(statuspage, **given)
    assert refused.value.field == field
    with pytest.raises(BadInput):
        await statuspage.update_incident("pg1", "in1", deliver_notifications=False, **given)


@pytest.mark.parametrize("identifier", ["", ".", ".."])
async def test_an_id_never_becomes_another_path(statuspage: StatuspageService, identifier: str) -> None:
    with pytest.raises(BadInput):
        await statuspage.incident("pg1", identifier)
    with pytest.raises(BadInput):
        await statuspage.update_incident(identifier, "in1", deliver_notifications=False)


async def test_odd_ids_stay_within_their_part_of_the_path(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    httpx_mock.add_response(status_code=404, json={"error": "Could not find record"})

    assert await statuspage.page("../organizations?x=1") is None

    (request,) = httpx_mock.get_requests()
    assert request.url.raw_path == b"/v1/pages/..%2Forganizations%3Fx%3D1"


# -- reading -----------------------------------------------------------------------------------------


async def test_components_are_read_to_the_end(httpx_mock: HTTPXMock, statuspage: StatuspageService) -> None:
    first = [component(f"c{n}", group_id="g1") for n in range(99)] + [component("g1", group=True)]
    httpx_mock.add_response(url=f"{PAGE}/components?per_page=100&page=1", json=first)
    last = [component("c98"), component("c99", "")]  # c98 moved a place while we read
    httpx_mock.add_response(url=f"{PAGE}/components?per_page=100&page=2", json=last)

    found = await statuspage.components("pg1")

    assert [one.id for one in found] == [one["id"] for one in first] + ["c99"]
    assert [one.id for one in found if one.is_group] == ["g1"]
    assert found[-1].status == ""


async def test_incidents_come_raw_with_everything_that_a_mapping_may_want(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    whole = [incident(f"in{n}", reminder_intervals="[3]") for n in range(3)]
    httpx_mock.add_response(url=f"{INCIDENTS}?limit=2&page=1", json=whole[:2])
    httpx_mock.add_response(url=f"{INCIDENTS}?limit=2&page=2", json=whole[2:])

    lists = [found async for found in statuspage.incidents("pg1", limit=2)]

    assert lists == [whole[:2], whole[2:]]


async def test_a_list_that_ignores_its_page_number_ends(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    same = [component(f"c{n}") for n in range(150)]
    httpx_mock.add_response(json=same, is_reusable=True)

    assert len(await statuspage.components("pg1")) == 150


@pytest.mark.parametrize("body", [{"components": []}, [{"name": "no id"}], ["c1"], "c1", None])
async def test_half_a_list_is_never_taken_for_the_whole(
    httpx_mock: HTTPXMock, statuspage: StatuspageService, body: Any
) -> None:
    full = [incident(f"in{n}") for n in range(100)]
    httpx_mock.add_response(url=f"{INCIDENTS}?limit=100&page=1", json=full)
    httpx_mock.add_response(url=f"{INCIDENTS}?limit=100&page=2", json=body, is_reusable=True)

    with pytest.raises(Ambiguous):
        assert not [found async for found in statuspage.incidents("pg1")]


async def test_markers_are_looked_for_in_one_call_and_in_all_that_is_open(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    full = [incident(f"in{n}", metadata=None) for n in range(100)]
    httpx_mock.add_response(url=f"{INCIDENTS}?limit=100&page=1", json=full)
    httpx_mock.add_response(url=f"{INCIDENTS}/unresolved?per_page=100&page=1", json=full)
    httpx_mock.add_response(url=f"{INCIDENTS}/unresolved?per_page=100&page=2", json=[incident("old")])

    assert [one.metadata for one in await statuspage.newest("pg1")] == [{}] * 100
    assert (await statuspage.unresolved("pg1"))[-1].metadata == MARKER


async def test_pages_and_groups_in_either_of_their_shapes(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    page = {"id": "pg1", "name": "Example", "subdomain": "example", "domain": None, "time_zone": "UTC"}
    httpx_mock.add_response(url=f"{API}/pages", json=[page])
    groups = [
        {"id": "g1", "page_id": "pg1", "name": "Shop", "components": None, "position": "1"},
        {"id": "g2", "page_id": "pg1", "name": "Pay", "components": ["c1"], "position": 2},
    ]
    httpx_mock.add_response(url=f"{PAGE}/component-groups?per_page=100&page=1", json=groups)

    assert [(one.id, one.name) for one in await statuspage.pages()] == [("pg1", "Example")]
    assert [one["id"] async for found in statuspage.raw_groups("pg1") for one in found] == ["g1", "g2"]


async def test_what_is_missing_or_strange_in_an_incident_is_left_out(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    strange = {
        "id": "in1",
        "status": "postmortem",
        "created_at": "yesterday",
        "metadata": "text",
        "components": None,
        "incident_updates": [{"id": "u1", "affected_components": None}, {"body": "no id"}, "text"],
    }
    httpx_mock.add_response(json=strange)

    found = await statuspage.incident("pg1", "in1")

    assert found is not None
    assert (found.over, found.created_at, found.metadata, found.components) == (True, None, {}, {})
    assert [update.id for update in found.updates] == ["u1"]


# -- being told --------------------------------------------------------------------------------------


async def test_hooks_are_listed_from_page_zero(httpx_mock: HTTPXMock, statuspage: StatuspageService) -> None:
    query = "type=webhook&state=all&limit=100"
    hooks = [
        {
            "id": f"s{n}",
            "mode": "webhook",
            "endpoint": f"https://hooks.example.com/{n}",
            "email": "a@example.com",
        }
        for n in range(101)
    ]
    hooks[100]["quarantined_at"] = AT
    httpx_mock.add_response(url=f"{PAGE}/subscribers?{query}&page=0", json=hooks[:100])
    httpx_mock.add_response(url=f"{PAGE}/subscribers?{query}&page=1", json=hooks[100:])

    found = await statuspage.hooks("pg1")

    assert len(found) == 101
    assert [hook.id for hook in found if hook.quarantined] == ["s100"]


async def test_the_key_is_in_no_log_and_no_error(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="TRACE")
    httpx_mock.add_response(
        status_code=420, json={"error": f"key {KEY} is too fast"}, headers={"Retry-After": "0"}
    )
    httpx_mock.add_response(status_code=422, json={"error": f"key {KEY} is odd"})

    with pytest.raises(Refused) as refused:
        await publish(statuspage)

    logger.remove(sink)
    assert KEY not in "".join(lines) + str(refused.value) + repr(vars(statuspage))
