"""Public words by a button that waits for Port's approval: the approver reads what goes out, and that is what
his approval is of."""

from __future__ import annotations

import pytest

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests.stories.outward_public import (
    BODY,
    DEPUTY,
    LOGIN,
    Hand,
    bodies,
    components,
    public,
    spoken,
    waiting,
)
from tests.stories.play import COMMANDER, Incident, becomes

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def preview(incident: Incident, run: str, *states: str) -> Json:
    """What the run would say, once it is in one of these states; with its `identifier`."""

    async def look() -> Json | None:
        found = [one for one in await spoken(incident, "preview") if one["run"] == run]
        if found and found[0]["state"] != "draft":  # it has come to an end
            assert found[0]["state"] in states, found[0]["reason"]
        return found[0] if found and found[0]["state"] in states else None

    return await becomes(f"the preview of {run} is {' or '.join(states)}", look)


async def test_it_is_read_before_it_is_approved_and_the_room_knows(page_stage: Stage) -> None:
    stage = page_stage
    incident = await Incident.created(stage, severity="sev1")
    room = await incident.opened()
    outage: Json = {"components": [LOGIN], "componentStatus": "partial_outage"}
    words: Json = {"page": DEFAULT_PAGE, "name": "Nobody can sign in", "body": BODY}
    run = await waiting(incident, "publish", COMMANDER, **words, **outage)
    read = await preview(incident, run, "draft")
    for shown in (BODY, "Nobody can sign in", "partial_outage", f"Drafted by {COMMANDER}"):
        assert shown in read["preview"]

    async def told() -> list[str]:
        said = [one["text"] for one in await room.ours()]
        return [text for text in said if "waits for approval" in text and run in text]

    await becomes("the room knows", told)
    assert str((await stage.run(run))["link"]).count("preview") == 1
    assert await public(incident) == []

    await stage.approve(run, DEPUTY)
    ended = await stage.finished(run)

    assert (ended["status"], ended["statusLabel"]) == ("SUCCESS", "Published"), ended["summary"]
    (sent,) = await spoken(incident, "publish")
    approval = sent["details"]["approval"]
    assert (approval["by"], approval["contentHash"]) == (DEPUTY, read["contentHash"])
    assert (await preview(incident, run, "superseded"))["approvedBy"] == DEPUTY
    assert len(await told()) == 1

    run = await waiting(incident, "resolve", COMMANDER, body="Over.")
    assert "still investigating" in (await preview(incident, run, "withdrawn"))["reason"]
    run = await waiting(incident, "resolve", COMMANDER, body="Over.", override="We close it in a minute.")
    read = await preview(incident, run, "draft")
    assert "partial_outage | operational" in read["preview"]
    await stage.approve(run, DEPUTY)
    ended = await stage.finished(run)
    assert ended["statusLabel"] == "Resolved", ended["summary"]
    assert (await components(stage))[LOGIN] == "operational"


@pytest.mark.rehearsal  # the same in one process: tests/test_waiting_runs.py
async def test_what_is_another_thing_by_now_is_not_said_nor_what_was_declined(page_stage: Stage) -> None:
    stage = page_stage
    incident = await Incident.created(stage, severity="sev4")
    published = await waiting(
        incident, "publish", COMMANDER, page=DEFAULT_PAGE, name="Payments fail", body=BODY
    )
    await preview(incident, published, "draft")
    await stage.approve(published, ADMIN)
    assert (await stage.finished(published))["status"] == "SUCCESS"
    (shown,) = await public(incident)
    update, declined = [
        await waiting(incident, "update", COMMANDER, body=body) for body in ("More of it.", "Not so.")
    ]
    for run in (update, declined):
        await preview(incident, run, "draft")
    await Hand(stage)("PATCH", f"/incidents/{shown['id']}", status="identified", body="By hand.")
    given: Json = {"run": declined, "user": ADMIN, "approve": False, "description": "It is not so."}
    await stage.ask("POST", "/port/approve", given)
    await stage.approve(update, ADMIN)

    ended = await stage.finished(update)

    assert (ended["status"], ended["statusLabel"]) == ("FAILURE", "Bad input")
    assert "is identified by now" in ended["summary"]
    assert "press the button again" in ended["summary"]
    left = await preview(incident, declined, "withdrawn")
    assert left["reason"] == f"declined by {ADMIN}: It is not so."
    assert (await preview(incident, update, "withdrawn"))["reason"] in ended["summary"]
    (shown,) = await public(incident)
    assert bodies(shown) == ["By hand.", BODY]
