"""The vendors' contracts as openapi-core wants them. Each is parsed once in a process, whoever asks."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("INCIDENT_COMMS_SHARED", ROOT.parent / "shared"))
FOLDER = SHARED / "contracts"
"""The vendors' contracts. A machine may be without them."""


@cache
def document(path: Path) -> dict[str, Any]:
    """A contract file as it stands. Whoever wants it otherwise makes a copy."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=loader)
    return found


def unchecked(spec: dict[str, Any]) -> OpenAPI:
    """`spec` to hold exchanges to. It is not on trial itself: checking it takes seconds."""
    nothing: Any = None
    return OpenAPI.from_dict(spec, config=Config(spec_validator_cls=nothing))


def at_hand(name: str) -> Path:
    """The path of a contract file; skips the test where there is none."""
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no contract {name}: set INCIDENT_COMMS_SHARED to the folder that holds contracts/")
    return path


def load(name: str) -> dict[str, Any]:
    """A contract by its file's name; skips the test where there is none."""
    return document(at_hand(name))


def exchanged(response: httpx.Response, host: str, path: str) -> tuple[MockRequest, MockResponse]:
    """A request to the emulator and its answer (read before), as if `host` had been asked for `path`."""
    request = response.request
    headers = dict(request.headers)
    asked = MockRequest(
        host,
        request.method.lower(),
        path,
        args=dict(request.url.params),
        headers=headers,
        content_type=headers.get("content-type", "application/json"),
        data=request.content or None,
    )
    given = MockResponse(
        response.content,
        status_code=response.status_code,
        headers=dict(response.headers),
        content_type=response.headers.get("content-type", "application/json").split(";")[0],
    )
    return asked, given


def why(problem: Exception) -> Any:
    """The part of a violation that tells what is wrong."""
    return getattr(problem.__cause__, "schema_errors", None) or problem.__cause__ or problem
