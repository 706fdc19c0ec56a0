"""Forms in Slack for the same buttons that stand in Port. Pure: an action's definition in, a modal out; what
was filled in, back as the action's inputs.

Limits are Block Kit's (docs.slack.dev/reference/block-kit): title and buttons 24 characters, label 2,000,
option text 75 and value 150, 100 options, 3,000 characters of input, private metadata 3,000.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from integration.communicator import cut, escape
from integration.errors import BadInput
from integration.models.base import Json, Value

CALLBACK: Final = "incident_comms"
_TITLE, _LABEL, _OPTION, _OPTION_VALUE, _OPTIONS, _TEXT = 24, 2000, 75, 150, 100, 3000
_YES, _NO = "yes", "no"


class About(Value):
    """What a form is about; it travels with the form as its private metadata."""

    action: str
    incident: str
    channel: str = ""


class Choice(Value):
    """One entity that can be chosen."""

    identifier: str
    title: str


def shown_inputs(definition: Json) -> dict[str, Json]:
    """The inputs of a button that a person fills in, in its order.

    A form in Slack stands as it is opened: what Port shows on a condition is always there, and a switch
    that does nothing but show it is not.
    """
    form = definition["button"]["userInputs"]
    fields: dict[str, Json] = form["properties"]
    names = dict.fromkeys([*form.get("order", []), *fields])
    conditions = [str(field["visible"]) for field in fields.values() if "visible" in field]
    return {
        name: fields[name]
        for name in names
        if fields[name].get("visible") is not False
        and not (fields[name]["type"] == "boolean" and any(f".form.{name} " in one for one in conditions))
    }


def entity_blueprints(definition: Json) -> list[str]:
    """The blueprints whose entities the form lets choose from, each once."""
    blueprints = (_blueprint(field) for field in shown_inputs(definition).values())
    return list(dict.fromkeys(blueprint for blueprint in blueprints if blueprint))


def modal(
    definition: Json, about: About, choices: Mapping[str, Sequence[Choice]], filled: Mapping[str, str]
) -> Json:
    """The view for `views.open`. `choices` by blueprint; `filled` are texts that stand in it already."""
    required = definition["button"]["userInputs"].get("required", [])
    blocks: list[Json] = [_words(f"*{escape(about.incident)}* · {escape(definition['description'])}")]
    for name, field in shown_inputs(definition).items():
        element = _element(name, field, choices, filled, needed=name in required)
        if element is None:
            if name in required:
                blocks.append(_words(f"_{escape(field['title'])}: Port has nothing to choose from yet._"))
            continue
        block: Json = {
            "type": "input",
            "block_id": name,
            "label": _plain(field["title"], _LABEL),
            "element": element,
            "optional": name not in required,
        }
        if field.get("description"):
            block["hint"] = _plain(field["description"], _LABEL)
        blocks.append(block)
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": about.model_dump_json(),
        "title": _plain(definition["title"], _TITLE),
        "submit": _plain(definition["button"].get("executeActionButtonText") or definition["title"], _TITLE),
        "close": _plain("Cancel", _TITLE),
        "blocks": blocks,
    }


def message_view(title: str, text: str) -> Json:
    """A view that only says something; `text` is mrkdwn."""
    return {
        "type": "modal",
        "title": _plain(title, _TITLE),
        "close": _plain("Close", _TITLE),
        "blocks": [_words(text)],
    }


def about_of(metadata: object) -> About:
    """What a submitted form is about. Raises BadInput when it is none of ours."""
    try:
        found = json.loads(metadata) if isinstance(metadata, str) else None
        return About.model_validate(found)
    except ValueError:
        raise BadInput("private_metadata", "this form is not one of ours") from None


def inputs_of(definition: Json, values: object) -> Json:
    """The inputs in `view.state.values` ({block_id: {action_id: state}}), without what was left empty.
    Raises BadInput naming the input when what is required is missing."""
    blocks: Json = values if isinstance(values, dict) else {}
    required = definition["button"]["userInputs"].get("required", [])
    inputs: Json = {}
    for name, field in shown_inputs(definition).items():
        held = blocks.get(name)
        state = held.get(name) if isinstance(held, dict) else None
        value = _value(field, state) if isinstance(state, dict) else None
        if value is None or value == "" or value == []:
            if name in required:
                raise BadInput(name, f"{field['title']} is needed")
            continue
        inputs[name] = value
    return inputs


def _blueprint(field: Json) -> str:
    """The blueprint of an entity input, of one or of several; empty for other inputs."""
    item = field.get("items", {}) if field.get("type") == "array" else field
    return str(item.get("blueprint", "")) if item.get("format") == "entity" else ""


def _element(
    name: str,
    field: Json,
    choices: Mapping[str, Sequence[Choice]],
    filled: Mapping[str, str],
    *,
    needed: bool,
) -> Json | None:
    """The element of one input; None where nothing can be chosen."""
    several = field.get("type") == "array"
    if blueprint := _blueprint(field):
        known = [
            _option(one.title, one.identifier)
            for one in choices.get(blueprint, ())
            if len(one.identifier) <= _OPTION_VALUE
        ]
        return _select(name, known[:_OPTIONS], several) if known else None
    if enum := (field.get("items", {}) if several else field).get("enum"):
        element = _select(name, [_option(str(one), str(one)) for one in enum][:_OPTIONS], several)
        if isinstance(field.get("default"), str):
            element["initial_option"] = _option(field["default"], field["default"])
        return element
    if field.get("type") == "boolean":
        if needed and "default" not in field:  # a word of one's own, not a box that is left as it is
            return _select(name, [_option("Yes", _YES), _option("No", _NO)], several=False)
        box = _option(field["title"], _YES)
        element = {"type": "checkboxes", "action_id": name, "options": [box]}
        return element | ({"initial_options": [box]} if field.get("default") is True else {})
    element = {
        "type": "plain_text_input",
        "action_id": name,
        "multiline": field.get("format") in ("multi-line", "markdown"),
        "max_length": min(int(field.get("maxLength", _TEXT)), _TEXT),
    }
    initial = filled.get(name) or (field.get("default") if isinstance(field.get("default"), str) else "")
    return element | ({"initial_value": cut(initial, element["max_length"])} if initial else {})


def _select(name: str, options: list[Json], several: bool) -> Json:
    kind = "multi_static_select" if several else "static_select"
    return {"type": kind, "action_id": name, "options": options}


def _value(field: Json, state: Json) -> Any:
    """What one element holds, as the action's input takes it."""
    kind = state.get("type")
    if kind == "plain_text_input":
        value = state.get("value")
        return _number(field, value) if field.get("type") == "number" and value else value
    if kind == "checkboxes":
        return bool(state.get("selected_options"))
    if kind == "multi_static_select":
        chosen = state.get("selected_options")
        known = chosen if isinstance(chosen, list) else []
        return [one.get("value") for one in known if isinstance(one, dict)]
    one = state.get("selected_option")
    value = one.get("value") if isinstance(one, dict) else None
    return value == _YES if field.get("type") == "boolean" and value is not None else value


def _number(field: Json, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise BadInput(str(field["title"]), "a number is needed") from None


def _option(text: str, value: str) -> Json:
    return {"text": _plain(text or value, _OPTION), "value": value}


def _plain(text: str, limit: int) -> Json:
    return {"type": "plain_text", "text": cut(text, limit), "emoji": True}


def _words(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, _TEXT)}}
