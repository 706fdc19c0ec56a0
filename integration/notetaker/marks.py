"""What people say about a message themselves: reactions, prefixes, pins. They outrank every guess.

The order, strongest first, the same whatever arrived first:

1. A "not a note" reaction by anybody: no note.
2. Kind reactions: the kind most people chose. Between equals the earlier of `PRECEDENCE` wins, which
   puts what a reader of the incident would miss most first.
3. A prefix in the text (`finding: ...`).
4. A pin: a note for sure, of the kind the classifier finds, or an update.

Reactions outrank the prefix because they come later, usually from somebody who corrects. Reactions of
our own bot do not count.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from integration.models.note import NOT_A_NOTE_REACTIONS, NOTE_KINDS, NOTE_REACTIONS, NoteKind
from integration.models.slack import Message

PRECEDENCE: tuple[NoteKind, ...] = (
    "decision",
    "workaround",
    "finding",
    "impact",
    "action",
    "question",
    "update",
)

PREFIXES: Mapping[str, NoteKind] = MappingProxyType(
    {
        **{kind: kind for kind in NOTE_KINDS},
        "todo": "action",
        "action item": "action",
        "findings": "finding",
        "mitigation": "workaround",
        "decided": "decision",
        "status": "update",
    }
)

# Emphasis, bullets, quotes and emoji may stand before the word: "- :mag: *Finding:* disk full".
_PREFIX = re.compile(
    r"(?:[^\w:<&(@#/$]|_|:[\w+'-]{1,60}:)*+(?P<word>[A-Za-z]+(?: [A-Za-z]+)?)[*_~`\]]{0,4} ?[:：][*_~`]{0,4}"
    r"(?=\s|\w)"
)
_TONE = re.compile(r"::skin-tone-\d")


@dataclass(frozen=True)
class Marks:
    """Which reactions (emoji names without colons) and prefixes (lower case) mean what."""

    reactions: Mapping[str, NoteKind] = field(default_factory=lambda: NOTE_REACTIONS)
    not_a_note: tuple[str, ...] = NOT_A_NOTE_REACTIONS
    prefixes: Mapping[str, NoteKind] = field(default_factory=lambda: PREFIXES)

    @classmethod
    def from_settings(
        cls,
        reactions: Mapping[str, NoteKind],
        not_a_note: Collection[str] = NOT_A_NOTE_REACTIONS,
        prefixes: Mapping[str, NoteKind] = MappingProxyType({}),
    ) -> Self:
        """The customer's reactions (emoji names, colons allowed), and his prefixes beside the usual ones."""
        return cls(
            reactions={name.strip(":"): kind for name, kind in reactions.items()},
            not_a_note=tuple(name.strip(":") for name in not_a_note),
            prefixes={**PREFIXES, **{word.strip().lower(): kind for word, kind in prefixes.items()}},
        )


@dataclass(frozen=True)
class Marked:
    """What the marks of one message say; `body_from` is where the text goes on after a prefix."""

    refused: bool = False
    kind: NoteKind | None = None
    pinned: bool = False
    body_from: int = 0


def read_marks(message: Message, text: str, marks: Marks, ours: Collection[str] = ()) -> Marked:
    """The marks on a message. `text` is its readable text, `ours` the ids of our own bot."""
    people: dict[NoteKind, set[str]] = {}
    for reaction in message.reactions:
        users = set(reaction.users).difference(ours)
        name = _TONE.sub("", reaction.name)
        if users and name in marks.not_a_note:
            return Marked(refused=True)
        if users and name in marks.reactions:
            people.setdefault(marks.reactions[name], set()).update(users)
    prefix, body_from = _prefix(text, marks)
    most = max(PRECEDENCE, key=lambda kind: len(people.get(kind, ())))  # the first among equals
    return Marked(kind=most if people else prefix, pinned=message.pinned, body_from=body_from)


def _prefix(text: str, marks: Marks) -> tuple[NoteKind | None, int]:
    """The kind a prefix names and where the text goes on; a prefix before nothing is none."""
    match = _PREFIX.match(text, 0, 200)
    if match is None or not text[match.end() :].strip(" \n*_~`"):
        return None, 0
    kind = marks.prefixes.get(match["word"].lower())
    return (kind, match.end()) if kind else (None, 0)
