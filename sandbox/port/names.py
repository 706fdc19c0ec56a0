"""Port's rules for identifiers. `\\p{L}` means any letter of any script."""

from __future__ import annotations

from sandbox.port.wire import invalid

_BLUEPRINT = set("0123456789@_.+:\\/-")
_ENTITY = _BLUEPRINT | {"="}
_PROPERTY = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@_=\\-")
_ACTION = set("0123456789@_.+:=-")


def check_blueprint_identifier(value: object) -> str:
    return _check("identifier", value, _BLUEPRINT, 100)


def check_entity_identifier(value: object) -> str:
    return _check("identifier", value, _ENTITY, 1000)


def check_action_identifier(value: object) -> str:
    return _check("identifier", value, _ACTION, 100)


def check_property_identifier(value: object, where: str) -> str:
    """A property or relation name: no letters beyond ASCII here."""
    if not isinstance(value, str) or not value or len(value) > 100 or not set(value) <= _PROPERTY:
        raise invalid(f"{where} property name {value!r} must match pattern ^[A-Za-z0-9@_=\\-]+$")
    return value


def _check(where: str, value: object, allowed: set[str], length: int) -> str:
    if not isinstance(value, str):
        raise invalid(f"{where} must be string")
    if not value or value in (".", "..") or not all(c in allowed or c.isalpha() for c in value):
        marks = "".join(sorted(allowed - set("0123456789")))
        raise invalid(f"{where} {value!r} must be made of letters, digits and {marks}")
    if len(value) > length:
        raise invalid(f"{where} must NOT have more than {length} characters")
    return value
