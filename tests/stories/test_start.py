"""The process starts with what it needs, and says in one sentence what it lacks."""

from __future__ import annotations

import asyncio
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


WRONG = [
    ("SLACK_BOT_TOKEN", "", "Not started. {}: is missing: the Slack app's bot token"),
    ("ZOOM_CLIENT_SECRET", "", "Not started. {}: is missing: Zoom needs account id, client id"),
    ("DOOR", "window", "Not started. {}: Input should be 'webhook' or 'integration_action'"),
    # Ocean's own check, by the types of our spec: an untyped config would take anything.
    ("MAX_INCIDENT_AGE_HOURS", "soon", "max_incident_age_hours\n  Input should be a valid integer"),
]


async def test_what_is_missing_or_wrong_is_said_in_a_sentence_that_names_it(
    stage: Stage, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name, _, _ in WRONG]
    for folder in folders:
        folder.mkdir()
    ends = await asyncio.gather(
        *(
            sail(stage, folder, {CONFIG + name: given})
            for folder, (name, given, _) in zip(folders, WRONG, strict=True)
        )
    )

    for process, (name, _, sentence) in zip(ends, WRONG, strict=True):
        said = process.tail(200)
        assert process.returncode != 0
        assert sentence.format(CONFIG + name) in said
        assert "sandbox-zoom-client-secret" not in said
        assert ("Traceback" in said) == (not sentence.startswith("Not started"))


async def test_it_starts_cleanly(stage: Stage) -> None:
    log = stage.integration.log.read_text("utf-8", "replace").split("Uvicorn running", 1)[0]

    assert stage.integration.running
    assert "Traceback" not in log
    assert "| ERROR" not in log


@pytest.mark.rehearsal
async def test_a_port_that_is_taken_is_said_and_nothing_lingers(stage: Stage, tmp_path: Path) -> None:
    process = await sail(stage, tmp_path, {})

    said = process.tail(500)
    assert process.returncode != 0
    assert "address already in use" in said
    assert "unexpected failure" not in said
