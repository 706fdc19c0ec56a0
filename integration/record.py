"""The chained record: what a link says, what proves it, and what does not fit. Pure.

Each outcome of a communication becomes a link. Its hash is an HMAC under the installation's key over all
that the link says and over the hash of the link before it: whoever changes, removes or inserts one without
the key breaks the chain at that place. The end of a chain can be cut off without a trace in it; that is
what the closing message is for, which names the head where Port's administrators can't change it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from integration.entities import text_hash, text_of
from integration.models.base import Json, Value
from integration.models.communication import Communication, CommunicationState, Step
from integration.times import iso, when

OUTCOMES: tuple[CommunicationState, ...] = ("sent", "failed", "unknown", "superseded", "withdrawn", "held")
"""The states that are linked; `sending` is the intent itself."""

VERSION = 1  # of the canonical content; a change of it must keep the old one verifiable
SHORT = 16  # characters of a hash where people read it

_RECEIPT_IDS = frozenset(
    {"channel", "name", "ts", "meeting", "uuid", "host", "messageId", "answer", "page", "incident", "update"}
    | {"notified", "textHash"}
)
_SEPARATOR = ":record:"


class Head(Value):
    """The end of a chain."""

    number: int
    hash: str


class Link(Value):
    """One outcome of one communication. Texts and times as they stand in Port, times as Port prints them.

    `found`: nobody saw it happen, it was found in Port afterwards. `receipt` holds ids only;
    `receipt_hash` covers all of the receipt, its time and its permalink.
    """

    incident: str
    number: int
    communication: str = ""
    state: str = ""
    owner: str = ""
    operation: str = ""
    purpose: str = ""
    audience: str = ""
    destination: str = ""
    text_hash: str = ""
    receipt: Json = Field(default_factory=dict)
    receipt_hash: str = ""
    permalink: str = ""
    requested_by: str = ""
    approved_by: str = ""
    content_hash: str = ""  # of what was approved, where that was more than the text
    replaces: str = ""
    reason: str = ""
    at: str = ""
    linked_at: str = ""
    found: bool = False
    previous: str = ""
    hash: str = ""

    @property
    def identifier(self) -> str:
        return link_id(self.incident, self.number)

    @property
    def transition(self) -> tuple[str, str, str]:
        """What is linked once: this outcome of this attempt at this communication."""
        return (self.communication, self.owner, self.state)


def link_id(incident: str, number: int) -> str:
    """Identifier of the n-th link of an incident, counted from 1."""
    return f"{incident}{_SEPARATOR}{number}"


def link_prefix(incident: str) -> str:
    return f"{incident}{_SEPARATOR}"


def link_of(
    communication: Communication,
    *,
    after: Head | None,
    at: datetime,
    linked_at: datetime,
    found: bool,
    key: str,
) -> Link:
    """The link of an outcome, signed. `at` counts where the provider told no time."""
    step, receipt = communication.step, communication.receipt
    # The link to a meeting lets its reader in; the receipt's hash covers it all the same.
    shown = receipt is not None and step.operation != "open_bridge"
    link = Link(
        incident=step.incident,
        number=after.number + 1 if after else 1,
        communication=step.key,
        state=communication.state,
        owner=communication.owner,
        operation=step.operation,
        purpose=step.purpose,
        audience=step.audience,
        destination=step.destination,
        text_hash=text_hash(step.text),
        receipt=_ids(receipt.data) if receipt else {},
        receipt_hash=receipt_hash(communication),
        permalink=receipt.permalink if receipt and shown else "",
        requested_by=step.requested_by,
        approved_by=step.approved_by,
        content_hash=approved_content(step),
        replaces=step.replaces,
        reason=communication.reason,
        at=iso((receipt.at if receipt and communication.state == "sent" else None) or at),
        linked_at=iso(linked_at),
        found=found,
        previous=after.hash if after else "",
    )
    return link.model_copy(update={"hash": signature(link, key)})


def signature(link: Link, key: str) -> str:
    """HMAC-SHA256 under the installation's key, in hex."""
    return hmac.new(key.encode(), canonical(link), hashlib.sha256).hexdigest()


