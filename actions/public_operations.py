"""What can be said on a status page, by the word that a draft names it with, and who carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actions import (
    complete_maintenance,
    publish_postmortem,
    publish_status_page,
    reopen_status_page,
    resolve_status_page,
    schedule_maintenance,
    update_status_page,
)
from actions.public_consent import CarryOut
from integration.models.communication import Operation


@dataclass(frozen=True)
class Spoken:
    """`opens`: a new public incident, on a page that is chosen; else one that stands, which was opened by
    `opened_by`. `restores`: components go back to operational with it. `words`: what it begins with."""

    title: str
    operation: Operation
    action: str
    carry_out: CarryOut
    words: str
    opens: bool = False
    restores: bool = False
    opened_by: Operation = "publish_incident"


SPOKEN: Mapping[str, Spoken] = {
    "publish": Spoken(
        "Publish", "publish_incident", "publish_status_page", publish_status_page.carry_out, "", opens=True
    ),
    "update": Spoken("Update", "update_incident", "update_status_page", update_status_page.carry_out, ""),
    "resolve": Spoken(
        "Resolve",
        "resolve_incident",
        "resolve_status_page",
        resolve_status_page.carry_out,
        "resolved",
        restores=True,
    ),
    "reopen": Spoken(
        "Reopen", "reopen_incident", "reopen_status_page", reopen_status_page.carry_out, "reopened"
    ),
    "schedule": Spoken(
        "Schedule maintenance",
        "schedule_maintenance",
        "schedule_maintenance",
        schedule_maintenance.carry_out,
        "scheduled",
        opens=True,
        opened_by="schedule_maintenance",
    ),
    "complete": Spoken(
        "Complete maintenance",
        "complete_maintenance",
        "complete_maintenance",
        complete_maintenance.carry_out,
        "completed",
        restores=True,
        opened_by="schedule_maintenance",
    ),
    "postmortem": Spoken(
        "Publish postmortem", "publish_postmortem", "publish_postmortem", publish_postmortem.carry_out, ""
    ),
}


def of_action(action: str) -> Spoken | None:
    """What a button of Port says in public; None for one that says nothing there."""
    return next((one for one in SPOKEN.values() if one.action == action), None)


def of_operation(operation: object) -> Spoken | None:
    return next((one for one in SPOKEN.values() if one.operation == operation), None)
