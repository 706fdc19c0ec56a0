"""What Statuspage makes of what it is given: statuses, impact, the words it puts where none are given."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.statuspage.state import Component, Incident, Store

REALTIME = ("investigating", "identified", "monitoring", "resolved")
SCHEDULED = ("scheduled", "in_progress", "verifying", "completed")
STATUSES = (*REALTIME, *SCHEDULED)
IMPACTS = ("none", "maintenance", "minor", "major", "critical")  # from least to worst
COMPONENT_STATUSES = (
    "operational",
    "under_maintenance",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "",
)
_WORSE = ("", "operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage")

NAME_MAX, BODY_MAX = 255, 25_000

DEFAULT_BODY = {
    "investigating": "We are currently investigating this issue.",
    "identified": "The issue has been identified and a fix is being implemented.",
    "monitoring": "A fix has been implemented and we are monitoring the results.",
    "resolved": "This incident has been resolved.",
    "scheduled": "We will be undergoing scheduled maintenance during this time.",
    "in_progress": "Scheduled maintenance is currently in progress. We will provide updates as necessary.",
    "verifying": "Verification is currently underway for the maintenance items.",
    "completed": "The scheduled maintenance has been completed.",
}
"""What the page says when a status was given without words; seen on any number of public pages."""

_IMPACT_OF = {
    "under_maintenance": "maintenance",
    "degraded_performance": "minor",
    "partial_outage": "major",
    "major_outage": "critical",
}


def impact_of(statuses: Iterable[str]) -> str:
    """The impact of components in these states: the worst of them decides."""
    return worst_impact(_IMPACT_OF.get(status, "none") for status in statuses)


def worst_impact(impacts: Iterable[str]) -> str:
    return max(impacts, key=IMPACTS.index, default="none")


def worst_status(statuses: Iterable[str]) -> str:
    return max(statuses, key=_WORSE.index, default="operational")


def overall(store: Store, page_id: str) -> tuple[str, str]:
    """(indicator, description) at the top of a page.

    Vendor: support.atlassian.com "Top-level status and incident impact calculations": all components of a
    page count, and one that is down among others that are well is milder than a page wholly down. An
    unresolved incident counts by its impact as well; how the two are blended is an assumption.
    """
    shown = [c for c in store.of(store.components, page_id)]
    indicator, words = _of_components(shown)
    impacts = [i.impact for i in store.of(store.incidents, page_id) if i.open and not i.scheduled]
    by_incident = worst_impact(impacts)
    if IMPACTS.index(by_incident) > IMPACTS.index(indicator):
        return by_incident, _INCIDENT_WORDS.get(by_incident, words)
    return indicator, words


_INCIDENT_WORDS = {
    "maintenance": "Service Under Maintenance",
    "minor": "Minor Service Outage",
    "major": "Partial System Outage",
    "critical": "Major System Outage",
}


def _of_components(components: list[Component]) -> tuple[str, str]:
    worst = worst_status(c.status for c in components)
    all_alike = all(c.status == worst for c in components)
    if worst == "major_outage":
        return ("critical", "Major System Outage") if all_alike else ("major", "Partial System Outage")
    if worst == "partial_outage":
        return ("major", "Partial System Outage") if all_alike else ("minor", "Minor Service Outage")
    if worst == "degraded_performance":
        whole = all_alike and len(components) > 1
        return "minor", "Degraded System Service" if whole else "Partially Degraded Service"
    if worst == "under_maintenance":
        return "maintenance", "Service Under Maintenance"
    return "none", "All Systems Operational"


def statuses_for(incident: Incident) -> tuple[str, ...]:
    return SCHEDULED if incident.scheduled else REALTIME


def upcoming(incident: Incident) -> bool:
    return incident.status == "scheduled"


def under_way(incident: Incident) -> bool:
    """Whether a maintenance is running now."""
    return incident.status in ("in_progress", "verifying")
