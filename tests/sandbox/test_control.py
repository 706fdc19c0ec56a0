"""The control API over real HTTP: what it does, and how it refuses."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from sandbox import credentials
from sandbox.app import HOSTS, Sandbox, build, environment
from sandbox.world import Hostility, World
from tests.sandbox.serve import serve, until

ROOT = Path(__file__).resolve().parents[2]
DANA = "dana@example.com"


class Bench:
    def __init__(self, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
        self.sandbox, self.http = sandbox, http

    async def control(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = await self.http.request(method, f"/_sandbox{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def slack(self, method: str, **form: str) -> Any:
        bearer = {"authorization": f"Bearer {credentials.SLACK_BOT_TOKEN}"}
        return (await self.http.post(f"/slack/api/{method}", data=form, headers=bearer)).json()


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    sandbox = build(World())
    async with (
        serve(sandbox.app) as base,
        httpx.AsyncClient(base_url=base, trust_env=False, timeout=10) as http,
    ):
        sandbox.at(base)
        yield Bench(sandbox, http)
        await sandbox.close()


@pytest_asyncio.fixture
async def near() -> AsyncIterator[Bench]:
    """The same without a socket, for what needs none."""
    sandbox = build(World())
    transport = httpx.ASGITransport(app=sandbox.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as http:
        yield Bench(sandbox, http)
        await sandbox.close()


async def test_reset_brings_the_start_situation_back(bench: Bench) -> None:
    await bench.control("PATCH", "/hostility", {"history_lag_seconds": 0})
    await bench.control("POST", "/slack/say", {"channel": "general", "user": DANA, "text": "hello"})
    await bench.slack("auth.test")
    await bench.control("POST", "/faults", {"service": "slack", "status": 500})
    await bench.control("POST", "/seed", {"zoom": {"daily_limit": 1}})
    await bench.control("POST", "/reset")

    state = await bench.control("GET", "/state")
    assert state["slack"]["channels"][0]["message_count"] == 0
    assert {u["email"] for u in state["zoom"]["users"]} == set(HOSTS)
    assert DANA in {u["email"] for u in state["slack"]["users"]}
    assert (state["faults"], state["held"]) == ([], [])
    assert state["hostility"]["history_lag_seconds"] == 2.0
    assert await bench.control("GET", "/journal") == []
    assert bench.sandbox.zoom.limits.per_host_day == 100


async def test_a_seed_adds_people_channels_hosts_and_entities(bench: Bench) -> None:
    seed = {
        "slack": {
            "users": [{"email": "new@example.com", "name": "Newcomer"}],
            "channels": [{"name": "secret", "private": True, "members": ["new@example.com"]}],
        },
        "zoom": {"users": [{"email": "bridge-3@example.com"}]},
        "port": {
            "blueprints": [
                {"identifier": "region", "title": "Region", "schema": {"properties": {}, "required": []}}
            ],
            "entities": {"region": [{"identifier": "eu", "title": "Europe"}]},
        },
    }
    await bench.control("POST", "/seed", seed)

    channel = await bench.control("GET", "/slack/channels/secret")
    assert channel["private"]
    assert "new@example.com" in {m["email"] for m in channel["members"]}
    state = await bench.control("GET", "/state")
    assert "bridge-3@example.com" in {u["email"] for u in state["zoom"]["users"]}
    assert (await bench.control("GET", "/port/entities/region/eu"))["entity"]["title"] == "Europe"


@pytest.mark.parametrize(
    ("path", "body", "field", "status"),
    [
        ("/seed", {"slak": {}}, "slak", 400),
        ("/seed", {"slack": {"users": [{}]}}, "slack", 400),
        ("/seed", {"port": {"users": [{}]}}, "port", 400),
        ("/seed", {"port": {"entities": {"nope": [{"identifier": "x"}]}}}, "port", 400),
        ("/seed", {"zoom": {"users": [{"email": 7}]}}, "zoom", 400),
        ("/faults", {"status": "bad"}, "status", 400),
        ("/faults", {"times": "many"}, "times", 400),
        ("/faults", {"dorp": "after"}, "dorp", 400),
        ("/faults", {"drop": "sideways"}, "drop", 400),
        ("/faults", [{"hold": "after"}, 7], "", 400),
        ("/held/17/release", None, "n", 404),
        ("/slack/say", {"channel": "general", "user": DANA}, "text", 400),
        ("/slack/say", {"channel": "nowhere", "user": DANA, "text": "x"}, "channel", 404),
        ("/slack/say", {"channel": "general", "user": "nobody", "text": "x"}, "user", 404),
        ("/slack/say", {"channel": "general", "user": DANA, "text": "x", "ts": "1"}, "ts", 400),
        ("/slack/say", {"channel": "general", "user": DANA, "text": "x", "tyop": 1}, "tyop", 400),
        ("/slack/react", {"channel": "general", "ts": "1", "name": "eyes", "user": DANA}, "ts", 404),
        ("/slack/events-url", {}, "url", 400),
        ("/slack/events-url", {"url": "http://127.0.0.1:1/"}, "url", 400),
        ("/zoom/join", {"meeting": 1, "user": DANA}, "meeting", 404),
        ("/zoom/join", {"meeting": True, "user": DANA}, "meeting", 400),
        ("/zoom/webhook-url", {"url": "http://127.0.0.1:1/"}, "url", 400),
        ("/seed", {"statuspage": {"pages": [{}]}}, "statuspage", 400),
        ("/seed", {"mail": {"refuse": {"x@example.com": 200}}}, "mail", 400),
        ("/seed", {"mail": {"inbox": []}}, "mail", 400),
        ("/statuspage/incidents", {"page": "nope", "name": "x"}, "page", 404),
        ("/statuspage/incidents", {"name": "x"}, "page", 400),
        ("/statuspage/incidents", {"page": "sbxstatus001", "name": ""}, "", 409),
        ("/statuspage/incidents/nope", {"body": "x"}, "incident", 404),
        ("/statuspage/components/nope", {"status": "major_outage"}, "component", 404),
        ("/statuspage/components/Checkout", {"status": "broken"}, "status", 400),
        ("/statuspage/components/Checkout", {}, "status", 400),
        ("/statuspage/subscribers", {"page": "sbxstatus001"}, "", 409),
        ("/statuspage/subscribers/nope/confirm", {}, "subscriber", 404),
        ("/statuspage/webhook-url", {}, "url", 400),
        ("/statuspage/webhook-url", {"url": "nope"}, "url", 400),
        ("/mail/refuse", {}, "address", 400),
        ("/mail/refuse", {"address": "x@example.com", "code": 250}, "code", 400),
        ("/mail/refuse", {"address": "x@example.com", "code": "550"}, "code", 400),
        ("/mail/refuse", {"address": "x@example.com", "times": 0}, "times", 400),
        ("/mail/login", {"user": "x"}, "password", 400),
        ("/mail/up", {}, "", 409),
        ("/port/entities", {"blueprint": "nope", "entity": {}}, "blueprint", 404),
        ("/port/entities", {"blueprint": "service"}, "entity", 400),
        ("/port/entities", {"blueprint": "service", "entity": {}, "user": "x@example.com"}, "user", 404),
        ("/port/press", {"action": "nope", "user": DANA}, "action", 404),
        ("/port/approve", {"run": "r_nope", "user": DANA, "approve": True}, "run", 404),
        ("/port/approve", {"run": "r_nope", "user": DANA, "approve": "yes"}, "approve", 400),
    ],
)
async def test_a_refusal_names_the_field(near: Bench, path: str, body: Any, field: str, status: int) -> None:
    told = await near.control("POST", path, body, status)

    assert told["field"] == field
    assert told["error"]
    assert near.sandbox.world.faults.waiting() == []


async def test_bodies_that_are_no_json_and_habits_that_are_none(bench: Bench) -> None:
    nowhere = await bench.control("PUT", "/slack/say", {}, 404)
    assert "no PUT /_sandbox/slack/say" in nowhere["error"]
    broken = await bench.http.post("/_sandbox/seed", content=b"{")
    assert (broken.status_code, "not JSON" in broken.json()["error"]) == (400, True)
    listed = await bench.http.post("/_sandbox/seed", content=b"[]")
    assert listed.status_code == 400
    for body in ({"lag": 1}, {"twin_creates": 1}, {"history_lag_seconds": "2"}, {"search_lag_seconds": True}):
        told = await bench.control("PATCH", "/hostility", body, 400)
        assert told["field"] == next(iter(body))
    assert bench.sandbox.world.hostility == Hostility()


async def test_the_journal_tells_calls_and_effects_briefly_and_fully(bench: Bench) -> None:
    await bench.slack("conversations.create", name="inc-1")
    await bench.slack("conversations.create", name="inc-1 wrong name")
    made, refused = await bench.control("GET", "/journal")

    assert (made["service"], made["operation"], made["status"]) == ("slack", "conversations.create", 200)
    assert "inc-1" in made["effect"]
    assert (refused["effect"], bool(refused["error"])) == (None, True)
    assert "request" not in made
    [full] = await bench.control("GET", f"/journal?full=true&since={made['n']}")
    assert full["request"]["body"]
    assert "authorization" not in full["request"]["headers"]
    assert len(await bench.control("GET", "/journal?operation=conversations.create&service=slack")) == 2
    assert await bench.control("GET", "/journal?service=zoom") == []
    assert (await bench.control("GET", "/journal?since=x", status=400))["field"] == "since"


async def test_several_looks_are_one_request(bench: Bench) -> None:
    looks = ["/slack/channels", "/port/entities/service", "/port/entities/service/nowhere", "/nothing?at=all"]
    alone = [await bench.http.get(f"/_sandbox{look}") for look in looks]

    together = await bench.control("POST", "/several", looks)

    assert together == [{"status": one.status_code, "text": one.text} for one in alone]
    assert [one["status"] for one in together] == [200, 200, 404, 404]
    await bench.control("POST", "/several", {"path": "/state"}, status=400)
    await bench.control("POST", "/several", ["/state"] * 101, status=400)


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


async def test_a_fault_is_planned_held_and_released(bench: Bench) -> None:
    await bench.control(
        "POST",
        "/faults",
        [
            {"service": "slack", "operation": "auth.test", "status": 429, "retry_after": "3"},
            {"service": "slack", "operation": "auth.test", "hold": "before"},
        ],
    )
    bearer = {"authorization": f"Bearer {credentials.SLACK_BOT_TOKEN}"}
    limited = await bench.http.post("/slack/api/auth.test", headers=bearer)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "3")
    waiting = asyncio.create_task(bench.slack("auth.test"))
    [held] = await bench.control("GET", "/held?wait=5")
    assert (held["operation"], held["held"]) == ("auth.test", "before")
    assert not waiting.done()
    await bench.control("POST", f"/held/{held['n']}/release")
    assert (await waiting)["ok"]
    assert await bench.control("GET", "/faults") == []


async def test_a_fault_meets_one_path_and_one_caller(bench: Bench) -> None:
    path = "/port/v1/blueprints/service/entities/.*"
    fault = {"operation": "entities.get", "path": path, "caller": "somebody", "status": 500}
    await bench.control("POST", "/faults", fault)
    token = {"clientId": credentials.PORT_CLIENT_ID, "clientSecret": credentials.PORT_CLIENT_SECRET}
    answer = await bench.http.post("/port/v1/auth/access_token", json=token)
    bearer = {"authorization": f"Bearer {answer.json()['accessToken']}"}

    async def status(blueprint: str, caller: str) -> int:
        address = f"/port/v1/blueprints/{blueprint}/entities/none"
        return (await bench.http.get(address, headers={**bearer, "user-agent": caller})).status_code

    assert await status("incident", "somebody/1.0") == 404
    assert await status("service", "anybody/1.0") == 404
    assert await status("service", "somebody/1.0") == 500
    assert await status("service", "somebody/1.0") == 404
    wrong = await bench.control("POST", "/faults", {"path": "(", "status": 500}, 400)
    assert wrong["field"] == "path"


async def test_one_fault_is_forgotten_and_what_it_holds_stays_held(bench: Bench) -> None:
    fault = {"service": "slack", "operation": "auth.test", "hold": "before", "times": 9}
    [planned] = await bench.control("POST", "/faults", fault)
    waiting = asyncio.create_task(bench.slack("auth.test"))
    [held] = await bench.control("GET", "/held?wait=5")
    await bench.control("DELETE", f"/faults/{planned['id']}")
    assert (await bench.slack("auth.test"))["ok"]
    assert not waiting.done()
    await bench.control("POST", f"/held/{held['n']}/release")
    assert (await waiting)["ok"]
    assert "waits" in (await bench.control("DELETE", f"/faults/{planned['id']}", status=404))["error"]


async def test_a_lost_answer_is_a_reset_connection_with_its_effect(bench: Bench) -> None:
    fault = {"service": "slack", "operation": "conversations.create", "drop": "after"}
    await bench.control("POST", "/faults", fault)
    with pytest.raises(httpx.RemoteProtocolError):
        await bench.slack("conversations.create", name="inc-2")
    assert (await bench.control("GET", "/slack/channels/inc-2"))["name"] == "inc-2"
    [entry] = await bench.control("GET", "/journal")
    assert (entry["status"], entry["fault"], bool(entry["effect"])) == (None, 1, True)


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


def test_the_command_serves_prints_its_environment_and_ends_on_a_signal(tmp_path: Path) -> None:
    ready, env_file = tmp_path / "ready", tmp_path / "env"
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--kind"]
    command += ["--ready-file", str(ready), "--env-file", str(env_file)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed: list[str] = []
        for line in process.stdout:
            printed.append(line.rstrip("\n"))
            if line.startswith("export MAIL_FROM"):
                break
        base = printed[2].partition("=")[2]
        state = httpx.get(f"{base}/_sandbox/state", trust_env=False).json()
        with smtplib.SMTP("127.0.0.1", state["mail"]["port"], timeout=5) as smtp:
            assert smtp.noop()[0] == 250
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=15) == 0
    assert state["hostility"]["twin_creates"] is False
    assert ready.read_text().strip() == base
    exported = [line for line in printed if line.startswith("export ")]
    assert env_file.read_text().splitlines() == exported
    assert [line.split()[1].partition("=")[0] for line in exported] == list(
        environment(base, "127.0.0.1", state["mail"]["port"])
    )
    assert f"export SMTP_PORT={state['mail']['port']}" in exported


def test_a_taken_port_is_said_plainly() -> None:
    import socket

    from sandbox.__main__ import main

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = str(taken.getsockname()[1])
        assert main(["--port", number]) == 1
        assert main(["--port", "0", "--smtp-port", number]) == 1
