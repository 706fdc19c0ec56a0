"""What people do in Slack besides talking: buttons, message shortcuts, slash commands and forms.

Each is one signed form to the app's interactivity or command address, answered within 3 seconds; Slack sends
none of them again (docs.slack.dev/interactivity/handling-user-interaction,
docs.slack.dev/interactivity/implementing-slash-commands).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from sandbox.copies import copied
from sandbox.deliver import Answer, Deliverer
from sandbox.slack import forms, rules, state
from sandbox.slack.errors import HumanError, SlackError
from sandbox.slack.events import VERIFICATION_TOKEN, Events
from sandbox.slack.human import People
from sandbox.slack.responses import Responses
from sandbox.slack.state import Channel, User
from sandbox.world import Json

ANSWER_SECONDS = 3.0


class Clicks:
    """The addresses an administrator has entered, and the hands of people."""

    def __init__(self, people: People, events: Events, deliverer: Deliverer, responses: Responses) -> None:
        self._people, self._events, self._deliverer = people, events, deliverer
        self._socket, self._responses = events.socket, responses
        self.clear()

    def clear(self) -> None:
        self.interactivity_url: str | None = None
        self.commands_url: str | None = None

    async def press(self, channel: str, ts: str, action_id: str, user: str) -> Json:
        """Press the button with this action_id on a message."""
        room, message, person = self._seen(channel, ts, user)
        for block in message.get("blocks", []):
            beside = [block["accessory"]] if isinstance(block.get("accessory"), dict) else []
            for element in [*(block.get("elements", []) if block.get("type") == "actions" else []), *beside]:
                if element.get("action_id") == action_id:
                    pressed = {
                        key: element[key] for key in ("action_id", "text", "value", "type") if key in element
                    }
                    pressed |= {"block_id": block.get("block_id", ""), "action_ts": self._now()}
                    return await self._interact(
                        person,
                        {
                            "type": "block_actions",
                            "container": {
                                "type": "message",
                                "message_ts": ts,
                                "channel_id": room.id,
                                "is_ephemeral": False,
                            },
                            "trigger_id": self._people.trigger(user),
                            "channel": {"id": room.id, "name": room.name},
                            "message": message,
                            "state": {"values": {}},
                            "actions": [pressed],
                            "response_url": self._responses.url("actions", room, person.id, ts),
                        },
                    )
        raise HumanError(f"action_id: message {ts} in {room.name} has no button {action_id!r}")

    async def shortcut(self, channel: str, ts: str, callback_id: str, user: str) -> Json:
        """Choose a message shortcut from a message's menu."""
        room, message, person = self._seen(channel, ts, user)
        return await self._interact(
            person,
            {
                "type": "message_action",
                "action_ts": self._now(),
                "callback_id": callback_id,
                "trigger_id": self._people.trigger(user),
                "channel": {"id": room.id, "name": room.name},
                "message_ts": ts,
                "message": message,
                "response_url": self._responses.url("actions", room, person.id),
            },
        )

    async def command(self, channel: str, user: str, command: str, text: str) -> Json:
        """Type a slash command; what the person was answered, if at all."""
        if self.commands_url is None and not self._socket.enabled:
            raise HumanError(f"{command}: the app has no such command")
        room, person = self._people.find(channel), self._people.person(user)
        fields = {
            "token": VERIFICATION_TOKEN,
            "team_id": state.TEAM_ID,
            "team_domain": state.TEAM_DOMAIN,
            "channel_id": room.id,
            "channel_name": room.name if not room.private else "privategroup",
            "user_id": person.id,
            "user_name": person.name,
            "command": command,
            "text": text,
            "api_app_id": state.APP_ID,
            "is_enterprise_install": "false",
            "response_url": self._responses.url("commands", room, person.id),
            "trigger_id": self._people.trigger(user),
        }
        if self._socket.enabled:
            answer = await self._socket.attempt("command", "slash_commands", fields)
        else:
            answer = await self._send("command", self.commands_url, fields)
        said = _object(answer.body)
        return {"status": answer.status, "problem": answer.reason, "answer": said}

    async def submit(self, view: str, user: str, values: Mapping[str, Any]) -> Json:
        """Fill in and send a form. `values` by block: a text, an option's value, several of them, or true."""
        person, held = self._people.person(user), self._open(view, user)
        if held.get("submit") is None:
            raise HumanError(f"view: {view} has nothing to send")
        filled = forms.filled(held, values)
        payload = {
            "type": "view_submission",
            "trigger_id": self._people.trigger(user),
            "view": {**_shown(held), "state": {"values": filled}},
            "response_urls": [],
        }
        told = await self._interact(person, payload)
        self._respond(held, told)
        return told

    async def close(self, view: str, user: str) -> Json:
        """Close a form without sending it; the app hears of it where it asked to (`notify_on_close`)."""
        person, held = self._people.person(user), self._open(view, user)
        del self._people.store.views[held["id"]]
        if not held["notify_on_close"]:
            return {"status": None, "problem": None, "answer": None}
        payload = {"type": "view_closed", "view": _shown(held), "is_cleared": False}
        return await self._interact(person, payload)

    def _open(self, view: str, user: str) -> Json:
        held = self._people.store.views.get(view)
        if held is None or held["type"] != "modal":
            raise HumanError(f"view: there is no open form {view!r}")
        if held["user"] != self._people.person(user).id:
            raise HumanError(f"view: {view} is not shown to {user}")
        return held

    def _respond(self, held: Json, told: Json) -> None:
        """What the answer to a submission does to the form: kept with errors, replaced, or closed."""
        answer = told["answer"]
        response = answer.get("response_action") if isinstance(answer, dict) else None
        if told["problem"] is not None or response == "errors":
            return  # it stays as it is, with the words of the app or of Slack beside it
        if response == "update":
            view = answer.get("view")
            try:
                rules.read_blocks(view.get("blocks"), rules.VIEW_BLOCKS_MAX)
            except SlackError as problem:
                raise HumanError(
                    f"view: the app answered with a form that Slack refuses: {problem}"
                ) from None
            held |= {key: view.get(key) for key in ("title", "submit", "close", "blocks")}
            held["private_metadata"] = str(view.get("private_metadata", ""))
            return
        del self._people.store.views[held["id"]]

    # How it travels

    async def _interact(self, person: User, payload: Json) -> Json:
        if self.interactivity_url is None and not self._socket.enabled:
            raise HumanError("the app has no interactivity address: Slack shows a warning sign")
        whole = {
            "team": {"id": state.TEAM_ID, "domain": state.TEAM_DOMAIN},
            "user": {
                "id": person.id,
                "username": person.name,
                "name": person.name,
                "team_id": state.TEAM_ID,
            },
            "api_app_id": state.APP_ID,
            "token": VERIFICATION_TOKEN,
            "enterprise": None,
            "is_enterprise_install": False,
            **payload,
        }
        kind = str(payload["type"])
        if self._socket.enabled:
            answer = await self._socket.attempt(kind, "interactive", whole)
        else:
            answer = await self._send(kind, self.interactivity_url, {"payload": json.dumps(whole)})
        return {"status": answer.status, "problem": answer.reason, "answer": _object(answer.body)}

    async def _send(self, operation: str, url: str | None, fields: Mapping[str, str]) -> Answer:
        assert url is not None
        body = urlencode(fields).encode()
        headers = {**self._events.sign(body), "content-type": "application/x-www-form-urlencoded"}
        return await self._deliverer.attempt("slack", operation, url, body, headers, ANSWER_SECONDS)

    def _seen(self, channel: str, ts: str, user: str) -> tuple[Channel, Json, User]:
        room, person = self._people.find(channel), self._people.person(user)
        if person.id not in room.members:
            raise HumanError(f"user: {user} is not in {room.name}")
        message = room.message(ts)
        if message is None:
            raise HumanError(f"ts: there is no message {ts} in {room.name}")
        return room, message, person

    def _now(self) -> str:
        return f"{self._people.store.now():.6f}"


def _shown(held: Json) -> Json:
    """A view as it travels in a payload."""
    return {key: copied(value) for key, value in held.items() if key not in ("user", "depth")}


def _object(body: bytes) -> Any:
    """What the app answered: JSON, a plain text that Slack shows, or nothing."""
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
