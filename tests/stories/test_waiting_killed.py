"""Killed while a run waits for approval, amid what is shown of it: the next process shows it once, and what
is approved then goes out once."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests.stories.outward import on_hold
from tests.stories.outward_public import BODY, bodies, public, spoken, staged_pages, waiting
from tests.stories.play import COMMANDER, CONFIG, Incident, becomes, mark, trouble

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.rehearsal,
    pytest.mark.timeout(300),
]
TIMEOUT = f"{CONFIG}EFFECT_TIMEOUT_SECONDS"

MOMENTS: dict[str, tuple[str, str, Json]] = {
    "before the draft stands": ("entities.bulk", "/incidentCommunication/", {"delay": 600, "drop": "before"}),
    "when the draft stands": ("entities.bulk", "/incidentCommunication/", {"hold": "after"}),
    "when the link is shown": ("runs.patch", "", {"hold": "after"}),
    "when the room was told": ("chat.postMessage", "", {"hold": "after"}),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """A stage of our own, that is killed."""
    async with staged_pages(EFFECT_TIMEOUT_SECONDS="60", SWEEP_INTERVAL_SECONDS="2") as up:
        yield up


@pytest.mark.parametrize("moment", list(MOMENTS))
async def test_cut_off_while_it_waits(stage: Stage, moment: str) -> None:
    operation, where, fault = MOMENTS[moment]
    incident = await Incident.created(stage, severity="sev1")
    room = await incident.opened()
    # Only then: what furnishes the room must not be what hangs.
    await becomes("the room is quiet", lambda: _quiet(stage))
    since = await mark(stage)
    words: Json = {"page": DEFAULT_PAGE, "name": f"Killed {moment}", "body": BODY}
    async with trouble(stage, {"service": "*", "operation": operation, "times": 1, **fault}):
        run = await waiting(incident, "publish", COMMANDER, **words)
        if "hold" in fault:
            await on_hold(stage, operation, since=since, where=where)
        else:
            await becomes("it is on its way", lambda: _hangs(stage, operation, since))
        await stage.integration.stop(signal.SIGKILL)
    stage.integration.env[TIMEOUT] = "2"
    await stage.start_integration()

    async def told() -> bool:
        states = [one["state"] for one in await spoken(incident, "approval notice")]
        return states == ["sent"]

    await becomes("the room knows", told, 60)
    (read,) = await spoken(incident, "preview")
    assert (read["state"], read["run"]) == ("draft", run)
    assert (await stage.run(run))["link"]
    await stage.approve(run, ADMIN)
    ended = await stage.finished(run, 60)

    assert (ended["status"], ended["statusLabel"]) == ("SUCCESS", "Published"), ended["summary"]
    assert [bodies(one) for one in await public(incident)] == [[BODY]]
    (sent,) = await spoken(incident, "publish")
    assert sent["details"]["approval"]["contentHash"] == read["contentHash"]
    (read,) = await spoken(incident, "preview")
    assert read["state"] == "superseded"
    said = [one["text"] for one in await room.ours() if "waits for approval" in one["text"]]
    assert len(said) == 1
    logs = next(one for one in await incident.runs() if one["id"] == run)["logs"]
    assert len([log for log in logs if "What goes out" in log["message"]]) <= 1
    stage.integration.env[TIMEOUT] = "60"


async def _quiet(stage: Stage) -> bool:
    before = await mark(stage)
    journal = await stage.journal()
    newest = max((one["started"] for one in journal if one["effect"] and one["direction"] == "in"), default=0)
    last = journal[-1]["started"] if journal else 0
    return before > 0 and last - newest > 1.5


async def _hangs(stage: Stage, operation: str, since: int) -> bool:
    calls = await stage.journal(since=since, operation=operation)
    return any(call["status"] is None and "/incidentCommunication/" in call["path"] for call in calls)
