"""Response URLs: the address that comes with every click, shortcut and command, by which an app answers
for half an hour and at most five times (docs.slack.dev/interactivity/handling-user-interaction).

Success is the plain text `ok`; an address that is spent or too old answers 404 in Slack's form.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute

from sandbox.slack import rules, state
from sandbox.slack.changes import Changes
from sandbox.slack.errors import SlackError
from sandbox.slack.state import Channel
from sandbox.wire import Call, FaultReply, Reply, operation_route
from sandbox.world import Json, World

USES = 5
SECONDS = 1800.0
NAME = "response_url"
_NOWHERE = "https://hooks.slack.com"


@dataclass
class _Address:
    channel: Channel
    person: str  # user id: ephemeral answers are for them
    message: str  # ts of the message that was clicked on, else ""
    since: float  # monotonic
    used: int = 0


class Responses:
    """`base` is where the sandbox is served, e.g. "http://127.0.0.1:8900"; until it is known, addresses
    point nowhere that the sandbox answers."""

    def __init__(self, world: World, changes: Changes) -> None:
        self._world, self._changes = world, changes
        self.base = ""
        self.clear()

    def clear(self) -> None:
        self._given: dict[str, _Address] = {}

    def url(self, family: str, channel: Channel, person: str, message: str = "") -> str:
        """A new address. `family` is "actions" or "commands", as in Slack's own."""
        ids = self._world.ids
        key = f"{family}/{state.TEAM_ID}/{ids.digits(13)}/{ids.mixed(24)}"
        self._given[key] = _Address(channel, person, message, time.monotonic())
        return f"{self.base}/slack/{key}" if self.base else f"{_NOWHERE}/{key}"

    def routes(self, fault_reply: FaultReply) -> list[BaseRoute]:
        return [
            operation_route(
                self._world,
                "slack",
                NAME,
                f"/slack/{family}/{{team}}/{{number}}/{{key}}",
                self._take,
                fault_reply,
                ["POST"],
            )
            for family in ("actions", "commands")
        ]

    async def _take(self, call: Call) -> Reply:
        known = self._given.get(call.request.url.path.removeprefix("/slack/"))
        try:
            if known is None or time.monotonic() - known.since > SECONDS:
                raise SlackError("expired_url")
            if known.used >= USES:
                raise SlackError("used_url")
            effect = self._carry_out(known, _read(call))
        except SlackError as problem:
            gone = problem.code in ("expired_url", "used_url")
            body = {"ok": False, "error": problem.code, **problem.more}
            return Reply(body, 404 if gone else 400, error=problem.code)
        known.used += 1
        return Reply(b"ok", headers={"content-type": "text/plain; charset=utf-8"}, effect=effect)

    def _carry_out(self, address: _Address, given: Json) -> str:
        channel, changes = address.channel, self._changes
        room, app = channel.name or channel.id, changes.store.apps[state.APP_ID]
        ours = channel.message(address.message) if address.message else None
        if given.get("delete_original") and ours is not None:
            changes.delete(channel, address.message)
            return f"message {address.message} in {room} deleted"
        content = _content(given)
        if given.get("replace_original") and ours is not None:
            changes.edit(channel, address.message, content, None if content["blocks"] else app.bot_id)
            return f"message {address.message} in {room} changed"
        if given.get("response_type") != "in_channel":
            return f"shown to {address.person} alone in {room}: {content['text'][:80]}"
        thread = given.get("thread_ts")
        message = changes.post(
            channel, app.user, app=app, thread_ts=str(thread) if thread else None, **content
        )
        return f"message {message['ts']} posted to {room}"


def _read(call: Call) -> Json:
    given: Any = call.form().get("payload") if call.is_form() else call.body.decode("utf-8", "replace")
    try:
        found = json.loads(given or "")
    except ValueError:
        raise SlackError("invalid_payload") from None
    if not isinstance(found, dict):
        raise SlackError("invalid_payload")
    return found


def _content(given: Json) -> Json:
    text = given.get("text") or ""
    if not isinstance(text, str):
        raise SlackError("invalid_payload")
    blocks = rules.read_blocks(given["blocks"]) if given.get("blocks") else None
    attachments = rules.read_attachments(given["attachments"]) if given.get("attachments") else None
    if not text.strip() and not blocks and not attachments:
        raise SlackError("no_text")
    return {"text": rules.wire_text(text[: rules.TEXT_MAX]), "blocks": blocks, "attachments": attachments}
