"""Several public words about one incident, on one page and on two: each goes out once, to the page that is
meant."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests.stories.outward_public import (
    API,
    BODY,
    OTHER_PAGE,
    SEARCH,
    approved,
    bodies,
    components,
    public,
    staged_pages,
)
from tests.stories.play import COMMANDER, Incident

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """A stage of our own: Statuspage takes one request a second of it."""
    async with staged_pages() as up:
        yield up


async def test_the_same_words_with_other_components_are_another_update(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")
    await approved(incident, "publish", COMMANDER, ADMIN)
    for component in (SEARCH, API):
        more: Json = {"components": [component], "componentStatus": "degraded_performance"}
        run = await approved(incident, "update", COMMANDER, ADMIN, body="Worse.", **more)
        assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Updated")

    once_more = await approved(incident, "update", COMMANDER, ADMIN, body="Worse.", **more)

    assert once_more["statusLabel"] == "Already sent"
    (shown,) = await public(incident)
    assert bodies(shown) == ["Worse.", "Worse.", BODY]
    states = await components(stage)
    assert (states[SEARCH], states[API]) == ("degraded_performance", "degraded_performance")


async def test_public_on_two_pages_each_word_goes_to_the_page_that_is_meant(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev4")
    await approved(incident, "publish", COMMANDER, ADMIN)
    await approved(incident, "publish", COMMANDER, ADMIN, page=OTHER_PAGE, name="Partners: payments fail")

    refused = [
        await approved(incident, action, COMMANDER, ADMIN, body="Which?") for action in ("update", "resolve")
    ]
    updated = await approved(incident, "update", COMMANDER, ADMIN, page=OTHER_PAGE, body="For partners.")
    resolved = await approved(
        incident, "resolve", COMMANDER, ADMIN, page=OTHER_PAGE, body="Over for partners."
    )
    # One is left, so nobody need say which.
    rest = await approved(incident, "resolve", COMMANDER, ADMIN, body="Over.")

    for run in refused:
        assert (run["status"], run["statusLabel"]) == ("FAILURE", "Bad input")
        assert run["summary"].startswith("Refused: page: ")
        assert DEFAULT_PAGE in run["summary"]
        assert OTHER_PAGE in run["summary"]
    assert [run["statusLabel"] for run in (updated, resolved, rest)] == ["Updated", "Resolved", "Resolved"]
    (here,), (there,) = await public(incident), await public(incident, OTHER_PAGE)
    assert bodies(here) == ["Over.", BODY]
    assert bodies(there) == ["Over for partners.", "For partners.", BODY]

    # Reopened by hand it can be resolved again, once.
    await stage.ask("POST", f"/statuspage/incidents/{here['id']}", {"body": "Again.", "status": "identified"})
    twice = [
        await approved(incident, "resolve", COMMANDER, ADMIN, page=DEFAULT_PAGE, body="Over for good.")
        for _ in range(2)
    ]

    assert [run["statusLabel"] for run in twice] == ["Resolved", "Already sent"]
    (here,) = await public(incident)
    assert bodies(here) == ["Over for good.", "Again.", "Over.", BODY]
