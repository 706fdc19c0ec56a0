"""What a leak is, who may know what, and the customer's own words. Values only."""

from __future__ import annotations

from typing import Literal, get_args

from integration.models.base import Value

Kind = Literal[
    "secret",
    "host",
    "address",
    "internal link",
    "ticket",
    "identifier",
    "commit",
    "stack trace",
    "command",
    "path",
    "chat",
    "employee",
    "customer",
    "email",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which they name a span that is several things at once."""

Knows = Literal["technical", "business", "customer-safe"]

_ENGINE_ROOM: frozenset[Kind] = frozenset(
    {"secret", "host", "address", "commit", "identifier", "stack trace", "command", "path"}
)
HIDDEN: dict[Knows, frozenset[Kind]] = {
    "technical": frozenset({"secret"}),
    "business": _ENGINE_ROOM,
    "customer-safe": frozenset(KINDS),
}
"""What an audience may not see. Business readers are colleagues: they may read tickets, chats, names and
customers, but nothing that only tells engineers something."""

REASON: dict[Kind, str] = {
    "secret": "a secret or token: it must be withdrawn wherever it was written",
    "host": "an internal host name",
    "address": "a network address",
    "internal link": "a link to an internal tool",
    "ticket": "the number of an internal ticket",
    "commit": "a commit or build",
    "identifier": "an internal identifier",
    "stack trace": "a stack trace or error of the code",
    "command": "a command, query or configuration",
    "path": "a file path",
    "chat": "a reference to the internal chat",
    "employee": "a colleague's name",
    "customer": "another customer's name",
    "email": "a personal e-mail address",
}

REPLACEMENT: dict[Kind, str] = {
    "secret": "(removed)",
    "host": "an internal system",
    "address": "an internal address",
    "internal link": "an internal page",
    "ticket": "an internal ticket",
    "commit": "a code change",
    "identifier": "an internal resource",
    "stack trace": "(technical details removed)",
    "command": "(technical details removed)",
    "path": "an internal file",
    "chat": "our team",
    "employee": "our team",
    "customer": "a customer",
    "email": "our team",
}


class Leak(Value):
    """A span of the text that this audience may not see. `text` is `original[start:end]`."""

    start: int
    end: int
    text: str
    kind: Kind
    reason: str
    replacement: str


class Words(Value):
    """The customer's own words, from the customer's Port catalogue and settings.

    `employees` and `customers` are names as written there; `hosts` are domains that only insiders reach
    (`corp.example.com` covers everything below it); `tools` are domains of internal tools; `services` are
    identifiers of services, of which only those that can't be ordinary words count; `allowed` may be said
    in public though a rule or list would find it: words, names, or domains with all below them. Nothing
    allows a secret.
    """

    employees: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()


class Hit(Value):
    """What a finder has found, in the plain text that it was given."""

    start: int
    end: int
    kind: Kind
