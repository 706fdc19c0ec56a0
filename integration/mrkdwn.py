"""Markdown as people write it, in the dialect that Slack reads (mrkdwn). Pure.

markdown-it parses; what is written from its tokens are Slack's few marks. All text is escaped, so the
only `<` in the result opens a link that we made, and nothing a person wrote can mention anybody:
https://docs.slack.dev/messaging/formatting-message-text#escaping. `@channel` as plain words is no mention
either, but it becomes one when somebody copies it, so a word joiner parts the sign from the word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from integration.communicator import cut, escape

LINK_LIMIT = 1500  # a longer address is shown as words: a link is never cut in two
JOINER = "\u2060"
_MASS = r"(?:channel|here|everyone|group)\b"
# `dana@here.example.com` is an address; everything else of this form could be meant as a mention.
_MASS_MENTION = re.compile(rf"(?<!\w)@(?={_MASS})|@(?={_MASS}(?!\.\w))", re.IGNORECASE)
_FORGED = re.compile(r"<(?=[@#!])")
URL = re.compile(r"\bhttps?://[^\s<>\"|\\^`{}]*[^\s<>\"|\\^`{}.,;:!?)\]'*_~]", re.IGNORECASE)
# Stricter than CommonMark, to which a mention of Slack with a label is a mail address.
_ADDRESS = re.compile(r"[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+")
# Controls, and bidirectional overrides, which let a title pretend to be another one.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_RULE = "──────────"
_QUOTE = "> "


class Parser(MarkdownIt):
    """CommonMark with tables and strikethrough, without raw HTML; only absolute links are links."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False, "breaks": True})
        self.enable(["table", "strikethrough"])

    def validateLink(self, url: str) -> bool:  # the name is markdown-it's
        return is_absolute(url)


def is_absolute(url: str) -> bool:
    """Whether `url` leads somewhere by itself: http, https with a host, or a mail address."""
    if any(c.isspace() or not c.isprintable() for c in url):
        return False  # urlsplit leaves some of these out without a word
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (parts.scheme in ("http", "https") and bool(parts.netloc)) or (
        parts.scheme == "mailto" and _ADDRESS.fullmatch(parts.path) is not None
    )


@dataclass(frozen=True)
class Piece:
    """A stretch of mrkdwn that reads well alone; `code` ones are preformatted, without their fences."""

    text: str
    code: bool = False
    tight: bool = False  # follows the piece before without an empty line


