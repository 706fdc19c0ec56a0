"""What is numbered: tickets, commits, resources, and references to the internal chat."""

from __future__ import annotations

import re
from collections.abc import Iterator

from integration.guards.leak import Hit, Words
from integration.guards.lists import listed

_KEY = re.compile(r"(?<![\w./&?=+-])(?P<project>[A-Z][A-Z0-9]{1,9})-(?P<number>\d{1,7})(?![\w-]|\.\d)")
# Standards, products and units that look like a ticket's key whatever their number is.
_STANDARDS = listed(
    """
    UTF UCS ISO IEC SHA MD AES DES RSA ECDSA TLS SSL CVE CWE CAPEC RFC IEEE ANSI ECMA NIST FIPS SOC PCI
    GDPR HIPAA GPT COVID SARS HTTP HTTPS MPEG MP FY UTC GMT PST PDT EST EDT CST CDT MST MDT CET CEST BST
    IST JST AEST USB WIFI LTE IPV DDR PCIE DIN ASCII LATIN KOI IMAP SMTP ORA ERR ERROR SEV HTTP2 OAUTH
    SAML LDAP SCIM GB MB KB TB GHZ MHZ KM CM MM AM PM Q1 Q2 Q3 Q4 H1 H2 GLM BERT LLAMA CLAUDE GEMINI PHI
    DALL KB5 CRC ZIP RAID GSM CDMA DOCSIS RTX GTX XEON ISDN BCP
    """
)
# Places and steps: a region, zone or phase has one or two digits.
_PLACES = listed(
    """
    US EU UK AP AU CA NA SA ME AF EAST WEST NORTH SOUTH CENTRAL SOUTHEAST NORTHEAST NORTHWEST SOUTHWEST
    ASIA EMEA APAC AMER LATAM AZ ZONE REGION DC POP NYC SFO LON FRA AMS SGP IAD PDX DUB TOR SYD BLR ATL
    DFW ORD LAX JP IN DE FR BR SG IE HK KR CN CLUSTER POD CELL NODE SHARD RING SLOT RACK HALL GEO MULTI
    A AMD ARM B BASE BATCH BUILD CAT CE CLASS CODE CORE CP DAY DOS ED EIA EN F H HOUR IOS ITU LEVEL
    MONTH MS NO NR OPTION OS P PAGE PART PHASE PLAN PRIORITY Q RELEASE REV ROUND RS SCHEMA SEVERITY
    STAGE STATUS STD STEP T TIA TIER TOP TYPE UL V VERSION VT W WAVE WEEK WIN X Y
    """
)
_NAMED = re.compile(
    r"\b(?:tickets?|issues?|bugs?|jira|incidents?|case|PRs?|pull requests?|merge requests?|MRs?"
    r"|stor(?:y|ies)|epics?|"
    r"change requests?|CR|RFC|problem|task|work item|defect|zendesk|freshdesk|support ticket"
    r"|servicenow|pagerduty|"
    r"linear|asana|opsgenie|alert)\s{0,2}(?:(?:no\.?|number|id|nr\.?|key)\s{0,2})?[:#!(]{0,2}\s{0,2}"
    r"(?P<id>#\d{1,9}|!\d{1,9}|[a-zA-Z][a-zA-Z0-9]{1,9}-\d{1,7}|\d{4,12})(?![\w.-]*\w)",
    re.I,
)
_REPO = re.compile(r"(?<![\w/.-])[\w-]{1,40}/[\w.-]{1,60}[#!]\d{1,7}\b")
_HASH = re.compile(r"(?<![\w#&/.-])#\d{3,9}(?![\w-])")
_SERVICE_DESK = re.compile(
    r"(?<![\w-])(?:INC|CHG|PRB|RITM|REQ|TASK|SCTASK|CTASK|KB|CS|SIR|PTASK|STRY|AB#|CASE|ZD-?"
    r"|TKT)\d{4,12}(?![\w-])"
)
_CASE = re.compile(r"\b(?:case|support case)\s{0,2}(?:id|number|no\.?|#)[:\s#]{0,3}(?P<id>\d{5,20})\b", re.I)

_SHA = re.compile(
    r"(?<![\w/.%#&-])(?:sha256:)?[0-9a-f]{7,64}(?![\w-])(?!\.\w)|(?<=[@/])[0-9a-f]{40}(?!\w)", re.I
)
_SHA_RANGE = re.compile(r"(?<![\w])[0-9a-f]{7,40}\.{2,3}[0-9a-f]{7,40}(?!\w)", re.I)
_BUILT = re.compile(
    r"(?<=-g)[0-9a-f]{7,12}(?!\w)|(?<=[\w]@)[0-9a-f]{7,40}(?![\w.])|(?<=[:_-])[0-9a-f]{12,40}(?![\w-])"
)
_COMMITTED = re.compile(
    r"\b(?:commits?|sha|sha1|rev|revision|revert(?:ed|ing|s)?|changeset|cherry-?pick(?:ed|ing)?"
    r"|deploy(?:ed|ing)?|"
    r"merge(?:d)?|HEAD(?: is)?(?: now)?(?: at)?|git|hash|tag|image|build|rollback to|rolled back to"
    r"|back to)"
    r"[\s:=#(`'\"]{1,4}(?P<id>[0-9a-f]{7,40})(?![\w-])",
    re.I,
)

