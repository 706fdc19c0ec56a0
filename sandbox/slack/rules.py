"""Slack's rules for names, texts, blocks and metadata, with its own error codes.

Sizes: docs.slack.dev, reference of blocks and of chat.*; what is undocumented is marked so.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from sandbox.slack.errors import SlackError
from sandbox.world import Json

NAME_MAX = 80
TOPIC_MAX = 250
TEXT_MAX = 40_000  # longer is cut, with the warning message_truncated
UPDATE_TEXT_MAX = 4_000
MARKDOWN_MAX = 12_000
BLOCKS_MAX = 50
VIEW_BLOCKS_MAX = 100
ALL_BLOCKS_MAX = 13_200  # undocumented; reported by developers, see slackapi/bolt-js issue 2509
ATTACHMENTS_MAX = 100
METADATA_MAX = 16_000  # unpublished: our assumption
VIEW_MAX = 250_000

_BLOCK_TYPES = {
    "actions",
    "alert",
    "call",
    "card",
    "carousel",
    "context",
    "context_actions",
    "divider",
    "file",
    "header",
    "image",
    "input",
    "markdown",
    "plan",
    "rich_text",
    "section",
    "table",
    "task_card",
    "video",
}
_ESCAPED = re.compile(r"&(?!amp;|lt;|gt;)")
_MARKUP = re.compile(r"<(?:[@#!][^<>\s][^<>]*|(?:https?|mailto|tel):[^<>\s]+(?:\|[^<>]*)?)>")
_URL = re.compile(r"https?://[^\s<>|]*[^\s<>|.,;:!?)\]}'\"]")


def check_name(name: str) -> None:
    """A channel name: at most 80 lowercase letters, digits, `-` and `_`, not punctuation alone."""
    if not name:
        raise SlackError("invalid_name_required")
    if len(name) > NAME_MAX:
        raise SlackError("invalid_name_maxlength")
    if not all(_may_name(c) for c in name):
        raise SlackError("invalid_name_specials")
    if not any(c.isalnum() for c in name):
        raise SlackError("invalid_name_punctuation")


def _may_name(c: str) -> bool:
    if c in "-_" or c.isdecimal():
        return True
    # Letters of any script, as long as they have no capital form of their own, and their marks.
    return unicodedata.category(c) in ("Ll", "Lo", "Lm", "Mn", "Mc")


def check_length(text: str, limit: int) -> None:
    if len(text) > limit:
        raise SlackError("too_long")


def wire_text(text: str) -> str:
    """Text as Slack stores it: `&`, `<`, `>` escaped outside its own markup, bare links in brackets."""
    parts: list[str] = []
    last = 0
    for found in _MARKUP.finditer(text):
        parts += [_plain(text[last : found.start()]), found.group()]
        last = found.end()
    return "".join([*parts, _plain(text[last:])])


def _plain(text: str) -> str:
    parts: list[str] = []
    last = 0
    for found in _URL.finditer(text):
        link = _ESCAPED.sub("&amp;", found.group())
        parts += [_escape(text[last : found.start()]), f"<{link}>"]
        last = found.end()
    return "".join([*parts, _escape(text[last:])])


def _escape(text: str) -> str:
    return _ESCAPED.sub("&amp;", text).replace("<", "&lt;").replace(">", "&gt;")


def read_blocks(value: Any, limit: int = BLOCKS_MAX, too_long: str = "msg_blocks_too_long") -> list[Json]:
    """Blocks from a list or from JSON text, checked; `too_long` is the method's word for too much text."""
    blocks = _decoded(value, "invalid_blocks_format")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise SlackError("invalid_blocks_format")
    problems = [p for at, block in enumerate(blocks) for p in _block_problems(block, f"/blocks/{at}")]
    if len(blocks) > limit:
        problems.append(f"no more than {limit} items allowed [json-pointer:/blocks]")
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(ids) != len(set(ids)):
        problems.append("block_id already exists [json-pointer:/blocks]")
    if problems:
        said = [f"[ERROR] {problem}" for problem in problems]
        raise SlackError("invalid_blocks", errors=problems, response_metadata={"messages": said})
    if sum(_text_size(block) for block in blocks) > ALL_BLOCKS_MAX:
        raise SlackError(too_long)
    return blocks


