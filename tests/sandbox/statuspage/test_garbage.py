"""Whatever is sent, the answer is Statuspage's: never a crash, never a half-done write."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Router

from sandbox.statuspage.coverage import COVERAGE
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.statuspage.service import PREFIX, Statuspage
from sandbox.statuspage.state import API_KEY
from sandbox.world import World
from tests.sandbox.statuspage.conftest import API, CHECKOUT

_WRITES = [
    (m, o.path) for o in COVERAGE if o.status != "not" for m in o.methods if m in ("POST", "PATCH", "PUT")
]
_NAMES = [
    "name",
    "status",
    "body",
    "components",
    "component_ids",
    "metadata",
    "scheduled_for",
    "impact_override",
]
_NAMES += [
    "scheduled_until",
    "backfilled",
    "backfill_date",
    "email",
    "endpoint",
    "phone_number",
    "display_at",
]
_NAMES += [
    "group_id",
    "start_date",
    "body_draft",
    "title",
    "deliver_notifications",
    "scheduled_auto_in_progress",
]
_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.just("A name"),
    st.sampled_from(
        ["resolved", "scheduled", "operational", "2026-01-01", "0001-01-01T00:00:00+14:00", API, "x" * 400]
    ),
    st.lists(st.sampled_from([API, "x", 1]), max_size=2),
    st.dictionaries(st.sampled_from([API, "x"]), st.sampled_from(["major_outage", {}, 1]), max_size=2),
)
_INNER = st.one_of(_ODD, st.dictionaries(st.sampled_from(_NAMES), _ODD, max_size=6))
_WRAPPERS = {
    "incidents": "incident",
    "{incident_id}": "incident",
    "{incident_update_id}": "incident_update",
    "components": "component",
    "{component_id}": "component",
    "component-groups": "component_group",
    "{id}": "component_group",
    "subscribers": "subscriber",
    "{subscriber_id}": "subscriber",
    "incident_templates": "template",
    "postmortem": "postmortem",
    "publish": "postmortem",
    "{page_id}": "page",
    "status_embed_config": "status_embed_config",
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(_WRITES), _INNER)
def test_no_write_crashes(write: tuple[str, str], inner: Any) -> None:
    wrapper = _WRAPPERS.get(write[1].rpartition("/")[2], "subscribers")
    asyncio.run(_write(write, {wrapper: inner}))


async def _write(write: tuple[str, str], body: dict[str, Any]) -> None:
    world = World()
    shop = Statuspage(world)
    shop.seed_default()
    made = shop.people.open_incident(DEFAULT_PAGE, name="Open", component_ids=[CHECKOUT])
    known = {
        "page_id": DEFAULT_PAGE,
        "incident_id": made["id"],
        "incident_update_id": made["incident_updates"][0]["id"],
        "component_id": API,
        "id": next(iter(shop.store.groups)),
        "subscriber_id": next(iter(shop.store.subscribers)),
    }
    path = PREFIX + write[1].format(**known)
    before = shop.state()
    transport = httpx.ASGITransport(app=Router(shop.routes()))
    headers = {"authorization": f"OAuth {API_KEY}"}
    async with httpx.AsyncClient(
        base_url="http://statuspage.test", transport=transport, headers=headers
    ) as http:
        answer = await http.request(write[0], path, json=body)
        listed = await http.get(f"{PREFIX}/pages/{DEFAULT_PAGE}/incidents")
    assert answer.status_code in (200, 201, 400, 404, 422)
    assert listed.status_code == 200
    if answer.status_code >= 400:
        assert shop.state() == before
    shop.customer_view(DEFAULT_PAGE)
    await world.reset()
