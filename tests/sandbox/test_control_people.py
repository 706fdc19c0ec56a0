"""What people do in Slack, Zoom and Port, by the control API over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from sandbox import credentials
from sandbox.app import HOSTS
from tests.sandbox.control_bench import Bench, served
from tests.sandbox.serve import serve, until

DANA = "dana@example.com"


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    async with served() as found:
        yield found


async def test_people_talk_in_slack(bench: Bench) -> None:
    said = await bench.control(
        "POST", "/slack/say", {"channel": "#general", "user": DANA, "text": "it's the pool"}
    )
    ts = said["ts"]
    where = {"channel": "general", "ts": ts}
    reply = {"channel": "general", "user": "oncall@example.com", "text": "yes", "thread_ts": ts}
    await bench.control("POST", "/slack/say", reply)
    await bench.control("POST", "/slack/bot-say", {"channel": "general", "text": "alert"})
    await bench.control("POST", "/slack/react", {**where, "name": "eyes", "user": DANA})
    await bench.control("POST", "/slack/pin", {**where, "user": DANA})
    await bench.control("POST", "/slack/edit", {**where, "text": "it is the pool"})
    view = await bench.control("GET", "/slack/channels/general")
    found = next(m for m in view["messages"] if m["ts"] == ts)
    assert (found["text"], found["edited"], found["pinned"]) == ("it is the pool", True, True)
    later = await bench.control("GET", f"/slack/channels/general?since={float(ts) + 0.001:.6f}")
    assert ts not in [message["ts"] for message in later["messages"]]
    assert "alert" in [message["text"] for message in later["messages"]]
    assert (await bench.control("GET", "/slack/channels/general?since=now", status=400))["field"] == "since"
    assert found["reactions"][0]["name"] == "eyes"
    assert [r["text"] for r in found["replies"]] == ["yes"]
    await bench.control("POST", "/slack/unreact", {**where, "name": "eyes", "user": DANA})
    await bench.control("POST", "/slack/unpin", {**where, "user": DANA})
    await bench.control("POST", "/slack/delete", where)
    await bench.control("POST", "/slack/channels", {"name": "side", "user": DANA})
    await bench.control("POST", "/slack/archive", {"channel": "side", "user": DANA})
    assert (await bench.control("GET", "/slack/channels/side"))["archived"]
    late = {"channel": "side", "user": DANA, "text": "too late"}
    assert "archived" in (await bench.control("POST", "/slack/say", late, 409))["error"]


async def _zoom_token(bench: Bench) -> dict[str, str]:
    basic = httpx.BasicAuth(credentials.ZOOM_CLIENT_ID, credentials.ZOOM_CLIENT_SECRET)
    asked = {"grant_type": "account_credentials", "account_id": credentials.ZOOM_ACCOUNT_ID}
    answer = await bench.http.post("/zoom/oauth/token", data=asked, auth=basic)
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def test_people_meet_in_zoom(bench: Bench) -> None:
    bearer = await _zoom_token(bench)
    body = {"topic": "INC-1", "settings": {"join_before_host": True}}
    made = await bench.http.post(f"/zoom/v2/users/{HOSTS[0]}/meetings", json=body, headers=bearer)
    number = made.json()["id"]
    page = await bench.http.get(made.json()["join_url"])
    assert (page.status_code, "INC-1" in page.text) == (200, True)
    person = await bench.control("POST", "/zoom/join", {"meeting": number, "user": DANA})
    assert person["user_email"] == DANA
    twice = await bench.control("POST", "/zoom/join", {"meeting": str(number), "user": DANA}, 409)
    assert "already" in twice["error"]
    [shown] = await bench.control("GET", "/zoom/meetings")
    assert (shown["status"], len(shown["participants"])) == ("started", 1)
    await bench.control("POST", "/zoom/leave", {"meeting": number, "user": DANA})
    assert await bench.control("POST", "/zoom/end", {"meeting": number}) == {"ended": False}
    strict = await bench.http.post(f"/zoom/v2/users/{HOSTS[0]}/meetings", json={}, headers=bearer)
    alone = {"meeting": strict.json()["id"], "user": DANA}
    assert "join_before_host" in (await bench.control("POST", "/zoom/join", alone, 409))["error"]
    await bench.control("POST", "/zoom/revoke-tokens")
    assert (await bench.http.get("/zoom/v2/users", headers=bearer)).json()["code"] == 124


async def test_people_work_in_port(bench: Bench) -> None:
    entity = {"identifier": "search", "title": "Search"}
    await bench.control("POST", "/port/entities", {"blueprint": "service", "entity": entity, "user": DANA})
    patch = {"title": "Search!", "user": DANA}
    changed = await bench.control("PATCH", "/port/entities/service/search", patch)
    assert changed["entity"]["title"] == "Search!"
    everything = await bench.control("GET", "/port/entities/service")
    assert "Search!" in [one["title"] for one in everything]
    assert await bench.control("GET", "/port/entities/service?relation=incident&to=INC-1") == []
    await bench.control("DELETE", f"/port/entities/service/search?user={DANA}")
    gone = await bench.control("GET", "/port/entities/service/search", status=404)
    assert gone["field"] == "entity"
    assert await bench.control("GET", "/port/runs") == []


async def test_a_button_is_pressed_approved_and_delivered(bench: Bench) -> None:
    delivered: list[Any] = []

    async def receive(request: Request) -> Response:
        assert request.headers["x-port-signature"]
        delivered.append(json.loads(await request.body()))
        return Response(status_code=202)

    async with serve(Router([Route("/", receive, methods=["POST"])])) as there:
        webhook = {"type": "WEBHOOK", "url": f"{there}/", "synchronized": False, "agent": False}
        action = {
            "identifier": "restart",
            "title": "Restart",
            "trigger": {
                "type": "self-service",
                "operation": "DAY-2",
                "blueprintIdentifier": "service",
                "userInputs": {"properties": {"why": {"type": "string"}}, "required": ["why"]},
            },
            "invocationMethod": {**webhook, "body": {"run": "{{ .run.id }}", "why": "{{ .inputs.why }}"}},
            "requiredApproval": True,
        }
        await bench.control("POST", "/seed", {"port": {"actions": [action]}})
        press = {"action": "restart", "entity": "checkout", "user": DANA}
        missing = await bench.control("POST", "/port/press", {**press, "inputs": {}}, 422)
        assert "why" in missing["error"]
        run = (await bench.control("POST", "/port/press", {**press, "inputs": {"why": "slow"}}))["run"]
        assert run["status"] == "WAITING_FOR_APPROVAL"
        yes = {"run": run["id"], "user": "admin@example.com", "approve": True}
        assert (await bench.control("POST", "/port/approve", yes))["run"]["status"] == "IN_PROGRESS"
        await until(lambda: delivered, what="the invocation")
    assert delivered == [{"run": run["id"], "why": "slow"}]
    assert [r["id"] for r in await bench.control("GET", "/port/runs?entity=checkout")] == [run["id"]]
    assert (await bench.control("GET", f"/port/runs/{run['id']}"))["action"]["identifier"] == "restart"
    assert "Restart" in (await bench.http.get("/console")).text


async def test_events_go_where_they_are_told_to(bench: Bench) -> None:
    seen: list[str] = []

    async def receive(request: Request) -> Response:
        told = json.loads(await request.body())
        if told["type"] == "url_verification":
            return JSONResponse({"challenge": told["challenge"]})
        seen.append(told["event"]["type"])
        return Response(status_code=200)

    async with serve(Router([Route("/", receive, methods=["POST"])])) as there:
        await bench.control("POST", "/slack/events-url", {"url": f"{there}/"})
        await bench.control("POST", "/slack/channels", {"name": "told", "user": DANA})
        await until(lambda: "channel_created" in seen, what="the event")
        await bench.control("POST", "/slack/events-url", {"url": None})
        assert (await bench.control("GET", "/state"))["slack"]["events_url"] is None