def _block_problems(block: Json, at: str) -> list[str]:
    kind = block.get("type")
    if kind not in _BLOCK_TYPES:
        return [f"unsupported type: {kind} [json-pointer:{at}/type]"]
    found: list[str] = _too_long(block.get("block_id"), 255, f"{at}/block_id")
    if kind == "section":
        if not block.get("text") and not block.get("fields"):
            found.append(f"missing required field: text [json-pointer:{at}]")
        if block.get("text") is not None:
            found += _text_object(block["text"], 3000, f"{at}/text")
        fields = block.get("fields") or []
        found += _count(fields, 10, f"{at}/fields")
        for i, one in enumerate(fields):
            found += _text_object(one, 2000, f"{at}/fields/{i}")
    elif kind == "header":
        found += _text_object(block.get("text"), 150, f"{at}/text", plain=True)
    elif kind == "markdown":
        found += _too_long(block.get("text"), MARKDOWN_MAX, f"{at}/text")
    elif kind == "image":
        found += _too_long(block.get("alt_text"), 2000, f"{at}/alt_text")
        found += _too_long(block.get("image_url"), 3000, f"{at}/image_url")
    elif kind == "context":
        found += _count(block.get("elements"), 10, f"{at}/elements", required=True)
    elif kind == "actions":
        found += _count(block.get("elements"), 25, f"{at}/elements", required=True)
        for i, element in enumerate(block.get("elements") or []):
            found += _element_problems(element, f"{at}/elements/{i}")
    elif kind == "input" and (not block.get("label") or not block.get("element")):
        found.append(f"missing required field: label or element [json-pointer:{at}]")
    return found


def _element_problems(element: Any, at: str) -> list[str]:
    if not isinstance(element, dict) or not element.get("type"):
        return [f"missing required field: type [json-pointer:{at}]"]
    found = _too_long(element.get("action_id"), 255, f"{at}/action_id")
    if element["type"] == "button":
        found += _text_object(element.get("text"), 75, f"{at}/text", plain=True)
        found += _too_long(element.get("value"), 2000, f"{at}/value")
        found += _too_long(element.get("url"), 3000, f"{at}/url")
    return found


def _text_object(value: Any, limit: int, at: str, plain: bool = False) -> list[str]:
    if not isinstance(value, dict):
        return [f"missing required field: text [json-pointer:{at}]"]
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if value.get("type") not in kinds:
        return [f"must be one of {', '.join(kinds)} [json-pointer:{at}/type]"]
    text = value.get("text")
    if not isinstance(text, str) or not text:
        return [f"must be more than 0 characters [json-pointer:{at}/text]"]
    return _too_long(text, limit, f"{at}/text")


def _too_long(value: Any, limit: int, at: str) -> list[str]:
    if isinstance(value, str) and len(value) > limit:
        return [f"must be less than {limit + 1} characters [json-pointer:{at}]"]
    return []


def _count(value: Any, limit: int, at: str, required: bool = False) -> list[str]:
    if not isinstance(value, list) or not value:
        return [f"no fewer than 1 items allowed [json-pointer:{at}]"] if required else []
    return [f"no more than {limit} items allowed [json-pointer:{at}]"] if len(value) > limit else []


def _text_size(value: Any) -> int:
    """Characters a reader sees: the `text` of the block and of everything in it."""
    if isinstance(value, dict):
        return sum(
            len(inner) if key == "text" and isinstance(inner, str) else _text_size(inner)
            for key, inner in value.items()
        )
    return sum(_text_size(inner) for inner in value) if isinstance(value, list) else 0


def read_attachments(value: Any) -> list[Json]:
    attachments = _decoded(value, "invalid_arguments")
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise SlackError.arguments("attachments must be an array of objects")
    if len(attachments) > ATTACHMENTS_MAX:
        raise SlackError("too_many_attachments")
    return attachments


def read_metadata(value: Any) -> Json:
    """`{event_type, event_payload}`: docs.slack.dev/messaging/message-metadata."""
    metadata = _decoded(value, "invalid_metadata_format")
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(kind, str) or not kind or not isinstance(payload, dict):
        raise SlackError("invalid_metadata_format")
    if set(metadata) - {"event_type", "event_payload", "entities"}:
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata)) > METADATA_MAX:
        raise SlackError("metadata_too_large")
    return metadata


def _decoded(value: Any, error: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise SlackError(error) from None
