"""Zoom's refusals: HTTP status, numeric code and the vendor's wording, as its published API names them."""

from __future__ import annotations

from typing import Any


class ZoomError(Exception):
    """A refusal. On the wire `{"code": int, "message": str, "errors"?: [{"field", "message"}]}`."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        errors: list[dict[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.errors = errors
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


DAILY_LIMIT = (
    "You have exceeded the daily rate limit ({limit}) of Meeting Create/Update API requests permitted for "
    "this particular user. You may resume these requests at GMT 00:00:00."
)
PER_SECOND_LIMIT = "You have reached the maximum per-second rate limit for this API. Try again later."


def invalid_token() -> ZoomError:
    return ZoomError(401, 124, "Invalid access token.")


def expired_token() -> ZoomError:
    return ZoomError(401, 124, "Access token is expired.")


def missing_scopes(granular: list[str]) -> ZoomError:
    """Zoom words this in two ways: 4711 names the granular scopes wanted, 4700 is what classic apps see."""
    if granular:
        named = ", ".join(granular)
        return ZoomError(400, 4711, f"Invalid access token, does not contain scopes:[{named}].")
    return ZoomError(400, 4700, "Invalid access token, does not contain scopes.")


def no_user(user: str) -> ZoomError:
    return ZoomError(404, 1001, f"User does not exist: {user}.")


def no_meeting(meeting: str) -> ZoomError:
    return ZoomError(404, 3001, f"Meeting does not exist: {meeting}.")


def may_not_host() -> ZoomError:
    return ZoomError(
        400, 3161, "Your user account is not allowed meeting hosting and scheduling capabilities."
    )


def bad_page_token() -> ZoomError:
    return ZoomError(400, 300, "The next page token is invalid or expired.")


def invalid(errors: list[dict[str, str]]) -> ZoomError:
    return ZoomError(400, 300, "Validation Failed.", errors)
