"""The words of updates, notices, mails and notes. Pure: facts and a person's words in, text out.

What a person wrote is Markdown. It is shown and never obeyed: nobody is mentioned by it, no HTML of it
reaches a mail, and no text is too long for the medium, since long ones are split.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

from integration import mrkdwn
from integration.communicator import HEADER_LIMIT, cut
from integration.errors import BadInput
from integration.models.base import Json, Value
from integration.models.communication import Step
from integration.models.incident import Incident
from integration.models.note import NoteKind
from integration.notetaker.text import readable
from integration.notices import Change

UPDATE_LIMIT = 10_000  # characters of an update or a mail as written; Slack gets it in a few messages
SUBJECT_LIMIT = 200
TEXT_LIMIT = 4000  # Slack advises no more in `text`, and refuses more in chat.update
SECTION_LIMIT = 3000  # Block Kit: a section block's text
_HEADLINE_LIMIT = 400
# Fixed, so that a text is split at the same places however the incident's title and status change meanwhile:
# running an update again then sends exactly the parts that are missing.
_BODY_LIMIT = TEXT_LIMIT - _HEADLINE_LIMIT - 300
_WITH_MEETING_LINK = frozenset({"briefing", "bridge link"})
_MAIL_BREAK, _MAIL_LINK = "\n\n", "Open in Port: "
_KIND_MARKS: dict[NoteKind, str] = {
    "update": "📣",
    "finding": "🔎",
    "workaround": "🩹",
    "decision": "⚖️",
    "action": "📌",
    "impact": "💥",
    "question": "❓",
}


class Part(Value):
    """One Slack message. `text` (mrkdwn) says all that the blocks show: it is what the record keeps."""

    text: str
    blocks: list[Json]


class Mail(Value):
    """One email: a subject of one line, the text as written, and the same as HTML."""

    subject: str
    plain: str
    html: str


def checked_text(field: str, value: object, limit: int) -> str:
    """`value` as text without blanks around it. Raises BadInput naming `field` when it is no text, shows
    nothing, or is longer than `limit` characters."""
    if not isinstance(value, str):
        problem = "write a text" if value is None else f"expected text, got {type(value).__name__}"
        raise BadInput(field, problem)
    text = value.strip()
    if not any(unicodedata.category(c)[0] not in "ZC" for c in text):
        raise BadInput(field, "write a text; it is empty")
    if len(text) > limit:
        raise BadInput(field, f"{len(text)} characters, at most {limit} are allowed")
    return mrkdwn.clean(text).strip()


def update(incident: Incident, text_markdown: str, audience_title: str) -> list[Part]:
    """An update as Slack messages, split where it is too long for one: at most 4,000 characters each, in
    sections of at most 3,000, so far below Slack's 50 blocks and about 13,200 characters of them."""
    headline, facts = _headline(incident), _facts(incident)
    to = f"Update for {_words(audience_title, 100)}" if audience_title.strip() else "Update"
    bodies = mrkdwn.pack(mrkdwn.pieces(text_markdown), _BODY_LIMIT)
    parts: list[Part] = []
    for number, body in enumerate(bodies, 1):
        of = f" ({number}/{len(bodies)})" if len(bodies) > 1 else ""
        sections = [mrkdwn.joined(group) for group in mrkdwn.pack(body, SECTION_LIMIT)]
        blocks: list[Json] = [] if number > 1 else [_header(incident)]
        blocks += [_section(section) for section in sections]
        context = f"{to}{of} · {facts}" if number == 1 else f"{to}{of} · {_words(_name(incident), 200)}"
        blocks.append(_context(context + _entity_link(incident)))
        said = "\n".join(sections)
        parts.append(Part(text=f"*{headline}*\n{to}{of} · {facts}\n{said}", blocks=blocks))
    return parts


