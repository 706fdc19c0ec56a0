"""The postmortem of an incident: drafted, published as one more update, taken back, deleted."""

from __future__ import annotations

from sandbox.statuspage import errors, fields, rules, views
from sandbox.statuspage.course import Course
from sandbox.statuspage.fields import Fields
from sandbox.statuspage.state import Incident, Postmortem, Store
from sandbox.wire import Call, Reply

SHOWN_AS = "postmortem"
"""The status of an incident, and of the update, once its postmortem is public."""


class Postmortems:
    def __init__(self, store: Store, course: Course) -> None:
        self.store, self.course = store, course

    async def get(self, call: Call) -> Reply:
        return Reply(views.postmortem(self._written(self._incident(call))))

    async def put(self, call: Call) -> Reply:
        incident = self._incident(call)
        given = Fields.of(fields.body(call), "postmortem")
        draft = given.required("body_draft")
        given.check()
        now = self.store.now()
        if incident.postmortem is None:
            incident.postmortem = Postmortem(self.store.new_id(), now, now)
        after = incident.postmortem
        after.draft, after.draft_updated, after.updated = draft, now, now
        return Reply(views.postmortem(after), effect=f"postmortem of incident {incident.id} drafted")

    async def publish(self, call: Call) -> Reply:
        """Vendor: only an incident that is over can have one; `notify_subscribers` decides who is told."""
        incident = self._incident(call)
        after = self._written(incident)
        body = fields.body(call)
        given = Fields(body["postmortem"]) if isinstance(body.get("postmortem"), dict) else Fields({})
        notify, tweet = given.switch("notify_subscribers"), given.switch("notify_twitter")
        custom = given.text("custom_tweet")
        if incident.open:
            given.refuse("Incident must be resolved or completed before its postmortem is published")
        given.check()
        now = self.store.now()
        after.body, after.body_updated = after.draft, now
        after.published = after.updated = now
        after.notify_subscribers, after.notify_twitter, after.custom_tweet = bool(notify), bool(tweet), custom
        self._hide(incident)
        update = self.course.write(incident, SHOWN_AS, after.body or "", now, bool(notify))
        incident.status = SHOWN_AS
        incident.updated = now
        heard = self.course.tell_again(incident, update, bool(notify))
        return Reply(
            views.postmortem(after), effect=f"postmortem of incident {incident.id} published; {heard}"
        )

    async def revert(self, call: Call) -> Reply:
        incident = self._incident(call)
        after = self._written(incident)
        self._hide(incident)
        after.published, after.updated = None, self.store.now()
        return Reply(views.postmortem(after), effect=f"postmortem of incident {incident.id} taken back")

    async def delete(self, call: Call) -> Reply:
        incident = self._incident(call)
        self._written(incident)
        self._hide(incident)
        incident.postmortem = None
        return Reply(status=204, effect=f"postmortem of incident {incident.id} deleted")

    def _hide(self, incident: Incident) -> None:
        """Take a published one off the page: its update goes, and the incident is resolved again."""
        incident.updates = [u for u in incident.updates if u.status != SHOWN_AS]
        if incident.status == SHOWN_AS:
            incident.status = rules.SCHEDULED[-1] if incident.scheduled else rules.REALTIME[-1]
            incident.updated = self.store.now()

    def _incident(self, call: Call) -> Incident:
        page = self.store.page(call.path["page_id"])
        return self.store.owned(self.store.incidents, page, call.path["incident_id"])

    def _written(self, incident: Incident) -> Postmortem:
        if incident.postmortem is None:
            raise errors.not_found()
        return incident.postmortem
