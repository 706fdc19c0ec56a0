"""The control API over real HTTP: what it does, and how it refuses."""

from __future__ import annotations

import asyncio
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

from sandbox import credentials
from sandbox.app import HOSTS, build, environment
from sandbox.world import Hostility, World
from tests.sandbox.control_bench import Bench, served

ROOT = Path(__file__).resolve().parents[2]
DANA = "dana@example.com"


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    async with served() as found:
        yield found


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
