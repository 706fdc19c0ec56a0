"""Port's API for what is ours beyond Ocean: rooms, notes, intents, runs, provisioning.

Its own client with its own User-Agent: Port remembers the User-Agent as an entity's datasource, and a
resync of Ocean deletes what carries Ocean's. Every write but two is safe to repeat, since it goes by
identifier: `create_run` and `log_run` are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loguru import logger

from integration.budget import Budget, Priority
from integration.models.base import Json
from integration.models.port import ItemOutcome
from integration.services.http import Answer, Patience
from integration.services.port_bulk import identifier_of, outcomes
from integration.services.port_wire import HINTS, PortWire, call_of, quoted

BULK = 20  # entities in one bulk call, at most
PAGE = 500  # entities in one page of a search; 1000 at most, 1 MiB is sooner reached
RUNS_LIMIT = 1000
RECENT_RUNS = 100
FINAL = ("SUCCESS", "FAILURE", "DECLINED")


class PortService:
    """Our own client. Methods raise the errors of `integration.errors`; codes are Port's, or the status.

    base_url    without /v1, e.g. https://api.port.io
    timeout     seconds for one request
    user_agent  must not contain "port-ocean"; default `incident-comms/<version>`
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        budget: Budget,
        timeout: float = 10.0,
        user_agent: str = "",
        patience: Patience | None = None,
    ) -> None:
        self._wire = PortWire(
            base_url, client_id, client_secret, budget, timeout, user_agent, patience or Patience()
        )

    @property
    def wire(self) -> PortWire:
        """For `port_setup`, which speaks with the same token."""
        return self._wire

    async def aclose(self) -> None:
        await self._wire.aclose()

    async def warm(self) -> None:
        """Fetch the token ahead of the first incident. Raises CredentialsRefused when it is refused."""
        await self._wire.warm()

    # -- entities ------------------------------------------------------------------------------------

    async def get_entity(
        self, blueprint: str, identifier: str, *, priority: Priority = Priority.INTERNAL
    ) -> Json | None:
        """The entity as Port has it now (search lags behind, this does not); None when there is none."""
        path = f"/blueprints/{quoted(blueprint)}/entities/{quoted(identifier)}"
        return await self._wire.get("entities.get", "entities", path, "entity", priority)

    async def search(
        self,
        blueprint: str,
        rules: Sequence[Json],
        combinator: str = "and",
        include: Sequence[str] | None = None,
        *,
        priority: Priority = Priority.INTERNAL,
    ) -> list[Json]:
        """Every entity of the blueprint that the rules match, all pages. May lag behind writes by seconds.

        `include` names the properties and relations wanted, `$identifier` and the like for meta ones.
        """
        call = call_of("blueprint.entities.search", "search", priority)
        body: Json = {"query": {"combinator": combinator, "rules": list(rules)}, "limit": PAGE}
        if include is not None:
            body["include"] = list(include)
        found: list[Json] = []
        while True:
            answer = await self._wire.ask(
                call, "POST", f"/blueprints/{quoted(blueprint)}/entities/search", body
            )
            page = answer.object().get("entities")
            if not isinstance(page, list):
                raise self._wire.unreadable(call, "no list of entities")
            found += [entity for entity in page if isinstance(entity, dict)]
            following = answer.object().get("next")
            if not isinstance(following, str) or not following or following == body.get("from"):
                return found
            body["from"] = following

    async def create_entities(
        self,
        blueprint: str,
        entities: Sequence[Json],
        run_id: str | None = None,
        *,
        priority: Priority = Priority.INTERNAL,
    ) -> list[ItemOutcome]:
        """Create-only write, Port's only compare-and-set. One outcome for each entity, in their order.

        `exists` may also mean that an earlier try of this very call made it and its answer was lost:
        read the entity to know whose it is. Other refusals are in `error`, per item; a refusal of the
        whole call raises.
        """
        query = {"upsert": "false"} | ({"run_id": run_id} if run_id else {})
        return await self._bulk(blueprint, entities, query, priority)

    async def merge_entities(
        self, blueprint: str, entities: Sequence[Json], *, priority: Priority = Priority.INTERNAL
    ) -> list[ItemOutcome]:
        """Create or update, leaving what is not named alone. One outcome for each entity, in their order."""
        return await self._bulk(blueprint, entities, {"upsert": "true", "merge": "true"}, priority)

    async def patch_entity(
        self,
        blueprint: str,
        identifier: str,
        properties: Json | None = None,
        relations: Json | None = None,
        title: str | None = None,
        *,
        priority: Priority = Priority.INTERNAL,
        agent: str = "",
    ) -> Json:
        """Change what is named of an entity that exists and return it; Refused (404) if it does not.
        `agent`: another User-Agent than ours, and so another datasource."""
        named = {"properties": properties, "relations": relations, "title": title}
        body = {key: value for key, value in named.items() if value is not None}
        call = call_of("entities.patch", "upsert", priority)
        answer = await self._wire.ask(
            call, "PATCH", f"/blueprints/{quoted(blueprint)}/entities/{quoted(identifier)}", body, agent=agent
        )
        return _object(answer, "entity")

    # -- runs ----------------------------------------------------------------------------------------

    async def active_runs(self, action: str, *, priority: Priority = Priority.INTERNAL) -> list[Json]:
        """Runs of an action that have not ended, waiting for approval included.

        Port publishes no paging for runs, only a limit of 1000. Where an answer names a `next` page all
        the same, it is followed; a full answer without one is told in the log.
        """
        call = call_of("runs.list", "other", priority)
        query = {"action": action, "active": "true", "version": "v2", "limit": str(RUNS_LIMIT)}
        found: dict[str, Json] = {}
        while True:
            answer = (await self._wire.ask(call, "GET", "/actions/runs", query=query)).object()
            runs = answer.get("runs")
            if not isinstance(runs, list):
                raise self._wire.unreadable(call, "no list of runs")
            page = {str(run.get("id")): run for run in runs if isinstance(run, dict)}
            news = page.keys() - found.keys()
            found |= page
            following = answer.get("next")
            if not isinstance(following, str) or not following:
                if len(runs) >= RUNS_LIMIT:
                    logger.warning(f"port: {action} has over {RUNS_LIMIT} active runs; the rest comes later")
                return list(found.values())
            if not news:  # it pays no heed to `from`
                return list(found.values())
            query["from"] = following

    async def recent_runs(self, action: str, *, priority: Priority = Priority.INTERNAL) -> list[Json]:
        """The newest runs of an action or automation, ended ones too: at most 100."""
        call = call_of("runs.list", "other", priority)
        query = {"action": action, "version": "v2", "limit": str(RECENT_RUNS)}
        runs = (await self._wire.ask(call, "GET", "/actions/runs", query=query)).object().get("runs")
        if not isinstance(runs, list):
            raise self._wire.unreadable(call, "no list of runs")
        return [run for run in runs if isinstance(run, dict)]

    async def run(self, run_id: str, *, priority: Priority = Priority.INTERNAL) -> Json | None:
        """The run as it stands; None when Port has none."""
        return await self._wire.get(
            "runs.get", "other", f"/actions/runs/{quoted(run_id)}", "run", priority, {"version": "v2"}
        )

    async def users(self, *, priority: Priority = Priority.INTERNAL) -> dict[str, str]:
        """E-mail addresses of everybody in the organisation, by user id."""
        call = call_of("users.list", "other", priority)
        users = (await self._wire.ask(call, "GET", "/users?fields=id&fields=email")).object().get("users")
        if not isinstance(users, list):
            raise self._wire.unreadable(call, "no list of users")
        known = [user for user in users if isinstance(user, dict)]
        return {str(user["id"]): str(user["email"]) for user in known if user.get("id") and user.get("email")}

    async def teams(self, *, priority: Priority = Priority.INTERNAL) -> dict[str, list[str]]:
        """E-mail addresses of the people in every team of the organisation, by the team's name."""
        call = call_of("teams.list", "other", priority)
        fields = "fields=name&fields=users.email&fields=users.status"
        teams = (await self._wire.ask(call, "GET", f"/teams?{fields}")).object().get("teams")
        if not isinstance(teams, list):
            raise self._wire.unreadable(call, "no list of teams")
        found: dict[str, list[str]] = {}
        for team in (team for team in teams if isinstance(team, dict)):
            people = [user for user in team.get("users") or [] if isinstance(user, dict)]
            there = [user for user in people if str(user.get("status")).upper() != "DISABLED"]
            found[str(team.get("name"))] = [str(user["email"]) for user in there if user.get("email")]
        return found

    async def finish_run(
        self,
        run_id: str,
        ok: bool,
        label: str = "",
        summary: str = "",
        links: Sequence[str] = (),
        *,
        priority: Priority = Priority.INTERNAL,
    ) -> bool:
        """End the run. True: it stands as we said; False: it had ended otherwise before, which is final."""
        body: Json = {"status": "SUCCESS" if ok else "FAILURE", "summary": summary}
        if label:
            body["statusLabel"] = label
        if links:
            body["link"] = list(links)
        call = call_of("runs.patch", "other", priority)
        answer = await self._wire.send(call, "PATCH", f"/actions/runs/{quoted(run_id)}", body)
        if answer.ok:
            return True
        if answer.status in (409, 422):
            stands = await self.run(run_id, priority=priority)
            if stands is not None and stands.get("status") in FINAL:
                # Our own earlier try may have ended it, its answer lost.
                return all(stands.get(key) == body[key] for key in ("status", "summary"))
        raise self._wire.error(call, answer)

    async def log_run(self, run_id: str, message: str, *, priority: Priority = Priority.INTERNAL) -> None:
        """Add a line to the run's log. Not repeated: a lost answer is Ambiguous."""
        call = call_of("runs.logs", "other", priority, repeatable=False)
        await self._wire.ask(call, "POST", f"/actions/runs/{quoted(run_id)}/logs", {"message": message})

    async def link_run(self, run_id: str, links: Sequence[str]) -> None:
        """Show links on the run's page, in place of those it has."""
        call = call_of("runs.patch", "other", Priority.INTERNAL)
        await self._wire.ask(call, "PATCH", f"/actions/runs/{quoted(run_id)}", {"link": list(links)})

    async def create_run(
        self,
        action: str,
        properties: Json,
        entity: str | None = None,
        run_as: str | None = None,
        *,
        priority: Priority = Priority.ROOM,
    ) -> Json:
        """Start a run of an action, in the name of `run_as` (e-mail). Not repeated: see `log_run`."""
        call = call_of("runs.create", "other", priority, repeatable=False)
        body: Json = {"properties": properties} | ({"entity": entity} if entity else {})
        query = {"run_as": run_as} if run_as else None
        answer = await self._wire.ask(call, "POST", f"/actions/{quoted(action)}/runs", body, query)
        run = answer.object().get("run")
        if not isinstance(run, dict) or not run.get("id"):
            raise self._wire.unreadable(call, "a run without id")
        return run

    # -- provisioning --------------------------------------------------------------------------------

    async def blueprint(self, identifier: str) -> Json | None:
        path = f"/blueprints/{quoted(identifier)}"
        return await self._wire.get("blueprints.get", "blueprints", path, "blueprint", Priority.INTERNAL)

    async def create_blueprint(self, blueprint: Json) -> Json:
        """Raises Refused with code 409 when there is one already."""
        return await self._write("blueprints.create", "POST", "/blueprints", blueprint, "blueprint")

    async def put_blueprint(self, identifier: str, blueprint: Json) -> Json:
        """Replace it whole: what is not named is dropped."""
        path = f"/blueprints/{quoted(identifier)}"
        return await self._write("blueprints.put", "PUT", path, blueprint, "blueprint")

    async def patch_blueprint(self, identifier: str, changes: Json) -> Json:
        """Change the named top-level keys; each is replaced whole, `schema` too."""
        path = f"/blueprints/{quoted(identifier)}"
        return await self._write("blueprints.patch", "PATCH", path, changes, "blueprint")

    async def blueprint_permissions(self, identifier: str) -> Json:
        """Who may read, create, change and delete its entities: `{"entities": {"read": {"roles": []}}}`.

        Port documents no shape of the answer.
        """
        call = call_of("blueprints.permissions.get", "blueprints", Priority.INTERNAL)
        answer = await self._wire.ask(call, "GET", f"/blueprints/{quoted(identifier)}/permissions")
        return _object(answer, "permissions")

    async def action(self, identifier: str) -> Json | None:
        """An action or an automation: Port keeps both under one route."""
        path = f"/actions/{quoted(identifier)}"
        return await self._wire.get("actions.get", "other", path, "action", Priority.INTERNAL)

    async def create_action(self, action: Json) -> Json:
        """Raises Refused with code 409 when there is one already."""
        return await self._write("actions.create", "POST", "/actions", action, "action")

    async def put_action(self, identifier: str, action: Json) -> Json:
        return await self._write("actions.put", "PUT", f"/actions/{quoted(identifier)}", action, "action")

    async def delete_action(self, identifier: str) -> bool:
        """False when there was none."""
        call = call_of("actions.delete", "other", Priority.INTERNAL)
        answer = await self._wire.send(call, "DELETE", f"/actions/{quoted(identifier)}")
        if answer.status == 404:
            return False
        self._wire.expect(call, answer)
        return True

    # -- shared --------------------------------------------------------------------------------------

    async def _bulk(
        self, blueprint: str, entities: Sequence[Json], query: dict[str, str], priority: Priority
    ) -> list[ItemOutcome]:
        written: list[ItemOutcome] = []
        for start in range(0, len(entities), BULK):
            written += await self._chunk(blueprint, entities[start : start + BULK], query, priority)
        return written

    async def _chunk(
        self, blueprint: str, entities: Sequence[Json], query: dict[str, str], priority: Priority
    ) -> list[ItemOutcome]:
        call = call_of("entities.bulk", "bulk", priority)
        path, body = f"/blueprints/{quoted(blueprint)}/entities/bulk", {"entities": list(entities)}
        answer = await self._wire.send(call, "POST", path, body, query)
        if answer.status == 413 and len(entities) > 1:
            middle = len(entities) // 2  # together too large; nothing was written
            return [
                *await self._chunk(blueprint, entities[:middle], query, priority),
                *await self._chunk(blueprint, entities[middle:], query, priority),
            ]
        if answer.status == 413:
            return [ItemOutcome(identifier=identifier_of(entities[0]), error=HINTS[413], status=413)]
        if not isinstance(answer.object().get("errors"), list):  # else it is about single entities
            self._wire.expect(call, answer)
        return outcomes(entities, answer.object(), merging=query["upsert"] == "true")

    async def _write(self, operation: str, method: str, path: str, body: Json, key: str) -> Json:
        method_class = "blueprints" if key == "blueprint" else "other"
        call = call_of(operation, method_class, Priority.INTERNAL)
        return _object(await self._wire.ask(call, method, path, body), key)


def _object(answer: Answer, key: str) -> Json:
    """The named object of an answer, or the answer itself: Port documents neither for every route."""
    inner: Any = answer.object().get(key)
    return inner if isinstance(inner, dict) else answer.object()
