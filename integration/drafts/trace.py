"""What each sentence of a generated text rests on, and what in it rests on nothing.

A sentence rests on the notes and properties whose words it says. In none of them, a number, a name or one
of the claims that people hold us to (that it is over, what caused it, who is not affected, that nothing
was lost) was made up, and the text is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from integration.drafts.claims import CLAIMS
from integration.drafts.facts import Source, sentences
from integration.models.base import Value

TEMPLATE = "template"
"""What rests on the words of the template itself, which a person has written."""

_WORD = re.compile(r"[^\W_][\w'’.@/:+-]*[^\W_]|[^\W_]")
_LINK = re.compile(r"\]\((\S+?)\)|https?://\S+")
_LINE_MARK = re.compile(r"^\s*(?:[-*>#]+\s+|\d{1,3}[.)]\s+)*")
_HEADING = re.compile(r"^\s*(?:#{1,6}\s.*|\*\*[^*]+\*\*:?|__[^_]+__:?)\s*$")
_COUNTING = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_NUMBERS: Mapping[str, str] = {word: str(number) for number, word in enumerate(_COUNTING)}
COMMON = frozenset(
    """
    a an and are as at be been by can do for from has have he if in is it its me no not of on or our she so
    than that the their them then there these they this to us was we were what when which who will with you
    your
    """.split()  # noqa: SIM905 - prose reads better
)


class Sentence(Value):
    """One sentence, the ids of what it rests on, and what in it rests on nothing."""

    text: str
    sources: tuple[str, ...] = ()
    untraced: tuple[str, ...] = ()


def trace(text: str, sources: Sequence[Source], frame: str = "") -> tuple[Sentence, ...]:
    """The sentences of `text`; headings are none. `frame`: the fixed words of the template."""
    known = [(source.id, said_in(source.text)) for source in sources]
    fixed = said_in(frame)
    everything = frozenset().union(fixed, *(said for _, said in known))
    told = " ".join([frame, *(source.text for source in sources)])
    found: list[Sentence] = []
    for line in text.splitlines():
        if _HEADING.match(line):
            continue
        for one in sentences(_LINE_MARK.sub("", line)):
            if any(character.isalnum() for character in one):
                found.append(_traced(one, known, fixed, everything, told))
    return tuple(found)


def _traced(
    sentence: str,
    known: Sequence[tuple[str, frozenset[str]]],
    fixed: frozenset[str],
    everything: frozenset[str],
    told: str,
) -> Sentence:
    untraced = [word for word in _checked(sentence) if not _covered(word, everything)]
    untraced += [
        f"a claim {name}: {said[0]}"
        for name, pattern in CLAIMS.items()
        if (said := pattern.search(sentence)) and not pattern.search(told)
    ]
    ids = _rests_on(said_in(sentence), known, fixed)
    if not ids:
        if said_in(sentence) <= fixed:
            ids = (TEMPLATE,)
        else:
            untraced.append("nothing that was noted says this")
    return Sentence(text=sentence, sources=ids, untraced=tuple(dict.fromkeys(untraced)))


def _rests_on(
    said: frozenset[str], known: Sequence[tuple[str, frozenset[str]]], fixed: frozenset[str]
) -> tuple[str, ...]:
    """The fewest sources that say what this sentence says, the one that says most first."""
    # The template's own words count for a source only where nothing else in the sentence does.
    left = said - fixed - COMMON or said - COMMON
    found: list[str] = []
    while left:
        best, words = max(
            known, key=lambda one: (len(left & one[1]), -len(one[1])), default=("", frozenset())
        )
        if not left & words:
            break
        found.append(best)
        left -= words
    return tuple(found)


def _checked(sentence: str) -> list[str]:
    """The numbers and names of a sentence."""
    bare = _LINK.sub(" ", sentence)
    found = [word for word in _words(bare) if any(character.isdigit() for character in word)]
    found += [link[1] or link[0] for link in _LINK.finditer(sentence)]
    for number, word in enumerate(_words(bare)):
        inside = word[1:] != word[1:].lower() or re.search(r"\w[._/@:]\w", word) is not None
        # What begins a sentence is capitalised anyway.
        if inside or (number > 0 and word[:1].isupper()) or word.casefold() in _NUMBERS:
            found.append(word)
    return list(dict.fromkeys(found))


def _covered(word: str, everything: frozenset[str]) -> bool:
    forms = _forms(word)
    return bool(forms & everything)


def said_in(text: str) -> frozenset[str]:
    """The words of a text and its links, in the forms in which they may be written elsewhere."""
    bare = _LINK.sub(lambda found: " ", text)
    links = {form for link in _LINK.finditer(text) for form in _forms(link[1] or link[0])}
    return frozenset(form for word in _words(bare) for form in _forms(word)) | links


def _words(text: str) -> list[str]:
    return [word.strip(".:'’-/") for word in _WORD.findall(text)]


def _forms(word: str) -> frozenset[str]:
    """A word as it may be written elsewhere: case, plural, number words, separators of thousands."""
    plain = word.casefold().strip(".,;:!?)(]['\"…")
    forms = {plain, _NUMBERS.get(plain, plain)}
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+", plain):
        forms.add(plain.replace(",", ""))
    if plain.endswith("'s") or plain.endswith("’s"):
        forms.add(plain[:-2])
    elif len(plain) > 3 and plain.endswith("s") and plain.isalpha():
        forms.add(plain[:-1])
    return frozenset(forms)


def untraced(found: Iterable[Sentence]) -> list[str]:
    """What rests on nothing, with its sentence, for a person."""
    return [f"{what} in “{one.text[:160]}”" for one in found for what in one.untraced]
