"""What is said on a status page: by drafts that somebody else approves, with components that are safe."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.statuspage.state import API_KEY
from tests.public_bench import (
    API,
    APPROVER,
    AUTHOR,
    CHECKOUT,
    PAGE,
    Public,
)
from tests.sandbox.serve import until

WORDS: dict[str, Any] = {"page": PAGE, "name": "Payments fail", "body": "Some payments fail."}


pytestmark = pytest.mark.asyncio(loop_scope="session")


def outage(*components: str, state: str = "partial_outage") -> dict[str, Any]:
    return {"components": list(components), "componentStatus": state}


async def test_page_components_impact_and_words_are_proposed_from_the_services(public: Public) -> None:
    await public.service("payments", CHECKOUT, API)
    await public.stage.write(
        "incident",
        {
            "identifier": public.one,
            "title": "db-7 is down",
            "properties": {"status": "investigating", "severity": "sev2"},
            "relations": {"services": ["payments"]},
        },
    )

    draft = await public.draft(public.one)

    assert draft["state"] == "draft"
    assert draft["text"].startswith("We are looking into a problem with Checkout and API.")
    for told in (PAGE, "Problems with Checkout and API", "| Checkout |", "partial_outage", "get no message"):
        assert told in draft["preview"]
    assert "db-7" not in draft["preview"]
    assert public.shown(public.one) == []

    ended = await public.approve(draft)

    assert ended.label == "Published"
    (shown,) = public.shown(public.one)
    assert (shown["name"], shown["impact"]) == ("Problems with Checkout and API", "major")
    assert public.states()[CHECKOUT] == public.states()[API] == "partial_outage"
    record = {one["identifier"]: one["properties"] for one in await public.stage.record(public.one)}
    sent = record[f"{public.one}:publish:{PAGE}"]
    assert (sent["requestedBy"], sent["approvedBy"]) == (AUTHOR, APPROVER)
    assert sent["details"]["approval"]["contentHash"] == draft["contentHash"]
    assert record[draft["identifier"]]["state"] == "superseded"
    again = await public.approve(draft)
    assert again.label == "Already sent"
    assert len(public.shown(public.one)) == 1


async def test_a_template_of_the_page_gives_words_status_and_components(public: Public) -> None:
    await public.stage.incident(public.one)
    public.stage.sandbox.statuspage.seed(
        {
            "pages": [
                {
                    "id": "pageoftempl1",
                    "name": "Partners",
                    "components": [{"id": "cmppartner01", "name": "Partner API"}],
                    "templates": [
                        {
                            "name": "Outage",
                            "title": "Partner API is down",
                            "body": "We know of it.",
                            "update_status": "identified",
                            "component_ids": ["cmppartner01"],
                        }
                    ],
                }
            ]
        }
    )

    draft = await public.draft(public.one, page="pageoftempl1", template="Outage")
    await public.approve(draft)

    (shown,) = public.shown(public.one)
    assert (shown["name"], shown["status"]) == ("Partner API is down", "identified")
    assert [one["id"] for one in shown["components"]] == ["cmppartner01"]
    ended = await public.act(
        "draft_public_update",
        public.one,
        operation="publish",
        page=PAGE,
        template="None such",
        notifySubscribers=False,
    )
    assert not ended.ok
    assert "no incident template 'None such'" in ended.summary


async def test_the_whole_life_of_a_public_incident(public: Public) -> None:
    await public.stage.incident(public.one)
    await public.say(public.one, "publish", **WORDS, **outage(CHECKOUT))
    await public.say(public.one, "update", body="Found it.", status="identified", **outage(API))
    await public.stage.incident(public.one, status="resolved")
    await public.say(public.one, "resolve", body="Over.")
    assert public.states()[CHECKOUT] == public.states()[API] == "operational"
    await public.say(public.one, "reopen", body="Back again.", **outage(API))
    assert public.states()[API] == "partial_outage"
    await public.say(public.one, "resolve", body="Over for good.")
    ended = await public.say(public.one, "postmortem", body="A certificate had expired.")

    (shown,) = public.shown(public.one)
    assert shown["status"] == "postmortem"
    assert [one["status"] for one in reversed(shown["incident_updates"])] == [
        *("investigating", "identified", "resolved", "investigating", "resolved", "postmortem")
    ]
    assert {one["id"] for one in shown["components"]} == {CHECKOUT, API}
    assert ended.label == "Published"
    await public.quiet()
    held = await public.stage.properties("incident", public.one)
    assert held["publicStatus"] == "postmortem"
    assert held["lastPublicWords"] == "A certificate had expired."
    assert not held.get("publicDrift")
    again = await public.approve(
        await public.draft(public.one, "postmortem", body="A certificate had expired.")
    )
    assert again.label == "Already sent"


async def test_what_was_followed_by_other_words_is_news_when_it_is_said_again(public: Public) -> None:
    await public.stage.incident(public.one)
    await public.say(public.one, "publish", **WORDS)
    labels = [
        (await public.say(public.one, "update", body=words)).label
        for words in ("We look into it.", "We look into it.", "It is the cards.", "We look into it.")
    ]
    assert labels == ["Updated", "Already sent", "Updated", "Updated"]
    (shown,) = public.shown(public.one)
    assert [one["body"] for one in shown["incident_updates"]] == [
        *("We look into it.", "It is the cards.", "We look into it.", WORDS["body"])
    ]


async def test_a_postmortem_that_was_taken_off_the_page_can_be_published_again(public: Public) -> None:
    await public.stage.incident(public.one)
    await public.say(public.one, "publish", **WORDS)
    await public.stage.incident(public.one, status="resolved")
    await public.say(public.one, "resolve", body="Over.")
    learned = {"body": "A certificate had expired."}
    labels = [(await public.say(public.one, "postmortem", **learned)).label for _ in range(2)]
    (shown,) = public.shown(public.one)
    hand = {"authorization": f"OAuth {API_KEY}"}
    async with httpx.AsyncClient(base_url=public.stage.url, headers=hand) as http:
        path = f"/statuspage/v1/pages/{PAGE}/incidents/{shown['id']}/postmortem/revert"
        assert (await http.put(path)).status_code == 200

    labels += [(await public.say(public.one, "postmortem", **learned)).label for _ in range(2)]

    assert labels == ["Published", "Already sent", "Published", "Already sent"]
    (shown,) = public.shown(public.one)
    assert [one["status"] for one in shown["incident_updates"]] == ["postmortem", "resolved", "investigating"]


async def test_a_publish_is_one_request_an_update_two_and_what_follows_is_none(public: Public) -> None:
    await public.stage.incident(public.one)
    drafts = await public.draft(public.one, **WORDS, **outage(CHECKOUT, API))
    before = len(public.asked())
    await public.approve(drafts)
    await public.quiet()
    published = public.asked()[before:]
    update = await public.draft(public.one, "update", body="Found it.", status="identified")
    before = len(public.asked())
    await public.approve(update)
    await public.quiet()
    updated = public.asked()[before:]
    await public.stage.incident(public.one, status="resolved")
    resolve = await public.draft(public.one, "resolve", body="Over.")
    before = len(public.asked())
    await public.approve(resolve)
    await public.quiet()
    resolved = public.asked()[before:]

    assert [one for one in published if one != "pages.get"] == ["incidents.create"]
    assert updated == ["incidents.get", "incidents.update"]
    assert sorted(resolved) == [
        "incidents.active_maintenance",
        "incidents.get",
        "incidents.unresolved",
        "incidents.update",
    ]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"body": "   "}, "it is empty"),
    ({"body": "x" * 25_001}, "at most 25000"),
    ({"body": "It is <b>down</b>."}, "HTML"),
    ({"body": "Ask <@U012AB34> about it."}, "Slack's markup"),
    ({"body": "We hear more at [insert time]."}, "not filled in"),
    ({"name": "Payments\nfail"}, "more than one line"),
    ({"name": "<script>alert(1)</script>"}, "HTML"),
    ({"name": "x" * 256}, "at most 255"),
    ({"page": "nopage000001"}, "no page"),
    ({"components": ["nocomponent1"], "componentStatus": "major_outage"}, "no component of page"),
    ({"components": [CHECKOUT], "componentStatus": "on fire"}, "none of operational"),
    ({"componentStatus": "major_outage"}, "choose the components"),
    ({"status": "resolved"}, "none of investigating"),
    ({"notifySubscribers": None}, "choose yes or no"),
]


async def test_bad_input_has_a_clear_answer_and_publishes_nothing(public: Public) -> None:
    await public.stage.incident(public.one)
    for inputs, why in BAD:
        given = {"operation": "publish", "notifySubscribers": False, **WORDS, **inputs}

        ended = await public.act("draft_public_update", public.one, **given)

        assert (ended.ok, why in ended.summary) == (False, True), ended.summary
    assert public.shown(public.one) == []


async def test_what_is_over_is_not_updated_and_what_is_open_gets_no_postmortem(public: Public) -> None:
    await public.stage.incident(public.one)
    await public.say(public.one, "publish", **WORDS)
    read: dict[str, Any] = {"notifySubscribers": False, "body": "One more thing."}
    early = await public.act("draft_public_update", public.one, operation="postmortem", **read)
    update = await public.draft(public.one, "update", body="One more thing.")
    await public.stage.incident(public.one, status="resolved")
    await public.say(public.one, "resolve", body="Over.")

    drafted = await public.act("draft_public_update", public.one, operation="update", **read)
    approved = await public.approve(update)  # drafted before, approved after the resolution

    assert "its public incident is investigating; resolve it first" in early.summary
    assert [one.ok for one in (early, drafted, approved)] == [False] * 3
    for told in (drafted.summary, approved.summary):
        assert "resolved" in told, told
    (shown,) = public.shown(public.one)
    assert [one["status"] for one in shown["incident_updates"]] == ["resolved", "investigating"]


@pytest.mark.rehearsal  # it waits for as long as the page asks
@pytest.mark.parametrize("status", [420, 429])
async def test_a_page_that_asks_to_wait_gets_the_words_once(public: Public, status: int) -> None:
    await public.stage.incident(public.one)
    draft = await public.draft(public.one, **WORDS, **outage(CHECKOUT))
    public.refuse("incidents.create", status)

    ended = await public.approve(draft)

    assert ended.ok, ended.summary
    assert len(public.shown(public.one)) == 1
    assert public.states()[CHECKOUT] == "partial_outage"


async def test_what_the_page_refuses_leaves_nothing_half_and_can_be_said_again(public: Public) -> None:
    await public.stage.incident(public.one)
    draft = await public.draft(public.one, **WORDS, **outage(CHECKOUT))
    public.refuse("incidents.create", 422)

    refused = await public.approve(draft)

    assert not refused.ok
    assert "statuspage" in refused.summary.lower()
    assert "422" in refused.summary
    assert public.shown(public.one) == []
    assert public.states()[CHECKOUT] == "operational"
    held = await public.stage.properties("incident", public.one)
    assert not held.get("publicStatus")

    async def failed() -> bool:
        sent = await public.stage.properties("incidentCommunication", f"{public.one}:publish:{PAGE}")
        return bool(sent["state"] == "failed")

    seen: bool = await until(failed, what="the record says that it failed")
    assert seen
    again = await public.approve(draft)
    assert again.ok, again.summary
    assert len(public.shown(public.one)) == 1
    assert public.states()[CHECKOUT] == "partial_outage"
