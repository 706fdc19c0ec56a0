"""How well tags fit: links with their type, and services by name."""

from __future__ import annotations

from typing import Any

from integration.notetaker.links import links_of, urls_in
from integration.notetaker.services import ServiceNames
from scripts.notes.data import Line
from scripts.notes.figures import interval

# What the labels call a link, and what we may call it.
_TYPES = {
    "pr": {"pull request"},
    "issue": {"ticket"},
    "ticket": {"ticket"},
    "dashboard": {"dashboard"},
    "log": {"logs"},
    "doc": {"document", "runbook"},
    "alert": {"ticket", "dashboard"},
    "commit": {"other"},
    "chat": {"other"},
    "build": {"other", "logs"},
    "status": {"other"},
    "other": {"other"},
}


def measure(incidents: dict[str, list[Line]]) -> dict[str, Any]:
    """By tag: what was labelled, what was given, precision and recall with intervals."""
    return {"links": _links(incidents), "services": _services(incidents)}


def _services(incidents: dict[str, list[Line]]) -> dict[str, Any]:
    """Against a catalogue that knows every service labelled in any of the incidents, and only these.

    A label that stands for several words of a line counts as found when it is among what was found.
    """
    names = {
        str(name) for lines in incidents.values() for line in lines for name in line.get("services") or ()
    }
    catalogue = ServiceNames.of((name, ()) for name in sorted(names))
    labelled = given = right = 0
    for line in (line for lines in incidents.values() for line in lines if "services" in line):
        wanted = {str(name).casefold() for name in line["services"]}
        found = {name.casefold() for name in catalogue.found(str(line["text"]))}
        labelled, given, right = labelled + len(wanted), given + len(found), right + len(wanted & found)
    return figures(labelled, given, right)


def _links(incidents: dict[str, list[Line]]) -> dict[str, Any]:
    """A link counts as right when both its address and its type are."""
    labelled = given = right = 0
    for line in (line for lines in incidents.values() for line in lines):
        wanted = {str(link.get("url")): str(link.get("type")) for link in line.get("links") or ()}
        found = {link.url: link.type for link in links_of(urls_in(str(line["text"])))}
        labelled, given = labelled + len(wanted), given + len(found)
        right += sum(found.get(url) in _TYPES.get(kind, {kind}) for url, kind in wanted.items())
    return figures(labelled, given, right)


def figures(labelled: int, given: int, right: int) -> dict[str, Any]:
    return {
        "labelled": labelled,
        "given": given,
        "precision": round(right / given, 3) if given else None,
        "precision_95": interval(right, given),
        "recall": round(right / labelled, 3) if labelled else None,
        "recall_95": interval(right, labelled),
    }
