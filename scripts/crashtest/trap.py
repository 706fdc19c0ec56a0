"""Kills the integration at one call, and decides what becomes of that call.

lost      before it leaves: the provider never processes it
late      the provider processes it after the process is gone and the next one is up
acted     after the provider acted, before the answer arrives
answered  right after the answer: whatever the integration sends next is never processed
ended     SIGTERM in place of SIGKILL while the call hangs, for longer than the process may drain
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Literal

from sandbox.stage import Json
from scripts.crashtest.calls import Call, ours, standing
from scripts.crashtest.site import Site

When = Literal["lost", "late", "acted", "answered", "ended"]
WHENS: tuple[When, ...] = ("lost", "acted", "answered", "late")

_LOOK_SECONDS = 0.05
_NEXT_SECONDS = 0.5  # after an answer the integration makes its next calls within this time, or none
_PATIENCE_SECONDS = 5.0  # before anybody asks whether the call will come at all
_MANY = 100_000


class Trap:
    """Set before the operation begins; `caught` waits for the call, `spring` kills."""

    def __init__(self, site: Site, call: Call, incident: str, since: int) -> None:
        self._site, self._call, self._incident, self._since = site, call, incident, since
        self._fault = 0
        self._released: set[int] = set()
        self.held = 0  # the caught call's number in the journal

    async def set(self, when: When) -> None:
        side = "after" if when in ("acted", "answered") else "before"
        self._fault = await self._hold(self._call.planned(self._incident), side)

    async def caught(self, over: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> bool:
        """Whether the call came and is held. All others of its kind are let go as they come.

        `over` says that the operation has ended without it. It may read Port, whose calls are held, too,
        so it is asked beside the letting go.
        """
        watching = asyncio.create_task(self._watch(over))
        try:
            async with asyncio.timeout(seconds):
                while not watching.done():
                    for one in await self._waiting():
                        if await self._is_it(one):
                            self.held = one["n"]
                            return True
                        await self.release(one["n"])
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            pass
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        await self._forget(self._fault)
        return False

    async def _watch(self, over: Callable[[], Awaitable[bool]]) -> None:
        await asyncio.sleep(_PATIENCE_SECONDS)
        while not await over():  # noqa: ASYNC110 nothing tells when a process will not do something
            await asyncio.sleep(1)

    async def spring(self, when: When) -> None:
        """Kill at the caught call."""
        if when != "answered":
            if when == "ended":
                await self._site.integration.stop(signal.SIGTERM)
            await self._site.kill()
            await self._forget(self._fault)
            if when == "acted":
                await self.release(self.held)
            return
        after = await self._site.mark()
        everything = await self._hold({}, "before")
        await self._forget(self._fault)
        await self.release(self.held)
        deadline = time.monotonic() + _NEXT_SECONDS
        while time.monotonic() < deadline:
            following = await self._site.journal(since=after, full="true")
            if any(ours(one) and not standing(one) for one in following):
                await asyncio.sleep(0.05)  # its neighbours, sent in the same breath
                break
            await asyncio.sleep(_LOOK_SECONDS)
        await self._site.kill()
        await self._forget(everything)  # what it holds stays held, for ever

    async def release(self, number: int) -> None:
        self._released.add(number)
        await self._site.ask("POST", f"/held/{number}/release")

    async def _waiting(self) -> list[Json]:
        held: list[Json] = await self._site.ask("GET", "/held")
        return [one for one in held if one["n"] > self._since and one["n"] not in self._released]

    async def _is_it(self, held: Json) -> bool:
        entries = await self._site.journal(
            since=self._since, full="true", service=self._call.service, operation=self._call.operation
        )
        return self._call.among(entries, self._incident) == int(held["n"])

    async def _hold(self, meant: Json, side: str) -> int:
        fault = {**meant, "hold": side, "times": _MANY}
        [planned] = await self._site.ask("POST", "/faults", fault)
        return int(planned["id"])

    async def _forget(self, fault: int) -> None:
        if fault:
            await self._site.ask("DELETE", f"/faults/{fault}")
