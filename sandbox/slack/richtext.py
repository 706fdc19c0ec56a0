"""The block that Slack's own client makes of what a person types, from the text as Slack stores it.

Mentions, links and emoji become elements of their own and the rest plain text, unescaped. Bold, code,
quotes and lists stay as they were typed: nobody needs them as elements here.
"""

from __future__ import annotations

import html
import re

from sandbox.world import Json

_PART = re.compile(
    r"<@(?P<user>[A-Z0-9]+)(?:\|[^<>]*)?>"
    r"|<#(?P<channel>[A-Z0-9]+)(?:\|[^<>]*)?>"
    r"|<!subteam\^(?P<group>[A-Z0-9]+)(?:\|[^<>]*)?>"
    r"|<!(?P<range>here|channel|everyone)(?:\|[^<>]*)?>"
    r"|<(?P<url>(?:https?|mailto|tel):[^<>|\s]+)(?:\|(?P<label>[^<>]*))?>"
    r"|(?<![\w:]):(?P<emoji>(?=[0-9_+-]*[a-z])[a-z0-9_+-]+):(?![\w:])"
)


def rich_text(block_id: str, text: str) -> list[Json]:
    """`text` with Slack's escapes and markup, as one rich_text block."""
    elements: list[Json] = []
    last = 0
    for found in _PART.finditer(text):
        elements += _plain(text[last : found.start()])
        elements.append(_element(found))
        last = found.end()
    elements += _plain(text[last:])
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": block_id, "elements": [section]}]


def mentions(text: str, user: str) -> bool:
    return any(found["user"] == user for found in _PART.finditer(text))


def _plain(text: str) -> list[Json]:
    return [{"type": "text", "text": html.unescape(text)}] if text else []


def _element(found: re.Match[str]) -> Json:
    if user := found["user"]:
        return {"type": "user", "user_id": user}
    if channel := found["channel"]:
        return {"type": "channel", "channel_id": channel}
    if group := found["group"]:
        return {"type": "usergroup", "usergroup_id": group}
    if reach := found["range"]:
        return {"type": "broadcast", "range": reach}
    if url := found["url"]:
        label = found["label"]
        return {"type": "link", "url": html.unescape(url)} | ({"text": html.unescape(label)} if label else {})
    return {"type": "emoji", "name": found["emoji"]}
