"""Links of a message and what they lead to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import SplitResult, urlsplit

from integration.models.note import LinkType, NoteLink

MOST_LINKS = 50
LONGEST_URL = 2000

_URL = re.compile(r"https?://[^\s<>|\"'`\\]{3,2100}", re.I)
# Balanced pairs belong to the address, a closing one alone to the sentence around it.
_TRAILING = ".,;:!?*_~…"

# (pattern over `host/path?query#fragment`, type): the first that matches wins, so the special stands
# before the general. Self-hosted tools are known by the names people give their hosts.
_FORMS: tuple[tuple[str, LinkType], ...] = (
    # Code hosts
    (
        r"^(?:[\w.-]*\.)?github\.[\w.]+/[^/]+/[^/]+/pull/\d+|/-/merge_requests/\d+|/pull-requests/\d+",
        "pull request",
    ),
    (r"^dev\.azure\.com/.*/pullrequest/\d+|^[\w.-]*gerrit[\w.-]*/", "pull request"),
    (r"^(?:[\w.-]*\.)?github\.[\w.]+/[^/]+/[^/]+/issues/\d+|/-/(?:issues|work_items)/\d+", "ticket"),
    (r"(?:runbooks?|playbooks?)(?:[/._-]|\b)", "runbook"),
    # Traces before the tools' own hosts: most of them show all three
    (
        r"^[\w.-]*(?:jaeger|zipkin|tempo)[\w.-]*(?::\d+)?/|/apm/traces?/|/trace(?:s|/|\?|-explorer|"
        r"view)",
        "trace",
    ),
    (r"#xray:traces|^console\.aws\.amazon\.com/xray|(?:[?&/]|%22)trace_?id(?:=|%22|/)", "trace"),
    (r"^ui\.honeycomb\.io/.*/trace|^(?:[\w.-]*\.)?lightstep\.com/", "trace"),
    # Logs
    (
        r"^[\w.-]*(?:kibana|opensearch|splunk|graylog|loki|papertrail|logz|loggly|"
        r"sumologic)[\w.-]*(?::\d+)?/",
        "logs",
    ),
    (r"^(?:[\w.-]*\.)?(?:papertrailapp|logentries|logdna|coralogix|betterstack)\.com/", "logs"),
    (
        r"^[\w.-]*datadoghq\.[\w.]+/(?:[\w/]*/)?logs|^one\.[\w.]*newrelic\.com/.*logger|"
        r"/logs(?:[/?#;]|$)",
        "logs",
    ),
    (
        r"#logsv2:|^console\.cloud\.google\.com/logs|/app/(?:discover|logs)|/explore\?.*loki|"
        r"\.log(?:\.gz|\.txt)?$",
        "logs",
    ),
    (r"^[\w.-]*sentry[\w.-]*/.*issues/\d+|build-log\.txt", "logs"),
    # Dashboards and monitors
    (
        r"^[\w.-]*(?:grafana|prometheus|alertmanager|chronograf|superset|metabase|"
        r"statuscake)[\w.-]*(?::\d+)?/",
        "dashboard",
    ),
    (
        r"^[\w.-]*(?:datadoghq\.[\w.]+|newrelic\.com|honeycomb\.io|dynatrace\.com|signalfx\.com)/",
        "dashboard",
    ),
    (
        r"^[\w.-]*(?:sentry\.io|instana\.io|appdynamics\.com|site24x7\.com|pingdom\.com|"
        r"lookerstudio\.google\.com)/",
        "dashboard",
    ),
    (r"#(?:dashboards|alarmsV2|metricsV2):|^console\.cloud\.google\.com/monitoring", "dashboard"),
    (
        r"^[\w.-]*(?:cloudwatch)[\w.-]*/|^[\w.-]*console\.aws\.amazon\.com/cloudwatch|"
        r"^portal\.azure\.com/.*dashboard",
        "dashboard",
    ),
    (r"^[\w.-]+(?::\d+)?/(?:d|dashboards?)/[\w-]+", "dashboard"),
    # Tickets, incidents, pages
    (
        r"^[\w.-]*(?:pagerduty\.com|opsgenie\.com|zendesk\.com|freshdesk\.com|service-now\.com|"
        r"shortcut\.com)/",
        "ticket",
    ),
    (
        r"^[\w.-]*(?:jira|redmine|bugzilla|youtrack)[\w.-]*/|/browse/[A-Z][A-Z0-9]+-\d+|^linear\.app/",
        "ticket",
    ),
    (
        r"^[\w.-]*\.atlassian\.net/(?!wiki)|^app\.asana\.com/|^trello\.com/c/|"
        r"^dev\.azure\.com/.*/_workitems",
        "ticket",
    ),
    (
        r"^(?:[\w.-]*\.)?(?:firehydrant|incident|rootly)\.(?:io|com)/|/(?:tickets?|issues|"
        r"incidents)/[\w-]*\d",
        "ticket",
    ),
    # Documents
    (
        r"^docs\.google\.com/|^drive\.google\.com/|^[\w.-]*(?:notion\.(?:so|site)|confluence)[\w.-]*/",
        "document",
    ),
    (
        r"^[\w.-]*\.atlassian\.net/wiki|^[\w.-]*sharepoint\.com/|^hackmd\.io/|^[\w.-]*slab\.com/|"
        r"^coda\.io/",
        "document",
    ),
    (
        r"^(?:docs?|wiki|handbook|kb|help|support|documentation)\.|/(?:docs?|wiki|documentation)(?:/|"
        r"$)",
        "document",
    ),
    (r"\.(?:md|pdf|docx?|rst|adoc|html?)(?:[?#]|$)", "document"),
)
_KNOWN = tuple((re.compile(pattern, re.I), kind) for pattern, kind in _FORMS)


def urls_in(text: str) -> Iterator[str]:
    """Web addresses of a text, in Slack's markup or bare, without the punctuation around them."""
    for match in _URL.finditer(text):
        url = match.group(0)
        if len(url) > LONGEST_URL:
            continue  # an address cut short leads nowhere
        while url and (url[-1] in _TRAILING or _closes_nothing(url)):
            url = url[:-1]
        if _split(url):
            yield url


def type_of(url: str, extra: Mapping[re.Pattern[str], LinkType] | None = None) -> LinkType:
    """What a link leads to. `extra` (pattern over the whole address -> type) goes first."""
    for pattern, kind in (extra or {}).items():
        if pattern.search(url):
            return kind
    parts = _split(url)
    if parts is None:
        return "other"
    host = parts.netloc.rpartition("@")[2].lower().removeprefix("www.")
    place = host + (parts.path or "/")
    place += f"?{parts.query}" if parts.query else ""
    place += f"#{parts.fragment}" if parts.fragment else ""
    return next((kind for pattern, kind in _KNOWN if pattern.search(place)), "other")


def links_of(
    urls: Iterable[str], extra: Mapping[re.Pattern[str], LinkType] | None = None
) -> tuple[NoteLink, ...]:
    """Typed links in order, each once, at most 50."""
    unique = list(dict.fromkeys(urls))[:MOST_LINKS]
    return tuple(NoteLink(url=url, type=type_of(url, extra)) for url in unique)


def _split(url: str) -> SplitResult | None:
    """None for what only looks like an address (an open bracket, a host of nothing)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if parts.hostname else None


def _closes_nothing(url: str) -> bool:
    opening = {")": "(", "]": "[", "}": "{"}.get(url[-1])
    return opening is not None and url.count(opening) < url.count(url[-1])
