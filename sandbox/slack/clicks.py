"""What people do in Slack besides talking: buttons, message shortcuts, slash commands and forms.

Each is one signed form to the app's interactivity or command address, answered within 3 seconds; Slack sends
none of them again (docs.slack.dev/interactivity/handling-user-interaction,
docs.slack.dev/interactivity/implementing-slash-commands).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from sandbox.deliver import Answer, Deliverer
from sandbox.slack import rules, state
from sandbox.slack.errors import HumanError, SlackError
from sandbox.slack.events import VERIFICATION_TOKEN, Events
from sandbox.slack.human import People
from sandbox.slack.socket import Socket
from sandbox.slack.state import Channel, User
from sandbox.world import Json

ANSWER_SECONDS = 3.0
SENT_WORDS_MAX = 3000


class Clicks:
    """The addresses an administrator has entered, and the hands of people."""

    def __init__(self, people: People, events: Events, deliverer: Deliverer, socket: Socket) -> None:
        self._people, self._events, self._deliverer, self._socket = people, events, deliverer, socket
        self.clear()

    def clear(self) -> None:
        self.interactivity_url: str | None = None
        self.commands_url: str | None = None

    async def press(self, channel: str, ts: str, action_id: str, user: str) -> Json:
        """Press the button with this action_id on a message."""
        room, message, person = self._seen(channel, ts, user)
        for block in message.get("blocks", []):
            for element in block.get("elements", []) if block.get("type") == "actions" else []:
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
            "response_url": self._response_url(),
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
        person, held = self._people.person(user), self._people.store.views.get(view)
        if held is None or held["type"] != "modal":
            raise HumanError(f"view: there is no open form {view!r}")
        if held["user"] != person.id:
            raise HumanError(f"view: {view} is not shown to {user}")
        if held.get("submit") is None:
            raise HumanError(f"view: {view} has nothing to send")
        filled = _filled(held, values)
        shown = {key: value for key, value in held.items() if key not in ("user", "depth")}
        payload = {
            "type": "view_submission",
            "trigger_id": self._people.trigger(user),
            "view": {**copy.deepcopy(shown), "state": {"values": filled}},
            "response_urls": [],
        }
        told = await self._interact(person, payload)
        self._respond(held, told)
        return told

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
        if payload["type"] != "view_submission":
            whole["response_url"] = self._response_url()
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

    def _response_url(self) -> str:
        ids = self._people.store.world.ids
        return f"https://hooks.slack.com/actions/{state.TEAM_ID}/{ids.digits(13)}/{ids.mixed(24)}"


def _filled(view: Json, values: Mapping[str, Any]) -> Json:
    """`view.state.values` as Slack would send it; refuses what a person could not have entered."""
    blocks = {one["block_id"]: one for one in view["blocks"] if one.get("type") == "input"}
    if unknown := sorted(set(values) - set(blocks)):
        raise HumanError(f"{unknown[0]}: the form has no such input; it has {', '.join(blocks) or 'none'}")
    filled: Json = {}
    for name, block in blocks.items():
        element = block["element"]
        state_of = _state(name, element, values.get(name))
        if not block.get("optional") and state_of.get("empty"):
            raise HumanError(f"{name}: Slack asks for it before the form can be sent")
        state_of.pop("empty", None)
        filled[name] = {element["action_id"]: state_of}
    return filled


def _state(name: str, element: Json, value: Any) -> Json:
    kind = element["type"]
    if kind == "plain_text_input":
        text = value if value is not None else element.get("initial_value")
        if text is not None and not isinstance(text, str):
            raise HumanError(f"{name}: a text is needed")
        if text and len(text) > element.get("max_length", SENT_WORDS_MAX):
            raise HumanError(f"{name}: Slack takes {element.get('max_length', SENT_WORDS_MAX)} characters")
        return {"type": kind, "value": text or None, "empty": not text}
    options = {one["value"]: one for one in element.get("options", [])}
    if kind in ("checkboxes", "multi_static_select"):
        given = element.get("initial_options", []) if value is None else None
        wanted = list(options) if value is True else [] if value in (None, False) else list(value)
        chosen = given if given is not None else [_chosen(name, options, one) for one in wanted]
        return {"type": kind, "selected_options": chosen, "empty": not chosen}
    if kind == "static_select":
        one = _chosen(name, options, value) if value is not None else element.get("initial_option")
        return {"type": kind, "selected_option": one, "empty": one is None}
    raise HumanError(f"{name}: the sandbox can't fill in a {kind}")


def _chosen(name: str, options: Mapping[str, Json], value: Any) -> Json:
    if value not in options:
        raise HumanError(
            f"{name}: {value!r} is not to choose from; there is {', '.join(options) or 'nothing'}"
        )
    return options[value]


def _object(body: bytes) -> Any:
    """What the app answered: JSON, a plain text that Slack shows, or nothing."""
    if not body.strip():
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
