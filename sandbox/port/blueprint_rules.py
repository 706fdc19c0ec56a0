"""What Port refuses in a blueprint, and how PUT and PATCH combine with what is there."""

from __future__ import annotations

import re
from typing import Any

from sandbox.copies import copied
from sandbox.port.names import check_blueprint_identifier, check_property_identifier
from sandbox.port.store import Store
from sandbox.port.wire import invalid
from sandbox.world import Json

TYPES = ("string", "number", "boolean", "object", "array")
FORMATS = [
    "date-time",
    "url",
    "email",
    "idn-email",
    "ipv4",
    "ipv6",
    "markdown",
    "yaml",
    "user",
    "blueprints",
    "team",
    "timer",
    "proto",
    "labeled-url",
]
SPECS = ("open-api", "embedded-url", "async-api")
META = ("$identifier", "$title", "$team", "$icon", "$createdAt", "$updatedAt", "$createdBy", "$updatedBy")

KEYS = [
    "identifier",
    "title",
    "description",
    "icon",
    "ownership",
    "schema",
    "calculationProperties",
    "mirrorProperties",
    "aggregationProperties",
    "relations",
    "changelogDestination",
]
"""Other top-level keys are accepted and dropped, as Port does: a typo there passes unnoticed."""

_MAPS = ("calculationProperties", "mirrorProperties", "aggregationProperties", "relations")
_MIRROR_PATH = re.compile(r"^(?:[A-Za-z0-9@_=\-$]+\.)+?(\w|\$|@|-)*?[^.]+$")
_RELATION_KEYS = {"title", "target", "required", "many", "description", "type"}
_CALCULATION_KEYS = {
    *("title", "description", "icon", "calculation", "type", "format", "spec"),
    *("specAuthentication", "colorized", "colors", "items"),
}
_AGGREGATION_KEYS = {
    *("title", "description", "icon", "type", "target", "calculationSpec", "query", "pathFilter"),
}


def complete(body: Json) -> Json:
    """The blueprint as Port keeps it: known keys, defaults filled in (ajv's useDefaults)."""
    kept = {key: copied(body[key]) for key in KEYS if body.get(key) is not None}
    for key in _MAPS:
        kept.setdefault(key, {})
    if isinstance(kept["relations"], dict):
        for relation in kept["relations"].values():
            if isinstance(relation, dict):
                relation.setdefault("required", False)
                relation.setdefault("many", False)
    if isinstance(kept["aggregationProperties"], dict):
        for aggregation in kept["aggregationProperties"].values():
            if isinstance(aggregation, dict):
                aggregation.setdefault("type", "number")
    return kept


def merged(present: Json, patch: Json) -> Json:
    """PATCH: additive. Named properties and relations are added or replaced, the others stay."""
    result = copied(present)
    for key, value in patch.items():
        if key in _MAPS and isinstance(value, dict):
            result[key] = {**result.get(key, {}), **value}
        elif key == "schema" and isinstance(value, dict):
            schema = {**result["schema"], **value}
            if isinstance(value.get("properties"), dict):
                schema["properties"] = {**result["schema"]["properties"], **value["properties"]}
            result["schema"] = schema
        else:
            result[key] = value
    return result


def check(store: Store, blueprint: Json, present: Json | None) -> None:
    """Raises PortError 422 naming what is wrong. `present` is the blueprint that is being changed."""
    check_blueprint_identifier(blueprint.get("identifier"))
    _text(blueprint, "title", 100, required=True)
    _text(blueprint, "description", 200)
    _text(blueprint, "icon", 1000)
    schema = blueprint.get("schema")
    if not isinstance(schema, dict):
        raise invalid("must have required property 'schema'")
    if extra := set(schema) - {"properties", "required"}:
        raise invalid(f"schema must NOT have additional properties: {sorted(extra)[0]}")
    properties = _map(schema, "properties", "schema/properties", required=True)
    for name, definition in properties.items():
        _property(name, definition)
    _required(schema.get("required", []), properties)
    relations = _map(blueprint, "relations", "relations")
    for name, relation in relations.items():
        _relation(store, blueprint, name, relation)
    for name, mirror in _map(blueprint, "mirrorProperties", "mirrorProperties").items():
        _mirror(store, blueprint, name, mirror)
    for name, calculation in _map(blueprint, "calculationProperties", "calculationProperties").items():
        _calculation(name, calculation)
    for name, aggregation in _map(blueprint, "aggregationProperties", "aggregationProperties").items():
        _aggregation(store, blueprint, name, aggregation)
    _ownership(store, blueprint)
    if present is not None:
        _unchanged_types(present, properties)


def _text(owner: Json, key: str, length: int, required: bool = False) -> None:
    value = owner.get(key)
    if value is None:
        if required:
            raise invalid(f"must have required property '{key}'")
        return
    if not isinstance(value, str):
        raise invalid(f"{key} must be string")
    if required and not value:
        raise invalid(f"{key} must NOT have fewer than 1 characters")
    if len(value) > length:
        raise invalid(f"{key} must NOT have more than {length} characters")


def _map(owner: Json, key: str, where: str, required: bool = False) -> dict[str, Json]:
    value = owner.get(key)
    if value is None:
        if required:
            raise invalid(f"must have required property '{where}'")
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{where} must be object")
    for name, definition in value.items():
        check_property_identifier(name, where)
        if not isinstance(definition, dict):
            raise invalid(f"{where}/{name} must be object")
        _text(definition, "title", 100)
    return value


def _one_of(value: Any, allowed: Any, where: str) -> None:
    if value not in allowed:
        raise invalid(f"{where} must be equal to one of the allowed values: {', '.join(allowed)}")


