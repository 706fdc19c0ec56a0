"""Puts the parts together: the one place where they meet. Nothing happens at import."""

from __future__ import annotations

import asyncio
import contextvars
import secrets
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loguru import logger
from port_ocean.context.ocean import ocean
from port_ocean.core.handlers.actions.abstract_executor import AbstractExecutor
from port_ocean.core.models import IntegrationRun
from port_ocean.exceptions.execution_manager import ActionExecutionError
from port_ocean.utils.signal import signal_handler

from actions.audience_care import look_after_audiences
from actions.base import Kit
from actions.close_war_room import archive, due_for_archive, just_closed
from actions.documents import write_documents
from actions.furnish import furnish, just_opened
from actions.registry import ACTIONS, handlers
from integration import portjson
from integration.audience_catalog import AudienceCatalog
from integration.bridge import Bridge
from integration.bridge_watch import BridgeWatch
from integration.budget import Budget
from integration.by_hand import ChannelWords
from integration.catalog import Catalog
from integration.chain import Chain
from integration.cluster import Cluster
from integration.cluster_locks import SharedLocks
from integration.cluster_rooms import SharedMirror
from integration.command import read_command
from integration.doors import port as port_door
from integration.doors import slack as slack_door
from integration.doors import statuspage as statuspage_door
from integration.doors import zoom as zoom_door
from integration.doors.request import Refusal
from integration.draft_opinion import DraftOpinion
from integration.effects import effects
from integration.effects_public import public_effects
from integration.errors import BadInput, ServiceError
from integration.guard_words import GuardWords
from integration.live_upserts import LiveUpserts
from integration.locks import KeyedLocks
from integration.mirror import Mirror
from integration.missed import Missed
from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.page_catalog import PageCatalog
from integration.page_mirror import PageMirror
from integration.people import People
from integration.perform import Performer
from integration.resync import register_kinds
from integration.runner import Runner
from integration.second_opinion import SecondOpinion
from integration.services.mailer import Mailer
from integration.services.port import PortService
from integration.services.port_ai import PortAi
from integration.services.slack import SlackService
from integration.services.slack_socket import SlackSocket, Takers
from integration.services.statuspage import StatuspageService
from integration.services.zoom import ZoomService
from integration.services.zoom_files import ZoomFiles
from integration.settings import Settings, variable
from integration.slack_clicks import Clicks
from integration.sweeper import Sweeper, actions_of, automations_of
from integration.times import now

FLUSH_SECONDS = 5.0
READY_SECONDS = 10.0  # a door waits this long for the engine of a process that has just started


@dataclass
class Engine:
    """Everything that lives as long as the process."""

    settings: Settings
    port: PortService
    slack: SlackService
    zoom: ZoomService | None
    statuspage: StatuspageService | None
    pages: PageMirror | None
    upserts: LiveUpserts
    catalog: Catalog
    chain: Chain
    performer: Performer
    mirror: Mirror
    runner: Runner
    clicks: Clicks
    socket: SlackSocket | None
    sweeper: Sweeper
    cluster: Cluster | None
    bridge: Bridge
    opinion: SecondOpinion | None

    async def join(self) -> None:
        """Be known to the other processes before anything is begun, where there may be some."""
        if self.cluster is not None:
            await self.cluster.start()
        if isinstance(self.mirror, SharedMirror):
            await self.mirror.start()

    async def warm(self) -> None:
        """Fetch tokens before anybody waits for them. What fails here fails again, and plainer, when used."""
        warming = (self.slack.me(), self.port.warm(), *([self.zoom.warm()] if self.zoom else []))
        for answer in await asyncio.gather(*warming, return_exceptions=True):
            if isinstance(answer, Exception):
                logger.warning(f"start: {answer}")

    async def aclose(self) -> None:
        if self.pages is not None:
            await self.pages.stop()
        await self.bridge.aclose()
        if self.opinion is not None:
            await self.opinion.aclose()
        await self.upserts.stop()
        await self.chain.stop()
        if self.cluster is not None:
            await self.cluster.leave()
        closing = [self.slack.aclose(), self.port.aclose()]
        # Statuspage is left to the end of the process: a resync of Ocean's may still be reading from it.
        closing += [self.zoom.aclose()] if self.zoom is not None else []
        await asyncio.gather(*closing, return_exceptions=True)


def version() -> str:
    root = Path(__file__).resolve().parent.parent
    return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])


