"""Port as a human: creating and changing entities in the UI, pressing buttons, approving."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from sandbox.control_input import Bad, Json, body, route
from sandbox.port.ai import scripted
from sandbox.port.engine import Engine
from sandbox.port.service import ADMIN, Port


class PortControl:
    def __init__(self, port: Port, engine: Engine) -> None:
        self.port, self.engine = port, engine

    def routes(self) -> list[Route]:
        one = "/port/entities/{blueprint}/{identifier:path}"
        return [
            route("POST", "/port/entities", self._create),
            route("GET", "/port/entities/{blueprint}", self._related),
            route("GET", one, self._get),
            route("PATCH", one, self._change),
            route("DELETE", one, self._delete),
            route("POST", "/port/press", self._press),
            route("POST", "/port/approve", self._approve),
            route("GET", "/port/runs", self._runs),
            route("GET", "/port/ai", self._ai),
            route("POST", "/port/ai", self._script),
            route("GET", "/port/runs/{run}", self._run),
        ]

    async def _create(self, request: Request) -> Json:
        """{blueprint, entity, user?} -> {entity}: created or replaced, as by a person in the UI."""
        given = await body(request)
        blueprint, entity, user = given.text("blueprint"), given.object("entity"), given.text("user", ADMIN)
        given.done()
        return {"entity": self.port.create_entity(blueprint, entity, user)}

    async def _related(self, request: Request) -> list[Json]:
        """A blueprint's entities as they stand; ?relation=name&to=identifier narrows them down."""
        blueprint, asked = request.path_params["blueprint"], request.query_params
        self.port.blueprints.get(blueprint)
        return [
            self.port.entities.show(one)
            for one in self.port.store.entities.get(blueprint, {}).values()
            if "relation" not in asked or asked.get("to") in _names(one["relations"].get(asked["relation"]))
        ]

    async def _get(self, request: Request) -> Json:
        where = request.path_params
        found = self.port.entities.get(where["blueprint"], where["identifier"])
        return {"entity": self.port.entities.show(found)}

    async def _change(self, request: Request) -> Json:
        """The patch (title, properties, relations, team, icon), with `user`? beside -> {entity}"""
        given = await body(request)
        user = given.text("user", ADMIN)
        patch = {name: value for name, value in given.values.items() if name != "user"}
        where = request.path_params
        changed = self.port.change_entity(where["blueprint"], where["identifier"], patch, user)
        return {"entity": changed}

    async def _delete(self, request: Request) -> Json:
        where = request.path_params
        user = request.query_params.get("user", ADMIN)
        self.port.delete_entity(where["blueprint"], where["identifier"], user)
        return {"ok": True}

    async def _press(self, request: Request) -> Json:
        """{action, entity?, inputs?, user} -> {run}"""
        given = await body(request)
        action, entity = given.text("action"), given.maybe("entity")
        inputs, user = given.object("inputs", {}), given.text("user")
        given.done()
        return {"run": self.engine.press(action, entity, inputs, user)}

    async def _approve(self, request: Request) -> Json:
        """{run, user, approve: bool, description?} -> {run}"""
        given = await body(request)
        run, user, approve = given.text("run"), given.text("user"), given.flag("approve")
        description = given.maybe("description")
        given.done()
        return {"run": self.engine.approve(run, user, approve, description)}

    async def _ai(self, request: Request) -> list[Json]:
        """What agents were asked, oldest first."""
        return self.port.ai.seen()

    async def _script(self, request: Request) -> Json:
        """{answers?: [text or {text, seconds, error, cut}], limit?: questions a month, stream?: bool}: switch
        AI on, and say what the next questions are answered."""
        given = await body(request)
        answers = given.any("answers") if "answers" in given.values else []
        limit = given.any("limit") if "limit" in given.values else self.port.ai.limit
        stream = given.flag("stream", self.port.ai.stream)
        given.done()
        if not isinstance(limit, int) or isinstance(limit, bool):
            raise Bad("limit", "a whole number is needed")
        try:
            script = [scripted(one) for one in answers]
        except (TypeError, ValueError) as problem:
            raise Bad("answers", str(problem)) from None
        self.port.ai.switch_on()
        self.port.ai.limit, self.port.ai.stream = limit, stream
        self.port.ai.script.clear()
        self.port.ai.script.extend(script)
        return {"ok": True}

    async def _runs(self, request: Request) -> list[Json]:
        """All runs with their logs, newest first; ?entity= and ?action= narrow them down."""
        wanted = request.query_params
        return [
            run
            for run in self.engine.snapshot()
            if wanted.get("entity") in (None, (run.get("entity") or {}).get("identifier"))
            and wanted.get("action") in (None, run["action"]["identifier"])
        ]

    async def _run(self, request: Request) -> Json:
        found = self.engine.runs.get(request.path_params["run"])
        return {**found.public(), "logs": list(found.logs)}


def _names(related: str | list[str] | None) -> list[str]:
    return related if isinstance(related, list) else [related] if related else []
