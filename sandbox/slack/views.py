"""views.*: modals and the app's home, kept as they were sent. Nobody sees them drawn here.

A trigger_id is good for one use within 3 seconds; `Slack.trigger` hands them out.
"""

from __future__ import annotations

import json
import time

from sandbox.slack import rules, state
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Context, Method
from sandbox.world import Json

TRIGGER_SECONDS = 3.0
STACK_MAX = 3  # modals on top of each other


async def open_view(context: Context) -> Json:
    return _new(context, "modal", _trigger(context), depth=1)


async def push(context: Context) -> Json:
    user = _trigger(context)
    below = [view for view in context.store.views.values() if view["type"] == "modal"]
    if not below:
        raise SlackError("not_found")
    depth = max(int(view["depth"]) for view in below) + 1
    if depth > STACK_MAX:
        raise SlackError("push_limit_reached")
    return _new(context, "modal", user, depth=depth)


async def publish(context: Context) -> Json:
    user = context.args.need("user_id")
    if user not in context.store.users:
        raise SlackError.arguments("invalid `user_id`")
    known = next((v for v in context.store.views.values() if v["type"] == "home" and v["user"] == user), None)
    if known is None:
        return _new(context, "home", user, depth=0)
    return _replace(context, known, "home")


async def update(context: Context) -> Json:
    key, external = context.args.text("view_id"), context.args.text("external_id")
    if not key and not external:
        raise SlackError.arguments("missing required field: view_id or external_id")
    for view in context.store.views.values():
        if view["id"] == key or (external and view["external_id"] == external):
            return _replace(context, view, view["type"])
    raise SlackError("not_found")


def _trigger(context: Context) -> str:
    """Spend the trigger; returns its user."""
    given = context.args.text("trigger_id") or context.args.text("interactivity_pointer")
    known = context.store.triggers.get(given)
    if known is None:
        raise SlackError("invalid_trigger_id")
    user, since = known
    if given in context.store.used_triggers:
        raise SlackError("exchanged_trigger_id")
    if time.monotonic() - since > TRIGGER_SECONDS:
        raise SlackError("expired_trigger_id")
    context.store.used_triggers.add(given)
    return user


def _read(context: Context, kind: str) -> Json:
    given = context.args.raw("view")
    if isinstance(given, str):
        if len(given) > rules.VIEW_MAX:
            raise SlackError("view_too_large")
        try:
            given = json.loads(given)
        except ValueError:
            raise SlackError.arguments("failed to parse view") from None
    if not isinstance(given, dict):
        raise SlackError.arguments("missing required field: view")
    if len(json.dumps(given)) > rules.VIEW_MAX:
        raise SlackError("view_too_large")
    if given.get("type") != kind:
        raise SlackError.arguments(f"must be {kind} [json-pointer:/view/type]")
    try:
        rules.read_blocks(given.get("blocks"), rules.VIEW_BLOCKS_MAX)
    except SlackError as problem:
        raise SlackError.arguments(
            *problem.more.get("errors", [f"{problem.code} [json-pointer:/view]"])
        ) from None
    if kind == "modal" and not given.get("title"):
        raise SlackError.arguments("missing required field: title [json-pointer:/view]")
    return given


def _new(context: Context, kind: str, user: str, depth: int) -> Json:
    given = _read(context, kind)
    external = str(given.get("external_id", ""))
    if external and any(view["external_id"] == external for view in context.store.views.values()):
        raise SlackError("duplicate_external_id")
    view = {"id": context.store.world.ids.upper("V"), "user": user, "depth": depth}
    return _stored(context, view, given)


def _replace(context: Context, view: Json, kind: str) -> Json:
    wanted = context.args.text("hash")
    if wanted and wanted != view["hash"]:
        raise SlackError("hash_conflict")
    return _stored(context, view, _read(context, kind))


def _stored(context: Context, view: Json, given: Json) -> Json:
    now = f"{int(context.store.now())}.{context.store.world.ids.mixed(8)}"
    view |= {
        "team_id": state.TEAM_ID,
        "app_id": context.app.id,
        "app_installed_team_id": state.TEAM_ID,
        "bot_id": context.app.bot_id,
        "type": given["type"],
        "title": given.get("title"),
        "submit": given.get("submit"),
        "close": given.get("close"),
        "blocks": [_identified(context, block) for block in given.get("blocks", [])],
        "private_metadata": str(given.get("private_metadata", "")),
        "callback_id": str(given.get("callback_id", "")),
        "external_id": str(given.get("external_id", "")),
        "clear_on_close": bool(given.get("clear_on_close")),
        "notify_on_close": bool(given.get("notify_on_close")),
        "root_view_id": view["id"],
        "previous_view_id": None,
        "state": {"values": {}},
        "hash": now,
    }
    context.store.views[view["id"]] = view
    context.effect = f"{view['type']} {view['id']} shown"
    hidden = ("user", "depth")
    return {"view": {key: value for key, value in view.items() if key not in hidden}}


def _identified(context: Context, block: Json) -> Json:
    """The block with the names that Slack makes up where an app gives none."""
    ids, made = context.store.world.ids, dict(block)
    made["block_id"] = block.get("block_id") or ids.mixed(5)
    element = block.get("element")
    if isinstance(element, dict):
        made["element"] = {**element, "action_id": element.get("action_id") or ids.mixed(5)}
    return made


METHODS = [
    Method("views.open", open_view, (), 4),
    Method("views.push", push, (), 4),
    Method("views.publish", publish, (), 4),
    Method("views.update", update, (), 4),
]
