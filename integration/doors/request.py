"""What all doors do with a request before anything else: size, JSON, and how they answer."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

MAX_BODY_BYTES = 1024 * 1024


class Refusal(Exception):
    """A request that gets no further. `status` is HTTP's, `problem` a sentence for the sender."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem

    def response(self) -> JSONResponse:
        return JSONResponse({"ok": False, "error": self.problem}, status_code=self.status)


async def body_of(request: Request) -> bytes:
    """The raw body. Refuses what is too large before it is all read."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise Refusal(413, f"the body is over {MAX_BODY_BYTES} bytes")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise Refusal(413, f"the body is over {MAX_BODY_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def object_in(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Refuses everything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise Refusal(400, "the body is not a JSON object")
    return found
