"""Entities over HTTP: single, bulk, delete, search, and the listings exporters use."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any

from sandbox.port import search
from sandbox.port.auth import Principal
from sandbox.port.entities import Mode, Written
from sandbox.port.property_rules import parse_time, refusal_of
from sandbox.port.wire import PortError, flag, invalid, many, ok, read_object
from sandbox.wire import Call, Reply
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.service import Port

BULK_ENTITIES = 20
BULK_DELETES = 100


class EntityRoutes:
    """What a route adds to the rules: parameters, status codes, lag of the search index."""

    def __init__(self, port: Port) -> None:
        self.port, self.store, self.entities = port, port.store, port.entities
        blueprint = "/blueprints/{blueprint}"
        many_path = blueprint + "/entities"
        one = many_path + "/{identifier:path}"
        port.register("entities.search", "POST", "/entities/search", self._search)
        port.register(
            "entities.datasource", "POST", "/blueprints/entities/datasource-entities", self._datasource
        )
        port.register("blueprint.entities.search", "POST", many_path + "/search", self._search_blueprint)
        port.register("entities.bulk", "POST", many_path + "/bulk", self._bulk)
        port.register("entities.create", "POST", many_path, self._create)
        port.register("entities.list", "GET", many_path, self._list)
        port.register("entities.count", "GET", blueprint + "/entities-count", self._count)
        port.register("entities.delete_all", "DELETE", blueprint + "/all-entities", self._delete_all)
        port.register("entities.bulk_delete", "POST", blueprint + "/bulk/entities/delete", self._bulk_delete)
        port.register("entities.get", "GET", one, self._get)
        port.register("entities.put", "PUT", one, self._put)
        port.register("entities.patch", "PATCH", one, self._patch)
        port.register("entities.delete", "DELETE", one, self._delete)

    # --- writing ---------------------------------------------------------------------------------

    def _write(
        self,
        call: Call,
        who: Principal,
        body: Json,
        mode: Mode,
        blueprint: str = "",
        must_exist: bool = False,
    ) -> Written:
        return self.entities.write(
            blueprint or call.path["blueprint"],
            body,
            who,
            mode,
            create_missing=flag(call, "create_missing_related_entities"),
            validation_only=flag(call, "validation_only"),
            run_id=call.query.get("run_id"),
            must_exist=must_exist,
        )

    @staticmethod
    def _mode(call: Call) -> Mode:
        upsert, merge = flag(call, "upsert"), flag(call, "merge")
        if not upsert:
            return "create"
        return "merge" if merge else "replace"

    async def _create(self, call: Call, who: Principal) -> Reply:
        written = self._write(call, who, read_object(call), self._mode(call))
        return self._written(call, written, 201)

    async def _put(self, call: Call, who: Principal) -> Reply:
        body = {**read_object(call), "identifier": call.path["identifier"]}
        return self._written(call, self._write(call, who, body, "replace", must_exist=True), 200)

    async def _patch(self, call: Call, who: Principal) -> Reply:
        body, identifier = read_object(call), call.path["identifier"]
        allowed = {"identifier", "title", "icon", "team", "properties", "relations"}
        if extra := set(body) - allowed:
            raise invalid(f"body must NOT have additional properties: {sorted(extra)[0]}")
        renamed = body.get("identifier", identifier)
        self.entities.get(call.path["blueprint"], identifier)
        written = self._write(call, who, {**body, "identifier": identifier}, "merge", must_exist=True)
        if renamed != identifier:
            self.entities.rename(call.path["blueprint"], identifier, renamed)
            written = Written(self.entities.get(call.path["blueprint"], renamed), False)
        return self._written(call, written, 200)

    def _written(self, call: Call, written: Written, status: int) -> Reply:
        entity = written.entity
        label = f"{entity['blueprint']}/{entity['identifier']}"
        effect = None
        if not flag(call, "validation_only"):
            effect = f"{'created' if written.created else 'changed'} entity {label}"
        return ok({"entity": self.entities.show(entity)}, status, effect)

    async def _bulk(self, call: Call, who: Principal) -> Reply:
        body, blueprint, mode = read_object(call), call.path["blueprint"], self._mode(call)
        given = body.get("entities")
        if not isinstance(given, list) or set(body) != {"entities"}:
            raise invalid("body must have required property 'entities' and no other")
        if not 1 <= len(given) <= BULK_ENTITIES:
            raise invalid(f"body/entities must have between 1 and {BULK_ENTITIES} items")
        self.port.blueprints.get(blueprint)
        entities: list[Json] = []
        errors: list[Json] = []
        for index, one in enumerate(given):
            try:
                if not isinstance(one, dict):
                    raise invalid(f"body/entities/{index} must be object")
                written = self._write(call, who, one, mode)
            except PortError as refusal:
                errors.append(refusal_of(refusal, index, _name_of(one)))
                continue
            name = written.entity["identifier"]
            entities.append({"index": index, "identifier": name, "created": written.created})
        changed = entities and not flag(call, "validation_only")
        effect = f"wrote {len(entities)} of {len(given)} entities of {blueprint}" if changed else None
        status = 207 if errors else 200
        return Reply({"ok": not errors, "entities": entities, "errors": errors}, status, effect=effect)

    async def _delete(self, call: Call, who: Principal) -> Reply:
        blueprint, identifier = call.path["blueprint"], call.path["identifier"]
        self.entities.get(blueprint, identifier)
        self.entities.delete(
            blueprint, [identifier], who, flag(call, "delete_dependents"), call.query.get("run_id")
        )
        return ok(effect=f"deleted entity {blueprint}/{identifier}")

    async def _bulk_delete(self, call: Call, who: Principal) -> Reply:
        names = read_object(call).get("entities")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise invalid("body/entities must be array of strings")
        if not 1 <= len(names) <= BULK_DELETES:
            raise invalid(f"body/entities must have between 1 and {BULK_DELETES} items")
        dependents, run_id = flag(call, "delete_dependents"), call.query.get("run_id")
        deleted = self.entities.delete(call.path["blueprint"], names, who, dependents, run_id)
        effect = f"deleted {len(deleted)} entities of {call.path['blueprint']}" if deleted else None
        return ok({"deletedEntities": deleted}, effect=effect)

    async def _delete_all(self, call: Call, who: Principal) -> Reply:
        blueprint = call.path["blueprint"]
        count = self.entities.delete_all(blueprint, who, call.query.get("run_id"))
        if flag(call, "delete_blueprint"):
            self.port.blueprints.remove(blueprint, who, delete_actions=True)
        return ok(effect=f"deleted all {count} entities of {blueprint}")

    # --- reading ---------------------------------------------------------------------------------

    async def _get(self, call: Call, who: Principal) -> Reply:
        entity = self.entities.get(call.path["blueprint"], call.path["identifier"])
        return ok({"entity": self._shown(call, entity)})

    async def _list(self, call: Call, who: Principal) -> Reply:
        self.port.blueprints.get(call.path["blueprint"])
        found = self.store.entities.get(call.path["blueprint"], {}).values()
        return ok({"entities": [self._shown(call, entity) for entity in found]})

    async def _count(self, call: Call, who: Principal) -> Reply:
        self.port.blueprints.get(call.path["blueprint"])
        return ok({"count": len(self.store.entities.get(call.path["blueprint"], {}))})

    def _shown(self, call: Call, entity: Json) -> Json:
        shown = self.entities.show(entity, not flag(call, "exclude_calculated_properties"))
        return search.narrowed(shown, many(call, "include"), many(call, "exclude"))

    def _seen_at(self) -> float:
        """Searches show the past: hostility.search_lag_seconds ago."""
        return time.time() - self.port.world.hostility.search_lag_seconds

    def _matcher(self, who: Principal) -> search.Matcher:
        user = self.store.entity("_user", who.email) if who.email else None
        return search.Matcher(self.store, user, self.entities.matches)

    async def _search(self, call: Call, who: Principal) -> Reply:
        query = read_object(call)
        search.check_query(query, "body", relations=False)
        matcher, when = self._matcher(who), self._seen_at()
        found = [
            entity
            for blueprint in list(self.store.blueprints)
            for entity in self.store.as_of(blueprint, when)
            if matcher.matches(entity, query)
        ]
        blueprints = list(dict.fromkeys(entity["blueprint"] for entity in found))
        entities = [self._shown(call, entity) for entity in found]
        return ok({"matchingBlueprints": blueprints, "entities": entities})

    async def _search_blueprint(self, call: Call, who: Principal) -> Reply:
        blueprint, body = call.path["blueprint"], read_object(call)
        self.port.blueprints.get(blueprint)
        if extra := set(body) - {"query", "include", "exclude", "limit", "from"}:
            raise invalid(f"body must NOT have additional properties: {sorted(extra)[0]}")
        query = body.get("query", {"combinator": "and", "rules": []})
        search.check_query(query, "body/query")
        limit = _limit(body, 200, 1000)
        matcher = self._matcher(who)
        found = [e for e in self.store.as_of(blueprint, self._seen_at()) if matcher.matches(e, query)]
        page, following = _page(found, body.get("from"), limit)
        include, exclude = _names(body, "include"), _names(body, "exclude")
        if include:
            include = ["identifier", *include]
        shown = [search.narrowed(self.entities.show(e), include, exclude) for e in page]
        return ok({"entities": shown, **following})

    async def _datasource(self, call: Call, who: Principal) -> Reply:
        """Entities whose datasource starts and ends so; `before` (a time) keeps those last written earlier.

        Used by exporters to find what a resync no longer yields. Not in the public contract, and no lag.
        """
        body = read_object(call)
        prefix, suffix = body.get("datasource_prefix", ""), body.get("datasource_suffix", "")
        before = parse_time(body.get("before"))
        found: list[Json] = []
        for (blueprint, name), source in self.store.datasources.items():
            entity = self.store.entity(blueprint, name)
            if entity is None or not (source.startswith(prefix) and source.endswith(suffix)):
                continue
            written = parse_time(entity["updatedAt"])
            if before is None or written is None or written < before:
                found.append({"blueprint": blueprint, "identifier": name})
        page, following = _page(found, body.get("from"), _limit(body, 1000, 5000))
        return ok({"entities": page, **following})


def _name_of(body: Any) -> str:
    """The identifier in a bulk answer's error; an entity searched for has none that is known."""
    identifier = body.get("identifier") if isinstance(body, dict) else None
    return identifier if isinstance(identifier, str) else "unknown"


