"""Every answer of the emulator held against Slack's published contract, in process (openapi-core)."""

from __future__ import annotations

import functools
import json
from urllib.parse import urlencode

from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from sandbox.world import Entry, Json
from tests import openapi

HOST = "https://slack.com"

BEYOND = {("conversations.unarchive", "not_in_channel")}
"""Answers Slack is known to give although its page of the method doesn't list them."""


def document() -> Json:
    return openapi.load("slack.yaml")


@functools.cache
def contract() -> OpenAPI:
    return openapi.unchecked(document())


def methods() -> set[str]:
    """The method names of the contract."""
    return {path.removeprefix("/") for path in document()["paths"]}


class _Request:
    """What openapi-core asks of a request, from a journal entry."""

    def __init__(self, entry: Entry, methods: set[str]) -> None:
        verb = entry.method.lower()
        self.host_url = HOST
        self.path = f"/api/{entry.operation}"
        self.path_pattern = None
        # The contract lists GET for reads only, Slack takes it everywhere.
        self.method = verb if verb in methods else "post"
        self.body: bytes | None = entry.request["body"].encode()
        self.content_type = entry.request["headers"].get("content-type", "")
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(entry.request["query"]), header=Headers(entry.request["headers"])
        )


class _Response:
    def __init__(self, entry: Entry) -> None:
        self.status_code = entry.status or 0
        self.content_type = "application/json"
        self.headers = Headers(entry.answer["headers"])
        self.data: bytes | None = entry.answer["body"].encode()


def violations(journal: list[Entry]) -> list[str]:
    """What in the answers of these calls breaks the contract, in words; [] when nothing does."""
    api, documented = contract(), document()["paths"]
    found = []
    for entry in journal:
        if entry.service != "slack" or entry.direction != "in" or entry.status is None:
            continue
        listed = documented.get(f"/{entry.operation}")
        if listed is None or (entry.operation, entry.error) in BEYOND:
            continue
        request = _Request(entry, set(listed))
        errors = list(api.iter_response_errors(request, _Response(entry)))
        for error in errors:
            found.append(f"{entry.operation}: {_told(error)} in {entry.answer['body'][:2000]}")
    return found


def _told(error: Exception) -> str:
    inner = getattr(error, "__cause__", None)
    details = [str(one) for one in getattr(inner, "schema_errors", ())]
    return f"{error!r} {inner!r} {'; '.join(details)[:1500]}"


def encoded(**values: object) -> str:
    """A form body with nested values as JSON text, as Slack's own clients send it."""
    return urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()})
