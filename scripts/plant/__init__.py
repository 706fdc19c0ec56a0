"""What must not reach customers, made up in many shapes and put into real lines.

Written without a look at how the guards find things, and importing nothing of them, so that what they miss
shows. Everything follows from the seed. Names, hosts and keys are invented; nothing here is anybody's.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from scripts.plant import code, machines, people
from scripts.plant.draw import CUSTOMERS, DOMAINS, EMPLOYEES, SERVICES, TOOLS

__all__ = ["CUSTOMERS", "DOMAINS", "EMPLOYEES", "KINDS", "SERVICES", "TOOLS", "Planted", "plant"]


class Planted(NamedTuple):
    """A line with something in it, and where: `text[start:end]` is what was planted."""

    kind: str
    text: str
    start: int
    end: int


KINDS: dict[str, Callable[[random.Random], str]] = {
    "secret": code.secret,
    "host": machines.host,
    "address": machines.address,
    "internal link": machines.link,
    "ticket": people.ticket,
    "commit": people.commit,
    "identifier": machines.identifier,
    "stack trace": code.trace,
    "command": code.command,
    "path": code.path,
    "chat": people.chat,
    "employee": people.employee,
    "customer": people.customer,
    "email": people.email,
}
"""A generator for each kind of thing that customers must not read."""

_ALONE = frozenset({"stack trace"})  # several lines: they stand on their own
_FRAMES = (
    "{}",
    "{}",
    "{}",
    "({})",
    "`{}`",
    '"{}"',
    "*{}*",
    "{},",
    "{}.",
    "{}:",
    "see {}",
    "on {}",
    "[{}]",
    "{};",
)


def plant(rng: random.Random, kind: str, line: str) -> Planted:
    """`line` with something of this kind between its words, at its beginning or at its end."""
    thing = KINDS[kind](rng)
    # What stands around it only tells what it is: `commit ⟦a1b2c3d⟧`.
    lead = max(0, thing.find("⟦"))
    rest = len(thing) - thing.find("⟧") - 1 if "⟧" in thing else 0
    thing = thing.replace("⟦", "").replace("⟧", "")
    if kind in _ALONE or "\n" in thing:
        head, tail = line + "\n", "\n"
    else:
        words = line.split(" ")
        place = rng.choice((0, len(words), rng.randint(0, len(words))))
        before, _, after = rng.choice(_FRAMES).partition("{}")
        head = " ".join(words[:place]) + (" " if place else "") + before
        tail = after + (" " if place < len(words) else "") + " ".join(words[place:])
    return Planted(kind, head + thing + tail, len(head) + lead, len(head) + len(thing) - rest)
