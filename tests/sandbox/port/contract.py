"""Every answer of the API held to Port's published contract, where that file is at hand."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
from openapi_core import OpenAPI
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.templating.responses.exceptions import ResponseFinderError
from openapi_core.validation.response.exceptions import ResponseValidationError

from tests.openapi import FOLDER, document, exchanged, unchecked, why

CONTRACT = FOLDER / "port.yaml"
HOST = "https://api.port.io"
VERBS = ("get", "post", "put", "patch", "delete")

UNPUBLISHED_STATUSES = {403, 409}
"""Port answers these, yet its contract describes them almost nowhere."""

HALF_TOLD = {("POST", "/v1/integration", 422)}
"""Refusals of operations that were added to the contract from Ocean's code, which shows only the good end."""


def load() -> dict[str, Any]:
    return document(CONTRACT)


@cache
def _api() -> OpenAPI:
    return unchecked({**load(), "servers": [{"url": HOST}]})


class Checker:
    """Collects violations; `exchange` is an httpx response hook. Without the contract it checks nothing."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.checked: set[tuple[str, str]] = set()
        """(method, path template) of every published operation whose answer was checked."""

    async def exchange(self, response: httpx.Response) -> None:
        path = response.request.url.raw_path.decode().partition("?")[0].removeprefix("/port")
        half_told = (response.request.method, path, response.status_code) in HALF_TOLD
        if CONTRACT.is_file() and response.status_code not in UNPUBLISHED_STATUSES and not half_told:
            await response.aread()
            self._check(response, path)

    def _check(self, response: httpx.Response, path: str) -> None:
        request, given = exchanged(response, HOST, path)
        try:
            _api().validate_response(request, given)
        except PathError:
            return  # an operation that only Port's own software uses
        except (ResponseFinderError, ResponseValidationError) as problem:
            about = f"{response.request.method} {path} {response.status_code}"
            self.violations.append(f"{about}: {why(problem)}")
        self.checked.add((response.request.method, path))
