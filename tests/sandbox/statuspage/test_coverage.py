"""The coverage table says what is there: no route without a line, no line without a route."""

from __future__ import annotations

from sandbox.statuspage.coverage import COVERAGE
from sandbox.statuspage.service import PREFIX, Statuspage
from sandbox.world import World
from tests.openapi import load


def _routes(suffix: str) -> set[tuple[str, str, str]]:
    found = set()
    for route in Statuspage(World()).routes():
        name = str(route.name).removeprefix("statuspage:")
        path = route.path.removeprefix(PREFIX)
        if name == "unknown" or path.endswith(".json") != bool(suffix):
            continue
        found |= {(name, m, path.removesuffix(".json")) for m in route.methods or () if m != "HEAD"}
    return found


def test_what_is_claimed_is_routed_and_nothing_else() -> None:
    claimed = {(o.name, m, o.path) for o in COVERAGE if o.status != "not" for m in o.methods}

    assert claimed == _routes("")
    assert claimed == _routes(".json")


def test_what_is_partial_says_what_is_missing() -> None:
    assert all(o.notes for o in COVERAGE if o.status == "partial")


def test_every_operation_of_the_contract_has_a_line() -> None:
    verbs = {"get", "post", "put", "patch", "delete"}
    paths = load("statuspage.yaml")["paths"]
    wanted = {(m.upper(), p) for p, item in paths.items() for m in item if m in verbs}

    assert wanted == {(m, o.path) for o in COVERAGE for m in o.methods}