def build(
    settings: Settings, *, port_url: str, client_id: str, client_secret: str, main: bool = True
) -> Engine:
    """The engine from its settings. Opens connections only when they are needed.

    `main`: of several processes this is the one that resyncs and sweeps.
    """
    budget = Budget()
    timeout = settings.effect_timeout_seconds
    port = PortService(
        port_url,
        client_id,
        client_secret,
        budget=budget,
        timeout=timeout,
        user_agent=f"incident-comms/{version()}",
    )
    slack = SlackService(settings.slack_api_url, settings.slack_bot_token, budget=budget, timeout=timeout)
    zoom = None
    if settings.zoom_enabled:
        zoom = ZoomService(
            settings.zoom_api_url,
            settings.zoom_oauth_url,
            settings.zoom_account_id,
            settings.zoom_client_id,
            settings.zoom_client_secret,
            budget=budget,
            timeout=timeout,
        )
    statuspage = None
    if settings.statuspage_enabled:
        statuspage = StatuspageService(
            settings.statuspage_api_url,
            settings.statuspage_api_key,
            budget=budget,
            timeout=timeout,
            per_minute=settings.statuspage_requests_per_minute,
        )
    mail = None
    if settings.mail_enabled:
        mail = Mailer(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_user,
            settings.smtp_password,
            settings.smtp_tls,
            settings.mail_from,
            timeout=timeout,
            unsubscribe=settings.mail_unsubscribe,
        )
    catalog = Catalog(port, settings)
    upserts = LiveUpserts()
    pages = PageMirror(port, catalog, statuspage, settings, upserts) if statuspage else None
    people = People(slack)
    words = ChannelWords(port, catalog, slack, people)

    async def document(room: WarRoom) -> None:
        await write_documents(kit, await catalog.incident(room.incident), room)

    ai = None
    if settings.port_ai:
        ai = PortAi(port_url, client_id, client_secret, budget, timeout, f"incident-comms/{version()}")
    process = secrets.token_hex(4)
    cluster = None
    mirror, locks = Mirror(catalog, slack, people, settings, document), KeyedLocks()
    if settings.redis_url:
        cluster = Cluster(
            settings.redis_url,
            installation=settings.installation_key,
            process=process,
            main=main,
            expiry=timeout,
        )
        mirror = SharedMirror(catalog, slack, people, settings, document, cluster=cluster)
        locks = SharedLocks(cluster)
    chain = Chain(port, settings.installation_key)
    performer = Performer(
        catalog,
        {**effects(slack, zoom, settings.settle_seconds), **public_effects(mail, statuspage)},
        process=process,
        effect_timeout=timeout,
        settle=settings.settle_seconds,
        peers=cluster,
        on_outcome=chain.note,
    )
    kit = Kit(
        settings,
        catalog,
        chain,
        performer,
        mirror,
        people,
        slack,
        zoom,
        statuspage,
        pages,
        locks,
        PageCatalog(port, settings),
        GuardWords(port, settings),
        AudienceCatalog(port, catalog, settings),
        DraftOpinion(ai, settings.port_ai_communicator) if ai else None,
    )
    clicks = Clicks(catalog, port, people, mirror, slack.screen, settings, portjson.definitions())
    runner = Runner(port, handlers(kit), cluster, clicks.tell)

    socket = None
    if settings.slack_app_token:
        seen = slack_door.Seen()
        takers = Takers(
            event=lambda envelope: slack_door.take_event(mirror, envelope, seen),
            interaction=clicks.interaction,
            command=clicks.command,
            gap=mirror.read_all,
        )
        socket = SlackSocket(settings.slack_api_url, settings.slack_app_token, takers)

    cut_off = now()  # a process may have ended until then, in the middle of something
    mended: set[str] = set()

    async def tend(room: WarRoom) -> None:
        # The opening may have been cut off after its run had ended.
        if room.identifier not in mended and just_opened(room, cut_off) and room.incident not in kit.locks:
            async with kit.locks.holding(room.incident):
                # The search that found it lags: it may be closed by now.
                present = await catalog.room(room.identifier)
                if present is not None and present.state == "open":
                    await furnish(kit, present)
            mended.add(room.identifier)
        if room.state == "open" or just_closed(room):
            await words.look(room.incident)
        if just_closed(room):
            await document(room)
        if due_for_archive(room, settings.archive_after_quiet_minutes):
            async with kit.locks.holding(room.incident):
                for line in await archive(room, kit):
                    logger.info(line)

    bridge = Bridge(catalog, mirror, settings, ZoomFiles(settings.zoom_api_url, timeout))
    # With Zoom's webhooks nobody has to look.
    watch = BridgeWatch(zoom, bridge.write) if zoom and not settings.zoom_webhook_secret else None
    sweeper = Sweeper(
        port,
        catalog,
        runner,
        mirror,
        port_actions=actions_of(list(ACTIONS), portjson.definitions()),
        tend=tend,
        poll=pages.tend if pages else None,
        link=lambda first: chain.catch_up(first=first),
        missed=Missed(port, catalog, runner, settings, automations_of(portjson.definitions())).take_up,
        reconcile=performer.reconcile,
        interval=settings.sweep_interval_seconds,
        peers=cluster,
        promises=lambda: look_after_audiences(kit),
        calls=watch.look if watch else None,
    )

    def look_after(process: str) -> None:
        nonlocal cut_off
        cut_off = now()
        mended.clear()
        sweeper.soon()

    if cluster is not None:
        cluster.on_gone(look_after)
    opinion = None
    if ai is not None:

        async def tell(room: str, who: str) -> None:
            await catalog.patch_room(room, {"notetaker": who})

        opinion = SecondOpinion(ai, settings.port_ai_agent, tell)
        opinion.judged, mirror.consider = mirror.judged, opinion.consider

    return Engine(
        settings,
        port,
        slack,
        zoom,
        statuspage,
        pages,
        upserts,
        catalog,
        chain,
        performer,
        mirror,
        runner,
        clicks,
        socket,
        sweeper,
        cluster,
        bridge,
        opinion,
    )


class _Integration:
    """The engine of this process, from Ocean's start to its end."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._engine: Engine | None = None
        self._ready = asyncio.Event()
        self._sweeping: asyncio.Task[None] | None = None
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
        await self._engine.aclose()

    async def resync(self) -> None:
        engine = await self.engine()
        await engine.sweeper.resync()


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

    async def absorb(incidents: Sequence[Json]) -> None:
        found = (await integration.engine()).pages
        if found is not None:
            await found.absorb(incidents)

    port_door.add_routes(ocean.router, lambda: integration.settings().port_webhook_secret, runner)
    slack_door.add_routes(ocean.router, lambda: integration.settings().slack_signing_secret, mirror, clicks)
    zoom_door.add_routes(ocean.router, lambda: integration.settings().zoom_webhook_secret, bridge)
    statuspage_door.add_routes(ocean.router, lambda: integration.settings().statuspage_webhook_secret, pages)
    ocean.on_start()(integration.start)
    ocean.on_resync_start()(integration.resync)
    register_kinds(ocean, statuspage, integration.settings, absorb)
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
