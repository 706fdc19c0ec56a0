"""What Ocean is given: the doors, the actions and the beginning and end of the engine behind them."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence

from loguru import logger
from port_ocean.context.ocean import ocean
from port_ocean.core.handlers.actions.abstract_executor import AbstractExecutor
from port_ocean.core.models import IntegrationRun
from port_ocean.exceptions.execution_manager import ActionExecutionError
from port_ocean.utils.signal import signal_handler

from actions.registry import ACTIONS
from integration.command import read_command
from integration.doors import port as port_door
from integration.doors import slack as slack_door
from integration.doors import statuspage as statuspage_door
from integration.doors import zoom as zoom_door
from integration.doors.request import Refusal
from integration.engine import Engine, build
from integration.errors import BadInput, ServiceError
from integration.mirror import Mirror
from integration.models.base import Json
from integration.page_mirror import PageMirror
from integration.resync import register_kinds
from integration.runner import Runner
from integration.services.statuspage import StatuspageService
from integration.settings import Settings, variable
from integration.slack_clicks import Clicks

FLUSH_SECONDS = 5.0
READY_SECONDS = 10.0  # a door waits this long for the engine of a process that has just started


class _Integration:
    """The engine of this process, from Ocean's start to its end."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._engine: Engine | None = None
        self._ready = asyncio.Event()
        self._sweeping: asyncio.Task[None] | None = None
        self._absorbing: asyncio.Task[None] | None = None
        self._stopped = False

    def settings(self) -> Settings:
        """Typed settings; raises BadInput naming the variable, which ends the start with that sentence."""
        if self._settings is None:
            self._settings = Settings.from_config(
                ocean.integration_config,
                client_id=ocean.config.port.client_id,
                client_secret=ocean.config.port.client_secret,
                identifier=ocean.config.integration.identifier,
            )
        return self._settings

    async def start(self) -> None:
        config = ocean.config
        self._engine = build(
            self.settings(),
            port_url=str(config.port.base_url),
            client_id=config.port.client_id,
            client_secret=config.port.client_secret,
            main=config.event_listener.should_resync,
        )
        signal_handler.register(self.stop, priority=200)
        await self._engine.join()
        self._ready.set()
        if self._engine.socket is not None:
            await self._engine.socket.start()
        await self._engine.warm()
        if self._stopped:  # ended while it began, as when its port is taken
            return
        role = config.event_listener
        if not role.should_resync:
            if self._engine.cluster is not None:
                return  # the process that resyncs does it for all
            logger.warning(
                f"{role.type} is for one of several processes, and {variable('redis_url')} is not set"
            )
        # Ocean's start event must not be inherited by what lives longer than it.
        self._sweeping = asyncio.create_task(self._engine.sweeper.run(), context=contextvars.Context())

    async def engine(self) -> Engine:
        """The engine; refuses with 503 when it is not there in time."""
        try:
            await asyncio.wait_for(self._ready.wait(), READY_SECONDS)
        except TimeoutError:
            raise Refusal(503, "starting; try again") from None
        if self._engine is None:
            raise Refusal(503, "starting; try again")
        return self._engine

    async def stop(self) -> None:
        """On SIGTERM: take nothing new, finish within the drain budget, leave the rest to who comes next."""
        self._stopped = True
        if self._engine is None:
            return
        if self._sweeping is not None:
            self._sweeping.cancel()
        if self._engine.socket is not None:
            await self._engine.socket.stop()
        await self._engine.runner.drain(ocean.config.max_wait_seconds_before_shutdown)
        await self._engine.mirror.stop()
        try:
            # What was just sent is told to Port as sent, or the next process would wonder.
            await asyncio.wait_for(self._engine.performer.flush(), FLUSH_SECONDS)
        except (TimeoutError, ServiceError) as problem:
            logger.warning(f"stop: outcomes are not all written, the next process finds them: {problem}")
        if self._absorbing is not None:
            self._absorbing.cancel()
            await asyncio.wait([self._absorbing])
        await self._engine.aclose()

    async def resync(self) -> None:
        engine = await self.engine()
        if not self._stopped:
            await engine.sweeper.resync()

    async def absorb(self, incidents: Sequence[Json]) -> None:
        """What a resync has read of the pages' incidents, for ours. Ocean lets a resync go on while it stops:
        that is cut off before our connections are closed; the next process reads it anew."""
        pages = (await self.engine()).pages
        if pages is None or self._stopped:
            return
        self._absorbing = asyncio.create_task(pages.absorb(incidents))
        await asyncio.wait([self._absorbing])
        if not self._absorbing.cancelled():
            self._absorbing.result()


def register() -> None:
    """Hang everything on Ocean. Called once by main.py, inside Ocean's process."""
    integration = _Integration()
    integration.settings()

    async def runner() -> Runner:
        return (await integration.engine()).runner

    async def mirror() -> Mirror:
        return (await integration.engine()).mirror

    async def clicks() -> Clicks:
        return (await integration.engine()).clicks

    async def bridge() -> zoom_door.Take:
        return (await integration.engine()).bridge.take

    async def statuspage() -> StatuspageService | None:
        return (await integration.engine()).statuspage

    async def pages() -> PageMirror | None:
        return (await integration.engine()).pages

    port_door.add_routes(ocean.router, lambda: integration.settings().port_webhook_secret, runner)
    slack_door.add_routes(ocean.router, lambda: integration.settings().slack_signing_secret, mirror, clicks)
    zoom_door.add_routes(ocean.router, lambda: integration.settings().zoom_webhook_secret, bridge)
    statuspage_door.add_routes(ocean.router, lambda: integration.settings().statuspage_webhook_secret, pages)
    ocean.on_start()(integration.start)
    ocean.on_resync_start()(integration.resync)
    register_kinds(ocean, statuspage, integration.settings, integration.absorb)
    if ocean.config.actions_processor.enabled:
        for name in ACTIONS:
            ocean.register_action_executor(_executor(name, integration))


def _executor(name: str, integration: _Integration) -> AbstractExecutor:
    """Ocean's door for one action: the same handler as behind the webhook."""

    class Executor(AbstractExecutor):
        ACTION_NAME = name
        WEBHOOK_PROCESSOR_CLASS = None
        WEBHOOK_PATH = ""

        async def is_close_to_rate_limit(self, run: IntegrationRun) -> bool:
            return False  # our own budget makes calls wait; a run is never held back whole

        async def get_remaining_seconds_until_rate_limit(self, run: IntegrationRun) -> float:
            return 0.0

        async def execute(self, run: IntegrationRun) -> None:
            body = {**run.execution_properties, "run": run.id}
            try:
                command = read_command(name, body, "integration_action")
            except BadInput as problem:
                raise ActionExecutionError(str(problem), status_label="Bad input") from problem
            engine = await integration.engine()
            task = engine.runner.take(command)
            if task is not None:
                await task

    return Executor()
