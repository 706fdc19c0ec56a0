"""The arguments of a call, however they were sent: query, form, multipart form or JSON.

Slack takes arguments as a form everywhere and as JSON only where the method's page says so; elsewhere
a JSON body is not read, which its users meet as a missing argument.
"""

from __future__ import annotations

import email
import json
import re
from dataclasses import dataclass, field
from email.policy import HTTP
from typing import Any

from sandbox.slack.errors import SlackError
from sandbox.wire import Call
from sandbox.world import Json

_TS = re.compile(r"^\d+(\.\d+)?$")
_TRUE = {"true", "1", "yes", "on"}


@dataclass
class Args:
    """Values by name. From a form everything is text; nested values are then JSON text."""

    values: Json
    warnings: list[str] = field(default_factory=list)

    def raw(self, name: str) -> Any:
        """The value as sent, or None when absent or empty."""
        value = self.values.get(name)
        return None if value == "" else value

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        if value is None:
            return default
        if isinstance(value, bool | int | float):
            return json.dumps(value)
        if not isinstance(value, str):
            raise SlackError.arguments(f"must be a string [json-pointer:/{name}]")
        return value

    def need(self, name: str) -> str:
        """A required text; refused with the field's name when missing."""
        value = self.text(name)
        if not value:
            raise SlackError.arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.raw(name)
        if value is None:
            return default
        return value if isinstance(value, bool) else str(value).lower() in _TRUE

    def number(self, name: str, default: int, error: str = "invalid_arguments") -> int:
        value = self.raw(name)
        if value is None:
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise SlackError(error) from None

    def ts(self, name: str, error: str) -> str | None:
        """A message timestamp as text, or None when absent."""
        value = self.text(name)
        if not value:
            return None
        if not _TS.match(value):
            raise SlackError(error)
        return value

    def names(self, name: str) -> list[str]:
        """A list sent as one comma separated text, as a JSON list or as JSON text of one."""
        value = self.raw(name)
        if isinstance(value, str) and value.startswith("["):
            value = _json(value)
        if isinstance(value, list):
            return [str(one) for one in value]
        return [one.strip() for one in str(value or "").split(",") if one.strip()]


def read(call: Call, takes_json: bool) -> Args:
    """The arguments of this call; raises SlackError for a body that Slack would not read."""
    values: Json = dict(call.query)
    warnings: list[str] = []
    if call.request.method == "GET" or not call.body:
        return Args(values)
    kind, _, parameters = call.headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind == "application/x-www-form-urlencoded":
        values |= call.form()
    elif kind == "multipart/form-data":
        values |= _multipart(call)
    elif kind == "application/json":
        body = _json(call.body)
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        if takes_json:
            # A token belongs in the header there; Slack does not look for one in JSON.
            values |= {name: value for name, value in body.items() if name != "token"}
        if "charset" not in parameters:
            warnings.append("missing_charset")
    elif not kind:
        raise SlackError("missing_post_type")
    else:
        raise SlackError("invalid_post_type")
    return Args(values, warnings)


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise SlackError("invalid_json") from None


def _multipart(call: Call) -> Json:
    head = f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + call.body, policy=HTTP)
    found: Json = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            found[name] = payload.decode("utf-8", "replace")
    return found
