"""Slack's markup made readable, cut to size, and a title of one line."""

from __future__ import annotations

import re
from collections.abc import Mapping

TITLE_LENGTH = 100
CUT_MARK = "\n… [cut: the message goes on in Slack]"

_MARKUP = re.compile(r"<([^<>\n]{1,4000})>")
# Control characters have no place in a note; lone surrogates cannot be written as UTF-8.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
# Direction overrides and isolates: harmless in the text, but a title stands among other people's.
_DIRECTIONS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_LINE_START = re.compile(r"^(?:[>#•◦\-*–]+\s+|&gt;\s*|\d{1,3}[.)]\s+|>+)+")
_EMPHASIS = re.compile(r"(?<!\w)([*_~`]{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)")
_SENTENCE_END = re.compile(r"[.!?](?=\s)")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """Without characters that cannot be stored or shown; line ends as `\\n`."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _SURROGATES.sub("\ufffd", text)


def readable(text: str, names: Mapping[str, str]) -> str:
    """Slack's markup resolved: people, channels, groups, links and the three escapes.

    `names` gives a display name by user id; unknown ones keep their id. What a person typed literally
    arrives escaped (`&lt;@U1&gt;`), so it comes out as typed and is never taken for markup.
    """

    def resolve(match: re.Match[str]) -> str:
        target, _, label = match.group(1).partition("|")
        head, rest = target[:1], target[1:]
        if head == "@":
            return "@" + (names.get(rest) or label.lstrip("@") or rest)
        if head == "#":
            return "#" + (label or rest)
        if head == "!":
            name, _, argument = rest.partition("^")
            return label if label else "@" + (argument if name == "subteam" else name)
        if "://" in target or target.startswith(("mailto:", "tel:")):
            bare = target.partition(":")[2] if target.startswith(("mailto:", "tel:")) else target
            return bare if label in ("", bare, target) else f"{label} ({target})"
        return match.group(0)

    return _MARKUP.sub(resolve, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; what was left out is marked, within the limit."""
    return text if len(text) <= limit else text[: max(0, limit - len(CUT_MARK))].rstrip() + CUT_MARK


def title_of(text: str) -> str:
    """One line of at most 100 characters: the first sentence or line that says something."""
    head = _DIRECTIONS.sub("", text[:4000])
    for candidate in (_FENCE.sub("\n", head), head.replace("```", "\n")):
        for line in candidate.split("\n"):
            line = _SPACES.sub(" ", _EMPHASIS.sub(r"\2", _LINE_START.sub("", line[:600].strip()))).strip()
            if any(char.isalnum() for char in line):
                return _shorten(line)
    return _shorten(_SPACES.sub(" ", head).strip())


def _shorten(line: str) -> str:
    if len(line) <= TITLE_LENGTH:
        return line
    for end in _SENTENCE_END.finditer(line, 25, TITLE_LENGTH):
        return line[: end.end()]
    short = line[: TITLE_LENGTH - 1]
    space = short.rfind(" ")
    return (short[:space] if space > TITLE_LENGTH // 2 else short).rstrip(" ,;:-") + "…"
