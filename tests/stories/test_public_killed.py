"""Killed amid public words, after what the page has done and before it has done anything: the next process
says each of them once."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
import pytest_asyncio

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests.stories.outward_public import (
    API,
    BODY,
    bodies,
    decided,
    draft_of,
    public,
    spoken,
    staged_pages,
    stands_for,
    waiting,
)
from tests.stories.play import COMMANDER, CONFIG, Incident, becomes, mark, trouble

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

TIMEOUT = f"{CONFIG}EFFECT_TIMEOUT_SECONDS"


class Cut(NamedTuple):
    """An operation that is cut off: what was said before, the call it is cut off at, and how it ends."""

    operation: str
    before: tuple[str, ...]
    call: str
    label: str
    purpose: str


AT = datetime.now(UTC) + timedelta(hours=1)
WINDOW: Json = {"scheduledFor": AT.isoformat(), "scheduledUntil": (AT + timedelta(hours=1)).isoformat()}
PUBLISH: Json = {"page": DEFAULT_PAGE, "name": "Payments fail"}
MAINTENANCE: Json = {"page": DEFAULT_PAGE, "name": "New disks", "components": [API], **WINDOW}
GIVEN = {"publish": PUBLISH, "schedule": MAINTENANCE}
WHOLE = ("publish", "resolve")

CUTS = (
    Cut("publish", (), "incidents.create", "Published", "publish"),
    Cut("update", ("publish",), "incidents.update", "Updated", "public update"),
    Cut("resolve", ("publish",), "incidents.update", "Resolved", "resolve"),
    Cut("resolve", (*WHOLE, "reopen"), "incidents.update", "Resolved", "resolve"),
    Cut("reopen", WHOLE, "incidents.update", "Open again", "reopen"),
    Cut("schedule", (), "incidents.create", "Scheduled", "maintenance"),
    Cut("complete", ("schedule",), "incidents.update", "Completed", "complete maintenance"),
    Cut("postmortem", WHOLE, "postmortem.put", "Published", "postmortem"),
    Cut("postmortem", WHOLE, "postmortem.publish", "Published", "postmortem"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """A stage of our own, that is killed. Whatever hangs must still hang when the last of it does."""
    async with staged_pages(EFFECT_TIMEOUT_SECONDS="60") as up:
        yield up


MOMENTS: dict[str, Json] = {
    "lost on its way": {"delay": 600, "drop": "before"},
    "done and not answered": {"hold": "after"},
}


@pytest.mark.parametrize("moment", list(MOMENTS))
async def test_what_was_cut_off_is_said_once(stage: Stage, moment: str) -> None:
    begun: list[tuple[Cut, Incident, str, str]] = []
    stage.integration.env[TIMEOUT] = "60"
    await stage.integration.stop(signal.SIGKILL)
    await stage.start_integration()
    cut_off = [(one, await Incident.created(stage, severity="sev4")) for one in CUTS]
    for one, incident in cut_off:
        for operation in one.before:
            await said(incident, operation)
    faults = [{"service": "statuspage", "operation": one.call, **MOMENTS[moment]} for one in CUTS]
    since = await mark(stage)
    async with trouble(stage, *faults):
        for number, (one, incident) in enumerate(cut_off):
            words = f"Words number {number} of what was {moment}."
            given = {**GIVEN.get(one.operation, {}), "body": words}
            if number % 2:
                run = await waiting(incident, one.operation, COMMANDER, **given)
                await stage.approve(run, ADMIN)
            else:
                draft = await draft_of(incident, one.operation, COMMANDER, **given)
                run = await stage.press("approve_public_update", draft["identifier"], {}, ADMIN)
            begun.append((one, incident, run, words))

        async def all_hang() -> bool:
            calls = await stage.journal(since=since, service="statuspage")
            hanging = [call["operation"] for call in calls if call["status"] is None]
            return sorted(hanging) == sorted(one.call for one in CUTS)

        await becomes("every one of them hangs at the page", all_hang)
        await stage.integration.stop(signal.SIGKILL)
    stage.integration.env[TIMEOUT] = "2"
    await stage.start_integration()

    for one, incident, run, words in begun:
        ended = await stage.finished(run, 120)
        about = (one.operation, one.before, ended["summary"])
        assert (ended["status"], ended["statusLabel"]) == ("SUCCESS", one.label), about
        shown = await public(incident)
        assert [text for public_one in shown for text in bodies(public_one)].count(words) == 1, about
        # Counted by what each began: an incident, a maintenance.
        opened = [*one.before, one.operation]
        assert len(shown) == opened.count("publish") + opened.count("schedule"), about
        *_, sent = await spoken(incident, one.purpose)
        stands_for(sent, ended, COMMANDER, ADMIN, words)
        assert [left for left in await spoken(incident, one.purpose) if left["state"] != "sent"] == []


async def said(incident: Incident, operation: str) -> None:
    """Drafted and approved."""
    given = {**GIVEN.get(operation, {}), "body": BODY}
    draft = await draft_of(incident, operation, COMMANDER, **given)
    ended = await decided(incident.stage, draft, ADMIN)
    assert ended["status"] == "SUCCESS", (operation, ended["summary"])
