"""A text as a reader understands it, and where each character stood: `db-1[.]corp`, full-width digits,
invisible characters and entities hide nothing from a person, so they must hide nothing from a rule."""

from __future__ import annotations

import html
import re
import unicodedata
from array import array

_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
)
_OPEN, _CLOSE = r"[\[({<]", r"[\])}>]"
_ODD = re.compile(
    rf"(?P<none>[{_INVISIBLE}\u0300-\u036f])"
    rf"|\s?{_OPEN}\s?(?:\.|dot)\s?{_CLOSE}\s?(?=\w)(?P<dot>)"
    rf"|\s?{_OPEN}\s?(?:@|at)\s?{_CLOSE}\s?(?=\w)(?P<at>)"
    r"|(?<=\w) (?:at|AT) (?=[\w-]{1,63} (?:dot|DOT) \w)(?P<said_at>)"
    r"|(?<=\w) (?:dot|DOT) (?=\w{2,24}\b)(?P<said_dot>)"
    rf"|{_OPEN}:(?://)?{_CLOSE}(?P<colon>)"
    r"|(?<![a-z])h(?:xx|tt\*|XX)p(?=s?(?::|\[))(?P<scheme>)"
    r"|(?P<entity>&(?:lt|gt|amp|quot|nbsp|apos|period|colon|commat|#\d{1,6}|#x[0-9a-fA-F]{1,5});)"
    r"|(?P<wide>[^\x00-\x7f])",
    re.I,
)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2212\ufe63\uff0d", "-"))


class Plain:
    """`text`: plain words; `span` gives the place in the original of a place in it."""

    def __init__(self, original: str) -> None:
        self.original = original
        self._starts: array[int] | None = None
        self._ends: array[int] | None = None
        self.text = self._read(original)

    def span(self, start: int, end: int) -> tuple[int, int]:
        if self._starts is None or self._ends is None:
            return start, end
        return self._starts[start], self._ends[end - 1]

    def _read(self, original: str) -> str:
        odd = list(_ODD.finditer(original))
        if not odd:
            return original
        parts: list[str] = []
        starts, ends = array("q"), array("q")
        done = 0
        for match in odd:
            first, last = match.span()
            parts.append(original[done:first])
            starts.extend(range(done, first))
            ends.extend(range(done + 1, first + 1))
            meant = _meant(match)
            parts.append(meant)
            starts.extend([first] * len(meant))
            ends.extend([last] * len(meant))
            done = last
        parts.append(original[done:])
        starts.extend(range(done, len(original)))
        ends.extend(range(done + 1, len(original) + 1))
        self._starts, self._ends = starts, ends
        return "".join(parts)


def _meant(match: re.Match[str]) -> str:
    said = match.group(0)
    match match.lastgroup:
        case "none":
            return ""
        case "dot" | "said_dot":
            return "."
        case "at" | "said_at":
            return "@"
        case "colon":
            return said[1:-1]
        case "scheme":
            return "http"
        case "entity":
            meant = html.unescape(said)
            return meant if len(meant) == 1 and meant.isprintable() else said
        case _:
            meant = unicodedata.normalize("NFKC", said).translate(_DASHES)
            # One character that stands for many is no disguise of a name or an address.
            return meant if len(meant) <= 3 else said


def folded(text: str) -> str:
    """Without case and accents, at the same length, so that places stay the same."""
    if text.isascii():
        return text.lower()
    return "".join(_fold(char) for char in text)


def _fold(char: str) -> str:
    if char < "\x80":
        return char.lower()
    base = unicodedata.normalize("NFD", char)[0].lower()
    return base if len(base) == 1 else char
