"""Reassuring words in public, and the notes that take them back: "no data loss" against "rows are gone".

For each subject the newest note that speaks of it decides, so a fear that was settled later is no
contradiction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol


class Said(Protocol):
    """A note, as far as it matters here."""

    @property
    def text(self) -> str: ...

    @property
    def said_at(self) -> datetime: ...


class Contradiction(NamedTuple):
    subject: str
    claim: str  # the public words
    note: str  # the note's words
    said_at: datetime


class _Subject(NamedTuple):
    name: str
    claim: re.Pattern[str]  # what is said in public
    against: re.Pattern[str]  # what takes it back
    settled: re.Pattern[str]  # what takes that back again, in the same note


_DATA = (
    r"(?:customer |user |your |any |historical |stored |message )?"
    r"(?:data|records?|rows?|messages?|files?|orders?|events?|transactions?|writes?)"
)
_LOSS = (
    r"(?:loss|lost|deleted|missing|gone|corrupt(?:ed|ion)?|unrecoverable|overwritten|dropped|wiped|truncated|"
    r"destroyed)"
)
_NOT = (
    r"(?:no|not|never|without|zero|none|nor|isn't|wasn't|aren't|weren't|hasn't|haven't|didn't|don't|cannot|"
    r"can't|nothing)"
)

_SUBJECTS: tuple[_Subject, ...] = (
    _Subject(
        "data loss",
        re.compile(
            rf"\b(?:{_NOT}\b[^.\n]{{0,40}}\bdata[- ]?loss\b"
            rf"|{_NOT}\b(?:\s\w+){{0,3}}\s{_DATA}(?:\s\w+){{0,3}}\s{_LOSS}"
            rf"|{_DATA}(?:\s\w+){{0,3}}\s(?:{_NOT})(?:\s\w+){{0,3}}\s{_LOSS}"
            rf"|{_NOT}\s(?:loss|corruption|deletion) of (?:\w+\s){{0,2}}data"
            r"|(?:all|your|customer)(?:\s\w+){0,2}\sdata(?:\s\w+){0,2}\s(?:is|are|remains?|stays?"
            r"|was|were)(?:\s\w+){0,2}\s(?:safe|intact|unaffected|secure|preserved)"
            r"|data (?:integrity|durability)(?:\s\w+){0,3}\s(?:intact|unaffected|not (?:affected"
            r"|impacted)))",
            re.I,
        ),
        re.compile(
            rf"\bdata[- ]?loss\b|\b{_LOSS}\s(?:\w+\s){{0,4}}{_DATA}\b|\b{_DATA}(?:\s\w+){{0,5}}\s{_LOSS}\b"
            r"|\b(?:lost|losing|lose)\b[^.\n]{0,40}\b(?:data|rows?|records?|messages?|events?"
            r"|writes?|orders?|transactions?|minutes|hours)\b"
            r"|\b(?:can(?:no|')?t|unable to|impossible to)(?:\s\w+){0,3}\s(?:recover|restore)\b"
            r"|\bunrecoverable\b|\bcorrupt(?:ed|ion)\b"
            r"|\bsplit[- ]brain\b|\brestore[d]? from (?:\w+\s){0,3}(?:backup"
            r"|snapshot)[^.\n]{0,40}\b(?:hours?|minutes?|days?) (?:old|ago)",
            re.I,
        ),
        re.compile(
            rf"\b{_NOT}\b[^.\n]{{0,40}}\b(?:data[- ]?loss|{_LOSS})\b|\b(?:ruled out"
            rf"|excluded?)\b[^.\n]{{0,40}}\b(?:loss|lost|corruption)\b"
            rf"|\b(?:loss|lost|corruption)\b[^.\n]{{0,30}}\b(?:ruled out|excluded|false alarm)\b"
            rf"|\b(?:recovered|restored|replayed|backfilled) (?:all|every|the lost|the missing"
            rf"|everything)\b"
            r"|\bdata[- ]?loss\?|\ball (?:data|rows|records|messages"
            r"|events)(?:\s\w+){0,3}\s(?:recovered|restored|replayed|back|intact|accounted)\b",
            re.I,
        ),
    ),
    _Subject(
        "exposure of data",
        re.compile(
            rf"\b{_NOT}\b[^.\n]{{0,50}}\b(?:data|information|credentials?|accounts?"
            rf"|security)\b[^.\n]{{0,40}}\b(?:exposed|exposure|accessed|compromised|leaked"
            rf"|breach(?:ed)?|impact(?:ed)?|affected|risk)\b"
            rf"|\b{_NOT}\b[^.\n]{{0,40}}\b(?:unauthori[sz]ed access|security (?:incident|breach|issue"
            rf"|impact)|data breach|breach)\b"
            r"|\bnot (?:a |the result of a |caused by a )?(?:\w+\s)?(?:security (?:incident|breach"
            r"|event)|attack|breach)\b",
            re.I,
        ),
        re.compile(
            r"\b(?:exposed|leaked|exfiltrat\w+|unauthori[sz]ed access|data breach|breach(?:ed)?"
            r"|compromised|attacker|intru(?:der|sion)|malicious|ransomware|cross[- ]tenant"
            r"|wrong (?:user|customer|tenant|account)(?:'s|s)?|"
            r"(?:see|saw|seeing|shown|served) (?:\w+\s){0,3}(?:other|another"
            r"|someone else)(?:'s)? (?:users?|customers?|tenants?|accounts?)|ddos|credential stuffing)\b",
            re.I,
        ),
        re.compile(
            rf"\b{_NOT}\b[^.\n]{{0,50}}\b(?:exposed|leak(?:ed)?|exfiltrat\w+|access|breach(?:ed)?"
            rf"|compromised|attack(?:er)?|malicious|intrusion|ransomware|ddos)\b"
            r"|\b(?:ruled out|excluded?)\b[^.\n]{0,40}\b(?:access|breach|attack|exposure|leak"
            r"|ddos)\b|\bfalse alarm\b",
            re.I,
        ),
    ),
    _Subject(
        "how many are affected",
        re.compile(
            r"\b(?:small|limited|minor|tiny|very few|handful of|few|some|subset"
            r"|minority)\b(?:\s\w+){0,4}\s?(?:subset|number|portion|percentage|fraction|group|set"
            r"|users?|customers?|accounts?|requests?|of)\b"
            r"|\bsubset of (?:\w+\s)?(?:users?|customers?|accounts?|requests?|traffic)\b"
            r"|\b(?:isolated|single) (?:to|customer|user|region)\b"
            r"|\bmost (?:users?|customers?)(?:\s\w+){0,3}\s(?:not|un)\s?(?:affected|impacted)",
            re.I,
        ),
        re.compile(
            r"\b(?:all|every|100 ?%(?: of)?|each)(?: of)?(?: our| the)? (?:users?|customers?"
            r"|tenants?|accounts?|requests?|traffic|regions?|logins?|checkouts?)\b"
            r"|\b(?:everyone|everybody|entire (?:user|customer) base|global(?:ly)? (?:outage|down)"
            r"|full outage|complete outage|total outage|hard down|site is down|all down|completely down)\b",
            re.I,
        ),
        re.compile(
            rf"\b{_NOT}\b\s(?:\w+\s){{0,2}}(?:all|every|everyone|everybody|100|global)"
            r"|\b(?:only|just)\b[^.\n]{0,40}\b(?:some|few|subset|part|\d{1,2} ?%)"
            r"|\b(?:all|every)(?: \w+){0,3} (?:recovered|restored|back|healthy|unaffected|fine|ok"
            r"|working|notified|informed|green)\b",
            re.I,
        ),
    ),
    _Subject(
        "whether readers must act",
        re.compile(
            r"\bno (?:\w+\s){0,2}(?:action|steps?|changes?)(?:\s\w+){0,5}\s(?:required|needed|necessary)\b"
            r"|\bno (?:further )?action (?:is )?(?:required|needed|necessary)\b"
            r"|\b(?:you|customers|users) (?:do not|don't|need not) (?:need|have) to (?:do|take)\b",
            re.I,
        ),
        re.compile(
            r"\b(?:customers?|users?|clients?|everyone|they|people)\b(?:\s\w+){0,4}\s(?:must"
            r"|need(?:s)? to|have to|has to|should|will have to|are required to)\s(?:\w+\s)?"
            r"(?:rotate|reset|re-?authenticate|log ?(?:in|out)|sign (?:in|out)|re-?run|re-?send"
            r"|re-?submit|re-?try|update|upgrade|clear|change|reconnect|re-?deploy|restart"
            r"|re-?install|re-?create|contact|refresh)\b",
            re.I,
        ),
        re.compile(rf"\b{_NOT}\b\s(?:need|have|required|necessary)\b|\bno (?:longer|need)\b", re.I),
    ),
)


def contradicted(text: str, notes: Iterable[Said]) -> tuple[Contradiction, ...]:
    """The claims of `text` that the newest note on the same subject takes back."""
    ordered: Sequence[Said] = sorted(notes, key=lambda note: note.said_at, reverse=True)
    found = []
    for subject in _SUBJECTS:
        claim = subject.claim.search(text)
        if claim is None:
            continue
        for note in ordered:
            if subject.settled.search(note.text):
                break
            if against := subject.against.search(note.text):
                found.append(
                    Contradiction(subject.name, claim.group(0), _around(note.text, against), note.said_at)
                )
                break
    return tuple(found)


def _around(text: str, match: re.Match[str]) -> str:
    """The words around what was found, on one line."""
    start, end = max(0, match.start() - 60), min(len(text), match.end() + 60)
    words = " ".join(text[start:end].split())
    return ("…" if start else "") + words + ("…" if end < len(text) else "")
