"""Port AI in the sandbox: off until switched on, scripted, streamed or asked for later, within its quota."""

from __future__ import annotations

from sandbox.port.ai import scripted
from tests.sandbox.port.conftest import Bench

ASK = "/agent/helper/invoke"


async def _agent(bench: Bench) -> None:
    bench.port.seed({"ai": True})
    await bench.entity("_ai_agent", "helper", properties={"status": "active", "prompt": "help"})


async def test_where_it_is_off_there_is_nobody_to_ask(bench: Bench) -> None:
    assert (await bench.call("POST", ASK, {"prompt": "x"})).status_code == 404
    assert (await bench.call("POST", "/ai/invoke", {"userPrompt": "x", "tools": []})).status_code == 403
    assert (await bench.call("GET", "/quota/ai-invocations")).json()["monthlyQuotaUsage"]["remainingQuota"]


async def test_an_answer_is_asked_for_until_it_is_there(bench: Bench) -> None:
    await _agent(bench)
    bench.port.ai.script.extend(
        [scripted({"text": "yes", "seconds": 0.05}), scripted({"error": "internal_error"})]
    )

    made = await bench.call(
        "POST", f"{ASK}?invocation_identifier=mine", {"prompt": "x", "labels": {"a": "b"}}
    )
    assert (made.status_code, made.json()["invocation"]["identifier"]) == (202, "mine")
    first = (await bench.call("GET", "/ai/invoke/mine")).json()["result"]
    assert first["status"] == "In Progress"
    bench.world.clock.shift["port"] = 1.0
    assert (await bench.call("GET", "/ai/invoke/mine")).json()["result"]["message"] == "yes"
    other = (await bench.call("POST", ASK, {"prompt": "x"})).json()["invocation"]["identifier"]
    assert (await bench.call("GET", f"/ai/invoke/{other}")).json()["result"]["status"] == "Failed"
    assert (await bench.call("POST", ASK, {"prompt": 1})).status_code == 400


async def test_a_stream_carries_the_answer_in_parts_and_the_quota_ends(bench: Bench) -> None:
    await _agent(bench)
    bench.port.ai.limit = 1
    bench.port.ai.script.append(scripted("a long answer\nin two lines, " + "and more " * 9))
    bench.checker.violations.clear()

    told = await bench.call("POST", f"{ASK}?stream=true", {"prompt": "x"})

    assert told.headers["content-type"].startswith("text/event-stream")
    assert told.text.count("event: execution") == 3
    assert told.text.rstrip().splitlines()[-2] == "event: done"
    assert (await bench.call("POST", ASK, {"prompt": "x"})).status_code == 429
    # What a stream looks like is told by Port's documents; its contract has no such answer.
    assert all("200" in one for one in bench.checker.violations)
    bench.checker.violations.clear()
