"""The process starts with what it needs, and says in one sentence what it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.stage import ROOT, Process, Stage, until
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
    ("changes", "sentence"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "OCEAN__INTEGRATION__CONFIG__SLACK_BOT_TOKEN"),
        ({"ZOOM_CLIENT_SECRET": ""}, "OCEAN__INTEGRATION__CONFIG__ZOOM_CLIENT_SECRET: is missing"),
        ({"MAX_INCIDENT_AGE_HOURS": "soon"}, "MAX_INCIDENT_AGE_HOURS"),
        ({"DOOR": "window"}, "OCEAN__INTEGRATION__CONFIG__DOOR"),
        ({"OPEN_SEVERITIES": "sev1"}, "OPEN_SEVERITIES"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_what_is_missing_or_wrong_is_named(
    stage: Stage, tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    settings = {CONFIG + name: value for name, value in changes.items()}

    process = await sail(stage, tmp_path, settings)

    assert process.returncode != 0
    said = process.tail(200)
    assert sentence in said, said
    assert "xoxb-" not in said
    assert "sandbox-zoom-client-secret" not in said


async def test_it_starts_cleanly_and_typed(stage: Stage) -> None:
    log = stage.integration.log.read_text("utf-8", "replace").split("Uvicorn running", 1)[0]

    assert "Traceback" not in log
    assert "| ERROR" not in log
    # An untyped config would have given text where a number is needed, and the start would have failed.
    assert stage.integration.running
    assert (ROOT / "config.yaml").is_file()
