"""PortService at the wire."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from loguru import logger
from pytest_httpx import HTTPXMock

from integration.budget import Budget
from integration.errors import Ambiguous, CredentialsRefused, Refused, Unreachable
from integration.models.port import ItemOutcome
from integration.services.http import Patience
from integration.services.port import PortService

BASE = "https://port.example.com"
V1 = f"{BASE}/v1"
SECRET = "sandbox-port-client-secret"
ENTITY = f"{V1}/blueprints/incident/entities/INC-1"
BULK = f"{V1}/blueprints/note/entities/bulk"
RUN = f"{V1}/actions/runs/r_1"
RUN_V2 = f"{RUN}?version=v2"


@pytest.fixture
async def fresh(budget: Budget, patience: Patience) -> AsyncIterator[PortService]:
    """A service that has yet to get a token, and no answer for it."""
    service = PortService(BASE, "client", SECRET, budget, timeout=2.0, patience=patience)
    yield service
    await service.aclose()


@pytest.fixture
def port(fresh: PortService, httpx_mock: HTTPXMock) -> PortService:
    give_token(httpx_mock)
    return fresh


def give_token(httpx_mock: HTTPXMock, value: str = "token-1") -> None:
    body = {"ok": True, "accessToken": value, "expiresIn": 10800, "tokenType": "Bearer"}
    httpx_mock.add_response(url=f"{V1}/auth/access_token", method="POST", json=body)


def sent(httpx_mock: HTTPXMock, url: str, n: int = 0) -> Any:
    return json.loads(httpx_mock.get_requests(url=url)[n].content)


async def test_it_does_not_call_itself_ocean(httpx_mock: HTTPXMock, port: PortService) -> None:
    httpx_mock.add_response(url=ENTITY, json={"ok": True, "entity": {"identifier": "INC-1"}})

    assert await port.get_entity("incident", "INC-1") == {"identifier": "INC-1"}

    for request in httpx_mock.get_requests():
        assert request.headers["user-agent"].startswith("incident-comms/")
        assert "port-ocean" not in request.headers["user-agent"]
    assert httpx_mock.get_requests()[-1].headers["authorization"] == "Bearer token-1"


async def test_identifiers_are_quoted(httpx_mock: HTTPXMock, port: PortService) -> None:
    url = f"{V1}/blueprints/incident/entities/a%2Fb%20c%3Fd"
    httpx_mock.add_response(url=url, json={"ok": True, "entity": {"identifier": "a/b c?d"}})

    assert await port.get_entity("incident", "a/b c?d") == {"identifier": "a/b c?d"}


async def test_an_entity_that_is_not_there_is_none(httpx_mock: HTTPXMock, port: PortService) -> None:
    httpx_mock.add_response(
        url=ENTITY, status_code=404, json={"ok": False, "error": "not_found", "message": "-"}
    )

    assert await port.get_entity("incident", "INC-1") is None


async def test_search_reads_every_page(httpx_mock: HTTPXMock, port: PortService) -> None:
    url = f"{V1}/blueprints/note/entities/search"
    httpx_mock.add_response(url=url, json={"ok": True, "entities": [{"identifier": "1"}], "next": "abc"})
    httpx_mock.add_response(url=url, json={"ok": True, "entities": [{"identifier": "2"}]})
    rules = [{"property": "state", "operator": "=", "value": "open"}]

    found = await port.search("note", rules, include=["$identifier"])

    assert [entity["identifier"] for entity in found] == ["1", "2"]
    query = {"combinator": "and", "rules": rules}
    assert sent(httpx_mock, url) == {"query": query, "limit": 500, "include": ["$identifier"]}
    assert sent(httpx_mock, url, 1)["from"] == "abc"


async def test_a_search_that_breaks_off_raises(httpx_mock: HTTPXMock, port: PortService) -> None:
    url = f"{V1}/blueprints/note/entities/search"
    httpx_mock.add_response(url=url, json={"ok": True, "entities": [{"identifier": "1"}], "next": "abc"})
    httpx_mock.add_response(url=url, status_code=500, is_reusable=True)

    with pytest.raises(Ambiguous):
        await port.search("note", [])


async def test_create_only_says_who_was_first(httpx_mock: HTTPXMock, port: PortService) -> None:
    answer = {
        "ok": False,
        "entities": [{"identifier": "new", "index": 0, "created": True}],
        "errors": [
            {"identifier": "old", "index": 1, "statusCode": 409, "error": "conflict", "message": "it exists"},
            {
                "identifier": "bad",
                "index": 2,
                "statusCode": 422,
                "error": "invalid",
                "message": "no such kind",
            },
        ],
    }
    httpx_mock.add_response(url=f"{BULK}?upsert=false&run_id=r_1", status_code=207, json=answer)

    outcomes = await port.create_entities(
        "note", [{"identifier": i} for i in ("new", "old", "bad", "lost")], "r_1"
    )

    assert outcomes == [
        ItemOutcome(identifier="new", created=True),
        ItemOutcome(identifier="old", exists=True, error="it exists", status=409),
        ItemOutcome(identifier="bad", error="no such kind", status=422),
        ItemOutcome(identifier="lost", error="Port's answer does not mention it", status=0),
    ]
    assert [outcome.written for outcome in outcomes] == [True, False, False, False]


async def test_bulk_goes_in_twenties(httpx_mock: HTTPXMock, port: PortService) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        entities = json.loads(request.content)["entities"]
        done = [
            {"identifier": entity["identifier"], "index": n, "created": False}
            for n, entity in enumerate(entities)
        ]
        return httpx.Response(200, json={"ok": True, "entities": done, "errors": []})

    url = f"{BULK}?upsert=true&merge=true"
    httpx_mock.add_callback(answer, url=url, is_reusable=True)

    outcomes = await port.merge_entities("note", [{"identifier": str(n)} for n in range(45)])

    assert [len(sent(httpx_mock, url, n)["entities"]) for n in range(3)] == [20, 20, 5]
    assert [outcome.identifier for outcome in outcomes] == [str(n) for n in range(45)]
    assert all(outcome.written and outcome.exists for outcome in outcomes)


async def test_what_is_too_large_together_goes_in_halves(httpx_mock: HTTPXMock, port: PortService) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        entities = json.loads(request.content)["entities"]
        if len(entities) > 1 or entities[0]["identifier"] == "2":
            return httpx.Response(413, json={"ok": False, "error": "payload_too_large", "message": "-"})
        done = [{"identifier": entities[0]["identifier"], "index": 0, "created": True}]
        return httpx.Response(200, json={"ok": True, "entities": done, "errors": []})

    httpx_mock.add_callback(answer, url=f"{BULK}?upsert=false", is_reusable=True)

    outcomes = await port.create_entities("note", [{"identifier": str(n)} for n in range(4)])

    assert [outcome.created for outcome in outcomes] == [True, True, False, True]
    assert outcomes[2].status == 413


async def test_a_lone_surrogate_is_no_reason_to_fall_over(httpx_mock: HTTPXMock, port: PortService) -> None:
    httpx_mock.add_response(url=ENTITY, json={"ok": True, "entity": {}})

    await port.patch_entity("incident", "INC-1", {"text": "half an emoji \ud83d"})

    assert sent(httpx_mock, ENTITY) == {"properties": {"text": "half an emoji \ud83d"}}


async def test_people_are_known_by_their_ids(httpx_mock: HTTPXMock, port: PortService) -> None:
    people = [{"id": "auth0|1", "email": "oncall@example.com"}, {"email": "no-id@example.com"}, "odd"]
    url = f"{ENTITY.split('/blueprints/')[0]}/users?fields=id&fields=email"
    httpx_mock.add_response(url=url, json={"ok": True, "users": people})

    assert await port.users() == {"auth0|1": "oncall@example.com"}


@pytest.mark.parametrize("first", [500, 503, httpx.ReadTimeout("slow"), httpx.ReadError("reset"), b"<html>"])
async def test_a_write_by_identifier_is_repeated(
    httpx_mock: HTTPXMock, port: PortService, first: Any
) -> None:
    if isinstance(first, Exception):
        httpx_mock.add_exception(first, url=ENTITY)
    elif isinstance(first, bytes):
        httpx_mock.add_response(url=ENTITY, content=first)
    else:
        httpx_mock.add_response(url=ENTITY, status_code=first)
    httpx_mock.add_response(url=ENTITY, json={"ok": True, "entity": {"identifier": "INC-1"}})

    changed = await port.patch_entity("incident", "INC-1", {"state": "open"}, title="t")

    assert changed == {"identifier": "INC-1"}
    assert sent(httpx_mock, ENTITY, 1) == {"properties": {"state": "open"}, "title": "t"}


async def test_repeating_ends(httpx_mock: HTTPXMock, port: PortService) -> None:
    httpx_mock.add_response(url=ENTITY, status_code=500, is_reusable=True)

    with pytest.raises(Ambiguous, match="HTTP 500"):
        await port.patch_entity("incident", "INC-1", {})

    assert len(httpx_mock.get_requests(url=ENTITY)) == 3


async def test_a_port_that_is_not_there_is_unreachable(httpx_mock: HTTPXMock, port: PortService) -> None:
    httpx_mock.add_exception(httpx.ConnectError("refused"), url=ENTITY, is_reusable=True)

    with pytest.raises(Unreachable):
        await port.get_entity("incident", "INC-1")


@pytest.mark.parametrize("header", ["retry-after", "x-ratelimit-reset", "none"])
async def test_a_429_is_waited_out(httpx_mock: HTTPXMock, port: PortService, header: str) -> None:
    headers = {"retry-after": "0.01"} if header == "retry-after" else {}
    if header == "x-ratelimit-reset":
        headers = {"x-ratelimit-reset": str(int(time.time()))}
    elif header == "none":
        headers = {"retry-after": "soon", "x-ratelimit-reset": str(int(time.time()))}
    httpx_mock.add_response(url=ENTITY, status_code=429, json={"ok": False}, headers=headers)
    httpx_mock.add_response(url=ENTITY, json={"ok": True, "entity": {"identifier": "INC-1"}})

    assert await port.get_entity("incident", "INC-1") == {"identifier": "INC-1"}


async def test_a_refused_token_is_fetched_again_once(httpx_mock: HTTPXMock, port: PortService) -> None:
    httpx_mock.add_response(url=ENTITY, status_code=401, json={"ok": False, "error": "unauthorized"})
    give_token(httpx_mock, "token-2")
    httpx_mock.add_response(
        url=ENTITY,
        json={"ok": True, "entity": {"identifier": "INC-1"}},
        match_headers={"Authorization": "Bearer token-2"},
    )

    assert await port.get_entity("incident", "INC-1") == {"identifier": "INC-1"}


@pytest.mark.parametrize("status", [401, 403])
async def test_credentials_are_a_persons_business(
    httpx_mock: HTTPXMock, port: PortService, status: int
) -> None:
    httpx_mock.add_response(
        url=ENTITY, status_code=status, json={"ok": False, "message": "no"}, is_reusable=True
    )
    if status == 401:
        give_token(httpx_mock, "token-2")

    with pytest.raises(CredentialsRefused) as caught:
        await port.get_entity("incident", "INC-1")

    assert caught.value.hint


async def test_wrong_credentials_say_so_and_show_nothing(httpx_mock: HTTPXMock, fresh: PortService) -> None:
    answer = {"ok": False, "error": "unauthorized", "message": f"wrong secret {SECRET}"}
    httpx_mock.add_response(url=f"{V1}/auth/access_token", status_code=401, json=answer)
    log: list[str] = []
    sink = logger.add(log.append, diagnose=True, backtrace=True, level="TRACE")

    with pytest.raises(CredentialsRefused) as caught:
        await fresh.warm()
    logger.opt(exception=caught.value).error("as an application would log it")
    logger.remove(sink)

    assert "OCEAN__PORT__CLIENT_ID" in str(caught.value)
    assert SECRET not in "".join(log) + str(caught.value) + repr(fresh)


async def test_active_runs(httpx_mock: HTTPXMock, port: PortService) -> None:
    url = f"{V1}/actions/runs?action=open_war_room&active=true&version=v2&limit=1000"
    httpx_mock.add_response(url=url, json={"ok": True, "runs": [{"id": "r_1", "status": "IN_PROGRESS"}]})

    assert await port.active_runs("open_war_room") == [{"id": "r_1", "status": "IN_PROGRESS"}]


async def test_active_runs_are_read_on_where_port_names_a_next_page(
    httpx_mock: HTTPXMock, port: PortService
) -> None:
    url = f"{V1}/actions/runs?action=open_war_room&active=true&version=v2&limit=1000"
    pages = {url: ("r_1", "b"), f"{url}&from=b": ("r_2", "c"), f"{url}&from=c": ("r_3", None)}
    for address, (run, following) in pages.items():
        body = {"ok": True, "runs": [{"id": run}]} | ({"next": following} if following else {})
        httpx_mock.add_response(url=address, json=body)

    assert [run["id"] for run in await port.active_runs("open_war_room")] == ["r_1", "r_2", "r_3"]


async def test_active_runs_end_where_a_next_page_brings_nothing_new(
    httpx_mock: HTTPXMock, port: PortService
) -> None:
    url = f"{V1}/actions/runs?action=open_war_room&active=true&version=v2&limit=1000"
    for address in (url, f"{url}&from=b"):
        httpx_mock.add_response(url=address, json={"ok": True, "runs": [{"id": "r_1"}], "next": "b"})

    assert await port.active_runs("open_war_room") == [{"id": "r_1"}]


async def test_a_run_is_finished(httpx_mock: HTTPXMock, port: PortService) -> None:
    httpx_mock.add_response(url=RUN, method="PATCH", json={"ok": True, "run": {"id": "r_1"}})

    assert await port.finish_run("r_1", True, "room open", "The room is open.", ["https://example.com/c"])

    assert sent(httpx_mock, RUN) == {
        "status": "SUCCESS",
        "statusLabel": "room open",
        "summary": "The room is open.",
        "link": ["https://example.com/c"],
    }


@pytest.mark.parametrize("status", [409, 422])
@pytest.mark.parametrize(
    ("stands", "said"),
    [
        ({"status": "FAILURE", "summary": "cancelled by a person"}, False),
        ({"status": "SUCCESS", "summary": "done"}, True),  # our own earlier try, its answer lost
    ],
)
async def test_a_run_that_is_final_stays_so(
    httpx_mock: HTTPXMock, port: PortService, status: int, stands: dict[str, str], said: bool
) -> None:
    httpx_mock.add_response(
        url=RUN, method="PATCH", status_code=status, json={"ok": False, "message": "final"}
    )
    httpx_mock.add_response(url=RUN_V2, method="GET", json={"ok": True, "run": {"id": "r_1", **stands}})

    assert await port.finish_run("r_1", True, "", "done", []) is said


async def test_a_run_that_is_not_final_and_refuses_is_an_error(
    httpx_mock: HTTPXMock, port: PortService
) -> None:
    httpx_mock.add_response(url=RUN, status_code=422, json={"ok": False, "message": "bad link"})
    httpx_mock.add_response(url=RUN_V2, json={"ok": True, "run": {"id": "r_1", "status": "IN_PROGRESS"}})

    with pytest.raises(Refused, match="bad link"):
        await port.finish_run("r_1", True, "", "done", ["nonsense"])


async def test_a_run_shows_a_link_and_stays_as_it_is(httpx_mock: HTTPXMock, port: PortService) -> None:
    httpx_mock.add_response(url=RUN, method="PATCH", json={"ok": True, "run": {"id": "r_1"}})

    await port.link_run("r_1", ["https://example.com/draft"])

    assert sent(httpx_mock, RUN) == {"link": ["https://example.com/draft"]}


async def test_what_would_show_twice_is_sent_once(httpx_mock: HTTPXMock, port: PortService) -> None:
    runs = f"{V1}/actions/open/runs?run_as=oncall%40example.com"
    httpx_mock.add_response(url=f"{RUN}/logs", status_code=502)
    httpx_mock.add_exception(httpx.ReadTimeout("slow"), url=runs)

    with pytest.raises(Ambiguous):
        await port.log_run("r_1", "a line")
    with pytest.raises(Ambiguous):
        await port.create_run("open", {"a": 1}, "INC-1", "oncall@example.com")

    assert [len(httpx_mock.get_requests(url=url)) for url in (f"{RUN}/logs", runs)] == [1, 1]


async def test_create_run(httpx_mock: HTTPXMock, port: PortService) -> None:
    url = f"{V1}/actions/open/runs"
    httpx_mock.add_response(url=url, status_code=202, json={"ok": True, "run": {"id": "r_2"}})

    assert (await port.create_run("open", {"a": 1}, "INC-1"))["id"] == "r_2"
    assert sent(httpx_mock, url) == {"properties": {"a": 1}, "entity": "INC-1"}


async def test_provisioning(httpx_mock: HTTPXMock, port: PortService) -> None:
    blueprint = {"identifier": "note", "title": "Note"}
    httpx_mock.add_response(url=f"{V1}/blueprints/note", method="GET", status_code=404, json={"ok": False})
    httpx_mock.add_response(
        url=f"{V1}/blueprints", method="POST", status_code=201, json={"ok": True, "blueprint": blueprint}
    )
    for verb in ("PUT", "PATCH"):
        httpx_mock.add_response(
            url=f"{V1}/blueprints/note", method=verb, json={"ok": True, "blueprint": blueprint}
        )
    action = {"identifier": "open"}
    httpx_mock.add_response(url=f"{V1}/actions/open", method="GET", json={"ok": True, "action": action})
    httpx_mock.add_response(
        url=f"{V1}/actions", method="POST", status_code=409, json={"ok": False, "error": "conflict"}
    )
    httpx_mock.add_response(url=f"{V1}/actions/open", method="PUT", json={"ok": True, "action": action})
    httpx_mock.add_response(url=f"{V1}/actions/open", method="DELETE", json={"ok": True})
    httpx_mock.add_response(url=f"{V1}/actions/none", method="DELETE", status_code=404, json={"ok": False})

    assert await port.blueprint("note") is None
    assert await port.create_blueprint(blueprint) == blueprint
    assert await port.put_blueprint("note", blueprint) == blueprint
    assert await port.patch_blueprint("note", {"title": "Note"}) == blueprint
    assert await port.action("open") == action
    with pytest.raises(Refused) as caught:
        await port.create_action(action)
    assert caught.value.code == "409"
    assert await port.put_action("open", action) == action
    assert await port.delete_action("open")
    assert not await port.delete_action("none")
