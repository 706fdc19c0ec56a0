"""Who: colleagues, other customers and services by the catalogue's lists, mentions, mail addresses.

Lists may be long, so the text is read once, word by word, against an index of first words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from integration.guards.leak import Hit, Kind, Words
from integration.guards.lists import listed
from integration.guards.plain import folded

_WORD = re.compile(r"[^\W_]+")
_GAP = re.compile(r"[\s.,_'’&/-]{0,3}")
_EMAIL = re.compile(
    r"(?<![\w.+/:-])(?:mailto:)?(?P<local>[\w.+'-]{1,64})@(?P<domain>[a-z0-9-]{1,63}"
    r"(?:\.[a-z0-9-]{1,63}){1,8})(?![\w-])",
    re.I,
)
# Boxes that are meant to be written to.
_BOXES = listed(
    """
    support help helpdesk status info contact hello security privacy abuse billing sales team press
    success service services care feedback accounts account noreply no-reply donotreply do-not-reply
    notifications legal dpo gdpr compliance incidents customersupport customer-support customercare
    customer-service customerservice enquiries inquiries office postmaster webmaster hostmaster
    marketing partners community trust media techsupport tech-support technicalsupport csm
    customersuccess customer-success payments invoices orders
    """
)
_MENTION = re.compile(r"(?<![\w@/.+-])@(?P<name>[a-z][\w-]{0,38}(?:\.[\w-]{1,38}){0,3})(?![\w@/])", re.I)
_PUBLIC_HANDLE = re.compile(
    r"(?:twitter|follow(?:ing)?|tweet\w*|\bx\b|mastodon|bluesky|linkedin)[^\n]{0,40}$", re.I
)
_NO_MENTION = re.compile(
    r"(?:media|import|param|return|override|deprecated|latest|types?|next|beta|\d)$|.*(?:status"
    r"|support|help|care|hq|team)$",
    re.I,
)

# Given and family names that are words or places: alone they are no finding.
_WORDS = listed(
    """
    will mark grace may june april august rose bill frank jack art hope faith joy chase grant drew
    rob pat sue dean guy max rich sky summer victor christian page cloud reed miles king young long
    short brown green white black gray grey stone woods banks field fields bush bell ball day knight
    price marsh park parks lane street hill rivers waters cook baker fisher carter mason hunter
    taylor jordan paris austin sydney london virginia georgia dallas houston phoenix chelsea
    florence victoria israel chad india china asia america brooklyn madison lincoln jackson
    charlotte savannah berlin dakota carolina tyler hudson kent york ray jay lee an my so do in on
    or no to by see log key error service server system data node client web app support team status
    root admin test user guest sam don ken van de la von der den bin al el st dr ms mr sir wolf bear
    fox crystal ruby pearl amber jade iris lily daisy violet ivy olive heather autumn dawn eve star
    melody harmony charity patience prudence constance honor justice liberty trinity destiny angel
    bishop pope abbot prince duke earl baron major sergeant judge butler porter potter smith
    carpenter weaver turner cooper walker gardener singer piper archer forest glen dale cliff heath
    brook rocky sandy misty stormy windy cash penny buck bob tim tom dick harry nick rusty dusty
    sunny happy lucky early late love power strong wise good best noble keen sharp swift wild sweet
    bliss west east north south winter spring english french german irish scott welsh holland france
    norman roman hardy golden silver steel iron wood fire rain snow frost storm moon sun light
    bright dark shade read write law case chance trace skip chip dash link spike pierce lance gene
    harper chandler miller little small main rust java scala julia python perl dart go kotlin ada
    pascal erlang elm nim zig opal target apple box square gap shell visa orange oracle delta united
    discover progressive general first global national summit signal compass pioneer slack zoom
    stripe block meta alphabet unity twilio match monday front segment notion linear figma canva
    loom bolt snap ring nest sonos peloton lemonade hippo affirm chime brex ramp deel gusto rippling
    toast shift flow core base edge atlas apex vertex matrix nova orbit pulse spark wave prime alpha
    beta gamma omega zenith horizon beacon anchor bridge harbor haven bloom sage clover maple cedar
    oak birch willow aspen pine internal customer change code file details technical removed address
    resource ticket our a
    """
)
# What accounts that belong to nobody are called.
_DUTIES = listed(
    """
    support team admin administrator root service services system ops operations oncall on call engineering
    engineers platform sre infra infrastructure security sales marketing finance billing status incident
    incidents bot user users test demo account accounts data devops it helpdesk desk customer customers
    success product network web mobile api release manager duty shared integration automation ci noc soc
    """
)
_LEGAL = listed(
    """
    inc ltd llc gmbh corp corporation co company ag sa sas sarl bv nv plc oy ab as spa srl pty pte
    kg kgaa lp llp se limited incorporated group holding holdings the
    """
)
# a.s., S.p.A., sp. z o.o.
_ABBREVIATED = re.compile(r"[\s,]+(?:sp\.?\s?z\s?)?(?:[a-z]\.\s?){1,4}[a-z]?$", re.I)
_DOMAIN = re.compile(r"\.(?:com|net|org|io|co|ai|dev|app|cloud|[a-z]{2})\b")
_OWN_WORDS = re.compile(r"[-_.\d]|[a-z][A-Z]")


class _Names:
    """Names by their first word; each with the kind and how strictly it is compared."""

    def __init__(self, words: Words) -> None:
        self.by_first: dict[str, list[tuple[tuple[str, ...], Kind, str]]] = {}
        allowed = {folded(word) for word in words.allowed}
        for name in words.employees:
            if folded(name) not in allowed:
                local, at, _ = name.partition("@")
                # A box's name is no person's; what stands for one has a part for each name.
                if not at or len(_parts(local)) > 1:
                    self._employee(local, allowed)
        for name in words.customers:
            if folded(name) not in allowed:
                self._customer(name, allowed)
        for name in words.services:
            if folded(name) not in allowed and _OWN_WORDS.search(name):
                self._add(_parts(name), "identifier")

    def _employee(self, name: str, allowed: set[str]) -> None:
        """A name in either order, as one word, without middle names, and each part that is no other word."""
        if "," in name:
            last, _, first = name.partition(",")
            name = f"{first.strip()} {last.strip()}"
        names = [one for one in (_parts(word) for word in re.split(r"[\s._]+", name)) if one]
        parts = tuple(part for one in names for part in one)
        if set(parts) <= _DUTIES:
            return  # "Support Team" has an account, and is no person
        common = set(parts) <= _WORDS  # "Will Price": only as a name is written
        self._add(parts, "employee", name if len(parts) == 1 or common else "")
        if len(parts) < 2 or common:
            return
        self._add(tuple(part for one in (names[-1], *names[:-1]) for part in one), "employee")
        self._add(("".join(parts),), "employee")
        if len(names) > 2:
            self._add((*names[0], *names[-1]), "employee")
        for one in names:
            if len(one) > 1 and not set(one) <= _WORDS | _DUTIES:
                self._add(one, "employee")
        for part in _WORD.findall(name):
            if folded(part) not in _WORDS | allowed and len(part) > 2 and part[0].isupper():
                self._add((folded(part),), "employee", part)

    def _customer(self, name: str, allowed: set[str]) -> None:
        parts = _parts(name)
        self._add(parts, "customer", name if len(parts) == 1 else "")
        name = _ABBREVIATED.sub("", name)
        bare = tuple(part for part in _parts(name) if part not in _LEGAL)
        if bare and bare != parts and " ".join(bare) not in allowed:
            if len(bare) > 1:
                self._add(bare, "customer")
            elif bare[0] not in _WORDS and len(bare[0]) > 1:
                written = next(part for part in _WORD.findall(name) if folded(part) == bare[0])
                self._add(bare, "customer", written)
        if len(bare) > 1 and sum(map(len, bare)) > 7:
            self._add(("".join(bare),), "customer")

    def _add(self, parts: tuple[str, ...], kind: Kind, exact: str = "") -> None:
        if parts and (len(parts) > 1 or len(parts[0]) > 1):
            self.by_first.setdefault(parts[0], []).append((parts, kind, exact))


@lru_cache(maxsize=8)
def _names(words: Words) -> _Names:
    return _Names(words)


def _parts(name: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(folded(name)))


def find(text: str, words: Words) -> Iterator[Hit]:
    """People, customers, services, mentions and mail addresses in `text`."""
    yield from _listed(text, words)
    allowed = {word.lower() for word in words.allowed}
    for match in _EMAIL.finditer(text):
        local, domain = match.group("local").lower(), match.group("domain").lower()
        if local.partition("+")[0] in _BOXES or {f"{local}@{domain}", domain} & allowed:
            continue
        yield Hit(start=match.start(), end=match.end(), kind="email")
    for match in _MENTION.finditer(text):
        if _NO_MENTION.fullmatch(match.group("name")) or _PUBLIC_HANDLE.search(
            text[max(0, match.start() - 60) : match.start()]
        ):
            continue
        yield Hit(start=match.start(), end=match.end(), kind="employee")


def _listed(text: str, words: Words) -> Iterator[Hit]:
    index = _names(words).by_first
    if not index:
        return
    flat = folded(text)
    found = list(_WORD.finditer(flat))
    for place, word in enumerate(found):
        for parts, kind, exact in index.get(word.group(0), ()):
            run = found[place : place + len(parts)]
            if tuple(one.group(0) for one in run) != parts:
                continue
            if any(not _GAP.fullmatch(flat, one.end(), two.start()) for one, two in pairwise(run)):
                continue
            if not exact or (_written(text, word, exact) if len(run) == 1 else _capitals(text, run)):
                yield Hit(start=word.start(), end=run[-1].end(), kind=kind)


def _capitals(text: str, run: Sequence[re.Match[str]]) -> bool:
    """Whether each word begins with a capital, as a name does that is ordinary words too."""
    return all(text[word.start()].isupper() for word in run)


def _written(text: str, word: re.Match[str], exact: str) -> bool:
    """Whether a single word stands as it is listed, or in capitals.

    One that is an ordinary word too does not count where a sentence begins.
    """
    said = text[word.start() : word.end()]
    if said == exact.lower() and _DOMAIN.match(text, word.end()):
        return True  # zephyrion.com
    if said not in (exact, exact.upper()):
        return False
    if folded(exact) not in _WORDS:
        return True
    before = text[max(0, word.start() - 3) : word.start()].rstrip(" \t")
    return bool(before) and before[-1] not in ".!?:\n*-•>\"'("