def status_notice(incident: Incident, before: str, after: str) -> Part:
    """That the status has changed: one line, and the way to more."""
    was = f" (was {_words(before, 60)})" if before else ""
    now = _words(after, 60)
    line = f"{_words(_name(incident), 250)} is now {now}{was}"
    severity = f" · {_words(incident.severity, 60)}" if incident.severity else ""
    text = line + severity
    shown = f"🔔 *{now}*{was}{severity} · {_words(_name(incident), 250)}"
    return Part(text=text, blocks=[_section(shown + _entity_link(incident))])


def status_mail(incident: Incident, before: str, after: str) -> Mail:
    """The notice of `status_notice` as a mail."""
    was = f" (was {before})" if before else ""
    subject = f"{incident.identifier} is now {after}: {incident.title or incident.identifier}"
    return _mail(incident, subject, f"Status: {after}{was}", markdown=False)


def change_notice(incident: Incident, changes: Sequence[Change], *, again: bool = False) -> Part:
    """That status, severity or owner has changed: one line, and the way to more. `again`: back to what it
    was before."""
    first = changes[0]
    if [one.field for one in changes] == ["status"] and not again:
        return status_notice(incident, first.before, first.after)
    now, back = ("", " again") if again else (" now", "")
    told = ", ".join(f"{one.field} is{now} {_words(one.after, 60)}{back}" for one in changes)
    was = ", ".join(_words(one.before, 60) for one in changes if one.before)
    ago = f" (was {was}{' for a while' if again else ''})" if was else ""
    name = _words(_name(incident), 250)
    shown = f"🔔 *{told}*{ago} · {name}"
    return Part(text=f"{name}: {told}{ago}", blocks=[_section(shown + _entity_link(incident))])


def change_mail(incident: Incident, changes: Sequence[Change]) -> Mail:
    """The notice of `change_notice` as a mail."""
    first = changes[0]
    if [one.field for one in changes] == ["status"]:
        return status_mail(incident, first.before, first.after)
    told = ", ".join(f"{one.field} is now {one.after}" for one in changes)
    lines = [
        f"{one.field.capitalize()}: {one.after}{f' (was {one.before})' if one.before else ''}"
        for one in changes
    ]
    subject = f"{incident.identifier}: {told}: {incident.title or incident.identifier}"
    return _mail(incident, subject, "\n".join(lines), markdown=False)


def overdue(
    incident: Incident, audience: str, due: datetime, link: str, draft: str
) -> tuple[str, list[Json]]:
    """What the room is told when promised news has not come: the draft, if there is one, and where to send it
    (`link`). Text for notifications, blocks for the screen."""
    at = f"{due.astimezone(UTC):%H:%M} UTC"
    line = f"⏰ {_words(audience, 100)} was promised news of {_words(incident.identifier, 100)} by {at}."
    ready = " A draft is ready." if draft.strip() and link else " “Send update” in Port sends some."
    blocks = [_section(line + ready)]
    if draft.strip():
        shown = mrkdwn.joined(mrkdwn.pack(mrkdwn.pieces(draft), SECTION_LIMIT)[0])
        blocks.append(_section(shown))
    if mrkdwn.is_absolute(link):
        words = {"type": "plain_text", "text": "Read and send", "emoji": True}
        button: Json = {"type": "button", "action_id": "open_draft", "text": words, "url": link}
        blocks.append({"type": "actions", "elements": [button]})
    return line + ready, blocks


def email(incident: Incident, subject: str, text_markdown: str) -> Mail:
    """A person's words as a mail. An empty subject becomes the incident's severity and name."""
    severity = f"[{incident.severity}] " if incident.severity else ""
    return _mail(incident, _line(subject) or f"{severity}{_name(incident)}", text_markdown, markdown=True)


def note_in_room(kind: NoteKind, text: str, by: str) -> str:
    """What the room is told of a note that somebody wrote elsewhere; at most 4,000 characters."""
    name = _words(by, 200)
    head = f"{_KIND_MARKS[kind]} *{kind.capitalize()}*{f' by {name}' if name else ''}:"
    lines = mrkdwn.clean(text).strip().split("\n")
    quoted = "\n".join(f"> {mrkdwn.plain(line)}".rstrip() for line in lines)
    room = TEXT_LIMIT - len(head) - 1
    if len(quoted) > room:
        quoted = mrkdwn.joined(mrkdwn.pack([mrkdwn.Piece(quoted)], room - 1)[0]) + "…"
    return f"{head}\n{quoted}"


