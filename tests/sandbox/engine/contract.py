"""Every answer about runs held to Port's published contract, where that file is at hand."""

from __future__ import annotations

from functools import cache

import httpx
from openapi_core import OpenAPI

from tests.openapi import FOLDER, document, exchanged, unchecked, why

CONTRACT = FOLDER / "port.yaml"
HOST = "https://api.port.io"

NOT_PUBLISHED = ("/response", "/v1/workflows/nodes", "/v1/workflows/runs/ack")
"""Served because Port's own software calls them; the contract says nothing of their refusals."""


def _unsaid(response: httpx.Response, path: str) -> bool:
    """Refusals that the contract leaves out and that must be there all the same: no permission, a bad
    query, and everything about claiming but the claim itself."""
    if path.endswith(("/claim-pending", "/ack")):
        return response.status_code in (404, 422)
    bad_query = response.status_code == 422 and response.request.method == "GET"
    return response.status_code == 403 or bad_query


@cache
def _port() -> OpenAPI:
    found = document(CONTRACT)
    paths = {path: what for path, what in found["paths"].items() if "/runs" in path}
    return unchecked({**found, "paths": paths, "servers": [{"url": HOST}]})


class Checker:
    """Collects violations; `exchange` is an httpx response hook. Without the contract it checks nothing."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.checked = 0

    async def exchange(self, response: httpx.Response) -> None:
        path = response.request.url.path.removeprefix("/port")
        wanted = "/runs" in path and not any(part in path for part in NOT_PUBLISHED)
        if CONTRACT.is_file() and wanted and not _unsaid(response, path):
            await response.aread()
            self._check(response, path)

    def _check(self, response: httpx.Response, path: str) -> None:
        request, given = exchanged(response, HOST, path)
        self.checked += 1
        try:
            _port().validate_response(request, given)
        except Exception as problem:
            about = f"{response.request.method} {path} {response.status_code}"
            self.violations.append(f"{about}: {why(problem)}")
