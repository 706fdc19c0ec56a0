"""What an organisation gets beside blueprints and actions, from the folders scorecards/, pages/, agents/.

Every JSON file in one of them is picked up, none is listed anywhere:
  scorecards/*.json   a scorecard with the `blueprint` it is of
  pages/*.json        a dashboard page
  agents/*.json       an entity of Port's `_ai_agent`
  entities/*.json     a list of entities of the blueprint that the file is named after
Where they name our incident or service blueprint, the customer's stands in its place. Pure.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from integration.models.base import Json
from integration.portjson import ROOT, URL_SECRET
from integration.settings import DEFAULT_BLUEPRINT, DEFAULT_SERVICE, Duty, Settings

AGENT_BLUEPRINT = "_ai_agent"
EVERYBODY = ("Admin", "Member")
"""The roles that Port gives a new action to; approvals are the administrators'."""

_SECRET = re.compile(r"\.secrets(?:\.([A-Za-z0-9_]+)|\[\s*\\?\"([^\"\\]+)\\?\"\s*\])")


def secret_names(content: Any) -> set[str]:
    """The secrets of Port that templates in `content` read."""
    return {dotted or quoted for dotted, quoted in _SECRET.findall(json.dumps(content))}


ADDRESS_SECRET = next(iter(secret_names(URL_SECRET)))
"""Where Ocean's own defaults find our public address."""


def scorecards(settings: Settings, root: Path = ROOT) -> list[Json]:
    """Each with the identifier of its `blueprint`."""
    return _read(root / "scorecards", settings)


def pages(settings: Settings, root: Path = ROOT) -> list[Json]:
    return _read(root / "pages", settings)


def agents(settings: Settings, root: Path = ROOT) -> list[Json]:
    return _read(root / "agents", settings)


def _read(folder: Path, settings: Settings) -> list[Json]:
    named = {DEFAULT_BLUEPRINT: settings.incident_blueprint, DEFAULT_SERVICE: settings.service_blueprint}
    files = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    return [_retargeted(one, named) for content in files for one in _each(content)]


def _each(content: Any) -> list[Json]:
    return content if isinstance(content, list) else [content]


def _retargeted(content: Any, named: dict[str, str]) -> Any:
    """`content` with the customer's blueprints wherever a `blueprint` is named."""
    if isinstance(content, dict):
        return {
            key: named.get(value, value)
            if key in ("blueprint", "blueprintIdentifier") and isinstance(value, str)
            else _retargeted(value, named)
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [_retargeted(one, named) for one in content]
    return content


def permissions(action: Json, duty: Duty, settings: Settings) -> Json | None:
    """Who may start a button, and approve its runs; None for an automation, which nobody starts."""
    if action["trigger"]["type"] != "self-service":
        return None
    found = {"execute": _who(duty, settings)}
    if action.get("requiredApproval"):
        found["approve"] = _who("approve", settings)
    return found


def _who(duty: Duty, settings: Settings) -> Json:
    usual = ["Admin"] if duty in ("approve", "override") else list(EVERYBODY)
    given = settings.who_may.get(duty)
    if given is None:
        return {"roles": usual, "teams": [], "users": []}
    return {"roles": list(given.roles), "teams": list(given.teams), "users": list(given.users)}


PORTS_OWN: Json = {
    "execute": {"roles": [*EVERYBODY], "teams": [], "users": []},
    "approve": {"roles": ["Admin"], "teams": [], "users": []},
}
"""What Port gives a new action; nobody has decided anything where this stands."""
