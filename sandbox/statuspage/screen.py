"""The page as a customer sees it, as plain values for whoever draws it."""

from __future__ import annotations

from sandbox.statuspage import rules, views
from sandbox.statuspage.state import Component, Incident, Store
from sandbox.world import Json, iso


def customer_view(store: Store, page_id: str) -> Json:
    """What stands on the public page now. Raises StatuspageError 404 for an unknown page.

    {"page": {id, name, description, url}, "status": {"indicator", "description"},
     "groups": [{"id", "name", "description", "status", "components": [...]}], "components": [...] (in no
     group), each {"id", "name", "description", "status"}; "open": [...], "maintenance": {"active": [...],
     "upcoming": [...]}, "past": [...] of incidents {"id", "name", "status", "impact", "shortlink",
     "created_at", "updated_at", "resolved_at", "scheduled_for", "scheduled_until", "components": [names],
     "updates": [{"id", "status", "body", "display_at", "affected"}] newest first}}

    A component shown only when degraded is left out while it is well, and so is a group of none.
    """
    page = store.page(page_id)
    shown = views.page(page)
    indicator, description = rules.overall(store, page_id)
    incidents = store.incidents_of(page_id)
    visible = [c for c in store.ordered(page_id) if not (c.only_show_if_degraded and _well(c))]
    groups = []
    for group in sorted(store.of(store.groups, page_id), key=lambda g: g.position):
        members = [c for c in visible if c.group_id == group.id]
        if members:
            about = {"id": group.id, "name": group.name, "description": group.description}
            status = rules.worst_status(c.status for c in members)
            groups.append({**about, "status": status, "components": [_component(c) for c in members]})
    upcoming = [i for i in incidents if rules.upcoming(i)]
    upcoming.sort(key=lambda i: i.scheduled_for or 0.0)
    return {
        "page": {
            "id": page.id,
            "name": page.name,
            "description": shown["page_description"],
            "url": shown["url"],
        },
        "status": {"indicator": indicator, "description": description},
        "groups": groups,
        "components": [_component(c) for c in visible if c.group_id is None],
        "open": [_incident(i, store) for i in incidents if i.open and not i.scheduled],
        "maintenance": {
            "active": [_incident(i, store) for i in incidents if rules.under_way(i)],
            "upcoming": [_incident(i, store) for i in upcoming],
        },
        "past": [_incident(i, store) for i in incidents if not i.open],
    }


def _well(one: Component) -> bool:
    return one.status in ("operational", "")


def _component(one: Component) -> Json:
    return {"id": one.id, "name": one.name, "description": one.description, "status": one.status}


def _incident(one: Incident, store: Store) -> Json:
    names = [store.components[key].name for key in one.component_ids if key in store.components]
    return {
        "id": one.id,
        "name": one.name,
        "status": one.status,
        "impact": one.impact,
        "shortlink": views.shortlink(one, store),
        "created_at": iso(one.created),
        "updated_at": iso(one.updated),
        "resolved_at": views.when(one.resolved_at),
        "scheduled_for": views.when(one.scheduled_for),
        "scheduled_until": views.when(one.scheduled_until),
        "components": names,
        "updates": [
            {
                "id": u.id,
                "status": u.status,
                "body": u.body,
                "display_at": iso(u.display),
                "affected": u.affected or [],
            }
            for u in one.newest_first()
        ],
    }
