"""The one parser of Slack message objects, whether they come in an event or from a read.

A message object has the same fields in `conversations.history`, in `conversations.replies`, in a
`message` event and inside a `message_changed` event. Two parsers would sooner or later disagree, and
then reading the room again would not give what the events gave.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeGuard

from integration.models.base import Json
from integration.models.slack import Message, Reaction

# What Slack says about the room itself, not what somebody said in it
# (https://docs.slack.dev/reference/events/message#subtypes).
SYSTEM_SUBTYPES = frozenset(
    {
        "assistant_app_thread",
        "bot_add",
        "bot_disable",
        "bot_enable",
        "bot_remove",
        "channel_archive",
        "channel_canvas_updated",
        "channel_convert_to_private",
        "channel_convert_to_public",
        "channel_join",
        "channel_leave",
        "channel_name",
        "channel_posting_permissions",
        "channel_purpose",
        "channel_topic",
        "channel_unarchive",
        "document_mention",
        "ekm_access_denied",
        "file_created",
        "group_archive",
        "group_join",
        "group_leave",
        "group_name",
        "group_purpose",
        "group_topic",
        "group_unarchive",
        "huddle_thread",
        "joiner_notification",
        "message_replied",
        "pinned_item",
        "reminder_add",
        "sh_room_created",
        "unpinned_item",
    }
)
# A deleted message that had replies stays in the room as this husk.
TOMBSTONE = "tombstone"

_TS = re.compile(r"\d{1,12}\.\d{1,9}")
_DEEP = 12  # blocks nest four levels deep in Slack; whatever is deeper was not made by Slack


def is_ts(value: object) -> TypeGuard[str]:
    """Whether `value` is a message id of Slack: seconds since the epoch, a dot, a counter."""
    return isinstance(value, str) and _TS.fullmatch(value) is not None


def channel_of(event: Json) -> str:
    """The channel that an event is of; empty where it names none."""
    item = event.get("item")
    found = event.get("channel") or event.get("channel_id")
    if not found and isinstance(item, dict):
        found = item.get("channel")
    return _str(found)


def message_from_event(channel: str, payload: Json) -> Message:
    """The message that a Slack message object describes.

    `channel` is the conversation's id (objects from a read do not name it). Unknown and malformed
    parts are left out; only `ts` is required: ValueError without a valid one.
    `blocks_text` is filled when `text` is empty, or when a bot's `text` is but a fallback that says
    less than its blocks and attachments. Reactions and people come sorted, so that equal messages
    compare equal.
    """
    ts = payload.get("ts")
    if not isinstance(ts, str) or not is_ts(ts):
        raise ValueError(f"not a Slack message: ts is {ts!r}")
    text = _str(payload.get("text"))
    bot_id = _str(payload.get("bot_id"))
    thread_ts = payload.get("thread_ts")
    metadata = payload.get("metadata")
    return Message(
        channel=channel,
        ts=ts,
        user=_str(payload.get("user")),
        bot_id=bot_id,
        app_id=_str(payload.get("app_id")),
        username=_str(payload.get("username")),
        subtype=_str(payload.get("subtype")),
        text=text,
        blocks_text=_other_text(payload, text, by_bot=bool(bot_id)),
        thread_ts=thread_ts if isinstance(thread_ts, str) and is_ts(thread_ts) else "",
        edited_ts=_str(_dict(payload.get("edited")).get("ts")),
        reactions=_reactions(payload.get("reactions")),
        pinned=channel in _list(payload.get("pinned_to")),
        metadata=metadata if isinstance(metadata, dict) and metadata else None,
    )


def is_system(message: Message) -> bool:
    """Whether Slack itself wrote the message (joins, topic changes, pins, ...)."""
    return message.subtype in SYSTEM_SUBTYPES


def _reactions(value: object) -> tuple[Reaction, ...]:
    people: dict[str, set[str]] = {}
    for item in map(_dict, _list(value)):
        name = _str(item.get("name"))
        users = {user for user in _list(item.get("users")) if isinstance(user, str) and user}
        if name and users:
            people.setdefault(name, set()).update(users)
    return tuple(Reaction(name=name, users=tuple(sorted(people[name]))) for name in sorted(people))


def _other_text(payload: Json, text: str, by_bot: bool) -> str:
    """What blocks, attachments and files say, if `text` does not say it."""
    if text.strip() and not by_bot:
        return ""  # a person's blocks repeat the text; attachments are then unfurled links
    lines = [line for line in _lines(payload) if line.strip()]
    flat = "\n".join(lines).strip()
    if text.strip() and len(flat) <= len(text):
        return ""
    return flat


def _lines(payload: Json, depth: int = 0) -> Iterator[str]:
    if depth > _DEEP:
        return
    for block in _list(payload.get("blocks")):
        yield from _block(_dict(block), depth + 1)
    for attachment in map(_dict, _list(payload.get("attachments"))):
        yield from _attachment(attachment, depth + 1)
    for file in map(_dict, _list(payload.get("files"))):
        name = _str(file.get("title")) or _str(file.get("name"))
        if name:
            yield f"[file: {name}]"


def _attachment(attachment: Json, depth: int) -> Iterator[str]:
    said = [_str(attachment.get("pretext"))]
    title, link = _str(attachment.get("title")), _str(attachment.get("title_link"))
    said.append(f"<{link}|{title}>" if title and link else title)
    said.append(_str(attachment.get("text")))
    for field in map(_dict, _list(attachment.get("fields"))):
        said.append(": ".join(part for part in (_str(field.get("title")), _str(field.get("value"))) if part))
    said += _lines(attachment, depth)
    if not any(said):
        said.append(_str(attachment.get("fallback")))
    yield from said


def _block(block: Json, depth: int) -> Iterator[str]:
    kind = block.get("type")
    if depth > _DEEP or kind in ("actions", "divider", "input"):
        return
    if kind == "rich_text":
        for element in map(_dict, _list(block.get("elements"))):
            yield from _rich(element, depth + 1)
        return
    yield _text(block.get("text"))
    for field in _list(block.get("fields")):
        yield _text(field)
    if kind == "context":
        yield " ".join(filter(None, (_text(element) for element in _list(block.get("elements")))))
    if kind in ("image", "video"):
        yield _text(block.get("title")) or _str(block.get("alt_text"))
    for row in _list(block.get("rows")):
        cells = (" ".join(_block(_dict(cell), depth + 1)).strip() for cell in _list(row))
        yield " | ".join(filter(None, cells))


def _rich(element: Json, depth: int) -> Iterator[str]:
    """One part of a rich text block, as the mrkdwn that Slack itself would make of it."""
    if depth > _DEEP:
        return
    parts = [_dict(part) for part in _list(element.get("elements"))]
    kind = element.get("type")
    if kind == "rich_text_list":
        for part in parts:
            yield from (f"• {line}" for line in _rich(part, depth + 1))
        return
    line = "".join(map(_inline, parts))
    if kind == "rich_text_quote":
        line = "\n".join(f"> {piece}" for piece in line.split("\n"))
    elif kind == "rich_text_preformatted":
        line = f"```\n{line}\n```"
    yield line


def _inline(part: Json) -> str:
    match part.get("type"):
        case "link":
            url, label = _str(part.get("url")), _str(part.get("text"))
            return f"<{url}|{label}>" if label else f"<{url}>"
        case "user":
            return f"<@{_str(part.get('user_id'))}>"
        case "channel":
            return f"<#{_str(part.get('channel_id'))}>"
        case "usergroup":
            return f"<!subteam^{_str(part.get('usergroup_id'))}>"
        case "broadcast":
            return f"<!{_str(part.get('range'))}>"
        case "emoji":
            return f":{_str(part.get('name'))}:"
        case "date":
            return _str(part.get("fallback"))
        case _:
            # Plain here, mrkdwn there: what a person typed must not turn into markup.
            return _str(part.get("text")).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(value: Any) -> str:
    """The text of a text object, or of an image element; a bare string stands for itself."""
    if isinstance(value, str):
        return value
    item = _dict(value)
    return _str(item.get("text")) or _str(item.get("alt_text"))


def _str(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
