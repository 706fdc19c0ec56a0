"""The HTTP routes of runs: start, read, report, approve, claim. Each is one operation of the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.port.auth import Principal
from sandbox.port.runs import Run, Runs
from sandbox.port.wire import flag, invalid, many, not_found, number, ok, read_object, text_of
from sandbox.wire import Call, Reply
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.engine import Engine

_KEPT = frozenset({"id", "action", "properties", "requiredApproval", "source", "status"})
"""Fields that `exclude` can't take away: Port's schema requires them."""


def register(engine: Engine) -> frozenset[str]:
    """Register every operation with the Port API; the names of their routes."""
    api = RunApi(engine)
    table = [
        ("runs.create", "POST", "/actions/{action_identifier}/runs", api.create),
        ("runs.claim", "POST", "/actions/runs/claim-pending", api.claim),
        ("runs.ack", "PATCH", "/actions/runs/ack", api.acknowledge),
        ("runs.list", "GET", "/actions/runs", api.list_runs),
        ("runs.get", "GET", "/actions/runs/{run_id}", api.get),
        ("runs.patch", "PATCH", "/actions/runs/{run_id}", api.patch),
        ("runs.logs", "POST", "/actions/runs/{run_id}/logs", api.add_log),
        ("runs.logs.list", "GET", "/actions/runs/{run_id}/logs", api.list_logs),
        ("runs.response", "PATCH", "/actions/runs/{run_id}/response", api.respond),
        ("runs.approval", "PATCH", "/actions/runs/{run_id}/approval", api.approve),
        ("runs.approvers", "GET", "/actions/runs/{run_id}/approvers", api.approvers),
        # Workflows are not emulated; clients that poll for them hear that nothing waits.
        ("workflows.runs.claim", "POST", "/workflows/runs/claim-pending", api.claim_nodes),
        ("workflows.runs.ack", "PATCH", "/workflows/runs/ack", api.no_node),
        ("workflows.nodes.list", "GET", "/workflows/nodes/runs", api.list_nodes),
        ("workflows.nodes.patch", "PATCH", "/workflows/nodes/runs/{run_id}", api.no_node),
        ("workflows.nodes.logs", "POST", "/workflows/nodes/runs/{run_id}/logs", api.no_node),
    ]
    for name, method, path, handler in table:
        engine.port.register(name, method, path, handler)
    return frozenset(f"port:{name}" for name, *_ in table)


class RunApi:
    """Handlers. `who` is the caller behind the access token."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def runs(self) -> Runs:
        return self.engine.runs

    def _run(self, call: Call) -> Run:
        return self.runs.get(call.path["run_id"])

    # --- start and read --------------------------------------------------------------------------

    async def create(self, call: Call, who: Principal) -> Reply:
        body = _closed(read_object(call), {"properties": dict, "entity": str}, ["properties"])
        acting = self.engine.port.run_as(who, call.query.get("run_as"))
        action = call.path["action_identifier"]
        run = self.engine.start(action, acting, body.get("entity"), body["properties"], "API")
        return ok({"run": run.public()}, 202, effect=f"started run {run.id} of {action}: {run.status}")

    async def list_runs(self, call: Call, who: Principal) -> Reply:
        wanted, limit = _filters(call), number(call, "limit", 1000, 1, 1000)
        dropped = {*many(call, "exclude"), *many(call, "exclude[]")} - _KEPT
        shown = [run.public() for run in reversed(list(self.runs)) if _wanted(run, wanted)][:limit]
        return ok({"runs": [{k: v for k, v in run.items() if k not in dropped} for run in shown]})

    async def get(self, call: Call, who: Principal) -> Reply:
        return ok({"run": self._run(call).public()})

    # --- report ----------------------------------------------------------------------------------

    async def patch(self, call: Call, who: Principal) -> Reply:
        run, body = self._run(call), read_object(call)
        self.runs.patch(run, body, who.name)
        told = ", ".join(f"{name}={text_of(value)}" for name, value in body.items())
        return ok({"run": run.public()}, effect=f"run {run.id}: {told}" if told else None)

    async def respond(self, call: Call, who: Principal) -> Reply:
        """Not in the published API; Port's own execution agent stores answers with it."""
        run = self._run(call)
        body = _closed(read_object(call), {"response": dict | list | str | None}, ["response"])
        self.runs.change(run, who.name, response=body["response"])
        return ok({"run": run.public()}, effect=f"run {run.id}: response stored")

    async def add_log(self, call: Call, who: Principal) -> Reply:
        run = self._run(call)
        entry = self.runs.log(run, read_object(call), who.name)
        return ok({"runLog": entry}, 201, effect=f"run {run.id}: log {text_of(entry['message'])!r}")

    async def list_logs(self, call: Call, who: Principal) -> Reply:
        run, limit = self._run(call), number(call, "limit", 50, 1, 50)
        offset = number(call, "offset", 0, 0, 2**31)
        return ok({"runLogs": run.logs[offset : offset + limit]})

    # --- approve ---------------------------------------------------------------------------------

    async def approve(self, call: Call, who: Principal) -> Reply:
        run = self._run(call)
        body = _closed(read_object(call), {"status": str, "description": str}, ["status"])
        if body["status"] not in ("APPROVE", "DECLINE"):
            raise invalid("body/status must be equal to one of the allowed values: APPROVE, DECLINE")
        self.engine.approvals.decide(run, who, body["status"] == "APPROVE", body.get("description"))
        return ok({"run": run.public()}, 201, effect=f"run {run.id}: {body['status'].lower()}d")

    async def approvers(self, call: Call, who: Principal) -> Reply:
        pending = flag(call, "include_pending_approvers")
        return ok({"approvers": self.engine.approvals.approvers(self._run(call), pending)})

    # --- claim -----------------------------------------------------------------------------------

    async def claim(self, call: Call, who: Principal) -> Reply:
        body = _claim_body(call)
        seconds = body["visibilityTimeoutMs"] / 1000
        claimed = self.runs.claim(body["installationId"], body["limit"], seconds, body.get("exclude") or [])
        effect = f"claimed {', '.join(run.id for run in claimed)}" if claimed else None
        return ok({"runs": [run.public() for run in claimed]}, effect=effect)

    async def acknowledge(self, call: Call, who: Principal) -> Reply:
        _reserved(call)
        body = _closed(read_object(call), {"runId": str}, ["runId"], closed=False)
        run = self.runs.acknowledge(body["runId"])
        return ok({"runId": run.id}, effect=f"run {run.id} acknowledged")

    async def claim_nodes(self, call: Call, who: Principal) -> Reply:
        _claim_body(call)
        return ok({"nodeRuns": []})

    async def list_nodes(self, call: Call, who: Principal) -> Reply:
        return ok({"nodeRuns": []})

    async def no_node(self, call: Call, who: Principal) -> Reply:
        asked = call.path.get("run_id") or read_object(call).get("nodeRunIdentifier")
        raise not_found("Workflow node run", asked)


