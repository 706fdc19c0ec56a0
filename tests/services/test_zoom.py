"""ZoomService at the wire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from loguru import logger
from pytest_httpx import HTTPXMock

from integration.budget import Budget
from integration.effects import OpenBridge
from integration.errors import Ambiguous, CredentialsRefused, RateLimited, Refused, Unreachable
from integration.models.communication import Step
from integration.services.http import Patience
from integration.services.zoom import DailyLimit, ZoomService, seconds_to_midnight

API = "https://zoom.example.com/v2"
OAUTH = "https://zoom.example.com/oauth/token"
SECRET = "sandbox-zoom-client-secret"
CREATE = f"{API}/users/bridge-1@example.com/meetings"
START_URL = "https://zoom.example.com/s/1?zak=host-key-not-to-be-kept"
MEETING = {
    "id": 92674392836,
    "uuid": "aDYlohsHRtCd4ii1uC2+hA==",
    "host_id": "h1",
    "host_email": "bridge-1@example.com",
    "topic": "INC-1",
    "agenda": "[key] bridge",
    "join_url": "https://zoom.example.com/j/92674392836?pwd=x",
    "start_url": START_URL,
    "password": "123456",
    "status": "waiting",
}
DAILY = {
    "code": 429,
    "message": "You have exceeded the daily rate limit (100) of Meeting Create/Update API requests "
    "permitted for this particular user.",
}


@pytest.fixture
async def zoom(budget: Budget, patience: Patience) -> AsyncIterator[ZoomService]:
    service = ZoomService(API, OAUTH, "account", "client", SECRET, budget, timeout=2.0, patience=patience)
    yield service
    await service.aclose()


@pytest.fixture
def token(httpx_mock: HTTPXMock) -> None:
    give_token(httpx_mock)


def give_token(httpx_mock: HTTPXMock, value: str = "token-1", **options: Any) -> None:
    body = {"access_token": value, "token_type": "bearer", "expires_in": 3599, "scope": "meeting:write"}
    httpx_mock.add_response(url=OAUTH, method="POST", json=body, **options)


@pytest.mark.usefixtures("token")
async def test_a_meeting_is_scheduled_and_open_before_its_host(
    httpx_mock: HTTPXMock, zoom: ZoomService
) -> None:
    httpx_mock.add_response(url=CREATE, method="POST", status_code=201, json=MEETING)
    start = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    meeting = await zoom.create_meeting(
        "bridge-1@example.com", "t" * 300, "a" * 3000, start=start, minutes=9999
    )

    request = httpx_mock.get_request(url=CREATE)
    assert request is not None
    assert request.headers["authorization"] == "Bearer token-1"
    assert json.loads(request.content) == {
        "type": 2,
        "topic": "t" * 200,
        "agenda": "a" * 2000,
        "start_time": "2026-03-01T12:00:00Z",
        "timezone": "UTC",
        "duration": 1440,
        "settings": {"waiting_room": False, "join_before_host": True, "jbh_time": 0},
    }
    assert (meeting.id, meeting.host) == ("92674392836", "bridge-1@example.com")
    assert "zak" not in meeting.model_dump_json()


async def test_one_token_serves_all_and_is_fetched_once(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    give_token(httpx_mock)
    httpx_mock.add_response(url=f"{API}/meetings/1", json=MEETING, is_reusable=True)

    await asyncio.gather(*(zoom.meeting("1") for _ in range(20)))

    (request,) = httpx_mock.get_requests(url=OAUTH)
    assert request.headers["authorization"].startswith("Basic ")
    assert request.content == b"grant_type=account_credentials&account_id=account"
    assert "account" not in str(request.url)


async def test_a_refused_token_is_fetched_again_once(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    give_token(httpx_mock, "old")
    bad = {"code": 124, "message": "Invalid access token."}
    old, new = {"Authorization": "Bearer old"}, {"Authorization": "Bearer new"}
    httpx_mock.add_response(url=CREATE, status_code=401, json=bad, match_headers=old)
    give_token(httpx_mock, "new")
    httpx_mock.add_response(url=CREATE, status_code=201, json=MEETING, match_headers=new)

    meeting = await zoom.create_meeting("bridge-1@example.com", "t", "a")

    assert meeting.id == "92674392836"


async def test_a_token_refused_twice_is_a_persons_business(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    give_token(httpx_mock, is_reusable=True)
    bad = {"code": 124, "message": "Invalid access token."}
    httpx_mock.add_response(url=CREATE, status_code=401, json=bad, is_reusable=True)

    with pytest.raises(CredentialsRefused):
        await zoom.create_meeting("bridge-1@example.com", "t", "a")

    assert len(httpx_mock.get_requests(url=CREATE)) == 2


@pytest.mark.parametrize("lives", ["3599", None, "soon", -1, 0.5])
async def test_a_token_serves_whatever_is_said_of_its_life(
    httpx_mock: HTTPXMock, zoom: ZoomService, lives: object
) -> None:
    said = {} if lives is None else {"expires_in": lives}
    httpx_mock.add_response(url=OAUTH, json={"access_token": "token-1", **said})
    httpx_mock.add_response(url=f"{API}/meetings/1", json=MEETING)

    assert await zoom.meeting("1") is not None


async def test_wrong_credentials_say_so(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    answer = {"reason": "Invalid client_id or client_secret", "error": "invalid_client"}
    httpx_mock.add_response(url=OAUTH, status_code=401, json=answer)

    with pytest.raises(CredentialsRefused, match="Invalid client_id or client_secret") as caught:
        await zoom.warm()

    assert "client secret" in caught.value.hint
    assert SECRET not in str(caught.value)


async def test_without_a_token_nothing_was_asked_of_zoom(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    httpx_mock.add_response(url=OAUTH, status_code=503, is_reusable=True)

    with pytest.raises(Unreachable):
        await zoom.create_meeting("bridge-1@example.com", "t", "a")


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 500, "json": {"code": 500, "message": "oops"}},
        {"status_code": 502, "html": "<html>"},
        {"status_code": 201, "content": b"{"},
        {"status_code": 201, "json": {"uuid": "x"}},
        {"status_code": 201, "json": []},
    ],
)
async def test_a_lost_creation_is_ambiguous_and_sent_once(
    httpx_mock: HTTPXMock, zoom: ZoomService, answer: dict[str, Any]
) -> None:
    httpx_mock.add_response(url=CREATE, **answer)

    with pytest.raises(Ambiguous):
        await zoom.create_meeting("bridge-1@example.com", "t", "a")

    assert len(httpx_mock.get_requests(url=CREATE)) == 1


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    "error", [httpx.ReadTimeout("slow"), httpx.ReadError("reset"), httpx.RemoteProtocolError("cut")]
)
async def test_a_broken_connection_during_creation_is_ambiguous(
    httpx_mock: HTTPXMock, zoom: ZoomService, error: Exception
) -> None:
    httpx_mock.add_exception(error, url=CREATE)

    with pytest.raises(Ambiguous):
        await zoom.create_meeting("bridge-1@example.com", "t", "a")

    assert len(httpx_mock.get_requests(url=CREATE)) == 1


@pytest.mark.usefixtures("token")
async def test_a_connection_that_never_stood_is_tried_again(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    httpx_mock.add_exception(httpx.ConnectError("refused"), url=CREATE)
    httpx_mock.add_response(url=CREATE, status_code=201, json=MEETING)

    assert (await zoom.create_meeting("bridge-1@example.com", "t", "a")).id == "92674392836"


@pytest.mark.usefixtures("token")
async def test_too_many_a_second_is_waited_out(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    headers = {"Retry-After": "0", "X-RateLimit-Type": "QPS"}
    body = {"code": 429, "message": "You have reached the maximum per-second rate limit for this API."}
    httpx_mock.add_response(url=CREATE, status_code=429, json=body, headers=headers)
    httpx_mock.add_response(url=CREATE, status_code=201, json=MEETING)

    assert (await zoom.create_meeting("bridge-1@example.com", "t", "a")).id == "92674392836"


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (DAILY, {}),
        (
            {"code": 429, "message": "limit"},
            {"X-RateLimit-Type": "Daily-limit", "Retry-After": "2026-03-02T00:00:00Z"},
        ),
    ],
)
async def test_the_daily_limit_is_told_apart_and_stops_one_host_only(
    httpx_mock: HTTPXMock, zoom: ZoomService, body: dict[str, Any], headers: dict[str, str]
) -> None:
    other = CREATE.replace("bridge-1", "bridge-2")
    httpx_mock.add_response(url=CREATE, status_code=429, json=body, headers=headers)
    httpx_mock.add_response(url=other, status_code=201, json=MEETING)

    with pytest.raises(DailyLimit) as caught:
        await zoom.create_meeting("bridge-1@example.com", "t", "a")

    assert isinstance(caught.value, RateLimited)
    assert 0 < caught.value.retry_after <= 86_400
    assert (await zoom.create_meeting("bridge-2@example.com", "t", "a")).host == "bridge-2@example.com"


def test_the_day_ends_at_midnight_utc() -> None:
    assert seconds_to_midnight(datetime(2026, 3, 1, 23, 59, tzinfo=UTC)) == 60
    assert seconds_to_midnight(datetime(2026, 3, 1, tzinfo=UTC)) == 86_400


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("status", "code", "hinted"),
    [(404, 1001, "pool of hosts"), (400, 3161, "licence"), (400, 300, "names the field")],
)
async def test_refusals_have_zooms_code_and_a_hint(
    httpx_mock: HTTPXMock, zoom: ZoomService, status: int, code: int, hinted: str
) -> None:
    body = {"code": code, "message": "No.", "errors": [{"field": "duration", "message": "Invalid."}]}
    httpx_mock.add_response(url=CREATE, status_code=status, json=body)

    with pytest.raises(Refused) as caught:
        await zoom.create_meeting("bridge-1@example.com", "t", "a")

    assert caught.value.code == str(code)
    assert hinted in caught.value.hint
    assert caught.value.detail == "No.; duration: Invalid."


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("code", [4700, 4711])
async def test_missing_scopes_are_a_persons_business(
    httpx_mock: HTTPXMock, zoom: ZoomService, code: int
) -> None:
    said = "Invalid access token, does not contain scopes:[meeting:write:meeting:admin]."
    httpx_mock.add_response(url=CREATE, status_code=400, json={"code": code, "message": said})

    with pytest.raises(CredentialsRefused, match="meeting:write:meeting:admin"):
        await zoom.create_meeting("bridge-1@example.com", "t", "a")


@pytest.mark.usefixtures("token")
async def test_a_meeting_is_read_again_after_a_lost_answer(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    httpx_mock.add_response(url=f"{API}/meetings/1", status_code=500)
    httpx_mock.add_exception(httpx.ReadTimeout("slow"), url=f"{API}/meetings/1")
    httpx_mock.add_response(url=f"{API}/meetings/1", json=MEETING)

    meeting = await zoom.meeting("1")

    assert meeting is not None
    assert meeting.host == "bridge-1@example.com"


@pytest.mark.usefixtures("token")
async def test_a_meeting_that_is_gone_is_none(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    body = {"code": 3001, "message": "Meeting does not exist: 1."}
    httpx_mock.add_response(url=f"{API}/meetings/1", status_code=404, json=body)

    assert await zoom.meeting("1") is None


@pytest.mark.usefixtures("token")
async def test_the_latest_call_that_is_over_is_told_with_its_times(
    httpx_mock: HTTPXMock, zoom: ZoomService
) -> None:
    url = f"{API}/past_meetings/1"
    over = {"uuid": "u==", "start_time": "2026-03-14T09:06:00Z", "end_time": "2026-03-14T09:15:00Z"}
    httpx_mock.add_response(url=url, json=over)
    httpx_mock.add_response(url=url, json={**over, "end_time": None})
    httpx_mock.add_response(
        url=url, status_code=404, json={"code": 3001, "message": "Meeting does not exist"}
    )
    refusal = {"code": 300, "message": "Cannot access meeting information."}
    httpx_mock.add_response(url=url, status_code=400, json=refusal)

    first, *none = [await zoom.past_meeting("1") for _ in range(4)]

    assert first is not None
    assert (first.uuid, first.ended - first.started) == ("u==", timedelta(minutes=9))
    assert none == [None, None, None]


@pytest.mark.usefixtures("token")
async def test_meetings_reads_every_page(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    query = "?type=scheduled&page_size=300"
    page = {"meetings": [MEETING], "next_page_token": "two"}
    httpx_mock.add_response(url=CREATE + query, json=page)
    rest = {"meetings": [MEETING | {"id": 2}], "next_page_token": ""}
    httpx_mock.add_response(url=CREATE + query + "&next_page_token=two", json=rest)

    meetings = await zoom.meetings("bridge-1@example.com")

    assert [meeting.id for meeting in meetings] == ["92674392836", "2"]


@pytest.mark.usefixtures("token")
async def test_a_list_may_lack_what_zoom_does_not_promise(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    """One meeting that says little keeps nobody from the others."""
    listed = [{"topic": "no number"}, {"id": 7, "agenda": "[key] bridge"}, MEETING, "nonsense"]
    answer = {"meetings": listed, "next_page_token": None}
    httpx_mock.add_response(
        url=httpx.URL(CREATE, params={"type": "scheduled", "page_size": "300"}), json=answer
    )

    found = await zoom.meetings("bridge-1@example.com")
    assert [(one.id, bool(one.join_url)) for one in found] == [("7", False), ("92674392836", True)]


@pytest.mark.usefixtures("token")
async def test_our_meeting_in_such_a_list_is_read_by_itself(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    query = {"type": "scheduled", "page_size": "300"}
    listed = {"meetings": [{"id": 7, "agenda": "[key] bridge"}]}
    httpx_mock.add_response(url=httpx.URL(CREATE, params=query), json=listed, is_reusable=True)
    httpx_mock.add_response(url=f"{API}/meetings/7", json=MEETING | {"id": 7})
    httpx_mock.add_response(url=f"{API}/meetings/7", status_code=404, json={"code": 3001, "message": "gone"})
    hosts = {"hosts": ["bridge-1@example.com"]}
    step = Step(key="key", operation="open_bridge", purpose="bridge", incident="INC-1", details=hosts)

    found, gone = [await OpenBridge(zoom).find(step, datetime.now(UTC)) for _ in range(2)]

    assert (found and found.join_url, gone) == (MEETING["join_url"], None)


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (204, None),
        (404, {"code": 3001, "message": "Meeting does not exist: 1."}),
        (400, {"code": 3000, "message": "This meeting has not started."}),
        (400, {"code": 3000, "message": "The meeting has already ended."}),
    ],
)
async def test_a_meeting_that_is_over_is_ended(
    httpx_mock: HTTPXMock, zoom: ZoomService, status: int, body: dict[str, Any] | None
) -> None:
    content = json.dumps(body).encode() if body else b""
    httpx_mock.add_response(url=f"{API}/meetings/1/status", method="PUT", status_code=status, content=content)

    await zoom.end_meeting("1")

    request = httpx_mock.get_request(url=f"{API}/meetings/1/status")
    assert request is not None
    assert json.loads(request.content) == {"action": "end"}


@pytest.mark.usefixtures("token")
async def test_a_meeting_that_may_not_be_ended_is_refused(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    body = {"code": 3161, "message": "Meeting hosting and scheduling capabilities are not allowed."}
    httpx_mock.add_response(url=f"{API}/meetings/1/status", status_code=400, json=body)

    with pytest.raises(Refused):
        await zoom.end_meeting("1")


@pytest.mark.usefixtures("token")
async def test_deleting_is_repeated_until_it_is_gone(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    httpx_mock.add_response(url=f"{API}/meetings/1", method="DELETE", status_code=500)
    body = {"code": 3001, "message": "Meeting does not exist: 1."}
    httpx_mock.add_response(url=f"{API}/meetings/1", method="DELETE", status_code=404, json=body)

    await zoom.delete_meeting("1")

    assert [request.method for request in httpx_mock.get_requests()][-2:] == ["DELETE", "DELETE"]


@pytest.mark.usefixtures("token")
async def test_users(httpx_mock: HTTPXMock, zoom: ZoomService) -> None:
    found = {"id": "h1", "email": "bridge-1@example.com", "type": 2, "status": "active"}
    httpx_mock.add_response(url=f"{API}/users/bridge-1@example.com", json=found)
    unknown = {"code": 1001, "message": "User does not exist."}
    httpx_mock.add_response(url=f"{API}/users/nobody@example.com", status_code=404, json=unknown)

    user = await zoom.user("bridge-1@example.com")

    assert user is not None
    assert user.licensed
    assert user.active
    assert await zoom.user("nobody@example.com") is None


@pytest.mark.usefixtures("token")
async def test_neither_secrets_nor_the_hosts_link_are_logged_or_raised(
    httpx_mock: HTTPXMock, zoom: ZoomService
) -> None:
    httpx_mock.add_response(url=CREATE, status_code=201, json={"start_url": START_URL, "echo": SECRET})
    log: list[str] = []
    sink = logger.add(log.append, diagnose=True, backtrace=True, level="TRACE")
    with pytest.raises(Ambiguous) as caught:
        await zoom.create_meeting("bridge-1@example.com", "t", "a")
    logger.opt(exception=caught.value).error("as an application would log it")
    logger.remove(sink)

    shown = "".join(log) + str(caught.value) + repr(caught.value) + repr(zoom)
    for secret in (SECRET, "token-1", "zak="):
        assert secret not in shown
