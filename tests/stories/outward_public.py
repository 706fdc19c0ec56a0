"""What the stories of public words share: a stage with two pages, and two people who may approve."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from sandbox.stage import Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.statuspage.state import API_KEY
from tests.stories.outward import LAGS, QUICKER, record
from tests.stories.play import CONFIG, Incident, becomes, staged

CHECKOUT, SEARCH, API, LOGIN = "sbxcheckout1", "sbxsearch001", "sbxapi000001", "sbxlogin0001"
OTHER_PAGE = "sbxstatus002"
DEPUTY = "deputy@example.com"
BODY = "Some payments fail. We are looking into it."
BUTTONS = {
    "publish": "publish_status_page",
    "update": "update_status_page",
    "resolve": "resolve_status_page",
    "reopen": "reopen_status_page",
    "schedule": "schedule_maintenance",
    "complete": "complete_maintenance",
    "postmortem": "publish_postmortem",
}
"""The button of each operation, by the word that a draft names it with."""


@asynccontextmanager
async def staged_pages(**more: str) -> AsyncIterator[Stage]:
    """A Statuspage that takes any number of requests, and an integration that knows it: that one a second
    is kept to is for others to see. `more` are settings of ours: `GUARD_RULES="{}"`."""
    settings = {
        f"{CONFIG}STATUSPAGE_PAGES": f'["{DEFAULT_PAGE}", "{OTHER_PAGE}"]',
        f"{CONFIG}SWEEP_INTERVAL_SECONDS": "60",
        f"{CONFIG}STATUSPAGE_REQUESTS_PER_MINUTE": "6000",
        # These incidents are resolved in public and nowhere else.
        f"{CONFIG}GUARD_RULES": '{"resolved early": "warn"}',
    }
    deputy = {"users": [{"email": DEPUTY, "role": "Admin"}]}
    settings |= {f"{CONFIG}{name}": value for name, value in more.items()}
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


async def waiting(incident: Incident, operation: str, by: str, **inputs: object) -> str:
    """Ask for public words by their button; the run, which waits for its approval in Port."""
    given: Json = {"notifySubscribers": False, **inputs}
    run = await incident.stage.press(BUTTONS[operation], incident.identifier, given, by)
    assert (await incident.stage.run(run))["status"] == "WAITING_FOR_APPROVAL"
    return run


async def draft_of(incident: Incident, operation: str, by: str, **inputs: object) -> Json:
    """Draft public words by the button; the draft with its `identifier`."""
    given: Json = {"operation": operation, "notifySubscribers": False, **inputs}
    pressed = await incident.stage.press("draft_public_update", incident.identifier, given, by)
    ended = await incident.stage.finished(pressed)
    assert (ended["status"], ended["statusLabel"]) == ("SUCCESS", "Drafted"), ended["summary"]
    (made,) = [one for one in await spoken(incident, "draft") if one["run"] == pressed]
    return made


async def decided(stage: Stage, draft: Json, by: str, action: str = "approve", **inputs: object) -> Json:
    """Press "Approve" on a draft, or another button of it; the run when it is final."""
    pressed = await stage.press(f"{action}_public_update", draft["identifier"], inputs, by)
    return await stage.finished(pressed)


async def seen(stage: Stage, page: str = DEFAULT_PAGE) -> str:
    """The page in the console, as a customer has it before him."""
    async with httpx.AsyncClient(base_url=stage.base) as browser:
        answer = await browser.get(f"/console/page/{page}")
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


class Hand:
    """A person at Statuspage, who works on the page by its API and knows nothing of us."""

    def __init__(self, stage: Stage, page: str = DEFAULT_PAGE) -> None:
        self._headers = {"authorization": f"OAuth {API_KEY}"}
        self._base = f"{stage.base}/statuspage/v1/pages/{page}"

    async def __call__(self, method: str, path: str, what: str = "incident", **given: Any) -> Json:
        async with httpx.AsyncClient(headers=self._headers, timeout=10) as http:
            answer = await http.request(method, self._base + path, json={what: given} if given else None)
        assert answer.is_success, answer.text
        found: Json = answer.json() if answer.content else {}
        return found

    async def component(self, component: str, status: str) -> None:
        await self("PATCH", f"/components/{component}", "component", status=status)


async def shows(incident: Incident, **wanted: object) -> Json:
    """Our incident's properties once they are as wanted."""

    async def look() -> Json | None:
        held: Json = (await incident.entity())["properties"]
        return held if all(held.get(name) == value for name, value in wanted.items()) else None

    return await becomes(f"{incident.identifier} shows {wanted}", look)


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
