"""What can go wrong, and whose turn it is then.

IncidentCommsError
├── BadInput            the caller's input or a setting is wrong: refused at the door, names the field
└── ServiceError        a provider did not do what was asked
    ├── Refused         it said no and nothing happened
    │   ├── RateLimited         come back after `retry_after` seconds
    │   └── CredentialsRefused  token or scope: a person must act
    ├── Unreachable     the request never left: nothing happened, safe to try again
    └── Ambiguous       it was sent and no trustworthy answer came: it may have happened
"""

from __future__ import annotations


class IncidentCommsError(Exception):
    """Base of everything this integration raises on purpose. `str()` is fit for a person to read."""


class BadInput(IncidentCommsError):
    """Input that is refused before anything happens."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class ServiceError(IncidentCommsError):
    """A provider did not do what was asked.

    `service` is slack, zoom, statuspage, mail or port; `operation` the vendor's name of the call;
    `code` the vendor's error code or HTTP status; `hint` says what a person can do about it.
    """

    def __init__(self, service: str, operation: str, code: str, detail: str = "", hint: str = "") -> None:
        said = f"{service} {operation}: {code}"
        if detail and detail != code:
            said += f" ({detail})"
        if hint:
            said += f". {hint}"
        super().__init__(said)
        self.service = service
        self.operation = operation
        self.code = code
        self.detail = detail
        self.hint = hint


class Refused(ServiceError):
    """The provider said no; nothing happened."""


class RateLimited(Refused):
    """Too many calls. `retry_after` in seconds, as the provider asked or as its documents say."""

    def __init__(self, service: str, operation: str, retry_after: float, detail: str = "") -> None:
        super().__init__(service, operation, "rate limited", detail)
        self.retry_after = retry_after


class CredentialsRefused(Refused):
    """The token is wrong or lacks a scope."""


class Unreachable(ServiceError):
    """The request never left this machine or was refused before it was read; nothing happened."""


class Ambiguous(ServiceError):
    """Sent, and no trustworthy answer: a time-out, a reset, a 5xx, an answer that can't be read."""
