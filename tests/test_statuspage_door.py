"""Statuspage's door: hints with the secret in their path are taken in, whatever else comes is answered."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from integration.doors import statuspage as door
from integration.doors.request import Refusal
from integration.page_mirror import PageMirror
from tests.page_bench import PAGE, SEARCH, Bench, bench, shows
from tests.sandbox.serve import until

SECRET = "sandbox-statuspage-path"


@pytest.fixture
async def page() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


@pytest.fixture
async def mirror(page: Bench) -> AsyncIterator[PageMirror]:
    found = page.mirror()
    yield found
    await found.stop()


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
