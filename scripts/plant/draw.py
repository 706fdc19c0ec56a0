"""What the generators draw from: invented names, and random text of a shape."""

from __future__ import annotations

import random
import string

HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"

EMPLOYEES = (
    "Priya Raghunathan",
    "Tomasz Wiśniewski",
    "Ingrid Sørlie",
    "Kwame Boateng",
    "Siobhán O'Leary",
    "Marek Dvořák",
    "Yuki Tanabe",
    "Fatima Al-Sayed",
    "Jean-Luc Perrault",
    "Dana Whitfield",
    "Olumide Adeyemi",
    "Katarzyna Zielinska",
)
CUSTOMERS = (
    "Brightwater Logistics",
    "Kestrel & Finch GmbH",
    "Northgate Mutual Insurance",
    "Zephyrion",
    "Tallgrass Foods Inc.",
    "Ostrava Steelworks a.s.",
    "Meridian Health Partners LLC",
    "QuillPay",
)
SERVICES = ("checkout-api", "ledger_writer", "payments-db", "user-profile-svc", "geo.router", "cart2")
DOMAINS = ("corp.acme-widgets.com", "acme-int.net")
TOOLS = ("portal.acme-widgets.com",)

STACK = "payments checkout orders cart search auth ledger inventory billing session geo media feed".split()  # noqa: SIM905
ENVS = ("prod", "production", "staging", "stg", "preprod", "uat", "dev", "qa")
ROLES = "db redis kafka web app worker cache mysql postgres mongo node lb proxy broker es nginx etcd".split()  # noqa: SIM905
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2", "use1", "euw1", "fra", "iad")


def chars(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


def mixed(rng: random.Random, alphabet: str, length: int) -> str:
    """Random, and with a digit, a small and a capital letter, as keys of that length have."""
    found = list(chars(rng, alphabet, length))
    for place, pool in zip(rng.sample(range(length), 3), ("0123456789", "abcdef", "GHJKM"), strict=True):
        found[place] = rng.choice(pool)
    return "".join(found)


def hexes(rng: random.Random, length: int) -> str:
    """Hex digits with both letters and digits; all digits would be a number."""
    while True:
        found = chars(rng, HEX, length)
        if any(map(str.isdigit, found)) and any(map(str.isalpha, found)):
            return found
