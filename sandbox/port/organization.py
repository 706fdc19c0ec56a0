"""The organisation: access tokens, its own record, secrets, and the audit log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.port.auth import Principal
from sandbox.port.property_rules import parse_time
from sandbox.port.wire import invalid, many, not_found, number, ok, read_object, taken
from sandbox.wire import Call, Reply
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.service import Port

_SECRET_NAME = re.compile(r"^[A-Za-z0-9\-_]{1,100}$")
AUDIT_KEPT = 2000


class Organization:
    """A secret's value goes in and never comes out over HTTP."""

    def __init__(self, port: Port) -> None:
        self.port, self.store = port, port.store
        secret = "/organization/secrets/{name}"
        port.register("auth.access_token", "POST", "/auth/access_token", self._token, auth=False)
        port.register("organization.get", "GET", "/organization", self._get)
        port.register("organization.secrets.list", "GET", "/organization/secrets", self._secrets)
        port.register("organization.secrets.create", "POST", "/organization/secrets", self._add_secret)
        port.register("organization.secrets.get", "GET", secret, self._secret)
        port.register("organization.secrets.patch", "PATCH", secret, self._change_secret)
        port.register("organization.secrets.delete", "DELETE", secret, self._remove_secret)
        port.register("audit.list", "GET", "/audit-log", self._audit)

    async def _token(self, call: Call, who: Principal) -> Reply:
        body = read_object(call)
        for key in ("clientId", "clientSecret"):
            if not isinstance(body.get(key), str):
                raise invalid(f"body must have required property '{key}'")
        if set(body) - {"clientId", "clientSecret"}:
            raise invalid("body must NOT have additional properties")
        return ok(self.port.credentials.issue(body["clientId"], body["clientSecret"]))

    async def _get(self, call: Call, who: Principal) -> Reply:
        return ok(
            {
                "organization": {
                    "id": self.port.org,
                    "name": "Sandbox",
                    "featureFlags": list(self.port.feature_flags),
                    "isBlocked": False,
                }
            }
        )

    # --- secrets ---------------------------------------------------------------------------------

    def set_secret(self, name: str, value: str, description: str | None = None) -> Json:
        now = self.port.world.clock.iso("port")
        kept = self.store.secrets.get(name, {"secretName": name, "createdAt": now})
        secret: Json = {**kept, "secretValue": value, "updatedAt": now}
        if description is not None:
            secret["description"] = description
        self.store.secrets[name] = secret
        return secret

    @staticmethod
    def _shown(secret: Json) -> Json:
        return {key: value for key, value in secret.items() if key != "secretValue"}

    def _named(self, call: Call) -> Json:
        secret = self.store.secrets.get(call.path["name"])
        if secret is None:
            raise not_found("Secret", call.path["name"])
        return secret

    async def _secrets(self, call: Call, who: Principal) -> Reply:
        return ok({"secrets": [self._shown(secret) for secret in self.store.secrets.values()]})

    async def _secret(self, call: Call, who: Principal) -> Reply:
        return ok({"secret": self._shown(self._named(call))})

    async def _add_secret(self, call: Call, who: Principal) -> Reply:
        body = read_object(call)
        name, value = body.get("secretName"), body.get("secretValue")
        if not isinstance(name, str) or not _SECRET_NAME.match(name):
            raise invalid("body/secretName must match pattern ^[A-Za-z0-9-_]*$")
        if not isinstance(value, str):
            raise invalid("body must have required property 'secretValue'")
        if name in self.store.secrets:
            raise taken("Secret", name)
        secret = self.set_secret(name, value, body.get("description"))
        return ok({"secret": self._shown(secret)}, 201, f"created secret {name}")

    async def _change_secret(self, call: Call, who: Principal) -> Reply:
        secret, body = self._named(call), read_object(call)
        if set(body) - {"secretValue", "description"}:
            raise invalid("body must NOT have additional properties")
        value = str(body.get("secretValue", secret["secretValue"]))
        changed = self.set_secret(secret["secretName"], value, body.get("description"))
        return ok({"secret": self._shown(changed)}, effect=f"changed secret {secret['secretName']}")

    async def _remove_secret(self, call: Call, who: Principal) -> Reply:
        name = self._named(call)["secretName"]
        del self.store.secrets[name]
        return ok(effect=f"deleted secret {name}")

    # --- audit -----------------------------------------------------------------------------------

    async def _audit(self, call: Call, who: Principal) -> Reply:
        wanted, resources, origins = call.query, many(call, "resources"), many(call, "origin")
        start, end = parse_time(wanted.get("from")), parse_time(wanted.get("to"))
        found: list[Json] = []
        for entry in reversed(self.store.audit):
            context, at = entry["context"], parse_time(entry["trigger"]["at"])
            if (
                ("identifier" in wanted and entry["identifier"] != wanted["identifier"])
                or any(key in wanted and context.get(key) != wanted[key] for key in ("entity", "blueprint"))
                or ("run_id" in wanted and context.get("run") != wanted["run_id"])
                or ("action" in wanted and entry["action"] != wanted["action"])
                or ("status" in wanted and entry["status"] != wanted["status"])
                or (resources and entry["resourceType"] not in resources)
                or (origins and entry["trigger"]["origin"] not in origins)
                or (start and at and at < start)
                or (end and at and at > end)
            ):
                continue
            found.append(entry)
        limit = number(call, "limit", 100, 1, 1000)
        includes = many(call, "includes")
        shown = [{k: v for k, v in e.items() if not includes or k in includes} for e in found[:limit]]
        return ok({"audits": shown})
