"""Every exchange with the emulator held to Statuspage's published contract, where that file is at hand."""

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
HOST = "https://api.statuspage.io"


def load(name: str) -> dict[str, Any]:
    """A contract as a mapping; skips the test when it is not there."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no contract {name}: set INCIDENT_COMMS_SHARED to the folder that holds contracts/")
    return document(path)


@cache
def _statuspage() -> OpenAPI:
    return unchecked({**load("statuspage.yaml"), "servers": [{"url": f"{HOST}/v1"}]})


class Checker:
    """Collects violations; `exchange` is an httpx response hook.

    Requests that were taken (2xx) are checked too: what the emulator takes, the vendor's file must allow.
    """

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.checked = 0

    async def exchange(self, response: httpx.Response) -> None:
        if not (FOLDER / "statuspage.yaml").is_file():
            return
        path = response.request.url.raw_path.decode().split("?")[0].removesuffix(".json")
        if not path.startswith("/statuspage/v1") or path.startswith("/statuspage/v1/nowhere"):
            return
        await response.aread()
        if response.status_code >= 500:
            return  # planned: outside the contract on purpose
        headers = dict(response.request.headers)
        request = MockRequest(
            HOST,
            response.request.method.lower(),
            path.removeprefix("/statuspage"),
            args=dict(response.request.url.params),
            headers=headers,
            content_type=headers.get("content-type", "application/json"),
            data=response.request.content or None,
        )
        given = MockResponse(
            response.content,
            status_code=response.status_code,
            headers=dict(response.headers),
            content_type=response.headers.get("content-type", "application/json").split(";")[0],
        )
        self.checked += 1
        about = f"{response.request.method} {path} {response.status_code}"
        self._try(f"{about} answer", lambda: _statuspage().validate_response(request, given))
        if response.is_success and "json" in headers.get("content-type", ""):
            self._try(f"{about} request", lambda: _statuspage().validate_request(request))

    def _try(self, about: str, validate: Any) -> None:
        try:
            validate()
        except Exception as problem:
            why = getattr(problem.__cause__, "schema_errors", None) or problem.__cause__ or problem
            self.violations.append(f"{about}: {why}")
