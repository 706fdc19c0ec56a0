"""What the sandbox looks up is what Starlette would have found by trying every route."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from sandbox.app import Sandbox
from sandbox.routing import Routes
from sandbox.world import World


def named(route: Route) -> Route:
    """The same route, answering its name and what it read from the path."""

    async def answer(request: Request) -> Response:
        return PlainTextResponse(f"{route.methods} {route.path} {request.path_params}")

    return Route(route.path, answer, methods=sorted(route.methods or ()))


ROUTES = [named(route) for route in Sandbox(World()).app.routes if isinstance(route, Route)]
PATHS = sorted({re.sub(r"\{\w+(:\w+)?\}", "7", route.path) for route in ROUTES})
WILD = ["/", "", "//", "/port", "/port/v1", "/port/v1/nothing", "/slack/api", "/slack/api/", "/elsewhere/7/7"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_the_same_route_is_found(method: str) -> None:
    async def answers(app: Any, path: str) -> tuple[int, str, str | None]:
        asked = httpx.Request(method, f"http://sandbox.test{path}")
        got = await httpx.ASGITransport(app).handle_async_request(asked)
        return got.status_code, (await got.aread()).decode(), got.headers.get("location")

    everyone, ours = Router(ROUTES), Routes(ROUTES)
    for path in (*PATHS, *(path + "/" for path in PATHS), *(path + "/more" for path in PATHS), *WILD):
        assert await answers(ours, path) == await answers(everyone, path), path
