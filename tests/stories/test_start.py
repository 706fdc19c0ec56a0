"""The process starts with what it needs, and says in one sentence what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.stage import Process, Stage, until
from tests.stories.play import CONFIG

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def sail(stage: Stage, folder: Path, changes: dict[str, str]) -> Process:
    """Start another `ocean sail` with these variables changed ("" takes one away) and wait for its end."""
    env = {name: value for name, value in {**stage.integration.env, **changes}.items() if value}
    process = Process("integration", list(stage.integration.command), env, folder / "sail.log")
    await process.start()

    async def ended() -> bool:
        return not process.running

    try:
        await until("it ends", ended, 40)
    finally:
        await process.stop()
    return process


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("SLACK_BOT_TOKEN", "", "is missing: the Slack app's bot token"),
        ("ZOOM_CLIENT_SECRET", "", "is missing: Zoom needs account id, client id, client secret and hosts"),
        ("DOOR", "window", "Input should be 'webhook' or 'integration_action'"),
    ],
)
async def test_what_is_missing_or_wrong_is_said_in_one_sentence(
    stage: Stage, tmp_path: Path, name: str, given: str, why: str
) -> None:
    process = await sail(stage, tmp_path, {CONFIG + name: given})

    said = process.tail(200)
    assert process.returncode != 0
    assert f"Not started. {CONFIG}{name}: {why}" in said
    assert "Traceback" not in said
    assert "sandbox-zoom-client-secret" not in said


async def test_a_value_of_the_wrong_type_is_refused_by_name(stage: Stage, tmp_path: Path) -> None:
    """Ocean reads the types of our spec: an untyped config would take anything."""
    process = await sail(stage, tmp_path, {f"{CONFIG}MAX_INCIDENT_AGE_HOURS": "soon"})

    assert process.returncode != 0
    assert "max_incident_age_hours\n  Input should be a valid integer" in process.tail(200)


async def test_it_starts_cleanly(stage: Stage) -> None:
    log = stage.integration.log.read_text("utf-8", "replace").split("Uvicorn running", 1)[0]

    assert stage.integration.running
    assert "Traceback" not in log
    assert "| ERROR" not in log
