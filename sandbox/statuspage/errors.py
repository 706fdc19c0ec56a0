"""Statuspage's refusals: `{"error": str}` or, where fields are at fault, `{"error": [str, ...]}`.

The vendor's published file words them `{"message": ...}`; what its service was seen to answer is `error`.
"""

from __future__ import annotations

from typing import Any


class StatuspageError(Exception):
    """A refusal: HTTP status, and one sentence or one for each wrong field."""

    def __init__(self, status: int, error: str | list[str]) -> None:
        super().__init__(error if isinstance(error, str) else "; ".join(error))
        self.status, self.error = status, error

    def body(self) -> dict[str, Any]:
        return {"error": self.error}


class HumanError(ValueError):
    """A person can't do that in Statuspage's own pages; the message says why, and nothing has changed."""


UNAUTHENTICATED = "Could not authenticate"
NOT_FOUND = "Could not find record"
RATE_LIMITED = "Rate limit exceeded: 1 request per second, measured on a 60 second rolling window"


def unauthenticated() -> StatuspageError:
    return StatuspageError(401, UNAUTHENTICATED)


def not_found() -> StatuspageError:
    return StatuspageError(404, NOT_FOUND)


def invalid(errors: list[str]) -> StatuspageError:
    return StatuspageError(422, errors)


def malformed(why: str) -> StatuspageError:
    return StatuspageError(400, why)
