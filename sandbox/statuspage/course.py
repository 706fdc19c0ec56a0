"""What happens to incidents and components, whoever causes it: the API, a person, or the clock."""

from __future__ import annotations

from typing import Any

from sandbox.statuspage import rules
from sandbox.statuspage.change import Change
from sandbox.statuspage.notices import Notices, told
from sandbox.statuspage.state import Component, Incident, Page, Store, Update
from sandbox.statuspage.views import SWITCHES

Json = dict[str, Any]


class Course:
    """Every method that changes something says in words what; None when nothing changed."""

    def __init__(self, store: Store, notices: Notices) -> None:
        self.store, self.notices = store, notices

    def create(self, page: Page, change: Change) -> tuple[Incident, str]:
        now = self.store.now()
        began = change.backfill_at if change.backfilled and change.backfill_at is not None else now
        incident = Incident(
            id=self.store.new_id(),
            page_id=page.id,
            code=self.store.new_id(9),
            name=change.name or "",
            status=change.status or "investigating",
            created=began,
            updated=now,
            backfilled=change.backfilled,
        )
        self.store.incidents[incident.id] = incident
        if change.scheduled_for is not None and not change.backfilled:
            incident.worst = "maintenance"
        self._settings(incident, change)
        _stamp(incident, began)
        done = self._say(incident, change, incident.status, began)
        return incident, f'incident {incident.id} "{incident.name}" created as {incident.status}{done}'

    def change(self, incident: Incident, change: Change) -> str | None:
        """Vendor: a status or a body makes an update; other fields change what is there.

        Resolving leaves components as they are. The `components` map alone changes states and says
        nothing; `component_ids` alone lists components and changes no state.
        """
        now = self.store.now()
        before = (incident.name, incident.impact, list(incident.component_ids), dict(incident.metadata))
        before_plan = (incident.scheduled_for, incident.scheduled_until, dict(incident.flags))
        moves = change.status is not None and change.status != incident.status
        self._settings(incident, change)
        if moves or change.body is not None:
            incident.status = change.status or incident.status
            _stamp(incident, now)
            incident.updated = now
            done = self._say(incident, change, incident.status, now)
            return f'incident {incident.id} "{incident.name}" updated as {incident.status}{done}'
        affected = self._apply(incident, change)
        after = (incident.name, incident.impact, list(incident.component_ids), dict(incident.metadata))
        after_plan = (incident.scheduled_for, incident.scheduled_until, dict(incident.flags))
        moved = [a for a in affected if a["old_status"] != a["new_status"]]
        if before == after and before_plan == after_plan and not moved:
            return None
        incident.updated = now
        return f'incident {incident.id} "{incident.name}" edited{_moves(moved)}'

    def set_status(self, component: Component, status: str) -> bool:
        """Give a component a status and tell webhooks of it; False when it had that status."""
        if component.status == status:
            return False
        old, component.status = component.status, status
        component.updated = self.store.now()
        component.history.append((component.updated, status))
        self.notices.component(component, old)
        return True

    def edit_update(
        self,
        incident: Incident,
        update: Update,
        body: str | None = None,
        display: float | None = None,
        deliver: bool | None = None,
        wants_twitter: bool | None = None,
    ) -> str:
        """Edits never reach subscribers: they are seen by those who look at the page."""
        update.body = update.body if body is None else body
        update.display = update.display if display is None else display
        update.deliver = update.deliver if deliver is None else deliver
        update.wants_twitter = update.wants_twitter if wants_twitter is None else wants_twitter
        update.updated = incident.updated = self.store.now()
        return f"update {update.id} of incident {incident.id} edited"

    def tell_again(self, incident: Incident, update: Update, deliver: bool) -> str:
        """Tell subscribers of an update just written, if it says so; who was told, in words."""
        update.deliver = deliver
        if deliver:
            update.notified = self.notices.incident(incident)
        return f"told {told(update.notified)}"

    def write(self, incident: Incident, status: str, body: str, at: float, deliver: bool) -> Update:
        """One more update, told to nobody yet."""
        update = Update(self.store.new_id(), incident.id, status, body, at, self.store.now(), at, deliver)
        incident.updates.append(update)
        return update

    def _say(self, incident: Incident, change: Change, status: str, at: float) -> str:
        affected = self._apply(incident, change)
        body = change.body or rules.DEFAULT_BODY.get(status, "")
        update = self.write(incident, status, body, at, change.deliver and not incident.backfilled)
        update.affected = affected or None
        update.wants_twitter = change.wants_twitter
        heard = self.tell_again(incident, update, update.deliver)
        moved = [a for a in affected if a["old_status"] != a["new_status"]]
        return f"{_moves(moved)}; {heard}"

    def _settings(self, incident: Incident, change: Change) -> None:
        if change.name is not None:
            incident.name = change.name
        if change.component_ids is not None:
            incident.component_ids = list(change.component_ids)
        if change.metadata is not None:
            incident.metadata = change.metadata
        if change.overrides:
            incident.impact_override = change.impact_override
        # A realtime incident never becomes a maintenance: its window is set when it is made, or not at all.
        if incident.scheduled or not (incident.updates or incident.backfilled):
            incident.scheduled_for = change.scheduled_for or incident.scheduled_for
            incident.scheduled_until = change.scheduled_until or incident.scheduled_until
        if change.reminder_intervals is not None:
            incident.reminder_intervals = change.reminder_intervals
        incident.flags.update({k: v for k, v in change.flags.items() if k in SWITCHES})

    def _apply(self, incident: Incident, change: Change) -> list[Json]:
        """Change component states; the components concerned with their old and new status.

        An incident keeps the worst impact its components had while it was open (an assumption: the vendor
        says only that impact comes from the affected components).
        """
        concerned = list(dict.fromkeys([*incident.component_ids, *change.statuses]))
        found: list[Json] = []
        for key in concerned:
            component = self.store.components.get(key)
            if component is None:
                continue
            old = component.status
            self.set_status(component, change.statuses.get(key, old))
            found.append(
                {
                    "code": component.id,
                    "name": component.name,
                    "old_status": old,
                    "new_status": component.status,
                }
            )
        if incident.open:
            now_worst = rules.impact_of(a["new_status"] for a in found)
            incident.worst = rules.worst_impact([incident.worst, now_worst])
        return found


def _stamp(incident: Incident, at: float) -> None:
    """The times an incident shows of its own course; a reopened one is not resolved any more."""
    if incident.status == "monitoring":
        incident.monitoring_at = at
    if incident.status in ("resolved", "completed"):
        incident.resolved_at = at
    elif incident.open:
        incident.resolved_at = None


def _moves(moved: list[Json]) -> str:
    return "".join(f"; component {a['name']} {a['old_status']} -> {a['new_status']}" for a in moved)
