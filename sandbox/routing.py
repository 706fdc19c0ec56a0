"""Finds the route of a path among hundreds. Starlette alone tries one after the other, which every call to
an emulator would pay for."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route, Router, WebSocketRoute
from starlette.types import Receive, Scope, Send

_DEPTH = 4
"""So many segments of a path are looked up: /port/v1/blueprints/{blueprint}, /slack/api/chat.postMessage"""

_ANY = ""
"""A segment that no route spells out."""


class Routes:
    """Routes as an ASGI application: their order and their answers to what fits none are Starlette's."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self.routes = list(routes)
        self._patterns = [_segments(route) for route in self.routes]
        self._spelled = [
            {pattern[place] for pattern in self._patterns if place < len(pattern)} for place in range(_DEPTH)
        ]
        self._routers: dict[tuple[str, ...], Router] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope.get("path", "").split("/")[1 : _DEPTH + 1]
        key = tuple(
            segment if segment in spelled else _ANY
            for segment, spelled in zip(asked, self._spelled, strict=False)
        )
        router = self._routers.get(key)
        if router is None:
            router = self._routers[key] = Router(self._candidates(key))
        await router(scope, receive, send)

    def _candidates(self, key: tuple[str, ...]) -> list[BaseRoute]:
        return [
            route
            for route, pattern in zip(self.routes, self._patterns, strict=True)
            if all(wanted in (_ANY, segment) for wanted, segment in zip(pattern, key, strict=False))
        ]


def _segments(route: BaseRoute) -> list[str]:
    """What the path of a route spells out, segment by segment, up to one that takes in slashes."""
    if not isinstance(route, Route | WebSocketRoute):
        return []
    found: list[str] = []
    for segment in route.path.split("/")[1:]:
        if ":path}" in segment:
            break
        found.append(_ANY if "{" in segment else segment)
    return found
