"""Where an incident stands, its timeline and its RCA: from what was said, marked, edited, deleted and done in
the room, and from the call. Reading the room again gives the same."""

from __future__ import annotations

from collections import Counter

import pytest

from sandbox.stage import Json, Stage
from tests.stories.play import COMMANDER, OWNER, RESPONDER, SUPPORT, Incident, Room, becomes, resynced

pytestmark = pytest.mark.asyncio(loop_scope="session")

SITUATION = (
    "latestUpdate",
    "currentImpact",
    "currentFinding",
    "currentWorkaround",
    "openActions",
    "openQuestions",
)
RECAP = "The pool was too small.\n\n## Next steps\n- Owner: alert on the pool\n"
SPOKEN = [
    {"at": 2, "speaker": "owner", "text": "decision: we keep the old release until Monday"},
    {"at": 9, "speaker": "responder", "text": "can everybody hear me"},
]


def shown(entity: Json) -> dict[str, str]:
    return {name: entity["properties"].get(name) or "" for name in SITUATION}


async def talk(room: Room) -> None:
    """What people say and do in an incident: in order, out of order, and sorry."""
    await room.say("impact: a third of all payments fail", SUPPORT)
    await room.say("finding: it is the cache")
    hunch = await room.say("finding: it is the network")
    await room.act("delete", hunch)
    typo = await room.say("workaround: restart chekcout", OWNER)
    await room.act("edit", typo, OWNER, text="workaround: restart checkout every ten minutes")
    asked = await room.say("question: since when?", SUPPORT)
    await room.say("since ten past nine", OWNER, thread_ts=asked)
    marked = await room.say("so the pool of the database is simply too small", OWNER)
    await room.act("react", marked, COMMANDER, name="mag")
    page = await room.say("action: page the database people", COMMANDER)
    await room.say("done, they are awake", OWNER, thread_ts=page)
    tick = await room.say("action: I'll tell support")
    await room.act("react", tick, RESPONDER, name="white_check_mark")
    await room.say("action: I'll write the alert for the connection pool", OWNER)
    await room.say("action: roll back the release of checkout", COMMANDER)
    await room.say("done: release of checkout rolled back", RESPONDER)
    await room.say("question: who tells the shops?", SUPPORT)
    await room.say("update: payments come back", COMMANDER)


async def test_the_incident_shows_where_it_stands_and_the_rca_says_how_it_came(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev1", responders=[RESPONDER, OWNER])
    room = await incident.opened()
    meeting = room.properties["meetingId"]
    await stage.ask("POST", "/zoom/join", {"meeting": meeting, "user": OWNER, "name": "owner"})
    await talk(room)
    await stage.ask("POST", "/zoom/end", {"meeting": meeting, "summary": RECAP, "transcript": SPOKEN})

    async def heard() -> list[Json] | None:
        notes = await stage.of_incident("incidentNote", incident.identifier)
        from_call = [one for one in notes if one["properties"].get("source", "").startswith("zoom")]
        return from_call if len(from_call) == 3 else None

    from_call = await becomes("the call's summary and transcript are notes", heard)
    assert {one["properties"]["kind"] for one in from_call} == {"update", "action", "decision"}

    async def done() -> bool:
        notes = [one["properties"] for one in await stage.of_incident("incidentNote", incident.identifier)]
        said = Counter(one.get("state") for one in notes)
        return (
            said["done"] == 3
            and said["answered"] == 1
            and any(one["title"].endswith("come back") for one in notes)
        )

    await becomes("three actions are done and a question answered", done)
    run = await incident.press("write_rca")
    assert (run["status"], run["statusLabel"]) == ("SUCCESS", "Written"), run
    stands = await incident.entity()
    _says_where_it_stands(shown(stands))

    # Read again, as after events that were lost: the same.
    await resynced(stage)
    await incident.press("write_rca")
    assert shown(await incident.entity()) == shown(stands)
    _says_how_it_came((await room.again()).properties, incident)

    # Deleted at Zoom is erased here.
    await stage.ask("POST", "/zoom/delete", {"meeting": meeting, "what": "summary"})

    async def erased() -> bool:
        notes = await stage.of_incident("incidentNote", incident.identifier)
        kept = [one for one in notes if one["properties"].get("source") == "zoom summary"]
        return all(one["properties"].get("deletedAt") for one in kept) and "too small" not in str(kept)

    await becomes("nothing is left of the summary", erased)


def _says_where_it_stands(stands: dict[str, str]) -> None:
    assert stands["latestUpdate"].startswith("payments come back (commander, [")
    assert stands["currentImpact"].startswith("a third of all payments fail (support, [")
    assert stands["currentFinding"].startswith("so the pool of the database is simply too small")
    assert stands["currentWorkaround"].startswith("restart checkout every ten minutes")
    assert "edited" in stands["currentWorkaround"]
    actions = {line.split(" (")[0] for line in stands["openActions"].splitlines()}
    assert actions == {
        "- [ ] I'll write the alert for the connection pool **checkout-owner**",
        "- [ ] Owner: alert on the pool **Owner**",
    }
    assert [line.split(" (")[0] for line in stands["openQuestions"].splitlines()] == [
        "- who tells the shops?"
    ]


def _says_how_it_came(room: Json, incident: Incident) -> None:
    timeline, rca, draft = room["timeline"], room["rca"], room["postmortemDraft"]
    assert "owner joined the call" in timeline
    assert "Transcript of the call: 2 turns" in timeline
    assert timeline.index("The call began") < timeline.index("payments come back")
    assert "it is the network" not in rca
    assert "it is the network" not in timeline
    assert "- [x] page the database people" in rca
    assert "we keep the old release until Monday" in rca
    lines = [line for line in rca.splitlines() if line.startswith(("- [", "- so", "- work", "- decision"))]
    assert lines
    assert all("](http" in line for line in lines)
    assert "a third of all payments fail" in draft
    assert "http" not in draft
    assert incident.identifier not in draft
