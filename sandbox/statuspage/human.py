"""What people do on Statuspage's own pages. The control API calls these.

Pages and components are named by id or by name, incidents by id or by name (the newest of that name).
What is not possible raises HumanError saying why, and changes nothing. None of this is in the journal; the
webhooks it causes are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sandbox.statuspage import change, rules, views
from sandbox.statuspage.course import Course
from sandbox.statuspage.errors import HumanError, StatuspageError
from sandbox.statuspage.fields import Fields
from sandbox.statuspage.state import Component, Incident, Page, Store, Subscriber
from sandbox.statuspage.subscribers import Subscribers
from sandbox.statuspage.timers import Timers
from sandbox.world import Json


class People:
    """The human side of an account. State and rules are those the API works on."""

    def __init__(self, store: Store, course: Course, timers: Timers, subscribers: Subscribers) -> None:
        self.store, self.course, self.timers, self.subscribers = store, course, timers, subscribers

    # Incidents

    def open_incident(self, page: str, **given: object) -> Json:
        """A new incident or maintenance, by the fields of the API; `components` by id or name."""
        with self._hand():
            found = self.page(page)
            read = Fields(self._by_id(found, given))
            incident, _ = self.course.create(found, change.to_create(read, self.store, found))
            return views.incident(incident, self.store)

    def edit_incident(self, incident: str, **given: object) -> Json:
        """Change an incident by the fields of the API: `name`, `impact_override`, `component_ids`, ..."""
        with self._hand():
            found = self.incident(incident)
            page = self.store.page(found.page_id)
            read = Fields(self._by_id(page, given))
            self.course.change(found, change.to_update(read, self.store, page, found))
            return views.incident(found, self.store)

    def post_update(
        self,
        incident: str,
        body: str,
        status: str | None = None,
        components: Mapping[str, str] | None = None,
        deliver_notifications: bool = True,
    ) -> Json:
        """Say something about an incident; the update as the API shows it."""
        given: dict[str, object] = {"body": body, "deliver_notifications": deliver_notifications}
        if status is not None:
            given["status"] = status
        if components:
            given["components"] = dict(components)
        self.edit_incident(incident, **given)
        return views.update(self.incident(incident).newest_first()[0])

    def edit_update(self, incident: str, update: str, body: str) -> Json:
        """Rewrite what an update says, without telling anybody."""
        with self._hand():
            found = self.incident(incident)
            which = next((u for u in found.updates if u.id == update), None)
            if which is None:
                raise HumanError(f"no update {update!r} in this incident")
            if not body.strip() or len(body) > rules.BODY_MAX:
                raise HumanError(f"an update has 1 to {rules.BODY_MAX} characters")
            self.course.edit_update(found, which, body)
            return views.update(which)

    def delete_incident(self, incident: str) -> None:
        with self._hand():
            del self.store.incidents[self.incident(incident).id]

    # Components

    def set_component(self, component: str, status: str, page: str = "") -> Json:
        """Give a component a status, which webhooks are told of; the component as the API shows it."""
        with self._hand():
            if status not in rules.COMPONENT_STATUSES:
                known = ", ".join(s for s in rules.COMPONENT_STATUSES if s)
                raise HumanError(f"no status {status!r}; known: {known}")
            found = self.component(component, self.page(page) if page else None)
            self.course.set_status(found, status)
            return views.component(found)

    # Subscribers

    def subscribe(
        self, page: str, endpoint: str = "", email: str = "", components: list[str] | None = None
    ) -> Json:
        """A webhook (with `endpoint`) or an e-mail subscriber, confirmed; of the page, or of components."""
        with self._hand():
            found = self.page(page)
            if not (endpoint or email):
                raise HumanError("a subscriber needs an endpoint or an e-mail address")
            ids = None if components is None else [self.component(c, found).id for c in components]
            mode = "webhook" if endpoint else "email"
            about = {"endpoint": endpoint or None, "email": email or None, "component_ids": ids}
            return views.subscriber(self.subscribers.add(found, mode, **about))

    def confirm(self, subscriber: str) -> Json:
        """Follow the link in a confirmation: from then on the subscriber is told."""
        one = self.subscriber(subscriber)
        one.state = "active"
        return views.subscriber(one)

    def quarantine(self, subscriber: str) -> Json:
        """As Statuspage does with an address that can't be reached; the API can reactivate it."""
        one = self.subscriber(subscriber)
        one.state, one.quarantined = "quarantined", self.store.now()
        return views.subscriber(one)

    # Who and what

    def page(self, key: str) -> Page:
        for page in self.store.pages.values():
            if key in (page.id, page.name):
                return page
        raise HumanError(f"no page {key!r}")

    def component(self, key: str, page: Page | None = None) -> Component:
        for one in self.store.components.values():
            if key in (one.id, one.name) and page in (None, self.store.pages[one.page_id]):
                return one
        raise HumanError(f"no component {key!r}")

    def incident(self, key: str) -> Incident:
        newest = sorted(self.store.incidents.values(), key=lambda i: i.created, reverse=True)
        for one in newest:
            if key in (one.id, one.name, one.code):
                return one
        raise HumanError(f"no incident {key!r}")

    def subscriber(self, key: str) -> Subscriber:
        for one in self.store.subscribers.values():
            if key in (one.id, one.primary) and one.unsubscribed is None:
                return one
        raise HumanError(f"no subscriber {key!r}")

    def _by_id(self, page: Page, given: Mapping[str, object]) -> Json:
        """The fields, with components named by id."""
        wanted: Json = dict(given)
        named = wanted.get("components")
        if isinstance(named, dict):
            wanted["components"] = {self.component(key, page).id: status for key, status in named.items()}
        listed = wanted.get("component_ids")
        if isinstance(listed, list):
            wanted["component_ids"] = [self.component(str(key), page).id for key in listed]
        return wanted

    @contextmanager
    def _hand(self) -> Iterator[None]:
        self.timers.settle()
        try:
            yield
        except StatuspageError as refused:
            raise HumanError(str(refused)) from refused
        self.timers.plan()
