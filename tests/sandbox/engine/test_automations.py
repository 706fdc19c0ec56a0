"""Automations fire on what they listen to, when their condition holds, and on nothing else."""

from __future__ import annotations

import pytest

from sandbox.port.service import ADMIN
from tests.sandbox.engine.conftest import DANA, Bench, automation, self_service
from tests.sandbox.serve import until

SEVERE = '.diff.after.properties.severity == "sev1"'
RAISED = ".diff.before.properties.severity != .diff.after.properties.severity"
EVENT = {
    "run": "{{ .run.id }}",
    "incident": "{{ .event.context.entityIdentifier }}",
    "blueprint": "{{ .event.context.blueprintIdentifier }}",
    "what": "{{ .event.action }}",
    "before": "{{ .event.diff.before.properties.severity }}",
    "after": "{{ .event.diff.after.properties.severity }}",
    "snapshot": "{{ .event.diff.after }}",
    "by": "{{ .trigger.by.user.email }}",
    "origin": "{{ .event.trigger.origin }}",
    "entity": "{{ .entity }}",
    "inputs": "{{ .inputs }}",
}


@pytest.mark.parametrize(
    ("event", "fired"),
    [
        ("ENTITY_CREATED", ["CREATE"]),
        ("ENTITY_UPDATED", ["UPDATE"]),
        ("ENTITY_DELETED", ["DELETE"]),
        ("ANY_ENTITY_CHANGE", ["CREATE", "UPDATE", "DELETE"]),
    ],
)
async def test_entity_events(bench: Bench, event: str, fired: list[str]) -> None:
    bench.action("watch", automation(event), bench.webhook({"what": "{{ .event.action }}"}))

    bench.entity("incident", "inc-1", severity="sev1")
    bench.entity("incident", "inc-1", severity="sev2")
    bench.delete("incident", "inc-1")
    bench.entity("service", "checkout", tier=1)
    await until(lambda: len(bench.backend.got) == len(fired))

    assert sorted(body["what"] for body in bench.backend.bodies()) == sorted(fired)
    assert len(bench.of("watch")) == len(fired)


async def test_the_payload_of_an_automation(bench: Bench) -> None:
    bench.action("raised", automation("ENTITY_UPDATED", SEVERE, RAISED), bench.webhook(EVENT))
    bench.entity("incident", "inc-1", severity="sev3")

    bench.entity("incident", "inc-1", user=DANA, severity="sev1")
    await until(lambda: bench.backend.got)

    (body,) = bench.backend.bodies()
    (run,) = bench.of("raised")
    snapshot = body.pop("snapshot")
    assert snapshot["title"] == "INC-1"
    assert snapshot["properties"]["status"] == "open"
    assert body == {
        "run": run["id"],
        "incident": "inc-1",
        "blueprint": "incident",
        "what": "UPDATE",
        "before": "sev3",
        "after": "sev1",
        "by": DANA,
        "origin": "UI",
        "entity": None,
        "inputs": None,
    }
    assert run["source"] == "AUTOMATION"
    assert run["status"] == "IN_PROGRESS"
    assert run["entity"]["identifier"] == "inc-1"
    assert run["blueprint"]["identifier"] == "incident"


async def test_a_condition_reads_the_event_itself(bench: Bench) -> None:
    inside = '.event.diff.after.properties.severity == "sev1"'
    either = [SEVERE, '.diff.after.properties.status == "closed"']
    bench.action("wrong_path", automation("ENTITY_CREATED", inside))
    bench.action("both", automation("ENTITY_CREATED", *either))
    bench.action("either", automation("ENTITY_CREATED", *either, combinator="or"))
    bench.action("context", automation("ENTITY_CREATED", '.context.entityIdentifier == "inc-1"'))
    bench.action("who", automation("ENTITY_CREATED", f'.trigger.by.user.email == "{ADMIN}"'))

    bench.entity("incident", "inc-1", severity="sev1")

    fired = {name for name in bench.port.store.actions if bench.of(name)}
    assert fired == {"either", "context", "who"}


async def test_an_automation_has_to_be_published(bench: Bench) -> None:
    bench.action("off", automation("ENTITY_CREATED"), publish=False)
    bench.action("unsaid", automation("ENTITY_CREATED"))
    del bench.port.store.actions["unsaid"]["publish"]

    bench.entity("incident", "inc-1")

    assert bench.engine.snapshot() == []


async def test_an_import_fires_for_what_the_condition_lets_through(bench: Bench) -> None:
    bench.action("open_room", automation("ENTITY_CREATED", SEVERE, '.diff.after.properties.status == "open"'))

    for number in range(100):
        bench.entity("incident", f"old-{number}", severity="sev1", status="closed")
    bench.entity("incident", "new", severity="sev1")

    assert [run["entity"]["identifier"] for run in bench.of("open_room")] == ["new"]


async def test_a_change_over_http_fires_too(bench: Bench) -> None:
    bench.action("created", automation("ENTITY_CREATED"), bench.webhook(EVENT))

    answer = await bench.call(
        "POST",
        "/blueprints/incident/entities",
        json={"identifier": "inc-9", "properties": {"severity": "sev1"}},
    )
    await until(lambda: bench.backend.got)

    assert answer.status_code < 300
    (body,) = bench.backend.bodies()
    assert (body["incident"], body["by"], body["origin"]) == ("inc-9", None, "API")


