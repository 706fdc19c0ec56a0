"""Blueprints over HTTP: create, change, read, delete, permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.copies import copied
from sandbox.port import blueprint_rules, system
from sandbox.port.auth import Principal
from sandbox.port.wire import PortError, flag, invalid, not_found, ok, read_object, taken
from sandbox.wire import Call, Reply
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.service import Port

_GRANTS = ("read", "register", "unregister", "update", "updateProperties", "updateRelations")


class Blueprints:
    """The data model. A blueprint that others point at, or that still holds entities, is not deleted."""

    def __init__(self, port: Port) -> None:
        self.port, self.store = port, port.store
        one = "/blueprints/{identifier}"
        port.register("blueprints.list", "GET", "/blueprints", self._list)
        port.register("blueprints.create", "POST", "/blueprints", self._create)
        port.register("blueprints.get", "GET", one, self._get)
        port.register("blueprints.put", "PUT", one, self._put)
        port.register("blueprints.patch", "PATCH", one, self._patch)
        port.register("blueprints.delete", "DELETE", one, self._delete)
        port.register("blueprints.permissions.get", "GET", one + "/permissions", self._permissions)
        port.register("blueprints.permissions.patch", "PATCH", one + "/permissions", self._grant)

    def get(self, identifier: str) -> Json:
        """Raises PortError 404."""
        blueprint = self.store.blueprints.get(identifier)
        if blueprint is None:
            raise not_found("Blueprint", identifier)
        return blueprint

    def add(self, body: Json, who: Principal) -> Json:
        """Create a blueprint. Raises PortError 409 or 422."""
        blueprint = blueprint_rules.complete(body)
        identifier = blueprint.get("identifier")
        if isinstance(identifier, str) and identifier in self.store.blueprints:
            raise taken("Blueprint", identifier)
        if isinstance(identifier, str) and identifier.startswith("_") and identifier not in system.NAMES:
            raise invalid(f"identifier {identifier!r}: a leading underscore is kept for system blueprints")
        blueprint_rules.check(self.store, blueprint, None)
        now = self.port.world.clock.iso("port")
        blueprint |= {"createdAt": now, "updatedAt": now, "createdBy": who.name, "updatedBy": who.name}
        self._keep(blueprint)
        return blueprint

    def replace(self, identifier: str, body: Json, who: Principal) -> Json:
        """PUT: what is not named is gone. Raises PortError 404 or 422."""
        return self._change(identifier, {"identifier": identifier, **body}, who)

    def patch(self, identifier: str, body: Json, who: Principal) -> Json:
        """PATCH: additive. Raises PortError 404 or 422."""
        present = self.get(identifier)
        return self._change(identifier, blueprint_rules.merged(present, body), who)

    def _change(self, identifier: str, body: Json, who: Principal) -> Json:
        present = self.get(identifier)
        blueprint = blueprint_rules.complete(body)
        if blueprint.get("identifier") != identifier:
            raise invalid("identifier of a blueprint can't be changed")
        if identifier in system.NAMES:
            self._keeps_system_properties(identifier, blueprint)
        blueprint_rules.check(self.store, blueprint, present)
        blueprint |= {"createdAt": present["createdAt"], "createdBy": present["createdBy"]}
        blueprint |= {"updatedAt": self.port.world.clock.iso("port"), "updatedBy": who.name}
        self._keep(blueprint)
        return blueprint

    def _keep(self, blueprint: Json) -> None:
        self.store.blueprints[blueprint["identifier"]] = blueprint
        self.store.entities.setdefault(blueprint["identifier"], {})

    @staticmethod
    def _keeps_system_properties(identifier: str, blueprint: Json) -> None:
        original = next(b for b in system.BLUEPRINTS if b["identifier"] == identifier)
        properties = blueprint.get("schema", {}).get("properties", {})
        for name in original["schema"]["properties"]:
            if name not in properties:
                raise invalid(
                    f"schema/properties/{name} belongs to the system blueprint and can't be removed"
                )

    def remove(self, identifier: str, who: Principal, delete_actions: bool = False) -> None:
        """Delete an empty blueprint that nothing points at. Raises PortError 404 or 422."""
        self.get(identifier)
        if identifier in system.NAMES:
            raise PortError(422, "forbidden", f'System blueprint "{identifier}" can\'t be deleted')
        if self.store.entities.get(identifier):
            raise PortError(422, "has_dependents", f'Blueprint "{identifier}" still has entities')
        for other in self.store.blueprints.values():
            if other["identifier"] != identifier and any(
                relation["target"] == identifier for relation in other["relations"].values()
            ):
                raise PortError(
                    422,
                    "has_dependents",
                    f'Blueprint "{identifier}" is the target of a relation of "{other["identifier"]}"',
                )
        self._remove_actions(identifier, who, delete_actions)
        del self.store.blueprints[identifier]
        self.store.entities.pop(identifier, None)
        self.store.scorecards.pop(identifier, None)
        self.store.blueprint_permissions.pop(identifier, None)

    def _remove_actions(self, identifier: str, who: Principal, allowed: bool) -> None:
        attached = [
            name
            for name, action in self.store.actions.items()
            if action["trigger"].get("blueprintIdentifier") == identifier
        ]
        if attached and not allowed:
            raise PortError(
                422, "has_dependents", f'Blueprint "{identifier}" has self-service actions: {attached[0]}'
            )
        for name in attached:
            self.port.actions.remove(name, who)

    # --- HTTP ------------------------------------------------------------------------------------

    async def _list(self, call: Call, who: Principal) -> Reply:
        return ok({"blueprints": list(self.store.blueprints.values())})

    async def _get(self, call: Call, who: Principal) -> Reply:
        return ok({"blueprint": self.get(call.path["identifier"])})

    async def _create(self, call: Call, who: Principal) -> Reply:
        body = read_object(call)
        flag(call, "create_catalog_page", True)
        blueprint = self.add(body, who)
        self.port.audit("blueprint", "CREATE", blueprint["identifier"], who, {"after": blueprint})
        return ok({"blueprint": blueprint}, 201, f"created blueprint {blueprint['identifier']}")

    async def _put(self, call: Call, who: Principal) -> Reply:
        return self._changed(call, who, self.replace(call.path["identifier"], read_object(call), who))

    async def _patch(self, call: Call, who: Principal) -> Reply:
        return self._changed(call, who, self.patch(call.path["identifier"], read_object(call), who))

    def _changed(self, call: Call, who: Principal, blueprint: Json) -> Reply:
        self.port.audit("blueprint", "UPDATE", blueprint["identifier"], who, {"after": blueprint})
        return ok({"blueprint": blueprint}, effect=f"changed blueprint {blueprint['identifier']}")

    async def _delete(self, call: Call, who: Principal) -> Reply:
        identifier = call.path["identifier"]
        self.remove(identifier, who, flag(call, "delete_actions"))
        self.port.audit("blueprint", "DELETE", identifier, who, {})
        return ok(effect=f"deleted blueprint {identifier}")

    async def _permissions(self, call: Call, who: Principal) -> Reply:
        blueprint = self.get(call.path["identifier"])
        return ok({"permissions": self._granted(blueprint)})

    async def _grant(self, call: Call, who: Principal) -> Reply:
        blueprint = self.get(call.path["identifier"])
        body = read_object(call)
        entities = body.get("entities")
        if set(body) - {"entities"} or not isinstance(entities, dict):
            raise invalid("must have required property 'entities'")
        if extra := set(entities) - set(_GRANTS):
            raise invalid(f"entities must NOT have additional properties: {sorted(extra)[0]}")
        granted = self._granted(blueprint)
        for name, grant in entities.items():
            if not isinstance(grant, dict):
                raise invalid(f"entities/{name} must be object")
            granted["entities"][name] = {**granted["entities"].get(name, {}), **grant}
        self.store.blueprint_permissions[blueprint["identifier"]] = granted
        return ok({"permissions": granted}, effect=f"changed permissions of {blueprint['identifier']}")

    def _granted(self, blueprint: Json) -> Json:
        kept = self.store.blueprint_permissions.get(blueprint["identifier"])
        if kept is not None:
            return copied(kept)
        everyone: dict[str, Any] = {
            "roles": ["Admin", "Member"],
            "users": [],
            "teams": [],
            "ownedByTeam": False,
        }
        admins = {**everyone, "roles": ["Admin"]}
        return {
            "entities": {
                "read": dict(everyone),
                "register": dict(admins),
                "unregister": dict(admins),
                "update": dict(admins),
                "updateProperties": {name: dict(admins) for name in blueprint["schema"]["properties"]},
                "updateRelations": {name: dict(admins) for name in blueprint["relations"]},
            }
        }
