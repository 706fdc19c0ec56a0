"""What the stories of public words share: a stage with two pages, and two people who may approve."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests.stories.outward import LAGS, QUICKER, record
from tests.stories.play import CONFIG, Incident, staged

CHECKOUT, SEARCH, API, LOGIN = "sbxcheckout1", "sbxsearch001", "sbxapi000001", "sbxlogin0001"
OTHER_PAGE = "sbxstatus002"
DEPUTY = "deputy@example.com"
BODY = "Some payments fail. We are looking into it."


@asynccontextmanager
async def staged_pages() -> AsyncIterator[Stage]:
    """A Statuspage that takes any number of requests, and an integration that knows it: that one a second
    is kept to is for others to see."""
    settings = {
        f"{CONFIG}STATUSPAGE_PAGES": f'["{DEFAULT_PAGE}", "{OTHER_PAGE}"]',
        f"{CONFIG}SWEEP_INTERVAL_SECONDS": "60",
        f"{CONFIG}STATUSPAGE_REQUESTS_PER_MINUTE": "6000",
        # These incidents are resolved in public and nowhere else.
        f"{CONFIG}GUARD_RULES": '{"resolved early": "warn"}',
    }
    deputy = {"users": [{"email": DEPUTY, "role": "Admin"}]}
    async with staged(settings={**QUICKER, **settings}, port=deputy) as up:
        await up.ask("PATCH", "/hostility", LAGS)
        await up.ask("POST", "/statuspage/webhook-url", {"url": None})
        other = {"id": OTHER_PAGE, "name": "Example Partners Status"}
        await up.ask("POST", "/seed", {"statuspage": {"pages": [other], "rate": {"per_minute": 0}}})
        for page in (DEFAULT_PAGE, OTHER_PAGE):
            await up.create("statuspage", {"identifier": page, "title": page})
        for component in (CHECKOUT, SEARCH, API, LOGIN):
            await up.create("statuspageComponent", {"identifier": component, "title": component})
        yield up


async def approved(incident: Incident, action: str, by: str, approver: str, **inputs: object) -> Json:
    """Ask for public words and have somebody approve them; the run when it is final."""
    stage = incident.stage
    given: Json = {"body": BODY, "notifySubscribers": False, **inputs}
    if action == "publish":
        given = {"page": DEFAULT_PAGE, "name": "Payments fail", "status": "investigating", **given}
    run = await stage.press(f"{action}_status_page", incident.identifier, given, by)
    await stage.approve(run, approver)
    return await stage.finished(run)


async def public(incident: Incident, page: str = DEFAULT_PAGE) -> list[Json]:
    """The public incidents that are ours, oldest first, as the API shows them."""
    found: list[Json] = await incident.stage.ask("GET", "/statuspage/incidents")
    ours = [
        one
        for one in found
        if one["page_id"] == page
        and one["metadata"].get("incident_comms", {}).get("incident") == incident.identifier
    ]
    return sorted(ours, key=lambda one: str(one["created_at"]))


def bodies(shown: Json) -> list[str]:
    """What a public incident says, newest first."""
    return [update["body"] for update in shown["incident_updates"]]


async def components(stage: Stage) -> dict[str, str]:
    state = await stage.ask("GET", "/state")
    return {one["id"]: one["status"] for one in state["statuspage"]["components"]}


async def spoken(incident: Incident, purpose: str) -> list[Json]:
    found = [
        {**one, "identifier": key}
        for key, one in (await record(incident)).items()
        if one["purpose"] == purpose
    ]
    return sorted(found, key=lambda one: str(one["intendedAt"]))


def stands_for(recorded: Json, run: Json, by: str, approver: str, text: str) -> None:
    """The record names the words that went out, and whose they are."""
    assert recorded["state"] == "sent"
    assert (recorded["text"], recorded["run"]) == (text, run["id"])
    assert (recorded["requestedBy"], recorded["approvedBy"]) == (by, approver)
