"""Several looks into the sandbox in one request: who judges a story asks for much and often."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import Route, Router
from starlette.types import Message

from sandbox.control_input import Bad, Json, read, route

MOST = 100


class Several:
    """Answers what `looks`, the routes of the control API, answer to GET."""

    def __init__(self, looks: Sequence[Route]) -> None:
        self._looks = Router(looks)

    def routes(self) -> list[Route]:
        return [route("POST", "/several", self._answers)]

    async def _answers(self, request: Request) -> list[Json]:
        """[path with its query, ...] -> [{status, text}, ...], in their order; `text` is what GET gives.

        Between two of them nothing of the world goes on, so far as they don't wait themselves.
        """
        asked = await read(request)
        if not isinstance(asked, list) or not all(isinstance(one, str) for one in asked):
            raise Bad("", "a list of paths is needed")
        if len(asked) > MOST:
            raise Bad("", f"at most {MOST} paths")
        return [await self._get(request, one) for one in asked]

    async def _get(self, request: Request, asked: str) -> Json:
        path, _, query = asked.partition("?")
        scope = {
            **request.scope,
            "method": "GET",
            "path": f"/_sandbox{path}",
            "raw_path": f"/_sandbox{path}".encode(),
            "query_string": query.encode(),
        }
        status, content = 500, b""

        async def nothing_more() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def sent(message: Message) -> None:
            nonlocal status, content
            status = message.get("status", status)
            content += message.get("body", b"")

        await self._looks(scope, nothing_more, sent)
        return {"status": status, "text": content.decode()}
