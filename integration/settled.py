"""When an action is done and a question answered. Pure.

People say so, in one of three ways; the first that holds counts:

1. a reaction that means "done" on the message (setting `doneReactions`; ✅ by default), by anybody;
2. a reply in its thread: to an action one that begins with a word such as "done", "fixed" or "deployed";
   to a question one by somebody else that says something and asks nothing back;
3. later in the room, `done: <words of the action>` or `answered: <words of the question>`, which settles
   the one whose words it repeats most (two words at least, or half of what is said).

Take the reaction away, delete or change the reply, and it is open again. So the state is read from the room
as it stands, by events and by reading alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from integration.models.base import Value
from integration.models.note import DONE_REACTIONS
from integration.models.slack import Message

OPEN = "open"
SETTLED = {"action": "done", "question": "answered"}
"""Kinds of notes that something may come of, and what they are then."""

_TONE = re.compile(r"::skin-tone-\d")
_FOLLOWED = re.compile(r"<[@#!][^>]*>|:[\w+'-]+:")
_DONE = re.compile(
    r"\W*(?:(?:ok(?:ay)?|yes|yep|and|that|this|it|all|now|just|i|we|i've|we've|have|has|been|is|are|was|"
    r"that's|it's)\W+){0,4}"
    r"(?:done|finished|completed?|fixed|sorted|merged|deployed|shipped|rolled back|restarted|reverted|"
    r"sent)\b",
    re.I,
)
_NOT_YET = re.compile(
    r"\b(?:not|n't|never|isn't|wasn't|half|almost|nearly|soon|will be|once|when|until|tomorrow)\b", re.I
)
_NO_ANSWER = re.compile(
    r"\W*(?:looking|checking|let me|i'?ll (?:check|look|see|find)|will (?:check|look|see)|on it|"
    r"one (?:sec|moment)|good question|no idea|not sure|(?:i )?don'?t know|unknown|same (?:question|here)|"
    r"\+1|anyone|hm+)\b",
    re.I,
)
_CLOSER = re.compile(
    r"\W*(?P<word>done|completed|finished|answered)[*_~`]{0,3} ?[:：]\s*(?P<rest>\S.{0,600})", re.I | re.S
)
_CLOSES = {"done": "action", "completed": "action", "finished": "action", "answered": "question"}
_WORD = re.compile(r"\w{3,}")
_NEVER_MEANT = frozenset(
    {"the", "and", "for", "with", "this", "that", "was", "are", "done", "action", "question"}
)


class Settled(Value):
    """What became of an action or a question. `by`: user ids; `ts`: the message that says so, if one does."""

    state: str = OPEN
    by: tuple[str, ...] = ()
    ts: str = ""


class Closer(Value):
    """A message that says in the room what is done: `done: roll back the release`."""

    ts: str
    by: str
    kind: str  # of the note that it settles
    words: frozenset[str]


def closer(message: Message) -> Closer | None:
    """What `message` settles by naming it, or None."""
    found = _CLOSER.match(message.text)
    if found is None:
        return None
    words = meant(found["rest"])
    kind = _CLOSES[found["word"].lower()]
    return Closer(ts=message.ts, by=message.user or message.bot_id, kind=kind, words=words) if words else None


def chosen(
    closers: Iterable[Closer], open_ones: Mapping[str, tuple[str, frozenset[str]]]
) -> dict[str, Closer]:
    """Which note each closer settles: (kind, words) of the notes by ts or identifier -> the closer by note.

    A closer settles what was said before it; of equally good ones the latest. Notes without a ts of
    their own (written by a button) may be named by any.
    """
    found: dict[str, Closer] = {}
    for one in sorted(closers, key=lambda one: float(one.ts)):
        best: tuple[float, float, str] | None = None
        for key, (kind, words) in open_ones.items():
            stamp = _stamp(key)
            if kind != one.kind or key in found or stamp >= float(one.ts):
                continue
            shared = len(words & one.words)
            if shared and (shared >= 2 or shared * 2 >= len(one.words)):
                best = max(filter(None, (best, (shared, stamp, key))))
        if best is not None:
            found[best[2]] = one
    return found


def meant(text: str) -> frozenset[str]:
    """The words that tell one action from another."""
    return frozenset(word.lower() for word in _WORD.findall(_FOLLOWED.sub(" ", text))) - _NEVER_MEANT


def is_done(reaction: str, done: Collection[str] = DONE_REACTIONS) -> bool:
    """Whether a reaction (its name, a skin tone allowed) says that something is done."""
    return _TONE.sub("", reaction) in done


def settled(
    kind: str,
    message: Message,
    replies: Sequence[Message],
    named: Closer | None,
    *,
    done: Collection[str] = DONE_REACTIONS,
    ours: Collection[str] = (),
) -> Settled | None:
    """What became of the note of this kind that `message` makes; None for a kind that nothing comes of.

    `replies` are those in its thread, oldest first; `named` is who settled it by name; `ours` are the ids of
    our own bot, whose words and reactions do not count.
    """
    if kind not in SETTLED:
        return None
    people = [
        user
        for reaction in message.reactions
        if is_done(reaction.name, done)
        for user in reaction.users
        if user not in ours
    ]
    if people:
        return Settled(state=SETTLED[kind], by=tuple(sorted(set(people))))
    for reply in replies:
        if {reply.user, reply.bot_id} & set(ours) or reply.ts == message.ts:
            continue
        if _settles(kind, message, reply):
            return Settled(state=SETTLED[kind], by=(reply.user or reply.bot_id,), ts=reply.ts)
    if named is not None:
        return Settled(state=SETTLED[kind], by=(named.by,), ts=named.ts)
    return Settled()


def _settles(kind: str, message: Message, reply: Message) -> bool:
    text = _FOLLOWED.sub(" ", reply.text).strip()
    if text.endswith(("?", "？")):
        return False
    if kind == "action":
        match = _DONE.match(text)
        return match is not None and not _NOT_YET.search(text[: match.end() + 20])
    by_another = (reply.user or reply.bot_id) != (message.user or message.bot_id)
    return by_another and any(char.isalnum() for char in text) and not _NO_ANSWER.match(text)


def _stamp(key: str) -> float:
    try:
        return float(key)
    except ValueError:
        return 0.0
