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

from integration.models import NOTE_KINDS, Message, NoteKind

PRECEDENCE: tuple[NoteKind, ...] = (
    "decision",
    "workaround",
    "finding",
    "impact",
    "action",
    "question",
    "update",
)

# Chosen to be at hand in every workspace and seldom used for something else in an incident. Ticks, eyes
# and thumbs are left out on purpose: people use them to say "seen", "done" and "yes".
REACTIONS: Mapping[NoteKind, tuple[str, ...]] = MappingProxyType(
    {
        "update": ("loudspeaker", "mega"),
        "finding": ("mag", "mag_right", "bulb"),
        "workaround": ("wrench", "adhesive_bandage", "hammer_and_wrench"),
        "decision": ("scales", "judge"),
        "action": ("clipboard", "memo"),
        "impact": ("boom", "rotating_light"),
        "question": ("question", "grey_question"),
    }
)
NOT_A_NOTE = ("no_entry_sign", "see_no_evil")

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
    r"\s*(?:[*_~>•\-`\[]|:[\w+'-]{1,60}:|[^\w\s:<&(]{1,4}(?=\s))*\s*"
    r"(?P<word>[A-Za-z]+(?: [A-Za-z]+)?)[*_~`\]]{0,4}\s?[::][*_~`]{0,4}(?=\s|$|\w)",
)
_TONE = re.compile(r"::skin-tone-\d")


@dataclass(frozen=True)
class Marks:
    """Which reactions (names without colons) and prefixes (lower case) mean what."""

    reactions: Mapping[NoteKind, tuple[str, ...]] = field(default_factory=lambda: REACTIONS)
    not_a_note: tuple[str, ...] = NOT_A_NOTE
    prefixes: Mapping[str, NoteKind] = field(default_factory=lambda: PREFIXES)

    def by_emoji(self) -> dict[str, NoteKind]:
        """Kind by reaction; an emoji given to two kinds goes to the first of `PRECEDENCE`."""
        found: dict[str, NoteKind] = {}
        for kind in PRECEDENCE:
            for name in self.reactions.get(kind, ()):
                found.setdefault(name.strip(":"), kind)
        return found


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
    by_emoji = marks.by_emoji() if message.reactions else {}
    for reaction in message.reactions:
        users = set(reaction.users).difference(ours)
        name = _TONE.sub("", reaction.name)
        if users and name in marks.not_a_note:
            return Marked(refused=True)
        if users and name in by_emoji:
            people.setdefault(by_emoji[name], set()).update(users)
    prefix, body_from = _prefix(text, marks)
    kind = max(PRECEDENCE, key=lambda k: len(people.get(k, ()))) if people else prefix
    return Marked(kind=kind, pinned=message.pinned, body_from=body_from)


def _prefix(text: str, marks: Marks) -> tuple[NoteKind | None, int]:
    """The kind a prefix names and where the text goes on; a prefix before nothing is none."""
    match = _PREFIX.match(text, 0, 200)
    if match is None or not text[match.end() :].strip(" \n*_~`"):
        return None, 0
    kind = marks.prefixes.get(match["word"].lower())
    return (kind, match.end()) if kind else (None, 0)
