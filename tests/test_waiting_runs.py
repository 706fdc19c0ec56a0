"""Runs that wait for Port's approval: what would go out can be read before, and nothing else goes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from actions import waiting_runs
from actions.public_consent import preview_key
from integration import page_mirror, portjson
from integration.command import command_of_run
from integration.models.run import Outcome
from integration.record_check import check_approvals
from integration.times import iso, now
from sandbox.port.service import ADMIN
from sandbox.statuspage.state import API_KEY
from sandbox.world import Json
from tests.public_bench import API, APPROVER, CHECKOUT, LOGIN, PAGE, Public, public_bench

pytestmark = pytest.mark.asyncio(loop_scope="module")
COMMANDER = "commander@example.com"
WORDS: dict[str, Any] = {"page": PAGE, "name": "Payments fail", "body": "Some payments fail."}


@dataclass
class Waiting:
    """One incident, its page, and a Port whose approvals hold its buttons. Approved runs are handed over
    as Ocean does, when the test says so."""

    public: Public

    @property
    def incident(self) -> str:
        return self.public.one

    def press(self, action: str, by: str = COMMANDER, **inputs: Any) -> str:
        given = {"notifySubscribers": False, **inputs}
        return str(self.public.stage.sandbox.engine.press(action, self.incident, given, by)["id"])

    def decide(self, run: str, approve: bool = True, why: str | None = None) -> None:
        self.public.stage.sandbox.engine.approve(run, ADMIN, approve, why)

    async def sweep(self) -> None:
        """What a sweep does for runs that wait."""
        engine = self.public.engine
        lists = {action: await engine.port.active_runs(action) for action in ACTIONS}
        found = [
            (action, run)
            for action, runs in lists.items()
            for run in runs
            if run["status"] == "WAITING_FOR_APPROVAL"
        ]
        assert engine.sweeper._waiting is not None
        await engine.sweeper._waiting(found)

    async def arrive(self, run: str, door: str = "webhook") -> Outcome:
        """The approved run reaches us."""
        engine = self.public.engine
        held = await engine.port.run(run)
        assert held is not None
        assert held["status"] == "IN_PROGRESS"
        command = command_of_run(held["action"]["identifier"], held)
        assert command is not None
        task = engine.runner.take(command.model_copy(update={"door": door}))
        assert task is not None
        return await task

    async def draft(self, run: str) -> Json:
        return await self.public.stage.properties("incidentCommunication", preview_key(self.incident, run))

    async def sent(self, run: str) -> Json:
        (found,) = [
            one["properties"]
            for one in await self.public.stage.record(self.incident)
            if one["properties"]["run"] == run and one["properties"]["purpose"] not in UNSENT
        ]
        return dict(found)

    def run(self, run: str) -> Json:
        (found,) = [one for one in self.public.stage.sandbox.engine.snapshot() if one["id"] == run]
        return found

    async def verified(self) -> list[str]:
        """What `make verify` finds of its approvals."""
        found = await self.public.engine.catalog.communications(self.incident)
        return [one.detail for one in check_approvals({one.step.key: one for one in found})]

    def said(self) -> list[str]:
        """What the page says, newest first."""
        return [
            one["body"] for shown in self.public.shown(self.incident) for one in shown["incident_updates"]
        ]


ACTIONS = ("publish_status_page", "update_status_page", "resolve_status_page")
UNSENT = ("preview", "approval notice", "public notice")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole() -> AsyncIterator[Public]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(page_mirror, "DEBOUNCE_SECONDS", 0.02)
        async with public_bench(guard_rules='{"resolved early": "warn"}') as found:
            person = {"email": COMMANDER, "role": "Member"}
            found.stage.sandbox.port.seed({"allow_integration_actions": True, "users": [person]})
            claimed = portjson.IntegrationAction("incident-comms")
            for definition in portjson.definitions():
                if definition["action"] in ACTIONS:
                    (button,) = portjson.port_actions(definition, found.engine.settings, claimed)
                    await found.engine.port.put_action(button["identifier"], button)
            yield found


@pytest_asyncio.fixture(loop_scope="module")
async def waiting(whole: Public) -> Waiting:
    public = await whole.afresh()
    await public.stage.incident(public.one)
    return Waiting(public)


async def test_what_goes_out_can_be_read_before_it_is_approved_and_nothing_else_does(
    waiting: Waiting,
) -> None:
    states: dict[str, Any] = {"components": [CHECKOUT], "componentStatus": "partial_outage"}
    run = waiting.press("publish_status_page", **WORDS, **states)
    await waiting.sweep()
    await waiting.sweep()

    draft = await waiting.draft(run)
    assert (draft["state"], draft["purpose"], draft["requestedBy"]) == ("draft", "preview", COMMANDER)
    for told in (
        PAGE,
        "Payments fail",
        "Some payments fail.",
        "| Checkout |",
        "partial_outage",
        "no message",
    ):
        assert told in draft["preview"]
    shown = waiting.run(run)
    assert preview_key(waiting.incident, run).replace(":", "%3A") in shown["link"][0]
    assert [log["message"].count("Some payments fail.") for log in shown["logs"]] == [1]
    assert waiting.said() == []

    waiting.decide(run)
    ended = await waiting.arrive(run)

    assert ended.label == "Published", ended.summary
    sent = await waiting.sent(run)
    approval = sent["details"]["approval"]
    assert approval["contentHash"] == draft["contentHash"]
    assert approval["draft"] == preview_key(waiting.incident, run)
    assert (approval["by"], approval["through"]) == (ADMIN, "the run's approval in Port")
    assert approval["at"]
    draft = await waiting.draft(run)
    assert (draft["state"], draft["approvedBy"]) == ("superseded", ADMIN)
    assert waiting.said() == ["Some payments fail."]


async def test_a_resolution_sets_back_no_more_than_was_read(waiting: Waiting) -> None:
    public = waiting.public
    outage = {"components": [CHECKOUT, API], "componentStatus": "partial_outage"}
    await public.say(waiting.incident, "publish", **WORDS, **outage)
    people = public.stage.sandbox.statuspage.people
    people.set_component(API, "degraded_performance")  # by hand: it stays
    run = waiting.press("resolve_status_page", body="Over.")
    await waiting.sweep()
    assert "| Checkout | partial_outage | operational |" in (await waiting.draft(run))["preview"]
    assert "API stays degraded_performance" in (await waiting.draft(run))["preview"]

    people.set_component(API, "partial_outage")  # it would go back by now, but nobody has read that
    waiting.decide(run)
    ended = await waiting.arrive(run)

    assert ended.label == "Resolved", ended.summary
    states = public.states()
    assert (states[CHECKOUT], states[API]) == ("operational", "partial_outage")
    assert any("API stays: nobody approved" in line for line in ended.log)
    await public.engine.performer.flush()
    assert await waiting.verified() == []  # of the draft that was approved by its button, and of the run's
    sent = await waiting.sent(run)
    changed = {**sent["details"], "components": {CHECKOUT: "operational", API: "operational"}}
    key = f"{waiting.incident}:resolve:{sent['details']['public']}"
    entity = {"identifier": key, "properties": {"text": "All is well.", "details": changed}}
    await public.stage.write("incidentCommunication", entity)
    assert await waiting.verified() == ["it is not what was approved: another text, components"]


async def test_what_would_be_another_thing_by_now_is_refused_and_says_so(waiting: Waiting) -> None:
    public = waiting.public
    await public.say(waiting.incident, "publish", **WORDS)
    (shown,) = public.shown(waiting.incident)
    update = waiting.press("update_status_page", body="One more thing.")
    await waiting.sweep()
    assert "investigating" in (await waiting.draft(update))["preview"]
    public.stage.sandbox.statuspage.people.post_update(shown["id"], "By hand.", "identified")
    waiting.decide(update)

    ended = await waiting.arrive(update)

    assert (ended.ok, ended.label) == (False, "Bad input")
    for told in ("is identified by now", "while it was investigating", "press the button again"):
        assert told in ended.summary
    assert (await waiting.draft(update))["state"] == "withdrawn"
    # Resolved and published again by hand of somebody else: another one is meant.
    again = waiting.press("update_status_page", body="One more thing.")
    await waiting.sweep()
    await public.say(waiting.incident, "resolve", body="Over.")
    await public.say(waiting.incident, "publish", **{**WORDS, "body": "A new one."})
    waiting.decide(again)
    ended = await waiting.arrive(again)
    assert "another public incident is meant by now; press the button again" in ended.summary
    assert "One more thing." not in waiting.said()


async def test_a_draft_that_was_changed_in_port_is_not_what_its_run_asks_for(waiting: Waiting) -> None:
    run = waiting.press("publish_status_page", **WORDS)
    await waiting.sweep()
    draft = await waiting.draft(run)
    content = draft["details"]["content"]
    content["inputs"]["body"] = "All is well."
    key = preview_key(waiting.incident, run)
    changes = {"text": "All is well.", "details": {"content": content}}
    await waiting.public.stage.write("incidentCommunication", {"identifier": key, "properties": changes})
    waiting.decide(run)

    ended = await waiting.arrive(run)

    assert (ended.ok, "changed after it was drafted" in ended.summary) == (False, True), ended.summary
    assert waiting.said() == []


async def test_it_is_approved_on_its_run_alone(waiting: Waiting) -> None:
    run = waiting.press("publish_status_page", **WORDS)
    await waiting.sweep()
    draft = {**await waiting.draft(run), "identifier": preview_key(waiting.incident, run)}

    refused = [
        await waiting.public.approve(draft),
        await waiting.public.act(
            "override_public_update",
            waiting.incident,
            COMMANDER,
            communication=draft["identifier"],
            contentHash=draft["contentHash"],
            reason="Night.",
        ),
    ]

    for ended in refused:
        assert (ended.ok, "waits for the approval of its run" in ended.summary) == (False, True), (
            ended.summary
        )
        assert f"runId={run}" in ended.summary
    waiting.decide(run)
    assert (await waiting.arrive(run)).label == "Published"
    assert waiting.said() == ["Some payments fail."]


async def test_who_declines_ends_the_draft_and_is_named(waiting: Waiting) -> None:
    run = waiting.press("publish_status_page", **WORDS)
    await waiting.sweep()
    waiting.decide(run, approve=False, why="Not in these words.")

    await waiting.public.act("watch_approvals", "", "automation waiting_to_publish", run=run)

    draft = await waiting.draft(run)
    assert (draft["state"], draft["reason"]) == ("withdrawn", f"declined by {ADMIN}: Not in these words.")
    other = waiting.press("publish_status_page", **WORDS)
    await waiting.sweep()
    waiting.decide(other, approve=False)
    await waiting.sweep()  # nobody told us
    assert (await waiting.draft(other))["reason"] == f"declined by {ADMIN}"
    assert waiting.said() == []


async def test_what_nobody_approves_in_time_is_withdrawn_and_can_not_be_approved_any_more(
    waiting: Waiting,
) -> None:
    run = waiting.press("publish_status_page", **WORDS)
    await waiting.sweep()
    key, past = preview_key(waiting.incident, run), iso(now() - timedelta(seconds=1))
    await waiting.public.stage.write(
        "incidentCommunication", {"identifier": key, "properties": {"expiresAt": past}}
    )
    await waiting.sweep()
    assert (await waiting.draft(run))["reason"].startswith("nobody approved it before")
    waiting.decide(run)

    ended = await waiting.arrive(run)

    assert (ended.ok, "press the button again" in ended.summary) == (False, True), ended.summary
    assert waiting.said() == []


async def test_approved_before_anything_stood_its_inputs_count_and_the_record_says_so(
    waiting: Waiting,
) -> None:
    run = waiting.press("publish_status_page", **WORDS)
    waiting.decide(run)
    ended = await waiting.arrive(run)
    assert ended.label == "Published"
    approval = (await waiting.sent(run))["details"]["approval"]
    assert (approval["of"], "contentHash" in approval) == ("the run's inputs", False)

    # It is drafted a moment after somebody has approved: he can't have read it.
    late = waiting.press("update_status_page", body="Found it.")
    held = await waiting.public.engine.port.run(late)
    assert held is not None
    waiting.decide(late)
    assert waiting.public.engine.sweeper._waiting is not None
    await waiting.public.engine.sweeper._waiting([("update_status_page", held)])
    assert (await waiting.draft(late))["state"] == "draft"  # its run is in somebody's hand
    ended = await waiting.arrive(late)
    assert ended.label == "Updated", ended.summary
    assert (await waiting.sent(late))["details"]["approval"]["of"] == "the run's inputs"
    draft = await waiting.draft(late)
    assert (draft["state"], "approved before this stood" in draft["reason"]) == ("withdrawn", True)


async def test_what_would_be_refused_is_told_at_once_and_not_by_the_approval(waiting: Waiting) -> None:
    run = waiting.press("publish_status_page", **{**WORDS, "body": "It is <b>down</b>."})
    await waiting.sweep()

    draft = await waiting.draft(run)
    assert draft["state"] == "withdrawn"
    assert "HTML" in draft["reason"]
    assert "can't go out as it stands" in draft["preview"]
    assert "HTML" in waiting.run(run)["logs"][0]["message"]
    waiting.decide(run)
    ended = await waiting.arrive(run)
    assert (ended.ok, "HTML" in ended.summary) == (False, True), ended.summary


async def test_a_run_that_was_cut_off_after_it_spoke_is_reported_as_sent(waiting: Waiting) -> None:
    await waiting.public.say(waiting.incident, "publish", **WORDS)
    run = waiting.press(
        "update_status_page", body="Found it.", components=[LOGIN], componentStatus="major_outage"
    )
    await waiting.sweep()
    waiting.decide(run)
    port = waiting.public.engine.port
    original = port.finish_run

    async def lost(*given: Any, **more: Any) -> bool:
        raise RuntimeError("the process ends here")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(port, "finish_run", lost)
        with pytest.raises(RuntimeError):
            await waiting.arrive(run)
    assert port.finish_run == original
    (shown,) = waiting.public.shown(waiting.incident)
    waiting.public.stage.sandbox.statuspage.people.post_update(shown["id"], "By hand.", "identified")

    ended = await waiting.arrive(run, door="sweeper")

    assert ended.ok, ended.summary
    assert waiting.said() == ["By hand.", "Found it.", "Some payments fail."]
    assert (await waiting.draft(run))["state"] == "superseded"


@pytest.mark.parametrize("refused", [0, 1, 3])
async def test_what_was_said_is_not_withdrawn_because_port_refuses_a_write(
    waiting: Waiting, refused: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever write about it is refused: intent, receipt, the room's word, its receipt."""
    monkeypatch.setattr(waiting_runs, "SEARCH_LAG", timedelta(0))
    assert (await waiting.public.act("open_war_room", waiting.incident)).ok
    run = waiting.press("publish_status_page", **WORDS)
    await waiting.sweep()
    waiting.decide(run)
    world = waiting.public.stage.sandbox.world
    meant = {"service": "port", "operation": "entities.bulk", "path": ".*/incidentCommunication/.*"}
    world.faults.add({**meant, "skip": refused, "status": 422, "error": "invalid_request"})

    await waiting.arrive(run)

    world.faults.clear()
    await waiting.sweep()
    said = bool(waiting.said())
    assert said == (refused > 0)
    assert (await waiting.draft(run))["state"] == ("superseded" if said else "withdrawn")


