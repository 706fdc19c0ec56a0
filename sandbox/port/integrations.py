"""Integrations as Ocean keeps them: installation record, resync state, and what it ships beside entities.

Logs, metrics and raw data go to addresses that the record names; here those are on the same server,
under /port/ingest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.copies import copied
from sandbox.port.auth import Principal
from sandbox.port.wire import flag, invalid, not_found, number, ok, read_object, taken
from sandbox.wire import Call, Reply
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.service import Port

INGEST = "/port/ingest"
KEPT = 1000
"""How many log lines, metrics and examples are kept of one integration."""
_INGEST_BODY = 20 * 1024 * 1024


class Integrations:
    """What each installation has told. `shipped[id]` has "logs", "metrics", "examples", "raw"."""

    def __init__(self, port: Port) -> None:
        self.port, self.store = port, port.store
        self.shipped: dict[str, dict[str, list[Any]]] = {}
        self.cursors: dict[tuple[str, str, str], Json] = {}
        one = "/integration/{identifier}"
        enabled = "/integration/provision-enabled"
        port.register("integration.list", "GET", "/integration", self._list)
        port.register("integration.create", "POST", "/integration", self._create)
        port.register("integration.provision_enabled", "GET", enabled, self._provision_enabled)
        port.register("integration.get", "GET", one, self._get)
        port.register("integration.patch", "PATCH", one, self._patch)
        port.register("integration.delete", "DELETE", one, self._delete)
        port.register("integration.config", "PATCH", one + "/config", self._config)
        port.register("integration.resync_state", "PATCH", one + "/resync-state", self._resync_state)
        port.register("integration.resync_request", "GET", one + "/resync-request", self._resync_request)
        port.register("integration.examples", "POST", one + "/kinds/{kind}/examples", self._examples)
        port.register("integration.logs", "GET", one + "/logs", self._logs)
        port.register("integration.sync_metrics", "GET", one + "/syncMetrics", self._metrics)
        port.register("integration.cursor.get", "GET", one + "/cursor", self._cursor)
        port.register("integration.cursor.put", "PUT", one + "/cursor", self._set_cursor)
        port.register("integration.cursor.create", "POST", one + "/cursor", self._set_cursor)
        self._ingest_routes()

    def _ingest_routes(self) -> None:
        metrics = "/metrics/{identifier}"
        sync = metrics + "/syncMetrics"
        lake = "/lake/write/integration-type/{type}/integration/{identifier}/sync/{sync}/kind/{kind}"
        table = [
            ("ingest.logs", "POST", "/logs/{identifier}", self._take_logs),
            ("ingest.metrics", "POST", sync, self._take_metrics),
            ("ingest.kind_metrics", "PUT", sync + "/resync/{event}/kind/{kind}", self._take_metric),
            ("ingest.heartbeat", "POST", metrics + "/heartbeat", self._heartbeat),
            ("ingest.raw", "POST", lake, self._take_raw),
        ]
        for name, method, path, handler in table:
            self.port.register(name, method, path, handler, max_body=_INGEST_BODY, prefix=INGEST)

    def clear(self) -> None:
        self.shipped.clear()
        self.cursors.clear()

    def request_resync(self, identifier: str) -> None:
        """A person presses "resync" in Port's UI. Raises PortError 404."""
        if identifier not in self.store.integrations:
            raise not_found("Integration", identifier)
        self._ask(identifier)

    def _ask(self, identifier: str) -> None:
        integration = self.store.integrations[identifier]
        request = {"updatedAt": self.port.world.clock.iso("port")}
        self.store.integrations[identifier] = {**integration, "resyncRequest": request}

    # --- the record ------------------------------------------------------------------------------

    def _found(self, call: Call) -> Json:
        identifier = call.path["identifier"]
        integration = self.store.integrations.get(identifier)
        if integration is None:
            by_id = (one for one in self.store.integrations.values() if one["_id"] == identifier)
            integration = next(by_id, None)
        if integration is None:
            raise not_found("Integration", identifier)
        return integration

    def _shown(self, call: Call, integration: Json) -> Json:
        shown = {key: value for key, value in integration.items() if key != "resyncRequest"}
        base = f"{call.request.url.scheme}://{call.request.url.netloc}{INGEST}"
        name = integration["installationId"]
        return {
            **copied(shown),
            "logAttributes": {"ingestId": name, "ingestUrl": f"{base}/logs/{name}"},
            "metricAttributes": {"ingestId": name, "ingestUrl": f"{base}/metrics/{name}"},
            "ingestAttributes": {"ingestId": name, "ingestUrl": base},
        }

    async def _list(self, call: Call, who: Principal) -> Reply:
        found = list(self.store.integrations.values())
        if "actionsProcessingEnabled" in call.query:
            wanted = flag(call, "actionsProcessingEnabled")
            found = [one for one in found if one["actionsProcessingEnabled"] == wanted]
        return ok({"integrations": [self._shown(call, one) for one in found]})

    async def _create(self, call: Call, who: Principal) -> Reply:
        body = read_object(call)
        for key in ("installationId", "installationAppType"):
            if not isinstance(body.get(key), str) or not body[key]:
                raise invalid(f"body must have required property '{key}'")
        identifier = body["installationId"]
        if identifier in self.store.integrations:
            raise taken("Integration", identifier)
        now = self.port.world.clock.iso("port")
        integration: Json = {
            "_id": self.port.world.ids.mixed(24),
            "_orgId": self.port.org,
            "installationType": "OnPrem",
            "title": identifier,
            "config": {},
            "changelogDestination": {"type": "KAFKA"},
            "actionsProcessingEnabled": False,
            "incrementalSyncEnabled": False,
            "arePortResourcesInitialized": False,
            "resyncState": {},
            **body,
            "createdAt": now,
            "createdBy": who.name,
            "updatedAt": now,
            "updatedBy": who.name,
        }
        self.store.integrations[identifier] = integration
        return ok({"integration": self._shown(call, integration)}, 201, f"created integration {identifier}")

    async def _get(self, call: Call, who: Principal) -> Reply:
        return ok({"integration": self._shown(call, self._found(call))})

    def _changed(self, call: Call, who: Principal, values: Json) -> Json:
        integration = self._found(call)
        now = self.port.world.clock.iso("port")
        changed = {**integration, **values, "updatedAt": now, "updatedBy": who.name}
        self.store.integrations[integration["installationId"]] = changed
        return changed

    async def _patch(self, call: Call, who: Principal) -> Reply:
        values = {k: v for k, v in read_object(call).items() if k not in ("_id", "installationId")}
        changed = self._changed(call, who, values)
        effect = f"changed integration {changed['installationId']}"
        return ok({"integration": self._shown(call, changed)}, effect=effect)

    async def _delete(self, call: Call, who: Principal) -> Reply:
        identifier = self._found(call)["installationId"]
        del self.store.integrations[identifier]
        self.shipped.pop(identifier, None)
        return ok(effect=f"deleted integration {identifier}")

    async def _config(self, call: Call, who: Principal) -> Reply:
        body = read_object(call)
        if not isinstance(body.get("config"), dict) or set(body) != {"config"}:
            raise invalid("body must have required property 'config' and no other")
        changed = self._changed(call, who, {"config": body["config"]})
        if call.headers.get("x-skip-resync") != "true":
            self._ask(changed["installationId"])
        effect = f"changed config of {changed['installationId']}"
        return ok({"integration": self._shown(call, changed)}, effect=effect)

    async def _resync_state(self, call: Call, who: Principal) -> Reply:
        present, body = self._found(call), read_object(call)
        now = self.port.world.clock.iso("port")
        state = {**present["resyncState"], **body, "updatedAt": now}
        changed = self._changed(call, who, {"resyncState": state})
        effect = f"resync state of {changed['installationId']}: {state.get('status')}"
        return ok({"integration": self._shown(call, changed)}, effect=effect)

    async def _resync_request(self, call: Call, who: Principal) -> Reply:
        return ok({"request": self._found(call).get("resyncRequest")})

    async def _provision_enabled(self, call: Call, who: Principal) -> Reply:
        return ok({"integrations": []})

    # --- cursors of incremental syncs --------------------------------------------------------------

    def _cursor_key(self, call: Call) -> tuple[str, str, str]:
        name = self._found(call)["installationId"]
        return name, call.query.get("kind", ""), call.query.get("index", "0")

    async def _cursor(self, call: Call, who: Principal) -> Reply:
        return ok({"cursor": self.cursors.get(self._cursor_key(call))})

    async def _set_cursor(self, call: Call, who: Principal) -> Reply:
        key, body = self._cursor_key(call), read_object(call)
        if call.request.method == "PUT" and key not in self.cursors:
            raise not_found("Cursor", "/".join(key[1:]))
        self.cursors[key] = body
        return ok({"cursor": body}, effect=f"cursor of {'/'.join(key)}: {body.get('primary')}")

    # --- what is shipped -----------------------------------------------------------------------------

    def _ship(self, call: Call, what: str, items: list[Any]) -> Reply:
        kept = self.shipped.setdefault(call.path["identifier"], {}).setdefault(what, [])
        kept.extend(items)
        del kept[:-KEPT]
        return ok(effect=f"took {len(items)} {what} of {call.path['identifier']}")

    async def _examples(self, call: Call, who: Principal) -> Reply:
        self._found(call)
        examples = _listed(read_object(call), "examples")
        reply = self._ship(call, "examples", [{"kind": call.path["kind"], "example": e} for e in examples])
        reply.status = 201
        return reply

    async def _take_logs(self, call: Call, who: Principal) -> Reply:
        return self._ship(call, "logs", _listed(read_object(call), "logs"))

    async def _take_metrics(self, call: Call, who: Principal) -> Reply:
        now = self.port.world.clock.iso("port")
        metrics = _listed(read_object(call), "syncKindsMetrics")
        return self._ship(call, "metrics", [{**m, "createdAt": now, "updatedAt": now} for m in metrics])

    async def _take_metric(self, call: Call, who: Principal) -> Reply:
        metric = read_object(call).get("syncKindMetrics")
        if not isinstance(metric, dict):
            raise invalid("body must have required property 'syncKindMetrics'")
        now = self.port.world.clock.iso("port")
        metrics = self.shipped.setdefault(call.path["identifier"], {}).setdefault("metrics", [])
        same = [
            one
            for one in metrics
            if (one.get("eventId"), one.get("kindIdentifier")) == (call.path["event"], call.path["kind"])
        ]
        created = same[0]["createdAt"] if same else now
        metrics[:] = [one for one in metrics if one not in same]
        return self._ship(call, "metrics", [{**metric, "createdAt": created, "updatedAt": now}])

    async def _heartbeat(self, call: Call, who: Principal) -> Reply:
        read_object(call)
        return ok()

    async def _take_raw(self, call: Call, who: Principal) -> Reply:
        entries = _listed(read_object(call), "data")
        return self._ship(call, "raw", [{"kind": call.path["kind"], **entry} for entry in entries])

    async def _logs(self, call: Call, who: Principal) -> Reply:
        name = self._found(call)["installationId"]
        logs = self.shipped.get(name, {}).get("logs", [])
        if "level" in call.query:
            logs = [line for line in logs if line.get("level") == call.query["level"]]
        limit = number(call, "limit", 100, 1, 500)
        return ok({"data": logs[-limit:]})

    async def _metrics(self, call: Call, who: Principal) -> Reply:
        name = self._found(call)["installationId"]
        found = self.shipped.get(name, {}).get("metrics", [])
        if "resyncId" in call.query:
            found = [one for one in found if one.get("eventId") == call.query["resyncId"]]
        return ok({"count": len(found), "data": found})


def _listed(body: Json, key: str) -> list[Any]:
    items = body.get(key)
    if not isinstance(items, list):
        raise invalid(f"body must have required property '{key}'")
    return items
