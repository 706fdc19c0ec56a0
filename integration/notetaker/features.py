"""What the learned part of the classifier looks at: the form of a message, its place, its word pieces.

Features are names or numbers of buckets with a value. Word pieces are hashed: the file of weights tells
nobody which words it was learned from, and a word never seen shares its pieces with known ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from zlib import crc32

from integration.models.slack import Message
from integration.notetaker import form

BUCKETS = 8192
_PIECES = range(2, 6)  # characters of a word piece, word ends included
_WORDS = 80  # words; what a message is about is said at its start
_WORD = re.compile(r"[a-z']+|\d+|[?!%]")
_ME = re.compile(r"\b(?:i|i'm|i'll|i'd|i've|we|we're|we'll|you|my|our|me)\b")
_LENGTHS = ((2, "words to 2"), (5, "words to 5"), (10, "words to 10"), (20, "words to 20"))
_PAUSES = ((60.0, "within a minute"), (600.0, "within ten minutes"), (3600.0, "within the hour"))


def shown(
    message: Message, text: str, prose: str, previous: Sequence[Message], parent: Message | None
) -> Iterator[str]:
    """The named features that a message shows. `prose` as the rules read it, the rest as in `Context`."""
    words = prose.count(" ") + 1 if prose else 0
    yield next((name for most, name in _LENGTHS if words <= most), "words to 50" if words <= 50 else "long")
    ending = text.rstrip()
    starts_upper, ends_full = text[:1].isupper(), ending.endswith((".", ":"))
    if "?" in text:
        yield "asks at the end" if ending.endswith("?") else "asks"
    if form.CODE.search(text):
        yield "code"
    elif "`" in text:
        yield "a name in code"
    for sign, name in (("http", "link"), ("%", "percent"), ("!", "exclaims")):
        if sign in text:
            yield name
    if any(map(str.isdigit, prose)):
        yield "number"
    yield "capital" if starts_upper else "no capital"
    if ends_full:
        yield "full stop"
    if not starts_upper and not ends_full:
        yield "chatty"
    if _ME.search(prose):
        yield "speaks of people present"
    if message.bot_id or message.subtype == "bot_message":
        yield "bot"
    if parent is not None:
        yield "reply"
    if not previous:
        yield "first"
        return
    if len(previous) < 3:
        yield "early"
    before = previous[-1]
    if (message.user, message.bot_id) == (before.user, before.bot_id):
        yield "same author"
    if before.text.rstrip().endswith("?"):
        yield "after a question"
    pause = float(message.ts) - float(before.ts)
    yield next((name for most, name in _PAUSES if pause < most), "after a long pause")


def words_of(prose: str) -> list[str]:
    """The distinct words that count, in order; every number is the same word."""
    found = dict.fromkeys("0" if word[0].isdigit() else word[:30] for word in _WORD.findall(prose[:2000]))
    return list(found)[:_WORDS]


@lru_cache(maxsize=20_000)
def pieces(word: str) -> tuple[int, ...]:
    """The buckets of a word: itself and its pieces."""
    marked = f" {word} "
    grams = {marked} | {
        marked[start : start + size] for size in _PIECES for start in range(len(marked) - size + 1)
    }
    return tuple(sorted({crc32(gram.encode()) % BUCKETS for gram in grams}))


def scale(count: int) -> float:
    """What each of `count` words weighs: long messages are not more sure of themselves than short ones."""
    return 1.0 / math.sqrt(count) if count else 0.0
