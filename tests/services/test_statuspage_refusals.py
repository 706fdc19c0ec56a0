"""StatuspageService where a page refuses, is gone or asks to wait."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from integration.budget import Budget, Priority
from integration.errors import (
    Ambiguous,
    CredentialsRefused,
    RateLimited,
    Refused,
    ServiceError,
    Unreachable,
)
from integration.models.base import Json
from integration.services.http import Patience
from integration.services.statuspage import NOT_FOUND, StatuspageService
from integration.services.statuspage_wire import Window
from tests.services.statuspage_said import (
    API,
    INCIDENTS,
    KEY,
    incident,
    publish,
)
from tests.services.test_budget import HandClock

# -- refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "words"),
    [
        (401, {"error": "Could not authenticate"}, CredentialsRefused, "HTTP 401", "API key"),
        (403, {"message": "You are not authorized"}, CredentialsRefused, "HTTP 403", "not authorized"),
        (404, {"error": "Could not find record"}, Refused, NOT_FOUND, "Could not find record"),
        (422, {"error": ["Name is too long", "Body is too"]}, Refused, "HTTP 422", "too long; Body"),
        (422, {"error": "Component c9 is not there"}, Refused, "HTTP 422", "Component c9 is not there"),
        (400, {"message": "bad request"}, Refused, "HTTP 400", "bad request"),
        (422, "a page of HTML", Refused, "HTTP 422", ""),
        (301, None, Refused, "HTTP 301", ""),
    ],
)
async def test_refusals_name_their_reason_and_are_final(
    httpx_mock: HTTPXMock,
    statuspage: StatuspageService,
    status: int,
    body: Any,
    kind: type[ServiceError],
    code: str,
    words: str,
) -> None:
    httpx_mock.add_response(url=INCIDENTS, method="POST", status_code=status, json=body)

    with pytest.raises(kind) as refused:
        await publish(statuspage)

    assert type(refused.value) is kind
    assert refused.value.code == code
    assert words in str(refused.value)
    assert KEY not in str(refused.value)


async def test_what_is_not_there_is_none(httpx_mock: HTTPXMock, statuspage: StatuspageService) -> None:
    httpx_mock.add_response(status_code=404, json={"error": "Could not find record"}, is_reusable=True)

    assert await statuspage.page("pg9") is None
    assert await statuspage.incident("pg1", "in9") is None
    with pytest.raises(Refused) as refused:  # a list that is not there is not an empty list
        await statuspage.components("pg9")
    assert refused.value.code == NOT_FOUND


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 500, "text": "oops"},
        {"status_code": 503},
        {"status_code": 201, "text": "<html>"},
        {"status_code": 201, "json": {"id": "in1"}},
        {"status_code": 201, "json": ["in1"]},
        {"status_code": 201},
    ],
)
async def test_a_write_without_a_readable_answer_is_ambiguous_and_sent_once(
    httpx_mock: HTTPXMock, statuspage: StatuspageService, answer: Json
) -> None:
    httpx_mock.add_response(**answer)

    with pytest.raises(Ambiguous):
        await publish(statuspage)

    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.parametrize(
    "lost", [httpx.ReadTimeout("slow"), httpx.ReadError("reset"), httpx.RemoteProtocolError("gone")]
)
async def test_a_write_whose_answer_is_lost_is_ambiguous_and_sent_once(
    httpx_mock: HTTPXMock, statuspage: StatuspageService, lost: Exception
) -> None:
    httpx_mock.add_exception(lost)

    with pytest.raises(Ambiguous):
        await statuspage.update_incident("pg1", "in1", body="again", deliver_notifications=False)

    assert len(httpx_mock.get_requests()) == 1


async def test_a_write_that_never_left_is_tried_again_and_then_unreachable(
    httpx_mock: HTTPXMock, statuspage: StatuspageService
) -> None:
    httpx_mock.add_exception(httpx.ConnectError("refused"), is_reusable=True)

    with pytest.raises(Unreachable):
        await publish(statuspage)

    assert len(httpx_mock.get_requests()) == 3


async def test_reads_are_tried_again(httpx_mock: HTTPXMock, statuspage: StatuspageService) -> None:
    httpx_mock.add_response(status_code=502)
    httpx_mock.add_exception(httpx.ReadTimeout("slow"))
    httpx_mock.add_response(url=f"{INCIDENTS}/in1", json=incident())

    found = await statuspage.incident("pg1", "in1")

    assert found is not None
    assert found.name == "Checkout fails"


# -- the rate ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [420, 429])
async def test_a_refusal_for_rate_is_waited_out_for_writes_too(
    httpx_mock: HTTPXMock, statuspage: StatuspageService, status: int
) -> None:
    httpx_mock.add_response(status_code=status, json={"error": "slow down"}, headers={"Retry-After": "0"})
    httpx_mock.add_response(url=INCIDENTS, method="POST", status_code=201, json=incident())

    assert (await publish(statuspage)).id == "in1"


async def test_without_a_word_on_how_long_the_key_stays_away_for_longer_each_time(
    httpx_mock: HTTPXMock,
) -> None:
    clock = HandClock()
    statuspage = StatuspageService(API, KEY, Budget(clock), timeout=2.0)
    httpx_mock.add_response(status_code=420, json={"error": "slow down"})
    httpx_mock.add_response(url=INCIDENTS, method="POST", status_code=201, json=incident())

    writing = asyncio.create_task(publish(statuspage))
    while not httpx_mock.get_requests():
        await asyncio.sleep(0.001)
    reading = asyncio.create_task(statuspage.incident("pg1", "in1", priority=Priority.MIRROR))
    await clock.advance(1.5)
    assert len(httpx_mock.get_requests()) == 1  # nobody else goes meanwhile either
    httpx_mock.add_response(url=f"{INCIDENTS}/in1", json=incident())
    await clock.advance(1.0)

    assert (await writing).id == "in1"
    await clock.advance(1.5)  # what is left at once is for public words
    assert await reading is not None
    await statuspage.aclose()


async def test_a_limit_that_does_not_end_is_handed_up(httpx_mock: HTTPXMock, budget: Budget) -> None:
    statuspage = StatuspageService(API, KEY, budget, timeout=2.0, patience=Patience(max_wait=1.0))
    httpx_mock.add_response(status_code=420, json={"error": "slow down"})

    with pytest.raises(RateLimited) as limited:
        await publish(statuspage)

    assert limited.value.retry_after == pytest.approx(2.0, abs=0.1)
    assert "slow down" in str(limited.value)
    await statuspage.aclose()


def test_waits_grow_until_they_outlast_the_rolling_minute() -> None:
    now = 100.0
    window = Window(lambda: now)
    waits = []
    for _ in range(6):
        waits.append(window.refused())
        assert window.refused() == waits[-1]  # another answer to the same burst
        now += waits[-1]
    assert waits == [2, 4, 8, 16, 32, 32]
    assert sum(waits[:5]) > 60

    window.admitted()

    assert window.refused() == 2


async def test_no_rolling_minute_holds_more_than_the_vendor_allows_and_public_words_go_first(
    httpx_mock: HTTPXMock,
) -> None:
    clock = HandClock()
    statuspage = StatuspageService(API, KEY, Budget(clock), timeout=2.0)
    httpx_mock.add_response(method="GET", json=incident(), is_reusable=True)
    httpx_mock.add_response(method="POST", status_code=201, json=incident(), is_reusable=True)
    at: list[float] = []

    async def read() -> None:
        await statuspage.incident("pg1", "in1", priority=Priority.MIRROR)
        at.append(clock.now)

    reads = [asyncio.create_task(read()) for _ in range(120)]
    await until_sent(httpx_mock, 1)

    # Four at once are left for public words, however much is to be read.
    for _ in range(4):
        await asyncio.wait_for(publish(statuspage), timeout=5)
        at.append(clock.now)
    for second in range(150):
        await clock.advance(1)
        await until_sent(httpx_mock, min(124, max(5, int((second + 1) * 55 / 60) - 1)))
    await asyncio.gather(*reads)
    assert max(sum(start <= when < start + 60 for when in at) for start in at) <= 60
    await statuspage.aclose()


async def until_sent(httpx_mock: HTTPXMock, count: int) -> None:
    async with asyncio.timeout(5):
        while len(httpx_mock.get_requests()) < count:
            await asyncio.sleep(0)
