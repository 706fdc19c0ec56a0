"""Incidents and their updates, as the API offers them."""

from __future__ import annotations

from sandbox.statuspage import change, errors, fields, rules, views
from sandbox.statuspage.course import Course
from sandbox.statuspage.fields import Fields
from sandbox.statuspage.paging import page_of
from sandbox.statuspage.state import Incident, Page, Store
from sandbox.wire import Call, Reply
from sandbox.world import Json


class Incidents:
    def __init__(self, store: Store, course: Course) -> None:
        self.store, self.course = store, course

    async def index(self, call: Call) -> Reply:
        """Newest first, `limit` up to 100; `q` searches all that is said, but not metadata."""
        found = self.store.incidents_of(self._page(call).id)
        wanted = call.query.get("q", "").lower()
        if wanted:
            found = [i for i in found if wanted in _searchable(i)]
        return self._shown(page_of(call, found, "limit"))

    async def unresolved(self, call: Call) -> Reply:
        found = self.store.incidents_of(self._page(call).id)
        return self._shown(page_of(call, [i for i in found if i.open and not i.scheduled]))

    async def scheduled(self, call: Call) -> Reply:
        """Maintenance that is not over, announced or under way."""
        found = self.store.incidents_of(self._page(call).id)
        return self._shown(page_of(call, [i for i in found if i.open and i.scheduled]))

    async def upcoming(self, call: Call) -> Reply:
        found = [i for i in self.store.incidents_of(self._page(call).id) if rules.upcoming(i)]
        return self._shown(page_of(call, sorted(found, key=lambda i: i.scheduled_for or 0.0)))

    async def active_maintenance(self, call: Call) -> Reply:
        found = self.store.incidents_of(self._page(call).id)
        return self._shown(page_of(call, [i for i in found if rules.under_way(i)]))

    async def create(self, call: Call) -> Reply:
        page = self._page(call)
        given = Fields.of(fields.body(call), "incident")
        wanted = change.to_create(given, self.store, page)
        incident, effect = self.course.create(page, wanted)
        return Reply(views.incident(incident, self.store), 201, effect=effect)

    async def get(self, call: Call) -> Reply:
        return Reply(views.incident(self._incident(call), self.store))

    async def update(self, call: Call) -> Reply:
        """PATCH and PUT alike change what is named and leave the rest."""
        page, incident = self._page(call), self._incident(call)
        given = Fields.of(fields.body(call), "incident")
        wanted = change.to_update(given, self.store, page, incident)
        effect = self.course.change(incident, wanted)
        return Reply(views.incident(incident, self.store), effect=effect)

    async def delete(self, call: Call) -> Reply:
        incident = self._incident(call)
        del self.store.incidents[incident.id]
        for one in [s for s in self.store.subscribers.values() if s.incident_id == incident.id]:
            del self.store.subscribers[one.id]
        effect = f'incident {incident.id} "{incident.name}" deleted'
        return Reply(views.incident(incident, self.store), effect=effect)

    async def edit_update(self, call: Call) -> Reply:
        """Text, time shown and switches of an update that stands; nobody is told."""
        incident = self._incident(call)
        found = [u for u in incident.updates if u.id == call.path["incident_update_id"]]
        if not found:
            raise errors.not_found()
        given = Fields.of(fields.body(call), "incident_update")
        body = given.required("body", rules.BODY_MAX) if given.has("body") else None
        display = given.time("display_at")
        deliver, tweet = given.switch("deliver_notifications"), given.switch("wants_twitter_update")
        given.check()
        effect = self.course.edit_update(incident, found[0], body, display, deliver, tweet)
        return Reply(views.update(found[0]), effect=effect)

    def _page(self, call: Call) -> Page:
        return self.store.page(call.path["page_id"])

    def _incident(self, call: Call) -> Incident:
        return self.store.owned(self.store.incidents, self._page(call), call.path["incident_id"])

    def _shown(self, found: list[Incident]) -> Reply:
        shown: list[Json] = [views.incident(i, self.store) for i in found]
        return Reply(shown)


def _searchable(incident: Incident) -> str:
    said = [u.body for u in incident.updates]
    after = incident.postmortem.body or "" if incident.postmortem else ""
    return "\n".join([incident.name, incident.status, after, *said]).lower()
