"""Outside words inside Markdown of ours: shown as they were written, never taken for markup. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from integration.communicator import cut
from integration.mrkdwn import URL, clean, is_absolute

_MARKUP = re.compile(r"[\\`*_\[\]|~]")
_LINE_START = re.compile(r"^(?:[#+=-]|\d+(?=[.)]))")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_IN_ADDRESS = {
    "(": "%28",
    ")": "%29",
    "<": "%3C",
    ">": "%3E",
    "|": "%7C",
    "\\": "%5C",
    "[": "%5B",
    "]": "%5D",
}


def one_line(text: str, limit: int) -> str:
    """Plain words on one line, at most `limit` characters."""
    return cut(" ".join(clean(text).split()), limit)


def inline(text: str) -> str:
    """Words within a line, a list item or a table cell. Addresses become links; all else is escaped."""
    line = " ".join(clean(text).split())
    parts: list[str] = []
    last = 0
    for found in URL.finditer(line):
        if is_absolute(found.group()):
            parts += [_escaped(line[last : found.start()]), link(found.group(), found.group())]
            last = found.end()
    return _guard_start("".join([*parts, _escaped(line[last:])]))


def link(url: str, label: str) -> str:
    """A link to an absolute address; any other leaves only the label."""
    shown = _escaped(" ".join(clean(label).split()))
    if not is_absolute(url):
        return _guard_start(shown)
    address = "".join(_IN_ADDRESS.get(c, c) for c in url)
    return f"[{shown}]({_ENTITY.sub('&amp;', address)})"


def row(cells: Sequence[str]) -> str:
    """A table row of cells that are Markdown already."""
    return "| " + " | ".join(cells) + " |"


def table(header: Sequence[str], rows: Iterable[str]) -> str:
    return "\n".join([row(header), row(["---"] * len(header)), *rows])


def fitting(lines: Iterable[str], entries: int, size: int) -> list[str]:
    """The first of `lines`: at most `entries`, and at most `size` bytes together."""
    found: list[str] = []
    for line in lines:
        size -= len(line.encode()) + 1
        if size < 0 or len(found) >= entries:
            break
        found.append(line)
    return found


def moment(at: datetime) -> str:
    """`2026-01-31 09:05:07`, in UTC."""
    return utc(at).strftime("%Y-%m-%d %H:%M:%S")


def utc(at: datetime) -> datetime:
    """A time without a zone counts as UTC."""
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _escaped(text: str) -> str:
    # Entities rather than backslashes for these: whatever reads it, they are no HTML.
    marked = _MARKUP.sub(r"\\\g<0>", text.replace("&", "&amp;"))
    return marked.replace("<", "&lt;").replace(">", "&gt;")


def _guard_start(text: str) -> str:
    return _LINE_START.sub(
        lambda found: f"{found.group()}\\" if found.group().isdigit() else f"\\{found.group()}", text
    )
