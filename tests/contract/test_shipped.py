"""Scorecards, pages and agents name what our blueprints and actions have; Port would show nothing instead."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration import portjson
from integration.provision import wanted
from integration.settings import Settings

SHARED = Path(os.environ.get("INCIDENT_COMMS_SHARED", portjson.ROOT.parent / "shared"))
VALIDATOR = SHARED / "tools" / "port_validate.py"
SETTINGS = Settings()
BLUEPRINTS = {one["identifier"]: one for one in portjson.blueprints().first_install()}
ACTIONS = {
    action["identifier"]
    for definition in portjson.definitions()
    for action in portjson.port_actions(definition, SETTINGS, portjson.Webhook("https://comms.example.com"))
}


def fields(blueprint: str) -> set[str]:
    one = BLUEPRINTS[blueprint]
    kinds = ("mirrorProperties", "calculationProperties", "aggregationProperties", "relations")
    return {*one["schema"]["properties"], *(key for kind in kinds for key in one.get(kind) or {})}


def rules(content: Any) -> Iterator[dict[str, Any]]:
    """Every condition on a property, however deep."""
    if isinstance(content, dict):
        if "property" in content and "operator" in content:
            yield content
        for value in content.values():
            yield from rules(value)
    elif isinstance(content, list):
        for value in content:
            yield from rules(value)


def check(blueprint: str, content: Any) -> None:
    for rule in rules(content):
        name = rule["property"]
        assert name.startswith("$") or name in fields(blueprint), (blueprint, name)
        known = (BLUEPRINTS[blueprint]["schema"]["properties"].get(name) or {}).get("enum")
        values = rule.get("value")
        for value in values if isinstance(values, list) else [values]:
            assert not isinstance(value, str) or not known or value in known, (name, value)


@pytest.mark.parametrize("card", wanted.scorecards(SETTINGS), ids=lambda card: str(card["identifier"]))
def test_a_scorecard_asks_for_what_is_there(card: dict[str, Any]) -> None:
    levels = [one["title"] for one in card["levels"]]

    check(card["blueprint"], card)
    assert all(rule["level"] in levels[1:] for rule in card["rules"])  # the first is what everything has
    assert len({rule["identifier"] for rule in card["rules"]}) == len(card["rules"])


def widgets(page: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for outer in page["widgets"]:
        yield outer
        yield from outer.get("widgets", [])


@pytest.mark.parametrize("page", wanted.pages(SETTINGS), ids=lambda page: str(page["identifier"]))
def test_a_page_shows_what_is_there(page: dict[str, Any]) -> None:
    for widget in widgets(page):
        if "blueprint" in widget:
            check(widget["blueprint"], widget.get("dataset"))
            shown = str(widget.get("property", "")).partition("#")[2]
            assert not shown or shown in fields(widget["blueprint"])
        assert all(one["action"] in ACTIONS for one in widget.get("actions", []))
        for row in widget.get("layout", []):
            assert sum(column["size"] for column in row["columns"]) == 12
            assert {column["id"] for column in row["columns"]} <= {one["id"] for one in widget["widgets"]}


def test_another_incident_blueprint_is_named_throughout() -> None:
    theirs = Settings(incident_blueprint="pagerdutyIncident", service_blueprint="component")
    said = json.dumps([wanted.scorecards(theirs), wanted.pages(theirs), wanted.agents(theirs)])

    assert '"blueprint": "incident"' not in said
    assert '"blueprint": "pagerdutyIncident"' in said


def test_agents_run_only_actions_that_are_there() -> None:
    for agent in wanted.agents(SETTINGS):
        for tool in agent["properties"].get("tools", []):
            if tool.startswith("run_"):
                assert tool.removeprefix("run_") in ACTIONS


def test_port_s_schema_accepts_pages_and_agents() -> None:
    if not VALIDATOR.exists():
        pytest.skip(f"Port's schema is not here ({VALIDATOR})")
    described = importlib.util.spec_from_file_location("port_validate_shipped", VALIDATOR)
    assert described is not None
    assert described.loader is not None
    validator = importlib.util.module_from_spec(described)
    described.loader.exec_module(validator)
    schema = validator.load_spec(None)

    found = {
        str(one["identifier"]): result.items
        for one in [*wanted.pages(SETTINGS), *wanted.agents(SETTINGS)]
        if (result := validator.validate(one, validator.detect(one), schema, {})).items
    }

    assert found == {}
