"""The leak check: what a text says that its readers may not know, and the text without it.

Pure: no I/O, no clock. Linear in the text's length. The same text, audience and words give the same answer.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from integration import credentials
from integration.guards import names, places, references, traces
from integration.guards.leak import HIDDEN, KINDS, REASON, REPLACEMENT, Hit, Kind, Knows, Leak, Words
from integration.guards.plain import Plain

_ROUNDS = 4
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}
_ARTICLE = re.compile(r"(?:^|(?<=\W))(?:the|a|an|our|this|that)\s$", re.I)
# What looks like a key and is none of the forms: long, mixed, and not made of words.
_OPAQUE = re.compile(
    r"(?<![\w/+=.:-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[a-z])(?=[\w+/=-]*[A-Z])[\w+/-]{24,200}={0,2}(?![\w/+=-])"
)
_AWS_SECRET = re.compile(
    r"(?<![\w/+=.-])(?=[\w+/]{0,39}\d)(?=[\w+/]{0,39}[a-z])(?=[\w+/]{0,39}[A-Z])[A-Za-z0-9+/]{40}"
    r"(?![\w/+=-])"
)

_Span = tuple[int, int, Kind]


def leaks(text: str, *, knows: Knows, words: Words) -> tuple[Leak, ...]:
    """What an audience at this level may not see, in the order of the text; spans never overlap.

    `cleaned` of the result has no leaks for the same audience and words.
    """
    spans = _spans(text, knows, words)
    for _ in range(_ROUNDS):
        if not spans:
            return ()
        found = _told(text, spans)
        parts, more = _replaced(text, found)
        again = _spans(parts, knows, words)
        if not again:
            return found
        # What cleaning has pushed together, or laid bare: it belongs to the leak beside it.
        starts = [place[0] for place in more]
        spans = _merged([*spans, *(_back(span, found, more, starts) for span in again)])
    return _told(text, [(0, len(text), spans[0][2])])


def cleaned(text: str, leaks: Sequence[Leak]) -> str:
    """The text with every leak replaced by words that may be said."""
    return _replaced(text, leaks)[0]


def _spans(text: str, knows: Knows, words: Words) -> list[_Span]:
    plain = Plain(text)
    hidden = HIDDEN[knows]
    hits: list[_Span] = [
        (*plain.span(start, end), "secret") for start, end in _secrets(plain.text, knows) if end > start
    ]
    # A form may be broken by what the plain text leaves out, and the other way round.
    if plain.text != text:
        hits += [(start, end, "secret") for start, end in credentials.found(text) if end > start]
    if hidden != {"secret"}:
        allowed = frozenset(word.lower() for word in words.allowed)
        hits += [
            (*plain.span(hit.start, hit.end), hit.kind)
            for hit in _others(plain.text, words)
            if hit.kind in hidden and plain.text[hit.start : hit.end].lower() not in allowed
        ]
    return _merged(hits)


def _secrets(text: str, knows: Knows) -> Iterable[tuple[int, int]]:
    yield from credentials.found(text)
    for match in _AWS_SECRET.finditer(text):
        yield match.span()
    if knows != "technical":
        for match in _OPAQUE.finditer(text):
            if _opaque(match.group(0)):
                yield match.span()


def _opaque(token: str) -> bool:
    """Letters, digits and cases change all the time in a key, rarely in names made of words."""
    kinds = [0 if char.isdigit() else 1 if char.islower() else 2 if char.isupper() else 3 for char in token]
    changes = sum(one != two for one, two in pairwise(kinds))
    return changes >= len(token) * 0.4


def _others(text: str, words: Words) -> Iterable[Hit]:
    for finder in (places, references, traces, names):
        yield from finder.find(text, words)


def _merged(spans: Iterable[_Span]) -> list[_Span]:
    merged: list[_Span] = []
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            before = merged[-1]
            merged[-1] = (before[0], max(before[1], end), min(before[2], kind, key=_RANK.__getitem__))
        else:
            merged.append((start, end, kind))
    return merged


def _told(text: str, spans: Iterable[_Span]) -> tuple[Leak, ...]:
    return tuple(
        Leak(
            start=start,
            end=end,
            text=text[start:end],
            kind=kind,
            reason=REASON[kind],
            replacement=_instead(text, start, kind),
        )
        for start, end, kind in spans
    )


def _instead(text: str, start: int, kind: Kind) -> str:
    said = REPLACEMENT[kind]
    if _ARTICLE.search(text, max(0, start - 6), start):
        return said.removeprefix("an ").removeprefix("a ").removeprefix("our ")
    return said


def _replaced(text: str, found: Sequence[Leak]) -> tuple[str, list[tuple[int, int]]]:
    """The new text, and where each replacement stands in it as (start, end)."""
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    done = length = 0
    for leak in found:
        kept = text[done : leak.start]
        said = leak.replacement
        # Apart from what stands beside it, so that the two never read as one word.
        if leak.start and text[leak.start - 1].isalnum():
            said = " " + said
        if text[leak.end : leak.end + 1].isalnum():
            said += " "
        parts += [kept, said]
        places.append((length + len(kept), length + len(kept) + len(said)))
        length += len(kept) + len(said)
        done = leak.end
    parts.append(text[done:])
    return "".join(parts), places


def _back(
    span: _Span, found: Sequence[Leak], places: Sequence[tuple[int, int]], starts: Sequence[int]
) -> _Span:
    """A span of the cleaned text in terms of the original: replacements stand for all they replaced."""

    def original(at: int, end: bool) -> int:
        which = bisect_right(starts, at) - 1
        if which < 0:
            return at
        leak, (_, last) = found[which], places[which]
        if at < last or (end and at == last):
            return leak.end if end else leak.start
        return leak.end + at - last

    start, end = original(span[0], False), original(span[1], True)
    return start, max(start + 1, end), span[2]
