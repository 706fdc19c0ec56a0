"""Keys, limits, faults, pages, components, groups, templates and subscribers."""

from __future__ import annotations

import contextlib

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Router

from sandbox.statuspage.errors import StatuspageError
from sandbox.statuspage.fields import nested
from sandbox.statuspage.service import Statuspage
from sandbox.statuspage.state import API_KEY
from sandbox.world import World, iso
from tests.openapi import load
from tests.sandbox.statuspage.conftest import API, CHECKOUT, LOGIN, PAGE, SEARCH, Bench
from tests.sandbox.statuspage.contract import Checker


@pytest.mark.parametrize("header", [f"OAuth {API_KEY}", f"oauth {API_KEY}", API_KEY])
async def test_a_key_is_taken_with_and_without_its_scheme(bench: Bench, header: str) -> None:
    assert (await bench.call("GET", "/pages", headers={"authorization": header})).status_code == 200


async def test_a_key_is_taken_from_the_query(bench: Bench) -> None:
    del bench.http.headers["authorization"]
    assert len(await bench.get("/pages.json", api_key=API_KEY)) == 1


@pytest.mark.parametrize("header", ["", "OAuth wrong", f"Bearer {API_KEY}"])
async def test_without_a_key_nothing_is_told(bench: Bench, header: str) -> None:
    headers = {"authorization": header}
    assert await bench.refused("GET", "/pages/nosuch", 401, headers=headers) == "Could not authenticate"


async def test_sixty_at_once_and_then_one_a_second(bench: Bench) -> None:
    bench.statuspage.seed({"rate": {"per_minute": 60}})
    for _ in range(60):
        await bench.get("/pages")
    assert "Rate limit" in await bench.refused("GET", "/pages", 420)
    bench.world.clock.shift["statuspage"] = 61.0
    await bench.get("/pages")


async def test_the_limit_counts_by_key_and_may_answer_429(bench: Bench) -> None:
    bench.statuspage.seed({"rate": {"per_minute": 1, "status": 429}, "keys": [API_KEY, "sandbox-second-key"]})
    await bench.get("/pages")
    await bench.refused("GET", "/pages", 429)
    second = {"authorization": "OAuth sandbox-second-key"}
    assert (await bench.call("GET", "/pages", headers=second)).status_code == 200


