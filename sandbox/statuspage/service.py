"""Statuspage, emulated: pages, components, incidents, subscribers, webhooks. One account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.routing import Route

from sandbox.deliver import Deliverer
from sandbox.statuspage import errors, screen, views
from sandbox.statuspage.components import Components
from sandbox.statuspage.course import Course
from sandbox.statuspage.coverage import COVERAGE, Operation
from sandbox.statuspage.human import People
from sandbox.statuspage.incidents import Incidents
from sandbox.statuspage.limits import Limits
from sandbox.statuspage.notices import Notices
from sandbox.statuspage.pages import Pages
from sandbox.statuspage.postmortems import Postmortems
from sandbox.statuspage.seeding import DEFAULT, Seeding
from sandbox.statuspage.state import Store
from sandbox.statuspage.subscribers import Subscribers
from sandbox.statuspage.timers import Timers
from sandbox.wire import Call, Reply, operation_route
from sandbox.world import Fault, World

Json = dict[str, Any]
Handler = Callable[[Call], Awaitable[Reply]]

PREFIX = "/statuspage/v1"


class Statuspage:
    """The emulator. `routes()` serves /statuspage/v1/..., each with and without ".json".

    `people` is what a person does by hand, `limits` the rate limit, `store` the state.
    """

    def __init__(self, world: World, deliverer: Deliverer | None = None) -> None:
        self.world = world
        self.deliverer = deliverer or Deliverer(world)
        self.store = Store(world)
        self.limits = Limits()
        self.course = Course(self.store, Notices(self.store, self.deliverer))
        self.timers = Timers(self.store, self.course)
        self.pages = Pages(self.store)
        self.components = Components(self.store, self.course)
        self.incidents = Incidents(self.store, self.course)
        self.postmortems = Postmortems(self.store, self.course)
        self.subscribers = Subscribers(self.store)
        self.people = People(self.store, self.course, self.timers, self.subscribers)
        self._seeding = Seeding(self.store, self.pages, self.components, self.subscribers)
        world.on_reset(self.clear)

    def clear(self) -> None:
        """Forget everything but where short links point."""
        for part in (self.store, self.limits, self.timers):
            part.clear()

    def routes(self) -> list[Route]:
        handlers = self._handlers()
        routes: list[Route] = []
        # A fixed word before a parameter at the same place: /incidents/unresolved is no incident's id.
        for operation in sorted(COVERAGE, key=_order):
            if operation.name not in handlers:
                continue
            guarded = self._guarded(handlers[operation.name])
            for path in (f"{operation.path}.json", operation.path):
                routes.append(self._route(operation.name, PREFIX + path, guarded, operation.methods))
        every = ("GET", "POST", "PUT", "PATCH", "DELETE")
        routes.append(self._route("unknown", f"{PREFIX}/{{rest:rest}}", _unknown, every))
        return routes

    def _handlers(self) -> dict[str, Handler]:
        return {
            "pages.list": self.pages.index,
            "pages.get": self.pages.get,
            "pages.update": self.pages.update,
            "status_embed_config.get": self.pages.embed,
            "status_embed_config.update": self.pages.embed_update,
            "incident_templates.list": self.pages.templates,
            "incident_templates.create": self.pages.template_create,
            "components.list": self.components.index,
            "components.create": self.components.create,
            "components.get": self.components.get,
            "components.update": self.components.update,
            "components.delete": self.components.delete,
            "components.uptime": self.components.uptime,
            "component_groups.list": self.components.groups_list,
            "component_groups.create": self.components.groups_create,
            "component_groups.get": self.components.groups_get,
            "component_groups.update": self.components.groups_update,
            "component_groups.delete": self.components.groups_delete,
            "component_groups.uptime": self.components.groups_uptime,
            "incidents.list": self.incidents.index,
            "incidents.create": self.incidents.create,
            "incidents.get": self.incidents.get,
            "incidents.update": self.incidents.update,
            "incidents.delete": self.incidents.delete,
            "incidents.unresolved": self.incidents.unresolved,
            "incidents.scheduled": self.incidents.scheduled,
            "incidents.upcoming": self.incidents.upcoming,
            "incidents.active_maintenance": self.incidents.active_maintenance,
            "incident_updates.update": self.incidents.edit_update,
            "postmortem.get": self.postmortems.get,
            "postmortem.put": self.postmortems.put,
            "postmortem.publish": self.postmortems.publish,
            "postmortem.revert": self.postmortems.revert,
            "postmortem.delete": self.postmortems.delete,
            "subscribers.list": self.subscribers.index,
            "subscribers.create": self.subscribers.create,
            "subscribers.get": self.subscribers.get,
            "subscribers.update": self.subscribers.update,
            "subscribers.delete": self.subscribers.delete,
            "subscribers.count": self.subscribers.count,
            "subscribers.histogram_by_state": self.subscribers.histogram,
            "subscribers.unsubscribed": self.subscribers.unsubscribed,
            "subscribers.unsubscribe": self.subscribers.unsubscribe,
            "subscribers.reactivate": self.subscribers.reactivate,
            "subscribers.resend_confirmation": self.subscribers.resend_confirmation,
            "subscribers.resend_confirmations": self.subscribers.resend_confirmations,
            "incident_subscribers.list": self.subscribers.incident_index,
            "incident_subscribers.create": self.subscribers.incident_create,
            "incident_subscribers.get": self.subscribers.get,
            "incident_subscribers.delete": self.subscribers.delete,
            "incident_subscribers.resend_confirmation": self.subscribers.resend_confirmation,
        }

    def _route(self, name: str, path: str, handler: Handler, methods: tuple[str, ...]) -> Route:
        return operation_route(
            self.world, "statuspage", name, path, _worded(handler), self._fault, list(methods)
        )

    def _guarded(self, handler: Handler) -> Handler:
        """Key and rate before the operation; what the clock has done meanwhile stands before it, too."""

        async def guarded(call: Call) -> Reply:
            key = self._key(call)
            if key not in self.store.keys:
                raise errors.unauthenticated()
            self.limits.admit(key, self.store.now())
            self.timers.settle()
            reply = await handler(call)
            self.timers.plan()
            return reply

        return guarded

    def _key(self, call: Call) -> str:
        """`Authorization: OAuth <key>`, the bare key there, or `?api_key=`."""
        given = call.headers.get("authorization", "").strip()
        scheme, _, rest = given.partition(" ")
        if scheme.lower() == "oauth":
            return rest.strip()
        return given or call.query.get("api_key", "")

    def _fault(self, fault: Fault) -> Reply:
        """A planned fault in Statuspage's words. A fault named "rate" is what the limit answers."""
        status = fault.status or (self.limits.status if fault.error == "rate" else 500)
        words = {401: errors.UNAUTHENTICATED, 404: errors.NOT_FOUND}.get(status)
        if status in (420, 429):
            words = errors.RATE_LIMITED
        elif fault.error:
            words = fault.error
        told = words or "Internal error; planned by the sandbox"
        body = fault.body if fault.body is not None else {"error": [told] if status == 422 else told}
        headers = {"retry-after": fault.retry_after} if fault.retry_after else {}
        return Reply(body, status, headers, error=str(status))

    # What the control API and the console need.

    def seed(self, given: Json) -> None:
        """`{"pages": [...], "keys"?: [...], "live_groups"?: bool, "rate"?: {"per_minute"?: int (0: no limit),
        "status"?: 420 | 429}}`. A page is {"name", "id"?, "components"?, "groups"?: [{"name", "components"}],
        "subscribers"?, "templates"?, "incidents"?, and any setting the API shows}. Raises ValueError."""
        if unknown := sorted(set(given) - {"pages", "keys", "live_groups", "rate"}):
            raise ValueError(
                f"statuspage: unknown seed {unknown[0]!r}; known: keys, live_groups, pages, rate"
            )
        if "keys" in given:
            self.store.keys = {str(key) for key in given["keys"]}
        if "live_groups" in given:
            self.store.live_groups = bool(given["live_groups"])
        rate = given.get("rate", {})
        self.limits.per_window = int(rate.get("per_minute", self.limits.per_window))
        status = int(rate.get("status", self.limits.status))
        if status not in (420, 429):
            raise ValueError("statuspage.rate.status: 420 or 429")
        self.limits.status = status
        for page in given.get("pages", []):
            self._seeding.page(page)

    def seed_default(self) -> None:
        """One page of an example shop, with the fixed ids of `seeding.DEFAULT`."""
        self.seed(DEFAULT)

    def customer_view(self, page: str) -> Json:
        """What a customer sees of a page, by id or name; see `screen.customer_view`. Raises HumanError."""
        self.timers.settle()
        return screen.customer_view(self.store, self.people.page(page).id)

    def state(self) -> Json:
        """Pages, components, incidents (with who was told of each update) and subscribers, as the API shows
        them."""
        self.timers.settle()
        incidents = []
        for one in self.store.incidents.values():
            told = {update.id: update.notified for update in one.updates}
            incidents.append({**views.incident(one, self.store), "notified": told})
        return {
            "pages": [views.page(p) for p in self.store.pages.values()],
            "groups": [views.group(g, self.store) for g in self.store.groups.values()],
            "components": [views.component(c) for c in self.store.components.values()],
            "incidents": incidents,
            "subscribers": [
                {**views.subscriber(s), "state": s.state}
                for s in self.store.subscribers.values()
                if s.unsubscribed is None
            ],
        }


def _order(operation: Operation) -> list[bool]:
    return [part.startswith("{") for part in operation.path.split("/")]


def _worded(handler: Handler) -> Handler:
    """Refusals as Statuspage words them."""

    async def worded(call: Call) -> Reply:
        try:
            return await handler(call)
        except errors.StatuspageError as refused:
            return Reply(refused.body(), refused.status, error=str(refused.status))

    return worded


async def _unknown(call: Call) -> Reply:
    raise errors.not_found()
