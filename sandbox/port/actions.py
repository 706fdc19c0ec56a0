"""Actions and automations over HTTP: definitions and permissions. Runs belong to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.copies import copied
from sandbox.port import action_rules
from sandbox.port.auth import Principal
from sandbox.port.wire import flag, invalid, not_found, ok, read_object, taken
from sandbox.wire import Call, Reply
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.service import Port

_EXECUTE = {"users", "roles", "teams", "ownedByTeam", "policy"}
_APPROVE = {"users", "roles", "teams", "policy"}


class Actions:
    """`publish` left out means off for an automation, as in Port: it is created and never fires."""

    def __init__(self, port: Port) -> None:
        self.port, self.store = port, port.store
        one = "/actions/{identifier}"
        port.register("actions.list", "GET", "/actions", self._list)
        port.register("actions.create", "POST", "/actions", self._create)
        port.register("actions.get", "GET", one, self._get)
        port.register("actions.put", "PUT", one, self._put)
        port.register("actions.delete", "DELETE", one, self._delete)
        port.register("actions.permissions.get", "GET", one + "/permissions", self._permissions)
        port.register("actions.permissions.patch", "PATCH", one + "/permissions", self._grant)

    def get(self, identifier: str) -> Json:
        """Raises PortError 404."""
        action = self.store.actions.get(identifier)
        if action is None:
            raise not_found("Action", identifier)
        return action

    def add(self, body: Json, who: Principal) -> Json:
        """Create an action. Raises PortError 409 or 422."""
        action_rules.check(self.store, body, self.port.allow_integration_actions)
        if body["identifier"] in self.store.actions:
            raise taken("Action", body["identifier"])
        return self._keep(body, None, who)

    def replace(self, identifier: str, body: Json, who: Principal) -> Json:
        """PUT. Raises PortError 404 or 422."""
        present = self.get(identifier)
        action_rules.check(self.store, body, self.port.allow_integration_actions)
        if body["identifier"] != identifier and body["identifier"] in self.store.actions:
            raise taken("Action", body["identifier"])
        action = self._keep(body, present, who)
        if body["identifier"] != identifier:
            del self.store.actions[identifier]
        return action

    def _keep(self, body: Json, before: Json | None, who: Principal) -> Json:
        now = self.port.world.clock.iso("port")
        action: Json = copied(body)
        action.setdefault("publish", False)
        action.setdefault("requiredApproval", False)
        action.setdefault("allowAnyoneToViewRuns", True)
        action["id"] = before["id"] if before else f"action_{self.port.world.ids.mixed(16)}"
        action |= {"createdAt": before["createdAt"] if before else now, "updatedAt": now}
        action |= {"createdBy": before["createdBy"] if before else who.name, "updatedBy": who.name}
        self.store.actions[action["identifier"]] = action
        self._tell("UPDATE" if before else "CREATE", before, action, who)
        return action

    def remove(self, identifier: str, who: Principal) -> None:
        """Raises PortError 404."""
        before = self.get(identifier)
        del self.store.actions[identifier]
        self.store.action_permissions.pop(identifier, None)
        self._tell("DELETE", before, None, who)

    def _tell(self, action: str, before: Json | None, after: Json | None, who: Principal) -> None:
        identifier = (after or before or {})["identifier"]
        self.port.audit("action", action, identifier, who, {"before": before, "after": after})
        self.port.action_changed(
            {
                "action": action,
                "before": before,
                "after": after,
                "identifier": identifier,
                "by": who.by(),
                "at": self.port.world.clock.iso("port"),
                "origin": who.origin,
            }
        )

    # --- HTTP ------------------------------------------------------------------------------------

    async def _list(self, call: Call, who: Principal) -> Reply:
        wanted = call.query
        published = flag(call, "published") if "published" in wanted else None
        found = []
        for action in self.store.actions.values():
            trigger = action["trigger"]
            event = trigger.get("event") or {}
            blueprint = trigger.get("blueprintIdentifier") or event.get("blueprintIdentifier")
            checks = {
                "action_identifier": action["identifier"],
                "blueprint_identifier": blueprint,
                "operation": trigger.get("operation"),
                "trigger_type": trigger["type"],
                "trigger_event": event.get("type"),
                "trigger_event_action_identifier": event.get("actionIdentifier"),
            }
            if all(wanted.get(key, value) == value for key, value in checks.items()) and (
                published is None or action["publish"] == published
            ):
                found.append(action)
        return ok({"actions": found})

    async def _get(self, call: Call, who: Principal) -> Reply:
        return ok({"action": self.get(call.path["identifier"])})

    async def _create(self, call: Call, who: Principal) -> Reply:
        action = self.add(read_object(call), who)
        return ok({"action": action}, 201, f"created action {action['identifier']}")

    async def _put(self, call: Call, who: Principal) -> Reply:
        action = self.replace(call.path["identifier"], read_object(call), who)
        return ok({"action": action}, effect=f"changed action {action['identifier']}")

    async def _delete(self, call: Call, who: Principal) -> Reply:
        self.remove(call.path["identifier"], who)
        return ok(effect=f"deleted action {call.path['identifier']}")

    async def _permissions(self, call: Call, who: Principal) -> Reply:
        return ok({"permissions": self._granted(self.get(call.path["identifier"])["identifier"])})

    async def _grant(self, call: Call, who: Principal) -> Reply:
        identifier = self.get(call.path["identifier"])["identifier"]
        body, granted = read_object(call), self._granted(call.path["identifier"])
        if extra := set(body) - {"execute", "approve"}:
            raise invalid(f"body must NOT have additional properties: {sorted(extra)[0]}")
        for part, allowed in (("execute", _EXECUTE), ("approve", _APPROVE)):
            grant = body.get(part, {})
            if not isinstance(grant, dict):
                raise invalid(f"body/{part} must be object")
            if extra := set(grant) - allowed:
                raise invalid(f"body/{part} must NOT have additional properties: {sorted(extra)[0]}")
            granted[part] = {**granted[part], **grant}
        self.store.action_permissions[identifier] = granted
        return ok({"permissions": granted}, effect=f"changed permissions of action {identifier}")

    def _granted(self, identifier: str) -> Json:
        kept = self.store.action_permissions.get(identifier)
        if kept is not None:
            return copied(kept)
        return {
            "execute": {"roles": ["Admin", "Member"], "users": [], "teams": [], "ownedByTeam": False},
            "approve": {"roles": ["Admin"], "users": [], "teams": []},
        }
