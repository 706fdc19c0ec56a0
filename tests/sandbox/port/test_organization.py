"""Secrets, people, pages and scorecards, integrations, and the start situation."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.port.service import ADMIN
from tests.sandbox.port.conftest import INCIDENT, Bench

Json = dict[str, Any]


async def test_the_organisation(bench: Bench) -> None:
    found = (await bench.call("GET", "/organization")).json()["organization"]

    assert found["id"] == bench.port.org
    assert found["featureFlags"] == []
    assert found["isBlocked"] is False


async def test_a_secrets_value_never_comes_out(bench: Bench) -> None:
    path = "/organization/secrets"
    made = await bench.call("POST", path, {"secretName": "TOKEN", "secretValue": "not-a-secret"})
    assert made.status_code == 201
    assert (await bench.call("POST", path, {"secretName": "TOKEN", "secretValue": "x"})).status_code == 409
    assert (await bench.call("POST", path, {"secretName": "a b", "secretValue": "x"})).status_code == 422
    await bench.call("PATCH", path + "/TOKEN", {"description": "for nobody"})

    one = await bench.call("GET", path + "/TOKEN")
    every = await bench.call("GET", path)
    assert one.json()["secret"]["description"] == "for nobody"
    assert "not-a-secret" not in one.text + every.text
    assert bench.port.store.secrets["TOKEN"]["secretValue"] == "not-a-secret"
    assert (await bench.call("DELETE", path + "/TOKEN")).status_code == 200
    assert (await bench.call("GET", path + "/TOKEN")).status_code == 404


async def test_users_are_entities_and_the_other_way_round(bench: Bench) -> None:
    await bench.entity("_user", "dana@example.com", title="Dana Example", properties={"port_role": "Member"})
    await bench.call("POST", "/teams", {"name": "core", "users": ["dana@example.com"]})
    await bench.call("PATCH", "/users/dana@example.com", {"roles": ["Admin"], "teams": ["core"]})

    user = (await bench.call("GET", "/users/dana@example.com")).json()["user"]
    assert (user["firstName"], user["roles"], user["teams"]) == ("Dana", [{"name": "Admin"}], ["core"])
    entity = (await bench.call("GET", "/blueprints/_user/entities/dana@example.com")).json()["entity"]
    assert entity["properties"]["port_role"] == "Admin"
    assert bench.port.store.entity("_team", "core") is not None
    team = (await bench.call("GET", "/teams/core")).json()["team"]
    assert [one["email"] for one in team["users"]] == ["dana@example.com"]

    assert (await bench.call("DELETE", "/users/dana@example.com")).status_code == 200
    assert bench.port.store.entity("_user", "dana@example.com") is None
    assert len((await bench.call("GET", "/users")).json()["users"]) == 1
    assert (await bench.call("GET", "/users/nobody@example.com")).status_code == 404


async def test_teams(bench: Bench) -> None:
    assert (await bench.call("POST", "/teams", {"name": "a/b"})).status_code == 422
    assert (await bench.call("POST", "/teams", {"name": "core", "users": ["no@x.yz"]})).status_code == 404
    await bench.call("POST", "/teams", {"name": "core", "description": "the core"})
    assert (await bench.call("POST", "/teams", {"name": "core"})).status_code == 409

    patched = await bench.call("PATCH", "/teams/core", {"users": [ADMIN]})
    assert patched.json()["team"]["description"] == "the core"
    put = await bench.call("PUT", "/teams/core", {"name": "core"})
    assert put.json()["team"]["users"] == []
    assert (await bench.call("DELETE", "/teams/core")).status_code == 200
    assert (await bench.call("GET", "/teams")).json()["teams"] == []


async def test_pages(bench: Bench) -> None:
    page = {"identifier": "incidents", "title": "Incidents", "type": "dashboard", "widgets": []}
    made = await bench.call("POST", "/pages", page)
    assert made.json() == {"ok": True, "identifier": "incidents"}
    assert (await bench.call("POST", "/pages", page)).status_code == 409
    assert (await bench.call("POST", "/pages", {"identifier": "x"})).status_code == 422
    patched = await bench.call("PATCH", "/pages/incidents", {"title": "All"})
    assert patched.json()["page"]["title"] == "All"
    assert (await bench.call("PUT", "/pages/incidents", page)).json()["page"]["title"] == "Incidents"
    assert len((await bench.call("GET", "/pages")).json()["pages"]) == 1
    assert (await bench.call("DELETE", "/pages/incidents")).status_code == 200
    assert (await bench.call("GET", "/pages/incidents")).status_code == 404


async def test_scorecards(bench: Bench) -> None:
    rule = {
        "identifier": "linked",
        "title": "Has a link",
        "level": "Gold",
        "query": {"combinator": "and", "conditions": [{"property": "link", "operator": "isNotEmpty"}]},
    }
    card = {"identifier": "quality", "title": "Quality", "rules": [rule]}
    path = "/blueprints/incident/scorecards"
    assert (await bench.call("POST", path, card)).status_code == 201
    assert (await bench.call("POST", path, card)).status_code == 409
    wrong = {**card, "identifier": "other", "rules": [{**rule, "level": "Platinum"}]}
    assert (await bench.call("POST", path, wrong)).status_code == 422
    renamed = await bench.call("PUT", path + "/quality", {**card, "title": "Better"})
    assert renamed.json()["scorecard"]["title"] == "Better"
    assert len((await bench.call("GET", path)).json()["scorecards"]) == 1
    assert len((await bench.call("GET", "/scorecards")).json()["scorecards"]) == 1
    assert (await bench.call("DELETE", path + "/quality")).status_code == 200
    assert (await bench.call("GET", path + "/quality")).status_code == 404


async def test_an_integration_from_first_start_to_resync(bench: Bench) -> None:
    path = "/integration/mine"
    assert (await bench.call("GET", path)).status_code == 404
    body = {"installationId": "mine", "installationAppType": "comms", "version": "1", "config": {}}
    assert (await bench.call("POST", "/integration", body)).status_code == 201
    assert (await bench.call("POST", "/integration", body)).status_code == 409
    assert (await bench.call("POST", "/integration", {"installationId": "x"})).status_code == 422

    config: Json = {"config": {"resources": []}}
    quiet = {"x-skip-resync": "true"}
    await bench.call("PATCH", path + "/config", config, headers=quiet)
    assert (await bench.call("GET", path + "/resync-request")).json()["request"] is None
    await bench.call("PATCH", path + "/config", config)
    asked = (await bench.call("GET", path + "/resync-request")).json()["request"]
    assert asked["updatedAt"]

    await bench.call("PATCH", path, {"actionsProcessingEnabled": True, "installationId": "other"})
    state = await bench.call("PATCH", path + "/resync-state", {"status": "running"})
    shown = state.json()["integration"]
    assert shown["resyncState"]["status"] == "running"
    assert shown["resyncState"]["updatedAt"]
    assert (shown["installationId"], shown["actionsProcessingEnabled"]) == ("mine", True)
    assert (
        len((await bench.call("GET", "/integration?actionsProcessingEnabled=false")).json()["integrations"])
        == 0
    )
    assert (await bench.call("DELETE", path)).status_code == 200


async def test_what_an_integration_ships_is_kept(bench: Bench) -> None:
    body = {"installationId": "mine", "installationAppType": "comms"}
    shown = (await bench.call("POST", "/integration", body)).json()["integration"]
    logs = shown["logAttributes"]["ingestUrl"]
    metrics = shown["metricAttributes"]["ingestUrl"]
    lake = shown["ingestAttributes"]["ingestUrl"]
    assert logs.startswith("http://sandbox/")

    line = {"message": "hello", "level": "INFO", "timestamp": "now", "extra": {}}
    assert (await bench.http.post(logs, json={"logs": [line]})).status_code == 200
    metric = {"eventId": "e", "kindIdentifier": "k", "kind": "k", "syncState": "completed"}
    url = f"{metrics}/syncMetrics/resync/e/kind/k"
    for state in ("syncing", "completed"):
        put = await bench.http.put(url, json={"syncKindMetrics": {**metric, "syncState": state}})
        assert put.status_code == 200
    assert (await bench.http.post(f"{metrics}/heartbeat", json={"eventId": "e"})).status_code == 200
    where = "/lake/write/integration-type/t/integration/mine/sync/s/kind/k"
    assert (await bench.http.post(lake + where, json={"data": [{"items": [1]}]})).status_code == 200
    examples = await bench.call("POST", "/integration/mine/kinds/k/examples", {"examples": [{"a": 1}]})
    assert examples.status_code == 201

    assert (await bench.call("GET", "/integration/mine/logs")).json()["data"] == [line]
    kept = bench.port.integrations.shipped["mine"]
    assert [one["syncState"] for one in kept["metrics"]] == ["completed"]
    assert len(kept["raw"]) == len(kept["examples"]) == 1


async def test_cursors(bench: Bench) -> None:
    await bench.call("POST", "/integration", {"installationId": "mine", "installationAppType": "comms"})
    path = "/integration/mine/cursor?kind=k&index=0"
    cursor = {"primary": "2026-01-01T00:00:00+00:00"}

    assert (await bench.call("GET", path)).json()["cursor"] is None
    assert (await bench.call("PUT", path, cursor)).status_code == 404
    assert (await bench.call("POST", path, cursor)).status_code == 200
    assert (await bench.call("GET", path)).json()["cursor"] == cursor


async def test_a_seed_may_point_in_circles_and_come_twice(bench: Bench) -> None:
    left: Json = {"identifier": "left", "title": "L", "schema": {"properties": {"a": {"type": "string"}}}}
    right: Json = {"identifier": "right", "title": "R", "schema": {"properties": {}}}
    left["relations"] = {"right": {"target": "right"}}
    right |= {"relations": {"left": {"target": "left"}}, "mirrorProperties": {"a": {"path": "left.a"}}}
    values = {
        "users": [{"email": "dana@example.com", "name": "Dana Example"}],
        "teams": [{"name": "core"}],
        "blueprints": [left, right],
        "entities": {
            "left": [{"identifier": "l", "properties": {"a": "x"}, "relations": {"right": "r"}}],
            "right": [{"identifier": "r", "relations": {"left": "l"}}],
        },
        "secrets": {"A": "b"},
    }

    for _ in range(2):
        bench.port.seed(values)

    found = bench.port.snapshot()["entities"]["right"]
    assert found[0]["properties"]["a"] == "x"
    with pytest.raises(ValueError, match="unknown seed 'entitys'"):
        bench.port.seed({"entitys": {}})


async def test_reset_leaves_the_bare_organisation(bench: Bench) -> None:
    bench.port.seed({"allow_integration_actions": True, "refuse_unknown_properties": False})
    await bench.entity("service", "api", properties={"unheardOf": 1})

    await bench.world.reset()

    assert set(bench.port.store.blueprints) == {"_user", "_team"}
    assert list(bench.port.store.users) == [ADMIN]
    assert bench.port.allow_integration_actions is False
    assert (await bench.call("POST", "/blueprints", INCIDENT)).status_code == 422  # no blueprint `service`
