"""A whole journal of the sandbox held to the vendors' published contracts, in process (openapi-core).

Every answer of the emulators is checked, whoever asked, and every request of ours; what Ocean itself and
the tests ask is theirs. What a vendor is known to do beyond its contract is listed where that vendor's
emulator is tested (`tests/sandbox/*/contract.py`), and read from there.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.templating.paths.exceptions import PathError
from openapi_core.testing import MockRequest, MockResponse

from tests.openapi import document, unchecked
from tests.sandbox.port.contract import UNPUBLISHED_STATUSES
from tests.sandbox.slack.contract import BEYOND
from tests.services.request_contract import HOSTS, PREFIXES, SERVERS

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
OURS = "incident-comms/"
"""How the User-Agent of every request of ours begins."""

PLANNED = {500, 502, 503, 504}
"""Answers of a fault that a test has planned; no contract describes a broken gateway."""

BEYOND_THE_EXTRACT = ("scorecards.", "pages.")
"""Port publishes these routes, but the contract at hand is an extract that leaves them out."""

_CHANGING = re.compile(r"\b(?:[CUTBD][0-9A-Z]{8,}|rl?_\w{16})\b|\d+")
"""Slack's and Port's ids, and whatever is counted or timed."""

MISSING = (
    "The vendors' contracts are not here, so no exchange was held to them: "
    "set INCIDENT_COMMS_SHARED to the folder that has contracts/."
)


def folder() -> Path | None:
    """The folder of the contracts; None on a machine without it."""
    shared = Path(os.environ.get("INCIDENT_COMMS_SHARED", ROOT.parent / "shared")) / "contracts"
    return shared if (shared / "port.yaml").is_file() else None


def violations(journal: Iterable[Json]) -> list[str]:
    """What in these exchanges breaks a contract, in words; [] when nothing does.

    `journal` is what `GET /_sandbox/journal?full=true` gives. Exchanges that differ in numbers and ids
    alone, as polls do, are checked once. Needs `folder()`.
    """
    found: dict[str, None] = {}
    seen: set[str] = set()
    for entry in journal:
        if entry["direction"] != "in" or entry["service"] not in PREFIXES:
            continue
        said = (entry["operation"], entry["status"], entry["error"], entry["path"], entry["caller"])
        texts = (entry["request"]["query"], entry["request"]["body"], entry["answer"].get("body"))
        same = _CHANGING.sub("0", repr((said, texts)))
        if same not in seen:
            seen.add(same)
            with warnings.catch_warnings():
                # openapi-core can't check OAuth; the emulators do.
                warnings.filterwarnings("ignore", "Unsupported scheme type")
                found.update(dict.fromkeys(_violations(entry)))
    return list(found)


def _violations(entry: Json) -> list[str]:
    service, oauth = entry["service"], entry["operation"].startswith("oauth")
    path = entry["path"].removeprefix("/zoom") if oauth else None
    path = path or SERVERS[service] + entry["path"].removeprefix(PREFIXES[service])
    host = "https://zoom.us" if oauth else HOSTS[service]
    headers = {**entry["request"]["headers"], "authorization": "Bearer x"}
    request = MockRequest(
        host,
        entry["method"].lower(),
        path,
        args=dict(entry["request"]["query"]),
        headers=headers,
        content_type=headers.get("content-type", "").partition(";")[0],
        data=entry["request"]["body"].encode(),
    )
    problems: list[str] = []
    if entry["operation"] == "recording.download":
        return problems  # a file's address, given by a webhook, is no part of Zoom's API
    if service == "port" and entry["operation"].startswith(BEYOND_THE_EXTRACT):
        return problems
    if entry["caller"].startswith(OURS) and not oauth and not _is_opted_in(entry):
        problems += [f"asked: {_told(one)}" for one in _api(service).iter_request_errors(request)]
    if entry["status"] is not None and _is_published(entry):
        problems += [f"answered {entry['status']}: {_told(one)}" for one in _answer(service, request, entry)]
    return [f"{service} {entry['operation']} {problem}" for problem in problems]


def _is_opted_in(entry: Json) -> bool:
    """Port publishes its own integration action types alone; who opts in to ours has Port's word for more.

    The sandbox refuses them, as Port does, until it is told otherwise.
    """
    return entry["operation"].startswith("actions.") and '"INTEGRATION_ACTION"' in entry["request"]["body"]


def _is_published(entry: Json) -> bool:
    if entry["fault"] is not None and entry["status"] in PLANNED:
        return False
    if entry["service"] == "slack":
        return (entry["operation"], entry["error"]) not in BEYOND
    return entry["service"] != "port" or entry["status"] not in UNPUBLISHED_STATUSES


def _answer(service: str, request: MockRequest, entry: Json) -> Iterable[Exception]:
    headers = entry["answer"].get("headers", {})
    answer = MockResponse(
        entry["answer"].get("body", "").encode(),
        status_code=entry["status"],
        headers=headers,
        content_type=headers.get("content-type", "application/json").partition(";")[0],
    )
    # A path that is not published is one that only Port's own software calls.
    return [
        problem
        for problem in _api(service).iter_response_errors(request, answer)
        if not isinstance(problem, PathError)
    ]


def _told(problem: Exception) -> str:
    cause = problem.__cause__
    schema_errors = getattr(cause, "schema_errors", None)
    if schema_errors:
        return "; ".join(
            f"{'/'.join(map(str, one.absolute_path))}: {one.message[:300]}" for one in schema_errors
        )
    return repr(cause or problem)[:300]


@cache
def _api(service: str) -> OpenAPI:
    where = folder()
    assert where is not None
    servers = [{"url": HOSTS[service] + SERVERS[service]}]
    return unchecked({**document(where / f"{service}.yaml"), "servers": servers})
