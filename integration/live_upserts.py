"""Ocean's mapping, outside of a resync: one raw object in, its entity in Port out.

One long-lived task does it all, in order. It has a context of its own: a task started from a handler
would inherit that handler's event, and Ocean refuses to nest some of them. And Ocean keeps its client for
Port in the context, so that a task for each event would build a client and its TLS context each time.
"""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass

from loguru import logger
from port_ocean.clients.port.types import UserAgentType
from port_ocean.context.event import EventType, event_context
from port_ocean.context.ocean import ocean

from integration.errors import Ambiguous
from integration.models.base import Json

PAGE, GROUP, COMPONENT = "statuspage", "component_group", "component"
INCIDENT, UPDATE = "incident", "incident_update"
"""Kinds as Port's own Statuspage integration calls them, so that its mappings serve here too."""


@dataclass
class _Job:
    kind: str
    raws: list[Json]
    done: asyncio.Future[list[str]]


class LiveUpserts:
    """Call it with a kind and raw objects; gives the identifiers of the entities that now stand in Port.

    Fewer than the raw objects: the mapping has no such kind, its selector leaves some out, or Port
    refused some (which Ocean logs). Raises Ambiguous when Ocean failed.
    """

    def __init__(self) -> None:
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, kind: str, raws: list[Json]) -> list[str]:
        if not raws:
            return []
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), context=contextvars.Context())
        job = _Job(kind, raws, asyncio.get_running_loop().create_future())
        self._jobs.put_nowait(job)
        return await job.done

    @staticmethod
    def agent() -> str:
        """The User-Agent of Ocean's resyncs. Only once Ocean has started."""
        name: str = ocean.port_client.auth.user_agent(UserAgentType.exporter)
        return name

    async def stop(self) -> None:
        """Give up what waits; the next read brings it again."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        while not self._jobs.empty():
            self._jobs.get_nowait().done.cancel()

    async def _work(self) -> None:
        _warm_client()
        while True:
            job = await self._jobs.get()
            try:
                identifiers = await _register(job.kind, job.raws)
            except asyncio.CancelledError:
                job.done.cancel()
                raise
            except Exception as problem:
                logger.opt(exception=problem).debug(f"live {job.kind}")
                if not job.done.done():
                    job.done.set_exception(_failure(job.kind, problem))
            else:
                if not job.done.done():
                    job.done.set_result(identifiers)


def _warm_client() -> None:
    """Touching it makes the client, here where every later task of ours inherits it."""
    _ = ocean.port_client.client.timeout


async def _register(kind: str, raws: list[Json]) -> list[str]:
    async with event_context(EventType.HTTP_REQUEST, trigger_type="machine"):
        found = await ocean.integration.register_raw(kind, raws, UserAgentType.exporter)
    return [str(entity.identifier) for entity in found]


def _failure(kind: str, problem: Exception) -> Ambiguous:
    causes = problem.exceptions if isinstance(problem, ExceptionGroup) else (problem,)
    said = "; ".join(f"{type(one).__name__}: {one}" for one in causes[:3])
    return Ambiguous("port", f"register {kind}", "Ocean failed", said[:300])
