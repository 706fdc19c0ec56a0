"""How a Slack method says no: HTTP 200 and `{"ok": false, "error": code}`."""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """A refusal in Slack's words. `more` goes into the answer beside `ok` and `error`."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more

    @classmethod
    def arguments(cls, *messages: str) -> SlackError:
        """`invalid_arguments`, with what is wrong in `response_metadata.messages` as Slack words it."""
        said = [f"[ERROR] {message}" for message in messages]
        return cls("invalid_arguments", response_metadata={"messages": said})


class HumanError(ValueError):
    """What a person tried in the Slack client is not possible; `str()` says why."""
