"""A Slack that says what a test tells it to say, over a real socket; the other clients use pytest-httpx."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from integration.budget import Budget, Rate
from integration.services.http import Patience
from integration.services.slack import SlackService
from integration.services.statuspage import StatuspageService
from tests.services.statuspage_said import API, KEY

TOKEN = "xoxb-sandbox-not-a-secret"
TEAM = "https://example.slack.com/"


@dataclass
class Said:
    """One scripted answer. `drop`: reset the connection instead of answering."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    content_type: str = "application/json"


@dataclass
class Heard:
    method: str
    verb: str
    arguments: dict[str, Any]
    token: str


class ScriptedSlack:
    """Answers each method from its script, the last entry for ever; unknown methods get `ok: true`."""

    def __init__(self) -> None:
        self.script: dict[str, list[Said]] = {}
        self.heard: list[Heard] = []
        self.base = ""
        self.says("auth.test", ok=True, url=TEAM, user_id="U0BOT", bot_id="B0BOT", team_id="T0TEAM")

    def says(self, method: str, *answers: Said, **body: Any) -> None:
        self.script[method] = list(answers) or [Said(body)]

    def calls(self, method: str) -> list[dict[str, Any]]:
        return [heard.arguments for heard in self.heard if heard.method == method]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        raw = await request.read()
        arguments = json.loads(raw) if raw else dict(request.query)
        token = request.headers.get("authorization", "")
        self.heard.append(Heard(method, request.method, arguments, token))
        script = self.script.get(method, [Said({"ok": True})])
        said = script.pop(0) if len(script) > 1 else script[0]
        if said.drop:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        return web.Response(
            body=content, status=said.status, headers=said.headers, content_type=said.content_type
        )


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedSlack]:
    slack = ScriptedSlack()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    slack.base = f"http://127.0.0.1:{port}/api/"
    yield slack
    await runner.cleanup()


class GenerousBudget(Budget):
    """Where the budget is not what is tested: a burst that no test uses up."""

    def declare(self, service: str, rate_of: Any) -> None:
        super().declare(service, lambda _: Rate(per_minute=60_000, burst=1000))


@pytest.fixture
def budget() -> Budget:
    return GenerousBudget()


@pytest.fixture
def patience() -> Patience:
    return Patience(max_wait=5.0, tries=3, backoff=0.001)


@pytest.fixture
async def slack(scripted: ScriptedSlack, budget: Budget, patience: Patience) -> AsyncIterator[SlackService]:
    service = SlackService(scripted.base, TOKEN, budget, timeout=2.0, patience=patience)
    yield service
    await service.aclose()


@pytest.fixture
async def statuspage(budget: Budget, patience: Patience) -> AsyncIterator[StatuspageService]:
    service = StatuspageService(API, KEY, budget, timeout=2.0, patience=patience)
    yield service
    await service.aclose()
