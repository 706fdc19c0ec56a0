"""The built-in classifier: what kind of note is this, and how sure are we.

Works offline and explains itself: a message collects points per kind from cues in its wording, its form,
its author and what was said before. The cues are in `cues` (wording) and `form` (the rest), set by hand
from how English is used in incidents. `learned` weighs these points anew, together with the form of the
message, its place in the conversation and the pieces of its words; the kind with most points wins, and
the distance to the rest is the confidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from integration.models.note import NOTE_KINDS, NoteKind
from integration.models.slack import Message
from integration.notetaker import features, form, learned
from integration.notetaker.cues import WORDING

_READ = 1500  # characters; what a message is about is said at its start
_OPENING = 140  # characters: the first sentence says what the message is, the rest explains it
_LATER = 0.6
_SUREST = 0.95
# A note whose kind was found with this confidence may be shown without a question mark: of such, at least
# four in five were right on incidents of teams that nothing was learned from (`make eval`).
SURE = 0.67
_MOST = 6.0  # one message repeating itself is not more evidence

Scores = dict[str, float]


class Verdict(NamedTuple):
    """`kind` is None for noise; `confidence` 0..1 that this is right."""

    kind: NoteKind | None
    confidence: float


class Evidence(NamedTuple):
    """What speaks for which kind: the rules' points, named features, words and what each of them weighs."""

    rules: Scores
    named: dict[str, float]
    words: list[str]
    scale: float


def classify(
    message: Message, text: str, previous: Sequence[Message] = (), parent: Message | None = None
) -> Verdict:
    """The kind of a message. `text` is its readable text; `previous` and `parent` as in `Context`."""
    found = evidence(message, text, previous, parent)
    return verdict(learned.points(*found))


def verdict(points: Scores) -> Verdict:
    """The kind with most points, and how likely it is the right one."""
    best = max(points, key=lambda kind: (points[kind], kind))
    total = sum(math.exp(score - points[best]) for score in points.values())
    kind = next((known for known in NOTE_KINDS if known == best), None)
    return Verdict(kind, round(min(_SUREST, 1 / total), 2))


def evidence(
    message: Message, text: str, previous: Sequence[Message] = (), parent: Message | None = None
) -> Evidence:
    """What the message, its author and the lines before say about its kind."""
    head = text[:_READ]
    prose = _prose(head)
    scores: Scores = {**dict.fromkeys(NOTE_KINDS, 0.0), "noise": 0.0, "finding": 0.5, "update": 0.2}
    shape, opening = form.shape(head, prose), form.opening(prose)
    talk = _talk(message, prose, previous, parent)
    _add(scores, shape)
    for cue in WORDING:
        if match := cue.pattern.search(prose):
            _add(scores, cue.points, 1.0 if match.start() < _OPENING else _LATER)
    _add(scores, opening)
    if message.bot_id or message.subtype == "bot_message":
        _add(scores, form.alert(prose))
    _add(scores, talk)
    named = dict.fromkeys(features.shown(message, head, prose, previous, parent), 1.0)
    for about, points in (("shape", shape), ("opening", opening), ("talk", talk)):
        named |= {f"{about} {kind}": value for kind, value in points.items()}
    words = features.words_of(prose)
    return Evidence(scores, named, words, features.scale(len(words)))


def _talk(message: Message, prose: str, previous: Sequence[Message], parent: Message | None) -> Scores:
    """What the lines before make of this one."""
    before = previous[-1] if previous else parent
    if before is None:
        # Somebody opens the room or the timeline: usually with what is wrong.
        return {"impact": 0.6}
    asked = before.text.rstrip().endswith("?") or form.ASKS.search(before.text[:_READ]) is not None
    other = (message.user, message.bot_id) != (before.user, before.bot_id)
    words = prose.split()
    if form.ASSENT.match(prose) and len(words) <= 8:
        if asked and other and form.PROPOSES.search(before.text[:_READ]):
            return {"decision": 2.6}
        if asked and other and len(words) >= 2:
            return {"finding": 1.0}
        return {"noise": 1.6}
    if asked and other and not prose.rstrip().endswith("?"):
        return {"finding": 0.7, "noise": -0.3}
    return {}


def _prose(text: str) -> str:
    """What a person wrote, in lower case: without code, quotes of others, addresses and emoji codes."""
    return form.SPACE.sub(" ", form.NOT_PROSE.sub(" ", text)).strip().lower().replace("’", "'")


def _add(scores: Scores, points: Scores, weight: float = 1.0) -> None:
    for kind, more in points.items():
        scores[kind] = min(scores[kind] + weight * more, _MOST)
