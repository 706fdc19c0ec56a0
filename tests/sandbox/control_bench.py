"""A sandbox that is served, and the control API as a test asks it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from sandbox import credentials
from sandbox.app import Sandbox, build
from sandbox.world import World
from tests.sandbox.serve import serve


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


@contextlib.asynccontextmanager
async def served(*, kind: bool = False) -> AsyncIterator[Bench]:
    """`kind`: a sandbox without delays and refusals of its own."""
    sandbox = build(World(), kind=kind)
    async with (
        serve(sandbox.app) as base,
        httpx.AsyncClient(base_url=base, trust_env=False, timeout=10) as http,
    ):
        sandbox.at(base)
        yield Bench(sandbox, http)
        await sandbox.close()
