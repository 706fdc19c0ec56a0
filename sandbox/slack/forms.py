"""A form as a person fills it in: what Slack would send of each input, and what it would not let pass.

Shapes: docs.slack.dev/reference/block-kit/block-elements, "state" of each element in a submission.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.slack.errors import HumanError
from sandbox.world import Json

SENT_WORDS_MAX = 3000

_TYPED = ("plain_text_input", "number_input", "email_text_input", "url_text_input")
_PICKED = {  # what is chosen without a list of options: where it stands, and where its default does
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "datepicker": ("selected_date", "initial_date"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "timepicker": ("selected_time", "initial_time"),
    "users_select": ("selected_user", "initial_user"),
}
_PICKED_SEVERAL = {
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_users_select": ("selected_users", "initial_users"),
}


def filled(view: Json, values: Mapping[str, Any]) -> Json:
    """`view.state.values` as Slack would send it; refuses what a person could not have entered."""
    blocks = {one["block_id"]: one for one in view["blocks"] if one.get("type") == "input"}
    if unknown := sorted(set(values) - set(blocks)):
        raise HumanError(f"{unknown[0]}: the form has no such input; it has {', '.join(blocks) or 'none'}")
    found: Json = {}
    for name, block in blocks.items():
        element = block["element"]
        state_of = _state(name, element, values.get(name))
        if not block.get("optional") and state_of.get("empty"):
            raise HumanError(f"{name}: Slack asks for it before the form can be sent")
        state_of.pop("empty", None)
        found[name] = {element["action_id"]: state_of}
    return found


def _state(name: str, element: Json, value: Any) -> Json:
    kind = element["type"]
    if kind in _TYPED:
        text = value if value is not None else element.get("initial_value")
        if text is not None and not isinstance(text, str):
            raise HumanError(f"{name}: a text is needed")
        if text and len(text) > element.get("max_length", SENT_WORDS_MAX):
            raise HumanError(f"{name}: Slack takes {element.get('max_length', SENT_WORDS_MAX)} characters")
        return {"type": kind, "value": text or None, "empty": not text}
    if kind in _PICKED:
        stands, default = _PICKED[kind]
        picked = value if value is not None else element.get(default)
        return {"type": kind, stands: picked, "empty": picked is None}
    if kind in _PICKED_SEVERAL:
        stands, default = _PICKED_SEVERAL[kind]
        several = list(value) if value is not None else list(element.get(default, []))
        return {"type": kind, stands: several, "empty": not several}
    groups = [one for group in element.get("option_groups", []) for one in group.get("options", [])]
    options = {one["value"]: one for one in [*element.get("options", []), *groups]}
    if kind in ("checkboxes", "multi_static_select"):
        given = element.get("initial_options", []) if value is None else None
        wanted = list(options) if value is True else [] if value in (None, False) else list(value)
        chosen = given if given is not None else [_chosen(name, options, one) for one in wanted]
        return {"type": kind, "selected_options": chosen, "empty": not chosen}
    if kind in ("static_select", "radio_buttons"):
        one = _chosen(name, options, value) if value is not None else element.get("initial_option")
        return {"type": kind, "selected_option": one, "empty": one is None}
    if value is None:
        return {"type": kind, "empty": True}
    raise HumanError(f"{name}: the sandbox can't fill in a {kind}")


def _chosen(name: str, options: Mapping[str, Json], value: Any) -> Json:
    if value not in options:
        raise HumanError(
            f"{name}: {value!r} is not to choose from; there is {', '.join(options) or 'nothing'}"
        )
    return options[value]