async def test_a_draft_that_was_said_does_not_wait_because_port_refused_that(waiting: Waiting) -> None:
    public = waiting.public
    draft = await public.draft(waiting.incident, **WORDS)
    world = public.stage.sandbox.world
    end = {"service": "port", "operation": "entities.patch", "path": ".*/incidentCommunication/.*"}
    world.faults.add({**end, "status": 422, "error": "invalid_request"})

    assert (await public.approve(draft)).ok

    world.faults.clear()
    key = draft["identifier"]
    assert (await public.stage.properties("incidentCommunication", key))["state"] == "draft"
    await waiting.sweep()
    stands = await public.stage.properties("incidentCommunication", key)
    assert (stands["state"], stands["approvedBy"]) == ("superseded", APPROVER)


async def test_a_draft_that_nobody_approves_in_time_is_not_looked_at_for_ever(waiting: Waiting) -> None:
    public = waiting.public
    late, young = [
        await public.draft(waiting.incident, **{**WORDS, "body": body}) for body in ("One.", "Two.")
    ]
    expired = {
        "identifier": late["identifier"],
        "properties": {"expiresAt": iso(now() - timedelta(minutes=6))},
    }
    await public.stage.write("incidentCommunication", expired)

    await waiting.sweep()

    stands = [
        await public.stage.properties("incidentCommunication", one["identifier"]) for one in (late, young)
    ]
    assert [one["state"] for one in stands] == ["withdrawn", "draft"]
    assert stands[0]["reason"].startswith("nobody approved it before")


