"""What is drafted for a status page: components with states of their own, what automations draft, and what is
refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from integration import portjson, slack_forms
from integration.models.run import Outcome
from integration.page_catalog import Draft, PageCatalog
from integration.record_check import check_approvals
from integration.slack_forms import About, Choice
from integration.times import now
from tests.public_bench import API, CHECKOUT, LOGIN, PAGE, SEARCH, Public, public_bench

WORDS: dict[str, Any] = {"page": PAGE, "name": "Payments fail", "body": "Some payments fail."}
MIXED: dict[str, Any] = {
    "differentStates": True,
    "major_outage": [CHECKOUT],
    "degraded_performance": [SEARCH],
    "operational": [LOGIN],
}
SLOW: dict[str, Any] = {"componentStatus": "degraded_performance"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole() -> AsyncIterator[Public]:
    async with public_bench() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def public(whole: Public) -> Public:
    return await whole.afresh()


async def page_name(public: Public) -> str:
    """As Port has it."""
    entity = await public.engine.port.get_entity("statuspage", PAGE)
    assert entity is not None
    assert entity["title"] != PAGE
    return str(entity["title"])


async def drafting(public: Public, operation: str = "publish", **inputs: Any) -> str:
    """Why it was not drafted."""
    ended = await public.act(
        "draft_public_update", public.one, operation=operation, notifySubscribers=False, **inputs
    )
    assert not ended.ok, ended.summary
    assert ended.label == "Bad input"
    return ended.summary


async def test_each_component_its_own_state_in_one_write(public: Public) -> None:
    await public.stage.incident(public.one)
    draft = await public.draft(public.one, **WORDS, **MIXED)

    assert draft["preview"].startswith(f"**Publish** on {await page_name(public)} ({PAGE})")
    for row in (
        "| Checkout | operational | major_outage |",
        "| Search | operational | degraded_performance |",
    ):
        assert row in draft["preview"]
    before = len(public.asked())
    await public.approve(draft)

    assert public.asked()[before:].count("incidents.create") == 1
    assert not any("components" in one for one in public.asked()[before:])
    states = public.states()
    assert (states[CHECKOUT], states[SEARCH], states[LOGIN], states[API]) == (
        *("major_outage", "degraded_performance", "operational", "operational"),
    )
    (shown,) = public.shown(public.one)
    assert (shown["impact"], {one["id"] for one in shown["components"]}) == (
        "critical",
        {CHECKOUT, SEARCH, LOGIN},
    )

    # The next post tells what the page shows by now, and all that changed goes back.
    later = await public.draft(
        public.one, "update", body="Better.", operational=[CHECKOUT], partial_outage=[SEARCH]
    )
    assert "| Checkout | major_outage | operational |" in later["preview"]
    assert "| Search | degraded_performance | partial_outage |" in later["preview"]
    await public.approve(later)
    await public.stage.incident(public.one, status="resolved")
    await public.say(public.one, "resolve", body="Over.")
    assert set(public.states().values()) == {"operational"}
    await public.say(public.one, "reopen", body="Back.", major_outage=[API], components=[LOGIN], **SLOW)
    assert (public.states()[API], public.states()[LOGIN]) == ("major_outage", "degraded_performance")


async def test_what_makes_no_sense_names_its_field(public: Public) -> None:
    await public.stage.incident(public.one)

    twice = await drafting(public, **WORDS, major_outage=[CHECKOUT], degraded_performance=[CHECKOUT])
    both = await drafting(public, **WORDS, components=[CHECKOUT], **SLOW, operational=[CHECKOUT])
    hidden = await drafting(public, **WORDS, differentStates=False, major_outage=[CHECKOUT])
    unknown = await drafting(public, **WORDS, partial_outage=["sbxnowhere01"])
    resolving = await drafting(
        public, "schedule", **WORDS, major_outage=[CHECKOUT], scheduledFor="", scheduledUntil=""
    )

    assert twice.startswith("Refused: major_outage: Checkout is to become degraded_performance as well")
    assert both.startswith("Refused: operational: Checkout is to become degraded_performance as well")
    assert hidden.startswith("Refused: major_outage: ")
    assert "“Different states” is off" in hidden
    assert unknown.startswith("Refused: partial_outage: 'sbxnowhere01' is no component of page")
    assert resolving.startswith("Refused: major_outage: “Schedule maintenance” gives components no such")
    assert public.shown(public.one) == []


async def test_the_same_state_said_twice_is_said_once(public: Public) -> None:
    await public.stage.incident(public.one)

    await public.say(
        public.one, "publish", **WORDS, components=[SEARCH], **SLOW, degraded_performance=[SEARCH, API]
    )

    assert (public.states()[SEARCH], public.states()[API]) == ("degraded_performance",) * 2


async def test_nothing_is_proposed_over_states_that_the_author_has_chosen(public: Public) -> None:
    await public.service("payments", CHECKOUT, API)
    entity = {"identifier": public.one, "title": "db-7 is down", "relations": {"services": ["payments"]}}
    severe = {"status": "investigating", "severity": "sev2"}
    await public.stage.write("incident", {**entity, "properties": severe})

    draft = await public.draft(public.one, partial_outage=[SEARCH], operational=[LOGIN])

    assert "problem with Search." in draft["text"]  # Login works
    assert "Impact shown" not in draft["preview"]
    await public.approve(draft)
    assert {one for one, state in public.states().items() if state != "operational"} == {SEARCH}


async def test_the_forms_of_port_and_slack_ask_for_each_state() -> None:
    for definition in portjson.definitions():
        form = definition.get("button", {}).get("userInputs", {"properties": {}})
        if "componentStatus" not in form["properties"]:
            continue
        states = form["properties"]["componentStatus"]["enum"]
        for state in states:
            picker = form["properties"][state]
            assert picker["items"] == form["properties"]["components"]["items"]
            assert picker["visible"] == {"jqQuery": ".form.differentStates == true"}
        at = form["order"].index("differentStates")
        assert form["order"][at + 1 : at + 1 + len(states)] == states

        # In Slack everything is there from the start, so there is nothing to switch on.
        known = {"statuspage": [Choice(identifier=PAGE, title="Status")]}
        known["statuspageComponent"] = [Choice(identifier=API, title="API")]
        view = slack_forms.modal(definition, About(action=definition["action"], incident="INC-1"), known, {})
        asked = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
        assert "differentStates" not in asked
        assert set(states) <= set(asked)
        option = {"type": "multi_static_select", "selected_options": [{"value": API}]}
        required = {"body": {"type": "plain_text_input", "value": "Words."}}
        required["name"] = {"type": "plain_text_input", "value": "Title"}
        chosen = {name: {"type": "static_select", "selected_option": {"value": "publish"}} for name in asked}
        values = {name: {name: state} for name, state in {**chosen, **required, states[0]: option}.items()}
        assert slack_forms.inputs_of(definition, values)[states[0]] == [API]


async def test_other_words_for_what_is_public_already_are_an_update(public: Public) -> None:
    await public.stage.incident(public.one)
    first, second = [await public.draft(public.one, **{**WORDS, "body": body}) for body in ("One.", "Two.")]
    await public.approve(first)

    late = await public.approve(second)
    drafted = await drafting(public, **{**WORDS, "body": "Three."})

    (shown,) = public.shown(public.one)
    assert [one["body"] for one in shown["incident_updates"]] == ["One."]
    assert (late.ok, late.label, late.links) == (False, "Already public", (shown["shortlink"],))
    for told in (late.summary, drafted):
        assert "post them as an update" in told
        assert shown["shortlink"] in told


async def test_a_draft_shows_nothing_that_its_operation_does_not_take(public: Public) -> None:
    await public.stage.incident(public.one)
    assert (await public.say(public.one, "publish", **WORDS, scheduledFor="2031-01-01T10:00:00Z")).ok
    # A form may send what it hides, and Slack's hides nothing.
    hidden: dict[str, Any] = {
        "name": "Other title",
        "impact": "critical",
        "status": "monitoring",
        "automatic": True,
    }

    update = await public.draft(public.one, "update", body="Found it.", **hidden)
    resolution = await public.draft(
        public.one, "resolve", body="Over.", override="Customers see it works.", components=[API], **hidden
    )

    for preview in (update["preview"], resolution["preview"]):
        assert "Impact shown" not in preview
        assert "**Title:**" not in preview
        assert "takes no " in preview
        assert "automatic" not in preview
    assert "**Public status:** monitoring" in update["preview"]
    assert "**Public status:**" not in resolution["preview"]
    assert resolution["details"]["content"]["inputs"].keys() == {
        "page",
        "body",
        "notifySubscribers",
        "override",
    }
    assert (await public.approve(resolution)).label == "Resolved"
    found = await public.engine.catalog.communications(public.one)
    assert check_approvals({one.step.key: one for one in found}) == []


async def test_a_window_is_told_to_customers_and_approvers_in_one_zone(public: Public) -> None:
    await public.stage.incident(public.one)
    day = (now() + timedelta(days=2)).strftime("%Y-%m-%d")
    window = {"scheduledFor": f"{day}T10:00:00.000+02:00", "scheduledUntil": f"{day}T10:30:00Z"}

    draft = await public.draft(public.one, "schedule", page=PAGE, components=[API], **window)

    assert draft["text"].startswith(f"We will work on API from {day} 08:00 UTC to {day} 10:30 UTC.")
    assert f"**From** {day} 08:00 UTC **to** {day} 10:30 UTC, by the clock" in draft["preview"]


async def test_what_does_not_fit_is_told_with_what_to_do(public: Public) -> None:
    await public.stage.incident(public.one)
    given = {"body": "Words.", "override": "It is over for customers."}
    assert "no maintenance of" in await drafting(public, "complete", **given)
    assert "publish it first" in await drafting(public, "resolve", **given)
    assert "impact: 'huge' is none of none, minor" in await drafting(public, **WORDS, impact="huge")
    assert "name: is more than one line" in await drafting(public, **{**WORDS, "name": "Payments\nfail"})
    await public.say(public.one, "publish", **WORDS)
    assert "is investigating, so it is open; update it" in await drafting(public, "reopen", **given)
    assert "is investigating; resolve it first" in await drafting(public, "postmortem", **given)
    await public.say(public.one, "resolve", **given)
    assert "its public incident is resolved already" in await drafting(public, "resolve", **given)
    assert "reopen it, or publish a new one" in await drafting(public, "update", **given)
    await public.say(public.one, "postmortem", **given)
    assert "is postmortem; publish a new one" in await drafting(public, "update", **given)
    assert "has a postmortem; publish a new one" in await drafting(public, "reopen", **given)


async def automatic(public: Public, operation: str, cause: str = "commander@example.com") -> Outcome:
    """As the automation asks that is set off by a change of this person's."""
    name = {"publish": "publication", "resolve": "resolution", "reopen": "reopening"}.get(
        operation, operation
    )
    by = f"automation draft_{name}_for_status_page (change by {cause})"
    return await public.act(
        "draft_public_update", public.one, by, operation=operation, notifySubscribers=True
    )