def canonical(link: Link) -> bytes:
    """What is signed: UTF-8 JSON, keys sorted, no blanks, without the hash itself and what is empty.

    Port may give an empty property as null or not at all and a whole number as 1.0: they sign alike.
    """
    said = {name: value for name, value in link.model_dump(exclude={"hash"}).items() if value}
    return _json({**said, "version": VERSION})


def approved_content(step: Step) -> str:
    """Hash of the content that this was approved as; empty where nobody was asked, or of inputs alone."""
    approval = step.details.get("approval")
    return text_of(approval.get("contentHash")) if isinstance(approval, dict) else ""


def receipt_hash(communication: Communication) -> str:
    """SHA-256 over the whole receipt of a communication; empty without one."""
    receipt = communication.receipt
    if receipt is None:
        return ""
    at = iso(receipt.at) if receipt.at else ""
    return hashlib.sha256(_json({"data": receipt.data, "permalink": receipt.permalink, "at": at})).hexdigest()


# --- to Port and back ------------------------------------------------------------------------------


def link_entity(link: Link, team: str = "") -> Json:
    """The link as an entity: all of it in properties, and relations that people can follow. It is of the
    team that may read what it is about."""
    properties = {
        "number": link.number,
        "communication": link.communication,
        "state": link.state,
        "owner": link.owner,
        "operation": link.operation,
        "purpose": link.purpose,
        "audience": link.audience,
        "destination": link.destination,
        "textHash": link.text_hash,
        "receipt": link.receipt or None,
        "receiptHash": link.receipt_hash,
        "permalink": link.permalink or None,
        "requestedBy": link.requested_by,
        "approvedBy": link.approved_by,
        "contentHash": link.content_hash or None,
        "replaces": link.replaces or None,
        "reason": link.reason,
        "at": link.at,
        "linkedAt": link.linked_at,
        "found": link.found,
        "previous": link.previous,
        "hash": link.hash,
    }
    return {
        "identifier": link.identifier,
        "title": f"{link.number} · {link.purpose or link.operation} {link.state}",
        "properties": {name: value for name, value in properties.items() if value is not None},
        "relations": {"incident": link.incident, "about": link.communication},
        **({"team": [team]} if team else {}),
    }


def read_link(entity: Mapping[str, Any]) -> Link | None:
    """The link in an entity, whatever was done to it; None when its identifier is no link's."""
    incident, _, number = str(entity.get("identifier") or "").rpartition(_SEPARATOR)
    if not incident or not number.isascii() or not number.isdecimal() or number.startswith("0"):
        return None
    properties: Json = entity.get("properties") or {}

    def text(name: str) -> str:
        value = properties.get(name)
        return value if isinstance(value, str) else ""

    receipt = properties.get("receipt")
    return Link(
        incident=incident,
        number=int(number),
        communication=text("communication"),
        state=text("state"),
        owner=text("owner"),
        operation=text("operation"),
        purpose=text("purpose"),
        audience=text("audience"),
        destination=text("destination"),
        text_hash=text("textHash"),
        receipt=receipt if isinstance(receipt, dict) else {},
        receipt_hash=text("receiptHash"),
        permalink=text("permalink"),
        requested_by=text("requestedBy"),
        approved_by=text("approvedBy"),
        content_hash=text("contentHash"),
        replaces=text("replaces"),
        reason=text("reason"),
        at=_moment(text("at")),
        linked_at=_moment(text("linkedAt")),
        found=properties.get("found") is True,
        previous=text("previous"),
        hash=text("hash"),
    )


def head(links: Iterable[Link]) -> Head | None:
    last = max(links, key=lambda link: link.number, default=None)
    return Head(number=last.number, hash=last.hash) if last else None


def _moment(text: str) -> str:
    """A time in the one spelling that is signed; what is no time is left as it is."""
    at = when(text)
    return iso(at) if at else text


def _ids(receipt: Json) -> Json:
    return {name: value for name, value in receipt.items() if name in _RECEIPT_IDS and value is not None}


def _json(content: Any) -> bytes:
    plain = _plain(content)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
