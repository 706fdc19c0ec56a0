"""What the sandbox does not have: answered in the vendor's form, and named as the sandbox's own gap."""

from __future__ import annotations

import httpx
import pytest

from sandbox import credentials
from sandbox.app import build
from sandbox.wire import GAP_HEADER
from sandbox.world import World

KEY = {"authorization": f"OAuth {credentials.STATUSPAGE_API_KEY}"}


@pytest.mark.parametrize(
    ("path", "service", "status", "word"),
    [
        ("/slack/api/canvases.create", "slack", 200, "unknown_method"),
        ("/slack/api/no%0Asuch", "slack", 200, "unknown_method"),
        ("/zoom/v2/phone/call_logs", "zoom", 404, "not recognized"),
        ("/zoom/v2/report/%E2%80%A8%0A", "zoom", 404, "not recognized"),
        ("/statuspage/v1/pages/sbxstatus001/metrics/a%0Ab", "statuspage", 404, "Could not find record"),
        ("/port/v1/webhooks", "port", 404, "not found"),
        ("/port/v1/a%0Ab", "port", 404, "not found"),
    ],
)
async def test_a_gap_is_named_as_one(path: str, service: str, status: int, word: str) -> None:
    sandbox = build(World())
    transport = httpx.ASGITransport(sandbox.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        answer = await http.get(path, headers=KEY)
    await sandbox.close()

    assert (answer.status_code, word in answer.text) == (status, True)
    assert answer.json()
    assert f"sandbox/{service}/coverage.py" in answer.headers[GAP_HEADER]


@pytest.mark.parametrize("service", ["mail", "port", "slack", "statuspage", "zoom"])
async def test_a_seed_that_nobody_knows_is_refused(service: str) -> None:
    sandbox = build(World())
    transport = httpx.ASGITransport(sandbox.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        answer = await http.post("/_sandbox/seed", json={service: {"no_such_thing": 1}})
    await sandbox.close()

    assert (answer.status_code, "no_such_thing" in answer.text) == (400, True)