async def incident(public: Public, **properties: str) -> None:
    """One of a service that customers see as Checkout."""
    await public.service("payments", CHECKOUT)
    entity = {"identifier": public.one, "title": "db-7 is down", "relations": {"services": ["payments"]}}
    severe = {"status": "investigating", "severity": "sev2", **properties}
    await public.stage.write("incident", {**entity, "properties": severe})


async def drafts(public: Public) -> dict[str, list[str]]:
    """The words of the drafts, by their state."""
    found: dict[str, list[str]] = {}
    for one in await public.stage.record(public.one):
        held = one["properties"]
        if held["purpose"] == "draft":
            found.setdefault(held["state"], []).append(held["text"])
    return found


async def test_automations_draft_each_turn_once_and_publish_nothing(public: Public) -> None:
    await incident(public)

    both = await asyncio.gather(*(automatic(public, "publish") for _ in "12"))

    assert sorted(one.label for one in both) == ["Already drafted", "Drafted"]
    assert (await drafts(public)).keys() == {"draft"}
    assert public.shown(public.one) == []
    (made,) = await undecided(public)
    assert (await public.approve(made)).label == "Published"
    assert public.states()[CHECKOUT] == "partial_outage"
    assert "is on page" in (await automatic(public, "publish")).summary

    # The page says as much as the incident does; then the incident goes on, twice.
    assert "says investigating already" in (await automatic(public, "update")).summary
    await incident(public, status="identified")
    assert (await automatic(public, "update")).label == "Drafted"
    await incident(public, status="monitoring")
    assert (await automatic(public, "update")).label == "Drafted"
    (made,) = await undecided(public)
    assert "Proposed monitoring, as the incident is monitoring." in made["preview"]
    assert [one[:24] for one in (await drafts(public))["withdrawn"]] == ["We know what causes the "]
    assert (await public.approve(made)).label == "Updated"

    await incident(public, status="resolved")
    assert "is resolved by now" in (await automatic(public, "update")).summary
    assert (await automatic(public, "resolve")).label == "Drafted"
    (made,) = await undecided(public)
    assert (await public.approve(made)).label == "Resolved"
    assert public.states()[CHECKOUT] == "operational"
    assert "is resolved already" in (await automatic(public, "resolve")).summary
    await incident(public)
    assert (await automatic(public, "reopen")).label == "Drafted"
    (shown,) = public.shown(public.one)
    assert [one["status"] for one in reversed(shown["incident_updates"])] == [
        *("investigating", "monitoring", "resolved"),
    ]


