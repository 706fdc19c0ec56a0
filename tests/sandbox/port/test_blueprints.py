"""Blueprints: what is accepted, what is refused and why."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.sandbox.port.conftest import INCIDENT, NOTE, Bench

Json = dict[str, Any]


def _thing(**more: Any) -> Json:
    return {"identifier": "thing", "title": "Thing", "schema": {"properties": {}}, **more}


REFUSED: list[tuple[str, Json]] = [
    ("identifier", _thing(identifier="has space")),
    ("identifier", _thing(identifier="..")),
    ("identifier", _thing(identifier="x" * 101)),
    ("identifier", _thing(identifier=7)),
    ("underscore", _thing(identifier="_mine")),
    ("title", {"identifier": "thing", "schema": {"properties": {}}}),
    ("title", _thing(title="")),
    ("description", _thing(description="x" * 201)),
    ("schema", {"identifier": "thing", "title": "Thing"}),
    ("properties", _thing(schema={})),
    ("type", _thing(schema={"properties": {"a": {}}})),
    ("type", _thing(schema={"properties": {"a": {"type": "enum"}}})),
    ("format", _thing(schema={"properties": {"a": {"type": "string", "format": "date"}}})),
    ("property name", _thing(schema={"properties": {"a b": {"type": "string"}}})),
    ("required", _thing(schema={"properties": {"a": {"type": "string"}}, "required": ["b"]})),
    ("does not exist", _thing(relations={"r": {"target": "nowhere"}})),
    ("both required and many", _thing(relations={"r": {"target": "note", "required": True, "many": True}})),
    ("additional", _thing(relations={"r": {"target": "note", "multiple": True}})),
    ("has no relation", _thing(mirrorProperties={"m": {"path": "incident.severity"}})),
    (
        "has no property",
        _thing(relations={"r": {"target": "note"}}, mirrorProperties={"m": {"path": "r.zzz"}}),
    ),
    ("calculation", _thing(calculationProperties={"c": {"type": "string"}})),
    ("type", _thing(calculationProperties={"c": {"calculation": ".", "type": "text"}})),
    ("calculationSpec", _thing(aggregationProperties={"a": {"title": "A", "target": "note"}})),
    ("path", _thing(ownership={"type": "Inherited"})),
]


@pytest.mark.parametrize(("word", "body"), REFUSED, ids=range(len(REFUSED)))
async def test_refused_with_a_reason(bench: Bench, word: str, body: Json) -> None:
    answer = await bench.call("POST", "/blueprints", body)

    assert answer.status_code == 422
    assert word in answer.json()["message"]
    assert "thing" not in bench.port.store.blueprints


async def test_created_read_and_listed(bench: Bench) -> None:
    made = await bench.call("POST", "/blueprints", _thing(relations={"self": {"target": "thing"}}, typo=1))
    blueprint = made.json()["blueprint"]

    assert blueprint["relations"]["self"] == {"target": "thing", "required": False, "many": False}
    assert "typo" not in blueprint
    assert (await bench.call("GET", "/blueprints/thing")).json()["blueprint"] == blueprint
    listed = (await bench.call("GET", "/blueprints")).json()["blueprints"]
    assert {"_user", "_team", "thing"} <= {one["identifier"] for one in listed}


async def test_letters_of_any_script(bench: Bench) -> None:
    answer = await bench.call("POST", "/blueprints", _thing(identifier="störung-事件"))

    assert answer.status_code == 201


async def test_taken(bench: Bench) -> None:
    answer = await bench.call("POST", "/blueprints", INCIDENT)

    assert answer.status_code == 409
    assert answer.json()["error"] == "identifier_taken"


async def test_patch_adds_and_put_replaces(bench: Bench) -> None:
    patch = {"schema": {"properties": {"extra": {"type": "string"}}}, "relations": {"up": {"target": "note"}}}
    patched = (await bench.call("PATCH", "/blueprints/note", patch)).json()["blueprint"]
    assert set(patched["schema"]["properties"]) == {"kind", "extra"}
    assert set(patched["relations"]) == {"incident", "up"}

    replaced = (await bench.call("PUT", "/blueprints/note", NOTE)).json()["blueprint"]
    assert set(replaced["schema"]["properties"]) == {"kind"}
    assert set(replaced["relations"]) == {"incident"}
    assert replaced["createdAt"] == patched["createdAt"]


async def test_a_propertys_type_is_permanent(bench: Bench) -> None:
    patch = {"schema": {"properties": {"kind": {"type": "number"}}}}
    answer = await bench.call("PATCH", "/blueprints/note", patch)

    assert answer.status_code == 422
    assert "kind" in answer.json()["message"]


async def test_the_identifier_is_permanent(bench: Bench) -> None:
    renamed = {**copy.deepcopy(NOTE), "identifier": "notice"}

    assert (await bench.call("PUT", "/blueprints/note", renamed)).status_code == 422
    assert (await bench.call("PUT", "/blueprints/absent", _thing())).status_code == 404


async def test_deleted_only_when_nothing_hangs_on_it(bench: Bench) -> None:
    assert (await bench.call("DELETE", "/blueprints/incident")).status_code == 422
    assert (await bench.call("DELETE", "/blueprints/_user")).status_code == 422
    await bench.entity("incident", "a", properties={"severity": "sev1"})
    await bench.entity("note", "n", relations={"incident": "a"})
    assert (await bench.call("DELETE", "/blueprints/note")).status_code == 422

    assert (await bench.call("DELETE", "/blueprints/note/all-entities")).status_code == 200
    assert (await bench.call("DELETE", "/blueprints/note")).status_code == 200
    assert (await bench.call("GET", "/blueprints/note")).status_code == 404


async def test_system_blueprints_are_extended_not_cut(bench: Bench) -> None:
    more = {"schema": {"properties": {"slackId": {"type": "string"}}}}
    assert (await bench.call("PATCH", "/blueprints/_user", more)).status_code == 200

    cut = {"identifier": "_user", "title": "User", "schema": {"properties": {}}}
    assert (await bench.call("PUT", "/blueprints/_user", cut)).status_code == 422


async def test_permissions(bench: Bench) -> None:
    change = {"entities": {"update": {"teams": ["on-call"]}}}
    changed = await bench.call("PATCH", "/blueprints/incident/permissions", change)

    assert changed.json()["permissions"]["entities"]["update"]["teams"] == ["on-call"]
    assert (await bench.call("GET", "/blueprints/incident/permissions")).json() == changed.json()
    wrong: Json = {"entities": {"destroy": {}}}
    assert (await bench.call("PATCH", "/blueprints/incident/permissions", wrong)).status_code == 422
