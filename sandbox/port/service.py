"""The Port API as one object: its state, who listens to changes, and its routes under /port/v1."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.routing import Route

from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port.auth import Credentials, Principal
from sandbox.port.limits import Limits
from sandbox.port.store import Store
from sandbox.port.wire import MAX_BODY, PortError, PortHandler, fault_reply, not_found
from sandbox.wire import Call, Reply, operation_route
from sandbox.world import Json, Listener, World

ORG_ID = "org_sandboxSandbox01"
ADMIN = "admin@example.com"
"""The person behind a change made in the UI when nobody else is named."""


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
        self.feature_flags: list[str] = []
        self.check_run: Callable[[str], None] = _no_runs
        """Set by the run engine: refuses (PortError) a `run_id` that is unknown or no longer in progress."""
        self._entity_listeners: list[Listener] = []
        self._action_listeners: list[Listener] = []
        self._routes: list[Route] = []
        self._last: list[Route] = []
        world.on_reset(self.clear)
        self.clear()

    def clear(self) -> None:
        """An empty organisation: one administrator, one set of machine credentials."""
        self.store.clear()
        self.limits.clear()
        self.credentials = Credentials(self.world, ORG_ID)
        self.credentials.add(PORT_CLIENT_ID, PORT_CLIENT_SECRET)
        self.allow_integration_actions = False
        self.feature_flags = []
        self.add_user(ADMIN, "Port", "Admin", role="Admin")

    # --- who listens -----------------------------------------------------------------------------

    def on_entity_change(self, listener: Listener) -> None:
        """`listener` gets {"action": CREATE|UPDATE|DELETE, "before", "after", "blueprint", "identifier",
        "by" (trigger.by), "at", "origin", "run_id"}. Entities are whole, computed properties included."""
        self._entity_listeners.append(listener)

    def on_action_change(self, listener: Listener) -> None:
        """`listener` gets {"action", "before", "after", "identifier", "by", "at", "origin"}; objects are actions."""
        self._action_listeners.append(listener)

    def entity_changed(self, change: Json) -> None:
        self._tell(self._entity_listeners, change)

    def action_changed(self, change: Json) -> None:
        self._tell(self._action_listeners, change)

    def _tell(self, listeners: list[Listener], change: Json) -> None:
        for listener in listeners:
            answer = listener(copy.deepcopy(change))
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
        """Every registered operation, then the one that answers 404 in Port's form."""
        return [*self._routes, *self._last]

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

    # --- people ----------------------------------------------------------------------------------

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

    def run_as(self, who: Principal, email: str | None) -> Principal:
        """`who` on behalf of `email`: for machine tokens only. Raises PortError 403 or 404."""
        if not email:
            return who
        if not who.is_machine:
            raise PortError(403, "forbidden", "run_as is only allowed with an organization token")
        return who.acting_as(self.person(email).user or {})

    def add_user(self, email: str, first: str = "", last: str = "", role: str = "Member") -> Json:
        """An active user of the organisation."""
        now = self.world.clock.iso("port")
        user: Json = {
            "id": f"auth0|{self.world.ids.mixed(24)}",
            "email": email,
            "firstName": first or email.partition("@")[0],
            "lastName": last,
            "status": "ACTIVE",
            "providers": ["auth0"],
            "roles": [{"name": role}],
            "teams": [],
            "createdAt": now,
            "updatedAt": now,
        }
        self.store.users[email] = user
        return user


def _no_runs(run_id: str) -> None:
    raise not_found("Action run", run_id)


async def _finish(work: Awaitable[Any]) -> None:
    await work
