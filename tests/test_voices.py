"""Updates to audiences on a whole sandbox: each its own words, what is kept back and why, who got it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from integration.audience_catalog import AudienceCatalog
from integration.engine import Engine
from integration.models.run import Outcome
from sandbox.port.ai import LIMIT, Ai, scripted
from sandbox.world import Json
from tests.action_bench import Bench, bench, run

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUIET = {"timeZone": "Europe/Berlin", "*": "00:00-00:00"}  # the whole day
NOTES = {
    "impact": "About 30 % of payments fail in Europe. db-17.prod.internal is at 100 %.",
    "finding": "the pool of checkout-api is exhausted since deploy 4f2c9ab",
    "workaround": "Paying by invoice works.",
}
READERS: dict[str, Json] = {
    "engineering": {"knows": "technical", "promisedMinutes": {"sev1": 30}},
    "support": {"knows": "customer-safe", "promisedMinutes": {"sev1": 60}},
    "sales": {"knows": "customer-safe", "template": "sales"},
    "executives": {"knows": "business"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


_count = 0


async def noted(stage: Bench, **more: Any) -> tuple[Engine, str]:
    """An engine, and a new incident with notes that were just taken."""
    global _count
    _count += 1
    engine, name = stage.engine(settle_seconds=0.05), f"INC-{_count}"
    await stage.incident(name, **more)
    await stage.write(
        "incident", {"identifier": name, "title": f"Checkout is slow ({name})", "properties": {}}
    )
    room = {"incident": name}
    at = datetime.now(UTC)
    channel = {
        "channelId": f"C0ROOM{_count:03}",
        "state": "open",
        "openedAt": (at - timedelta(minutes=5)).isoformat(),
    }
    await stage.write("incidentWarRoom", {"identifier": name, "properties": channel, "relations": room})
    for number, (kind, text) in enumerate(NOTES.items()):
        properties = {"kind": kind, "text": text, "saidAt": at.isoformat(), "how": "mark", "confidence": 1}
        note = {
            "identifier": f"{name}-{number}",
            "properties": properties,
            "relations": {"warRoom": name, **room},
        }
        await stage.write("incidentNote", note)
    return engine, name


async def mailed(stage: Bench, identifier: str, *emails: str, **more: Any) -> str:
    await stage.audience(identifier, emails=list(emails), **more)
    return identifier


def _audiences(engine: Engine) -> AudienceCatalog:
    return AudienceCatalog(engine.port, engine.catalog, engine.settings)


def told(outcome: Outcome) -> str:
    return "\n".join([outcome.summary, *outcome.log])


def mails(stage: Bench, address: str) -> list[Json]:
    return [mail.as_json() for mail in stage.sandbox.mail.inbox(address)]


async def test_a_preview_says_whom_an_incident_reaches_and_why_and_sends_nothing(stage: Bench) -> None:
    engine, name = await noted(stage)
    severe = {"combinator": "and", "rules": [{"property": "severity", "operator": "=", "value": "sev1"}]}
    minor = {"combinator": "and", "rules": [{"property": "severity", "operator": "=", "value": "sev3"}]}
    yes = await mailed(
        stage, "p-yes", "a@example.com", reach=severe, promisedMinutes={"sev1": 30}, quietHours=QUIET
    )
    no = await mailed(stage, "p-no", "b@example.com", reach=minor)
    wrong = await mailed(
        stage, "p-wrong", "c@example.com", template="{{ nosuch }}", promisedMinutes={"sev1": "soon"}
    )
    before = len(await stage.record(name))

    shown = await run(engine, "preview_audiences", name, audiences=[yes, no])
    mending = await run(engine, "preview_audiences", name, audiences=[wrong])

    assert shown.ok
    assert f"reaches {yes}, of 2 audiences" in shown.summary
    assert "✔ severity is sev1: = sev1" in told(shown)
    assert "✘ severity is sev1: = sev3" in told(shown)
    assert "mail: a@example.com" in told(shown)
    assert "30 % of payments fail" in told(shown)
    assert "incident.title" in told(shown)
    assert not mending.ok
    assert "'soon' is no number of minutes" in mending.summary
    assert len(await stage.record(name)) == before
    assert mails(stage, "a@example.com") == []


async def test_each_gets_its_own_draft_and_nobody_what_he_may_not_know(stage: Bench) -> None:
    engine, name = await noted(stage)
    groups = {
        kind: await mailed(stage, f"v-{kind}", f"{kind}@example.com", **properties)
        for kind, properties in READERS.items()
    }

    drafted = await run(engine, "draft_update", name, audiences=list(groups.values()))
    sent = await run(engine, "post_update", name, audiences=list(groups.values()))

    assert drafted.ok, told(drafted)
    assert len(drafted.links) == 5, "one for each, and one for the status page"
    assert sent.ok, told(sent)
    texts = {kind: mails(stage, f"{kind}@example.com")[0]["text"] for kind in groups}
    assert "4f2c9ab" in texts["engineering"]
    for kind in ("support", "sales", "executives"):
        assert "30 % of payments fail in Europe" in texts[kind]
        assert not any(word in texts[kind] for word in ("db-17", "4f2c9ab", "checkout-api"))
    assert "What not to promise" in texts["sales"]
    states = {one.audience: one.state for one in await _audiences(engine).drafts(name)}
    assert {states[group] for group in groups.values()} == {"sent"}
    assert states[""] == "ready", "the page's is for another button"
    again = await run(engine, "draft_update", name, audiences=[groups["support"]])
    assert "Nothing new has been noted" in told(again)


async def test_words_that_readers_may_not_know_are_blocked_and_an_override_has_a_name(stage: Bench) -> None:
    engine, name = await noted(stage)
    fine = await mailed(stage, "b-eng", "b-eng@example.com", knows="technical")
    shy = await mailed(stage, "b-cust", "b-cust@example.com", knows="customer-safe")
    text = "Payments fail since db-17.prod.internal went away."

    blocked = await run(engine, "post_update", name, audiences=[fine, shy], text=text)
    forced = await run(
        engine, "post_update", name, audiences=[shy], text=text, override="they run it themselves"
    )

    assert (blocked.ok, blocked.label) == (False, "Partly sent")
    assert "“db-17.prod.internal” (at 21 to 39)" in told(blocked)
    assert "Cleaned text" in told(blocked)
    assert len(mails(stage, "b-eng@example.com")) == 1
    assert forced.ok, told(forced)
    (sent,) = [
        one for one in await stage.record(name) if one["properties"]["destination"] == "b-cust@example.com"
    ]
    override = sent["properties"]["details"]["override"]
    assert (override["by"], override["reason"]) == ("commander@example.com", "they run it themselves")
    assert override["leaks"][0]["kind"] == "host"


async def test_who_sleeps_is_not_woken_unless_somebody_says_so(stage: Bench) -> None:
    engine, name = await noted(stage)
    asleep = await mailed(stage, "q-asleep", "asleep@example.com", quietHours=QUIET)
    awake = await mailed(stage, "q-awake", "awake@example.com")

    first = await run(engine, "post_update", name, audiences=[asleep, awake], text="Half of it works.")
    woken = await run(
        engine, "post_update", name, audiences=[asleep, awake], text="Half of it works.", alsoQuiet=True
    )

    assert first.label == "Partly sent"
    assert "quiet hours" in first.summary
    assert woken.ok, told(woken)
    assert [len(mails(stage, f"{who}@example.com")) for who in ("asleep", "awake")] == [1, 1]


async def test_who_did_not_get_it_gets_it_again_and_nobody_else(stage: Bench) -> None:
    engine, name = await noted(stage)
    group = await mailed(stage, "a-mail", "fine@example.com", "refused@example.com")
    stage.sandbox.mail.refuse("refused@example.com", 550)

    first = await run(engine, "post_update", name, audiences=[group], text="It works again.")
    still = await run(engine, "send_again", name)
    stage.sandbox.mail.refuse("refused@example.com", 0)
    again = await run(engine, "send_again", name)
    done = await run(engine, "send_again", name)

    assert first.label == "Partly sent"
    assert "550" in first.summary
    assert not still.ok
    assert again.ok, told(again)
    assert "1 have" in again.summary
    assert (done.ok, done.label) == (True, "Nothing to do")
    assert [len(mails(stage, f"{who}@example.com")) for who in ("fine", "refused")] == [1, 1]


async def test_teams_are_people_and_a_name_is_no_channel(stage: Bench) -> None:
    engine, name = await noted(stage)
    for person in ("one@example.com", "two@example.com"):
        stage.sandbox.port.people.add(person)
    stage.sandbox.port.people.add_team("supporters", ["one@example.com", "two@example.com"])
    await stage.audience(
        "t-team", teams=["supporters", "nobody"], emails=["ONE@example.com"], slackChannels=["#sales"]
    )

    ended = await run(engine, "post_update", name, audiences=["t-team"], text="It works again.")

    assert ended.label == "Partly sent"
    assert "no team 'nobody'" in ended.summary
    assert "names change" in ended.summary
    assert [len(mails(stage, f"{who}@example.com")) for who in ("one", "two")] == [1, 1]


async def test_promises_are_made_kept_and_shown_on_the_incident(stage: Bench) -> None:
    engine, name = await noted(stage)
    group = await mailed(stage, "c-support", "c@example.com", promisedMinutes={"sev1": 30})

    before = await run(engine, "remind_update", name)
    sent = await run(engine, "post_update", name, audiences=[group], text="Half of it works.")

    assert before.label == "Nothing to do"
    assert sent.ok
    promises = {one.state: one for one in await _audiences(engine).promises(name) if one.audience == group}
    assert set(promises) == {"kept", "open"}
    assert promises["open"].due - promises["open"].began == timedelta(minutes=30)
    shown = await stage.properties("incident", name)
    assert datetime.fromisoformat(shown["nextUpdateDue"]) <= promises["open"].due
    assert shown.get("brokenPromises") in (None, 0)


@pytest.fixture
def agent(stage: Bench) -> Iterator[Ai]:
    found = stage.sandbox.port.ai
    found.switch_on()
    yield found
    found.script.clear()
    found.invocations.clear()
    found.limit = LIMIT


async def communicator(stage: Bench, agent: Ai, *answers: Any) -> None:
    entity = {"identifier": "internal_incident_communicator", "properties": {"status": "active"}}
    await stage.write("_ai_agent", entity)
    agent.script.extend(scripted(one) for one in answers)


def worded(audience: str, *sentences: tuple[str, str]) -> Json:
    listed = [{"text": text, "sources": [source], "heading": ""} for text, source in sentences]
    return {"audience": audience, "sentences": listed}


async def test_port_ai_words_what_holds_and_ours_stands_where_it_does_not(stage: Bench, agent: Ai) -> None:
    _, name = await noted(stage)
    engine = stage.engine(settle_seconds=0.05, port_ai=True)
    good, bad = [await mailed(stage, f"ai-{one}", f"{one}@example.com", knows="business") for one in "gb"]
    own = await mailed(stage, "ai-own", "own@example.com", template="{{ incident.title }}: we are on it.")
    holds = ("In Europe about 30 % of payments are failing.", f"note {name}-0")
    lies = worded(bad, ("About 90 % of payments fail in Europe.", f"note {name}-0"))
    first = {"drafts": [worded(good, holds), lies]}
    await communicator(stage, agent, json.dumps(first), json.dumps({"drafts": [lies]}))

    drafted = await run(engine, "draft_update", name, audiences=[good, bad, own])

    assert drafted.ok, told(drafted)
    found = {one.audience: one.identifier for one in await _audiences(engine).drafts(name)}
    texts = {one: await stage.properties("incidentDraft", found[one]) for one in (good, bad, own)}
    assert (texts[good]["how"], texts[good]["text"]) == ("model", holds[0])
    assert texts[good]["sources"] == [{"sentence": holds[0], "sources": [holds[1]]}]
    assert "30 % of payments fail" in texts[good]["templateText"]
    assert "30 % of payments fail" in texts[bad]["text"]
    assert texts[bad]["how"].startswith("template (Port AI: nothing it rests on says 90")
    assert texts[own]["how"] == "template"
    asked, repaired = (one["prompt"] for one in agent.seen())
    assert own not in asked
    assert "db-17" not in asked, "these readers may not know it, so the model is not told"
    assert good not in repaired
    assert "says 90" in repaired


@pytest.mark.parametrize(
    ("answers", "limit", "reason"),
    [
        ([{"error": "internal_error"}], 50, "template (Port AI: it did not answer)"),
        (["no", "no again"], 50, "template (Port AI: the answer: "),
        ([], 5, "template (Port AI: this month's quota is used up)"),
    ],
    ids=["fails", "unusable", "no quota"],
)
async def test_without_port_ais_words_the_draft_is_ours_and_says_why(
    stage: Bench, agent: Ai, answers: list[Any], limit: int, reason: str
) -> None:
    _, name = await noted(stage)
    engine = stage.engine(settle_seconds=0.05, port_ai=True)
    agent.limit = limit
    await communicator(stage, agent, *answers)
    group = await mailed(stage, f"ai-{name}", "ai@example.com", knows="business")

    drafted = await run(engine, "draft_update", name, audiences=[group])

    assert drafted.ok, told(drafted)
    (draft,) = [one for one in await _audiences(engine).drafts(name) if one.audience == group]
    shown = await stage.properties("incidentDraft", draft.identifier)
    assert shown["how"].startswith(reason)
    assert "30 % of payments fail" in shown["text"]


async def test_about_private_incidents_port_ai_is_asked_nothing(stage: Bench, agent: Ai) -> None:
    _, name = await noted(stage, private=True)
    engine = stage.engine(settle_seconds=0.05, port_ai=True)
    await communicator(stage, agent)
    group = await mailed(stage, f"ai-{name}", "ai@example.com", knows="business")

    assert (await run(engine, "draft_update", name, audiences=[group])).ok
    assert agent.seen() == []


@pytest.mark.rehearsal
async def test_four_hundred_readers_have_an_outcome_each_and_send_again_reaches_the_one(stage: Bench) -> None:
    engine, name = await noted(stage)
    addresses = [f"m{number}@example.com" for number in range(400)]
    group = await mailed(stage, "many", *addresses)
    stage.sandbox.mail.refuse("m7@example.com", 550)

    sent = await run(engine, "post_update", name, audiences=[group], text="Half of the payments work again.")
    states = {
        one["properties"]["destination"]: one["properties"]["state"] for one in await stage.record(name)
    }
    stage.sandbox.mail.refuse("m7@example.com", 0)
    again = await run(engine, "send_again", name)

    assert not sent.ok
    assert "m7@example.com" in told(sent)
    assert set(states) == set(addresses)
    assert [one for one, state in states.items() if state != "sent"] == ["m7@example.com"]
    assert again.ok, told(again)
    assert {len(mails(stage, address)) for address in addresses} == {1}
