"""Where a secret of the installation stands that must stand nowhere: looked for after every story.

Logs, what stands in Port (entities, runs, their logs, blueprints, actions) and what we said to anybody.
Headers carry credentials, and so do the calls that ask for a token; nothing else may.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import yaml

from sandbox.stage import ROOT, Json, Stage

_PREFIX = "OCEAN__INTEGRATION__CONFIG__"
_SHORTEST = 12  # what is shorter is a word that a test chose, not a secret
_TOKENS = ("oauth.token", "auth.access_token")


def secrets(stage: Stage) -> dict[str, str]:
    """Every secret that the integration was given, by its variable."""
    configurations = yaml.safe_load((ROOT / ".port/spec.yaml").read_text("utf-8"))["configurations"]
    sensitive = [one["name"] for one in configurations if one.get("sensitive")]
    names = [_PREFIX + _upper(name) for name in sensitive] + ["OCEAN__PORT__CLIENT_SECRET"]
    env = stage.integration.env
    return {name: env[name] for name in names if len(env.get(name, "")) >= _SHORTEST}


def _upper(name: str) -> str:
    return "".join("_" + letter if letter.isupper() else letter for letter in name).upper()


def leaks(stage: Stage, journal: Iterable[Json]) -> list[str]:
    """Places, each with the variable of the secret that stands there; empty where all is well."""
    known = secrets(stage)
    found: dict[str, None] = {}
    for log in (stage.integration.log, stage.folder / "provision.log"):
        text = log.read_text("utf-8", "replace") if log.exists() else ""
        found.update({f"{log.name}: {name}": None for name, secret in known.items() if secret in text})
    for entry in journal:
        if entry["operation"] in _TOKENS:
            continue
        # What others answer is theirs: Statuspage lists the addresses it sends to.
        answer = entry["answer"] if entry["service"] == "port" else None
        said = json.dumps([entry["request"].get("query"), entry["request"].get("body"), answer])
        # Statuspage's own deliveries have the secret in their path, which is where it belongs.
        path = "" if entry["direction"] == "out" and entry["service"] == "statuspage" else entry["path"]
        for name, secret in known.items():
            if secret in said or secret in path:
                found[f"{entry['direction']} {entry['service']} {entry['operation']}: {name}"] = None
    return list(found)
