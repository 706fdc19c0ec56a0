"""What Port refuses in the properties of an entity, checked against its blueprint."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox.port.wire import PortError, invalid, text_of
from sandbox.world import Json

_EMAIL = re.compile(r"^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$")
_DATE_TIME = re.compile(r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$")


def parse_time(value: Any) -> datetime | None:
    """An RFC 3339 time with zone, or None when it isn't one."""
    if not isinstance(value, str) or not _DATE_TIME.match(value):
        return None
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        return None


def with_defaults(blueprint: Json, properties: Json) -> Json:
    """Properties of a new entity: the blueprint's defaults where nothing is given."""
    result = dict(properties)
    for name, definition in blueprint["schema"]["properties"].items():
        if "default" in definition and result.get(name) is None:
            result[name] = definition["default"]
    return result


def check_properties(blueprint: Json, properties: Json, refuse_unknown: bool) -> None:
    """Raises PortError 422 naming the property. A null counts as no value."""
    schema = blueprint["schema"]
    for name, value in properties.items():
        definition = schema["properties"].get(name)
        if definition is None:
            if refuse_unknown:
                raise invalid(f"#/properties must NOT have additional properties: '{name}'")
            continue
        if value is not None:
            check_value(f"#/properties/{name}", value, definition)
    for name in schema.get("required", []):
        if properties.get(name) is None:
            raise invalid(f"#/properties must have required property '{name}'")


def check_value(where: str, value: Any, definition: Json) -> None:
    """One value against one property definition. Raises PortError 422."""
    kind = definition.get("type")
    if kind is not None and not _is(value, kind):
        raise invalid(f"{where} must be {kind}")
    allowed = definition.get("enum")
    if isinstance(allowed, list) and value not in allowed:
        shown = ", ".join(text_of(v) for v in allowed)
        raise invalid(f"{where} must be equal to one of the allowed values: {shown}")
    if isinstance(value, str):
        _check_text(where, value, definition)
    elif isinstance(value, list):
        _check_list(where, value, definition)
    elif isinstance(value, dict):
        _check_object(where, value, definition)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_number(where, value, definition)


def _is(value: Any, kind: str) -> bool:
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    kinds: dict[str, type] = {"string": str, "boolean": bool, "object": dict, "array": list}
    return isinstance(value, kinds.get(kind, object))


def _check_text(where: str, value: str, definition: Json) -> None:
    if len(value) < definition.get("minLength", 0):
        raise invalid(f"{where} must NOT have fewer than {definition['minLength']} characters")
    if "maxLength" in definition and len(value) > definition["maxLength"]:
        raise invalid(f"{where} must NOT have more than {definition['maxLength']} characters")
    pattern = definition.get("pattern")
    if isinstance(pattern, str) and not _search(pattern, value):
        raise invalid(f'{where} must match pattern "{pattern}"')
    form = definition.get("format")
    if isinstance(form, str) and form in _FORMATS and not _FORMATS[form](value):
        raise invalid(f'{where} must match format "{form}"')


def _search(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True  # a pattern of JavaScript's dialect that Python can't read refuses nothing


def _check_number(where: str, value: float, definition: Json) -> None:
    if "minimum" in definition and value < definition["minimum"]:
        raise invalid(f"{where} must be >= {definition['minimum']}")
    if "maximum" in definition and value > definition["maximum"]:
        raise invalid(f"{where} must be <= {definition['maximum']}")


def _check_list(where: str, value: list[Any], definition: Json) -> None:
    if len(value) < definition.get("minItems", 0):
        raise invalid(f"{where} must NOT have fewer than {definition['minItems']} items")
    if "maxItems" in definition and len(value) > definition["maxItems"]:
        raise invalid(f"{where} must NOT have more than {definition['maxItems']} items")
    if definition.get("uniqueItems") and any(item in value[:n] for n, item in enumerate(value)):
        raise invalid(f"{where} must NOT have duplicate items")
    items = definition.get("items")
    if isinstance(items, dict):
        for index, item in enumerate(value):
            check_value(f"{where}/{index}", item, items)


def _check_object(where: str, value: Json, definition: Json) -> None:
    if definition.get("format") == "labeled-url" and (
        not isinstance(value.get("url"), str) or not isinstance(value.get("displayText", ""), str)
    ):
        raise invalid(f'{where} must match format "labeled-url": {{"url", "displayText"}}')
    for name in definition.get("required", []) if isinstance(definition.get("required"), list) else []:
        if name not in value:
            raise invalid(f"{where} must have required property '{name}'")
    inner = definition.get("properties")
    if isinstance(inner, dict):
        for name, part in inner.items():
            if name in value and isinstance(part, dict):
                check_value(f"{where}/{name}", value[name], part)


def _url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return bool(parts.scheme and (parts.netloc or parts.path)) and not any(c.isspace() for c in value)
    except ValueError:
        return False


def _ip(version: int) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            return ipaddress.ip_address(value).version == version
        except ValueError:
            return False

    return check


_FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": lambda value: parse_time(value) is not None,
    "timer": lambda value: parse_time(value) is not None,
    "url": _url,
    "email": lambda value: bool(_EMAIL.match(value)),
    "idn-email": lambda value: bool(_EMAIL.match(value)),
    "user": lambda value: bool(_EMAIL.match(value)),
    "ipv4": _ip(4),
    "ipv6": _ip(6),
}
"""The other formats (markdown, yaml, team, proto, blueprints) are words for the UI: any string will do."""


def check_entity_keys(body: Json) -> None:
    """The envelope of an entity: title, icon, team, properties, relations. Raises PortError 422."""
    for key in ("title", "icon"):
        if body.get(key) is not None and not isinstance(body[key], str):
            raise invalid(f"{key} must be string")
    for key in ("properties", "relations"):
        if key in body and not isinstance(body[key], dict):
            raise invalid(f"{key} must be object")
    team = body.get("team")
    texts = isinstance(team, list) and all(isinstance(name, str) for name in team)
    if team is not None and not isinstance(team, str | dict) and not texts:
        raise invalid("team must be string or array of strings")


def refusal_of(error: PortError, index: int, identifier: str) -> Json:
    """One entry of a bulk answer's `errors`."""
    return {
        "index": index,
        "identifier": identifier,
        "statusCode": error.status,
        "error": error.error,
        "message": error.message,
    }
