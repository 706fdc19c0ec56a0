"""Tokens, refusals in Port's own form, limits."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from tests.sandbox.port.conftest import Bench


def _claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


async def _token(bench: Bench, client: str, secret: str) -> Any:
    body = {"clientId": client, "clientSecret": secret}
    return await bench.http.post("/port/v1/auth/access_token", json=body, headers={"authorization": ""})


async def test_the_token_says_that_a_machine_holds_it(bench: Bench) -> None:
    answer = (await _token(bench, PORT_CLIENT_ID, PORT_CLIENT_SECRET)).json()

    claims = _claims(answer["accessToken"])
    assert claims["isMachine"] is True
    assert claims["orgId"] == bench.port.org
    assert answer["expiresIn"] == 10_800
    assert answer["tokenType"] == "Bearer"


async def test_personal_credentials_are_a_person(bench: Bench) -> None:
    user = {"email": "dana@example.com", "clientId": "dana-client", "clientSecret": "not-a-secret"}
    bench.port.seed({"users": [user]})
    token = (await _token(bench, "dana-client", "not-a-secret")).json()["accessToken"]

    headers = {"authorization": f"Bearer {token}"}
    body = {"identifier": "a", "properties": {"severity": "sev1"}}
    made = await bench.call("POST", "/blueprints/incident/entities", body, headers=headers)

    assert _claims(token)["isMachine"] is False
    assert made.json()["entity"]["createdBy"] == bench.port.store.users["dana@example.com"]["id"]


async def test_wrong_credentials_are_401(bench: Bench) -> None:
    answer = await _token(bench, PORT_CLIENT_ID, "wrong")

    assert answer.status_code == 401
    assert answer.json()["ok"] is False
    assert {"error", "message"} <= set(answer.json())


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer a.b.c", "Bearer nonsense", "Basic abc"])
async def test_no_operation_without_a_token(bench: Bench, header: str) -> None:
    answer = await bench.call("GET", "/blueprints", headers={"authorization": header})

    assert answer.status_code == 401
    assert answer.json()["ok"] is False


async def test_an_expired_or_revoked_token_is_401(bench: Bench) -> None:
    bench.world.clock.shift["port"] = 10_801
    assert (await bench.call("GET", "/blueprints")).status_code == 401
    bench.world.clock.shift["port"] = 0
    assert (await bench.call("GET", "/blueprints")).status_code == 200

    bench.port.credentials.revoke()

    assert (await bench.call("GET", "/blueprints")).status_code == 401
    assert (await _token(bench, PORT_CLIENT_ID, PORT_CLIENT_SECRET)).status_code == 200


async def test_what_is_not_there_is_404_in_ports_form(bench: Bench) -> None:
    for method, path in (("GET", "/nothing"), ("PUT", "/blueprints"), ("POST", "/blueprints/incident")):
        answer = await bench.call(method, path)
        assert answer.status_code == 404
        assert answer.json()["error"] == "not_found"


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b'"text"', b"[" * 100_000])
async def test_a_body_that_is_no_object_is_422(bench: Bench, content: bytes) -> None:
    answer = await bench.call("POST", "/blueprints/incident/entities", content=content)

    assert answer.status_code == 422


async def test_a_body_above_one_mebibyte_is_413(bench: Bench) -> None:
    body = {"identifier": "a", "properties": {"severity": "sev1", "status": "x" * 2**20}}
    answer = await bench.call("POST", "/blueprints/incident/entities", body)

    assert answer.status_code == 413


async def test_limits_are_told_and_kept(bench: Bench) -> None:
    answer = await bench.call("GET", "/blueprints")
    left = int(answer.headers["x-ratelimit-remaining"])
    assert int(answer.headers["x-ratelimit-limit"]) > left > 0
    assert answer.headers["x-ratelimit-period"] == "300"
    assert int(answer.headers["x-ratelimit-reset"]) > bench.world.clock.now("port")

    bench.port.limits.allowed["blueprints"] = 1
    refused = await bench.call("GET", "/blueprints")
    assert refused.status_code == 429
    assert refused.json()["ok"] is False

    bench.port.limits.enforced = False
    assert (await bench.call("GET", "/blueprints")).status_code == 200


async def test_a_planned_fault_speaks_ports_dialect(bench: Bench) -> None:
    bench.world.faults.add(
        {"service": "port", "operation": "entities.create", "status": 503, "after_effect": True}
    )
    body = {"identifier": "a", "properties": {"severity": "sev1"}}

    failed = await bench.call("POST", "/blueprints/incident/entities", body)

    assert failed.status_code == 503
    assert failed.json()["ok"] is False
    assert bench.port.store.entity("incident", "a") is not None
    assert bench.world.journal[-1].effect == "created entity incident/a"
    bench.checker.violations.clear()  # the contract knows no 503
