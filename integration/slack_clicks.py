"""Buttons, shortcuts and the `/incident` command in Slack: each becomes a Port run in the name of the person,
before Slack is answered.

Slack sends a click once. As a run of Port it is durable, allowed or refused by Port's own permissions, and on
the record. The run carries Slack's id of the form, so that the same form sent twice asks for the same thing.
docs.slack.dev/interactivity/handling-user-interaction: an answer is expected within 3 seconds.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from loguru import logger

from integration import slack_forms
from integration.catalog import Catalog
from integration.communicator import BUTTON_PREFIX, escape
from integration.errors import Ambiguous, BadInput, IncidentCommsError, Refused, ServiceError
from integration.mirror import Mirror
from integration.models.base import Json
from integration.models.note import NOTE_KINDS
from integration.models.run import OPERATION_INPUT, Command, Outcome
from integration.models.slack import SlackUser
from integration.people import People
from integration.services.port import PortService
from integration.services.slack_screen import SlackScreen
from integration.settings import Settings
from integration.slack_forms import About, Choice

ANSWER_SECONDS: Final = 2.4  # of Slack's 3, for Port
COMMANDS: Final[Mapping[str, str]] = {
    "note": "add_note",
    "draft": "draft_update",
    "update": "post_update",
    "publish": "publish_status_page",
    "close": "close_war_room",
    "open": "open_war_room",
}
"""The words of the `/incident` command and the actions they mean."""

_OPERATION = re.compile(r"slack\.(?P<channel>[CDG][A-Z0-9]+)\.(?P<user>[UW][A-Z0-9]+)\.")
_NOTE = re.compile(r"\s*(?P<kind>[A-Za-z]+)\s*:\s*(?P<text>.+)", re.DOTALL)


class Clicks:
    """What people do in Slack besides talking. `definitions` are the neutral ones of `actions/`."""

    def __init__(
        self,
        catalog: Catalog,
        port: PortService,
        people: People,
        mirror: Mirror,
        screen: SlackScreen,
        settings: Settings,
        definitions: Sequence[Json],
    ) -> None:
        self._catalog, self._port, self._people, self._mirror = catalog, port, people, mirror
        self._screen, self._settings = screen, settings
        self._buttons = {one["action"]: one for one in definitions if "button" in one}

    async def interaction(self, payload: Json) -> Json:
        """The answer's body to a `block_actions`, `message_action` or `view_submission` payload."""
        kind = payload.get("type")
        if kind == "view_submission":
            return await self._submitted(payload)
        if kind == "block_actions":
            await self._pressed(payload)
        elif kind == "message_action":
            await self._message(payload)
        return {}

    async def command(self, form: Mapping[str, str]) -> Json:
        """The answer to `/incident …`, which only that person sees: what was done, or why not."""
        word, _, rest = form.get("text", "").strip().partition(" ")
        try:
            said = await self._commanded(word.casefold(), rest.strip(), form)
        except IncidentCommsError as problem:
            said = f"⚠️ {escape(str(problem))}"
        return {"response_type": "ephemeral", "text": said} if said else {}

    async def tell(self, command: Command, outcome: Outcome) -> None:
        """Tell the person who asked in Slack that it did not work; what worked shows itself."""
        asked = _OPERATION.match(command.operation_id)
        if outcome.ok or asked is None or not command.by_person:
            return
        user = await self._people.by_id(asked["user"])
        if user is None or user.email.casefold() != command.requested_by.casefold():
            return
        title = self._buttons[command.action]["title"] if command.action in self._buttons else command.action
        text = f"⚠️ {escape(title)} for {escape(command.incident)}: {escape(outcome.summary)}"
        try:
            await self._screen.tell(asked["channel"], asked["user"], text)
        except ServiceError as problem:
            logger.info(f"{command.action} for {command.incident}: nobody was told in Slack: {problem}")

    # What came

    async def _pressed(self, payload: Json) -> None:
        pressed = next((one for one in _list(payload.get("actions")) if isinstance(one, dict)), {})
        action = str(pressed.get("action_id", "")).removeprefix(BUTTON_PREFIX)
        incident = pressed.get("value")
        if action in self._buttons and isinstance(incident, str) and incident:
            about = About(action=action, incident=incident, channel=_id(payload.get("channel")))
            await self._show(about, _text(payload.get("trigger_id")), {})

    async def _message(self, payload: Json) -> None:
        action, channel = _text(payload.get("callback_id")), _id(payload.get("channel"))
        trigger = _text(payload.get("trigger_id"))
        if action not in self._buttons:
            return
        message = payload.get("message")
        text = _text(message.get("text")) if isinstance(message, dict) else ""
        try:
            about = About(action=action, incident=await self._incident_of(channel), channel=channel)
        except IncidentCommsError as problem:
            await self._screen.open_view(
                trigger, slack_forms.message_view(self._buttons[action]["title"], escape(str(problem)))
            )
            return
        await self._show(about, trigger, {"text": text, "body": text})

    async def _commanded(self, word: str, rest: str, form: Mapping[str, str]) -> str:
        channel, trigger = form.get("channel_id", ""), form.get("trigger_id", "")
        action = COMMANDS.get(word, "")
        if action not in self._buttons:
            return self._help(form.get("command", "/incident"))
        incident = rest if word == "open" else await self._incident_of(channel)
        if not incident:
            raise BadInput("incident", "name it, for example `/incident open INC-42`")
        about = About(action=action, incident=incident, channel=channel)
        note = _NOTE.fullmatch(rest) if word == "note" else None
        kind = note["kind"].casefold() if note else ""
        if word == "open" or kind in NOTE_KINDS:
            inputs: Json = {"kind": kind, "text": note["text"].strip()} if note else {}
            return await self._start(about, inputs, form.get("user_id", ""), trigger)
        await self._show(about, trigger, {"text": rest, "body": rest, "message": rest})
        return ""

    async def _submitted(self, payload: Json) -> Json:
        view = payload.get("view")
        if not isinstance(view, dict) or view.get("callback_id") != slack_forms.CALLBACK:
            return {}
        first = next((_text(one.get("block_id")) for one in _list(view.get("blocks")) if _is_input(one)), "")
        try:
            about = slack_forms.about_of(view.get("private_metadata"))
            definition = self._buttons.get(about.action)
            if definition is None:
                raise BadInput("action", f"there is no {about.action} any more")
            state = view.get("state")
            inputs = slack_forms.inputs_of(definition, state.get("values") if isinstance(state, dict) else {})
            told = await self._start(about, inputs, _id(payload.get("user")), _text(view.get("id")))
        except BadInput as problem:
            blocks = {_text(one.get("block_id")) for one in _list(view.get("blocks")) if _is_input(one)}
            where = problem.field if problem.field in blocks else first
            return _errors(where, str(problem))
        except IncidentCommsError as problem:
            return _errors(first, str(problem))
        return {"response_action": "update", "view": slack_forms.message_view(definition["title"], told)}

    # What becomes of it

    async def _show(self, about: About, trigger: str, filled: Mapping[str, str]) -> None:
        """Open the form of an action. Without Port there is nothing to choose from; the form says so."""
        definition = self._buttons[about.action]
        blueprints = slack_forms.entity_blueprints(definition)
        try:
            found = await asyncio.wait_for(
                asyncio.gather(*(self._choices(one) for one in blueprints)), ANSWER_SECONDS
            )
            view = slack_forms.modal(definition, about, dict(zip(blueprints, found, strict=True)), filled)
        except (ServiceError, TimeoutError) as problem:
            logger.warning(f"slack: the form of {about.action} for {about.incident}: {problem!r}")
            view = slack_forms.message_view(
                definition["title"], "Port does not answer. Try again, or use the button in Port."
            )
        await self._screen.open_view(trigger, view)

    async def _choices(self, blueprint: str) -> list[Choice]:
        found = await self._catalog.named(blueprint)
        return [Choice(identifier=identifier, title=title) for identifier, title in found]

    async def _start(self, about: About, inputs: Json, user: str, slack_id: str) -> str:
        """Start the run as this person; what to tell them. Raises what a person should read."""
        person = await self._person(user)
        button = self._buttons[about.action]["button"]["identifier"]
        operation = f"slack.{about.channel or 'C0'}.{user}.{slack_id}"
        given = {**inputs, OPERATION_INPUT: operation}
        try:
            run = await asyncio.wait_for(
                self._port.create_run(button, given, entity=about.incident, run_as=person.email),
                ANSWER_SECONDS,
            )
        except (TimeoutError, Ambiguous):
            raise BadInput(
                "Port", "did not answer in time. Send this again: it will not be done twice."
            ) from None
        except Refused as problem:
            raise BadInput(
                "Port", f"refused it for {person.email}: {problem.detail or problem.code}"
            ) from None
        logger.info(f"slack: {person.email} asked for {about.action} on {about.incident}: run {run['id']}")
        link = f"{self._settings.port_app_url.rstrip('/')}/organization/run?runId={quote(str(run['id']))}"
        waits = " It waits for approval." if run.get("status") == "WAITING_FOR_APPROVAL" else ""
        return f"Asked for.{waits} <{link}|Follow it in Port>."

    async def _person(self, user: str) -> SlackUser:
        found = await self._people.by_id(user)
        if found is None or not found.email:
            raise BadInput("you", "Slack does not tell us your e-mail address, by which Port knows you")
        return found

    async def _incident_of(self, channel: str) -> str:
        room = self._mirror.room(channel)
        if room is not None:
            return room.incident
        rooms = await self._catalog.rooms_of_channel(channel)
        if not rooms:
            raise BadInput("channel", "this is not the war room of an incident. Do it there, or in Port")
        return max(rooms, key=lambda one: one.opened_at.timestamp() if one.opened_at else 0.0).incident

    def _help(self, command: str) -> str:
        lines = [
            ("note finding: what you found", "keeps a note (`note` alone shows a form)"),
            ("draft", "writes a draft for each audience; nobody gets anything"),
            ("update", "tells audiences how it stands"),
            ("publish", "asks to publish on the status page"),
            ("close", "closes this war room"),
            ("open INC-42", "opens the war room of an incident"),
        ]
        known = [one for one in lines if COMMANDS[one[0].split()[0]] in self._buttons]
        return "\n".join(f"`{command} {what}` {why}" for what, why in known)


def _errors(block: str, problem: str) -> Json:
    """Slack shows an error beside an input; a form without any is replaced by the words."""
    if block:
        return {"response_action": "errors", "errors": {block: problem}}
    return {"response_action": "update", "view": slack_forms.message_view("Not done", escape(problem))}


def _is_input(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") == "input"


def _list(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _id(value: object) -> str:
    return _text(value.get("id")) if isinstance(value, dict) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
