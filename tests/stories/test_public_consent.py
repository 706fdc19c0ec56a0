"""Who may have words said in public: not their author, not somebody without the right, not too late, not of
words that were changed, and no automation whatever it says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage, StageError
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests.stories.outward import COMMUNICATION
from tests.stories.outward_public import (
    BODY,
    DEPUTY,
    bodies,
    decided,
    draft_of,
    public,
    spoken,
    waiting,
)
from tests.stories.play import COMMANDER, RESPONDER, Incident, ago

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS: Json = {"page": DEFAULT_PAGE, "name": "Payments fail", "body": BODY}


async def test_a_run_is_approved_by_somebody_else_who_may_or_not_at_all(page_stage: Stage) -> None:
    stage = page_stage
    incident = await Incident.created(stage, severity="sev4")
    declined, own = [await waiting(incident, "publish", ADMIN, **WORDS) for _ in range(2)]
    with pytest.raises(StageError, match="not permitted"):
        await stage.approve(own, RESPONDER)
    await stage.ask("POST", "/port/approve", {"run": declined, "user": DEPUTY, "approve": False})
    await stage.approve(own, ADMIN)

    refused = await stage.finished(own)

    assert (refused["status"], refused["statusLabel"]) == ("FAILURE", "Bad input")
    assert "wrote this text and can't approve it as well" in refused["summary"]
    assert (await stage.finished(declined))["status"] == "DECLINED"
    assert await public(incident) == []


async def test_a_draft_can_be_approved_as_long_as_it_says(page_stage: Stage) -> None:
    incident = await Incident.created(page_stage, severity="sev4")
    draft = await draft_of(incident, "publish", COMMANDER, **WORDS)
    await page_stage.change(COMMUNICATION, draft["identifier"], {"expiresAt": ago(minutes=1)})

    ended = await decided(page_stage, draft, ADMIN)

    assert (ended["status"], ended["statusLabel"]) == ("FAILURE", "Bad input")
    assert "expired" in ended["summary"]
    (stands,) = await spoken(incident, "draft")
    assert stands["state"] == "withdrawn"
    assert await public(incident) == []


@pytest.mark.parametrize("changed", [{"text": "All is well."}, {"contentHash": "0" * 64}])
async def test_a_draft_that_was_changed_is_not_what_was_read(page_stage: Stage, changed: Json) -> None:
    incident = await Incident.created(page_stage, severity="sev4")
    draft = await draft_of(incident, "publish", COMMANDER, **WORDS)
    await page_stage.change(COMMUNICATION, draft["identifier"], changed, RESPONDER)

    ended = await decided(page_stage, draft, ADMIN)

    assert (ended["status"], ended["statusLabel"]) == ("FAILURE", "Bad input")
    assert "changed after it was drafted" in ended["summary"]
    assert await public(incident) == []


async def test_breaking_the_glass_needs_the_right_and_a_reason_and_is_named(page_stage: Stage) -> None:
    incident = await Incident.created(page_stage, severity="sev4")
    draft = await draft_of(incident, "publish", ADMIN, **WORDS)
    why = "Night, and nobody answers."

    with pytest.raises(StageError, match="not permitted"):
        await decided(page_stage, draft, RESPONDER, "override", reason=why)
    with pytest.raises(StageError, match="reason"):
        await decided(page_stage, draft, ADMIN, "override")
    ended = await decided(page_stage, draft, ADMIN, "override", reason=why)

    assert (ended["status"], ended["statusLabel"]) == ("SUCCESS", "Published"), ended["summary"]
    (shown,) = await public(incident)
    assert bodies(shown) == [BODY]
    (sent,) = await spoken(incident, "publish")
    assert (sent["requestedBy"], sent["approvedBy"]) == (ADMIN, ADMIN)
    assert sent["details"]["approval"]["override"] == why


async def test_no_automation_speaks_in_public_whoever_it_says_it_is(page_stage: Stage) -> None:
    """Somebody makes automations of Port that press our buttons, in the name of a person."""
    stage = page_stage
    speaking, approving = [await Incident.created(stage, severity="sev4") for _ in range(2)]
    draft = await draft_of(approving, "publish", COMMANDER, **WORDS)
    read = {"communication": draft["identifier"], "contentHash": draft["contentHash"]}
    inputs: list[tuple[str, Incident, Json]] = [
        ("publish_status_page", speaking, {**WORDS, "notifySubscribers": True}),
        ("approve_public_update", approving, read),
        ("override_public_update", approving, {**read, "reason": "It is urgent."}),
    ]
    for action, incident, given in inputs:
        await _automation(stage, action, incident.identifier, given)
    for incident in (speaking, approving):
        await stage.change("incident", incident.identifier, {"summary": "Go."}, DEPUTY)

    for action, incident, _ in inputs:
        ended = await incident.run(f"pressing_{action}")
        assert (ended["status"], ended["statusLabel"]) == ("FAILURE", "Bad input"), ended["summary"]
        assert "approv" in ended["summary"]
    assert await public(speaking) == await public(approving) == []


async def _automation(stage: Stage, action: str, incident: str, inputs: Json) -> None:
    """Such an automation, for one incident: everything that it sends is as of a person's press."""
    pressed: Json = (await stage.port.get(f"/actions/{action}")).json()["action"]
    method: Json = pressed["invocationMethod"]
    body = {**method["body"], "incident": incident, "snapshot": None, "inputs": inputs, "requestedBy": DEPUTY}
    event = {"type": "ENTITY_UPDATED", "blueprintIdentifier": "incident"}
    only = {"type": "JQ", "expressions": [f'.context.entityIdentifier == "{incident}"'], "combinator": "and"}
    made: dict[str, Any] = {
        "identifier": f"pressing_{action}",
        "title": f"Presses {action}",
        "trigger": {"type": "automation", "event": event, "condition": only},
        "invocationMethod": {**method, "body": body},
        "publish": True,
    }
    answer = await stage.port.post("/actions", json=made)
    assert answer.status_code in (200, 201), answer.text