def _reserved(call: Call) -> None:
    """Claiming is reserved for Port's own software, which says so. Raises PortError 422."""
    if call.headers.get("x-port-reserved-usage") != "true":
        raise invalid("headers must have required property 'x-port-reserved-usage'")


def _claim_body(call: Call) -> Json:
    _reserved(call)
    kinds: dict[str, Any] = {
        "installationId": str,
        "limit": int,
        "visibilityTimeoutMs": int,
        "exclude": list,
        "invocationMethod": str,  # sent by Port's execution agent
    }
    body = _closed(read_object(call), kinds, ["installationId", "limit", "visibilityTimeoutMs"])
    if body["limit"] < 1:
        raise invalid("body/limit must be >= 1")
    return body


def _closed(body: Json, kinds: dict[str, Any], required: list[str], closed: bool = True) -> Json:
    """The body, checked against a flat schema. Raises PortError 422 naming the field."""
    for name in required:
        if name not in body:
            raise invalid(f"body must have required property '{name}'")
    for name, value in body.items():
        if name not in kinds:
            if closed:
                raise invalid(f'body must NOT have additional properties: "{name}"')
        elif not isinstance(value, kinds[name]) or (kinds[name] is int and isinstance(value, bool)):
            raise invalid(f"body/{name} must be {_WORDS.get(kinds[name], 'of another type')}")
    return body


_WORDS: dict[Any, str] = {str: "string", dict: "object", int: "integer", list: "array"}


def _filters(call: Call) -> dict[str, Any]:
    names = ("action", "entity", "blueprint", "external_run_id", "user_email", "user_id")
    wanted: dict[str, Any] = {name: call.query[name] for name in names if name in call.query}
    wanted["active"] = flag(call, "active")
    wanted["source"] = {*many(call, "source"), *many(call, "source[]")}
    unknown = wanted["source"] - {"UI", "API", "AUTOMATION"}
    if unknown:
        raise invalid("querystring/source must be equal to one of the allowed values: UI, API, AUTOMATION")
    return wanted


def _wanted(run: Run, wanted: dict[str, Any]) -> bool:
    """Whether a run passes all filters. Active are those that have not ended, waiting ones too."""
    if (wanted["active"] and run.final) or (wanted["source"] and run.source not in wanted["source"]):
        return False
    has = {
        "action": run.identifier,
        "entity": (run.entity or {}).get("identifier"),
        "blueprint": (run.blueprint or {}).get("identifier"),
        "external_run_id": run.external_run_id,
        "user_email": run.who.email,
        "user_id": run.who.name,
    }
    return all(has[name] == value for name, value in wanted.items() if name in has)
