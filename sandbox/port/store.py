"""The state of one Port organisation, and the past that lagging searches still show."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.copies import copied
from sandbox.world import Json

REMEMBER_SECONDS = 120.0
"""How long earlier versions are kept. A search can't lag by more."""


@dataclass
class _Past:
    """Versions of one entity, oldest first: (since, entity or None while it did not exist)."""

    versions: list[tuple[float, Json | None]] = field(default_factory=list)

    def add(self, entity: Json | None) -> None:
        now = time.time()
        if not self.versions:
            self.versions.append((0.0, None))
        self.versions.append((now, entity))
        horizon = now - REMEMBER_SECONDS
        while len(self.versions) > 1 and self.versions[1][0] <= horizon:
            self.versions.pop(0)

    def at(self, when: float) -> Json | None:
        for since, entity in reversed(self.versions):
            if since <= when:
                return entity
        return None


class Store:
    """Everything a Port organisation holds, as JSON objects in Port's own shape.

    `entities[blueprint][identifier]` is an entity as written: no mirror, calculation or aggregation
    properties (see `computed`). Values are never changed in place: a write puts a new object there, so
    whoever kept the old one (an event, a version) keeps the past.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Empty everything. The object stays the same: others hold on to it."""
        self.blueprints: dict[str, Json] = {}
        self.blueprint_permissions: dict[str, Json] = {}
        self.entities: dict[str, dict[str, Json]] = {}
        self.datasources: dict[tuple[str, str], str] = {}
        self.actions: dict[str, Json] = {}
        self.action_permissions: dict[str, Json] = {}
        self.scorecards: dict[str, dict[str, Json]] = {}
        self.pages: dict[str, Json] = {}
        self.integrations: dict[str, Json] = {}
        self.users: dict[str, Json] = {}
        self.teams: dict[str, Json] = {}
        self.secrets: dict[str, Json] = {}
        """name -> {"secretName", "secretValue", "description", "createdAt", "updatedAt"}"""
        self.audit: list[Json] = []
        self._past: dict[str, dict[str, _Past]] = {}

    def entity(self, blueprint: str, identifier: str) -> Json | None:
        return self.entities.get(blueprint, {}).get(identifier)

    def put(self, entity: Json, datasource: str) -> None:
        """Store a new version of an entity."""
        key = (entity["blueprint"], entity["identifier"])
        self.entities.setdefault(key[0], {})[key[1]] = entity
        self.datasources[key] = datasource
        self._past.setdefault(key[0], {}).setdefault(key[1], _Past()).add(entity)

    def drop(self, blueprint: str, identifier: str) -> None:
        self.entities[blueprint].pop(identifier)
        self.datasources.pop((blueprint, identifier), None)
        self._past.setdefault(blueprint, {}).setdefault(identifier, _Past()).add(None)

    def as_of(self, blueprint: str, when: float) -> Iterator[Json]:
        """The entities of a blueprint as they stood at `when` (epoch seconds), oldest first."""
        current, remembered = self.entities.get(blueprint, {}), self._past.get(blueprint, {})
        for identifier in list(current):
            past = remembered[identifier].at(when)
            if past is not None:
                yield past
        for identifier in [name for name in remembered if name not in current]:
            gone = remembered[identifier].at(when)
            if gone is not None:
                yield gone
            elif remembered[identifier].versions[-1][0] < time.time() - REMEMBER_SECONDS:
                del remembered[identifier]

    def snapshot(self) -> Json:
        """A copy of blueprints and entities for people to look at."""
        return {
            "blueprints": copied(list(self.blueprints.values())),
            "entities": {bp: copied(list(found.values())) for bp, found in self.entities.items()},
        }