@pytest.mark.parametrize(
    ("event", "seen"),
    [
        ("RUN_CREATED", ["CREATE"]),
        ("RUN_UPDATED", ["UPDATE", "UPDATE"]),
        ("ANY_RUN_CHANGE", ["CREATE", "UPDATE", "UPDATE"]),
    ],
)
async def test_run_events(bench: Bench, event: str, seen: list[str]) -> None:
    bench.action("announce", self_service("CREATE"))
    told = {"what": "{{ .event.action }}", "status": "{{ .event.diff.after.status }}"}
    bench.action("follow", automation(event, actionIdentifier="announce"), bench.webhook(told))

    run = bench.engine.press("announce", None, {}, DANA)
    await until(lambda: len(bench.of("follow")) == (event != "RUN_UPDATED"))
    await bench.call("PATCH", f"/actions/runs/{run['id']}", json={"statusLabel": "halfway"})
    await bench.call("POST", f"/actions/runs/{run['id']}/logs", json={"message": "logs are no change"})
    await bench.call("PATCH", f"/actions/runs/{run['id']}", json={"status": "SUCCESS"})

    assert [one["payload"]["body"]["what"] for one in bench.of("follow")] == seen
    assert bench.of("follow")[-1]["payload"]["body"]["status"] == (
        "IN_PROGRESS" if event == "RUN_CREATED" else "SUCCESS"
    )


async def test_runs_of_another_automation_can_be_listened_to(bench: Bench) -> None:
    bench.backend.status, bench.backend.answer = 200, b'{"channel": "C1"}'
    bench.action("first", automation("ENTITY_CREATED"), bench.webhook(synchronized=True))
    ended = '.diff.after.status == "SUCCESS" and .diff.before.status == "IN_PROGRESS"'
    said = {
        "channel": "{{ .event.diff.after.response.channel }}",
        "of": "{{ .event.diff.after.entity.identifier }}",
    }
    bench.action("second", automation("RUN_UPDATED", ended, actionIdentifier="first"), bench.webhook(said))

    bench.entity("incident", "inc-1")
    await until(lambda: bench.of("second"))

    assert bench.of("second")[0]["payload"]["body"] == {"channel": "C1", "of": "inc-1"}


async def test_upserts(bench: Bench) -> None:
    mapping = {
        "identifier": "{{ .event.context.entityIdentifier }}",
        "title": "Service of {{ .event.diff.after.title }}",
        "properties": {"tier": 3},
    }
    method = {"type": "UPSERT_ENTITY", "blueprintIdentifier": "service", "mapping": mapping}
    bench.action("copy", automation("ENTITY_CREATED"), method)
    bench.action("random", automation("ENTITY_CREATED"), {**method, "mapping": {"title": "No name"}})
    bench.action("bad", automation("ENTITY_CREATED"), {**method, "mapping": {"properties": {"tier": "high"}}})

    bench.entity("incident", "inc-1")
    await until(lambda: all(run.final for run in bench.engine.runs))

    copied = bench.port.store.entity("service", "inc-1")
    assert copied is not None
    assert (copied["title"], copied["properties"]["tier"]) == ("Service of INC-1", 3)
    assert len(bench.port.store.entities["service"]) == 2
    assert [bench.of(name)[0]["status"] for name in ("copy", "random", "bad")] == [
        "SUCCESS",
        "SUCCESS",
        "FAILURE",
    ]
    assert "tier" in bench.logs(bench.of("bad")[0]["id"])


async def test_an_upsert_keeps_what_it_does_not_name(bench: Bench) -> None:
    bench.entity("service", "checkout", tier=1)
    mapping = {"identifier": "checkout", "title": "Renamed"}
    method = {"type": "UPSERT_ENTITY", "blueprintIdentifier": "service", "mapping": mapping}
    bench.action("rename", automation("ENTITY_CREATED"), method)

    bench.entity("incident", "inc-1")
    await until(lambda: all(run.final for run in bench.engine.runs))

    kept = bench.port.store.entity("service", "checkout")
    assert kept is not None
    assert (kept["title"], kept["properties"]["tier"]) == ("Renamed", 1)


async def test_an_automation_that_sets_itself_off_is_cut(bench: Bench) -> None:
    mapping = {
        "identifier": "{{ .event.context.entityIdentifier }}",
        "properties": {"updates": "{{ (.event.diff.after.properties.updates // 0) + 1 }}"},
    }
    method = {"type": "UPSERT_ENTITY", "blueprintIdentifier": "incident", "mapping": mapping}
    bench.action("loop", automation("ANY_ENTITY_CHANGE"), method)

    bench.entity("incident", "inc-1")
    await until(lambda: bench.of("loop") and bench.of("loop")[-1]["status"] == "FAILURE")

    runs = bench.of("loop")
    assert [run["status"] for run in runs] == ["SUCCESS"] * 10 + ["FAILURE"]
    assert "times in a row" in bench.logs(runs[-1]["id"])


async def test_a_broken_payload_fails_the_run_with_the_reason(bench: Bench) -> None:
    bench.action("broken", automation("ENTITY_CREATED"), bench.webhook({"x": "{{ .event"}))

    bench.entity("incident", "inc-1")
    run = await bench.status(bench.of("broken")[0]["id"], "FAILURE")

    assert "without closing" in bench.logs(run["id"])
    assert bench.backend.got == []
