"""Public words that were held or unknown: what is approved later is what the page shows and the record names.

A file of its own, since Statuspage takes one request a second of each installation."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.port.service import ADMIN
from sandbox.stage import Json, Stage
from tests.stories.outward import COMMUNICATION, paused
from tests.stories.outward_public import (
    CHECKOUT,
    DEPUTY,
    LOGIN,
    approved,
    bodies,
    components,
    public,
    spoken,
    staged_pages,
    stands_for,
)
from tests.stories.play import COMMANDER, RESPONDER, Incident

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """A stage of our own: everything is paused in it."""
    async with staged_pages() as up:
        yield up


async def test_what_is_approved_later_goes_out_in_place_of_what_was_held(stage: Stage) -> None:
    incident, doubted = [await Incident.created(stage, severity="sev4") for _ in range(2)]
    await stage.ask("PATCH", f"/statuspage/components/{CHECKOUT}", {"status": "degraded_performance"})
    first: Json = {"components": [CHECKOUT], "componentStatus": "partial_outage"}
    later: Json = {"components": [LOGIN], "componentStatus": "partial_outage", "notifySubscribers": True}
    async with paused(stage):
        held = await approved(incident, "publish", COMMANDER, ADMIN, **first)
        await approved(doubted, "publish", COMMANDER, ADMIN)
    assert held["status"] == "FAILURE"
    (post,) = await spoken(doubted, "publish")
    await stage.change(COMMUNICATION, post["identifier"], {"state": "unknown"})

    told = await approved(
        incident, "publish", RESPONDER, DEPUTY, **later, name="Sign-in fails", body="Nobody can sign in."
    )
    looked = await approved(doubted, "publish", RESPONDER, DEPUTY, body="It is the card payments.")

    (shown,) = await public(incident)
    assert (shown["name"], bodies(shown)) == ("Sign-in fails", ["Nobody can sign in."])
    assert shown["incident_updates"][0]["deliver_notifications"] is True
    stands_for((await spoken(incident, "publish"))[0], told, RESPONDER, DEPUTY, "Nobody can sign in.")
    assert looked["status"] == "SUCCESS", looked["summary"]
    assert [bodies(one) for one in await public(doubted)] == [["It is the card payments."]]
    stands_for((await spoken(doubted, "publish"))[0], looked, RESPONDER, DEPUTY, "It is the card payments.")

    async with paused(stage):
        await approved(incident, "update", COMMANDER, ADMIN, body="Better.")
        await approved(incident, "resolve", COMMANDER, ADMIN, body="Over, says one.", notifySubscribers=True)
        await approved(doubted, "resolve", COMMANDER, ADMIN, body="Over.")
    again = await approved(incident, "update", RESPONDER, DEPUTY, body="Better.")
    ended = await approved(incident, "resolve", RESPONDER, DEPUTY, body="Over, says the other.")

    (shown,) = await public(incident)
    assert bodies(shown) == ["Over, says the other.", "Better.", "Nobody can sign in."]
    assert shown["status"] == "resolved"
    assert shown["incident_updates"][0]["deliver_notifications"] is False
    stands_for((await spoken(incident, "public update"))[0], again, RESPONDER, DEPUTY, "Better.")
    stands_for((await spoken(incident, "resolve"))[0], ended, RESPONDER, DEPUTY, "Over, says the other.")
    states = await components(stage)
    assert (states[LOGIN], states[CHECKOUT]) == ("operational", "degraded_performance")

    refused = await approved(incident, "update", RESPONDER, DEPUTY, body="And another thing.")
    assert (refused["status"], refused["statusLabel"]) == ("FAILURE", "Bad input")
    assert "publish a new one" in refused["summary"]

    # Resolved by hand meanwhile: the resolution that was held is wanted no more.
    (shown,) = await public(doubted)
    await stage.ask(
        "POST", f"/statuspage/incidents/{shown['id']}", {"body": "By hand.", "status": "resolved"}
    )
    pressed = await approved(doubted, "resolve", COMMANDER, ADMIN, body="Over.")
    assert (pressed["status"], pressed["statusLabel"]) == ("SUCCESS", "Already resolved")
    assert [bodies(one)[0] for one in await public(doubted)] == ["By hand."]
