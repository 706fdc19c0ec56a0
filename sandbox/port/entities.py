"""Writing and deleting entities: the rules behind every route and behind a person's click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sandbox.copies import copied
from sandbox.port import property_rules, search
from sandbox.port.auth import Principal
from sandbox.port.computed import present
from sandbox.port.names import check_entity_identifier
from sandbox.port.wire import PortError, invalid, not_found, taken
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.service import Port

Mode = Literal["create", "replace", "merge"]
"""upsert=false; upsert=true; upsert=true&merge=true."""


@dataclass(frozen=True)
class Written:
    """What a write came to. `entity` is as stored, without computed properties."""

    entity: Json
    created: bool


class Entities:
    """The catalogue. Every change is one step: checked whole, then stored, then told to listeners."""

    def __init__(self, port: Port) -> None:
        self.port, self.store = port, port.store
        self.refuse_unknown = True
        """Whether a property the blueprint doesn't know is refused. Not documented; the strict reading."""

    def get(self, blueprint: str, identifier: str) -> Json:
        """As stored. Raises PortError 404."""
        self.port.blueprints.get(blueprint)
        entity = self.store.entity(blueprint, identifier)
        if entity is None:
            raise not_found("Entity", identifier)
        return entity

    def show(self, entity: Json, calculated: bool = True) -> Json:
        """As the API answers it."""
        return present(self.store, entity, self.matches, calculated)

    def matches(self, entity: Json, query: Json) -> bool:
        return search.Matcher(self.store, None, self.matches).matches(entity, query)

    def write(
        self,
        blueprint: str,
        body: Json,
        who: Principal,
        mode: Mode = "create",
        *,
        create_missing: bool = False,
        validation_only: bool = False,
        run_id: str | None = None,
        must_exist: bool = False,
    ) -> Written:
        """Create, replace or merge one entity. Raises PortError: 404 (blueprint, related entity, or the
        entity itself with `must_exist`), 409 (mode "create" and it exists), 422 (the blueprint refuses)."""
        model = self.port.blueprints.get(blueprint)
        property_rules.check_entity_keys(body)
        identifier = self._identify(model, body)
        before = self.store.entity(blueprint, identifier)
        if before is None and must_exist:
            raise not_found("Entity", identifier)
        if before is not None and mode == "create":
            raise taken("Entity", identifier)
        if run_id is not None:
            self.port.check_run(run_id)
        entity = self._combined(model, identifier, body, before, mode, who)
        missing = self._check(model, entity, create_missing)
        if not validation_only:
            for target, name in missing:
                self.write(target, {"identifier": name}, who, run_id=run_id, create_missing=True)
            self._store(entity, before, who, run_id)
        return Written(entity, before is None)

    def _identify(self, model: Json, body: Json) -> str:
        given = body.get("identifier")
        if given is None:
            return self.port.world.ids.mixed(16)
        if isinstance(given, dict):
            found = self._find(model["identifier"], given)
            if len(found) != 1:
                raise PortError(404, "not_found", f"Search identifier matched {len(found)} entities, not one")
            return found[0]
        return check_entity_identifier(given)

    def _find(self, blueprint: str, query: Json) -> list[str]:
        search.check_query(query)
        return [
            name for name, one in self.store.entities.get(blueprint, {}).items() if self.matches(one, query)
        ]

    def _combined(
        self, model: Json, identifier: str, body: Json, before: Json | None, mode: Mode, who: Principal
    ) -> Json:
        now = self.port.world.clock.iso("port")
        base: Json = before if before is not None and mode == "merge" else {}
        properties = copied({**base.get("properties", {}), **body.get("properties", {})})
        if not base:
            properties = property_rules.with_defaults(model, properties)
        relations = {**base.get("relations", {}), **self._relations(model, body.get("relations", {}))}
        for name, relation in model["relations"].items():
            relations.setdefault(name, [] if relation["many"] else None)
        return {
            "identifier": identifier,
            "title": body.get("title", base.get("title")),
            "icon": body.get("icon", base.get("icon")),
            "team": self._teams(body["team"]) if "team" in body else base.get("team", []),
            "blueprint": model["identifier"],
            "properties": properties,
            "relations": relations,
            "createdAt": before["createdAt"] if before else now,
            "createdBy": before["createdBy"] if before else who.name,
            "updatedAt": now,
            "updatedBy": who.name,
        }

    def _teams(self, given: Any) -> list[str]:
        if isinstance(given, dict):
            return self._find("_team", given)
        if given is None:
            return []
        return [given] if isinstance(given, str) else list(given)

    def _relations(self, model: Json, given: Json) -> Json:
        """Relations as identifiers; search objects resolved. Raises PortError 422."""
        result: Json = {}
        for name, value in given.items():
            relation = model["relations"].get(name)
            if relation is None:
                raise invalid(f"#/relations must NOT have additional properties: '{name}'")
            if isinstance(value, dict):
                found = self._find(relation["target"], value)
                value = found if relation["many"] else (found[0] if found else None)
            if relation["many"]:
                value = [] if value is None else value
                if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                    raise invalid(f"#/relations/{name} must be array of strings")
            elif value is not None and not isinstance(value, str):
                raise invalid(f"#/relations/{name} must be string")
            result[name] = value
        return result

    def _check(self, model: Json, entity: Json, create_missing: bool) -> list[tuple[str, str]]:
        """Refuse what the blueprint refuses; the related entities that are to be created first."""
        property_rules.check_properties(model, entity["properties"], self.refuse_unknown)
        missing: list[tuple[str, str]] = []
        for name, relation in model["relations"].items():
            value = entity["relations"].get(name)
            if relation["required"] and not value:
                raise invalid(f"#/relations must have required property '{name}'")
            for identifier in value if isinstance(value, list) else [value]:
                if identifier is None or self.store.entity(relation["target"], identifier) is not None:
                    continue
                if not create_missing:
                    raise not_found("Entity", identifier)
                check_entity_identifier(identifier)
                if (relation["target"], identifier) not in missing:
                    missing.append((relation["target"], identifier))
        return missing

    def _store(self, entity: Json, before: Json | None, who: Principal, run_id: str | None) -> None:
        shown = self.show(before) if before else None
        self.store.put(entity, who.datasource)
        self.port.people.follow(entity)
        self._tell("UPDATE" if before else "CREATE", shown, self.show(entity), who, run_id)

    def rename(self, blueprint: str, old: str, new: str) -> None:
        """Give an entity another identifier; relations that point at it follow. Raises PortError 404, 409."""
        entity = self.get(blueprint, old)
        check_entity_identifier(new)
        if self.store.entity(blueprint, new) is not None:
            raise taken("Entity", new)
        datasource = self.store.datasources[(blueprint, old)]
        self.store.put({**entity, "identifier": new}, datasource)
        for source, name, many in self._pointing(blueprint, old):
            was = source["relations"][name]
            now = [new if one == old else one for one in was] if many else new
            self.store.put(
                {**source, "relations": {**source["relations"], name: now}}, self._source_of(source)
            )
        self.store.drop(blueprint, old)

    def delete(
        self,
        blueprint: str,
        identifiers: list[str],
        who: Principal,
        delete_dependents: bool = False,
        run_id: str | None = None,
    ) -> list[str]:
        """Delete those that exist, all or none. Raises PortError 422 when others are related to them and
        `delete_dependents` is off."""
        self.port.blueprints.get(blueprint)
        if run_id is not None:
            self.port.check_run(run_id)
        doomed = {(blueprint, name) for name in identifiers if self.store.entity(blueprint, name)}
        waiting = list(doomed)
        while waiting:
            key = waiting.pop()
            for source, _, _ in self._pointing(*key):
                dependent = (source["blueprint"], source["identifier"])
                if dependent in doomed:
                    continue
                if not delete_dependents:
                    raise PortError(
                        422,
                        "has_dependents",
                        f'Entity "{key[1]}" has dependents, e.g. "{dependent[1]}" of "{dependent[0]}"',
                    )
                doomed.add(dependent)
                waiting.append(dependent)
        for name, identifier in sorted(doomed):
            self._remove(name, identifier, who, run_id)
        return [name for name in dict.fromkeys(identifiers) if (blueprint, name) in doomed]

    def _remove(self, blueprint: str, identifier: str, who: Principal, run_id: str | None) -> None:
        entity = self.store.entities[blueprint][identifier]
        shown = self.show(entity)
        self.store.drop(blueprint, identifier)
        self.port.people.forget(entity)
        self._tell("DELETE", shown, None, who, run_id)

    def delete_all(self, blueprint: str, who: Principal, run_id: str | None = None) -> int:
        """Delete every entity of a blueprint; relations that pointed at them become empty."""
        self.port.blueprints.get(blueprint)
        names = list(self.store.entities.get(blueprint, {}))
        for name in names:
            for source, relation, many in self._pointing(blueprint, name):
                was = source["relations"][relation]
                left = [one for one in was if one != name] if many else None
                changed = {**source, "relations": {**source["relations"], relation: left}}
                self.store.put(changed, self._source_of(source))
            self._remove(blueprint, name, who, run_id)
        return len(names)

    def _source_of(self, entity: Json) -> str:
        return self.store.datasources[(entity["blueprint"], entity["identifier"])]

    def _pointing(self, blueprint: str, identifier: str) -> list[tuple[Json, str, bool]]:
        """(entity, relation, many) of everything related to an entity."""
        found: list[tuple[Json, str, bool]] = []
        for model in self.store.blueprints.values():
            for name, relation in model["relations"].items():
                if relation["target"] != blueprint:
                    continue
                for entity in self.store.entities.get(model["identifier"], {}).values():
                    value = entity["relations"].get(name)
                    if identifier == value or (isinstance(value, list) and identifier in value):
                        found.append((entity, name, relation["many"]))
        return found

    def _tell(
        self, action: str, before: Json | None, after: Json | None, who: Principal, run_id: str | None
    ) -> None:
        shown = after or before or {}
        change: Json = {
            "action": action,
            "before": before,
            "after": after,
            "blueprint": shown["blueprint"],
            "identifier": shown["identifier"],
            "by": who.by(),
            "at": self.port.world.clock.iso("port"),
            "origin": who.origin,
            "run_id": run_id,
        }
        diff = {"before": before, "after": after}
        self.port.audit("entity", action, shown["identifier"], who, diff, shown["blueprint"], run_id)
        self.port.entity_changed(change)