async def test_words_that_are_refused_are_kept_with_their_run_alone(waiting: Waiting) -> None:
    secret = "Log in with hunter2hunter2 at https://admin:hunter2hunter2@db-7.prod.internal/x"
    leaking = waiting.press("publish_status_page", **{**WORDS, "body": secret})
    await waiting.sweep()
    held = await waiting.draft(leaking)
    await waiting.public.stage.incident(waiting.incident, private=True)
    private = waiting.press("publish_status_page", **WORDS)
    await waiting.sweep()

    for draft in (held, await waiting.draft(private)):
        assert draft["state"] == "withdrawn"
        assert not draft["text"]
        assert "Some payments fail." not in str(draft)
    assert "admin:hunter2" not in str(held) + str(waiting.run(leaking)["logs"])


async def test_whoever_finds_it_how_often_it_is_shown_and_told_once(waiting: Waiting) -> None:
    public = waiting.public
    opened = await public.act("open_war_room", waiting.incident)
    assert opened.ok, opened.summary
    other = public.stage.engine(
        statuspage_api_url=f"{public.stage.url}/statuspage/v1",
        statuspage_api_key=API_KEY,
        statuspage_requests_per_minute=6000,
    )
    run = waiting.press("publish_status_page", **WORDS)
    found = [one for one in await other.port.active_runs("publish_status_page") if one["id"] == run]
    before = public.stage.effects("chat.postMessage")
    assert public.engine.sweeper._waiting is not None
    assert other.sweeper._waiting is not None
    seen = [("publish_status_page", one) for one in found]

    await asyncio.gather(
        public.engine.sweeper._waiting(seen),
        other.sweeper._waiting(seen),
        *(public.act("watch_approvals", "", "automation waiting_to_publish", run=run) for _ in range(2)),
    )
    await public.engine.sweeper._waiting(seen)

    record = [one["properties"] for one in await public.stage.record(waiting.incident)]
    assert [one["state"] for one in record if one["purpose"] == "preview"] == ["draft"]
    assert [one["state"] for one in record if one["purpose"] == "approval notice"] == ["sent"]
    assert public.stage.effects("chat.postMessage") - before == 1
    assert len(waiting.run(run)["logs"]) == 1
    # Once it has gone out, the documents tell of that alone.
    waiting.decide(run)
    await waiting.arrive(run)
    assert (await public.act("write_rca", waiting.incident)).ok
    written = await public.stage.properties("incidentWarRoom", waiting.incident)
    for document in (written["timeline"], written["rca"]):
        assert "Publish" in document
        assert "Preview" not in document


async def test_where_port_shows_nothing_on_a_waiting_run_it_can_be_read_all_the_same(
    waiting: Waiting,
) -> None:
    faults = waiting.public.stage.sandbox.world.faults
    for operation in ("runs.patch", "runs.logs"):
        faults.add({"service": "port", "operation": operation, "status": 422, "times": 1})
    run = waiting.press("publish_status_page", **WORDS)

    await waiting.sweep()

    assert (waiting.run(run).get("link"), waiting.run(run)["logs"]) == (None, [])
    assert (await waiting.draft(run))["state"] == "draft"
    waiting.decide(run)
    assert (await waiting.arrive(run)).label == "Published"
    assert (await waiting.sent(run))["details"]["approval"]["contentHash"]
