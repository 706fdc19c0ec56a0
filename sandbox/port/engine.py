"""The engine behind Port's actions: it fires automations, starts self-service runs and lets timers expire."""

from __future__ import annotations

from typing import Any

from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port import run_api
from sandbox.port.auth import Principal
from sandbox.port.engine_events import (
    automation_context,
    entity_event,
    listens,
    press_context,
    run_event,
    timer_event,
)
from sandbox.port.engine_invoke import Invoker
from sandbox.port.engine_loops import Chain, LoopGuard, current_chain
from sandbox.port.engine_timers import Timer, Timers
from sandbox.port.engine_webhook import Webhooks
from sandbox.port.run_approval import Approvals, may
from sandbox.port.run_inputs import Form
from sandbox.port.runs import Run, Runs, Source, named
from sandbox.port.search import Matcher
from sandbox.port.service import Port
from sandbox.port.wire import PortError, invalid, not_found
from sandbox.routing import Routes
from sandbox.world import Json, iso


class Engine:
    """Runs, automations and timers of one organisation.

    Refusals are raised as PortError with the status and words the API would answer with. Starting a run
    needs a running event loop, since its invocation goes on beside the request.
    """

    def __init__(self, port: Port) -> None:
        self.port, self.world = port, port.world
        self.runs = Runs(self.world, self._run_changed)
        self.approvals = Approvals(port, self.runs, self._invoke_approved)
        self.timers = Timers(self.world, self._timer_expired)
        self.loops = LoopGuard()
        self.webhooks = Webhooks(self.world, self._own_app, self._own_token)
        self.invoker = Invoker(port, self.runs, self.webhooks, self._upsert)
        self._app: ASGIApp | None = None
        self._names = run_api.register(self)
        port.check_run = self.runs.check_in_progress
        port.on_entity_change(self._entity_changed)
        self.world.on_reset(self.clear)

    def routes(self) -> list[Route]:
        """The engine's own operations. They go before the others: `/actions/runs` is no action's name."""
        return [route for route in self.port.routes() if route.name in self._names]

    def clear(self) -> None:
        """Forget all runs and timers."""
        self.runs.clear()
        self.timers.clear()
        self.loops.clear()

    async def close(self) -> None:
        """Close the connections of the webhooks."""
        await self.webhooks.close()

    def wind_timers(self) -> None:
        """Arm the timers of entities that nobody was told of, as after `Port.seed`."""
        for blueprint, entities in self.port.store.entities.items():
            for identifier, entity in entities.items():
                change = {"blueprint": blueprint, "identifier": identifier, "before": None, "after": entity}
                self.timers.entity_changed(self.port.store.blueprints.get(blueprint), change)

    # --- what people do in Port's UI -------------------------------------------------------------

    def press(self, action: str, entity: str | None, inputs: Json, user: str) -> Json:
        """A person (e-mail) fills in the form of an action and presses its button; the run."""
        return self.start(action, self.port.person(user), entity, inputs, "UI").public()

    def approve(self, run: str, user: str, approve: bool, description: str | None = None) -> Json:
        """A person approves or declines a run that waits for it; the run."""
        found = self.runs.get(run)
        self.approvals.decide(found, self.port.person(user), approve, description)
        return found.public()

    def snapshot(self) -> list[Json]:
        """All runs with their logs, newest first."""
        return [{**run.public(), "logs": list(run.logs)} for run in reversed(list(self.runs))]

    # --- self-service ----------------------------------------------------------------------------

    def start(
        self, action_id: str, who: Principal, entity_id: str | None, given: Json, source: Source
    ) -> Run:
        """Check a form and start the run. Raises PortError 403, 404 or 422."""
        action = self.port.store.actions.get(action_id)
        if action is None:
            raise not_found("Action", action_id)
        trigger = action.get("trigger") or {}
        if trigger.get("type") != "self-service":
            raise invalid(f'Action "{action_id}" is not a self-service action')
        entity = self._target(action_id, trigger, entity_id)
        self._may_execute(action_id, who, entity)
        self._meets(action_id, trigger, entity, who)
        form = Form(trigger.get("userInputs") or {}, entity, _form_user(who), self._entity)
        inputs = form.check(given)
        now, run_id = self.runs.now(), self.runs.new_id()
        about = {"origin": source, "at": iso(now), "operation": trigger.get("operation")}
        run = Run(
            id=run_id,
            action=action,
            source=source,
            who=who,
            at=now,
            context=press_context(action, run_id, who, about, entity, form.resolve(inputs)),
            blueprint=named(self.port.store.blueprints.get(str(trigger.get("blueprintIdentifier")))),
            entity=named(entity),
            properties=inputs,
            given=dict(given),
            impersonated_by=who.client_id if who.user and who.client_id else None,
            chain=current_chain(),
        )
        if action.get("requiredApproval"):
            run.status = "WAITING_FOR_APPROVAL"
            self.runs.add(run)
        else:
            self._launch(run)
        return run

    def _target(self, action_id: str, trigger: Json, entity_id: str | None) -> Json | None:
        """The entity a DAY-2 or DELETE action runs on; None for CREATE."""
        blueprint = trigger.get("blueprintIdentifier")
        if trigger.get("operation") == "CREATE" or not blueprint:
            return None
        if not entity_id:
            raise invalid(f'Action "{action_id}" runs on an entity of "{blueprint}": body must have "entity"')
        entity = self._entity(str(blueprint), entity_id)
        if entity is None:
            raise not_found(f"{blueprint} entity", entity_id)
        return entity

    def _may_execute(self, action_id: str, who: Principal, entity: Json | None) -> None:
        allowed = (self.port.store.action_permissions.get(action_id) or {}).get("execute") or {}
        if not may(allowed, who, entity):
            raise PortError(403, "forbidden", f'You are not permitted to execute action "{action_id}"')

    def _meets(self, action_id: str, trigger: Json, entity: Json | None, who: Principal) -> None:
        condition = trigger.get("condition")
        if condition and entity is not None and not self._matches(entity, condition, who):
            raise invalid(
                f'Entity "{entity["identifier"]}" does not meet the condition of action "{action_id}"'
            )

    def _launch(self, run: Run) -> None:
        invocation = self.invoker.prepare(run)
        self.runs.add(run)
        self.invoker.start(run, invocation)

    def _invoke_approved(self, run: Run, values: Json, by: str) -> None:
        invocation = self.invoker.prepare(run)
        self.runs.change(run, by, status="IN_PROGRESS", **values)
        self.invoker.start(run, invocation)

    # --- automations -----------------------------------------------------------------------------

    def _entity_changed(self, change: Json) -> None:
        self.timers.entity_changed(self.port.store.blueprints.get(change["blueprint"]), change)
        self._fire(entity_event(change), self._chain_of(change.get("run_id")))

    def _run_changed(self, run: Run, before: Json | None) -> None:
        by = run.who.by() if before is None else self._by(run.updated_by)
        event = run_event(run, before, self.runs.now(), by)
        where = event["context"]["blueprintIdentifier"]
        self.port.audit("run", event["action"], run.id, run.who, event["diff"], where, run.id)
        self._fire(event, run.chain)

    def _timer_expired(self, timer: Timer) -> None:
        blueprint, identifier, name = timer
        entity = self._entity(blueprint, identifier)
        if entity is not None:
            self._fire(timer_event(entity, name, self.runs.now(), self.port.org), ())

    def _chain_of(self, run_id: Any) -> Chain:
        """The automations behind a change: known here, or from the run its writer named."""
        run = self.runs.find(run_id) if isinstance(run_id, str) else None
        return current_chain() or (run.chain if run else ())

    def _fire(self, event: Json, chain: Chain) -> None:
        for action in list(self.port.store.actions.values()):
            if listens(action, event):
                self._automate(action, event, chain)

    def _automate(self, action: Json, event: Json, chain: Chain) -> None:
        name, context, now = str(action["identifier"]), event["context"], self.runs.now()
        about = str(context.get("entityIdentifier") or context.get("actionIdentifier"))
        allowed, reason = self.loops.look(name, about, chain, now)
        if not allowed and reason is None:
            return
        run_id = self.runs.new_id()
        after = event["diff"]["after"] or event["diff"]["before"]
        run = Run(
            id=run_id,
            action=action,
            source="AUTOMATION",
            who=self._who(event["trigger"]),
            at=now,
            context=automation_context(action, run_id, event),
            blueprint=named(self.port.store.blueprints.get(str(context["blueprintIdentifier"]))),
            entity=named(after) if event["resourceType"] == "entity" else after.get("entity"),
            chain=(*chain, name),
        )
        if allowed:
            self._launch(run)
            return
        run.status, run.ended_at = "FAILURE", now
        self.runs.note(run, f"Automation {name} was stopped: {reason}", "port")
        self.runs.add(run, quiet=True)

    def _by(self, name: str) -> Json:
        """`trigger.by` for a user id or client id."""
        for user in self.port.store.users.values():
            if user["id"] == name:
                return {"userId": name, "orgId": self.port.org, "user": dict(user)}
        return {"userId": name, "orgId": self.port.org}

    def _who(self, trigger: Json) -> Principal:
        by, origin = trigger["by"], str(trigger["origin"])
        user = by.get("user")
        return Principal(self.port.org, "" if user else str(by.get("userId") or "port"), user, origin)

    # --- what the engine needs of the catalog ----------------------------------------------------

    def _entity(self, blueprint: str, identifier: str) -> Json | None:
        """As the API shows it, computed properties included; None when there is none."""
        found = self.port.store.entity(blueprint, identifier)
        return self.port.entities.show(found) if found else None

    def _upsert(self, run: Run, blueprint: str, entity: Json) -> Json:
        written = self.port.entities.write(blueprint, entity, run.who, "merge", run_id=run.id)
        return written.entity

    def _matches(self, entity: Json, condition: Json, who: Principal) -> bool:
        query = {"combinator": condition["combinator"], "rules": condition["rules"]}
        user = self.port.store.entity("_user", who.email or "")
        return Matcher(self.port.store, user, self.port.entities.matches).matches(entity, query)

    # --- Port calling itself ---------------------------------------------------------------------

    def _own_app(self) -> ASGIApp:
        if self._app is None:
            self._app = Routes([*self.routes(), *self.port.routes()])
        return self._app

    def _own_token(self) -> str:
        issued = self.port.credentials.issue(PORT_CLIENT_ID, PORT_CLIENT_SECRET)
        return str(issued["accessToken"])


def _form_user(who: Principal) -> Json | None:
    """`.user` in a jqQuery."""
    if who.user is None:
        return None
    user = who.user
    roles = user.get("roles") or []
    return {
        "userId": user.get("id"),
        "email": user.get("email"),
        "name": f"{user.get('firstName', '')} {user.get('lastName', '')}".strip(),
        "mainRole": roles[0]["name"] if roles else None,
        "roles": roles,
        "teams": user.get("teams") or [],
    }
