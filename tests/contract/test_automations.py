"""The conditions of the automations, run as Port runs them, over the events they are for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jq
import pytest

from integration.settings import IncidentFields, Settings
from tests.contract.built import DOORS, THEIRS, actions, rendered


def incident(**changes: Any) -> dict[str, Any]:
    """An entity as it stands in an event; `relations` and `createdAt` apart, changes are properties."""
    at = changes.pop("createdAt", datetime.now(UTC).isoformat().replace("+00:00", "Z"))
    relations = {"services": [], "responders": [], "warRoom": None} | changes.pop("relations", {})
    title = changes.pop("title", "Checkout is slow")
    properties = {"status": "open", "severity": "sev1", "startedAt": None} | changes
    return {
        "identifier": "inc-1",
        "title": title,
        "properties": properties,
        "relations": relations,
        "createdAt": at,
    }


@lru_cache
def programs(automation: str, theirs: bool) -> list[Any]:
    trigger = actions(THEIRS if theirs else Settings(), DOORS[0])[automation]["trigger"]
    return [jq.compile(expression) for expression in trigger["condition"]["expressions"]]


def fires(automation: str, before: Any, after: Any, theirs: bool = False) -> bool:
    event = {"action": "UPDATE", "diff": {"before": before, "after": after}, "context": {}}
    results = []
    for program in programs(automation, theirs):
        try:
            results.append(program.input_value(event).first() is True)
        except ValueError:  # Port takes an error in a condition for false
            results.append(False)
    return all(results)


def ago(offset: timedelta = timedelta(), **since: float) -> str:
    """That long ago, as a clock in a zone `offset` from Greenwich writes it."""
    at = datetime.now(UTC) - timedelta(**since) + offset
    if not offset:
        return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    hours, minutes = divmod(abs(int(offset.total_seconds())) // 60, 60)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f"{'-' if offset < timedelta() else '+'}{hours:02}:{minutes:02}"


WEST, EAST = timedelta(hours=-10), timedelta(hours=5, minutes=30)


@pytest.mark.parametrize(
    ("before", "after", "opens"),
    [
        (None, incident(), True),
        (None, incident(severity="sev3"), False),
        (None, incident(severity=None), False),
        (None, incident(status=None), True),
        (None, incident(status="resolved"), False),
        (None, incident(startedAt=ago(hours=2)), True),
        (None, incident(startedAt=ago(hours=25)), False),
        (None, incident(createdAt=ago(days=30)), False),
        (None, incident(startedAt=ago(WEST, hours=23)), True),
        (None, incident(startedAt=ago(WEST, hours=25)), False),
        (None, incident(startedAt=ago(EAST, hours=23)), True),
        (None, incident(startedAt=ago(EAST, hours=25)), False),
        (incident(severity="sev3"), incident(), True),
        (incident(severity=None), incident(), True),
        (incident(severity="sev2"), incident(), False),
        (incident(), incident(warRoomState="open"), False),
        (incident(status="resolved"), incident(), True),
        (incident(severity="sev3"), incident(severity="sev4"), False),
        (incident(severity="sev3", startedAt=ago(days=3)), incident(startedAt=ago(days=3)), False),
        (incident(), None, False),
    ],
)
def test_what_opens_a_room(before: Any, after: Any, opens: bool) -> None:
    assert fires("open_war_room_on_severity", before, after) is opens


SHOUTED = Settings(open_severities=("Critical", "HIGH"), closed_statuses=("Resolved", "Done"))


@pytest.mark.parametrize(
    ("automation", "before", "after", "wanted"),
    [
        ("open_war_room_on_severity", None, incident(severity="CRITICAL"), True),
        ("open_war_room_on_severity", incident(severity="Low"), incident(severity="high"), True),
        ("open_war_room_on_severity", incident(severity="critical"), incident(severity="Critical"), False),
        ("open_war_room_on_severity", None, incident(severity="high", status="DONE"), False),
        ("open_war_room_on_severity", None, incident(severity=1), False),
        ("open_war_room_on_severity", None, incident(severity="high", status=None), True),
        (
            "close_war_room_on_status",
            incident(severity="high"),
            incident(severity="high", status="DONE"),
            True,
        ),
        ("close_war_room_on_status", incident(status="done"), incident(status="Resolved"), False),
    ],
)
def test_upper_and_lower_case_dont_count(automation: str, before: Any, after: Any, wanted: bool) -> None:
    """As they don't count in `plan`, which looks at the same incident again."""
    trigger = actions(SHOUTED, DOORS[0])[automation]["trigger"]
    event = {"diff": {"before": before, "after": after}}
    found = [
        jq.compile(expression).input_value(event).first() is True
        for expression in trigger["condition"]["expressions"]
    ]

    assert all(found) is wanted


def test_a_first_import_of_old_incidents_opens_nothing() -> None:
    imported = [incident(startedAt=ago(hours=25 + n)) for n in range(500)]

    assert not any(fires("open_war_room_on_severity", None, one) for one in imported)


def test_the_customers_own_fields_are_read() -> None:
    theirs = incident(urgency="high", status="triggered", created_at=ago(hours=1))

    assert fires("open_war_room_on_severity", None, theirs, True)
    assert not fires("open_war_room_on_severity", None, incident(urgency="low"), True)


@pytest.mark.parametrize(
    ("before", "after", "closes"),
    [
        (incident(), incident(status="resolved"), True),
        (incident(status="resolved"), incident(status="closed"), False),
        (incident(), incident(status="monitoring"), False),
        (incident(severity="sev4"), incident(severity="sev4", status="closed"), False),
        (
            incident(severity="sev4", relations={"warRoom": "room"}),
            incident(severity="sev4", status="closed", relations={"warRoom": "room"}),
            True,
        ),
    ],
)
def test_what_closes_a_room(before: Any, after: Any, closes: bool) -> None:
    assert fires("close_war_room_on_status", before, after) is closes


