"""Names, mail, chat, and the numbers people refer to."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from scripts.plant.draw import CUSTOMERS, EMPLOYEES, STACK, chars, hexes


def ticket(rng: random.Random) -> str:
    number = rng.randint(12, 99999)
    project = rng.choice(
        ("OPS", "PAY", "SRE", "INFRA", "PLAT", "CHK", "BUG", "ENG", "DB2", "INC", "SUP", "CORE")
    )
    shapes: tuple[Callable[[], str], ...] = (
        lambda: f"{project}-{number}",
        lambda: f"{project}-{number}",
        lambda: f"INC{rng.randint(10**6, 10**7):07d}",
        lambda: f"CHG{rng.randint(10**6, 10**7):07d}",
        lambda: f"PRB00{rng.randint(10**4, 10**5)}",
        lambda: f"ticket ⟦#{number}⟧",
        lambda: f"PR ⟦#{number}⟧",
        lambda: f"PR ⟦{number + 1000}⟧",
        lambda: f"issue ⟦#{number}⟧",
        lambda: f"MR ⟦!{number}⟧",
        lambda: f"acme/{rng.choice(STACK)}#{number}",
        lambda: f"jira ⟦{project.lower()}-{number}⟧",
        lambda: f"ticket ⟦{rng.randint(10**4, 10**6)}⟧",
        lambda: f"AB#{number + 1000}",
        lambda: f"ZD-{number + 1000}",
    )
    return rng.choice(shapes)()


def commit(rng: random.Random) -> str:
    shapes: tuple[Callable[[], str], ...] = (
        lambda: hexes(rng, 7),
        lambda: hexes(rng, 8),
        lambda: hexes(rng, rng.randint(9, 12)),
        lambda: hexes(rng, 40),
        lambda: hexes(rng, 64),
        lambda: f"sha256:{hexes(rng, 64)}",
        lambda: f"commit ⟦{hexes(rng, 7)}⟧",
        lambda: f"v2.14.{rng.randint(0, 30)}-{rng.randint(1, 90)}-g⟦{hexes(rng, 7)}⟧",
        lambda: f"{hexes(rng, 7)}..{hexes(rng, 7)}",
        lambda: f"{rng.choice(STACK)}@⟦{hexes(rng, 8)}⟧",
        lambda: f"registry/{rng.choice(STACK)}:⟦{hexes(rng, 12)}⟧",
        lambda: hexes(rng, 10).upper(),
    )
    return rng.choice(shapes)()


def chat(rng: random.Random) -> str:
    ident = chars(rng, string.ascii_uppercase + "23456789", 8)
    shapes: tuple[Callable[[], str], ...] = (
        lambda: f"<@U0{ident}>",
        lambda: f"<#C0{ident}|inc-{rng.choice(STACK)}>",
        lambda: "<!here>",
        lambda: f"<!subteam^S0{ident}|@oncall>",
        lambda: "@here",
        lambda: "@channel",
        lambda: f"#inc-{rng.randint(10, 99)}-{rng.choice(STACK)}",
        lambda: f"#{rng.choice(STACK)}-oncall",
    )
    return rng.choice(shapes)()


def employee(rng: random.Random) -> str:
    name = rng.choice(EMPLOYEES)
    first, _, last = name.partition(" ")
    shapes: tuple[Callable[[], str], ...] = (
        lambda: name,
        lambda: name,
        lambda: name.upper(),
        lambda: name.lower(),
        lambda: f"{last}, {first}",
        lambda: f"@{first.lower()}.{last.lower()}",
        lambda: f"{first}",
        lambda: f"{last}",
        lambda: f"⟦{name}⟧'s",
        lambda: f"{first}  {last}",
    )
    return rng.choice(shapes)()


def customer(rng: random.Random) -> str:
    name = rng.choice(CUSTOMERS)
    bare = name
    for end in (" GmbH", " Inc.", " a.s.", " LLC"):
        bare = bare.removesuffix(end)
    shapes: tuple[Callable[[], str], ...] = (
        lambda: name,
        lambda: bare,
        lambda: bare.upper(),
        lambda: f"⟦{bare}⟧'s",
        lambda: bare.replace(" ", "-") if " " in bare else bare,
    )
    return rng.choice(shapes)()


def email(rng: random.Random) -> str:
    first, last = (
        rng.choice(("dana", "kwame", "yuki", "ingrid")),
        rng.choice(("whitfield", "boateng", "tanabe")),
    )
    shapes: tuple[Callable[[], str], ...] = (
        lambda: f"{first}.{last}@acme-widgets.com",
        lambda: f"{first[0]}{last}@acme-widgets.co.uk",
        lambda: f"{first}+oncall@acme-widgets.io",
        lambda: f"{first}_{last}@mail.brightwater.example",
        lambda: f"{first}.{last} [at] acme-widgets [dot] com",
        lambda: f"mailto:⟦{first}@acme-widgets.com⟧",
        lambda: f"{first.title()}.{last.title()}@ACME-Widgets.com",
    )
    return rng.choice(shapes)()
