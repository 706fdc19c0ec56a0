"""What every control route shares: a JSON body read field by field, and refusals that name the field."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.port.wire import PortError
from sandbox.slack.errors import HumanError
from sandbox.statuspage.errors import HumanError as PageError
from sandbox.zoom.errors import ZoomError
from sandbox.zoom.life import NotPossible

Json = dict[str, Any]


class Bad(Exception):
    """A refusal of the control API: `{"error": sentence, "field": name}` with 400, or 404 or 409."""

    def __init__(self, field: str, problem: str, status: int = 400) -> None:
        super().__init__(f"{field}: {problem}" if field else problem)
        self.field, self.status = field, status


class Body:
    """A JSON object whose fields are taken by name; `done` refuses those that nobody took."""

    def __init__(self, values: Json) -> None:
        self.values = values
        self.taken: set[str] = set()

    def text(self, field: str, default: str | None = None) -> str:
        """A non-empty string; required unless a default is given."""
        self.taken.add(field)
        value = self.values.get(field)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value:
            raise Bad(field, "a non-empty string is needed")
        return value

    def maybe(self, field: str) -> str | None:
        """A non-empty string, or None when it is missing or null."""
        self.taken.add(field)
        return None if self.values.get(field) is None else self.text(field)

    def flag(self, field: str, default: bool | None = None) -> bool:
        self.taken.add(field)
        value = self.values.get(field, default)
        if not isinstance(value, bool):
            raise Bad(field, "true or false is needed")
        return value

    def object(self, field: str, default: Json | None = None) -> Json:
        self.taken.add(field)
        value = self.values.get(field, default)
        if not isinstance(value, dict):
            raise Bad(field, "a JSON object is needed")
        return value

    def any(self, field: str) -> Any:
        """A required value of any type."""
        self.taken.add(field)
        if self.values.get(field) is None:
            raise Bad(field, "missing")
        return self.values[field]

    def done(self) -> None:
        for field in self.values:
            if field not in self.taken:
                raise Bad(field, f"unknown field; known: {', '.join(sorted(self.taken))}")


async def read(request: Request) -> Any:
    """The body as JSON; an empty one is an empty object. Raises Bad when it is not JSON."""
    raw = await request.body()
    if not raw.strip():
        return {}
    try:
        return json.loads(raw)
    except ValueError as broken:
        raise Bad("", f"the body is not JSON: {broken}") from broken


async def body(request: Request) -> Body:
    """The body as an object. Raises Bad when it is something else."""
    given = await read(request)
    if not isinstance(given, dict):
        raise Bad("", "the body must be a JSON object")
    return Body(given)


async def nothing(request: Request) -> Json:
    """What answers a path or method that the control API does not have."""
    raise Bad("", f"no {request.method} {request.url.path} in the control API", 404)


Answer = Callable[[Request], Awaitable[Any]]


def route(method: str | list[str], path: str, answer: Answer) -> Route:
    """A control route: what `answer` returns is sent as JSON; refusals of every part become clear errors."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await answer(request))
        except Bad as refused:
            return _refusal(str(refused), refused.field, refused.status)
        except HumanError as refused:
            return _refusal(str(refused), *_in_slack(str(refused)))
        except PageError as refused:
            return _refusal(str(refused), *_on_page(str(refused)))
        except NotPossible as refused:
            return _refusal(str(refused), "user", 409)
        except ZoomError as refused:
            return _refusal(refused.message, "meeting", refused.status)
        except PortError as refused:
            field = _in_port(refused.message)
            return _refusal(refused.message, field, refused.status, code=refused.error)

    return Route("/_sandbox" + path, endpoint, methods=[method] if isinstance(method, str) else method)


def _refusal(error: str, field: str, status: int, **more: str) -> Response:
    return JSONResponse({"error": error, "field": field, **more}, status)


_SLACK_FIELDS = (("no channel", "channel"), ("no user", "user"), ("no message", "ts"))
_PORT_FIELDS = (
    ("User ", "user"),
    ("Action run ", "run"),
    ("Action ", "action"),
    ("Blueprint ", "blueprint"),
    ("Entity ", "entity"),
)


def _in_slack(message: str) -> tuple[str, int]:
    """Field and status of what the Slack side refused."""
    for start, field in _SLACK_FIELDS:
        if message.startswith(start):
            return field, 404
    named = re.match(r"([a-z_]+): ", message)
    return (named[1], 400) if named else ("", 409)


_PAGE_FIELDS = ("page", "component", "incident", "update", "subscriber")


def _on_page(message: str) -> tuple[str, int]:
    """Field and status of what Statuspage refused to a person."""
    if message.startswith("no status "):
        return "status", 400
    unknown = next((field for field in _PAGE_FIELDS if message.startswith(f"no {field} ")), None)
    return (unknown, 404) if unknown else ("", 409)


def _in_port(message: str) -> str:
    return next((field for start, field in _PORT_FIELDS if message.startswith(start)), "")