_BRANCH = re.compile(
    r"(?<![\w/.-])(?:refs/(?:heads|tags)/[\w./-]{1,100}|(?:feature|feat|bugfix|hotfix|bug|release|users?)/"
    r"(?=[\w.-]{0,60}[-_\d])[\w.-]{3,100})(?<![.-])"
)

_UUID = re.compile(r"(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])", re.I)
_RESOURCE = re.compile(
    r"(?<![\w-])(?:i|vpc|subnet|sg|vol|ami|eni|rtb|igw|nat|snap|acl|eipalloc|tgw|vpce|lt|asg|pcx"
    r"|dopt|fs|cs|db)-"
    r"(?=[0-9a-f]*\d)[0-9a-f]{8,17}(?![\w-])"
    r"|\barn:aws[\w-]*:[^\s,;\"'`<>)]{3,500}"
    r"|(?<![\w/])projects/[\w-]{3,40}/(?:zones|regions|locations|topics|subscriptions"
    r"|instances)/[\w/.-]{1,200}"
    r"|/subscriptions/[0-9a-f-]{36}/[\w/.-]{1,300}"
    r"|\bpager ?duty (?:incident |alert )?#?(?P<pager>[A-Z][A-Z0-9]{6,13})\b"
    r"|\b(?:trace|span|request|req|correlation|session|transaction|x-request|x-amzn-trace|account"
    r"|tenant|user|"
    r"customer|org|organization|workspace)[-_ ]?id[\"']?\s?[:=]\s?[\"']?(?P<id>[\w:.@-]{4,80})",
    re.I,
)
_CHAT = re.compile(
    r"<(?:[@#][A-Z0-9]{6,14}(?:\|[^<>\n]{0,80})?|![a-z]{4,10}(?:[\^|][^<>\n]{0,80})?)>"
    r"|(?<![\w/.=-])[UWCGDT]0[A-Z0-9]{7,10}(?![\w-])"
    r"|(?<![\w@/.])@(?:here|channel|everyone|oncall|on-call)\b"
    r"|(?<![\w&/#.=-])#(?=[a-z0-9_]*[-_])[a-z][a-z0-9_-]{2,79}(?![\w-])"
)
_CHANNEL = re.compile(
    r"(?<![\w&/#.=-])(?P<id>#[a-z][a-z0-9]{2,79})\b(?=\s+(?:slack|teams)?\s?(?:channel|room)\b)", re.I
)


def find(text: str, words: Words) -> Iterator[Hit]:
    """Tickets, commits, identifiers and chat references in `text`."""
    yield from _tickets(text)
    yield from _commits(text)
    for match in _UUID.finditer(text):
        yield Hit(start=match.start(), end=match.end(), kind="identifier")
    for match in _RESOURCE.finditer(text):
        yield _hit(match, "identifier")
    for match in _CHAT.finditer(text):
        if not re.fullmatch(r"[A-Z]+|[UWCGDT]0\d+", match.group(0)):
            yield Hit(start=match.start(), end=match.end(), kind="chat")
    for match in _CHANNEL.finditer(text):
        yield _hit(match, "chat")


def _tickets(text: str) -> Iterator[Hit]:
    for match in _KEY.finditer(text):
        project, number = match.group("project", "number")
        if (
            project in _STANDARDS
            or (len(number) <= 2 and project in _PLACES)
            or not any(map(str.isalpha, project))
        ):
            continue
        if len(project) == 2 and project[1].isdigit() and len(number) <= 2:
            continue  # A1-2: a seat, a zone, a plan
        yield Hit(start=match.start(), end=match.end(), kind="ticket")
    for match in _NAMED.finditer(text):
        name = match.group("id")
        if name.partition("-")[0].upper() in _STANDARDS or re.fullmatch(r"(?:19|20)\d\d", name):
            continue
        yield _hit(match, "ticket")
    for pattern in (_REPO, _HASH, _SERVICE_DESK, _CASE):
        for match in pattern.finditer(text):
            yield _hit(match, "ticket")


def _commits(text: str) -> Iterator[Hit]:
    for match in _SHA.finditer(text):
        name = match.group(0).lower().removeprefix("sha256:")
        if _random(name):
            yield Hit(start=match.start(), end=match.end(), kind="commit")
    for pattern in (_SHA_RANGE, _BUILT):
        for match in pattern.finditer(text):
            if _random(match.group(0).lower()):
                yield Hit(start=match.start(), end=match.end(), kind="commit")
    for match in _COMMITTED.finditer(text):
        name = match.group("id").lower()
        said = match.group(0).lower()
        if any(map(str.isdigit, name)) or said.startswith(("commit", "sha", "rev ", "revision", "head")):
            yield _hit(match, "commit")
    for match in _BRANCH.finditer(text):
        yield Hit(start=match.start(), end=match.end(), kind="commit")


def _random(name: str) -> bool:
    """Whether hex digits are a hash: numbers and words are made of them too."""
    digits = sum(map(str.isdigit, name.replace(".", "")))
    return 0 < digits < len(name)


def _hit(match: re.Match[str], kind: str) -> Hit:
    name = "id" if "id" in match.re.groupindex and match.group("id") else 0
    return Hit.model_validate({"start": match.start(name), "end": match.end(name), "kind": kind})
