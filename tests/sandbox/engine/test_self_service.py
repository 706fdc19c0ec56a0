"""A button starts a run: form, entity, condition, permissions, approval."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.credentials import PORT_CLIENT_ID
from sandbox.port.service import ADMIN
from sandbox.port.wire import PortError
from tests.sandbox.engine.conftest import DANA, LEAD, Bench, self_service
from tests.sandbox.serve import until

PAYLOAD = {
    "run": "{{ .run.id }}",
    "incident": "{{ .entity.identifier }}",
    "severity": "{{ .entity.properties.severity }}",
    "service": "{{ .inputs.service.properties.tier }}",
    "inputs": "{{ .inputs }}",
    "by": "{{ .trigger.by.user.email }}",
    "name": "{{ .trigger.by.user.firstName }}",
    "org": "{{ .trigger.by.orgId }}",
    "origin": "{{ .trigger.origin }}",
    "operation": "{{ .trigger.operation }}",
    "action": "{{ .action.identifier }}",
    "event": "{{ .event }}",
}
FORM = {
    "note": {"type": "string", "default": "none"},
    "service": {"type": "string", "format": "entity", "blueprint": "service"},
}


async def test_press(bench: Bench) -> None:
    bench.entity("service", "checkout", tier=2)
    bench.entity("incident", "inc-1", severity="sev1")
    bench.action("open_room", self_service(properties=FORM), bench.webhook(PAYLOAD))

    run = bench.engine.press("open_room", "inc-1", {"service": "checkout"}, DANA)
    await until(lambda: bench.backend.got)

    (body,) = bench.backend.bodies()
    inputs = body.pop("inputs")
    assert inputs["note"] == "none"
    assert inputs["service"]["identifier"] == "checkout"
    assert body == {
        "run": run["id"],
        "incident": "inc-1",
        "severity": "sev1",
        "service": 2,
        "by": DANA,
        "name": "dana",
        "org": bench.port.org,
        "origin": "UI",
        "operation": "DAY-2",
        "action": "open_room",
        "event": None,
    }
    assert run["properties"] == {"service": "checkout", "note": "none"}
    assert run["source"] == "UI"
    assert run["createdBy"] == bench.port.store.users[DANA]["id"]
    assert run["status"] == "IN_PROGRESS"


async def test_over_the_api_on_behalf_of_a_person(bench: Bench) -> None:
    bench.entity("incident", "inc-1")
    bench.action("open_room", self_service(), bench.webhook(PAYLOAD))
    body: dict[str, Any] = {"properties": {}, "entity": "inc-1"}

    answer = await bench.call("POST", "/actions/open_room/runs", params={"run_as": DANA}, json=body)
    machine = await bench.call("POST", "/actions/open_room/runs", json=body)
    unknown = await bench.call(
        "POST", "/actions/open_room/runs", params={"run_as": "no@example.com"}, json=body
    )
    await until(lambda: len(bench.backend.got) == 2)

    run = answer.json()["run"]
    assert answer.status_code == 202
    assert (run["source"], run["impersonatedBy"]) == ("API", PORT_CLIENT_ID)
    assert machine.json()["run"]["createdBy"] == PORT_CLIENT_ID
    assert unknown.status_code == 404
    assert {one["by"] for one in bench.backend.bodies()} == {DANA, None}


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("nowhere", {"properties": {}}, 404, "nowhere"),
        ("watch", {"properties": {}}, 422, "not a self-service action"),
        ("open_room", {"properties": {}}, 422, "entity"),
        ("open_room", {"properties": {}, "entity": "inc-7"}, 404, "inc-7"),
        ("open_room", {"entity": "inc-1"}, 422, "properties"),
        ("open_room", {"properties": [], "entity": "inc-1"}, 422, "properties"),
        ("open_room", {"properties": {}, "entity": 7}, 422, "entity"),
        ("open_room", {"properties": {}, "entity": "inc-1", "extra": 1}, 422, "extra"),
        ("open_room", {"properties": {"note": 7}, "entity": "inc-1"}, 422, "note"),
        ("open_room", {"properties": {"unknown": 7}, "entity": "inc-1"}, 422, "unknown"),
        ("open_room", ["no object"], 422, "object"),
    ],
)
async def test_refused_before_there_is_a_run(
    bench: Bench, path: str, body: Any, status: int, says: str
) -> None:
    bench.entity("incident", "inc-1")
    bench.action("open_room", self_service(properties=FORM))
    bench.action("watch", {"type": "automation", "event": {"type": "RUN_CREATED", "actionIdentifier": "x"}})

    answer = await bench.call("POST", f"/actions/{path}/runs", json=body)

    assert answer.status_code == status
    assert answer.json()["ok"] is False
    assert says in answer.json()["message"]
    assert bench.engine.snapshot() == []


async def test_the_condition_of_a_day_2_action(bench: Bench) -> None:
    rule = {"property": "status", "operator": "=", "value": "open"}
    condition = {"type": "SEARCH", "combinator": "and", "rules": [rule]}
    bench.action("open_room", self_service(condition=condition))
    bench.entity("incident", "open", status="open")
    bench.entity("incident", "closed", status="closed")

    bench.engine.press("open_room", "open", {}, DANA)
    with pytest.raises(PortError, match="condition") as refusal:
        bench.engine.press("open_room", "closed", {}, DANA)

    assert refusal.value.status == 422


async def test_who_may_execute(bench: Bench) -> None:
    bench.action("open_room", self_service("CREATE"))
    bench.port.store.action_permissions["open_room"] = {"execute": {"users": [LEAD], "roles": ["Admin"]}}

    bench.engine.press("open_room", None, {}, LEAD)
    bench.engine.press("open_room", None, {}, ADMIN)
    with pytest.raises(PortError) as refusal:
        bench.engine.press("open_room", None, {}, DANA)

    assert refusal.value.status == 403


async def test_approval(bench: Bench) -> None:
    bench.action("publish", self_service("CREATE"), bench.webhook(PAYLOAD), requiredApproval=True)

    run = bench.engine.press("publish", None, {}, DANA)
    waiting = await bench.call("GET", "/actions/runs", params={"active": "true"})
    early = await bench.call("PATCH", f"/actions/runs/{run['id']}", json={"status": "SUCCESS"})
    assert run["status"] == "WAITING_FOR_APPROVAL"
    assert run["requiredApproval"] is True
    assert [one["id"] for one in waiting.json()["runs"]] == [run["id"]]
    assert early.status_code == 422
    assert bench.backend.got == []

    approved = bench.engine.approve(run["id"], LEAD, True, "looks right")
    await until(lambda: bench.backend.got)

    assert approved["status"] == "IN_PROGRESS"
    lead = bench.port.store.users[LEAD]["id"]
    assert approved["approval"] == {"userId": lead, "state": "APPROVED", "description": "looks right"}
    assert bench.backend.bodies()[0]["by"] == DANA
    with pytest.raises(PortError, match="does not wait"):
        bench.engine.approve(run["id"], LEAD, True)


async def test_decline_over_the_api(bench: Bench) -> None:
    bench.action("publish", self_service("CREATE"), requiredApproval={"type": "ANY"})
    run = bench.engine.press("publish", None, {}, DANA)
    path = f"/actions/runs/{run['id']}/approval"

    wrong = await bench.call("PATCH", path, json={"status": "MAYBE"})
    declined = await bench.call("PATCH", path, json={"status": "DECLINE", "description": "not now"})
    again = await bench.call("PATCH", path, json={"status": "APPROVE"})
    final = await bench.call("PATCH", f"/actions/runs/{run['id']}", json={"status": "FAILURE"})

    assert wrong.status_code == 422
    assert declined.status_code == 201
    assert declined.json()["run"]["status"] == "DECLINED"
    assert "endedAt" in declined.json()["run"]
    assert again.status_code == final.status_code == 422
    assert bench.backend.got == []


async def test_all_who_are_named_must_approve(bench: Bench) -> None:
    bench.action("publish", self_service("CREATE"), requiredApproval={"type": "ALL"})
    bench.port.store.action_permissions["publish"] = {"approve": {"users": [LEAD, ADMIN]}}
    run = bench.engine.press("publish", None, {}, DANA)
    path = f"/actions/runs/{run['id']}/approvers"

    with pytest.raises(PortError) as refusal:
        bench.engine.approve(run["id"], DANA, True)
    first = bench.engine.approve(run["id"], LEAD, True)
    listed = await bench.call("GET", path, params={"include_pending_approvers": "true"})
    decided = await bench.call("GET", path, params={"include_pending_approvers": "false"})
    second = bench.engine.approve(run["id"], ADMIN, True)

    assert refusal.value.status == 403
    assert (first["status"], second["status"]) == ("WAITING_FOR_APPROVAL", "IN_PROGRESS")
    assert [one["state"] for one in listed.json()["approvers"]] == ["APPROVED", "PENDING"]
    assert [one["state"] for one in decided.json()["approvers"]] == ["APPROVED"]


async def test_a_request_can_be_withdrawn(bench: Bench) -> None:
    bench.action("publish", self_service("CREATE"), requiredApproval=True)
    run = bench.engine.press("publish", None, {}, DANA)

    answer = await bench.call("PATCH", f"/actions/runs/{run['id']}", json={"status": "FAILURE"})

    assert answer.json()["run"]["status"] == "FAILURE"
    with pytest.raises(PortError):
        bench.engine.approve(run["id"], LEAD, True)
