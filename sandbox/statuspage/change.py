"""What a request wants done to an incident, read and checked as a whole before anything is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.statuspage import rules
from sandbox.statuspage.fields import Fields
from sandbox.statuspage.state import Incident, Page, Store
from sandbox.statuspage.views import SWITCHES

Json = dict[str, Any]


@dataclass
class Change:
    """None means "not given" throughout; `overrides` says that `impact_override` was, if only to empty it."""

    name: str | None = None
    status: str | None = None
    body: str | None = None
    deliver: bool = True
    statuses: dict[str, str] = field(default_factory=dict)  # the `components` map
    component_ids: list[str] | None = None
    metadata: Json | None = None
    overrides: bool = False
    impact_override: str | None = None
    scheduled_for: float | None = None
    scheduled_until: float | None = None
    flags: dict[str, bool] = field(default_factory=dict)
    reminder_intervals: str | None = None
    backfilled: bool = False
    backfill_at: float | None = None
    wants_twitter: bool = False


def to_create(given: Fields, store: Store, page: Page) -> Change:
    """A new incident. Raises StatuspageError 422 listing everything that is wrong.

    Vendor: the name alone is required; a realtime incident begins as investigating, one with
    `scheduled_for` as scheduled, a backfilled one is over.
    """
    change = _common(given, store, page)
    change.name = given.required("name", rules.NAME_MAX)
    change.backfilled = bool(given.switch("backfilled"))
    change.backfill_at = given.time("backfill_date")
    if change.status is None:
        change.status = "scheduled" if change.scheduled_for is not None else "investigating"
        change.status = "resolved" if change.backfilled else change.status
    if change.backfilled:
        _backfilled(given, change)
    elif change.status in rules.SCHEDULED or change.scheduled_for is not None:
        _maintenance(given, change, store.now())
    given.check()
    return change


def to_update(given: Fields, store: Store, page: Page, incident: Incident) -> Change:
    """A change of an incident that exists. Raises StatuspageError 422 listing everything that is wrong."""
    change = _common(given, store, page)
    if given.has("name"):
        change.name = given.required("name", rules.NAME_MAX)
    if change.status is not None and change.status not in rules.statuses_for(incident):
        kind = "scheduled" if incident.scheduled else "realtime"
        given.refuse(f"Status {change.status} is not valid for a {kind} incident")
    start = change.scheduled_for or incident.scheduled_for
    end = change.scheduled_until or incident.scheduled_until
    if incident.scheduled and start is not None and end is not None and end <= start:
        given.refuse("Scheduled until must be after scheduled for")
    if incident.backfilled and change.statuses:
        given.refuse("Components can't be specified for a backfilled incident")
    given.check()
    return change


def _common(given: Fields, store: Store, page: Page) -> Change:
    deliver = given.switch("deliver_notifications")
    return Change(
        status=given.text("status", allowed=rules.STATUSES),
        body=_body(given),
        deliver=True if deliver is None else deliver,
        statuses=_statuses(given, store, page),
        component_ids=_component_ids(given, store, page),
        metadata=_metadata(given),
        overrides=given.has("impact_override"),
        impact_override=_override(given),
        scheduled_for=given.time("scheduled_for"),
        scheduled_until=given.time("scheduled_until"),
        flags=_flags(given),
        reminder_intervals=given.text("reminder_intervals"),
        wants_twitter=bool(given.switch("wants_twitter_update")),
    )


def _backfilled(given: Fields, change: Change) -> None:
    if change.statuses or change.component_ids:
        given.refuse("Components can't be specified for a backfilled incident")
    if change.body is None:
        given.refuse("Body can't be blank for a backfilled incident")
    if change.status not in rules.REALTIME:
        given.refuse(f"Status {change.status} is not valid for a backfilled incident")


def _maintenance(given: Fields, change: Change, now: float) -> None:
    if change.status in rules.REALTIME:
        given.refuse(f"Status {change.status} is not valid for a scheduled incident")
    for name in ("scheduled_for", "scheduled_until"):
        if getattr(change, name) is None and not given.given.get(name):
            given.refuse(f"{name.replace('_', ' ').capitalize()} can't be blank")
    start, end = change.scheduled_for, change.scheduled_until
    if start is not None and end is not None and end <= start:
        given.refuse("Scheduled until must be after scheduled for")
    elif change.status == "scheduled" and end is not None and end <= now:
        given.refuse("Scheduled until must be in the future")


def _body(given: Fields) -> str | None:
    body = given.text("body", rules.BODY_MAX)
    if body is not None and not body.strip():
        given.refuse("Body can't be blank")
    return body


def _override(given: Fields) -> str | None:
    return given.text("impact_override", allowed=(*rules.IMPACTS, "")) or None


def _statuses(given: Fields, store: Store, page: Page) -> dict[str, str]:
    """The `components` map: component id to the status it is to have."""
    wanted = given.given.get("components")
    if wanted is None or wanted in ("", []):
        return {}
    if not isinstance(wanted, dict):
        given.refuse("Components must be a map of component id to status")
        return {}
    found: dict[str, str] = {}
    for key, status in wanted.items():
        if not _is_of(store, page, key):
            given.refuse(f"Component {key} does not belong to this page")
        elif not isinstance(status, str) or status not in rules.COMPONENT_STATUSES:
            given.refuse(f"Component {key} does not have a valid status")
        else:
            found[key] = status
    return found


def _component_ids(given: Fields, store: Store, page: Page) -> list[str] | None:
    ids = given.ids("component_ids")
    for key in ids or []:
        if not _is_of(store, page, key):
            given.refuse(f"Component {key} does not belong to this page")
    return ids


def _is_of(store: Store, page: Page, key: str) -> bool:
    found = store.components.get(key)
    return found is not None and found.page_id == page.id


def _metadata(given: Fields) -> Json | None:
    metadata = given.given.get("metadata")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not all(isinstance(v, dict) for v in metadata.values()):
        given.refuse("Metadata must be an object whose top level values are objects")
        return None
    return metadata


def _flags(given: Fields) -> dict[str, bool]:
    found = {name: value for name in SWITCHES if (value := given.switch(name)) is not None}
    same = given.switch("scheduled_auto_transition")
    if same is not None:
        found.setdefault("scheduled_auto_in_progress", same)
    return found
