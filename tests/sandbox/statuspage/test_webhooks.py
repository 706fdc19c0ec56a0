"""Webhooks as customers' systems get them, and what people do on the page by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from sandbox.statuspage.errors import HumanError
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.world import Hostility
from tests.openapi import load
from tests.sandbox.serve import serve, until
from tests.sandbox.statuspage.conftest import API, CHECKOUT, LOGIN, PAGE, Bench


@dataclass
class Receiver:
    url: str = ""
    status: int = 200
    got: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    async def __call__(self, request: Request) -> Response:
        self.headers = dict(request.headers)
        self.got.append(json.loads(await request.body()))
        return Response(status_code=self.status)

    def kinds(self) -> list[str]:
        return ["component" if "component_update" in body else "incident" for body in self.got]


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with serve(Router([Route("/hooks/secret", receiver.__call__, methods=["POST"])])) as base:
        receiver.url = f"{base}/hooks/secret"
        yield receiver


async def _subscribe(bench: Bench, receiver: Receiver, **more: Any) -> dict[str, Any]:
    bench.world.hostility = Hostility.none()
    body = {"subscriber": {"endpoint": receiver.url, "email": "hooks@example.com", **more}}
    answer = await bench.call("POST", f"{PAGE}/subscribers", json=body)
    made: dict[str, Any] = answer.json()
    return made


async def test_an_incident_is_told_as_the_vendor_tells_it(bench: Bench, receiver: Receiver) -> None:
    assert (await _subscribe(bench, receiver))["mode"] == "webhook"
    made = await bench.create(component_ids=[CHECKOUT], components={CHECKOUT: "major_outage"})

    await until(lambda: len(receiver.got) == 2, what="both webhooks")
    assert receiver.kinds() == ["component", "incident"]
    for body in receiver.got:
        jsonschema.validate(body, load("statuspage_webhooks.schema.json"))
    component, incident = receiver.got
    assert component["component_update"]["new_status"] == "major_outage"
    assert component["component"]["id"] == CHECKOUT
    assert incident["incident"]["id"] == made["id"]
    assert incident["page"] == {
        "id": DEFAULT_PAGE,
        "status_indicator": "critical",
        "status_description": "Major System Outage",
    }
    assert not [name for name in receiver.headers if "signature" in name]
    assert "told 2 email, 1 webhook" in bench.effects()[-1]
    out = [e for e in bench.world.journal if e.direction == "out"]
    await until(lambda: all(e.status == 200 for e in out), what="both answers")
    assert [e.operation for e in out] == ["webhook.component", "webhook.incident"]


async def test_nobody_is_told_when_the_update_says_so(bench: Bench, receiver: Receiver) -> None:
    await _subscribe(bench, receiver)
    made = await bench.create(deliver_notifications=False)
    await bench.update(made, name="Another name")
    await bench.update(made, body="Now told")
    await until(lambda: receiver.got, what="the webhook")
    assert [b["incident"]["incident_updates"][0]["body"] for b in receiver.got] == ["Now told"]


async def test_a_hook_for_some_components_hears_of_these(bench: Bench, receiver: Receiver) -> None:
    await _subscribe(bench, receiver, component_ids=[API])
    await bench.create(component_ids=[LOGIN], components={LOGIN: "major_outage"})
    bench.statuspage.people.set_component("API", "partial_outage")
    await bench.create(component_ids=[API])
    await until(lambda: len(receiver.got) == 2, what="both webhooks")
    assert receiver.kinds() == ["component", "incident"]


async def test_a_component_is_told_of_for_its_status_only(bench: Bench, receiver: Receiver) -> None:
    await _subscribe(bench, receiver)
    path = f"{PAGE}/components/{API}"
    await bench.call("PATCH", path, json={"component": {"description": "New words"}})
    await bench.call("PATCH", path, json={"component": {"status": "operational"}})
    await bench.call("PATCH", path, json={"component": {"status": "under_maintenance"}})
    await until(lambda: receiver.got, what="the webhook")
    assert [b["component_update"]["new_status"] for b in receiver.got] == ["under_maintenance"]


async def test_a_lost_webhook_is_lost_and_others_come_twice(bench: Bench, receiver: Receiver) -> None:
    await _subscribe(bench, receiver)
    receiver.status = 302
    made = await bench.create()
    await until(lambda: receiver.got, what="the refused webhook")
    receiver.status = 200
    bench.world.hostility.change({"event_duplicate_share": 1.0, "event_delay_seconds": 0.02})
    await bench.update(made, body="More")
    await until(lambda: len(receiver.got) == 3, what="the webhook and its twin")
    assert receiver.got[1] == receiver.got[2]
    failed = [e.error for e in bench.world.journal if e.operation == "webhook.incident"]
    assert failed == ["http_error", None, None]


async def test_an_endpoint_subscribed_twice_hears_everything_twice(bench: Bench, receiver: Receiver) -> None:
    await _subscribe(bench, receiver)
    await _subscribe(bench, receiver)
    assert len(await bench.get(f"{PAGE}/subscribers", type="webhook")) == 2
    await bench.create()
    await until(lambda: len(receiver.got) == 2, what="both")


async def test_people_work_on_the_page_by_hand(bench: Bench, receiver: Receiver) -> None:
    people = bench.statuspage.people
    bench.world.hostility = Hostility.none()
    people.subscribe("Example Shop Status", endpoint=receiver.url, components=["Checkout"])
    opened = people.open_incident(
        DEFAULT_PAGE,
        name="By hand",
        body="Seen by a customer.",
        component_ids=["Checkout"],
        components={"Checkout": "degraded_performance"},
    )
    said = people.post_update("By hand", "Found it.", "identified", {"Checkout": "operational"})
    people.edit_update("By hand", said["id"], "Found the cause.")
    people.edit_incident("By hand", impact_override="critical")

    await until(lambda: len(receiver.got) == 4, what="all webhooks")
    assert receiver.kinds() == ["component", "incident", "component", "incident"]
    got = await bench.get(f"{PAGE}/incidents/{opened['id']}")
    assert (got["status"], got["impact"]) == ("identified", "critical")
    assert [u["body"] for u in got["incident_updates"]] == ["Found the cause.", "Seen by a customer."]
    people.delete_incident("By hand")
    assert await bench.get(f"{PAGE}/incidents") == []


@pytest.mark.parametrize(
    ("call", "given", "words"),
    [
        ("open_incident", ("nosuch",), "no page"),
        ("open_incident", (DEFAULT_PAGE,), "Name can't be blank"),
        ("post_update", ("nosuch", "Words"), "no incident"),
        ("set_component", ("nosuch", "operational"), "no component"),
        ("set_component", ("API", "broken"), "no status 'broken'; known: operational"),
        ("subscribe", (DEFAULT_PAGE,), "endpoint or an e-mail"),
        ("confirm", ("nosuch",), "no subscriber"),
    ],
)
async def test_what_a_person_cannot_do_is_said(
    bench: Bench, call: str, given: tuple[str, ...], words: str
) -> None:
    with pytest.raises(HumanError, match=words):
        getattr(bench.statuspage.people, call)(*given)


async def test_a_customer_sees_the_page(bench: Bench) -> None:
    shop = bench.statuspage
    shop.seed(
        {"pages": [{"name": "Quiet", "components": [{"name": "Hidden", "only_show_if_degraded": True}]}]}
    )
    assert shop.customer_view("Quiet")["components"] == []
    assert shop.customer_view(DEFAULT_PAGE)["status"]["description"] == "All Systems Operational"
    made = await bench.create(component_ids=[CHECKOUT], components={CHECKOUT: "partial_outage"}, body="Slow.")
    over = await bench.create(name="Past")
    await bench.update(over, status="resolved")

    seen = shop.customer_view(DEFAULT_PAGE)
    assert seen["status"]["indicator"] == "major"
    (group,) = seen["groups"]
    assert (group["name"], group["status"]) == ("Shop", "partial_outage")
    assert [c["name"] for c in group["components"]] == ["Checkout", "Search"]
    assert [c["name"] for c in seen["components"]] == ["API", "Login"]
    (now,) = seen["open"]
    assert (now["id"], now["components"], now["updates"][0]["body"]) == (made["id"], ["Checkout"], "Slow.")
    assert [i["name"] for i in seen["past"]] == ["Past"]
    json.dumps(seen)
    json.dumps(shop.state())


@pytest.mark.parametrize(
    ("states", "indicator", "words"),
    [
        (["operational"] * 4, "none", "All Systems Operational"),
        (["under_maintenance"], "maintenance", "Service Under Maintenance"),
        (["degraded_performance"], "minor", "Partially Degraded Service"),
        (["degraded_performance"] * 4, "minor", "Degraded System Service"),
        (["partial_outage"], "minor", "Minor Service Outage"),
        (["major_outage"], "major", "Partial System Outage"),
        (["major_outage"] * 4, "critical", "Major System Outage"),
    ],
)
async def test_the_top_of_the_page_weighs_all_components(
    bench: Bench, states: list[str], indicator: str, words: str
) -> None:
    for name, status in zip(("Checkout", "Search", "API", "Login"), states, strict=False):
        bench.statuspage.people.set_component(name, status)
    seen = bench.statuspage.customer_view(DEFAULT_PAGE)["status"]
    assert seen == {"indicator": indicator, "description": words}


async def test_a_history_can_be_seeded(bench: Bench) -> None:
    past = [
        {
            "name": f"Incident {n}",
            "created_at": f"2026-01-{n:02}T10:00:00Z",
            "impact": "minor",
            "components": ["API"],
            "updates": [
                {"status": "investigating", "body": "Looking.", "at": f"2026-01-{n:02}T10:00:00Z"},
                {"status": "resolved", "at": f"2026-01-{n:02}T11:00:00Z"},
            ],
        }
        for n in range(1, 4)
    ]
    page = {"id": "long", "name": "Long", "components": ["API"], "incidents": past}
    bench.statuspage.seed({"pages": [page]})
    got = await bench.get("/pages/long/incidents")
    assert [i["name"] for i in got] == ["Incident 3", "Incident 2", "Incident 1"]
    assert got[0]["resolved_at"] == "2026-01-03T11:00:00.000Z"
    assert [u["status"] for u in got[0]["incident_updates"]] == ["resolved", "investigating"]
