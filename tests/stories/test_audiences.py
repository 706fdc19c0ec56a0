"""One incident, four audiences, three updates: one mail refused, one promise broken, one restart between."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio

from sandbox.stage import Json, Stage
from tests.stories.outward import LAGS, QUICKER, audience, inbox, record, said
from tests.stories.play import CONFIG, RESPONDER, Incident, becomes, staged

pytestmark = pytest.mark.asyncio(loop_scope="session")
SECONDS = 6.0  # of a promise
HELD = ("db-17.prod.internal", "4f2c9ab", "checkout-api")
SAID = (
    "impact: About 30 % of payments fail in Europe. db-17.prod.internal is at 100 %.",
    "finding: the pool of checkout-api is exhausted since deploy 4f2c9ab",
    "workaround: Paying by invoice works.",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """A stage of our own: this story restarts the integration."""
    async with staged(settings={**QUICKER, f"{CONFIG}NOTICE_CALM_SECONDS": "1"}) as up:
        await up.ask("PATCH", "/hostility", LAGS)
        yield up


async def promises(incident: Incident, whom: str) -> list[Json]:
    """What an audience was promised about an incident, oldest first."""
    found = await incident.stage.of_incident("incidentPromise", incident.identifier)
    own = [one["properties"] for one in found if one["properties"]["audience"] == whom]
    return sorted(own, key=lambda one: str(one["beganAt"]))


async def drafts(incident: Incident, whom: str) -> list[Json]:
    found = await incident.stage.of_incident("incidentDraft", incident.identifier)
    return [one for one in found if one["properties"]["audience"] == whom]


async def test_four_audiences_three_updates_and_a_restart(stage: Stage) -> None:
    incident = await Incident.created(
        stage, title="Payments are slow", severity="sev1", responders=[RESPONDER]
    )
    room = await incident.opened()
    about: Json = {"property": "$identifier", "operator": "=", "value": incident.identifier}
    only: Json = {"reach": {"combinator": "and", "rules": [about]}}
    engineering, (channel,) = await audience(stage, channels=1, knows="technical", notices=True, **only)
    support, _ = await audience(stage, "s1@example.com", "s2@example.com", knows="customer-safe", **only)
    sales, _ = await audience(stage, "sales@example.com", knows="customer-safe", template="sales", **only)
    promised = {"sev1": SECONDS / 60}
    executives, _ = await audience(
        stage, "boss@example.com", knows="business", promisedMinutes=promised, **only
    )
    everybody = [engineering, support, sales, executives]
    for text in SAID:
        await room.say(text)
    await room.noted("what was said is noted", lambda notes: len(notes) == len(SAID))

    # The first: each its own words, and one mail is refused.
    await stage.ask("POST", "/mail/refuse", {"address": "s2@example.com"})
    first = await incident.press("post_update", audiences=everybody)

    assert (first["status"], first["statusLabel"]) == ("FAILURE", "Partly sent"), first["summary"]
    texts = {
        "engineering": "\n".join(await said(stage, channel)),
        "support": (await inbox(stage, "s1@example.com"))[0]["text"],
        "sales": (await inbox(stage, "sales@example.com"))[0]["text"],
        "executives": (await inbox(stage, "boss@example.com"))[0]["text"],
    }
    assert len(set(texts.values())) == 4
    assert "4f2c9ab" in texts["engineering"]
    for name in ("support", "sales", "executives"):
        assert "30 % of payments fail in Europe" in texts[name]
        assert not any(word in texts[name] for word in HELD), texts[name]
    (refused,) = [one for one in (await record(incident)).values() if one["destination"] == "s2@example.com"]
    assert refused["state"] == "failed"
    assert "550" in refused["reason"]
    assert "nextUpdateDue" in (await incident.entity())["properties"]

    # What was not promised to last: killed, and started again after the promise was broken.
    await stage.integration.stop(signal.SIGKILL)
    (*_, broken) = await promises(incident, executives)
    due = datetime.fromisoformat(broken["due"]).timestamp()

    async def over() -> bool:
        return time.time() > due + 0.5

    await becomes("the promise is broken", over)
    await stage.start_integration()

    async def reminded() -> list[str] | None:
        told = [one["text"] for one in await room.ours() if "was promised news" in one["text"]]
        return told or None

    (reminder,) = await becomes("the room is reminded", reminded)
    assert executives in reminder
    assert await drafts(incident, executives)

    # The second: refused again until the server takes it, and only who has not got it gets it.
    await stage.ask("POST", "/mail/refuse", {"address": "s2@example.com", "code": 0})
    again = await incident.press("send_again")
    assert again["status"] == "SUCCESS", again["summary"]
    assert [len(await inbox(stage, one)) for one in ("s1@example.com", "s2@example.com")] == [1, 1]
    second = await incident.press("post_update", audiences=everybody, text="Half of the payments work again.")
    assert second["status"] == "SUCCESS", second["summary"]

    async def settled() -> list[Json] | None:
        found = await promises(incident, executives)
        return found if [one["state"] for one in found].count("missed") == 1 else None

    kept = await becomes("the broken promise is on the record", settled)
    (missed,) = [one for one in kept if one["state"] == "missed"]
    assert missed["lateMinutes"] > 0
    assert kept[-1]["state"] == "open"

    # The third, a change that everybody who wants it hears of once, under the first message.
    await incident.change(status="monitoring")
    notice = await incident.run("announce_status_on_change")
    assert notice["status"] == "SUCCESS", notice["summary"]
    third = await incident.press("post_update", audiences=everybody, text="All payments work again.")
    assert third["status"] == "SUCCESS", third["summary"]

    assert len(await reminded() or []) == 1, "once, also after a restart"
    states = [one["state"] for one in (await record(incident)).values()]
    assert set(states) == {"sent"}, "what was refused was sent in the end"
    (told,) = [
        one
        for one in (await record(incident)).values()
        if "thread" in one["details"] and one["destination"] == channel
    ]
    assert told["purpose"] == "status notice"
    mails = await inbox(stage, "boss@example.com")
    assert len(mails) == 3
    threads = [value for mail in mails for name, value in mail["headers"] if name == "References"]
    assert len(threads) == 3
    assert len(set(threads)) == 1, "one conversation in every reader's mailbox"
    counted = (await incident.entity())["properties"]["brokenPromises"]
    assert counted == 1
