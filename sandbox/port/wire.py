"""Port's HTTP manners: error bodies, body limits, and reading of parameters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sandbox.wire import Call, Reply
from sandbox.world import Fault, Json

if TYPE_CHECKING:
    from sandbox.port.auth import Principal

MAX_BODY = 1024 * 1024
"""Port answers 413 to a body above 1 MiB."""

_STATUS_ERRORS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "payload_too_large",
    422: "invalid_request",
    429: "too_many_requests",
    500: "internal_error",
    502: "bad_gateway",
    503: "service_unavailable",
    504: "gateway_timeout",
}

PortHandler = Callable[[Call, "Principal"], Awaitable[Reply]]


class PortError(Exception):
    """A refusal in Port's own form: {"ok": false, "error", "message", "details"?}.

    The published answers for 401, 404, 413 and 422 are closed objects, so `details` is for other statuses.
    """

    def __init__(self, status: int, error: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.status, self.error, self.message, self.details = status, error, message, details

    def reply(self) -> Reply:
        body: Json = {"ok": False, "error": self.error, "message": self.message}
        if self.details is not None:
            body["details"] = self.details
        return Reply(body, self.status, error=self.error)


def not_found(resource: str, identifier: object) -> PortError:
    return PortError(404, "not_found", f'{resource} with identifier "{identifier}" was not found')


def taken(resource: str, identifier: object) -> PortError:
    return PortError(
        409,
        "identifier_taken",
        f'{resource} with identifier "{identifier}" already exists',
        {"resource": resource, "withName": "identifier", "withValue": identifier},
    )


def invalid(message: str) -> PortError:
    """A well-formed request that the schema or the blueprint refuses."""
    return PortError(422, "invalid_request", message)


def fault_reply(fault: Fault) -> Reply:
    """A planned fault in Port's dialect. `Retry-After` is sent only if the plan names it."""
    status = fault.status or 500
    error = fault.error or _STATUS_ERRORS.get(status, "internal_error")
    body = fault.body
    if body is None:
        body = {"ok": False, "error": error, "message": f"{error} (planned by the sandbox)"}
    headers = {} if fault.retry_after is None else {"retry-after": fault.retry_after}
    return Reply(body, status, headers, error=error)


def read_object(call: Call) -> Json:
    """The body as a JSON object; an empty body counts as {}. Raises PortError 422 otherwise."""
    try:
        body = call.json()
    except (ValueError, RecursionError):
        raise invalid("Body is not valid JSON") from None
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise invalid("body must be object")
    return body


def flag(call: Call, name: str, default: bool = False) -> bool:
    """A boolean query parameter. Raises PortError 422 on anything but true and false."""
    value = call.query.get(name)
    if value is None:
        return default
    if value.lower() not in ("true", "false"):
        raise invalid(f"querystring/{name} must be boolean")
    return value.lower() == "true"


def many(call: Call, name: str) -> list[str]:
    """A repeated query parameter (`include=a&include=b`)."""
    return [v for k, v in call.request.query_params.multi_items() if k == name]


def number(call: Call, name: str, default: int, low: int, high: int) -> int:
    """An integer query parameter within bounds. Raises PortError 422."""
    raw = call.query.get(name)
    if raw is None:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise invalid(f"querystring/{name} must be number") from None
    if not low <= value <= high:
        raise invalid(f"querystring/{name} must be between {low} and {high}")
    return value


def ok(body: Json | None = None, status: int = 200, effect: str | None = None) -> Reply:
    return Reply({"ok": True, **(body or {})}, status, effect=effect)


def text_of(value: Any) -> str:
    """A value short enough to be quoted in a message or in the journal."""
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."
