"""The Port API as one object: its state, who listens to changes, and its routes under /port/v1."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.routing import Route

from sandbox.copies import copied
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port import seeding, system
from sandbox.port.actions import Actions
from sandbox.port.ai import Ai
from sandbox.port.auth import Credentials, Principal
from sandbox.port.blueprints import Blueprints
from sandbox.port.entities import Entities
from sandbox.port.entity_routes import EntityRoutes
from sandbox.port.integrations import Integrations
from sandbox.port.limits import Limits
from sandbox.port.organization import AUDIT_KEPT, Organization
from sandbox.port.pages import Pages, Scorecards
from sandbox.port.people import People
from sandbox.port.store import Store
from sandbox.port.wire import MAX_BODY, PortError, PortHandler, fault_reply, not_found
from sandbox.wire import Call, Reply, operation_route
from sandbox.world import Json, Listener, World

ORG_ID = "org_sandboxSandbox01"
ADMIN = "admin@example.com"
"""The person behind a change made in the UI when nobody else is named."""
_EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Port:
    """One Port organisation.

    Writes happen at once and in one piece; then every listener is called in the order of registration.
    A listener that answers with an awaitable is continued beside the request.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.org = ORG_ID
        self.store = Store()
        self.limits = Limits(world)
        self.credentials = Credentials(world, ORG_ID)
        self.allow_integration_actions = False
        """Whether INTEGRATION_ACTION takes other types than the public schema names."""
        self.feature_flags: list[str] = []
        self.check_run: Callable[[str], None] = _no_runs
        """Set by the run engine: refuses (PortError) a `run_id` that is unknown or no longer in progress."""
        self._entity_listeners: list[Listener] = []
        self._action_listeners: list[Listener] = []
        self._routes: list[Route] = []
        self.blueprints = Blueprints(self)
        self.entities = Entities(self)
        self.people = People(self)
        self.actions = Actions(self)
        self.pages = Pages(self)
        self.scorecards = Scorecards(self)
        self.integrations = Integrations(self)
        self.organization = Organization(self)
        self.ai = Ai(self)
        EntityRoutes(self)
        world.on_reset(self.clear)
        self.clear()

    def clear(self) -> None:
        """An empty organisation: system blueprints, one administrator, one set of machine credentials."""
        self.store.clear()
        self.limits.clear()
        self.integrations.clear()
        self.ai.clear()
        self.credentials = Credentials(self.world, ORG_ID)
        self.credentials.add(PORT_CLIENT_ID, PORT_CLIENT_SECRET)
        self.allow_integration_actions = False
        self.entities.refuse_unknown = True
        self.feature_flags = []
        with self.quietly():
            for blueprint in system.BLUEPRINTS:
                self.blueprints.add(blueprint, self.system())
            self.people.add(ADMIN, "Port", "Admin", role="Admin")

    # --- who listens -----------------------------------------------------------------------------

    def on_entity_change(self, listener: Listener) -> None:
        """`listener` gets {"action": CREATE|UPDATE|DELETE, "before", "after", "blueprint", "identifier",
        "by" (trigger.by), "at", "origin", "run_id"}. Entities are whole, computed properties included."""
        self._entity_listeners.append(listener)

    def on_action_change(self, listener: Listener) -> None:
        """`listener` gets {"action", "before", "after", "identifier", "by", "at", "origin"}."""
        self._action_listeners.append(listener)

    def entity_changed(self, change: Json) -> None:
        self._tell(self._entity_listeners, change)

    def action_changed(self, change: Json) -> None:
        self._tell(self._action_listeners, change)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Changes made meanwhile are told to nobody."""
        kept = self._entity_listeners, self._action_listeners
        self._entity_listeners, self._action_listeners = [], []
        try:
            yield
        finally:
            self._entity_listeners, self._action_listeners = kept

    def _tell(self, listeners: list[Listener], change: Json) -> None:
        for listener in listeners:
            answer = listener(copied(change))
            if inspect.isawaitable(answer):
                self.world.background(_finish(answer))

    # --- routes ----------------------------------------------------------------------------------

    def register(
        self,
        name: str,
        method: str,
        path: str,
        handler: PortHandler,
        *,
        auth: bool = True,
        max_body: int = MAX_BODY,
        prefix: str = "/port/v1",
    ) -> None:
        """Add one operation. `path` is below /port/v1; a handler raises PortError to refuse."""
        guarded = self._guard(name, handler, auth, max_body)
        self._routes.append(
            operation_route(self.world, "port", name, prefix + path, guarded, fault_reply, [method])
        )

    def routes(self) -> list[Route]:
        """Every registered operation, fixed paths before patterns, then the one that answers 404."""
        lost = operation_route(
            self.world, "port", "unknown", "/port/{rest:rest}", self._lost, fault_reply, _EVERY_METHOD
        )
        return [*sorted(self._routes, key=_specific_first), lost]

    async def _lost(self, call: Call) -> Reply:
        place = f"{call.request.method}:{call.request.url.path.removeprefix('/port')}"
        return PortError(404, "not_found", f"Route {place} not found").reply()

    def _guard(
        self, name: str, handler: PortHandler, auth: bool, max_body: int
    ) -> Callable[[Call], Awaitable[Reply]]:
        async def answer(call: Call) -> Reply:
            headers = self.limits.count(name)
            try:
                self.limits.check(name)
                who = self.caller(call) if auth else Principal(self.org)
                if len(call.body) > max_body:
                    raise PortError(413, "payload_too_large", "Request body is too large")
                reply = await handler(call, who)
            except PortError as refusal:
                reply = refusal.reply()
            reply.headers = {**headers, **reply.headers}
            return reply

        return answer

    # --- who acts --------------------------------------------------------------------------------

    def caller(self, call: Call) -> Principal:
        """Who sent this request. Raises PortError 401."""
        client_id, email = self.credentials.check(call.bearer())
        agent = call.entry.caller or "API"
        origin = agent if agent.startswith("port-ocean/") else "API"
        user = self.store.users.get(email) if email else None
        return Principal(self.org, client_id, user, origin, agent)

    def person(self, email: str) -> Principal:
        """A person at work in Port's UI. Raises PortError 404 for an unknown e-mail."""
        user = self.store.users.get(email)
        if user is None:
            raise not_found("User", email)
        return Principal(self.org, user=user, origin="UI", datasource="UI")

    def system(self) -> Principal:
        """Port itself, e.g. when it mirrors a user as an entity."""
        return Principal(self.org, "port", origin="SYSTEM", datasource="SYSTEM")

    def run_as(self, who: Principal, email: str | None) -> Principal:
        """`who` on behalf of `email`: for machine tokens only. Raises PortError 403 or 404."""
        if not email:
            return who
        if not who.is_machine:
            raise PortError(403, "forbidden", "run_as is only allowed with an organization token")
        return who.acting_as(self.person(email).user or {})

    def audit(
        self,
        resource: str,
        action: str,
        identifier: str,
        who: Principal,
        diff: Json,
        blueprint: str | None = None,
        run_id: str | None = None,
    ) -> None:
        """One line of the audit log; the oldest are forgotten."""
        context = {"blueprint": blueprint, "entity": identifier if resource == "entity" else None}
        entry: Json = {
            "identifier": f"event_{self.world.ids.mixed(16)}",
            "action": action,
            "resourceType": resource,
            "status": "SUCCESS",
            "trigger": {"at": self.world.clock.iso("port"), "by": who.by(), "origin": who.origin},
            "context": {k: v for k, v in {**context, "run": run_id}.items() if v is not None},
            "diff": copied(diff),
            "additionalData": {},
            "message": f"{action.lower()} {resource} {identifier}",
        }
        self.store.audit.append(entry)
        del self.store.audit[:-AUDIT_KEPT]

    # --- people in the UI, and stories -----------------------------------------------------------

    def create_entity(self, blueprint: str, entity: Json, user: str = ADMIN) -> Json:
        """A person creates or replaces an entity in the UI; the entity. Raises PortError."""
        written = self.entities.write(blueprint, entity, self.person(user), "replace")
        return self.entities.show(written.entity)

    def change_entity(self, blueprint: str, identifier: str, patch: Json, user: str = ADMIN) -> Json:
        """A person edits an entity: `patch` as in PATCH; the entity. Raises PortError 404 or 422."""
        body = {**patch, "identifier": identifier}
        written = self.entities.write(blueprint, body, self.person(user), "merge", must_exist=True)
        return self.entities.show(written.entity)

    def delete_entity(
        self, blueprint: str, identifier: str, user: str = ADMIN, delete_dependents: bool = False
    ) -> None:
        """A person deletes an entity. Raises PortError 404 or 422."""
        self.entities.get(blueprint, identifier)
        self.entities.delete(blueprint, [identifier], self.person(user), delete_dependents)

    def seed(self, values: Json) -> None:
        """Put a start situation there. Nobody is told: no automation fires for what is seeded.

        {"users": [{"email", "firstName"?, "lastName"?, "name"?, "role"?, "clientId"?, "clientSecret"?}],
        "teams": [{"name", "users"?}], "blueprints": [...], "entities": {blueprint: [entity, ...]},
        "actions": [...], "pages": [...], "scorecards": [{"blueprint", "data": [...]}],
        "secrets": {name: value}, "allow_integration_actions": bool, "feature_flags": [...],
        "refuse_unknown_properties": bool, "rate_limits": bool, "ai": bool}. Raises PortError, or
        ValueError for an unknown key.
        """
        seeding.seed(self, values)

    def snapshot(self) -> Json:
        """Blueprints, entities as the API shows them, actions and integrations, for people to look at."""
        entities = {
            name: [self.entities.show(entity) for entity in found.values()]
            for name, found in self.store.entities.items()
        }
        return {
            "blueprints": copied(list(self.store.blueprints.values())),
            "entities": entities,
            "actions": copied(list(self.store.actions.values())),
            "pages": copied(list(self.store.pages.values())),
            "integrations": copied(list(self.store.integrations.values())),
        }


def _specific_first(route: Route) -> tuple[int, ...]:
    """Sort key: segment by segment, a fixed word goes before a pattern."""
    return tuple(int(part.startswith("{")) for part in route.path.split("/"))


def _no_runs(run_id: str) -> None:
    raise not_found("Action run", run_id)


async def _finish(work: Awaitable[Any]) -> None:
    await work