def written_words(step: Step) -> str:
    """What a communication says in plain words, on one line, without the frame that `update` and `email`
    put around it: the first 4,000 characters.

    Empty for what has no words, like a channel, and for what carries the meeting's link, which lets its
    reader in.
    """
    if step.purpose in _WITH_MEETING_LINK:
        return ""
    text = step.text[:TEXT_LIMIT]
    if step.operation == "post_message":
        if step.purpose == "update" and text.startswith("*"):
            text = text.partition("\n")[2].partition("\n")[2]
        # Emphasis and code need no undoing: the words are what counts.
        text = readable(text, {}).replace(mrkdwn.JOINER, "")
    elif step.operation == "send_email":
        text = text.partition(_MAIL_BREAK)[2] or text
        text = text.rpartition(f"{_MAIL_BREAK}{_MAIL_LINK}")[0] or text
    return _line(text)


def _name(incident: Incident) -> str:
    return f"{incident.identifier}: {incident.title}" if incident.title else incident.identifier


def _words(text: str, limit: int) -> str:
    """Outside words on one line of ours in Slack."""
    return mrkdwn.plain_cut(_line(text), limit)


def _line(text: str) -> str:
    return " ".join(mrkdwn.clean(text).split())


def _headline(incident: Incident) -> str:
    return _words(_name(incident), _HEADLINE_LIMIT)


def _facts(incident: Incident) -> str:
    said = (incident.severity or "no severity", incident.status or "no status")
    return " · ".join(_words(one, 60) for one in said)


def _header(incident: Incident) -> Json:
    text = mrkdwn.disarm(_line(_name(incident)), HEADER_LIMIT)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}


def _section(text: str) -> Json:
    # verbatim: Slack looks for no names and addresses in it by itself. Links are written as such.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(text: str) -> Json:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def _entity_link(incident: Incident) -> str:
    return " · " + mrkdwn.link(incident.url, "Open in Port") if mrkdwn.is_absolute(incident.url) else ""


def _mail(incident: Incident, subject: str, text: str, *, markdown: bool) -> Mail:
    """The parts of a mail; the plain one is the text as written, which Markdown is made for."""
    name = _line(_name(incident))
    facts: Sequence[tuple[str, str]] = [
        (label, _line(value))
        for label, value in (
            ("Severity", incident.severity),
            ("Status", incident.status),
            ("Services", ", ".join(incident.services)),
        )
        if value
    ]
    body = mrkdwn.clean(text).strip()
    linked = mrkdwn.is_absolute(incident.url)
    plain = [name, *(f"{label}: {value}" for label, value in facts), "", body]
    if linked:
        plain += ["", f"{_MAIL_LINK}{incident.url}"]
    shown = _mail_html(body) if markdown else f"<p>{html.escape(body)}</p>\n"
    page = [
        '<!doctype html>\n<html><head><meta charset="utf-8"></head>',
        '<body style="font-family: sans-serif; line-height: 1.4">',
        f"<h2>{html.escape(name)}</h2>",
        "<p>" + " · ".join(f"{label}: {html.escape(value)}" for label, value in facts) + "</p>"
        if facts
        else "",
        shown,
        f'<p><a href="{html.escape(incident.url)}">Open in Port</a></p>' if linked else "",
        "</body></html>",
    ]
    return Mail(
        subject=cut(_line(subject), SUBJECT_LIMIT),
        plain="\n".join(plain) + "\n",
        html="\n".join(line for line in page if line) + "\n",
    )


def _mail_html(text: str) -> str:
    """Markdown as HTML without any of the writer's own, and without pictures that tell who reads it."""
    parser = mrkdwn.Parser()
    parser.disable("image")  # `![x](url)` becomes a link behind an exclamation mark
    return str(parser.render(text))