async def test_what_was_approved_a_moment_before_is_not_withdrawn(
    public: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    await incident(public)
    assert (await automatic(public, "publish")).label == "Drafted"
    lagging = await PageCatalog(public.engine.port, public.engine.settings).drafts("draft")
    (made,) = await undecided(public)
    assert (await public.approve(made)).label == "Published"

    async def drafts_then(self: PageCatalog, purpose: str) -> list[Draft]:
        return lagging  # Port's search lags

    monkeypatch.setattr(PageCatalog, "drafts", drafts_then)
    await incident(public, status="identified")
    assert (await automatic(public, "update")).label == "Drafted"

    stands = await public.stage.properties("incidentCommunication", made["identifier"])
    assert stands["state"] == "superseded"


async def undecided(public: Public) -> list[dict[str, Any]]:
    record = await public.stage.record(public.one)
    return [
        {**one["properties"], "identifier": one["identifier"]}
        for one in record
        if (one["properties"]["purpose"], one["properties"]["state"]) == ("draft", "draft")
    ]


async def test_where_there_is_nothing_to_draft_the_automation_says_so(public: Public) -> None:
    await public.stage.incident(public.one)
    unseen = await automatic(public, "publish")
    await public.stage.incident(public.two, private=True)
    public.one = public.two
    private = await automatic(public, "publish")

    for ended, why in ((unseen, "customers see none of its services"), (private, "is private")):
        assert (ended.ok, ended.label) == (True, "Nothing to draft"), ended.summary
        assert why in ended.summary
    assert await drafts(public) == {}


async def test_what_an_automation_could_not_draft_is_told_as_well(public: Public) -> None:
    await incident(public)
    for page in (PAGE, "pageelse0001"):
        await public.stage.write("statuspage", {"identifier": page, "title": page})
    await public.stage.write("statuspageComponent", {"identifier": "cmpnowhere01", "title": "Nowhere"})
    await public.service("payments", "cmpnowhere01")  # on neither of the two

    ended = await automatic(public, "publish")

    assert (ended.ok, ended.label) == (False, "Bad input")
    assert "choose the status page" in ended.summary
    assert await drafts(public) == {}
