"""Search: operators, meta properties, relations, pages, and the past that it shows."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.port import search
from sandbox.port.service import Port
from sandbox.port.wire import PortError
from sandbox.world import World
from tests.sandbox.port.conftest import INCIDENT, SERVICE, Bench
from tests.sandbox.serve import until

Json = dict[str, Any]


def _rule(name: str, operator: str, value: Any = ...) -> Json:
    rule = {"property": name, "operator": operator}
    return rule if value is ... else {**rule, "value": value}


@pytest.fixture
async def filled(bench: Bench) -> Bench:
    await bench.entity(
        "service", "api", title="API", team=["core"], properties={"tier": 1, "tags": ["go", "x"]}
    )
    await bench.entity("service", "web", title="Web", properties={"tier": 2, "tags": []})
    await bench.entity("service", "db", title="Database", properties={"tier": 3}, relations={"uses": ["web"]})
    started = {"startedAt": "2026-03-01T10:00:00Z", "severity": "sev1", "private": True}
    await bench.entity("incident", "a", title="A", properties=started, relations={"service": "api"})
    later = {"startedAt": "2026-03-02T10:00:00Z", "severity": "sev2", "impact": 5}
    await bench.entity("incident", "b", title="B", properties=later, relations={"service": "db"})
    await bench.entity("note", "n", relations={"incident": "a"})
    return bench


FOUND: list[tuple[Json, list[str]]] = [
    (_rule("severity", "=", "sev1"), ["a"]),
    (_rule("tier", ">", 1), ["web", "db", "b"]),  # of incident b it is a mirror
    (_rule("impact", ">=", 5), ["b"]),
    (_rule("impact", "<", 5), []),
    (_rule("private", "=", True), ["a"]),
    (_rule("startedAt", "<=", "2026-03-01T10:00:00.000Z"), ["a"]),
    (
        _rule("startedAt", "between", {"from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z"}),
        ["b"],
    ),
    (_rule("tags", "contains", "go"), ["api"]),
    (_rule("tags", "containsAny", ["x", "y"]), ["api"]),
    (_rule("severity", "in", ["sev2", "sev3"]), ["b"]),
    (_rule("$title", "beginsWith", "Data"), ["db"]),
    (_rule("$title", "endsWith", "base"), ["db"]),
    (_rule("$title", "contains", "P"), ["api", "admin@example.com"]),
    (_rule("$identifier", "=", "n"), ["n"]),
    (_rule("$blueprint", "=", "note"), ["n"]),
    (_rule("$team", "contains", "core"), ["api"]),
    (_rule("$datasource", "contains", "tests/"), ["api", "web", "db", "a", "b", "n"]),
    (_rule("service", "=", "api"), ["a"]),
    (_rule("loud", "=", "A (sev1)"), ["a"]),
    (_rule("$updatedAt", "=", {"preset": "tomorrow"}), []),
    ({"operator": "relatedTo", "blueprint": "service", "value": "api"}, ["a", "n"]),
    ({"operator": "relatedTo", "blueprint": "service", "value": "api", "direction": "upstream"}, []),
    ({"operator": "relatedTo", "blueprint": "incident", "value": "a"}, ["api", "n"]),
    ({"operator": "relatedTo", "blueprint": "incident", "value": "a", "direction": "upstream"}, ["api"]),
]


@pytest.mark.parametrize(("rule", "names"), FOUND, ids=range(len(FOUND)))
async def test_operators(filled: Bench, rule: Json, names: list[str]) -> None:
    assert sorted(await filled.search(rule)) == sorted(names)


@pytest.mark.parametrize(
    ("operator", "opposite", "value"),
    [
        ("=", "!=", "sev1"),
        ("in", "notIn", ["sev1"]),
        ("contains", "doesNotContains", "ev1"),
        ("beginsWith", "doesNotBeginsWith", "sev"),
        ("endsWith", "doesNotEndsWith", "1"),
        ("isEmpty", "isNotEmpty", ...),
    ],
)
async def test_negations_are_the_rest(filled: Bench, operator: str, opposite: str, value: Any) -> None:
    here = _rule("$blueprint", "=", "incident")
    some = await filled.search(here, _rule("severity", operator, value))
    others = await filled.search(here, _rule("severity", opposite, value))

    assert sorted([*some, *others]) == ["a", "b"]


async def test_combinators(filled: Bench) -> None:
    both = [_rule("severity", "=", "sev1"), _rule("severity", "=", "sev2")]
    assert await filled.search(*both) == []
    assert await filled.search(*both, combinator="or") == ["a", "b"]
    nested = {"combinator": "or", "rules": both}
    assert await filled.search(nested, _rule("private", "=", True)) == ["a"]


async def test_an_empty_or_matches_nothing_and_an_empty_and_everything(filled: Bench) -> None:
    assert await filled.search(combinator="or") == []
    assert len(await filled.search(combinator="and")) == 7


async def test_include_on_the_search_of_all(filled: Bench) -> None:
    body = {"combinator": "and", "rules": [_rule("$blueprint", "=", "note")]}
    answer = await filled.call("POST", "/entities/search?include=blueprint&include=identifier", body)

    assert answer.json()["entities"] == [{"blueprint": "note", "identifier": "n"}]
    assert answer.json()["matchingBlueprints"] == ["note"]


async def test_one_blueprint_has_relation_rules_and_pages(filled: Bench) -> None:
    path = "/blueprints/incident/entities/search"
    rules = [{"relation": "service", "operator": "=", "value": "Database", "targetProperty": "$title"}]
    by_title = await filled.call("POST", path, {"query": {"combinator": "and", "rules": rules}})
    assert [one["identifier"] for one in by_title.json()["entities"]] == ["b"]
    elsewhere = await filled.call("POST", "/entities/search", {"combinator": "and", "rules": rules})
    assert elsewhere.status_code == 422

    first = (await filled.call("POST", path, {"limit": 1, "include": ["severity"]})).json()
    assert first["entities"] == [{"identifier": "a", "properties": {"severity": "sev1"}}]
    second = (await filled.call("POST", path, {"limit": 1, "from": first["next"]})).json()
    assert [one["identifier"] for one in second["entities"]] == ["b"]
    assert "next" not in second
    assert (await filled.call("POST", path, {"from": "nonsense"})).status_code == 422


async def test_a_walk_skips_nothing_when_what_was_shown_is_deleted(bench: Bench) -> None:
    for number in range(6):
        await bench.entity("service", f"s{number}")
    path = "/blueprints/service/entities/search"
    page = (await bench.call("POST", path, {"limit": 2})).json()
    await bench.call("DELETE", "/blueprints/service/entities/s0?delete_dependents=false")
    seen = [one["identifier"] for one in page["entities"]]
    while "next" in page:
        page = (await bench.call("POST", path, {"limit": 2, "from": page["next"]})).json()
        seen += [one["identifier"] for one in page["entities"]]

    assert seen == [f"s{number}" for number in range(6)]


async def test_search_lags_while_get_does_not(bench: Bench) -> None:
    await bench.entity("service", "old", properties={"tier": 1})
    await asyncio.sleep(0.02)
    bench.world.hostility.search_lag_seconds = 0.3
    await bench.entity("service", "old", properties={"tier": 2})
    await bench.entity("service", "new")
    rule = _rule("$blueprint", "=", "service")
    changed_at = time.monotonic()

    got = await bench.call("GET", "/blueprints/service/entities/old")
    assert got.json()["entity"]["properties"]["tier"] == 2
    await until(lambda: time.monotonic() - changed_at > 0.32, 2)
    assert sorted(await bench.search(rule)) == ["new", "old"]

    await bench.call("DELETE", "/blueprints/service/entities/new?delete_dependents=false")
    assert "new" in await bench.search(rule)
    assert (await bench.call("GET", "/blueprints/service/entities/new")).status_code == 404

    deadline = time.monotonic() + 2
    while "new" in await bench.search(rule):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_a_lagging_search_shows_the_old_version(bench: Bench) -> None:
    await bench.entity("service", "s", properties={"tier": 1})
    await asyncio.sleep(0.02)
    bench.world.hostility.search_lag_seconds = 0.01
    written_at = time.time()
    await bench.entity("service", "s", properties={"tier": 2})

    past = list(bench.port.store.as_of("service", written_at))
    assert [one["properties"]["tier"] for one in past] == [1]


async def test_exporters_find_their_own(bench: Bench) -> None:
    agent = {"user-agent": "port-ocean/shelf/0.1.0/mine/exporter"}
    body = {"identifier": "s"}
    await bench.call("POST", "/blueprints/service/entities", body, headers=agent)
    await bench.entity("service", "other")
    wanted = {"datasource_prefix": "port-ocean/shelf/", "datasource_suffix": "/mine/exporter", "limit": 5000}
    path = "/blueprints/entities/datasource-entities"

    assert (await bench.call("POST", path, wanted)).json()["entities"] == [
        {"blueprint": "service", "identifier": "s"}
    ]
    earlier = {**wanted, "before": "2020-01-01T00:00:00+00:00"}
    assert (await bench.call("POST", path, earlier)).json()["entities"] == []


WRONG: list[Any] = [
    {},
    {"combinator": "xor", "rules": []},
    {"combinator": "and", "rules": {}},
    {"combinator": "and", "rules": ["x"]},
    {"combinator": "and", "rules": [], "more": 1},
    {"combinator": "and", "rules": [{"property": "a", "operator": "like", "value": 1}]},
    {"combinator": "and", "rules": [{"property": "a", "operator": "="}]},
    {"combinator": "and", "rules": [{"operator": "=", "value": 1}]},
    {"combinator": "and", "rules": [{"property": "a", "operator": "in", "value": "x"}]},
    {"combinator": "and", "rules": [{"property": "a", "operator": ">", "value": "x"}]},
    {"combinator": "and", "rules": [{"property": "a", "operator": "between", "value": 3}]},
    {"combinator": "and", "rules": [{"property": "a", "operator": "=", "value": 1, "not": True}]},
    {"combinator": "and", "rules": [{"operator": "relatedTo", "value": "a"}]},
]


@pytest.mark.parametrize("query", WRONG, ids=range(len(WRONG)))
async def test_a_malformed_query_is_422(bench: Bench, query: Any) -> None:
    assert (await bench.call("POST", "/entities/search", query)).status_code == 422


def _lone() -> Port:
    port = Port(World())
    for blueprint in (SERVICE, INCIDENT):
        port.blueprints.add(blueprint, port.system())
    entity = {"identifier": "a", "title": "A", "properties": {"severity": "sev1", "impact": 2}}
    port.entities.write("incident", entity, port.system())
    return port


_LONE = _lone()
_VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(st.text(max_size=3), max_size=3)
)
_NAMES = st.sampled_from(["severity", "impact", "$title", "$team", "others", "tier", "loud", "nothing"])
_RULES = st.fixed_dictionaries(
    {"property": _NAMES, "operator": st.sampled_from(search.OPERATORS), "value": _VALUES}
)


@given(st.lists(_RULES, max_size=4), st.sampled_from(["and", "or"]))
@settings(max_examples=100, deadline=None)
def test_wild_queries_are_answered_or_refused(rules: list[Json], combinator: str) -> None:
    query = {"combinator": combinator, "rules": rules}
    try:
        search.check_query(query)
    except PortError:
        return
    assert _LONE.entities.matches(_LONE.entities.get("incident", "a"), query) in (True, False)
