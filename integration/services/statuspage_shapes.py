"""Statuspage's objects as our values. A function gives None for what lacks the ids it must have."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from integration.models.base import Json
from integration.models.statuspage import (
    ComponentChange,
    MaintenanceWindow,
    PageComponent,
    PageHook,
    PageTemplate,
    PublicIncident,
    PublicPostmortem,
    PublicUpdate,
    StatusPage,
)
from integration.times import iso


def page_of(found: Json) -> StatusPage | None:
    if not text(found.get("id")):
        return None
    return StatusPage(
        id=found["id"],
        name=text(found.get("name")),
    )


def component_of(found: Json) -> PageComponent | None:
    """A component, or a group as the list of components shows it (`group` true)."""
    if not text(found.get("id")):
        return None
    return PageComponent(
        id=found["id"],
        name=text(found.get("name")),
        status=text(found.get("status")),
        page_id=text(found.get("page_id")),
        is_group=found.get("group") is True,
    )


def incident_of(found: Json) -> PublicIncident | None:
    if not (text(found.get("id")) and text(found.get("status"))):
        return None
    metadata = found.get("metadata")
    listed = [component_of(item) for item in objects(found.get("components"))]
    updates = [update_of(item) for item in objects(found.get("incident_updates"))]
    return PublicIncident(
        id=found["id"],
        page_id=text(found.get("page_id")),
        name=text(found.get("name")),
        status=found["status"],
        impact=text(found.get("impact")),
        impact_override=text(found.get("impact_override")),
        shortlink=text(found.get("shortlink")),
        metadata=metadata if isinstance(metadata, dict) else {},
        components={component.id: component.status for component in listed if component},
        component_names={component.id: component.name for component in listed if component},
        updates=tuple(update for update in updates if update),
        created_at=moment(found.get("created_at")),
        scheduled_for=moment(found.get("scheduled_for")),
        scheduled_until=moment(found.get("scheduled_until")),
    )


def update_of(found: Json) -> PublicUpdate | None:
    if not text(found.get("id")):
        return None
    changes = [
        ComponentChange(
            id=item["code"],
            name=text(item.get("name")),
            before=text(item.get("old_status")),
            after=text(item.get("new_status")),
        )
        for item in objects(found.get("affected_components"))
        if text(item.get("code"))
    ]
    return PublicUpdate(
        id=found["id"],
        status=text(found.get("status")),
        body=text(found.get("body")),
        created_at=moment(found.get("created_at")),
        deliver_notifications=found.get("deliver_notifications") is True,
        components=tuple(changes),
    )


def fingerprint(found: Json) -> str:
    """What an incident says, from the API or from a webhook: equal ones say the same. Empty for what does
    not show all that is said. Times are left out: a webhook may be written before they are."""
    updates = found.get("incident_updates")
    if not isinstance(updates, list) or not updates:
        return ""
    said = sorted(
        [text(one.get("id")), text(one.get("status")), text(one.get("body"))] for one in objects(updates)
    )
    stands = [text(found.get(name)) for name in ("id", "name", "status", "impact")]
    return hashlib.sha256(json.dumps([stands, said]).encode()).hexdigest()


def hook_of(found: Json) -> PageHook | None:
    if not (text(found.get("id")) and text(found.get("endpoint"))):
        return None
    return PageHook(
        id=found["id"],
        endpoint=found["endpoint"],
        email=text(found.get("email")),
        quarantined=bool(found.get("quarantined_at")),
    )


def template_of(found: Json) -> PageTemplate | None:
    if not text(found.get("id")):
        return None
    return PageTemplate(
        id=found["id"],
        name=text(found.get("name")),
        title=text(found.get("title")),
        body=text(found.get("body")),
        status=text(found.get("update_status")),
        notify=found.get("should_send_notifications") is True,
        components=tuple(item["id"] for item in objects(found.get("components")) if text(item.get("id"))),
    )


def postmortem_of(found: Json) -> PublicPostmortem:
    return PublicPostmortem(
        body=text(found.get("body")),
        notified=found.get("notify_subscribers") is True,
        published_at=moment(found.get("published_at")),
    )


def counts_of(found: Json) -> dict[str, int]:
    return {name: count for name, count in found.items() if isinstance(count, int) and count >= 0}


def window_fields(window: MaintenanceWindow) -> Json:
    """Of a maintenance that the clock begins and ends, or people do."""
    return {
        "scheduled_for": iso(window.start),
        "scheduled_until": iso(window.end),
        "scheduled_remind_prior": window.remind,
        "scheduled_auto_in_progress": window.automatic,
        "scheduled_auto_completed": window.automatic,
        "auto_transition_to_maintenance_state": window.automatic,
        "auto_transition_to_operational_state": window.automatic,
        "auto_transition_deliver_notifications_at_start": window.notify,
        "auto_transition_deliver_notifications_at_end": window.notify,
    }


def said(body: Json) -> str:
    """The words of a refusal: `{"error": "..."}`, `{"error": ["...", ...]}` or `{"message": "..."}`."""
    words = body.get("error") or body.get("message") or ""
    return "; ".join(map(str, words)) if isinstance(words, list) else str(words)


def objects(found: Any) -> list[Json]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def moment(value: Any) -> datetime | None:
    """A time as Statuspage writes it (ISO 8601); None for none and for what is no time."""
    try:
        found = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
