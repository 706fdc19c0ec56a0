"""Subscribers of a page and of single incidents, as the API offers them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sandbox.statuspage import errors, fields, views
from sandbox.statuspage.fields import Fields
from sandbox.statuspage.paging import page_of
from sandbox.statuspage.state import Page, Store, Subscriber
from sandbox.wire import Call, Reply
from sandbox.world import Json

MODES = ("email", "sms", "webhook", "slack", "teams", "integration_partner")
STATES = ("active", "unconfirmed", "quarantined")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ENDPOINT = re.compile(r"https?://[^\s/]+\S*")


class Subscribers:
    def __init__(self, store: Store) -> None:
        self.store = store

    async def index(self, call: Call) -> Reply:
        """The first page is 0, unlike everywhere else; only active ones unless `state` says otherwise."""
        found = self._matching(call, self._standing(self._page(call)))
        wanted = call.query.get("q", "").lower()
        found = [s for s in found if wanted in s.primary.lower()]
        field = call.query.get("sort_field", "primary")
        orders: dict[str, Callable[[Subscriber], tuple[float, str]]] = {
            "primary": lambda s: (0.0, s.primary),
            "created_at": lambda s: (s.created, s.id),
            "quarantined_at": lambda s: (s.quarantined or 0.0, s.id),
            "relevance": lambda s: (float(s.primary.lower().find(wanted)), s.primary),
        }
        if field not in orders:
            raise errors.malformed("sort_field does not have a valid value")
        found.sort(key=orders[field], reverse=call.query.get("sort_direction", "asc") == "desc")
        return Reply([views.subscriber(s) for s in page_of(call, found, "limit", first=0)])

    async def unsubscribed(self, call: Call) -> Reply:
        of_page = self.store.of(self.store.subscribers, self._page(call).id)
        found = [s for s in of_page if s.unsubscribed is not None]
        return Reply([views.subscriber(s) for s in page_of(call, found)])

    async def count(self, call: Call) -> Reply:
        found = self._matching(call, self._standing(self._page(call)))
        wanted = [call.query["type"]] if call.query.get("type") else MODES
        return Reply({mode: sum(1 for s in found if s.mode == mode) for mode in wanted})

    async def histogram(self, call: Call) -> Reply:
        found = self._standing(self._page(call))
        return Reply({mode: _by_state(s for s in found if s.mode == mode) for mode in MODES})

    async def create(self, call: Call) -> Reply:
        page = self._page(call)
        made = self._read(Fields.of(fields.body(call), "subscriber"), page, None)
        return self._added(made)

    async def get(self, call: Call) -> Reply:
        return Reply(views.subscriber(self._subscriber(call)))

    async def update(self, call: Call) -> Reply:
        """The components it hears about; without `component_ids`, the whole page."""
        page, one, body = self._page(call), self._subscriber(call), fields.body(call)
        inner = body.get("subscriber")
        given = Fields(inner if isinstance(inner, dict) else body)
        ids = self._component_ids(given, page)
        given.check()
        one.component_ids = ids
        return Reply(views.subscriber(one), effect=f"subscriber {one.id} {one.primary} changed")

    async def delete(self, call: Call) -> Reply:
        one = self._subscriber(call)
        one.unsubscribed = self.store.now()
        return Reply(views.subscriber(one), effect=f"subscriber {one.id} {one.primary} unsubscribed")

    async def resend_confirmation(self, call: Call) -> Reply:
        self._subscriber(call)
        return Reply(status=201)

    async def resend_confirmations(self, call: Call) -> Reply:
        self._chosen(call)
        return Reply(status=201)

    async def unsubscribe(self, call: Call) -> Reply:
        """A list of ids, or "all" of a type and state (active unless given)."""
        chosen = self._chosen(call, default_state="active")
        for one in chosen:
            one.unsubscribed = self.store.now()
        return Reply(status=201, effect=f"{len(chosen)} subscribers unsubscribed" if chosen else None)

    async def reactivate(self, call: Call) -> Reply:
        chosen = [s for s in self._chosen(call) if s.state == "quarantined"]
        for one in chosen:
            one.state, one.quarantined = "active", None
        return Reply(status=201, effect=f"{len(chosen)} subscribers reactivated" if chosen else None)

    async def incident_index(self, call: Call) -> Reply:
        incident = self._incident(call)
        found = [
            s for s in self.store.subscribers.values() if s.incident_id == incident and s.unsubscribed is None
        ]
        return Reply([views.subscriber(s) for s in page_of(call, found)])

    async def incident_create(self, call: Call) -> Reply:
        """By e-mail or SMS only."""
        incident = self._incident(call)
        return self._added(self._read(Fields.of(fields.body(call), "subscriber"), self._page(call), incident))

    def add(self, page: Page, mode: str, **about: object) -> Subscriber:
        """One more subscriber, with any fields of `Subscriber` given."""
        made = Subscriber(self.store.new_id(), page.id, mode, self.store.now())
        for name, value in about.items():
            setattr(made, name, value)
        self.store.subscribers[made.id] = made
        return made

    def _added(self, made: Subscriber) -> Reply:
        self.store.subscribers[made.id] = made
        effect = f"{made.mode} subscriber {made.id} {made.primary} added, {made.state}"
        return Reply(views.subscriber(made), 201, effect=effect)

    def _read(self, given: Fields, page: Page, incident: str | None) -> Subscriber:
        """A new subscriber, not yet of the page. Raises StatuspageError 422.

        An e-mail address beside an endpoint is the contact of a webhook. An address may subscribe once; an
        endpoint as often as somebody posts it, and then hears everything as often (an assumption).
        """
        email, endpoint = given.text("email"), given.text("endpoint")
        phone, country = given.text("phone_number"), given.text("phone_country")
        skip = bool(given.switch("skip_confirmation_notification"))
        mode = "webhook" if endpoint else "sms" if phone else "email"
        if incident is not None and endpoint:
            given.refuse("Endpoint is not available for incident subscribers")
        if endpoint and not _ENDPOINT.fullmatch(endpoint):
            given.refuse("Endpoint is not a valid URL")
        if email and not _EMAIL.fullmatch(email):
            given.refuse("Email is invalid")
        if not (email or endpoint or phone):
            given.refuse("Email, endpoint or phone number can't be blank")
        if phone and not country:
            given.refuse("Phone country can't be blank")
        setting = {"email": "allow_email_subscribers", "sms": "allow_sms_subscribers"}
        if views.page(page)[setting.get(mode, "allow_webhook_subscribers")] is False:
            given.refuse(f"This page does not allow {mode} subscribers")
        ids = self._component_ids(given, page)
        made = Subscriber(self.store.new_id(), page.id, mode, self.store.now(), email, endpoint)
        made.phone_number, made.phone_country, made.component_ids = phone, country, ids
        made.skip_confirmation, made.incident_id = skip, incident
        made.state = "active" if skip or mode == "webhook" else "unconfirmed"
        twins = [s for s in self._standing(page, incident) if s.mode == mode and s.primary == made.primary]
        if twins and mode != "webhook":
            given.refuse(f"{'Email' if mode == 'email' else 'Phone number'} has already been taken")
        given.check()
        return made

    def _component_ids(self, given: Fields, page: Page) -> list[str] | None:
        if not given.has("component_ids"):
            return None
        ids = given.ids("component_ids")
        if not ids:
            given.refuse("Component ids must have at least one element")
        for key in ids or []:
            component = self.store.components.get(key)
            if component is None or component.page_id != page.id:
                given.refuse(f"Component {key} does not belong to this page")
        return ids

    def _standing(self, page: Page, incident: str | None = None) -> list[Subscriber]:
        of_page = self.store.of(self.store.subscribers, page.id)
        return [s for s in of_page if s.unsubscribed is None and s.incident_id == incident]

    def _matching(self, call: Call, found: list[Subscriber]) -> list[Subscriber]:
        mode, state = call.query.get("type"), call.query.get("state", "active")
        if mode is not None and mode not in MODES:
            raise errors.malformed("type does not have a valid value")
        if state not in (*STATES, "all"):
            raise errors.malformed("state does not have a valid value")
        return [s for s in found if mode in (None, s.mode) and state in ("all", s.state)]

    def _chosen(self, call: Call, default_state: str = "all") -> list[Subscriber]:
        body, standing = fields.body(call), self._standing(self._page(call))
        wanted = body.get("subscribers")
        if isinstance(wanted, str) and wanted != "all":
            wanted = [one.strip() for one in wanted.split(",")]
        if wanted == "all":
            state, mode = body.get("state", default_state), body.get("type")
            return [s for s in standing if state in ("all", s.state) and mode in (None, s.mode)]
        if not isinstance(wanted, list):
            raise errors.invalid(["subscribers is missing"])
        return [s for s in standing if s.id in wanted]

    def _page(self, call: Call) -> Page:
        return self.store.page(call.path["page_id"])

    def _incident(self, call: Call) -> str:
        return self.store.owned(self.store.incidents, self._page(call), call.path["incident_id"]).id

    def _subscriber(self, call: Call) -> Subscriber:
        one = self.store.owned(self.store.subscribers, self._page(call), call.path["subscriber_id"])
        if one.incident_id != call.path.get("incident_id") or one.unsubscribed is not None:
            raise errors.not_found()
        return one


def _by_state(found: Iterable[Subscriber]) -> Json:
    states = [s.state for s in found]
    return {**{state: states.count(state) for state in STATES}, "total": len(states)}
