"""The check of the stories checks: what is right passes, what is wrong is found and named."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import credentials
from sandbox.app import build
from sandbox.world import World
from tests.contract import exchanges
from tests.sandbox.serve import serve

Json = dict[str, Any]
AGENT = {"user-agent": "incident-comms/0"}


@pytest.fixture
async def journal() -> list[Json]:
    """A few exchanges of ours with each provider."""
    if exchanges.folder() is None:
        pytest.skip(exchanges.MISSING)
    sandbox = build(World())
    async with serve(sandbox.app) as base, httpx.AsyncClient(base_url=base, headers=AGENT) as client:
        slack = {"authorization": f"Bearer {credentials.SLACK_BOT_TOKEN}"}
        await client.post("/slack/api/conversations.create", data={"name": "inc-1"}, headers=slack)
        await client.post("/slack/api/chat.postMessage", data={"channel": "C0", "text": "x"}, headers=slack)
        given = {"clientId": credentials.PORT_CLIENT_ID, "clientSecret": credentials.PORT_CLIENT_SECRET}
        token = (await client.post("/port/v1/auth/access_token", json=given)).json()["accessToken"]
        port = {"authorization": f"Bearer {token}"}
        bulk = {"entities": [{"identifier": "payments-2", "title": "Payments"}]}
        await client.post("/port/v1/blueprints/service/entities/bulk", json=bulk, headers=port)
        await client.get("/port/v1/blueprints/service/entities/payments-2", headers=port)
        grant = {"grant_type": "account_credentials", "account_id": credentials.ZOOM_ACCOUNT_ID}
        auth = (credentials.ZOOM_CLIENT_ID, credentials.ZOOM_CLIENT_SECRET)
        bearer = (await client.post("/zoom/oauth/token", data=grant, auth=auth)).json()["access_token"]
        zoom = {"authorization": f"Bearer {bearer}"}
        meeting = {"topic": "INC-1", "type": 2, "agenda": "[INC-1:bridge]"}
        await client.post("/zoom/v2/users/bridge-1@example.com/meetings", json=meeting, headers=zoom)
        made = [asdict(entry) for entry in sandbox.world.journal]
        await sandbox.close()
        return made


def of(journal: list[Json], operation: str) -> Json:
    (found,) = [entry for entry in journal if entry["operation"] == operation]
    return found


async def test_what_is_right_passes(journal: list[Json]) -> None:
    assert {entry["service"] for entry in journal} == {"slack", "zoom", "port"}
    assert exchanges.violations(journal) == []


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ("conversations.create", {"channel": {"id": 7}}),
        ("chat.postMessage", {"error": "no_such_error"}),
        ("meetings.create", {"id": "not a number"}),
        ("entities.get", {"entity": "gone"}),
    ],
)
async def test_a_wrong_answer_is_found(journal: list[Json], operation: str, change: Json) -> None:
    entry = deepcopy(of(journal, operation))
    entry["answer"]["body"] = json.dumps(json.loads(entry["answer"]["body"]) | change)

    (found, *_) = exchanges.violations([entry])

    assert f"{operation} answered {entry['status']}" in found


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("entities.bulk", {"entities": "payments"}),
        ("entities.bulk", {"entities": [{"identifier": "payments", "properties": []}]}),
        ("meetings.create", {"topic": 7}),
    ],
)
async def test_a_wrong_request_of_ours_is_found(journal: list[Json], operation: str, body: Json) -> None:
    entry = deepcopy(of(journal, operation))
    entry["request"]["body"] = json.dumps(body)

    (found, *_) = exchanges.violations([entry])

    assert f"{operation} asked" in found
    entry["caller"] = "python-httpx/0.28"  # a test's own: theirs to answer for
    assert exchanges.violations([entry]) == []


async def test_a_planned_fault_is_no_violation(journal: list[Json]) -> None:
    entry = deepcopy(of(journal, "entities.get")) | {"status": 503, "fault": 1}
    entry["answer"]["body"] = "<html>upstream hiccup"

    assert exchanges.violations([entry]) == []


def test_without_the_contracts_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INCIDENT_COMMS_SHARED", str(tmp_path))

    assert exchanges.folder() is None
    assert "INCIDENT_COMMS_SHARED" in exchanges.MISSING
