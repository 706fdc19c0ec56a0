"""The coverage table, the routes and the published contract say the same."""

from __future__ import annotations

import re

import pytest

from sandbox.port.coverage import COVERAGE
from sandbox.port.engine import Engine
from sandbox.port.service import Port
from sandbox.world import World
from tests.sandbox.port.contract import CONTRACT, VERBS, load


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_what_is_claimed_is_routed_and_nothing_else() -> None:
    port = Port(World())
    Engine(port)
    routed = {
        (method, _plain(route.path.removeprefix("/port/v1")))
        for route in port.routes()
        for method in (route.methods or set()) - {"HEAD"}
        if route.path.startswith("/port/v1")
    }

    assert {(line.method, line.path) for line in COVERAGE if line.status != "not"} == routed


def test_each_operation_has_one_line_and_a_partial_one_says_what_is_missing() -> None:
    named = [(line.method, line.path) for line in COVERAGE]

    assert len(named) == len(set(named))
    assert all(line.notes for line in COVERAGE if line.status == "partial")


@pytest.mark.skipif(not CONTRACT.is_file(), reason="Port's contract is not at hand")
def test_every_published_operation_has_a_line() -> None:
    published = {
        (verb.upper(), _plain(path).removeprefix("/v1"))
        for path, operations in load()["paths"].items()
        for verb in VERBS
        if verb in operations
    }

    assert published <= {(line.method, line.path) for line in COVERAGE}
