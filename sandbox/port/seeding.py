"""Putting a start situation into the organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.port import blueprint_rules
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.service import Port

_KEYS = {
    *("users", "teams", "blueprints", "entities", "actions", "pages", "scorecards", "secrets"),
    *("allow_integration_actions", "feature_flags", "refuse_unknown_properties", "rate_limits", "ai"),
}
_LATER = ("mirrorProperties", "calculationProperties", "aggregationProperties", "ownership")


def seed(port: Port, values: Json) -> None:
    """See `Port.seed`. What is there already is replaced, so a seed may be given twice."""
    if unknown := set(values) - _KEYS:
        raise ValueError(f"unknown seed {sorted(unknown)[0]!r}; known: {', '.join(sorted(_KEYS))}")
    _switches(port, values)
    with port.quietly():
        for user in values.get("users", []):
            _user(port, user)
        for team in values.get("teams", []):
            port.people.add_team(team["name"], team.get("users"), team.get("description", ""))
        _blueprints(port, values.get("blueprints", []))
        _entities(port, values.get("entities", {}))
        for name, value in values.get("secrets", {}).items():
            port.organization.set_secret(name, value)
        for page in values.get("pages", []):
            port.pages.add(page, port.system())
        for group in values.get("scorecards", []):
            for scorecard in group["data"]:
                port.scorecards.add(group["blueprint"], scorecard, port.system())
    for action in values.get("actions", []):
        port.actions.add(action, port.system())


def _switches(port: Port, values: Json) -> None:
    if "allow_integration_actions" in values:
        port.allow_integration_actions = bool(values["allow_integration_actions"])
    if "feature_flags" in values:
        port.feature_flags = list(values["feature_flags"])
    if "refuse_unknown_properties" in values:
        port.entities.refuse_unknown = bool(values["refuse_unknown_properties"])
    if "rate_limits" in values:
        port.limits.enforced = bool(values["rate_limits"])
    if values.get("ai"):
        port.ai.switch_on()


def _user(port: Port, user: Json) -> None:
    first, _, last = str(user.get("name", "")).partition(" ")
    port.people.add(
        user["email"],
        user.get("firstName", first),
        user.get("lastName", last),
        user.get("role", "Member"),
    )
    if "clientId" in user:
        port.credentials.add(user["clientId"], user["clientSecret"], user["email"])


def _blueprints(port: Port, blueprints: list[Json]) -> None:
    """Bare first, then relations, then what is computed over them: they may point at each other."""
    who = port.system()
    for blueprint in blueprints:
        if blueprint["identifier"] not in port.store.blueprints:
            bare = {k: v for k, v in blueprint.items() if k not in ("relations", *_LATER)}
            port.blueprints.add(bare, who)
    for parts in (("schema", "relations"), (*_LATER, "title", "icon", "description")):
        for blueprint in blueprints:
            patch: dict[str, Any] = {key: blueprint[key] for key in parts if key in blueprint}
            port.blueprints.patch(blueprint["identifier"], patch, who)


def _entities(port: Port, entities: dict[str, list[Json]]) -> None:
    """First without relations that point at what is not there yet, then whole."""
    who = port.system()
    for blueprint, found in entities.items():
        model = blueprint_rules.complete(port.blueprints.get(blueprint))
        required = {name for name, relation in model["relations"].items() if relation["required"]}
        for entity in found:
            kept = {k: v for k, v in entity.get("relations", {}).items() if k in required}
            port.entities.write(blueprint, {**entity, "relations": kept}, who, "replace", create_missing=True)
    for blueprint, found in entities.items():
        for entity in found:
            port.entities.write(blueprint, entity, who, "replace")
