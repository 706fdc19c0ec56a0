"""Where things run: host names, network addresses, links to internal tools, file paths."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from integration.guards.hosts import below, internal, machine
from integration.guards.leak import Hit, Words
from integration.guards.lists import listed

_URL = re.compile(r"(?<![a-z0-9+.-])(?P<scheme>[a-z][a-z0-9+.-]{1,20})://[^\s<>\"'`|\\^{}]{2,2000}", re.I)
_LOGIN = re.compile(
    r"(?<![\w.@-])[a-z_][\w-]{0,31}@(?P<name>[a-z][a-z0-9]{0,30}(?:-[a-z0-9]{1,30}){0,6})(?![\w@-]|\.\w)"
)
_TRAILING = ".,;:!?*_~…"
_DOTTED = re.compile(
    r"(?<![\w.@%-])(?=[\w-]{1,63}\.[\w-])(?P<name>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9])?)"
    r"(?P<port>:\d{2,5}(?!\d))?(?P<path>/[^\s<>\"'`|\\^{}),;]{0,2000})?"
)
_BARE = re.compile(
    r"(?<![\w./@#:%-])(?P<name>[a-zA-Z][a-zA-Z0-9]*(?:[-_][a-zA-Z0-9]+)*)(?P<port>:\d{2,5})?"
    r"(?![\w/@-]|\.\w)"
)
_LOCAL = re.compile(r"(?<![\w.-])localhost(?::\d{1,5})?(?:/[^\s<>\"'`),;]{0,500})?", re.I)

_V4 = re.compile(
    r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\w)(?:/\d{1,2}(?!\d))?(?::\d{1,5}(?!\d|[.:]\d))?"
)
_V4_GLUED = re.compile(
    r"(?<=[A-Za-z@_=-])(?<![vV.])(?:10|127|172|192)(?:\.\d{1,3}){3}(?![\w-]|\.\d)(?::\d{1,5})?"
)
_V4_PART = re.compile(
    r"(?<![\w.])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3})?(?:\.(?:x{1,3}"
    r"|\*)){1,2}(?!\w|\.\w)"
    r"|(?<![\w.])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){0,1}/\d{1,2}(?!\d)"
)
_V6 = re.compile(
    r"(?<![\w.:])\[?(?P<name>(?:[0-9a-f]{1,4}:|:){2,8}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?)"
    r"(?:%[\w.-]{1,20})?(?:/\d{1,3})?(?:\](?::\d{1,5})?)?(?!\w|:\w)",
    re.I,
)
_MAC = re.compile(r"(?<![\w:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?!\w|[:-]\w)", re.I)
# Four numbers with dots are a version where one of these stands before them.
_VERSION = re.compile(
    r"(?:\bv|\bv\.|ver(?:sion)?s?|releases?d?|build|firmware|upgraded?|patch|sdk|chrome|chromium"
    r"|firefox|safari|edge|"
    r"opera|android|ios|macos|windows|java|app|agent|client|plugin|library|driver|kernel|package"
    r"|hotfix|update|"
    r"connector|installer|extension|jdk|jre|runtime|rev)\b[\s:=(]{0,3}(?:(?:from|to|and|or|of|is|now"
    r"|v)\s{1,2}){0,2}v?$"
    r"|\bv$",
    re.I,
)
# Of an address that only a network of one's own has, only these: `agent 10.2.3.4` is an agent's address.
_SURE_VERSION = re.compile(r"\b(?:v|ver(?:sion)?s?|firmware|sdk)[\s:=(]{0,3}v?$", re.I)
_OWN = re.compile(
    r"(?:10|127)\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\."
)
_VERSION_LIST = re.compile(r"(?:\d\.){3}\d+[\w-]*(?:,|\s(?:to|and|or|->|→)|,\s(?:and|or))\s$")

# Tools people run for themselves, known by the names they give the hosts.
_TOOLS = listed(
    """
    ci cd grafana kibana jira confluence jenkins argocd argo argo-cd prometheus alertmanager thanos loki
    tempo jaeger zipkin splunk graylog sentry sonarqube sonar nexus artifactory harbor vault consul
    nomad rundeck spinnaker airflow superset metabase looker redash pgadmin phpmyadmin rabbitmq
    flower gitlab gerrit phabricator phab bitbucket backstage zabbix nagios icinga checkmk opsgenie
    pagerduty wiki intranet runbook runbooks oncall teamcity bamboo buildkite drone concourse awx
    keycloak okta kafka-ui akhq portainer rancher teleport octopus unleash opensearch elk dashboards
    dashboard monitoring logs traces metrics tickets issues servicedesk redmine bugzilla youtrack
    chronograf netdata kiali hue minio dagster mlflow pyroscope perses signoz ghe git code deploy
    deploys kube k8s-dashboard snow servicenow mattermost
    """
)
# Theirs only with something of ours behind it, so the vendors' own public pages stay.
_OURS = re.compile(
    r"^(?:(?:sqs|sns|s3)[\w.-]*\.amazonaws\.com/\S|"
    r"(?!(?:www|status|support|community|developer|confluence|jira)\.)[\w-]+\.atlassian\.net(?:/|$)"
    r"|(?!(?:www|status|api|slack|app)\.)[\w-]+(?:\.enterprise)?\.slack\.com(?:/|$)"
    r"|(?:app\.)?slack\.com/(?:archives|client|team|app_redirect)"
    r"|(?!(?:www|status|support|developer|community)\.)[\w-]+\.(?:pagerduty|opsgenie|victorops"
    r"|xmatters|rootly|firehydrant)\.(?:com|io)/"
    r"|app\.(?:opsgenie|incident|firehydrant|rootly|squadcast|port|getport|asana|clickup|shortcut"
    r"|circleci|cronitor|launchdarkly|terraform|pulumi|signalfx|logz|harness|split|slab)\.(?:io|com)/"
    r"|(?!(?:www|status|docs|learn)\.)(?:[\w-]+\.)*datadoghq\.(?:com|eu)/"
    r"|one\.(?:eu\.)?newrelic\.com/|rpm\.newrelic\.com/"
    r"|(?:[\w-]+\.)?sentry\.io/(?:organizations|issues|share)|(?!(?:www|status|docs)\.)[\w-]+\.sentry\.io/"
    r"|(?!(?:www|status|docs)\.)[\w-]+\.(?:grafana\.net|splunkcloud\.com|loggly\.com"
    r"|live\.dynatrace\.com|apps\.dynatrace\.com|signalfx\.com|service-now\.com|sharepoint\.com"
    r"|papertrailapp\.com|lightstep\.com|chronosphere\.io|logdna\.com|coralogix\.com|awsapps\.com"
    r"|cloudflareaccess\.com|bugsnag\.com|rollbar\.com)/"
    r"|(?:ui|app)\.honeycomb\.io/|papertrailapp\.com/|service\.sumologic\.com/"
    r"|(?:[\w-]+\.)*console\.aws\.amazon\.com/(?!(?:support/?$|$))"
    r"|console\.cloud\.google\.com/(?!support)\w+/\w|portal\.azure\.com/\S+"
    r"|dev\.azure\.com/\w|[\w-]+\.visualstudio\.com/|(?:docs|drive|sheets)\.google\.com/(?:document"
    r"|spreadsheets|presentation|drive|file)/"
    r"|(?:www\.)?notion\.so/\w|[\w-]+\.notion\.site/|linear\.app/\w|trello\.com/[cb]/"
    r"|app\.asana\.com/|coda\.io/d/|hackmd\.io/\w|miro\.com/app/"
    r"|[\w-]+\.(?:zendesk\.com/agent|freshdesk\.com/a/|freshservice\.com/a/)|app\.intercom\.com/"
    r"|manage\.statuspage\.io/"
    r"|(?:[\w-]+\.)?zoom\.us/(?:j|s|my|w)/|meet\.google\.com/\w|teams\.(?:microsoft|live)\.com/l/"
    r"|[\w-]+\.webex\.com/"
    r"|buildkite\.com/[\w-]+/|(?:[\w-]+\.)*github\.(?:dev)/"
    r"|(?:[\w-]+\.)*(?:github|gitlab|bitbucket)\.[\w.]+/\S+?/(?:pull|pulls|issues|commit|commits"
    r"|merge_requests|actions/runs|compare|pull-requests|work_items|pipelines|-/jobs)(?:/|$)"
    r"|(?:[\w-]+\.)*\w[\w.-]*/browse/[A-Z][A-Z0-9]+-\d+"
    r")",
    re.I,
)
_PUBLIC_FACES = listed(
    """
    www status docs support help blog about community developer developers learn forum
    """
)
_WEB = frozenset({"http", "https"})

_ROOTS = (
    "etc|var|usr|home|opt|srv|tmp|root|mnt|proc|sys|dev|bin|sbin|lib|lib64|run|boot|Users|Volumes|workspace|nfs|"
    "private|export|opt|Library|Applications"
)
_CODE = (
    "py|go|rb|java|kt|scala|ts|tsx|jsx|cs|cpp|cc|rs|php|ex|exs|erl|sh|bash|sql|tf|tfvars|ya?ml|conf|cfg|log|env|ini|"
    "toml|pem|key|crt|properties|lock|gradle|service|out|err|dump|hprof|bak|jar|war|js|mjs|cjs|json|xml|csv|so|dll|exe"
)
_PATH = re.compile(
    rf"(?<![\w:/.~>-])/(?:{_ROOTS})(?:/[\w.@%+=~*{{}}$-]{{1,120}}){{1,30}}/?(?::\d+(?::\d+)?)?"
    rf"|(?<![\w:/])/(?:[\w.@%+=~-]{{1,80}}/){{1,30}}[\w.@%+=~-]{{1,80}}\.(?:{_CODE})\b(?::\d+(?::\d+)?)?"
    r"|(?<![\w/])~/[\w.][\w./@%+=~-]{1,300}"
    r"|(?<![\w])[A-Za-z]:\\(?:[\w .$()@-]{1,80}\\){0,30}[\w.$()@-]{1,80}(?::(?:line )?\d+)?"
    r"|(?<![\w\\])\\\\[\w.-]{1,80}\\[\w$.-]{1,80}(?:\\[\w.$-]{1,80}){0,20}"
    rf"|(?<![\w:/.@-])(?:\.{{1,2}}/)?(?:[\w.@-]{{1,60}}/){{1,20}}[\w.@-]{{1,80}}\.(?:{_CODE})\b"
    rf"(?::\d+(?::\d+)?)?"
    r"|(?<![\w:/.@-])[\w-]{1,60}\.(?:py|go|rb|java|kt|scala|tsx?|jsx?|cs|cpp|cc|rs|php|exs?):\d+(?::\d+)?\b"
    r"|(?<![\w:/.@-])[\w-]{1,60}(?:\.[\w-]{1,40})?\.(?:ya?ml|conf|cfg|log|ini|toml|pem|tfvars|hprof"
    r"|sql|properties)\b(?!\.\w)",
)


def find(text: str, words: Words) -> Iterator[Hit]:
    """Hosts, addresses, links and paths in `text`."""
    yield from _links(text, words)
    yield from _names(text, words)
    yield from _addresses(text)
    for match in _PATH.finditer(text):
        yield Hit(start=match.start(), end=match.end(), kind="path")


def _links(text: str, words: Words) -> Iterator[Hit]:
    for match in _URL.finditer(text):
        url = match.group(0)
        while url and (url[-1] in _TRAILING or _closes_nothing(url)):
            url = url[:-1]
        if inside(url, words):
            yield Hit(start=match.start(), end=match.start() + len(url), kind="internal link")


def inside(url: str, words: Words) -> bool:
    """Whether a link, with its scheme, leads to what only insiders may open."""
    scheme, _, rest = url.partition("://")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        tail = rest.rpartition("@")[2] if "@" in parts.netloc else rest
    except ValueError:
        return False
    if scheme.lower() not in _WEB:
        return True  # s3://, postgres://, slack://: nothing for a reader outside
    if below(host, words.allowed):
        return False
    if below(host, words.tools) or internal(host, words.hosts) or machine(host) or "." not in host:
        return True
    if _is_address(host) or _tool(host):
        return True
    return bool(_OURS.match(tail if "/" in tail else tail + "/"))


def _sure_tool(host: str) -> bool:
    """Without a scheme, only what can't be the public name of a product, as `git.example.com` can."""
    labels = host.split(".")
    return _tool(host) and any(
        segment in _SURE_TOOLS for label in labels[:-2] for segment in label.split("-")
    )


