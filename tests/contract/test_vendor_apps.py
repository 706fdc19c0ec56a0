"""What the vendors' apps are allowed is what our code does: no call without scope, no scope without call."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from integration import portjson, room_state, vendor_apps
from integration.services.slack_tiers import METHODS
from integration.slack_clicks import COMMANDS
from sandbox.slack.webapi import METHODS as KNOWN
from sandbox.zoom.coverage import BY_NAME

SERVICES = portjson.ROOT / "integration" / "services"
METHOD = re.compile(r"[a-z_]+(\.[a-zA-Z]+)+")


def literals(path: Path) -> set[str]:
    """Every text in the code of a file that looks like the name of a method."""
    tree = ast.parse(path.read_text("utf-8"))
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and METHOD.fullmatch(node.value)
    }


def test_every_slack_method_we_call_has_its_scopes() -> None:
    files = [path for path in SERVICES.glob("slack*.py") if path.name != "slack_tiers.py"]
    called = {name for path in files for name in literals(path)} & {*METHODS, *vendor_apps.SLACK_METHODS}

    assert called == set(METHODS)
    assert set(vendor_apps.SLACK_METHODS) == set(METHODS)


def test_slack_s_own_table_of_scopes_agrees() -> None:
    """The sandbox's table was written from Slack's reference, for itself."""
    granted = set(vendor_apps.slack_scopes())
    used: set[str] = {*vendor_apps.SLACK_EVENTS.values(), "commands", "users:read"}
    for name in vendor_apps.SLACK_METHODS:
        needed = KNOWN[name].scopes
        kinds = [needed["public"], needed["private"]] if isinstance(needed, dict) else [needed]
        for alternatives in filter(None, kinds):
            assert granted.intersection(alternatives), f"{name} needs one of {alternatives}"
            used.add(alternatives[0])

    assert granted == used


def test_the_events_are_those_that_rooms_are_made_of() -> None:
    tree = ast.parse(Path(room_state.__file__).read_text("utf-8"))
    apply = next(node for node in ast.walk(tree) if getattr(node, "name", "") == "apply_event")
    handled = {
        value.value.value
        for value in ast.walk(apply)
        if isinstance(value, ast.MatchValue) and isinstance(value.value, ast.Constant)
    }

    assert {name.partition(".")[0] for name in vendor_apps.SLACK_EVENTS} == handled


@pytest.mark.parametrize("socket_mode", [False, True])
def test_the_manifest_is_one_that_slack_takes(socket_mode: bool) -> None:
    manifest = vendor_apps.slack_manifest("https://comms.example.com/", socket_mode=socket_mode)
    shown, features = manifest["display_information"], manifest["features"]
    urls = re.findall(r"https://comms[^\"]+", json.dumps(manifest))

    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert features["bot_user"]["always_online"] is True
    for one in features["shortcuts"]:
        assert len(one["name"]) <= 24
        assert len(one["description"]) <= 150
        assert one["callback_id"] in {action["action"] for action in portjson.definitions()}
    assert {one["callback_id"] for one in features["shortcuts"]} <= set(COMMANDS.values())
    assert manifest["settings"]["socket_mode_enabled"] is socket_mode
    paths = {url.removeprefix("https://comms.example.com/integration/slack/") for url in urls}
    assert paths == (set() if socket_mode else {"events", "interactions", "commands"})


def test_the_manifest_s_addresses_are_our_doors() -> None:
    doors = (portjson.ROOT / "integration/doors/slack.py").read_text("utf-8")

    for door in ("events", "interactions", "commands"):
        assert f'@router.post("/slack/{door}")' in doors


def test_zoom_s_operations_have_their_scopes() -> None:
    called = {name for path in SERVICES.glob("zoom.py") for name in literals(path)} & set(BY_NAME)

    assert called - {"oauth.token"} == set(vendor_apps.ZOOM_OPERATIONS)
    for name, alternatives in vendor_apps.ZOOM_OPERATIONS.items():
        assert set(alternatives) <= set(BY_NAME[name].scopes)
        assert alternatives[0].count(":") == 3


def test_what_is_missing_at_zoom_is_named() -> None:
    every: list[Any] = [alternatives[0] for alternatives in vendor_apps.ZOOM_OPERATIONS.values()]

    assert vendor_apps.zoom_missing(every) == {}
    assert vendor_apps.zoom_missing(["meeting:write:admin", "meeting:read:admin"]) == {
        "users.get": "user:read:user:admin"
    }
