"""One mail as it was taken: the envelope it came in, and what is inside, read tolerantly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses

from sandbox.world import Json, iso

_ID = re.compile(r"<[^<>\s]+>")


@dataclass(frozen=True)
class Message:
    """`sender` and `recipients` are the envelope's: who it was really sent by and to, hidden copies too.

    `from_`, `to` and `cc` are bare addresses of the headers; ids keep their angle brackets; `at` is in
    seconds since the epoch; `headers` keeps order and repetitions.
    """

    id: int
    at: float
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    from_: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    subject: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = field(default=())
    text: str = ""
    html: str = ""
    attachments: tuple[str, ...] = ()  # file names

    def header(self, name: str) -> str:
        """The first header of that name, or an empty string."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def as_json(self) -> Json:
        return {
            "id": self.id,
            "at": iso(self.at),
            "sender": self.sender,
            "recipients": list(self.recipients),
            "from": self.from_,
            "to": list(self.to),
            "cc": list(self.cc),
            "subject": self.subject,
            "message_id": self.message_id,
            "in_reply_to": self.in_reply_to,
            "references": list(self.references),
            "headers": [list(pair) for pair in self.headers],
            "text": self.text,
            "html": self.html,
            "attachments": list(self.attachments),
            "raw": self.raw.decode("utf-8", "replace"),
        }


def parse(number: int, at: float, sender: str, recipients: tuple[str, ...], raw: bytes) -> Message:
    """Never raises for what a mail says: what cannot be read is empty, and `raw` has it all."""
    parsed = message_from_bytes(raw, policy=policy.default)
    headers = tuple((name, _header(parsed, name, value)) for name, value in parsed.raw_items())
    first = {name.lower(): value for name, value in reversed(headers)}
    return Message(
        id=number,
        at=at,
        sender=sender,
        recipients=recipients,
        raw=raw,
        from_=next(iter(_addresses(first.get("from", ""))), ""),
        to=_addresses(first.get("to", "")),
        cc=_addresses(first.get("cc", "")),
        subject=first.get("subject", ""),
        message_id=first.get("message-id", "").strip(),
        in_reply_to=first.get("in-reply-to", "").strip(),
        references=tuple(_ID.findall(first.get("references", ""))),
        headers=headers,
        text=_part(parsed, "plain"),
        html=_part(parsed, "html"),
        attachments=tuple(part.get_filename() or "" for part in parsed.iter_attachments()),
    )


def _header(parsed: EmailMessage, name: str, value: str) -> str:
    try:
        return str(parsed.policy.header_fetch_parse(name, value))
    except (ValueError, IndexError, TypeError, AttributeError):
        # The standard library gives up on some malformed headers; the mail is taken all the same.
        return str(value)


def _addresses(value: str) -> tuple[str, ...]:
    return tuple(address for _, address in getaddresses([value]) if address)


def _part(parsed: EmailMessage, kind: str) -> str:
    for part in parsed.walk():
        if part.get_content_type() == f"text/{kind}" and part.get_content_disposition() != "attachment":
            payload = part.get_payload(decode=True)
            if not isinstance(payload, bytes):
                return ""
            charset = part.get_content_charset() or "utf-8"
            try:
                return payload.decode(charset, "replace")
            except LookupError:
                return payload.decode("utf-8", "replace")
    return ""
