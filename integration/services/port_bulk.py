"""What Port says to a bulk write, item by item."""

from __future__ import annotations

from collections.abc import Sequence

from integration.models.base import Json
from integration.models.port import ItemOutcome


def outcomes(entities: Sequence[Json], body: Json, merging: bool) -> list[ItemOutcome]:
    """Pair the answer's `entities` and `errors` with what was sent: by index, else by identifier.

    An entity that the answer does not mention counts as not written (status 0).
    """
    by_index: dict[int, ItemOutcome] = {}
    for item in _items(body, "entities"):
        created = bool(item.get("created"))
        outcome = ItemOutcome(identifier=str(item.get("identifier", "")), created=created, exists=not created)
        by_index[_index(item, entities)] = outcome
    for item in _items(body, "errors"):
        status = item.get("statusCode")
        status = int(status) if isinstance(status, int | float) else 422
        error = str(item.get("message") or item.get("error") or f"HTTP {status}")
        exists = not merging and (status == 409 or "already exists" in error)
        by_index[_index(item, entities)] = ItemOutcome(
            identifier=str(item.get("identifier", "")), exists=exists, error=error, status=status
        )
    return [
        by_index.get(
            index, ItemOutcome(identifier="", error="Port's answer does not mention it", status=0)
        ).model_copy(update={"identifier": identifier_of(entity)})
        for index, entity in enumerate(entities)
    ]


def _items(body: Json, key: str) -> list[Json]:
    items = body.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _index(item: Json, entities: Sequence[Json]) -> int:
    index = item.get("index")
    if isinstance(index, int | float):
        return int(index)
    same = [n for n, entity in enumerate(entities) if identifier_of(entity) == item.get("identifier")]
    return same[0] if same else -1


def identifier_of(entity: Json) -> str:
    return str(entity.get("identifier", ""))