@pytest.mark.parametrize(("fault", "status"), [({"status": 503}, 503), ({"error": "rate"}, 420)])
async def test_a_planned_fault_speaks_as_the_vendor_does(
    bench: Bench, fault: dict[str, object], status: int
) -> None:
    bench.world.faults.add({"service": "statuspage", "operation": "pages.list", **fault})
    assert isinstance(await bench.refused("GET", "/pages", status), str)
    await bench.get("/pages")


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff\xfe", b'"text"'])
async def test_a_body_that_is_no_object_is_refused(bench: Bench, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert isinstance(
        await bench.refused("POST", f"{PAGE}/incidents", 400, content=body, headers=headers), str
    )


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab[]=&%2", max_size=30))
def test_any_form_is_read_or_refused(form: str) -> None:
    with contextlib.suppress(StatuspageError):
        assert isinstance(nested(form), dict)


async def test_what_is_not_there_is_404(bench: Bench) -> None:
    for path in ("/pages/nosuch", f"{PAGE}/incidents/nosuch", f"{PAGE}/components/nosuch", "/nowhere"):
        assert await bench.refused("GET", path, 404) == "Could not find record"


async def test_a_thing_of_another_page_is_not_there(bench: Bench) -> None:
    bench.statuspage.seed({"pages": [{"id": "other", "name": "Other", "components": ["Only"]}]})
    theirs = bench.statuspage.people.component("Only").id
    await bench.refused("GET", f"{PAGE}/components/{theirs}", 404)
    body = {"incident": {"name": "x", "components": {theirs: "major_outage"}}}
    before = len(bench.world.journal)
    await bench.refused("POST", f"{PAGE}/incidents", 422, json=body)
    assert not any(entry.effect for entry in bench.world.journal[before:])


async def test_a_page_is_changed(bench: Bench) -> None:
    change = {"page": {"name": "Shop", "allow_sms_subscribers": False, "time_zone": "Berlin"}}
    changed = (await bench.call("PATCH", PAGE, json=change)).json()
    assert (changed["name"], changed["allow_sms_subscribers"]) == ("Shop", False)
    assert (await bench.get(PAGE))["time_zone"] == "Berlin"
    embed = {"status_embed_config": {"position": "top-left"}}
    await bench.call("PUT", f"{PAGE}/status_embed_config", json=embed)
    assert (await bench.get(f"{PAGE}/status_embed_config"))["position"] == "top-left"


async def test_components_are_made_changed_and_removed(bench: Bench) -> None:
    path = f"{PAGE}/components"
    given_ = {"component": {"name": "Exports", "description": "Nightly", "showcase": True}}
    made = (await bench.call("POST", path, json=given_)).json()
    assert (made["status"], made["position"], made["group_id"]) == ("operational", 6, None)
    change = {"component": {"status": "degraded_performance"}}
    changed = (await bench.call("PUT", f"{path}/{made['id']}", json=change)).json()
    assert (changed["status"], changed["name"]) == ("degraded_performance", "Exports")
    assert bench.effects()[-1] == "component Exports operational -> degraded_performance"
    before = len(bench.effects())
    await bench.call("PATCH", f"{path}/{made['id']}", json=change)
    assert len(bench.effects()) == before
    wrong = {"component": {"status": "broken", "group_id": "nosuch"}}
    assert len(await bench.refused("PATCH", f"{path}/{made['id']}", 422, json=wrong)) == 2
    await bench.create(component_ids=[made["id"]])
    assert (await bench.call("DELETE", f"{path}/{made['id']}")).status_code == 204
    assert (await bench.get(f"{PAGE}/incidents"))[0]["components"] == []


async def test_groups_stand_in_the_list_of_components_with_the_worst_of_their_members(bench: Bench) -> None:
    bench.statuspage.people.set_component("Search", "partial_outage")
    listed = await bench.get(f"{PAGE}/components")
    (group,) = [c for c in listed if c["group"]]
    assert (group["name"], group["status"]) == ("Shop", "partial_outage")
    assert {c["id"] for c in listed if c["group_id"] == group["id"]} == {CHECKOUT, SEARCH}
    assert len(await bench.get(f"{PAGE}/components", per_page=2, page=3)) == 1


async def test_a_group_is_made_of_components(bench: Bench) -> None:
    path = f"{PAGE}/component-groups"
    body = {"component_group": {"name": "Doors", "components": [API]}, "description": "Ways in"}
    made = (await bench.call("POST", path, json=body)).json()
    assert (made["name"], made["description"], made["components"]) == ("Doors", "Ways in", None)
    body = {"component_group": {"name": "Doors", "components": [LOGIN]}}
    await bench.call("PATCH", f"{path}/{made['id']}", json=body)
    members = [c["id"] for c in await bench.get(f"{PAGE}/components") if c["group_id"] == made["id"]]
    assert members == [LOGIN]
    body = {"component_group": {"name": "Empty", "components": []}}
    assert await bench.refused("POST", path, 422, json=body) == ["Components can't be blank"]
    assert (await bench.call("DELETE", f"{path}/{made['id']}")).json()["name"] == "Doors"
    assert (await bench.get(f"{PAGE}/components/{LOGIN}"))["group_id"] is None


async def test_uptime_is_what_was_seen(bench: Bench) -> None:
    made = bench.statuspage.people.set_component("API", "major_outage")
    bench.world.clock.shift["statuspage"] = 864.0
    today = iso(bench.statuspage.store.now())[:10]
    shown = await bench.get(f"{PAGE}/components/{made['id']}/uptime", start=today, end=today)
    # A test at midnight sees the part of the outage that lies in today.
    assert 0 <= shown["major_outage"] <= 865
    assert shown["uptime_percentage"] == pytest.approx(100 - shown["major_outage"] / 864, abs=0.01)
    group = (await bench.get(f"{PAGE}/component-groups"))[0]
    assert (await bench.get(f"{PAGE}/component-groups/{group['id']}/uptime"))["major_outage"] == 0
    await bench.refused("GET", f"{PAGE}/components/{API}/uptime", 422, params={"start": "someday"})


async def test_templates_are_kept_for_clients_to_copy(bench: Bench) -> None:
    path = f"{PAGE}/incident_templates"
    body = {"template": {"name": "Slow", "title": "Slow", "body": "Slow.", "component_ids": [API]}}
    assert (await bench.call("POST", path, json=body)).status_code == 201
    assert [t["name"] for t in await bench.get(path)] == ["Slow shop", "Slow"]
    wrong = {"template": {"name": "x"}}
    assert len(await bench.refused("POST", path, 422, json=wrong)) == 2


async def test_the_first_page_of_subscribers_is_page_0(bench: Bench) -> None:
    path = f"{PAGE}/subscribers"
    assert [s["email"] for s in await bench.get(path)] == ["customer@example.com", "partner@example.com"]
    assert [s["email"] for s in await bench.get(path, limit=1, page=0)] == ["customer@example.com"]
    assert [s["email"] for s in await bench.get(path, limit=1, page=1)] == ["partner@example.com"]
    assert await bench.get(path, page=1) == []
    assert [s["email"] for s in await bench.get(path, q="partner")] == ["partner@example.com"]
    assert await bench.get(path, type="webhook") == []


async def test_an_address_is_told_nothing_before_it_is_confirmed(bench: Bench) -> None:
    path = f"{PAGE}/subscribers"
    body = {"subscriber": {"email": "new@example.com", "component_ids": [CHECKOUT]}}
    made = (await bench.call("POST", path, json=body)).json()
    assert (made["mode"], made["components"]) == ("email", [CHECKOUT])
    assert len(await bench.get(path)) == 2
    assert len(await bench.get(path, state="all")) == 3
    assert (await bench.get(f"{path}/count"))["email"] == 2
    assert (await bench.get(f"{path}/histogram_by_state"))["email"] == {
        "active": 2,
        "unconfirmed": 1,
        "quarantined": 0,
        "total": 3,
    }
    bench.statuspage.people.confirm(made["id"])
    await bench.create(component_ids=[CHECKOUT])
    await bench.create(component_ids=[API])
    assert [e.rpartition("told ")[2] for e in bench.effects()[-2:]] == ["3 email", "2 email"]
    await bench.call("PATCH", f"{path}/{made['id']}", json={"component_ids": [API]})
    assert (await bench.get(f"{path}/{made['id']}"))["components"] == [API]
    again = {"subscriber": {"email": "new@example.com"}}
    assert await bench.refused("POST", path, 422, json=again) == ["Email has already been taken"]


async def test_subscribers_leave_and_come_back(bench: Bench) -> None:
    path = f"{PAGE}/subscribers"
    first, second = await bench.get(path)
    assert (await bench.call("DELETE", f"{path}/{first['id']}")).json()["id"] == first["id"]
    assert [s["id"] for s in await bench.get(f"{path}/unsubscribed")] == [first["id"]]
    await bench.refused("GET", f"{path}/{first['id']}", 404)
    bench.statuspage.people.quarantine(second["id"])
    assert await bench.get(path) == []
    assert (await bench.call("POST", f"{path}/reactivate", json={"subscribers": "all"})).status_code == 201
    assert len(await bench.get(path)) == 1
    sent = await bench.call("POST", f"{path}/unsubscribe", json={"subscribers": second["id"]})
    assert (sent.status_code, sent.content) == (201, b"")
    assert await bench.get(path, state="all") == []


@pytest.mark.parametrize(
    ("subscriber", "words"),
    [
        ({}, "Email, endpoint or phone number can't be blank"),
        ({"email": "nobody"}, "Email is invalid"),
        ({"endpoint": "ftp://x"}, "Endpoint is not a valid URL"),
        ({"phone_number": "2025550105"}, "Phone country can't be blank"),
        ({"email": "a@example.com", "component_ids": []}, "Component ids must have at least one element"),
    ],
)
async def test_a_subscriber_must_be_reachable(
    bench: Bench, subscriber: dict[str, object], words: str
) -> None:
    body = {"subscriber": subscriber}
    assert words in await bench.refused("POST", f"{PAGE}/subscribers", 422, json=body)


async def test_one_may_subscribe_to_a_single_incident(bench: Bench) -> None:
    made, other = await bench.create(), await bench.create()
    path = f"{PAGE}/incidents/{made['id']}/subscribers"
    body = {"subscriber": {"email": "one@example.com", "skip_confirmation_notification": True}}
    one = (await bench.call("POST", path, json=body)).json()
    assert [s["id"] for s in await bench.get(path)] == [one["id"]]
    assert len(await bench.get(f"{PAGE}/subscribers")) == 2
    await bench.update(made, body="More")
    await bench.update(other, body="More")
    assert [e.rpartition("told ")[2] for e in bench.effects()[-2:]] == ["3 email", "2 email"]
    assert (await bench.call("POST", f"{path}/{one['id']}/resend_confirmation")).status_code == 201
    await bench.call("DELETE", f"{path}/{one['id']}")
    await bench.refused("GET", f"{path}/{one['id']}", 404)


async def test_groups_can_answer_as_the_published_example_does(bench: Bench) -> None:
    bench.statuspage.seed({"live_groups": True})
    transport = httpx.ASGITransport(app=Router(bench.statuspage.routes()))
    async with httpx.AsyncClient(base_url="http://statuspage.test", transport=transport) as plain:
        got = await plain.get(f"/statuspage/v1{PAGE}/component-groups", params={"api_key": API_KEY})
    assert got.json()[0]["components"] == [CHECKOUT, SEARCH]


async def test_a_violation_of_the_contract_would_be_found(bench: Bench) -> None:
    load("statuspage.yaml")
    checker = Checker()
    request = httpx.Request("GET", "http://statuspage.test/statuspage/v1/pages?api_key=x")
    await checker.exchange(httpx.Response(200, json=[{"id": 1}], request=request))
    assert len(checker.violations) == 1


async def test_a_reset_forgets_everything_but_the_address_of_short_links(bench: Bench) -> None:
    bench.statuspage.store.web = "http://127.0.0.1:1/console/status"
    assert (await bench.create())["shortlink"].startswith("http://127.0.0.1:1/console/status/")
    await bench.world.reset()
    assert bench.statuspage.state()["pages"] == []
    assert bench.statuspage.store.web == "http://127.0.0.1:1/console/status"
    assert bench.statuspage.limits.per_window == 60


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        ({"pages": [{}]}, "name is needed"),
        ({"pages": [{"name": "P", "components": [{"name": "C", "status": "odd"}]}]}, "no status 'odd'"),
        ({"pages": [{"name": "P", "templates": [{"name": "T"}]}]}, "templates"),
        ({"pages": [{"name": "P", "incidents": [{"name": "I", "status": "odd"}]}]}, "no realtime status"),
        ({"rate": {"status": 500}}, "420 or 429"),
    ],
)
def test_a_wrong_seed_names_what_is_wrong(seed: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Statuspage(World()).seed(seed)
