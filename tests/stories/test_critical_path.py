"""How long a responder waits, counted in round trips: three, from the webhook to "he is in and sees it".

Every provider is made slow, so that calls which wait for each other can be told from calls side by side:
one that began before another ended did not wait for it.
"""

from __future__ import annotations

import pytest

from sandbox.stage import Json, Stage
from tests.stories.play import OWNER, RESPONDER, SERVICE, Incident, trouble

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOW = 0.25  # seconds a call, far more than the handler itself takes between two


def chains(calls: list[Json]) -> dict[int, list[Json]]:
    """The longest chain of calls, each begun after the one before had ended, that ends in each call."""
    found: dict[int, list[Json]] = {}
    for call in sorted(calls, key=lambda one: one["started"]):
        before = [found[one["n"]] for one in calls if one["started"] + one["seconds"] <= call["started"]]
        found[call["n"]] = [*max(before, key=len, default=[]), call]
    return found


async def test_three_round_trips_to_the_room(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    await (await Incident.created(stage, severity="sev1")).opened()  # tokens are warm after this
    slow = {"service": "*", "operation": "*", "delay": SLOW, "times": 10_000}
    async with trouble(stage, slow):
        incident = await Incident.created(stage, severity="sev1", services=[SERVICE], responders=[RESPONDER])
        room = await incident.opened()

    journal = await stage.journal(since=incident.since)
    (delivery,) = [one for one in journal if one["operation"] == "webhook.open_war_room_on_severity"]
    ours = [
        one
        for one in journal
        if one["direction"] == "in"
        and one["status"] is not None  # some may still be under way
        and one["caller"].startswith("incident-comms/")
        and one["started"] >= delivery["started"]
        and one["status"]  # what goes on still, off the path, has no end yet
    ]
    path = chains(ours)
    assert not any(one["operation"] == "oauth.token" for one in ours), "tokens are warm"
    assert await room.members() == {RESPONDER, OWNER}
    for wanted in ("conversations.invite", "chat.postMessage", "conversations.setTopic", "bookmarks.add"):
        (call, *_) = [one for one in ours if one["operation"] == wanted]
        chain = [f"{one['service']} {one['operation']}" for one in path[call["n"]]]
        took = call["started"] + call["seconds"] - delivery["started"]
        with capsys.disabled():
            print(
                f"\n{len(chain)} round trips, {took:.2f} s at {SLOW} s a call: {' -> '.join(chain)}", end=""
            )
        assert len(chain) == 3
    (briefing,) = await room.ours()
    assert "Join the bridge" in str(briefing["blocks"]), "the bridge is in it from the start"
