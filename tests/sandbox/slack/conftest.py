"""A Slack emulator over real HTTP, with Slack's own client pointed at it.

After each test every answer given is held against Slack's contract, where that is on the machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.routing import Router

from sandbox.credentials import SLACK_BOT_TOKEN
from sandbox.slack.service import Slack
from sandbox.world import Hostility, World
from tests import openapi
from tests.sandbox.serve import serve
from tests.sandbox.slack import contract


@dataclass
class Served:
    """The emulator, its world, its base URL and two clients: Slack's own and a plain one."""

    slack: Slack
    world: World
    base: str
    client: AsyncWebClient
    http: httpx.AsyncClient

    async def call(self, method: str, **values: object) -> dict[str, object]:
        """Call a method with a form; returns the body whatever it says."""
        answer = await self.http.post(
            f"{self.base}/slack/api/{method}",
            content=contract.encoded(**values),
            headers={
                "authorization": f"Bearer {SLACK_BOT_TOKEN}",
                "content-type": "application/x-www-form-urlencoded",
            },
        )
        body = answer.json()
        assert isinstance(body, dict)
        return body

    async def error(self, method: str, **values: object) -> object:
        """The error code a method answers with; None when it says ok."""
        return (await self.call(method, **values)).get("error")


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """A tame emulator: each test switches on the hostility it is about."""
    world = World()
    slack = Slack(world)
    world.hostility = Hostility.none()
    slack.limits.enabled = False
    slack.seed({"users": [{"email": "oncall@example.com"}, {"email": "lead@example.com", "name": "Lead"}]})
    async with serve(Router(slack.routes())) as base, httpx.AsyncClient() as http:
        client = AsyncWebClient(token=SLACK_BOT_TOKEN, base_url=f"{base}/slack/api/")
        yield Served(slack, world, base, client, http)
        await slack.close()
    if (openapi.FOLDER / "slack.yaml").is_file():
        assert contract.violations(world.journal) == []
