"""What is said on a status page: by drafts that somebody else approves, with components that are safe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from integration import page_mirror
from integration.catalog import Catalog
from integration.models.communication import PUBLIC_OPERATIONS
from integration.models.port import Approval
from integration.models.run import Command
from integration.times import iso, now
from sandbox.statuspage.state import API_KEY
from tests.public_bench import (
    API,
    APPROVER,
    AUTHOR,
    CHECKOUT,
    LOGIN,
    PAGE,
    SEARCH,
    Public,
    public_bench,
)
from tests.sandbox.serve import until

WORDS: dict[str, Any] = {"page": PAGE, "name": "Payments fail", "body": "Some payments fail."}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole() -> AsyncIterator[Public]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(page_mirror, "DEBOUNCE_SECONDS", 0.02)
        async with public_bench() as found:
            yield found


@pytest_asyncio.fixture(loop_scope="module")
async def public(whole: Public) -> Public:
    """The same engine and a page on which nothing has happened yet; incidents of its own."""
    return await whole.afresh()


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


async def test_only_somebody_else_approves_exactly_what_was_read_and_in_time(public: Public) -> None:
    await public.stage.incident(public.one)
    draft = await public.draft(public.one, **WORDS)

    own = await public.approve(draft, by=AUTHOR)
    unread = await public.approve({**draft, "contentHash": "0" * 64})
    blind = await public.approve({**draft, "contentHash": ""})
    nobody = await public.approve(draft, by="automation of somebody")
    assert [one.ok for one in (own, unread, blind, nobody)] == [False] * 4
    assert "can't approve it as well" in own.summary
    assert "changed after it was drafted" in unread.summary
    # Words changed by hand in Port are not those that were drafted.
    await public.stage.write(
        "incidentCommunication", {"identifier": draft["identifier"], "properties": {"text": "All is well."}}
    )
    changed = await public.approve(draft)
    assert "changed after it was drafted" in changed.summary
    late = await public.draft(public.one, **{**WORDS, "body": "Later."})
    await public.stage.write(
        "incidentCommunication",
        {"identifier": late["identifier"], "properties": {"expiresAt": iso(now() - timedelta(seconds=1))}},
    )
    expired = await public.approve(late)
    assert "expired" in expired.summary
    stands = await public.stage.properties("incidentCommunication", late["identifier"])
    assert (stands["state"], public.shown(public.one)) == ("withdrawn", [])


async def test_nothing_public_is_sent_by_the_button_that_asks_nobody(public: Public) -> None:
    await public.stage.incident(public.one)
    for operation in PUBLIC_OPERATIONS:
        for state in ("failed", "superseded", "draft"):
            key = f"{public.one}:{operation}:{state}"
            words: dict[str, Any] = {"text": "All is well.", "destination": PAGE, "details": {"page": PAGE}}
            left = {
                "operation": operation,
                "state": state,
                "purpose": "draft",
                "requestedBy": AUTHOR,
                **words,
            }
            entity = {"identifier": key, "properties": left, "relations": {"incident": public.one}}
            await public.stage.write("incidentCommunication", entity)

            ended = await public.act("send_communication", public.one, communication=key)

            assert (ended.ok, ended.label) == (False, "Bad input"), (key, ended.summary)
            assert "needs its approval" in ended.summary, (key, ended.summary)
    assert public.shown(public.one) == []


async def test_a_run_that_was_approved_long_ago_says_nothing(
    public: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def approval(self: Catalog, run: str) -> Approval:
        return Approval(author=AUTHOR, approver=APPROVER, at=now() - timedelta(minutes=61))

    monkeypatch.setattr(Catalog, "approval", approval)
    await public.stage.incident(public.one)

    ended = await public.act("publish_status_page", public.one, **WORDS, notifySubscribers=False)

    assert (ended.ok, ended.label) == (False, "Bad input")
    assert f"that of {APPROVER} has expired after 60 minutes" in ended.summary
    assert public.shown(public.one) == []


async def test_breaking_the_glass_is_named_with_its_reason(public: Public) -> None:
    await public.stage.incident(public.one)
    draft = await public.draft(public.one, **WORDS)
    read = {"communication": draft["identifier"], "contentHash": draft["contentHash"]}

    silent = await public.act("override_public_update", public.one, AUTHOR, **read)
    ended = await public.act(
        "override_public_update", public.one, AUTHOR, **read, reason="Night, all asleep."
    )

    assert (silent.ok, ended.ok) == (False, True)
    sent = await public.stage.properties("incidentCommunication", f"{public.one}:publish:{PAGE}")
    assert sent["details"]["approval"]["override"] == "Night, all asleep."
    assert sent["approvedBy"] == AUTHOR


async def test_leaks_and_contradictions_block_with_their_reason_and_an_override_is_named(
    public: Public,
) -> None:
    await public.stage.incident(public.one)
    leak = {**WORDS, "body": "Host db-7.prod.internal is down, see https://wiki.corp.internal/runbook."}
    given: dict[str, Any] = {"operation": "publish", "notifySubscribers": False}

    blocked = await public.act("draft_public_update", public.one, **given, **leak)

    assert not blocked.ok
    for told in ("blocked", "db-7.prod.internal", "characters", "Cleaned text"):
        assert told in blocked.summary, blocked.summary
    draft = await public.draft(public.one, **leak, override="The host is named in the contract.")
    assert f"Sent all the same by {AUTHOR}: The host is named in the contract." in draft["preview"]
    assert (await public.approve(draft)).ok
    sent = await public.stage.properties("incidentCommunication", f"{public.one}:publish:{PAGE}")
    assert sent["details"]["guards"]["override"]["by"] == AUTHOR
    assert {one["rule"] for one in sent["details"]["guards"]["findings"]} == {"leak"}

    early = await public.act(
        "draft_public_update", public.one, operation="resolve", body="Over.", notifySubscribers=False
    )
    assert not early.ok
    assert "while the incident is still investigating" in early.summary
    await public.stage.incident(public.one, status="resolved")
    assert (await public.say(public.one, "resolve", body="Over.")).ok


async def test_nothing_of_a_private_incident_goes_on_a_page(public: Public) -> None:
    await public.stage.incident(public.one, private=True)

    ended = await public.act(
        "draft_public_update", public.one, operation="publish", notifySubscribers=False, **WORDS
    )

    assert not ended.ok
    assert "is private" in ended.summary


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


async def test_a_maintenance_is_announced_and_completed(public: Public) -> None:
    await public.stage.incident(public.one)
    start, end = now() + timedelta(hours=1), now() + timedelta(hours=2)
    window = {"scheduledFor": iso(start), "scheduledUntil": iso(end)}
    made = await public.say(
        public.one,
        "schedule",
        page=PAGE,
        name="New disks",
        body="We change disks.",
        components=[API],
        **window,
    )
    (shown,) = public.shown(public.one)
    assert (made.label, shown["status"], shown["impact"]) == ("Scheduled", "scheduled", "maintenance")
    assert [one["id"] for one in shown["components"]] == [API]
    assert public.states()[API] == "operational"

    # The page begins it by itself, and somebody ends it before its time.
    public.stage.sandbox.world.clock.shift["statuspage"] = 3700
    public.stage.sandbox.statuspage.timers.settle()
    assert public.states()[API] == "under_maintenance"
    ended = await public.say(public.one, "complete", body="Done early.")

    (shown,) = public.shown(public.one)
    assert (ended.label, shown["status"]) == ("Completed", "completed")
    assert public.states()[API] == "operational"
    assert "publicStatus" not in await public.stage.properties("incident", public.one)


async def test_a_maintenance_that_stands_no_more_is_announced_again(public: Public) -> None:
    await public.stage.incident(public.one)
    window = {
        "scheduledFor": iso(now() + timedelta(hours=1)),
        "scheduledUntil": iso(now() + timedelta(hours=2)),
    }
    work: dict[str, Any] = {"page": PAGE, "name": "New disks", "body": "We change disks.", **window}
    people = public.stage.sandbox.statuspage.people

    first = await public.say(public.one, "schedule", **work)
    again = await public.say(public.one, "schedule", **work)
    people.delete_incident(public.shown(public.one)[0]["id"])
    deleted = await public.say(public.one, "schedule", **work)
    await public.say(public.one, "complete", body="Not needed.")
    ended = await public.say(public.one, "schedule", **work)

    labels = [one.label for one in (first, again, deleted, ended)]
    assert labels == ["Scheduled", "Already sent", "Scheduled", "Scheduled"]
    assert [one["status"] for one in public.shown(public.one)] == ["completed", "scheduled"]


async def test_what_was_said_a_second_time_and_cut_off_is_known_as_its_own(public: Public) -> None:
    await public.stage.incident(public.one)
    await public.say(public.one, "publish", **WORDS)
    await public.stage.incident(public.one, status="resolved")
    await public.say(public.one, "resolve", body="Over.")
    await public.say(public.one, "reopen", body="Back again.")
    draft = await public.draft(public.one, "resolve", body="Over for good.")
    command = Command(
        action="approve_public_update",
        run="cut-off",
        incident=public.one,
        inputs={"communication": draft["identifier"], "contentHash": draft["contentHash"]},
        requested_by=APPROVER,
        door="webhook",
    )
    labels: list[str] = []
    for door in ("webhook", "sweeper"):
        # It died when the words were out: neither its run nor its draft had come to an end.
        standing = {"identifier": draft["identifier"], "properties": {"state": "draft"}}
        await public.stage.write("incidentCommunication", standing)
        taken = public.engine.runner.take(command.model_copy(update={"door": door}))
        assert taken is not None
        labels.append((await taken).label)

    assert labels == ["Resolved", "Resolved"]
    (shown,) = public.shown(public.one)
    assert [one["body"] for one in shown["incident_updates"]].count("Over for good.") == 1


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


async def test_windows_that_make_no_sense_are_refused(public: Public) -> None:
    await public.stage.incident(public.one)
    soon, later, past = (iso(now() + timedelta(hours=hours)) for hours in (1, 2, -1))
    for start, end, why in (
        (past, later, "is past"),
        (later, soon, "not after the beginning"),
        ("tomorrow", later, "choose a date and a time"),
        (soon, iso(datetime(2099, 1, 1, tzinfo=UTC)), "over a year"),
    ):
        ended = await public.act(
            "draft_public_update",
            public.one,
            operation="schedule",
            page=PAGE,
            name="Work",
            body="We work.",
            notifySubscribers=False,
            scheduledFor=start,
            scheduledUntil=end,
        )
        assert (ended.ok, why in ended.summary) == (False, True), ended.summary
    assert public.shown(public.one) == []


async def test_a_component_that_another_incident_or_a_maintenance_holds_stays(public: Public) -> None:
    for name in (public.one, public.two):
        await public.stage.incident(name)
        await public.say(
            name, "publish", **{**WORDS, "name": name}, **outage(CHECKOUT, SEARCH, state="major_outage")
        )
    people = public.stage.sandbox.statuspage.people
    people.open_incident(
        PAGE,
        name="Disk work",
        body="Work.",
        status="in_progress",
        scheduled_for=iso(now() - timedelta(minutes=5)),
        scheduled_until=iso(now() + timedelta(hours=1)),
        component_ids=[SEARCH],
        components={SEARCH: "major_outage"},
    )

    for name in (public.one, public.two):
        await public.stage.incident(name, status="resolved")
    first = await public.say(public.one, "resolve", body="Over.")
    held = public.states()
    second = await public.say(public.two, "resolve", body="Over as well.")

    assert held[CHECKOUT] == held[SEARCH] == "major_outage"
    assert any(public.two in line and "still open" in line for line in first.log)
    after = public.states()
    assert (after[CHECKOUT], after[SEARCH]) == ("operational", "major_outage")
    assert any("Disk work" in line for line in second.log)


@pytest.mark.parametrize("worse", [0, 1])
async def test_what_another_incident_of_ours_has_left_was_changed_by_nobody_s_hand(
    public: Public, worse: int
) -> None:
    both = (public.one, public.two)
    for number, name in enumerate(both):
        state = "major_outage" if number == worse else "degraded_performance"
        await public.stage.incident(name)
        await public.say(name, "publish", **{**WORDS, "name": name}, **outage(CHECKOUT, state=state))
    await public.quiet()
    for name in both:
        (shown,) = public.shown(name)
        assert public.engine.pages is not None
        public.engine.pages.observe(PAGE, shown["id"])
    await public.quiet()
    for name in both:
        assert not (await public.stage.properties("incident", name)).get("publicDrift")
        await public.stage.incident(name, status="resolved")

    left = await public.say(public.two, "resolve", body="Over.")
    last = await public.say(public.one, "resolve", body="Over as well.")

    assert any("still open" in line for line in left.log)
    assert "Back to operational: Checkout." in last.log
    assert public.states()[CHECKOUT] == "operational"


async def test_who_outlasts_the_others_gives_back_what_they_have_left(public: Public) -> None:
    for name in (public.one, public.two):
        await public.stage.incident(name)
    await public.say(public.one, "publish", **WORDS, **outage(API))
    await public.say(public.one, "update", body="The API works.", **outage(API, state="operational"))
    await public.say(public.two, "publish", **WORDS, **outage(API, state="major_outage"))
    for name in (public.one, public.two):
        await public.stage.incident(name, status="resolved")

    await public.say(public.two, "resolve", body="Over.")
    held = public.states()[API]
    await public.say(public.one, "resolve", body="Over as well.")

    assert (held, public.states()[API]) == ("major_outage", "operational")


async def test_a_state_changed_by_hand_is_respected_shown_and_can_be_accepted(public: Public) -> None:
    await public.stage.incident(public.one)
    await public.say(public.one, "publish", **WORDS, **outage(LOGIN))
    await public.quiet()
    assert not (await public.stage.properties("incident", public.one)).get("publicDrift")
    people = public.stage.sandbox.statuspage.people
    people.set_component(LOGIN, "degraded_performance")
    (shown,) = public.shown(public.one)
    people.post_update(shown["id"], "Written by hand.", "monitoring")
    pages = public.engine.pages
    assert pages is not None

    pages.observe(PAGE, shown["id"])
    await public.quiet()

    drift = (await public.stage.properties("incident", public.one))["publicDrift"]
    assert "Written by hand." in drift
    assert "Login is degraded_performance; this incident set it to partial_outage." in drift
    assert "It is monitoring; we said investigating last." in drift
    ended = await public.act("accept_public_changes", public.one, APPROVER, seen=drift)
    assert ended.label == "Accepted"
    held = await public.stage.properties("incident", public.one)
    assert not held.get("publicDrift")
    assert {one["by"] for one in held["publicAccepted"]["lines"]} == {APPROVER}
    pages.observe(PAGE, shown["id"])
    await public.quiet()
    assert not (await public.stage.properties("incident", public.one)).get("publicDrift")

    await public.stage.incident(public.one, status="resolved")
    resolved = await public.say(public.one, "resolve", body="Over.")
    assert public.states()[LOGIN] == "degraded_performance"
    assert any("changed by hand" in line for line in resolved.log)


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


async def test_a_component_of_another_page_is_refused(public: Public) -> None:
    await public.stage.incident(public.one)
    other = {"id": "pageofothers", "name": "Others", "components": [{"id": "cmpofothers1", "name": "Theirs"}]}
    public.stage.sandbox.statuspage.seed({"pages": [other]})
    await public.stage.write("statuspage", {"identifier": "pageofothers", "title": "Others"})
    await public.stage.write(
        "statuspageComponent", {"identifier": "cmpofothers1", "relations": {"statuspage": "pageofothers"}}
    )

    for operation in ("publish", "schedule"):
        ended = await public.act(
            "draft_public_update",
            public.one,
            operation=operation,
            notifySubscribers=False,
            scheduledFor=iso(now() + timedelta(hours=1)),
            scheduledUntil=iso(now() + timedelta(hours=2)),
            **WORDS,
            **outage("cmpofothers1"),
        )
        told = f"components: 'cmpofothers1' is no component of page '{PAGE}'"
        assert (ended.ok, told in ended.summary) == (False, True), ended.summary
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
