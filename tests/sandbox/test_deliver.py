"""Webhooks on their way out: every attempt signed anew, journalled, and retried as the policy says."""

from __future__ import annotations

import asyncio
import itertools

import httpx
import pytest
from pytest_httpx import HTTPXMock

from sandbox.deliver import SLACK, ZOOM, Deliverer, Delivery, Policy
from sandbox.world import Hostility, World
from tests.sandbox.serve import until

URL = "http://127.0.0.1:9/hook"


def made(policy: Policy, retry_scale: float = 100_000) -> tuple[World, Deliverer, Delivery]:
    world = World()
    world.hostility = Hostility.none()
    attempts = itertools.count(1)
    delivery = Delivery("x", "event.y", URL, b"{}", lambda body: {"x-attempt": str(next(attempts))}, policy)
    return world, Deliverer(world, retry_scale), delivery


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (httpx.ReadTimeout("slow"), "http_timeout"),
        (httpx.ConnectError("refused"), "connection_failed"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), "ssl_error"),
        (httpx.ReadError("reset"), "connection_failed"),
        (httpx.RemoteProtocolError("nonsense"), "unknown_error"),
    ],
)
async def test_reasons_are_told_in_slacks_words(
    httpx_mock: HTTPXMock, failure: httpx.HTTPError, reason: str
) -> None:
    world, deliverer, _ = made(SLACK)
    httpx_mock.add_exception(failure)
    answer = await deliverer.attempt("slack", "event.y", URL, b"{}", {})
    assert (answer.status, answer.reason) == (None, reason)
    entry = world.journal[0]
    assert (entry.direction, entry.operation, entry.path, entry.error) == ("out", "event.y", URL, reason)
    await deliverer.close()


async def test_send_gives_status_and_body(httpx_mock: HTTPXMock) -> None:
    _, deliverer, _ = made(ZOOM)
    httpx_mock.add_response(status_code=418, text="no")
    assert await deliverer.send("zoom", "x", URL, b"{}", {}) == (418, b"no")
    await deliverer.close()


@pytest.mark.parametrize(("policy", "attempts"), [(SLACK, 4), (ZOOM, 4)])
async def test_three_retries_each_signed_anew(httpx_mock: HTTPXMock, policy: Policy, attempts: int) -> None:
    world, deliverer, delivery = made(policy)
    httpx_mock.add_response(status_code=503, is_reusable=True)
    deliverer.deliver(delivery)
    await until(lambda: len(world.journal) == attempts and world.journal[-1].status)
    seen = [request.headers["x-attempt"] for request in httpx_mock.get_requests()]
    assert seen == ["1", "2", "3", "4"]
    assert {entry.status for entry in world.journal} == {503}
    await deliverer.close()


async def test_a_receiver_that_stays_silent_is_given_up_in_time(httpx_mock: HTTPXMock) -> None:
    async def silent(request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("never reached")

    _, deliverer, _ = made(SLACK)
    httpx_mock.add_callback(silent)
    answer = await deliverer.attempt("slack", "event.y", URL, b"{}", {}, timeout=0.05)
    assert answer.reason == "http_timeout"
    await deliverer.close()


async def test_no_retry_is_honoured(httpx_mock: HTTPXMock) -> None:
    world, deliverer, delivery = made(SLACK)
    httpx_mock.add_response(status_code=500, headers={"X-Slack-No-Retry": "1"})
    deliverer.deliver(delivery)
    await until(lambda: not world._tasks, what="the delivery's end")
    assert len(httpx_mock.get_requests()) == 1
    await deliverer.close()


async def test_duplicates_come_by_share(httpx_mock: HTTPXMock) -> None:
    world, deliverer, delivery = made(SLACK)
    world.hostility.event_duplicate_share = 1.0
    httpx_mock.add_response(is_reusable=True)
    deliverer.deliver(delivery)
    await until(lambda: not world._tasks, what="the delivery's end")
    assert len(httpx_mock.get_requests()) == 2
    await deliverer.close()


async def test_reset_stops_what_is_under_way(httpx_mock: HTTPXMock) -> None:
    world, deliverer, delivery = made(SLACK, retry_scale=1)
    httpx_mock.add_response(status_code=500, is_reusable=True)
    deliverer.deliver(delivery)
    await until(lambda: len(world.journal) == 2, what="the retry at once")
    await world.reset()
    assert not world._tasks
    await deliverer.close()
