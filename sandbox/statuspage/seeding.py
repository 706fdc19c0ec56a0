"""What stands on the pages before a story begins."""

from __future__ import annotations

from typing import Any

from sandbox.statuspage import rules, views
from sandbox.statuspage.components import Components
from sandbox.statuspage.errors import StatuspageError
from sandbox.statuspage.fields import Fields, epoch
from sandbox.statuspage.pages import Pages
from sandbox.statuspage.state import Component, Incident, Page, Store, Update
from sandbox.statuspage.subscribers import MODES, STATES, Subscribers

Json = dict[str, Any]

DEFAULT_PAGE = "sbxstatus001"

DEFAULT: Json = {
    "pages": [
        {
            "id": DEFAULT_PAGE,
            "name": "Example Shop Status",
            "url": "https://shop.example.com",
            "groups": [
                {
                    "name": "Shop",
                    "components": [
                        {"id": "sbxcheckout1", "name": "Checkout", "description": "Basket and payment"},
                        {"id": "sbxsearch001", "name": "Search"},
                    ],
                }
            ],
            "components": [
                {"id": "sbxapi000001", "name": "API", "description": "For partners"},
                {"id": "sbxlogin0001", "name": "Login"},
            ],
            "subscribers": [{"email": "customer@example.com"}, {"email": "partner@example.com"}],
            "templates": [
                {
                    "name": "Slow shop",
                    "title": "The shop is slow",
                    "body": "Pages of the shop load slowly. We are looking for the cause.",
                    "update_status": "investigating",
                    "should_send_notifications": True,
                    "component_ids": ["sbxcheckout1"],
                }
            ],
        }
    ]
}
"""One page with fixed ids, for whoever has nothing of his own."""


class Seeding:
    def __init__(self, store: Store, pages: Pages, components: Components, subscribers: Subscribers) -> None:
        self.store, self.pages, self.components, self.subscribers = store, pages, components, subscribers

    def page(self, given: Json) -> Page:
        """A page and what is on it. Raises ValueError naming what is wrong."""
        name = given.get("name")
        if not isinstance(name, str) or not name:
            raise ValueError("statuspage.pages[].name: a name is needed")
        now = self.store.now()
        page = Page(str(given.get("id") or self.store.new_id()), name, now, now)
        page.time_zone = str(given.get("time_zone", "UTC"))
        page.more = {key: given[key] for key in views.PAGE_SETTINGS if key in given}
        self.store.pages[page.id] = page
        for one in given.get("components", []):
            self._component(page, one)
        for one in given.get("groups", []):
            members = [self._component(page, c) for c in one.get("components", [])]
            group = self.components.add_group(page, str(one["name"]), members, one.get("description"))
            if one.get("id"):
                del self.store.groups[group.id]
                group.id = str(one["id"])
                self.store.groups[group.id] = group
                for member in members:
                    member.group_id = group.id
        for one in given.get("subscribers", []):
            self._subscriber(page, one)
        for one in given.get("templates", []):
            self._template(page, one)
        for one in given.get("incidents", []):
            self._incident(page, one)
        return page

    def _component(self, page: Page, given: object) -> Component:
        about: Json = given if isinstance(given, dict) else {"name": given}
        if not isinstance(about.get("name"), str):
            raise ValueError("statuspage.pages[].components[].name: a name is needed")
        status = about.get("status", "operational")
        if status not in rules.COMPONENT_STATUSES:
            raise ValueError(f"statuspage.pages[].components[].status: no status {status!r}")
        made = self.components.add(page, about["name"], status)
        if about.get("id"):
            del self.store.components[made.id]
            made.id = str(about["id"])
            self.store.components[made.id] = made
        made.description = about.get("description")
        made.showcase = bool(about.get("showcase", True))
        made.only_show_if_degraded = bool(about.get("only_show_if_degraded", False))
        return made

    def _subscriber(self, page: Page, given: Json) -> None:
        guess = "webhook" if given.get("endpoint") else "sms" if given.get("phone_number") else "email"
        mode, state = given.get("mode", guess), given.get("state", "active")
        if mode not in MODES or state not in STATES:
            raise ValueError(f"statuspage.pages[].subscribers[]: mode {mode!r} or state {state!r} is unknown")
        about = {key: given.get(key) for key in ("email", "endpoint", "phone_number", "phone_country")}
        about |= {"channel": given.get("channel"), "workspace": given.get("workspace"), "state": state}
        ids = given.get("components")
        if ids is not None:
            about["component_ids"] = [self._find(page, key).id for key in ids]
        self.subscribers.add(page, mode, **about)

    def _template(self, page: Page, given: Json) -> None:
        try:
            made = self.pages.read_template(Fields(given), page)
        except StatuspageError as refused:
            raise ValueError(f"statuspage.pages[].templates[]: {refused}") from refused
        self.store.templates[made.id] = made

    def _incident(self, page: Page, given: Json) -> None:
        """An incident of the past or still open: {"name", "status", "created_at"?, "impact"?, "components"?:
        [ids or names], "metadata"?, "updates"?: [{"status", "body", "at"?}]}. Nobody is told."""
        status = given.get("status", "resolved")
        if status not in rules.REALTIME:
            raise ValueError(f"statuspage.pages[].incidents[].status: no realtime status {status!r}")
        at = epoch(given.get("created_at")) or self.store.now()
        made = Incident(
            id=str(given.get("id") or self.store.new_id()),
            page_id=page.id,
            code=self.store.new_id(9),
            name=str(given["name"]),
            status=status,
            created=at,
            updated=at,
            worst=given.get("impact", "none"),
            component_ids=[self._find(page, key).id for key in given.get("components", [])],
            metadata=given.get("metadata", {}),
        )
        for one in given.get("updates") or [{"status": status}]:
            said = one.get("body") or rules.DEFAULT_BODY[one["status"]]
            then = epoch(one.get("at")) or at
            key = self.store.new_id()
            made.updates.append(Update(key, made.id, one["status"], said, then, then, then, False))
            made.updated = max(made.updated, then)
        if status == "resolved":
            made.resolved_at = made.updated
        self.store.incidents[made.id] = made

    def _find(self, page: Page, key: str) -> Component:
        for one in self.store.of(self.store.components, page.id):
            if key in (one.id, one.name):
                return one
        raise ValueError(f"statuspage.pages[]: no component {key!r} on this page")
