"""Every exchange with the emulator held to Zoom's published contract, where that file is at hand."""

from __future__ import annotations

from functools import cache

import httpx
from openapi_core import OpenAPI

from tests.openapi import FOLDER, exchanged, load, unchecked, why


@cache
def _zoom() -> OpenAPI:
    spec = {**load("zoom.yaml"), "servers": [{"url": "https://api.zoom.us/v2"}]}
    return unchecked(spec)


class Checker:
    """Collects violations; `exchange` is an httpx response hook."""

    def __init__(self) -> None:
        self.violations: list[str] = []

    async def exchange(self, response: httpx.Response) -> None:
        if not (FOLDER / "zoom.yaml").is_file():
            return
        path = response.request.url.raw_path.decode().split("?")[0]
        if path.startswith("/zoom/oauth"):
            path = path.removeprefix("/zoom")
        elif path.startswith("/zoom/v2"):
            path = path.removeprefix("/zoom/v2")
        else:
            return
        await response.aread()
        # A planned 5xx and a path that Zoom does not have are outside the contract on purpose.
        if response.status_code < 500 and b'"code": 2300' not in response.content:
            self._answer(response, path)

    def _answer(self, response: httpx.Response, path: str) -> None:
        oauth = path.startswith("/oauth")
        host = "https://zoom.us" if oauth else "https://api.zoom.us"
        request, given = exchanged(response, host, path if oauth else "/v2" + path)
        try:
            _zoom().validate_response(request, given)
        except Exception as problem:
            about = f"{response.request.method} {path} {response.status_code}"
            self.violations.append(f"{about}: {why(problem)}")
