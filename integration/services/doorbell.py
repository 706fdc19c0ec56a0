"""Rings at our own doors from outside: what a doctor asks of an address, signed as a vendor would sign it."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from integration.errors import Unreachable
from integration.models.base import Json
from integration.services.http import trust

SERVICE = "doors"


@dataclass(frozen=True)
class Ring:
    """`status` of the answer, and its JSON where it has some."""

    status: int
    body: Json


async def ring(url: str, headers: dict[str, str], body: bytes, seconds: float = 10.0) -> Ring:
    """POST it once. Raises Unreachable, without the address: a door's may hold a secret."""
    failure: str
    try:
        async with httpx.AsyncClient(verify=trust(), timeout=seconds) as client:
            answer = await client.post(url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        failure = type(error).__name__
    else:
        try:
            found = answer.json()
        except ValueError:
            found = {}
        said = found if isinstance(found, dict) else {}
        return Ring(answer.status_code, said)
    raise Unreachable(SERVICE, "POST", failure)
