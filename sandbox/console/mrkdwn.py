"""Slack's mrkdwn as HTML that is safe to show: everything that is not markup of Slack's is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape

from markupsafe import Markup

Name = Callable[[str], str]
"""The display name behind a Slack id (user, channel or user group)."""

EMOJI = {
    "+1": "👍",
    "-1": "👎",
    "bell": "🔔",
    "bug": "🐛",
    "bulb": "💡",
    "chart_with_downwards_trend": "📉",
    "chart_with_upwards_trend": "📈",
    "clipboard": "📋",
    "dart": "🎯",
    "exclamation": "❗",
    "eyes": "👀",
    "fire": "🔥",
    "fire_engine": "🚒",
    "hammer": "🔨",
    "hammer_and_wrench": "🛠️",
    "heavy_check_mark": "✔️",
    "hourglass": "⌛",
    "information_source": "ℹ️",
    "link": "🔗",
    "lock": "🔒",
    "mag": "🔍",
    "mega": "📣",
    "memo": "📝",
    "movie_camera": "🎥",
    "pushpin": "📌",
    "question": "❓",
    "red_circle": "🔴",
    "robot_face": "🤖",
    "rocket": "🚀",
    "rotating_light": "🚨",
    "scales": "⚖️",
    "speech_balloon": "💬",
    "tada": "🎉",
    "telephone_receiver": "📞",
    "thumbsup": "👍",
    "thumbsdown": "👎",
    "traffic_light": "🚦",
    "video_camera": "📹",
    "warning": "⚠️",
    "white_check_mark": "✅",
    "wrench": "🔧",
    "x": "❌",
    "zap": "⚡",
}

_CODES = re.compile(r"```(.+?)```|`([^`\n]+)`", re.DOTALL)
_ANGLE = re.compile(r"<([^<>\n]+)>")
SHORT_NAME = re.compile(r":([a-z0-9_+-]+):")
_STYLES = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), "strong"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), "em"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), "s"),
)
_STASHED = re.compile("\ue000(\\d+)\ue001")
_PRIVATE = re.compile("[\ue000\ue001]")
_SAFE_LINK = ("http://", "https://", "mailto:")


def emoji(name: str) -> str:
    """The character for a short name, or the name in colons."""
    return EMOJI.get(name.split("::")[0], f":{name}:")


def link(url: str, label: str = "") -> Markup:
    """An anchor for web and mail addresses; anything else is shown as text."""
    shown = escape(label or url.removeprefix("mailto:"))
    if not url.lower().startswith(_SAFE_LINK):
        return Markup(shown)
    return Markup(f'<a href="{escape(url)}" rel="noopener noreferrer" target="_blank">{shown}</a>')


def html(text: str, name: Name) -> Markup:
    """mrkdwn as HTML. Angle brackets that Slack would have escaped are taken for its markup."""
    stash: list[str] = []

    def put(fragment: str) -> str:
        stash.append(fragment)
        return f"\ue000{len(stash) - 1}\ue001"

    def code(found: re.Match[str]) -> str:
        block, inline = found.groups()
        if block is not None:
            return put(f"<pre>{escape(unescape(block.strip(chr(10))))}</pre>")
        return put(f"<code>{escape(unescape(inline))}</code>")

    source = _CODES.sub(code, _PRIVATE.sub("", text))
    source = _ANGLE.sub(lambda found: put(_angle(found[1], name)), source)
    source = escape(unescape(source))
    source = SHORT_NAME.sub(lambda found: escape(emoji(found[1])), source)
    for pattern, tag in _STYLES:
        source = pattern.sub(rf"<{tag}>\1</{tag}>", source)
    lines = [
        f"<blockquote>{line[4:].lstrip()}</blockquote>" if line.startswith("&gt;") else line + "<br>"
        for line in source.split("\n")
    ]
    joined = "".join(lines).removesuffix("<br>")
    return Markup(_unstash(joined, stash))


def _unstash(text: str, stash: list[str]) -> str:
    """Put stashed fragments back; one may hold others (a link label with code)."""
    while _STASHED.search(text):
        text = _STASHED.sub(lambda found: stash[int(found[1])], text)
    return text


def _angle(inside: str, name: Name) -> str:
    target, _, label = inside.partition("|")
    label = unescape(label)
    if target.startswith("@"):
        return f'<span class="mention">@{escape(label or name(target[1:]))}</span>'
    if target.startswith("#"):
        return f'<span class="mention">#{escape(label or name(target[1:]))}</span>'
    if target.startswith("!date^"):
        return escape(label or target)
    if target.startswith("!"):
        word = label or "@" + target[1:].split("^")[0]
        return f'<span class="mention">{escape(word)}</span>'
    return str(link(unescape(target), label))
