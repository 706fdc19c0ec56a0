"""Every request of ours, as the sandbox's journal has it, held to the vendors' published contracts."""

from __future__ import annotations

from functools import cache
from typing import Any

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest
from openapi_core.validation.request.exceptions import RequestValidationError

from sandbox.world import Entry
from tests.openapi import load, unchecked

HOSTS = {"slack": "https://slack.com", "zoom": "https://api.zoom.us", "port": "https://api.port.io"}
SERVERS = {"slack": "/api", "zoom": "/v2", "port": ""}
PREFIXES = {"slack": "/slack/api", "zoom": "/zoom/v2", "port": "/port"}


@cache
def _api(service: str) -> OpenAPI:
    spec = load(f"{service}.yaml")
    return unchecked({**spec, "servers": [{"url": HOSTS[service] + SERVERS[service]}]})


def request_violations(journal: list[Entry]) -> list[str]:
    """What in the requests to Slack, Zoom and Port breaks their contracts; [] when nothing does."""
    found: list[str] = []
    for entry in journal:
        if entry.direction == "in" and entry.service in PREFIXES and not entry.operation.startswith("oauth"):
            found += _violations(entry)
    return found


def _violations(entry: Entry) -> list[str]:
    headers: dict[str, Any] = {**entry.request["headers"], "authorization": "Bearer x"}
    path = SERVERS[entry.service] + entry.path.removeprefix(PREFIXES[entry.service])
    request = MockRequest(
        HOSTS[entry.service],
        entry.method.lower(),
        path,
        args=dict(entry.request["query"]),
        headers=headers,
        content_type=headers.get("content-type", "").partition(";")[0],
        data=entry.request["body"].encode(),
    )
    try:
        _api(entry.service).validate_request(request)
    except RequestValidationError as problem:
        why = getattr(problem.__cause__, "schema_errors", None) or problem.__cause__ or problem
        return [f"{entry.service} {entry.operation}: {why} in {entry.request}"]
    return []
