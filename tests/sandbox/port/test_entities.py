"""Entities: the three ways to write, what is refused, what is computed, who did it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.port.service import ADMIN, Port
from sandbox.port.wire import PortError
from sandbox.world import World
from tests.sandbox.port.conftest import SERVICE, Bench

Json = dict[str, Any]
ENTITIES = "/blueprints/incident/entities"


def _incident(identifier: str = "a", **properties: Any) -> Json:
    return {"identifier": identifier, "title": "Slow", "properties": {"severity": "sev1", **properties}}


REFUSED: list[tuple[str, Json]] = [
    ("identifier", {**_incident(), "identifier": "has space"}),
    ("identifier", {**_incident(), "identifier": "x" * 1001}),
    ("title", {**_incident(), "title": 5}),
    ("team", {**_incident(), "team": [5]}),
    ("properties", {**_incident(), "properties": []}),
    ("severity", {"identifier": "a", "properties": {}}),
    ("severity", _incident(severity=None)),
    ("severity", _incident(severity="sev9")),
    ("unknown", _incident(unknown=1)),
    ("impact", _incident(impact="high")),
    ("impact", _incident(impact=True)),
    ("private", _incident(private="yes")),
    ("link", _incident(link="not a url")),
    ("startedAt", _incident(startedAt="yesterday")),
    ("people/0", _incident(people=["nobody"])),
    ("people", _incident(people="dana@example.com")),
    ("raw", _incident(raw=[])),
    ("owner", {**_incident(), "relations": {"owner": "x"}}),
    ("others", {**_incident(), "relations": {"others": "x"}}),
    ("service", {**_incident(), "relations": {"service": ["x"]}}),
]


@pytest.mark.parametrize(("word", "body"), REFUSED, ids=range(len(REFUSED)))
async def test_refused_with_a_reason(bench: Bench, word: str, body: Json) -> None:
    answer = await bench.call("POST", ENTITIES, body)

    assert answer.status_code == 422
    assert word in answer.json()["message"]
    assert bench.port.store.entities["incident"] == {}


async def test_create_only_is_refused_the_second_time(bench: Bench) -> None:
    first = await bench.call("POST", ENTITIES + "?upsert=false", _incident())
    second = await bench.call("POST", ENTITIES + "?upsert=false", _incident(severity="sev3"))

    assert first.status_code == 201
    assert second.status_code == 409
    assert second.json()["error"] == "identifier_taken"
    kept = (await bench.call("GET", ENTITIES + "/a")).json()["entity"]
    assert kept["properties"]["severity"] == "sev1"


async def test_upsert_replaces_and_merge_adds(bench: Bench) -> None:
    await bench.entity("service", "api")
    full = {**_incident(impact=3), "relations": {"service": "api"}, "team": "on-call", "icon": "Alert"}
    await bench.call("POST", ENTITIES, full)

    merge = {"identifier": "a", "properties": {"status": "done"}}
    merged = (await bench.call("POST", ENTITIES + "?upsert=true&merge=true", merge)).json()["entity"]
    assert merged["properties"]["impact"] == 3
    assert merged["properties"]["status"] == "done"
    assert (merged["title"], merged["team"], merged["icon"]) == ("Slow", ["on-call"], "Alert")
    assert merged["relations"]["service"] == "api"

    replaced = (await bench.call("POST", ENTITIES + "?upsert=true", _incident())).json()["entity"]
    assert "impact" not in replaced["properties"]
    assert replaced["properties"]["status"] == "open"
    assert replaced["relations"] == {"service": None, "others": []}
    assert replaced["createdAt"] == merged["createdAt"]


async def test_put_and_patch_need_what_they_change(bench: Bench) -> None:
    assert (await bench.call("PUT", ENTITIES + "/a", _incident())).status_code == 404
    assert (await bench.call("PATCH", ENTITIES + "/a", {"title": "x"})).status_code == 404
    await bench.call("POST", ENTITIES, _incident(impact=1))

    patched = await bench.call("PATCH", ENTITIES + "/a", {"properties": {"impact": None}})
    assert patched.json()["entity"]["properties"]["impact"] is None
    put = await bench.call("PUT", ENTITIES + "/a", {"properties": {"severity": "sev2"}})
    assert put.json()["entity"]["properties"].get("impact") is None
    assert "title" not in put.json()["entity"]
    assert (await bench.call("PATCH", ENTITIES + "/a", {"labels": {}})).status_code == 422


async def test_an_identifier_may_hold_a_slash(bench: Bench) -> None:
    await bench.entity("service", "org/repo", title="Repo")

    answer = await bench.call("GET", "/blueprints/service/entities/org%2Frepo")
    assert answer.json()["entity"]["title"] == "Repo"
    gone = await bench.call("DELETE", "/blueprints/service/entities/org%2Frepo?delete_dependents=false")
    assert gone.status_code == 200
    bench.checker.violations.clear()  # openapi-core does not decode the slash back into one segment


async def test_renaming_takes_the_relations_along(bench: Bench) -> None:
    await bench.entity("incident", "a", properties={"severity": "sev1"})
    await bench.entity("note", "n", relations={"incident": "a"})

    answer = await bench.call("PATCH", ENTITIES + "/a", {"identifier": "b"})

    assert answer.json()["entity"]["identifier"] == "b"
    assert (await bench.call("GET", ENTITIES + "/a")).status_code == 404
    note = (await bench.call("GET", "/blueprints/note/entities/n")).json()["entity"]
    assert note["relations"] == {"incident": "b"}


async def test_related_entities_must_exist_or_be_asked_for(bench: Bench) -> None:
    body = {**_incident(), "relations": {"service": "api", "others": ["web"]}}
    missing = await bench.call("POST", ENTITIES, body)
    assert (missing.status_code, missing.json()["error"]) == (404, "not_found")

    made = await bench.call("POST", ENTITIES + "?create_missing_related_entities=true", body)
    assert made.status_code == 201
    assert set(bench.port.store.entities["service"]) == {"api", "web"}

    # A bare target is impossible where the target itself requires something.
    note = {"identifier": "n", "relations": {"incident": "z"}}
    refused = await bench.call("POST", "/blueprints/note/entities?create_missing_related_entities=true", note)
    assert refused.status_code == 422


async def test_a_required_relation(bench: Bench) -> None:
    answer = await bench.call("POST", "/blueprints/note/entities", {"identifier": "n"})

    assert answer.status_code == 422
    assert "incident" in answer.json()["message"]


async def test_relations_by_search(bench: Bench) -> None:
    await bench.entity("service", "api", properties={"tags": ["x"]})
    query = {"combinator": "and", "rules": [{"property": "$identifier", "operator": "=", "value": "api"}]}
    nothing = {"combinator": "and", "rules": [{"property": "$identifier", "operator": "=", "value": "no"}]}

    body = {**_incident(), "relations": {"service": nothing, "others": query}}
    made = (await bench.call("POST", ENTITIES, body)).json()["entity"]
    assert made["relations"] == {"service": None, "others": ["api"]}

    change = {"identifier": query, "properties": {"tier": 1}}
    found = await bench.call("POST", "/blueprints/service/entities?upsert=true&merge=true", change)
    assert found.json()["entity"]["identifier"] == "api"
    absent = {"identifier": nothing, "properties": {"tier": 1}}
    bulk = await bench.call("POST", "/blueprints/service/entities/bulk?upsert=true", {"entities": [absent]})
    assert bulk.json()["errors"][0]["identifier"] == "unknown"


async def test_validation_only_writes_nothing(bench: Bench) -> None:
    good = await bench.call("POST", ENTITIES + "?validation_only=true", _incident())
    bad = await bench.call("POST", ENTITIES + "?validation_only=true", _incident(severity="x"))

    assert (good.status_code, bad.status_code) == (201, 422)
    assert bench.port.store.entities["incident"] == {}
    assert bench.world.journal[-2].effect is None


async def test_no_identifier_means_a_random_one(bench: Bench) -> None:
    body = {"properties": {"severity": "sev1"}}
    first = (await bench.call("POST", ENTITIES, body)).json()["entity"]["identifier"]
    second = (await bench.call("POST", ENTITIES, body)).json()["entity"]["identifier"]

    assert first != second


async def test_mirrors_and_calculations_are_read_not_stored(bench: Bench) -> None:
    await bench.entity("service", "api", title="API", properties={"tier": 1})
    await bench.entity("service", "web", title="Web")
    body = {**_incident(), "relations": {"service": "api", "others": ["api", "web"]}}
    made = (await bench.call("POST", ENTITIES, body)).json()["entity"]["properties"]
    assert made["tier"] == 1
    assert made["otherTitles"] == ["API", "Web"]
    assert made["loud"] == "Slow (sev1)"
    assert made["broken"] is None

    await bench.entity("service", "api", properties={"tier": 2})
    again = (await bench.call("GET", ENTITIES + "/a")).json()["entity"]["properties"]
    assert again["tier"] == 2
    plain = (await bench.call("GET", ENTITIES + "/a?exclude_calculated_properties=true")).json()["entity"]
    assert set(plain["properties"]) == {"severity", "status"}


async def test_aggregations(bench: Bench) -> None:
    spec = {"func": "count", "calculationBy": "entities"}
    found = {"combinator": "and", "rules": [{"property": "kind", "operator": "=", "value": "finding"}]}
    patch = {
        "aggregationProperties": {
            "notes": {"title": "Notes", "target": "note", "calculationSpec": spec},
            "findings": {"title": "Findings", "target": "note", "calculationSpec": spec, "query": found},
        }
    }
    await bench.call("PATCH", "/blueprints/incident", patch)
    await bench.entity("incident", "a", properties={"severity": "sev1"})
    for name, kind in (("n1", "finding"), ("n2", "update")):
        await bench.entity("note", name, properties={"kind": kind}, relations={"incident": "a"})

    counted = (await bench.call("GET", ENTITIES + "/a")).json()["entity"]["properties"]
    assert (counted["notes"], counted["findings"]) == (2, 1)


async def test_include_and_exclude(bench: Bench) -> None:
    await bench.entity("incident", "a", title="Slow", properties={"severity": "sev1", "impact": 2})

    query = "?include=identifier&include=properties.impact"
    some = (await bench.call("GET", ENTITIES + "/a" + query)).json()["entity"]
    assert some == {"identifier": "a", "properties": {"impact": 2}}
    listed = (await bench.call("GET", ENTITIES + "?exclude=properties.impact&exclude=title")).json()
    assert "title" not in listed["entities"][0]
    assert "impact" not in listed["entities"][0]["properties"]
    assert (await bench.call("GET", "/blueprints/incident/entities-count")).json()["count"] == 1


async def test_bulk_is_item_by_item(bench: Bench) -> None:
    bodies = [
        _incident("a"),
        _incident("a"),
        _incident("b", severity="x"),
        {**_incident("c"), "relations": {"service": "no"}},
        _incident("d"),
    ]
    answer = await bench.call("POST", ENTITIES + "/bulk?upsert=false", {"entities": bodies})

    assert answer.status_code == 207
    assert [(e["index"], e["identifier"], e["created"]) for e in answer.json()["entities"]] == [
        (0, "a", True),
        (4, "d", True),
    ]
    refused = [(e["index"], e["identifier"], e["statusCode"]) for e in answer.json()["errors"]]
    assert refused == [(1, "a", 409), (2, "b", 422), (3, "c", 404)]

    again = await bench.call("POST", ENTITIES + "/bulk?upsert=true", {"entities": [_incident("a")]})
    assert again.status_code == 200
    assert again.json()["entities"] == [{"index": 0, "identifier": "a", "created": False}]


async def test_bulk_bounds(bench: Bench) -> None:
    for bodies in ([], [_incident(f"i{n}") for n in range(21)], "x"):
        answer = await bench.call("POST", ENTITIES + "/bulk?upsert=true", {"entities": bodies})
        assert answer.status_code == 422
    absent = await bench.call("POST", "/blueprints/none/entities/bulk?upsert=true", {"entities": [{}]})
    assert absent.status_code == 404


async def test_delete_refuses_while_others_depend(bench: Bench) -> None:
    await bench.entity("incident", "a", properties={"severity": "sev1"})
    await bench.entity("note", "n", relations={"incident": "a"})

    refused = await bench.call("DELETE", ENTITIES + "/a?delete_dependents=false")
    assert (refused.status_code, refused.json()["error"]) == (422, "has_dependents")
    several = {"entities": ["a", "ghost"]}
    many = "/blueprints/incident/bulk/entities/delete?delete_dependents="
    assert (await bench.call("POST", many + "false", several)).status_code == 422
    deleted = await bench.call("POST", many + "true", several)
    assert deleted.json()["deletedEntities"] == ["a"]
    assert bench.port.store.entities["note"] == {}
    assert (await bench.call("DELETE", ENTITIES + "/a?delete_dependents=true")).status_code == 404


async def test_a_run_id_must_be_of_a_run_in_progress(bench: Bench) -> None:
    answer = await bench.call("POST", ENTITIES + "?run_id=r_unknown", _incident())

    assert answer.status_code == 404
    assert bench.port.store.entities["incident"] == {}


async def test_listeners_hear_what_changed_and_who_did_it(bench: Bench) -> None:
    heard: list[Json] = []
    bench.port.on_entity_change(heard.append)

    await bench.call("POST", ENTITIES, _incident())
    bench.port.change_entity("incident", "a", {"properties": {"severity": "sev3"}}, ADMIN)
    bench.port.delete_entity("incident", "a")
    bench.port.seed({"entities": {"incident": [_incident("quiet")]}})

    assert [change["action"] for change in heard] == ["CREATE", "UPDATE", "DELETE"]
    created, updated, deleted = heard
    assert created["before"] is None
    assert created["after"]["properties"]["loud"] == "Slow (sev1)"
    assert "user" not in created["by"]
    assert updated["before"]["properties"]["severity"] == "sev1"
    assert updated["after"]["properties"]["severity"] == "sev3"
    assert (updated["by"]["user"]["email"], updated["origin"]) == (ADMIN, "UI")
    assert deleted["after"] is None


async def test_the_audit_log_knows(bench: Bench) -> None:
    await bench.call("POST", ENTITIES, _incident())
    bench.port.change_entity("incident", "a", {"title": "x"})

    logs = (await bench.call("GET", "/audit-log?entity=a&resources=entity")).json()["audits"]
    assert [entry["action"] for entry in logs] == ["UPDATE", "CREATE"]
    from_ui = (await bench.call("GET", "/audit-log?entity=a&origin=UI&includes=action")).json()["audits"]
    assert from_ui == [{"action": "UPDATE"}]


_WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_LONE = Port(World())
_LONE.blueprints.add(SERVICE, _LONE.system())
_KEYS = st.sampled_from(["identifier", "title", "icon", "team", "properties", "relations"])


@given(st.dictionaries(_KEYS, _WILD), st.sampled_from(["create", "replace", "merge"]))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_wild_entities_are_written_or_refused(body: Json, mode: Any) -> None:
    entities, kept = _LONE.store.entities["service"], dict(_LONE.store.entities["service"])
    try:
        written = _LONE.entities.write("service", body, _LONE.system(), mode)
    except PortError as refusal:
        status = refusal.status
    else:
        status = 200
        assert entities.pop(written.entity["identifier"]) == written.entity
    assert status in (200, 404, 422)
    assert entities == kept
