"""The doctor at an installation that runs: every door is rung, and Port itself rings at ours."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from sandbox.stage import ROOT, Json, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def doctor(stage: Stage, *options: str, **changes: str) -> dict[str, list[Json]]:
    """What it says, by check."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "integration.doctor", "--json", *options),
        cwd=ROOT,
        env=stage.integration.env | changes,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode in (0, 1), err.decode()
    found: dict[str, list[Json]] = {}
    for one in json.loads(out)["checks"]:
        found.setdefault(one["check"], []).append(one)
    return found


async def test_a_running_installation_is_well(stage: Stage) -> None:
    before = {one["identifier"] for one in (await stage.port.get("/actions")).json()["actions"]}

    found, other = await asyncio.gather(
        doctor(stage, "--probe"),
        doctor(stage, OCEAN__INTEGRATION__CONFIG__SLACK_SIGNING_SECRET="of-another-app"),
    )

    assert not [one for ones in found.values() for one in ones if one["verdict"] == "failed"], found
    for check in ("doors.address", "doors.port", "doors.slack", "doors.zoom", "doors.statuspage"):
        assert found[check][0]["verdict"] == "ok", found[check]
    assert found["port.installation"][0]["verdict"] == "ok"
    assert "the webhook door is the one to use" in found["port.action_types"][0]["said"]
    assert "of five at once, one created it" in found["port.create_only"][0]["said"]
    assert "its signature is good" in found["port.delivery"][0]["said"]
    assert other["doors.slack"][0]["verdict"] == "failed"
    assert "SLACK_SIGNING_SECRET" in other["doors.slack"][0]["said"]
    after = {one["identifier"] for one in (await stage.port.get("/actions")).json()["actions"]}
    assert after == before