def _property(name: str, definition: Json) -> None:
    where = f"schema/properties/{name}"
    if "type" not in definition:
        raise invalid(f"{where} must have required property 'type'")
    _one_of(definition["type"], TYPES, f"{where}/type")
    if "format" in definition:
        _one_of(definition["format"], FORMATS, f"{where}/format")
    if "spec" in definition:
        _one_of(definition["spec"], SPECS, f"{where}/spec")


def _required(required: Any, properties: dict[str, Json]) -> None:
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise invalid("schema/required must be array of strings")
    for name in required:
        if name not in properties:
            raise invalid(f"schema/required names '{name}', which is not one of the blueprint's properties")


def _relation(store: Store, blueprint: Json, name: str, relation: Json) -> None:
    where = f"relations/{name}"
    if extra := set(relation) - _RELATION_KEYS:
        raise invalid(f"{where} must NOT have additional properties: {sorted(extra)[0]}")
    target = relation.get("target")
    if not isinstance(target, str):
        raise invalid(f"{where} must have required property 'target'")
    for key in ("required", "many"):
        if not isinstance(relation.get(key), bool):
            raise invalid(f"{where}/{key} must be boolean")
    if relation["required"] and relation["many"]:
        raise invalid(f"{where} can't be both required and many")
    if target != blueprint["identifier"] and target not in store.blueprints:
        raise invalid(f"{where} targets blueprint '{target}', which does not exist")


def _mirror(store: Store, blueprint: Json, name: str, mirror: Json) -> None:
    where = f"mirrorProperties/{name}"
    if extra := set(mirror) - {"path", "title"}:
        raise invalid(f"{where} must NOT have additional properties: {sorted(extra)[0]}")
    path = mirror.get("path")
    if not isinstance(path, str) or not _MIRROR_PATH.match(path):
        raise invalid(f"{where}/path must name a relation and a property, separated by dots")
    *steps, last = path.split(".")
    target = _walk(store, blueprint, steps, where)
    known = {**target["schema"]["properties"], **{key: {} for kind in _MAPS[:3] for key in target[kind]}}
    if last not in known and last not in META:
        raise invalid(f"{where}/path: blueprint '{target['identifier']}' has no property '{last}'")


def _walk(store: Store, blueprint: Json, steps: list[str], where: str) -> Json:
    """The blueprint at the end of a chain of relations."""
    here = blueprint
    for step in steps:
        relation = here["relations"].get(step)
        if relation is None:
            raise invalid(f"{where}/path: blueprint '{here['identifier']}' has no relation '{step}'")
        target = relation["target"]
        here = blueprint if target == blueprint["identifier"] else store.blueprints[target]
    return here


def _calculation(name: str, calculation: Json) -> None:
    where = f"calculationProperties/{name}"
    if extra := set(calculation) - _CALCULATION_KEYS:
        raise invalid(f"{where} must NOT have additional properties: {sorted(extra)[0]}")
    if not isinstance(calculation.get("calculation"), str):
        raise invalid(f"{where} must have required property 'calculation'")
    _one_of(calculation.get("type"), TYPES, f"{where}/type")
    if "format" in calculation:
        _one_of(calculation["format"], set(FORMATS) - {"blueprints", "timer"}, f"{where}/format")


def _aggregation(store: Store, blueprint: Json, name: str, aggregation: Json) -> None:
    where = f"aggregationProperties/{name}"
    if extra := set(aggregation) - _AGGREGATION_KEYS:
        raise invalid(f"{where} must NOT have additional properties: {sorted(extra)[0]}")
    for key in ("title", "target", "calculationSpec"):
        if key not in aggregation:
            raise invalid(f"{where} must have required property '{key}'")
    target = aggregation["target"]
    if target != blueprint["identifier"] and target not in store.blueprints:
        raise invalid(f"{where} targets blueprint '{target}', which does not exist")
    spec = aggregation["calculationSpec"]
    if not isinstance(spec, dict):
        raise invalid(f"{where}/calculationSpec must be object")
    by = spec.get("calculationBy")
    _one_of(by, ("entities", "property"), f"{where}/calculationSpec/calculationBy")
    functions = ("count", "average") if by == "entities" else ("sum", "min", "max", "median", "average")
    _one_of(spec.get("func"), functions, f"{where}/calculationSpec/func")
    if by == "property" and not isinstance(spec.get("property"), str):
        raise invalid(f"{where}/calculationSpec must have required property 'property'")


def _ownership(store: Store, blueprint: Json) -> None:
    ownership = blueprint.get("ownership")
    if ownership is None:
        return
    if not isinstance(ownership, dict):
        raise invalid("ownership must be object")
    _one_of(ownership.get("type"), ("Inherited", "Direct"), "ownership/type")
    allowed = {"type", "title"} | ({"path"} if ownership["type"] == "Inherited" else set())
    if extra := set(ownership) - allowed:
        raise invalid(f"ownership must NOT have additional properties: {sorted(extra)[0]}")
    if ownership["type"] == "Inherited":
        if not isinstance(ownership.get("path"), str):
            raise invalid("ownership must have required property 'path'")
        _walk(store, blueprint, ownership["path"].split("."), "ownership")


def _unchanged_types(present: Json, properties: dict[str, Json]) -> None:
    """A property's type is permanent; another type needs another property."""
    for name, before in present["schema"]["properties"].items():
        after = properties.get(name)
        if after is not None and after["type"] != before["type"]:
            raise invalid(
                f"schema/properties/{name}: type can't be changed from {before['type']} to {after['type']}"
            )
