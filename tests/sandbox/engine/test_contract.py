"""The checker behind every test here really checks, and notices a violation."""

from __future__ import annotations

import pytest

from tests.sandbox.engine.conftest import DANA, Bench, self_service
from tests.sandbox.engine.contract import CONTRACT

pytestmark = pytest.mark.skipif(
    not CONTRACT.is_file(),
    reason="no contract port.yaml: set INCIDENT_COMMS_SHARED to the folder that holds contracts/",
)


async def test_answers_are_held_to_the_contract(bench: Bench) -> None:
    bench.action("open_room", self_service("CREATE"))
    run = bench.engine.press("open_room", None, {}, DANA)["id"]

    await bench.call("GET", f"/actions/runs/{run}")

    assert bench.checker.checked == 1
    assert bench.checker.violations == []


async def test_a_violation_is_noticed(bench: Bench) -> None:
    bench.action("open_room", self_service("CREATE"))
    run = bench.engine.press("open_room", None, {}, DANA)["id"]
    bench.engine.runs.get(run).summary = 7  # type: ignore[assignment] # the violation

    await bench.call("GET", f"/actions/runs/{run}")

    assert len(bench.checker.violations) == 1
    bench.checker.violations.clear()
