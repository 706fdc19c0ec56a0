"""Bodies as Statuspage takes them: JSON, or forms whose names nest (`incident[components][id]=...`)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from sandbox.statuspage import errors
from sandbox.wire import Call

Json = dict[str, Any]

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")
_FIRST, _LAST = 0.0, 32_503_680_000.0  # 1970 to 3000: what a status page can have a use for
_TRUE, _FALSE = {"true", "1", "t", "yes", "on"}, {"false", "0", "f", "no", "off"}


def body(call: Call) -> Json:
    """The body as an object, empty when there is none. Raises StatuspageError 400 for what is neither."""
    if not call.body.strip():
        return {}
    if call.is_form():
        return nested(call.body.decode("utf-8", "replace"))
    try:
        given = call.json()
    except ValueError as problem:
        raise errors.malformed(f"The request body is not valid JSON: {problem}") from problem
    if not isinstance(given, dict):
        raise errors.malformed("The request body must be a JSON object")
    return given


def nested(form: str) -> Json:
    """`a[b][]=1&a[c]=2` as `{"a": {"b": ["1"], "c": "2"}}`. Raises StatuspageError 400."""
    whole: Json = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        found = _NAME.fullmatch(name)
        if found is None:
            raise errors.malformed(f"{name} is not a valid parameter name")
        path = [found[1], *_PART.findall(found[2])]
        if not _put(whole, path, value):
            raise errors.malformed(f"{name} contradicts another parameter")
    return whole


def _put(whole: Json, path: list[str], value: str) -> bool:
    here: Any = whole
    for index, part in enumerate(path):
        last = index == len(path) - 1
        if part == "":
            if not last or not isinstance(here, list):
                return False
            here.append(value)
            return True
        if not isinstance(here, dict):
            return False
        if last:
            here[part] = value
            return True
        here = here.setdefault(part, [] if path[index + 1] == "" else {})
    return True


def query_bool(call: Call, name: str) -> bool:
    return call.query.get(name, "").lower() in _TRUE


def epoch(value: object) -> float | None:
    """A date or time in ISO 8601 as seconds since the epoch, UTC when it names no zone; None otherwise."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    at = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    return at if _FIRST <= at <= _LAST else None


class Fields:
    """Reads one object of a body, collecting what is wrong; `check` raises all of it at once as a 422.

    A form knows only text, so switches and lists are taken from text too, as Rails does.
    """

    def __init__(self, given: Json) -> None:
        self.given = given
        self.wrong: list[str] = []

    @classmethod
    def of(cls, body: Json, wrapper: str) -> Fields:
        """The object under `wrapper`. Raises StatuspageError 422 when it is missing."""
        given = body.get(wrapper)
        if not isinstance(given, dict):
            raise errors.invalid([f"{wrapper} is missing"])
        return cls(given)

    def has(self, name: str) -> bool:
        return name in self.given

    def refuse(self, message: str) -> None:
        self.wrong.append(message)

    def check(self) -> None:
        if self.wrong:
            raise errors.invalid(self.wrong)

    def text(self, name: str, longest: int | None = None, allowed: tuple[str, ...] = ()) -> str | None:
        value = self.given.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.refuse(f"{_words(name)} is invalid")
            return None
        if longest is not None and len(value) > longest:
            self.refuse(f"{_words(name)} is too long (maximum is {longest} characters)")
        if allowed and value not in allowed:
            self.refuse(f"{_words(name)} does not have a valid value")
        return value

    def required(self, name: str, longest: int | None = None) -> str:
        value = self.text(name, longest)
        if value is None or not value.strip():
            if self.given.get(name) is None or isinstance(self.given[name], str):
                self.refuse(f"{_words(name)} can't be blank")
            return ""
        return value

    def switch(self, name: str) -> bool | None:
        value = self.given.get(name)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
        self.refuse(f"{_words(name)} is invalid")
        return None

    def time(self, name: str) -> float | None:
        value = self.given.get(name)
        if value is None or value == "":
            return None
        found = epoch(value)
        if found is None:
            self.refuse(f"{_words(name)} is invalid")
        return found

    def ids(self, name: str) -> list[str] | None:
        value = self.given.get(name)
        if value is None:
            return None
        if isinstance(value, str):  # a form's way of saying "none"
            value = [value] if value else []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.refuse(f"{_words(name)} is invalid")
            return None
        return list(dict.fromkeys(one for one in value if one))


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
