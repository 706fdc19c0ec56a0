"""The engine in one process with the whole sandbox, over HTTP: killed at any call, and started again.

A killed engine is as good as SIGKILLed: from that call on nothing of it reaches anybody, and all its tasks
end. What it kept in memory is gone with it; the next life is built from the settings alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI

from integration import engine, portjson
from integration.doors import port as port_door
from integration.doors import slack as slack_door
from integration.doors.request import Refusal
from integration.engine import Engine, build
from integration.errors import ServiceError
from integration.mirror import Mirror
from integration.provision import provision
from integration.runner import Runner
from integration.settings import PREFIX, Settings
from integration.slack_clicks import Clicks
from sandbox.app import Sandbox, environment
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET, SLACK_SIGNING_SECRET
from sandbox.mail import smtp
from sandbox.port.service import ADMIN
from sandbox.slack.state import BOT_USER
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.world import Hostility, Json, World
from tests.deaths import Death, Gate, Owners, gated_mail
from tests.sandbox.serve import serve, until
from tests.services.conftest import GenerousBudget

COMMANDER = "commander@example.com"

QUICK = {
    # Long enough for what stands in the same event loop, even where that is busy.
    "effect_timeout_seconds": 0.3,
    "settle_seconds": 0.05,
    "bridge_grace_seconds": 0.3,
    "max_rooms_per_hour": 1000,
}
STATE: tuple[str, ...] = ("incident", "incidentWarRoom", "incidentNote", "incidentCommunication")
STATE = (*STATE, "incidentCommunicationAttempt", "incidentRecordLink", "commsAudience")


async def _no_clicks() -> Clicks:
    raise Refusal(503, "nobody clicks here")


async def _by_ocean(kind: str, raws: list[Json]) -> list[str]:
    """Stands in for Ocean's mapping, which has no part in what is done outside."""
    return []


