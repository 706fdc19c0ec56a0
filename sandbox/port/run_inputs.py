"""The form of a self-service action: defaults, what is required, types, enums and formats.

Port evaluates `{"jqQuery": ...}` in default, required, enum and visible over `.form`, `.entity` and
`.user`. A form that does not fit is refused with 422 before a run exists.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.copies import copied
from sandbox.port.templates import evaluate
from sandbox.port.wire import invalid
from sandbox.world import Json

FindEntity = Callable[[str, str], Json | None]
"""An entity by blueprint and identifier, or None."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//)?[^\s]+")


@dataclass(frozen=True)
class Form:
    """One filled-in form.

    `user_inputs` is the action's `userInputs`; `entity` the entity the action runs on, or None;
    `user` what `.user` shows in a jqQuery, or None for a machine.
    """

    user_inputs: Json
    entity: Json | None
    user: Json | None
    find: FindEntity

    def check(self, given: Json) -> Json:
        """The inputs with defaults filled in, entities still as identifiers.

        Raises PortError 422 naming the input at fault.
        """
        fields: dict[str, Json] = self.user_inputs.get("properties") or {}
        for name in given:
            if name not in fields:
                raise invalid(f'body/properties must NOT have additional properties: "{name}"')
        filled = dict(given)
        for name, field in fields.items():
            if field.get("encryption"):
                raise invalid(f"body/properties/{name}: the sandbox does not offer encrypted inputs")
            if name not in filled and "default" in field:
                value = self._dynamic(field["default"], filled)
                if value is not None:
                    filled[name] = copied(value)
        for name in self._required(filled):
            hidden = self._dynamic(fields.get(name, {}).get("visible", True), filled) is False
            if filled.get(name) is None and not hidden:
                raise invalid(f"body/properties must have required property '{name}'")
        for name, value in filled.items():
            if value is not None:
                self._value(f"body/properties/{name}", fields[name], value, filled)
        return filled

    def resolve(self, inputs: Json) -> Json:
        """The inputs as a payload sees them: an entity input is the entity, not its identifier."""
        fields: dict[str, Json] = self.user_inputs.get("properties") or {}
        return {name: self._resolved(fields[name], value) for name, value in inputs.items()}

    def _resolved(self, field: Json, value: Any) -> Any:
        if field.get("format") == "entity" and isinstance(value, str):
            return self.find(str(field.get("blueprint", "")), value) or {"identifier": value}
        if isinstance(value, list) and isinstance(field.get("items"), dict):
            return [self._resolved(field["items"], item) for item in value]
        return value

    def _required(self, filled: Json) -> list[str]:
        names = self._dynamic(self.user_inputs.get("required") or [], filled)
        return [str(name) for name in names] if isinstance(names, list) else []

    def _dynamic(self, value: Any, filled: Json) -> Any:
        """`value`, or what its jqQuery gives."""
        if not (isinstance(value, dict) and set(value) == {"jqQuery"}):
            return value
        context = {"form": filled, "entity": self.entity, "user": self.user}
        found = evaluate(str(value["jqQuery"]), context)
        return found if isinstance(found, str | int | float | bool | list | dict) else None

    def _value(self, where: str, field: Json, value: Any, filled: Json) -> None:
        kind = str(field.get("type", "string"))
        if kind in _TYPES and not _TYPES[kind](value):
            raise invalid(f"{where} must be {kind}")
        allowed = self._dynamic(field.get("enum"), filled)
        if isinstance(allowed, list) and value not in allowed:
            raise invalid(f"{where} must be equal to one of the allowed values: {_listed(allowed)}")
        _limits(where, field, value)
        if isinstance(value, list) and isinstance(field.get("items"), dict):
            for index, item in enumerate(value):
                self._value(f"{where}/{index}", {"type": "string", **field["items"]}, item, filled)
        self._format(where, field, value)

    def _format(self, where: str, field: Json, value: Any) -> None:
        name = field.get("format")
        if name == "entity":
            if self.find(str(field.get("blueprint", "")), str(value)) is None:
                blueprint = field.get("blueprint")
                raise invalid(f'{where}: entity "{value}" of blueprint "{blueprint}" was not found')
        elif name == "labeled-url":
            if not (isinstance(value, dict) and _is_url(value.get("url"))):
                raise invalid(f'{where} must match format "labeled-url"')
        elif isinstance(value, str) and name in _FORMATS and not _FORMATS[name](value):
            raise invalid(f'{where} must match format "{name}"')


def _listed(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values[:20])


def _limits(where: str, field: Json, value: Any) -> None:
    """The bounds of JSON Schema that Port's form builder offers."""
    size = len(value) if isinstance(value, str | list) else None
    short, long = ("minLength", "maxLength") if isinstance(value, str) else ("minItems", "maxItems")
    if size is not None and size < field.get(short, 0):
        raise invalid(f"{where} must NOT have fewer than {field[short]} {short[3:].lower()}")
    if size is not None and size > field.get(long, size):
        raise invalid(f"{where} must NOT have more than {field[long]} {long[3:].lower()}")
    if isinstance(value, str) and not _fits(field.get("pattern"), value):
        raise invalid(f'{where} must match pattern "{field["pattern"]}"')
    twice = isinstance(value, list) and any(item in value[:index] for index, item in enumerate(value))
    if field.get("uniqueItems") and twice:
        raise invalid(f"{where} must NOT have duplicate items")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < field.get("minimum", value):
            raise invalid(f"{where} must be >= {field['minimum']}")
        if value > field.get("maximum", value):
            raise invalid(f"{where} must be <= {field['maximum']}")


def _fits(pattern: str | None, value: str) -> bool:
    """Whether a pattern is found; one that only JavaScript understands is let through."""
    try:
        return pattern is None or re.search(pattern, value) is not None
    except re.error:
        return True


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and _URL.fullmatch(value) is not None


def _is_email(value: str) -> bool:
    return _EMAIL.fullmatch(value) is not None


def _is_date_time(value: str) -> bool:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return False
    return "T" in value.upper() and moment.tzinfo is not None


def _is_ip(version: int) -> Callable[[str], bool]:
    def fits(value: str) -> bool:
        try:
            return ipaddress.ip_address(value).version == version
        except ValueError:
            return False

    return fits


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}

_FORMATS: dict[str, Callable[[str], bool]] = {
    "date-time": _is_date_time,
    "url": _is_url,
    "email": _is_email,
    "user": _is_email,  # a user input is the user's e-mail address
    "ipv4": _is_ip(4),
    "ipv6": _is_ip(6),
}
