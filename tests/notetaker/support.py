"""Messages to derive notes from."""

from __future__ import annotations

from typing import Any

from integration.models.note import Note
from integration.models.slack import Message, Reaction
from integration.notetaker import Context, derive

TS = "1700000000.000100"


def message(text: str, **more: Any) -> Message:
    """A message by a person. `reactions` as {emoji: (user, ...)}."""
    reactions = tuple(Reaction(name=n, users=tuple(u)) for n, u in more.pop("reactions", {}).items())
    return Message(**{"channel": "C1", "ts": TS, "user": "U1", "text": text, "reactions": reactions, **more})


def note(text: str, context: Context | None = None, **more: Any) -> Note | None:
    return derive(message(text, **more), context or Context())


def sure_note(text: str, context: Context | None = None, **more: Any) -> Note:
    """The note of a message that surely makes one: it is marked."""
    found = note("update: " + text, context, **more)
    assert found is not None
    return found
