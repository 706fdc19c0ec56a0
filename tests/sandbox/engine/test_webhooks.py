"""What a backend hears, and what its answer does to the run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

import pytest

from sandbox.credentials import PORT_CLIENT_SECRET
from tests.sandbox.engine.conftest import DANA, Bench, automation, self_service
from tests.sandbox.serve import until


async def test_signed_over_the_raw_body(bench: Bench) -> None:
    bench.action("open_room", self_service("CREATE"), bench.webhook({"title": "Kaffee läuft über ☕"}))

    bench.engine.press("open_room", None, {}, DANA)
    await until(lambda: bench.backend.got)

    request, body = bench.backend.got[0]
    stamp = request.headers["x-port-timestamp"]
    mac = hmac.new(PORT_CLIENT_SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    assert request.headers["x-port-signature"] == "v1," + base64.b64encode(mac.digest()).decode()
    assert abs(int(stamp) - time.time()) < 5
    assert body == '{"title":"Kaffee läuft über ☕"}'.encode()
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"]


async def test_url_method_headers_and_secrets_are_templates(bench: Bench) -> None:
    bench.port.store.secrets["token"] = {"secretName": "token", "secretValue": "s3cr3t-value"}
    headers = {
        "RUN_ID": "{{ .run.id }}",
        "X-Token": "{{ .secrets.token }}",
        "X-None": "{{ .nope }}",
        "X-N": "{{ 1 }}",
    }
    method = bench.webhook(
        {"token": "Bearer {{ .secrets.token }}"},
        url=bench.backend.url + "?who={{ .trigger.by.user.email }}",
        method="PUT",
        headers=headers,
        synchronized="{{ false }}",
    )
    bench.action("open_room", self_service("CREATE"), method)

    run = bench.engine.press("open_room", None, {}, DANA)
    await until(lambda: bench.backend.got)

    request, _ = bench.backend.got[0]
    assert request.method == "PUT"
    assert request.query_params["who"] == DANA
    assert (request.headers["run_id"], request.headers["x-token"]) == (run["id"], "s3cr3t-value")
    assert request.headers["x-n"] == "1"
    assert "x-none" not in request.headers
    assert bench.backend.bodies() == [{"token": "Bearer s3cr3t-value"}]
    assert run["payload"]["url"].endswith(f"?who={DANA}")
    assert run["payload"]["headers"]["RUN_ID"] == run["id"]
    assert "s3cr3t-value" not in str(run)


@pytest.mark.parametrize(
    ("status", "answer", "ended", "response"),
    [
        (200, b'{"ok": false}', "SUCCESS", {"ok": False}),
        (204, b"", "SUCCESS", None),
        (200, b"plain", "SUCCESS", "plain"),
        (200, b"[1]", "SUCCESS", [1]),
        (200, b"7", "SUCCESS", "7"),
        (404, b'{"error": "gone"}', "FAILURE", {"error": "gone"}),
        (500, b"", "FAILURE", None),
    ],
)
async def test_synchronous(bench: Bench, status: int, answer: bytes, ended: str, response: Any) -> None:
    bench.backend.status, bench.backend.answer = status, answer
    bench.action("call", self_service("CREATE"), bench.webhook(synchronized=True))

    run = await bench.status(bench.engine.press("call", None, {}, DANA)["id"], ended)

    assert run.get("response") == response
    assert "endedAt" in run
    assert (f"status code {status}" in bench.logs(run["id"])) == (ended == "FAILURE")
    fetched = (await bench.call("GET", f"/actions/runs/{run['id']}")).json()["run"]
    assert fetched == run


async def test_asynchronous_stays_in_progress_until_reported(bench: Bench) -> None:
    bench.action("call", self_service("CREATE"))
    run = bench.engine.press("call", None, {}, DANA)
    await until(lambda: bench.world.journal and bench.world.journal[-1].status == 202)

    assert bench.engine.runs.get(run["id"]).status == "IN_PROGRESS"
    await bench.call("PATCH", f"/actions/runs/{run['id']}", json={"status": "SUCCESS"})
    assert bench.engine.runs.get(run["id"]).status == "SUCCESS"


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ({"url": "http://127.0.0.1:9/nobody"}, "ECONNREFUSED 127.0.0.1:9"),
        ({"url": "not a url"}, "webhook"),
        ({"url": "{{ .nope }}"}, "Invalid URL"),
        ({"headers": {"X-Bad": "ünicode ☕"}}, "webhook"),
    ],
)
async def test_what_can_not_be_delivered_fails_the_run(
    bench: Bench, method: dict[str, Any], says: str
) -> None:
    bench.action("call", self_service("CREATE"), bench.webhook({}, **method))

    run = await bench.status(bench.engine.press("call", None, {}, DANA)["id"], "FAILURE")

    assert says in bench.logs(run["id"])


async def test_a_backend_that_fails_or_is_silent(bench: Bench) -> None:
    bench.backend.status = 503
    bench.action("call", self_service("CREATE"))
    run = await bench.status(bench.engine.press("call", None, {}, DANA)["id"], "FAILURE")
    assert "status code 503" in bench.logs(run["id"])

    bench.engine.webhooks.patience, bench.backend.delay = 0.05, 0.5
    bench.action("slow", self_service("CREATE"), bench.webhook(method="GET"))
    run = await bench.status(bench.engine.press("slow", None, {}, DANA)["id"], "FAILURE")
    assert "timeout of 50ms exceeded" in bench.logs(run["id"])


async def test_late_and_twice(bench: Bench) -> None:
    bench.world.hostility.event_duplicate_share = 1.0
    bench.world.hostility.event_delay_seconds = 0.05
    bench.action("call", self_service("CREATE"))

    bench.engine.press("call", None, {}, DANA)
    await until(lambda: len(bench.backend.got) == 2)

    first, second = bench.backend.got
    assert first[1] == second[1]
    assert first[0].headers["x-port-signature"] == second[0].headers["x-port-signature"]


async def test_deliveries_are_in_the_journal(bench: Bench) -> None:
    bench.action("call", self_service("CREATE"))

    bench.engine.press("call", None, {}, DANA)
    await until(lambda: any(entry.status for entry in bench.world.journal))

    (entry,) = [entry for entry in bench.world.journal if entry.direction == "out"]
    assert (entry.service, entry.operation, entry.status) == ("port", "webhook.call", 202)


async def test_port_calls_itself(bench: Bench) -> None:
    """`https://api.port.io` is this sandbox, and needs no token: Port authenticates its own calls."""
    bench.action("notify", self_service("CREATE", {"text": {"type": "string"}}))
    url = f"https://api.port.io/v1/actions/notify/runs?run_as={DANA}"
    body = {"properties": {"text": "{{ .event.diff.after.title }}"}}
    bench.action("chain", automation("ENTITY_CREATED"), bench.webhook(body, url=url, synchronized=True))

    bench.entity("incident", "inc-1")
    await until(lambda: bench.of("notify"))
    run = await bench.status(bench.of("chain")[0]["id"], "SUCCESS")

    assert bench.of("notify")[0]["properties"] == {"text": "INC-1"}
    assert run["response"]["run"]["id"] == bench.of("notify")[0]["id"]
    assert bench.engine.runs.get(bench.of("notify")[0]["id"]).who.email == DANA


async def test_a_call_to_itself_that_is_cut_off(bench: Bench) -> None:
    bench.world.faults.add({"operation": "runs.list", "drop": "before"})
    method = bench.webhook(url="https://api.port.io/v1/actions/runs", method="GET", synchronized=True)
    bench.action("look", self_service("CREATE"), method)

    run = await bench.status(bench.engine.press("look", None, {}, DANA)["id"], "FAILURE")

    assert "socket hang up" in bench.logs(run["id"])


async def test_runs_are_in_the_audit_log(bench: Bench) -> None:
    bench.action("call", self_service("CREATE"))
    run = bench.engine.press("call", None, {}, DANA)["id"]
    await bench.call("PATCH", f"/actions/runs/{run}", json={"status": "SUCCESS"})

    lines = [line for line in bench.port.store.audit if line["resourceType"] == "run"]
    assert [(line["action"], line["context"]["run"]) for line in lines] == [("CREATE", run), ("UPDATE", run)]
