"""Runs as a backend meets them over HTTP: read, report, log, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from sandbox.port.service import ADMIN
from tests.sandbox.engine.conftest import DANA, LEAD, Bench, automation, self_service


@pytest_asyncio.fixture
async def run(bench: Bench) -> str:
    """The id of a run in progress."""
    bench.entity("incident", "inc-1", severity="sev1")
    bench.action("open_room", self_service())
    return str(bench.engine.press("open_room", "inc-1", {}, DANA)["id"])


async def test_report(bench: Bench, run: str) -> None:
    path = f"/actions/runs/{run}"
    first = await bench.call("PATCH", path, json={"statusLabel": "opening", "link": "https://a.example.com"})
    links = ["https://a.example.com", "https://b.example.com"]
    body = {"link": links, "summary": "Open.", "externalRunId": "x-1", "status": "SUCCESS"}
    second = await bench.call("PATCH", path, params={"version": "v2"}, json=body)

    assert first.json()["run"]["link"] == "https://a.example.com"
    assert first.json()["run"]["status"] == "IN_PROGRESS"
    shown = second.json()["run"]
    assert {name: shown[name] for name in body} == body
    assert shown["statusLabel"] == "opening"
    assert "endedAt" in shown
    assert (await bench.call("GET", path)).json()["run"] == shown


@pytest.mark.parametrize(
    "body",
    [
        {"status": "IN_PROGRESS"},
        {"status": "DECLINED"},
        {"status": 1},
        {"statusLabel": None},
        {"link": 7},
        {"link": [7]},
        {"link": {"url": "x"}},
        {"summary": ["x"]},
        {"externalRunId": 5},
        {"message": "text"},
        {"logs": []},
        {"response": {}},
        ["no object"],
    ],
)
async def test_a_report_port_does_not_know_is_refused(bench: Bench, run: str, body: Any) -> None:
    answer = await bench.call("PATCH", f"/actions/runs/{run}", json=body)

    assert answer.status_code == 422
    assert answer.json()["ok"] is False
    assert bench.engine.runs.get(run).status == "IN_PROGRESS"


@pytest.mark.parametrize("locked", [True, False])
async def test_a_finished_run(bench: Bench, run: str, locked: bool) -> None:
    bench.world.hostility.final_run_locked = locked
    path = f"/actions/runs/{run}"
    await bench.call("PATCH", path, json={"status": "SUCCESS"})

    late = await bench.call("PATCH", path, json={"status": "FAILURE"})
    label = await bench.call("PATCH", path, json={"statusLabel": "late"})
    ended = await bench.call("POST", f"{path}/logs", json={"message": "x", "terminationStatus": "FAILURE"})
    plain = await bench.call("POST", f"{path}/logs", json={"message": "afterwards"})

    assert (late.status_code, label.status_code) == ((422, 422) if locked else (200, 200))
    assert ended.status_code == (422 if locked else 201)
    assert plain.status_code == 201
    if locked:
        assert "already ended" in late.json()["message"]
        assert bench.engine.runs.get(run).status == "SUCCESS"


async def test_logs(bench: Bench, run: str) -> None:
    path = f"/actions/runs/{run}/logs"
    for number in range(60):
        answer = await bench.call("POST", path, json={"message": f"line {number}"})
    assert answer.status_code == 201
    assert answer.json()["runLog"]["runId"] == run

    page = (await bench.call("GET", path)).json()["runLogs"]
    rest = (await bench.call("GET", path, params={"offset": "50", "limit": "5"})).json()["runLogs"]
    assert [entry["message"] for entry in (page[0], page[-1])] == ["line 0", "line 49"]
    assert [entry["message"] for entry in rest] == [f"line {number}" for number in range(50, 55)]
    assert (await bench.call("GET", path, params={"limit": "51"})).status_code == 422


async def test_a_log_ends_a_run_once(bench: Bench, run: str) -> None:
    path = f"/actions/runs/{run}/logs"
    body = {"message": "done", "terminationStatus": "FAILURE", "statusLabel": "no scope"}

    first = await bench.call("POST", path, json=body)
    second = await bench.call("POST", path, json=body)

    assert (first.status_code, second.status_code) == (201, 422)
    found = bench.engine.runs.get(run)
    assert (found.status, found.status_label) == ("FAILURE", "no scope")
    for bad in (
        {},
        {"message": 1},
        {"message": "x", "terminationStatus": "DONE"},
        {"message": "x", "level": "INFO"},
    ):
        assert (await bench.call("POST", path, json=bad)).status_code == 422


async def test_response(bench: Bench, run: str) -> None:
    path = f"/actions/runs/{run}/response"

    stored = await bench.call("PATCH", path, json={"response": {"channel": "C1"}})
    wrong = await bench.call("PATCH", path, json={"answer": 1})

    assert stored.json()["run"]["response"] == {"channel": "C1"}
    assert wrong.status_code == 422


async def test_lists(bench: Bench, run: str) -> None:
    bench.action("close_room", self_service())
    bench.action("watch", automation("ENTITY_CREATED"))
    other = bench.engine.press("close_room", "inc-1", {}, LEAD)["id"]
    bench.entity("incident", "inc-2")
    auto = bench.of("watch")[0]["id"]
    api = (
        await bench.call("POST", "/actions/open_room/runs", json={"entity": "inc-2", "properties": {}})
    ).json()
    machine = api["run"]["id"]
    await bench.call("PATCH", f"/actions/runs/{other}", json={"status": "SUCCESS", "externalRunId": "x-7"})

    async def listed(**params: Any) -> list[str]:
        answer = await bench.call("GET", "/actions/runs", params={"version": "v2", **params})
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["runs"]]

    assert await listed() == [machine, auto, other, run]
    assert await listed(active="true") == [machine, auto, run]
    assert await listed(action="open_room") == [machine, run]
    assert await listed(entity="inc-1") == [other, run]
    assert await listed(blueprint="service") == []
    assert await listed(external_run_id="x-7") == [other]
    assert await listed(user_email=DANA) == [run]
    assert await listed(user_id=bench.port.store.users[ADMIN]["id"]) == [auto]
    assert await listed(source="AUTOMATION") == [auto]
    assert await listed(source=["UI", "API"]) == [machine, other, run]
    assert await listed(limit="2") == [machine, auto]
    few = await bench.call("GET", "/actions/runs", params={"exclude": ["payload", "rawProperties", "id"]})
    assert {"payload", "rawProperties"}.isdisjoint(few.json()["runs"][0])
    assert "id" in few.json()["runs"][0]
    for bad in ({"active": "yes"}, {"limit": "0"}, {"limit": "1001"}, {"source": "CRON"}):
        assert (await bench.call("GET", "/actions/runs", params=bad)).status_code == 422


async def test_a_run_that_is_not_there(bench: Bench) -> None:
    gone = "/actions/runs/r_nowhere"

    answers = [
        await bench.call("GET", gone),
        await bench.call("PATCH", gone, json={"status": "SUCCESS"}),
        await bench.call("POST", f"{gone}/logs", json={"message": "x"}),
        await bench.call("GET", f"{gone}/logs"),
        await bench.call("PATCH", f"{gone}/approval", json={"status": "APPROVE"}),
        await bench.call("GET", f"{gone}/approvers", params={"include_pending_approvers": "true"}),
    ]

    assert {answer.status_code for answer in answers} == {404}


async def test_without_a_token(bench: Bench) -> None:
    answer = await bench.call("GET", "/actions/runs", headers={"authorization": "Bearer nonsense"})

    assert answer.status_code == 401


async def test_entities_are_tied_to_a_run_in_progress_only(bench: Bench, run: str) -> None:
    async def write(run_id: str) -> int:
        body = {"properties": {"updates": 1}}
        params = {"run_id": run_id}
        return (
            await bench.call("PATCH", "/blueprints/incident/entities/inc-1", params=params, json=body)
        ).status_code

    assert await write(run) == 200
    await bench.call("PATCH", f"/actions/runs/{run}", json={"status": "SUCCESS"})
    assert await write(run) == 422
    assert await write("r_nowhere") == 404


async def test_reset_forgets_runs(bench: Bench, run: str) -> None:
    assert bench.engine.snapshot()[0]["logs"] == []

    await bench.world.reset()

    assert bench.engine.snapshot() == []
