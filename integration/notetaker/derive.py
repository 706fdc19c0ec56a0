"""From a message to its note, or to none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from integration.credentials import mask
from integration.models.note import LinkType, Note
from integration.models.slack import Message
from integration.notetaker.links import links_of, urls_in
from integration.notetaker.marks import Marks, read_marks
from integration.notetaker.rules import classify
from integration.notetaker.services import ServiceNames
from integration.notetaker.text import clean, cut, readable, title_of

# What is read beyond the limit so that a secret is masked whole before the text is cut.
_MARGIN = 5000


@dataclass(frozen=True)
class Context:
    """What a message's meaning hangs on besides itself, and the customer's settings.

    `previous`: up to `room_state.PREVIOUS` earlier messages of its conversation, oldest first;
    `parent`: the message it replies to. `ours`: user, bot and app ids of our own bot. `names`: display
    names by user id. `team_url` as auth.test gives it, for permalinks; without it there are none.
    `services`: the names in the catalogue. `link_types` and `masks`: the customer's own patterns.
    `text_limit` in characters.
    """

    previous: tuple[Message, ...] = ()
    parent: Message | None = None
    ours: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    team_url: str = ""
    services: ServiceNames = field(default_factory=ServiceNames)
    link_types: Mapping[re.Pattern[str], LinkType] = field(default_factory=dict)
    masks: tuple[re.Pattern[str], ...] = ()
    text_limit: int = 12_000


def derive(message: Message, context: Context) -> Note | None:
    """The note that a standing message makes, or None: ours, empty, marked as none, or noise.

    The same message in the same context always gives the same note. Text is masked before it is looked
    at, so that no secret gets into title, links or text. Whoever calls handles deletions.
    """
    if context.ours.intersection((message.user, message.bot_id, message.app_id)):
        return None
    raw = "\n".join(part for part in (message.text, message.blocks_text) if part.strip())
    window = clean(raw[: context.text_limit + _MARGIN])
    text = mask(readable(window, context.names), context.masks).strip()
    if not text:
        return None
    marked = read_marks(message, text, context.marks, context.ours)
    if marked.refused:
        return None
    verdict = classify(message, text, context.previous, context.parent)
    kind = marked.kind or verdict.kind or ("update" if marked.pinned else None)
    if kind is None:
        return None
    by_people = marked.kind is not None or marked.pinned
    masked = mask(window, context.masks) if "://" in window else ""
    return Note(
        channel=message.channel,
        ts=message.ts,
        kind=kind,
        title=title_of(text[marked.body_from :]) or kind,
        text=_limited(text, len(raw) > len(window), context.text_limit),
        author=_author(message),
        said_at=datetime.fromtimestamp(float(message.ts), UTC),
        permalink=permalink(message, context.team_url),
        thread_ts=message.thread_ts if message.thread_ts != message.ts else "",
        confidence=1.0 if by_people else verdict.confidence,
        how="mark" if by_people else "rules",
        links=links_of((url.replace("&amp;", "&") for url in urls_in(masked)), context.link_types),
        services=context.services.found(text),
        edited=bool(message.edited_ts),
    )


def permalink(message: Message, team_url: str) -> str:
    """The message's address, formed as Slack forms it (chat.getPermalink would cost a call each)."""
    if not team_url:
        return ""
    link = f"{team_url.rstrip('/')}/archives/{message.channel}/p{message.ts.replace('.', '')}"
    if message.thread_ts and message.thread_ts != message.ts:
        link += f"?thread_ts={message.thread_ts}&cid={message.channel}"
    return link


def _limited(text: str, more: bool, limit: int) -> str:
    """Cut to the limit; resolving may have shortened what was itself only the beginning."""
    return cut(text + " " * (limit + 1) if more else text, limit)


def _author(message: Message) -> str:
    if message.bot_id:
        return message.username or message.user or message.bot_id
    return message.user or message.username or "unknown"