def _tool(host: str) -> bool:
    labels = host.split(".")
    if len(labels) < 3 or labels[0] in _PUBLIC_FACES:
        return False
    return any(
        label in _TOOLS or any(segment in _SURE_TOOLS for segment in label.split("-"))
        for label in labels[:-2]
    )


_SURE_TOOLS = _TOOLS - listed(
    """
    dashboards dashboard monitoring logs traces metrics tickets issues code git deploy deploys wiki
    drone flower vault tempo looker octopus argo sonar hue kube snow
    """
)


def _names(text: str, words: Words) -> Iterator[Hit]:
    for match in _DOTTED.finditer(text):
        name = match.group("name").rstrip(".")
        whole = match.end()
        if name != match.group("name"):
            whole = match.start() + len(name)
        if below(name.lower(), words.allowed):
            continue
        place = name + (match.group("path") or "")
        if internal(name, words.hosts):
            end = _trimmed(text, match.start(), whole)
            yield Hit(start=match.start(), end=end, kind="internal link" if match.group("path") else "host")
        elif below(name.lower(), words.tools) or _sure_tool(name.lower()) or _OURS.match(place):
            yield Hit(start=match.start(), end=_trimmed(text, match.start(), whole), kind="internal link")
    for match in _BARE.finditer(text):
        if match.group("port") and match.group("name").lower() not in ("localhost",):
            end = match.end() if machine(match.group("name")) else 0
        else:
            end = match.end() if _bare(match.group("name")) else 0
        if end:
            yield Hit(start=match.start(), end=end, kind="host")
    for match in _LOGIN.finditer(text):
        if machine(match.group("name")):
            yield Hit(start=match.start(), end=match.end(), kind="host")
    for match in _LOCAL.finditer(text):
        yield Hit(start=match.start(), end=_trimmed(text, match.start(), match.end()), kind="host")


