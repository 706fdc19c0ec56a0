"""What provisioning wrote last, kept in Port: so that what people changed since can be told from what we did.

One entity of `commsProvision` for each thing. Losing one loses nothing but that: what stands then counts as
somebody's, and equal words are taken for ours again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from integration.errors import Refused
from integration.models.base import Json
from integration.provision.merge import MISSING
from integration.services.port import PortService

BLUEPRINT = "commsProvision"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9@_.+:\\/=-]")


@dataclass(frozen=True)
class Written:
    """`content`: ours, as we last wanted it. `created`: the thing itself is of our making. `added`: what we
    added to a blueprint of somebody else's, such as "properties.warRoomState"."""

    kind: str
    name: str
    content: Json
    created: bool
    added: tuple[str, ...] = ()


@dataclass
class Memory:
    """What is remembered, by kind and name."""

    written: dict[tuple[str, str], Written] = field(default_factory=dict)

    def content(self, kind: str, name: str) -> Any:
        """What we wrote last; MISSING where nobody knows."""
        found = self.written.get((kind, name))
        return MISSING if found is None else found.content

    def created(self, kind: str, name: str) -> bool:
        found = self.written.get((kind, name))
        return found is not None and found.created

    def added(self, kind: str, name: str) -> tuple[str, ...]:
        found = self.written.get((kind, name))
        return () if found is None else found.added

    def has(self, one: Written | None) -> bool:
        """Whether it is remembered just so."""
        return one is not None and self.written.get((one.kind, one.name)) == one


async def recall(port: PortService) -> Memory:
    """All of it; nothing where the organisation has never been provisioned."""
    try:
        entities = await port.search(BLUEPRINT, [])
    except Refused as refusal:
        if refusal.code == "404":
            return Memory()
        raise
    memory = Memory()
    for entity in entities:
        said: Json = entity.get("properties") or {}
        kind, name, content = said.get("kind"), said.get("name"), said.get("written")
        if isinstance(kind, str) and isinstance(name, str) and isinstance(content, dict):
            added = tuple(str(one) for one in said.get("added") or [])
            memory.written[kind, name] = Written(kind, name, content, bool(said.get("created")), added)
    return memory


async def remember(port: PortService, news: Iterable[Written]) -> None:
    """Write it down. Raises Refused."""
    entities = [
        {
            "identifier": identifier(one.kind, one.name),
            "title": f"{one.kind} {one.name}",
            "properties": {
                "kind": one.kind,
                "name": one.name,
                "written": one.content,
                "created": one.created,
                "added": list(one.added),
            },
        }
        for one in news
    ]
    for outcome in await port.merge_entities(BLUEPRINT, entities) if entities else []:
        if outcome.error:
            raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)


def identifier(kind: str, name: str) -> str:
    return _NOT_IN_NAMES.sub("-", f"{kind}:{name}")
