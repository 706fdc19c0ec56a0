"""The door of the Web API: bodies, tokens, scopes, rate limits, and the table of what is covered."""

from __future__ import annotations

import json

import pytest
from slack_sdk.errors import SlackApiError
from starlette.routing import Route

from sandbox.credentials import SLACK_BOT_TOKEN
from sandbox.slack.coverage import COVERAGE
from sandbox.slack.service import Slack
from sandbox.world import Entry, World
from tests.openapi import at_hand
from tests.sandbox.slack import contract
from tests.sandbox.slack.conftest import Served

BEARER = {"authorization": f"Bearer {SLACK_BOT_TOKEN}"}
JSON = {"content-type": "application/json; charset=utf-8"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def test_bodies_of_every_kind(served: Served) -> None:
    url, http = f"{served.base}/slack/api", served.http

    async def create(**request: object) -> dict[str, object]:
        answer = await http.post(f"{url}/conversations.create", **request)  # type: ignore[arg-type]
        body = answer.json()
        assert isinstance(body, dict)
        return body

    assert (await create(headers=BEARER, data={"name": "a"}))["ok"]
    assert (await create(data={"name": "b", "token": SLACK_BOT_TOKEN}))["ok"]
    assert (await create(headers=BEARER | JSON, content=json.dumps({"name": "c", "is_private": True})))["ok"]
    assert (await create(headers=BEARER, files={"name": (None, "d")}))["ok"]
    assert (await create(headers=BEARER, params={"name": "e"}))["ok"]
    bare = await create(headers=BEARER | {"content-type": "application/json"}, content='{"name": "f"}')
    assert bare["warning"] == "missing_charset"
    answer = await http.get(f"{url}/conversations.create", params={"name": "g"}, headers=BEARER)
    assert answer.json()["ok"]

    refused = [
        (BEARER | JSON, b"{", "invalid_json"),
        (BEARER | JSON, b"[]", "json_not_object"),
        (BEARER | {"content-type": "text/plain"}, b"x", "invalid_post_type"),
        (BEARER, b"name=x", "missing_post_type"),
        (JSON, json.dumps({"name": "x", "token": SLACK_BOT_TOKEN}).encode(), "not_authed"),
        ({}, b"", "not_authed"),
        ({"authorization": "Bearer xoxb-another"} | FORM, b"name=x", "invalid_auth"),
    ]
    for headers, content, error in refused:
        answer = await http.post(f"{url}/conversations.create", headers=headers, content=content)
        assert answer.status_code == 200
        assert answer.json()["error"] == error


async def test_reads_take_no_json(served: Served) -> None:
    answer = await served.http.post(
        f"{served.base}/slack/api/users.lookupByEmail",
        headers=BEARER | JSON,
        content=json.dumps({"email": "oncall@example.com"}),
    )
    body = answer.json()
    assert body["error"] == "invalid_arguments"
    assert body["response_metadata"]["messages"] == ["[ERROR] missing required field: email"]


async def test_scopes(served: Served) -> None:
    client = served.client
    ok = await client.auth_test()
    assert "chat:write" in ok.headers["x-oauth-scopes"].split(",")
    served.slack.seed({"scopes": ["channels:read", "channels:manage", "users:read"]})
    with pytest.raises(SlackApiError) as caught:
        await client.users_lookupByEmail(email="oncall@example.com")
    assert caught.value.response.data == {
        "ok": False,
        "error": "missing_scope",
        "needed": "users:read.email",
        "provided": "channels:manage,channels:read,users:read",
    }
    user = served.slack.user("oncall@example.com")["id"]
    assert "email" not in (await client.users_info(user=user))["user"]["profile"]
    private = await served.call("conversations.create", name="x", is_private=True)
    assert (private["error"], private["needed"]) == ("missing_scope", "groups:write")
    assert await served.error("conversations.create", name="x") is None
    assert await served.error("conversations.list", types="private_channel") == "missing_scope"


async def test_rate_limits_by_method(served: Served) -> None:
    served.slack.seed({"rate_limits": True})
    errors = [await served.error("conversations.create", name=f"n{n}") for n in range(21)]
    assert errors == [None] * 20 + ["ratelimited"]
    last = served.world.journal[-1]
    assert last.status == 429
    assert int(last.answer["headers"]["retry-after"]) in (2, 3)
    assert await served.error("conversations.list") is None
    room = served.slack.find("n0").id
    posts = [await served.error("chat.postMessage", channel=room, text="x") for _ in range(12)]
    assert posts.count("ratelimited") in (1, 2)
    other = served.slack.find("n1").id
    assert await served.error("chat.postMessage", channel=other, text="x") is None


async def test_what_is_not_there_is_unknown(served: Served) -> None:
    for one in COVERAGE:
        if one.status == "not":
            assert await served.error(one.method) == "unknown_method"
    assert served.world.journal[-1].operation == "unknown_method"


async def test_bad_arguments_are_named(served: Served) -> None:
    assert await served.error("conversations.list", limit="many") == "invalid_limit"
    assert await served.error("conversations.list", limit=1001) == "invalid_limit"
    assert await served.error("conversations.list", types="secret") == "invalid_types"
    for cursor in ("!", "bmV4dDpDMA==", "eA=="):
        assert await served.error("conversations.list", cursor=cursor) == "invalid_cursor"
    room = (await served.client.conversations_create(name="args"))["channel"]["id"]
    assert await served.error("conversations.history", channel=room, oldest="x") == "invalid_ts_oldest"
    assert await served.error("conversations.history", channel=room, cursor="!") == "invalid_cursor"
    assert await served.error("conversations.replies", channel=room, ts="1.1") == "thread_not_found"
    assert await served.error("conversations.history") == "invalid_arguments"
    missing = {"channel": room, "text": "x", "thread_ts": "1700000000.000001"}
    assert await served.error("chat.postMessage", **missing) == "cannot_reply_to_message"


async def test_the_journal_tells_what_changed(served: Served) -> None:
    room = (await served.client.conversations_create(name="told"))["channel"]["id"]
    await served.error("conversations.create", name="told")
    await served.client.conversations_info(channel=room)
    made, taken, read = served.world.journal[-3:]
    assert made.effect == f"channel told ({room}) created"
    assert (taken.effect, taken.error) == (None, "name_taken")
    assert (read.effect, read.error) == (None, None)


def test_the_table_is_what_the_routes_are() -> None:
    paths = [route.path for route in Slack(World()).routes() if isinstance(route, Route)]
    routes = {path for path in paths if path.startswith("/slack/api/")}
    answered = {f"/slack/api/{one.method}" for one in COVERAGE if one.status != "not"}
    assert answered == routes - {"/slack/api/{method:rest}"}
    assert len({one.method for one in COVERAGE}) == len(COVERAGE)
    assert all(one.notes for one in COVERAGE if one.status == "partial")


def test_the_table_speaks_of_every_method_of_the_contract() -> None:
    assert contract.methods() <= {one.method for one in COVERAGE}


def test_tiers_are_the_published_ones() -> None:
    from sandbox.slack.webapi import METHODS

    published = json.loads(at_hand("slack_rate_tiers.json").read_text())
    for name, method in METHODS.items():
        tier = f"Tier {method.tier}" if method.tier else "Special"
        assert published[name].startswith(tier), name


def test_the_check_of_answers_sees_a_wrong_answer() -> None:
    def entry(body: dict[str, object]) -> Entry:
        return Entry(
            n=1,
            service="slack",
            operation="conversations.create",
            direction="in",
            method="POST",
            path="/slack/api/conversations.create",
            at="",
            started=0.0,
            status=200,
            request={"query": [], "headers": FORM, "body": "name=x"},
            answer={"headers": {}, "body": json.dumps(body)},
        )

    assert contract.violations([entry({"ok": True})])
    assert contract.violations([entry({"ok": False, "error": "no_such_error"})])
    assert contract.violations([entry({"ok": False, "error": "name_taken"})]) == []
