"""Pages of lists. Most count from 1 and are sized by `per_page`, incidents by `limit`; subscribers from 0."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.statuspage import errors
from sandbox.wire import Call

MOST = 100  # the default and the maximum of every list since 2023


def page_of[T](call: Call, items: Sequence[T], size: str = "per_page", first: int = 1) -> list[T]:
    """The page asked for. Raises StatuspageError 400 for what is no number."""
    wanted = _whole(call, size, MOST)
    number = _whole(call, "page", first)
    length = min(max(wanted, 1), MOST)
    start = max(number - first, 0) * length
    return list(items[start : start + length])


def _whole(call: Call, name: str, default: int) -> int:
    given = call.query.get(name, "")
    if not given:
        return default
    try:
        return int(given)
    except ValueError as problem:
        raise errors.malformed(f"{name} is invalid") from problem
