"""Two processes by mistake: no Redis, both POLLING, an old one that was not stopped before the new one began.

It is not promised to work. What only one can create in Port still keeps the first effects single.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.stage import Json
from tests.stories.pair import Pair, paired
from tests.stories.play import CLOSING, RESPONDER, Incident, becomes, trouble

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair() -> AsyncIterator[Pair]:
    async with paired(second="POLLING") as up:
        yield up


async def test_each_effect_is_there_once(pair: Pair) -> None:
    pair.balancer.to = "both"
    slow = {"service": "slack", "operation": "*", "delay": 0.5, "times": 8}
    async with trouble(pair, slow):
        incident = await Incident.created(pair, severity="sev1", responders=[RESPONDER])
        await asyncio.gather(incident.press("open_war_room"), incident.press("open_war_room"))
    room = await incident.opened()
    await incident.change(status="resolved")
    await incident.run(CLOSING)
    await room.state("closed")

    async def settled() -> bool:
        runs = await incident.runs()
        states = [one["state"] for one in (await incident.communications()).values()]
        return {run["status"] for run in runs} <= {"SUCCESS", "FAILURE"} and "sending" not in states

    await becomes("every run and every communication has ended", settled, 60)
    record: dict[str, Json] = await incident.communications()
    assert {purpose: one["state"] for purpose, one in record.items()} == dict.fromkeys(
        ("channel", "bridge", "briefing", "closing"), "sent"
    )
    journal = await pair.journal(since=incident.since)
    done = [one["operation"] for one in journal if one["effect"] and one["direction"] == "in"]
    assert done.count("conversations.create") == 1
    assert done.count("meetings.create") == 1
    assert done.count("chat.postMessage") == 2
    assert len(await incident.rooms()) == 1
