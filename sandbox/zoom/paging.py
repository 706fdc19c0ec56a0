"""Zoom's paging: `next_page_token`, good for 15 minutes, or the older `page_number`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sandbox.wire import Call
from sandbox.zoom import errors
from sandbox.zoom.state import Store

TOKEN_LIFETIME = 15 * 60.0  # seconds
DEFAULT_SIZE = 30


class Pager:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.clear()

    def clear(self) -> None:
        self._tokens: dict[str, tuple[str, int, float]] = {}  # token: what it pages, offset, expiry

    def page[T](
        self, call: Call, key: str, items: Sequence[T], show: Callable[[T], Any], largest: int = 300
    ) -> dict[str, Any]:
        """One page of `items` under `key`. Raises ZoomError 300 for a token that is unknown, old or of
        another request, and for a size that is no number; a size over `largest` is cut to it."""
        size = min(_number(call, "page_size", DEFAULT_SIZE), largest)
        token, scope = call.query.get("next_page_token", ""), call.request.url.path
        if token:
            found = self._tokens.get(token)
            if found is None or found[0] != scope or found[2] <= self.store.now():
                raise errors.bad_page_token()
            offset = found[1]
        else:
            offset = (_number(call, "page_number", 1) - 1) * size
        following = ""
        if offset + size < len(items):
            following = self.store.world.ids.mixed(35)
            self._tokens[following] = (scope, offset + size, self.store.now() + TOKEN_LIFETIME)
        return {
            "page_count": -(-len(items) // size),
            "page_size": size,
            "total_records": len(items),
            "next_page_token": following,
            key: [show(item) for item in items[offset : offset + size]],
        }


def _number(call: Call, name: str, default: int) -> int:
    given = call.query.get(name, "")
    if not given:
        return default
    if not given.isdigit() or int(given) < 1:
        raise errors.invalid([{"field": name, "message": "Must be a positive whole number."}])
    return int(given)
