"""Every exchange with the emulator held to Zoom's published contract, where that file is at hand."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tests.openapi import document, unchecked

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(os.environ.get("INCIDENT_COMMS_SHARED", ROOT.parent / "shared")) / "contracts"


def load(name: str) -> dict[str, Any]:
    """A contract as a mapping; skips the test when it is not there."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no contract {name}: set INCIDENT_COMMS_SHARED to the folder that holds contracts/")
    return document(path)


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
        request = MockRequest(
            "https://zoom.us" if oauth else "https://api.zoom.us",
            response.request.method.lower(),
            path if oauth else "/v2" + path,
            args=dict(response.request.url.params),
            headers=dict(response.request.headers),
            content_type=response.request.headers.get("content-type", "application/json"),
            data=response.request.content,
        )
        given = MockResponse(
            response.content,
            status_code=response.status_code,
            headers=dict(response.headers),
            content_type=response.headers.get("content-type", "application/json").split(";")[0],
        )
        try:
            _zoom().validate_response(request, given)
        except Exception as problem:
            why = getattr(problem.__cause__, "schema_errors", None) or problem
            self.violations.append(f"{response.request.method} {path} {response.status_code}: {why}")