ROOM = {"warRoom": "room"}


@pytest.mark.parametrize(
    ("before", "after", "syncs"),
    [
        (incident(relations=ROOM), incident(relations=ROOM, title="Worse"), True),
        (incident(relations=ROOM), incident(relations=ROOM, severity="sev2"), True),
        (incident(relations=ROOM), incident(relations=ROOM, status="monitoring"), True),
        (incident(relations=ROOM), incident(relations=ROOM | {"responders": ["dana@example.com"]}), True),
        (incident(relations=ROOM), incident(relations=ROOM | {"services": ["checkout"]}), True),
        (incident(relations=ROOM), incident(relations=ROOM, latestNote="x"), False),
        (incident(relations=ROOM), incident(relations=ROOM, status="resolved"), False),
        (incident(relations=ROOM), incident(relations=ROOM, status="RESOLVED"), False),
        (incident(relations=ROOM), incident(relations=ROOM, status="Monitoring"), True),
        (incident(), incident(title="Worse"), False),
    ],
)
def test_what_syncs_a_room(before: Any, after: Any, syncs: bool) -> None:
    assert fires("sync_war_room_on_change", before, after) is syncs


CUSTOM = Settings(incident_fields=IncidentFields(status=".properties.state"))


@pytest.mark.parametrize(
    ("before", "after", "announces"),
    [
        (incident(relations=ROOM), incident(relations=ROOM, status="monitoring"), True),
        (incident(relations=ROOM), incident(relations=ROOM, status="resolved"), True),
        (incident(relations=ROOM, status=None), incident(relations=ROOM), True),
        (incident(relations=ROOM), incident(relations=ROOM, status=None), False),
        (incident(relations=ROOM), incident(relations=ROOM, status=""), False),
        (incident(relations=ROOM), incident(relations=ROOM, status="OPEN"), False),
        (incident(relations=ROOM), incident(relations=ROOM, severity="sev3"), True),
        (incident(relations=ROOM), incident(relations={**ROOM, "owner": "lead@example.com"}), True),
        (incident(relations=ROOM), incident(relations=ROOM, severity=None), False),
        (incident(relations=ROOM), incident(relations=ROOM, summary="more is known"), False),
        (incident(), incident(relations=ROOM), False),
        (incident(), incident(status="resolved"), False),
    ],
)
def test_what_is_announced(before: Any, after: Any, announces: bool) -> None:
    assert fires("announce_status_on_change", before, after) is announces


def test_an_announcement_says_from_what_to_what_and_when() -> None:
    body = actions(CUSTOM, DOORS[0])["announce_status_on_change"]["invocationMethod"]["body"]
    before, after = (
        incident(state="open"),
        incident(state="monitoring") | {"updatedAt": "2026-01-02T03:04:05Z"},
    )

    said = rendered(body["inputs"], {"event": {"diff": {"before": before, "after": after}}})

    assert said == {
        "from": "open",
        "to": "monitoring",
        "severityFrom": "sev1",
        "severityTo": "sev1",
        "ownerFrom": None,
        "ownerTo": None,
        "version": "2026-01-02T03:04:05Z",
    }


NOTICED: dict[str, Any] = {"relations": {"services": ["checkout"]}}
IN_ROOM: dict[str, Any] = {"relations": {"services": ["checkout"], "warRoom": "INC-1:room"}}


@pytest.mark.parametrize(
    ("before", "after", "drafts"),
    [
        (None, incident(severity="sev3", **NOTICED), True),  # no room to wait for
        (None, incident(**NOTICED), False),
        (incident(**NOTICED), incident(**IN_ROOM), True),
        (incident(severity="sev3", **IN_ROOM), incident(**IN_ROOM), False),
        (incident(severity="sev4", **IN_ROOM), incident(**IN_ROOM), True),
        (incident(severity="sev4", **NOTICED), incident(severity="SEV3", **NOTICED), True),
        (incident(severity="sev4", **NOTICED), incident(severity="sev5", **NOTICED), False),
        (None, incident(severity="sev3"), False),  # nobody knows what it is about
        (None, incident(severity="sev3", publicStatus="investigating", **NOTICED), False),
        (None, incident(severity="sev3", status="resolved", **NOTICED), False),
        (None, incident(severity="sev3", startedAt=ago(hours=25), **NOTICED), False),
        (incident(**IN_ROOM), None, False),
    ],
)
def test_what_has_a_publication_drafted(before: Any, after: Any, drafts: bool) -> None:
    assert fires("draft_publication_for_status_page", before, after) is drafts


@pytest.mark.parametrize(
    ("before", "after", "drafted"),
    [
        ({}, {"status": "identified"}, "update"),
        ({}, {"severity": "sev2"}, ""),
        ({}, {"status": "resolved"}, "resolution"),
        ({"status": "resolved"}, {"status": "open", "publicStatus": "resolved"}, "reopening"),
        ({"status": "resolved"}, {"status": "closed", "publicStatus": "resolved"}, ""),
        ({"publicStatus": None}, {"status": "identified", "publicStatus": None}, ""),
    ],
)
def test_what_is_drafted_of_what_is_public(before: Any, after: Any, drafted: str) -> None:
    public = {"publicStatus": "investigating"}
    found = [
        kind
        for kind in ("publication", "update", "resolution", "reopening")
        if fires(f"draft_{kind}_for_status_page", incident(**(public | before)), incident(**(public | after)))
    ]
    assert found == ([drafted] if drafted else [])
