"""Ocean's kinds. War rooms, notes and communications are none of them: they are written by our own
client, so that no resync deletes them, and the same schedule re-derives them (`Sweeper.resync`).
"""

from __future__ import annotations

from typing import Any

from integration.errors import BadInput


async def unknown_kind(kind: str) -> list[dict[Any, Any]]:
    """Every kind that a mapping names and we do not know. Yielding nothing would delete its entities."""
    raise BadInput("kind", f"{kind!r} is no kind of this integration; remove it from the mapping")
