"""Runs that wait to be claimed: handed out, hidden for a while, acknowledged once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.sandbox.engine.conftest import DANA, LEAD, Bench, self_service

RESERVED = {"x-port-reserved-usage": "true"}
INSTALLATION = "incident-comms"


def offer(bench: Bench, identifier: str = "open_room", installation: str = INSTALLATION, **more: Any) -> None:
    method = {
        "type": "INTEGRATION_ACTION",
        "installationId": installation,
        "integrationActionType": "open_war_room",
        "integrationActionExecutionProperties": {
            "run": "{{ .run.id }}",
            "by": "{{ .trigger.by.user.email }}",
            "secret": "{{ .secrets.token }}",
        },
    }
    bench.action(identifier, self_service("CREATE"), method, **more)


async def claim(bench: Bench, **more: Any) -> httpx.Response:
    body = {"installationId": INSTALLATION, "limit": 10, "visibilityTimeoutMs": 60_000, **more}
    return await bench.call("POST", "/actions/runs/claim-pending", json=body, headers=RESERVED)


async def ids(bench: Bench, **more: Any) -> list[str]:
    return [run["id"] for run in (await claim(bench, **more)).json()["runs"]]


async def ack(bench: Bench, run: str) -> int:
    answer = await bench.call("PATCH", "/actions/runs/ack", json={"runId": run}, headers=RESERVED)
    return answer.status_code


async def test_claim_and_acknowledge(bench: Bench) -> None:
    bench.port.store.secrets["token"] = {"secretName": "token", "secretValue": "s3cr3t-value"}
    offer(bench)
    run = bench.engine.press("open_room", None, {}, DANA)
    assert run["pendingExecution"] is True
    assert run["installationId"] == INSTALLATION

    (claimed,) = (await claim(bench)).json()["runs"]
    hidden = await ids(bench)
    first, second = await ack(bench, run["id"]), await ack(bench, run["id"])
    done = await bench.call("PATCH", f"/actions/runs/{run['id']}", json={"status": "SUCCESS"})

    assert claimed["payload"] == {
        "type": "INTEGRATION_ACTION",
        "installationId": INSTALLATION,
        "integrationActionType": "open_war_room",
        "integrationActionExecutionProperties": {"run": run["id"], "by": DANA, "secret": None},
    }
    assert claimed["status"] == "IN_PROGRESS"
    assert claimed["action"]["identifier"] == "open_room"
    assert "claimedUntil" in claimed
    assert hidden == []
    assert (first, second) == (200, 409)
    assert done.json()["run"]["status"] == "SUCCESS"
    assert await ids(bench) == []


async def test_unacknowledged_runs_come_back(bench: Bench) -> None:
    offer(bench)
    run = bench.engine.press("open_room", None, {}, DANA)["id"]

    assert await ids(bench, visibilityTimeoutMs=5000) == [run]
    assert await ids(bench) == []
    bench.world.clock.shift["port"] = 5.1
    assert await ids(bench) == [run]


async def test_limits_installations_and_exclusions(bench: Bench) -> None:
    offer(bench)
    offer(bench, "close_room")
    offer(bench, "elsewhere", installation="other")
    opened = [bench.engine.press("open_room", None, {}, DANA)["id"] for _ in range(3)]
    closed = bench.engine.press("close_room", None, {}, DANA)["id"]
    other = bench.engine.press("elsewhere", None, {}, DANA)["id"]

    assert await ids(bench, limit=2) == opened[:2]
    assert await ids(bench, exclude=["open_room"]) == [closed]
    assert await ids(bench) == opened[2:]
    assert await ids(bench, installationId="other") == [other]


async def test_one_of_many_gets_it(bench: Bench) -> None:
    offer(bench)
    runs = {bench.engine.press("open_room", None, {}, DANA)["id"] for _ in range(20)}

    shares = await asyncio.gather(*(ids(bench, limit=5) for _ in range(6)))
    acks = await asyncio.gather(*(ack(bench, next(iter(runs))) for _ in range(5)))

    assert sorted(run for share in shares for run in share) == sorted(runs)
    assert sorted(acks) == [200, 409, 409, 409, 409]


async def test_what_waits_for_approval_is_not_claimed(bench: Bench) -> None:
    offer(bench, requiredApproval=True)
    run = bench.engine.press("open_room", None, {}, DANA)["id"]

    assert await ids(bench) == []
    assert await ack(bench, run) == 409
    bench.engine.approve(run, LEAD, True)
    assert await ids(bench) == [run]


async def test_a_finished_run_is_not_claimed(bench: Bench) -> None:
    offer(bench)
    run = bench.engine.press("open_room", None, {}, DANA)["id"]
    await bench.call("PATCH", f"/actions/runs/{run}", json={"status": "FAILURE"})

    assert await ids(bench) == []
    assert await ack(bench, run) == 409


async def test_the_execution_agent_claims_webhooks(bench: Bench) -> None:
    bench.action("open_room", self_service("CREATE"), bench.webhook({"run": "{{ .run.id }}"}, agent=True))
    run = bench.engine.press("open_room", None, {}, DANA)["id"]

    (claimed,) = bench.engine.runs.claim("_PORT_EXEC_AGENT", 10, 60.0, [])

    assert claimed.id == run
    assert claimed.payload is not None
    assert claimed.payload["body"] == {"run": run}
    assert bench.backend.got == []


async def test_bad_claims(bench: Bench) -> None:
    good = {"installationId": INSTALLATION, "limit": 1, "visibilityTimeoutMs": 1000}
    path = "/actions/runs/claim-pending"

    assert (await bench.call("POST", path, json=good)).status_code == 422
    for bad in ({"limit": 0}, {"limit": "1"}, {"limit": True}, {"exclude": "x"}, {"extra": 1}):
        answer = await bench.call("POST", path, json={**good, **bad}, headers=RESERVED)
        assert answer.status_code == 422
    assert (await bench.call("POST", path, json={"limit": 1}, headers=RESERVED)).status_code == 422
    assert await ack(bench, "r_nowhere") == 404


async def test_workflows_have_nothing_to_claim(bench: Bench) -> None:
    body = {"installationId": INSTALLATION, "limit": 1, "visibilityTimeoutMs": 1000}

    claimed = await bench.call("POST", "/workflows/runs/claim-pending", json=body, headers=RESERVED)
    found = await bench.call("GET", "/workflows/nodes/runs", params={"external_run_id": "x"})
    gone = await bench.call("PATCH", "/workflows/nodes/runs/wfnr_x", json={"status": "COMPLETED"})

    assert claimed.json()["nodeRuns"] == found.json()["nodeRuns"] == []
    assert gone.status_code == 404