class Lives:
    """One sandbox, and one engine at a time."""

    def __init__(self, sandbox: Sandbox, owners: Owners) -> None:
        self.sandbox = sandbox
        self.url = ""
        self.engine: Engine | None = None
        self.more: Json = {}  # settings of the lives to come
        self._owners = owners
        self._smtp = 0
        self._born = 0
        router = APIRouter()
        port_door.add_routes(router, lambda: PORT_CLIENT_SECRET, self._runner)
        slack_door.add_routes(router, lambda: SLACK_SIGNING_SECRET, self._mirror, _no_clicks)
        doors = FastAPI()
        doors.include_router(router, prefix="/integration")
        self.gate = Gate(sandbox.app, doors, owners)

    async def _runner(self) -> Runner:
        if self.engine is None or not self.alive:
            raise Refusal(503, "nobody is there")
        return self.engine.runner

    async def _mirror(self) -> Mirror:
        if self.engine is None or not self.alive:
            raise Refusal(503, "nobody is there")
        return self.engine.mirror

    @property
    def alive(self) -> bool:
        return self.engine is not None and self.gate.life == self._born

    def settings(self, base: str) -> Settings:
        env = environment(base, "127.0.0.1", self._smtp)
        config = {
            name.removeprefix(PREFIX).lower(): value for name, value in env.items() if name.startswith(PREFIX)
        }
        return Settings.from_config({**config, **QUICK, **self.more}, client_id=PORT_CLIENT_ID)

    def start(self) -> Engine:
        """A new life. Nothing is known to it but its settings."""
        self._born += 1
        self.gate.life, self.gate.death = self._born, None
        self.gate.died.clear()
        base = f"{self.url}/p{self._born}"
        self.engine = build(
            self.settings(base),
            port_url=f"{base}/port",
            client_id=PORT_CLIENT_ID,
            client_secret=PORT_CLIENT_SECRET,
        )
        if self.engine.pages is not None:
            self.engine.pages._upsert = _by_ocean
        return self.engine

    async def kill(self) -> None:
        """The end, at once."""
        self.gate.end()
        while tasks := self._owners.tasks(self._born):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1)
        if self.engine is not None:
            # The kernel closes a dead process's connections.
            engine, self.engine = self.engine, None
            services = (engine.port, engine.slack, engine.zoom, engine.statuspage)
            closing = [one.aclose() for one in services if one is not None]
            await asyncio.gather(*closing, return_exceptions=True)

    @property
    def present(self) -> Engine:
        """The engine of this life."""
        assert self.engine is not None, "nobody is alive"
        return self.engine

    async def live(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Do something as this life; whether it was still alive at the end."""
        task = asyncio.get_running_loop().create_task(work)
        self._owners.own(self._born, task)
        return await self.outlives(task)

    async def outlives(self, task: asyncio.Task[Any]) -> bool:
        """Wait for it, or for the end of this life, which is then made complete."""
        dying = asyncio.ensure_future(self.gate.died.wait())
        await asyncio.wait({task, dying}, return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        if self.gate.died.is_set():
            await self.kill()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return False
        task.result()
        return True

    # What people do in Port

    def press(self, action: str, entity: str, by: str, **inputs: Any) -> str:
        """Press a button, and have somebody approve it where that is asked for; the run."""
        engine = self.sandbox.engine
        run = str(engine.press(action, entity, inputs, by)["id"])
        if engine.runs.get(run).status == "WAITING_FOR_APPROVAL":
            engine.approve(run, ADMIN, True)
        return run

    async def seen_through(self) -> bool:
        """Every run ends, or this life does; whether it has not."""
        if not self.alive:
            return False
        alive = await self.runs_end([run.id for run in self.sandbox.engine.runs if not run.final])
        self.gate.death = None
        return alive

    def audience(self, name: str, **more: Any) -> None:
        """An audience, and the channel of its name that our bot is in. `more` are properties."""
        channel = self.sandbox.slack.create_channel(name, COMMANDER)["id"]
        self.sandbox.slack.invite(channel, BOT_USER)
        entity = {"identifier": name, "properties": {"slackChannels": [channel], "emails": [], **more}}
        self.sandbox.port.create_entity("commsAudience", entity, ADMIN)

    def run(self, run: str) -> Json:
        return self.sandbox.engine.runs.get(run).public()

    def record(self) -> dict[str, Json]:
        """Properties of every communication, by identifier."""
        found = self.sandbox.port.store.entities["incidentCommunication"]
        return {key: entity["properties"] for key, entity in found.items()}

    async def swept(self, death: Death | None = None) -> None:
        """The next life begins, and takes up what was left."""
        await self.kill()
        engine = self.start()
        self.gate.death = death
        try:
            await self.live(engine.sweeper.sweep(first=True))
        except ServiceError:
            await self.idle()  # the sweeper's own loop tries again
        await self.seen_through()

    async def idle(self) -> None:
        """Nothing is in hand."""
        while self.engine is not None and self.alive and self.engine.runner._running:
            await asyncio.sleep(0.01)

    async def runs_end(self, runs: Iterable[str], seconds: float = 20.0) -> bool:
        """Wait until they are final; whether this life has seen it."""
        wanted = list(runs)

        async def final() -> None:
            await until(
                lambda: all(self.sandbox.engine.runs.get(run).final for run in wanted), seconds, "every run"
            )

        return await self.outlives(asyncio.ensure_future(final()))

    async def again(self) -> None:
        """Back to an organisation that is provisioned and in which nothing has ever happened."""
        await self.kill()
        world = self.sandbox.world
        world.faults.clear()
        world.journal.clear()
        world.clock.shift.clear()
        world.hostility = Hostility.none()
        self.more = {}
        store = self.sandbox.port.store
        for blueprint in STATE:
            store.entities.get(blueprint, {}).clear()
            store._past.get(blueprint, {}).clear()
        self.sandbox.engine.clear()
        channels = self.sandbox.slack.store.channels
        for channel in [one for one in channels.values() if not one.is_general]:
            del channels[channel.id]
        self.sandbox.zoom.store.meetings.clear()
        self.sandbox.statuspage.store.incidents.clear()
        for component in self.sandbox.statuspage.store.components.values():
            component.status, component.history = "operational", component.history[:1]
        self.sandbox.mail.clear()


def loop_with(owners: Owners) -> Callable[[], asyncio.AbstractEventLoop]:
    def make() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_task_factory(owners)
        return loop

    return make


@contextlib.asynccontextmanager
async def lives(owners: Owners) -> AsyncIterator[Lives]:
    """Everything up and provisioned, nobody alive. The loop's task factory must be `owners`."""
    sandbox = Sandbox(World(), kind=True)
    sandbox.slack.limits.enabled = False
    sandbox.statuspage.limits.per_window = 0
    found = Lives(sandbox, owners)
    found._smtp = await sandbox.mail.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smtp, "attempt", gated_mail(found.gate, smtp.attempt))
        async with _served(found):
            yield found
    await sandbox.close()


@contextlib.asynccontextmanager
async def _served(found: Lives) -> AsyncIterator[None]:
    async with serve(found.gate) as url:
        found.sandbox.at(url)
        found.url = url
        engine = found.start()
        await provision(engine.port, engine.settings, portjson.Webhook(url))
        await found.kill()
        yield
        await found.kill()


@contextlib.asynccontextmanager
async def lives_here() -> AsyncIterator[Lives]:
    """`lives` in the loop that runs, with a status page in Port; no rate budget holds a call back."""
    owners = Owners()
    asyncio.get_running_loop().set_task_factory(owners)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "Budget", GenerousBudget)
        async with lives(owners) as found:
            found.sandbox.port.create_entity("statuspage", {"identifier": DEFAULT_PAGE}, ADMIN)
            yield found
