"""Every exchange with the emulator held to Statuspage's published contract, where that file is at hand."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
from openapi_core import OpenAPI

from tests.openapi import FOLDER, exchanged, load, unchecked, why

HOST = "https://api.statuspage.io"


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
        request, given = exchanged(response, HOST, path.removeprefix("/statuspage"))
        self.checked += 1
        about = f"{response.request.method} {path} {response.status_code}"
        self._try(f"{about} answer", lambda: _statuspage().validate_response(request, given))
        if response.is_success and "json" in response.request.headers.get("content-type", ""):
            self._try(f"{about} request", lambda: _statuspage().validate_request(request))

    def _try(self, about: str, validate: Any) -> None:
        try:
            validate()
        except Exception as problem:
            self.violations.append(f"{about}: {why(problem)}")