def clean(text: str) -> str:
    """Without what no reader sees and no provider takes: controls, halves of characters, odd line ends."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATES.sub("\ufffd", _UNSEEN.sub("", lines))


def disarm(text: str, limit: int) -> str:
    """Words for a plain text field, which Slack does not parse but people copy: no mention in them."""
    shown = _no_mass_mention(_FORGED.sub(f"<{JOINER}", clean(text)))
    return _no_mass_mention(cut(shown, limit - 1)) if len(shown) > limit else shown


def plain(text: str) -> str:
    """Outside words inside mrkdwn: shown as they are, never obeyed."""
    return _no_mass_mention(escape(clean(text)))


def plain_cut(text: str, limit: int) -> str:
    """`plain`, at most `limit` characters, never cut within an escaped character."""
    shown = plain(text)
    if len(shown) <= limit:
        return shown
    # The cut itself can make a mention of `@heretic`.
    return _no_mass_mention(shown[: _cut_at(shown, limit - 2)] + "…")


def link(url: str, label: str) -> str:
    """A link; `label` is mrkdwn already. An address that is not absolute leaves the label alone."""
    if not is_absolute(url):
        return label
    address = _MASS_MENTION.sub("%40", url).replace("|", "%7C")
    address = escape(address.replace("<", "%3C").replace(">", "%3E"))
    words = label.replace("\n", " ").strip()
    if len(address) + len(words) > LINK_LIMIT:
        return words if words == address else f"{words} ({address})".strip()
    return f"<{address}|{words}>" if words and words != address else f"<{address}>"


def pieces(markdown: str) -> list[Piece]:
    """The text in mrkdwn, block by block."""
    text = clean(markdown)
    found = [piece for piece in _Writer().write(Parser().parse(text)) if piece.text.strip()]
    # A text can be all definitions of links that nothing uses: better its source than nothing.
    return found or [Piece(plain(text.strip()))]


def pack(found: Iterable[Piece], limit: int) -> list[list[Piece]]:
    """Pieces in groups whose `joined` text is at most `limit` characters each, in order."""
    groups: list[list[Piece]] = []
    for piece in found:
        for part in _split(piece, limit):
            if groups and len(joined([*groups[-1], part])) <= limit:
                groups[-1].append(part)
            else:
                groups.append([part])
    return groups


def joined(group: Sequence[Piece]) -> str:
    text = ""
    for piece in group:
        if text:
            text += "\n" if piece.tight else "\n\n"
        text += f"```\n{piece.text}\n```" if piece.code else piece.text
    # Cutting may have parted a sign from what stood before it.
    return _no_mass_mention(text)


def _no_mass_mention(text: str) -> str:
    return _MASS_MENTION.sub(f"@{JOINER}", text)


def _split(piece: Piece, limit: int) -> Iterator[Piece]:
    room = limit - 16  # fences, and word joiners that a cut makes necessary
    text, tight = piece.text, piece.tight
    while len(text) > room:
        at = _cut_at(text, room, whole_words=True)
        yield Piece(text[:at].rstrip(), piece.code, tight)
        text, tight = text[at:].lstrip("\n") if piece.code else text[at:].lstrip(), True
    if text:
        yield Piece(text, piece.code, tight)


def _cut_at(text: str, limit: int, whole_words: bool = False) -> int:
    """Where to cut so that at most `limit` characters stand before, and no link and no entity is cut."""
    at = limit
    if whole_words:
        for mark in ("\n", " "):
            found = text.rfind(mark, limit // 2, limit)
            if found > 0:
                at = found
                break
    opened = text.rfind("<", 0, at)
    if opened > text.rfind(">", 0, at) and opened > 0:
        at = opened
    amp = text.rfind("&", max(at - 4, 0), at)
    if amp > 0 and ";" not in text[amp:at]:
        at = amp
    return at


class _Writer:
    """Walks markdown-it's flat list of tokens; no recursion, so that no text is too deep."""

    def __init__(self) -> None:
        self._found: list[Piece] = []
        self._lists: list[int | None] = []  # the next number of each open list; None for bullets
        self._quotes = 0
        self._marker = ""  # of the list item whose first paragraph comes next
        self._rows: list[list[str]] | None = None

    def write(self, tokens: Sequence[Token]) -> list[Piece]:
        heading = False
        for token in tokens:
            match token.type:
                case "bullet_list_open":
                    self._lists.append(None)
                case "ordered_list_open":
                    self._lists.append(int(token.attrs.get("start", 1)))
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                case "list_item_open":
                    self._marker = self._next_marker()
                case "blockquote_open":
                    self._quotes += 1
                case "blockquote_close":
                    self._quotes -= 1
                case "heading_open" | "heading_close":
                    heading = token.type == "heading_open"
                case "table_open":
                    self._rows = []
                case "tr_open" if self._rows is not None:
                    self._rows.append([])
                case "table_close":
                    self._add_code(_table(self._rows or []))
                    self._rows = None
                case "fence" | "code_block":
                    self._add_code(token.content.rstrip("\n"))
                case "hr":
                    self._add(_RULE)
                case "inline" if self._rows:
                    self._rows[-1].append(_bare(token.children or []))
                case "inline":
                    text = _inline(token.children or [], bold=heading)
                    self._add(text)
        return self._found

    def _next_marker(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "• "
        self._lists[-1] = number + 1
        return f"{number}. "

    def _add(self, text: str) -> None:
        indent = "    " * max(len(self._lists) - 1, 0)
        hanging = "  " if self._lists else ""
        first = indent + (self._marker or hanging)
        quote = _QUOTE if self._quotes else ""
        lines = text.strip("\n").split("\n")
        shown = [quote + first + lines[0], *(quote + indent + hanging + line for line in lines[1:])]
        tight = bool(self._lists) and bool(self._found) and (not self._marker or not self._begins_list())
        self._found.append(Piece("\n".join(shown), tight=tight))
        self._marker = ""

    def _begins_list(self) -> bool:
        """Whether the piece before is no part of this list, so that an empty line stands between."""
        before = self._found[-1].text.lstrip("> ")
        return not before.startswith("• ") and not before[:1].isdigit() and not self._found[-1].tight

    def _add_code(self, code: str) -> None:
        # Slack knows no way to write three backticks within a code block.
        text = escape(code.replace("```", f"`{JOINER}`{JOINER}`"))
        self._found.append(Piece(text, code=True))
        self._marker = ""


def _inline(tokens: Sequence[Token], bold: bool = False) -> str:
    """One paragraph. Nested marks of one kind are written once: Slack knows no nesting of them."""
    marks = {"strong": "*", "em": "_", "s": "~"}
    depth = dict.fromkeys(marks, 0)
    if bold:
        depth["strong"] = 1  # a heading is bold as a whole
    out: list[str] = []
    href, before = "", out
    for token in tokens:
        name, _, side = token.type.partition("_")
        if name in marks and side in ("open", "close"):
            depth[name] += token.nesting
            if (depth[name], token.nesting) in ((1, 1), (0, -1)):
                out.append(marks[name])
        elif token.type == "link_open":
            href, before, out = str(token.attrs.get("href", "")), out, []
        elif token.type == "link_close":
            before.append(link(href, "".join(out)))
            href, out = "", before
        elif token.type == "image":
            shown = plain(token.content)
            source = str(token.attrs.get("src", ""))
            out.append(shown if href else link(source, shown))
        elif token.type == "code_inline":
            out.append(f"`{plain(token.content.replace('`', 'ˋ'))}`" if token.content.strip() else "")
        elif token.type in ("softbreak", "hardbreak"):
            out.append("\n")
        else:
            out.append(plain(token.content) if href else _with_links(token.content))
    text = "".join(out).strip()
    return f"*{text}*" if bold and text else text


def _with_links(text: str) -> str:
    """Bare addresses become links, since our blocks ask Slack to look for nothing by itself."""
    parts: list[str] = []
    last = 0
    for found in URL.finditer(text):
        if not is_absolute(found.group()):
            continue
        parts += [plain(text[last : found.start()]), link(found.group(), "")]
        last = found.end()
    return "".join([*parts, plain(text[last:])])


def _bare(tokens: Sequence[Token]) -> str:
    """A table cell: words alone."""
    return "".join(token.content or (" " if token.type.endswith("break") else "") for token in tokens)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, for a code block."""
    count = max((len(row) for row in rows), default=0)
    widths = [max((len(row[at]) for row in rows if at < len(row)), default=0) for at in range(count)]
    lines = (" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
