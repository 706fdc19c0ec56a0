"""The engine: all parts put together, in the one place where they meet. Nothing happens at import."""

from __future__ import annotations

import asyncio
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from actions.audience_care import look_after_audiences
from actions.base import Kit
from actions.documents import write_documents
from actions.registry import ACTIONS, handlers
from actions.room_care import RoomCare
from actions.waiting_runs import WaitingRuns
from integration import portjson
from integration.audience_catalog import AudienceCatalog
from integration.bridge import Bridge
from integration.bridge_watch import BridgeWatch
from integration.budget import Budget
from integration.by_hand import ChannelWords
from integration.catalog import Catalog
from integration.chain import Chain
from integration.clients import mail_client, slack_client, statuspage_client, zoom_client
from integration.cluster import Cluster
from integration.cluster_locks import SharedLocks
from integration.cluster_rooms import SharedMirror
from integration.doors import slack as slack_door
from integration.draft_opinion import DraftOpinion
from integration.effects import effects
from integration.effects_public import public_effects
from integration.guard_words import GuardWords
from integration.live_upserts import LiveUpserts
from integration.locks import KeyedLocks
from integration.mirror import Mirror
from integration.missed import Missed
from integration.models.incident import WarRoom
from integration.page_catalog import PageCatalog
from integration.page_mirror import PageMirror
from integration.people import People
from integration.perform import Performer
from integration.run_catalog import RunCatalog
from integration.runner import Runner
from integration.second_opinion import SecondOpinion
from integration.services.port import PortService
from integration.services.port_ai import PortAi
from integration.services.slack import SlackService
from integration.services.slack_socket import SlackSocket, Takers
from integration.services.statuspage import StatuspageService
from integration.services.zoom import ZoomService
from integration.services.zoom_files import ZoomFiles
from integration.settings import Settings
from integration.slack_clicks import Clicks
from integration.sweeper import Sweeper, actions_of, automations_of


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
    slack, zoom = slack_client(settings, budget), zoom_client(settings, budget)
    statuspage, mail = statuspage_client(settings, budget), mail_client(settings)
    catalog = Catalog(port, settings)
    upserts = LiveUpserts()
    pages = PageMirror(port, catalog, statuspage, settings, upserts, upserts.agent) if statuspage else None
    people = People(slack)

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
        RunCatalog(port, settings),
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

    care = RoomCare(kit, ChannelWords(port, catalog, slack, people))
    bridge = Bridge(catalog, mirror, settings, ZoomFiles(settings.zoom_api_url, timeout))
    # With Zoom's webhooks nobody has to look.
    watch = BridgeWatch(zoom, bridge.write) if zoom and not settings.zoom_webhook_secret else None
    sweeper = Sweeper(
        port,
        catalog,
        runner,
        mirror,
        port_actions=actions_of(list(ACTIONS), portjson.definitions()),
        tend=care.tend,
        poll=pages.tend if pages else None,
        link=lambda first: chain.catch_up(first=first),
        missed=Missed(port, catalog, runner, settings, automations_of(portjson.definitions())).take_up,
        reconcile=performer.reconcile,
        interval=settings.sweep_interval_seconds,
        peers=cluster,
        promises=lambda: look_after_audiences(kit),
        calls=watch.look if watch else None,
        waiting=WaitingRuns(kit).tend if statuspage else None,
    )

    def look_after(process: str) -> None:
        care.process_ended()
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