def _limit(body: Json, default: int, highest: int) -> int:
    limit = body.get("limit", default)
    if not isinstance(limit, int | float) or isinstance(limit, bool) or not 1 <= limit <= highest:
        raise invalid(f"body/limit must be between 1 and {highest}")
    return int(limit)


def _names(body: Json, key: str) -> list[str]:
    names = body.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise invalid(f"body/{key} must be array of strings")
    return names


def _page(found: list[Json], cursor: Any, limit: int) -> tuple[list[Json], Json]:
    """One page and, if more follow, its `next`: a cursor that names the last entity shown.

    Naming it, rather than counting, keeps a walk whole while others write: nothing is skipped.
    """
    start = 0
    if cursor is not None:
        after = _cursor(cursor)
        keys = [f"{entity['blueprint']}\n{entity['identifier']}" for entity in found]
        position, _, key = after.partition("\n")
        start = keys.index(key) + 1 if key in keys else min(int(position), len(found))
    page = found[start : start + limit]
    if start + limit >= len(found):
        return page, {}
    last = page[-1]
    raw = f"{start + limit}\n{last['blueprint']}\n{last['identifier']}"
    return page, {"next": base64.urlsafe_b64encode(raw.encode()).decode()}


def _cursor(cursor: Any) -> str:
    try:
        text = base64.urlsafe_b64decode(str(cursor).encode()).decode()
        int(text.partition("\n")[0])
    except ValueError:
        raise search.refuse_cursor() from None
    return text