def _bare(name: str) -> bool:
    """Machines are written in one case; `Node-18` and `App-2` begin sentences."""
    return (name.islower() or name.isupper()) and machine(name)


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start + 1 and text[end - 1] in _TRAILING + ")]}":
        end -= 1
    return end


def _addresses(text: str) -> Iterator[Hit]:
    for match in _V4.finditer(text):
        if _is_address(re.split(r"[/:]", match.group(0))[0]) and not _is_version(
            text, match.start(), match.group(0)
        ):
            yield Hit(start=match.start(), end=match.end(), kind="address")
    for pattern in (_V4_PART, _V4_GLUED, _MAC):
        for match in pattern.finditer(text):
            if not _is_version(text, match.start()):
                yield Hit(start=match.start(), end=match.end(), kind="address")
    for match in _V6.finditer(text):
        name = match.group("name")
        if name.endswith(":") and not name.endswith("::"):
            name = name[:-1]  # the sentence's own
        if _is_address(name) and (
            any(char.isdigit() for char in name) or name.lower()[:2] in ("fe", "fd", "fc")
        ):
            yield Hit(start=match.start(), end=match.end(), kind="address")


def _is_version(text: str, start: int, found: str = "") -> bool:
    """Four numbers with dots after a word for a version; with a port or a mask they are none."""
    if ":" in found or "/" in found:
        return False
    before = text[max(0, start - 40) : start]
    if _OWN.match(text, start):
        return bool(_SURE_VERSION.search(before))
    return bool(
        _VERSION.search(before)
        or (_VERSION_LIST.search(before) and "version" in text[max(0, start - 120) : start].lower())
    )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _closes_nothing(url: str) -> bool:
    opening = {")": "(", "]": "[", "}": "{"}.get(url[-1])
    return opening is not None and url.count(opening) < url.count(url[-1])
