"""A sample of `make crashtest`: killed at the calls that matter most, on a wiped disk, and in the middle of
twenty events. The whole is run by its own command."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from scripts.crashtest.calls import Call
from scripts.crashtest.faults import FaultPoint, faults
from scripts.crashtest.operations import OPERATIONS
from scripts.crashtest.points import Point
from scripts.crashtest.site import QUICK, Site
from scripts.crashtest.trap import When

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATIENCE = 45.0
longer = pytest.mark.rehearsal
POINTS = [
    pytest.param("open", "slack", "conversations.create", "late"),
    pytest.param("update", "mail", "smtp.data", "acted"),
    pytest.param("publish", "statuspage", "incidents.create", "acted", marks=longer),
    pytest.param("events", "port", "entities.bulk", "lost", marks=longer),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site() -> AsyncIterator[Site]:
    async with Site.open(dict(QUICK)) as up:
        yield up


@pytest.mark.parametrize(("operation", "service", "call", "when"), POINTS)
async def test_killed_there_it_ends_as_if_it_had_not_been(
    site: Site, operation: str, service: str, call: str, when: When
) -> None:
    point = Point(OPERATIONS[operation], Call(service, call, 0, acts=True), when, wipe=when == "acted")

    [verdict] = await point.play(site, PATIENCE)

    assert verdict.reached
    assert [str(problem) for problem in verdict.problems] == []
    assert verdict.seconds < 30
    assert verdict.unknown <= (4 if operation == "update" else 0)


@longer
async def test_a_dead_zoom_leaves_no_mute_channel(site: Site) -> None:
    dead = next(fault for fault in faults(2.0) if fault.name == "dead")
    call = Call("zoom", "meetings.create", 0, acts=True, changes=True)

    [verdict] = await FaultPoint(OPERATIONS["open"], call, dead).play(site, PATIENCE)

    assert verdict.reached
    assert [str(problem) for problem in verdict.problems] == []
