"""The rooms, mirrored by several processes: all hear what is said, one writes.

Slack sends an event to whichever process it reaches. That one hands it to all by Redis, and the one that
holds the lease derives and writes the notes, so that none is written from half of what was said. What is
lost on the way (a process with events in hand, a subscription, Redis itself) is read: whoever becomes the
writer reads every room, and so does the writer when it learns that something was lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError

from integration.catalog import Catalog
from integration.cluster import ANSWER_SECONDS, Cluster
from integration.cluster_locks import Lease
from integration.errors import IncidentCommsError, ServiceError, Unreachable
from integration.mirror import Mirror
from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.people import People
from integration.services.slack import SlackService
from integration.settings import Settings

REMEMBERED_SECONDS = 600  # Slack redelivers after 0, 1 and 5 minutes
MOST_WAITING = 10_000  # events that wait to be handed over; what is beyond is read
SETTLE_PATIENCE = 5.0  # how long a closing message waits for the writer to count
READ_PATIENCE = 60.0  # how long an archiving waits for the writer to read the room
RETRY_SECONDS = 1.0

_PUBLISH_ONCE = """
if ARGV[3] ~= '' and not redis.call('SET', KEYS[1], 1, 'NX', 'EX', ARGV[3]) then return 0 end
if ARGV[2] ~= '' then redis.call('PUBLISH', ARGV[1], ARGV[2]) end
return 1
"""


class SharedMirror(Mirror):
    """A Mirror among those of other processes. Only the one that `writes` reads rooms and writes notes.

    Where Redis is down it stays as it was; at a start without it the POLLING process writes.
    """

    def __init__(
        self,
        catalog: Catalog,
        slack: SlackService,
        people: People,
        settings: Settings,
        document: Callable[[WarRoom], Awaitable[None]] | None = None,
        *,
        cluster: Cluster,
    ) -> None:
        super().__init__(catalog, slack, people, settings, document)
        self._cluster = cluster
        self._lease = Lease(cluster, "writer")
        self._channel = cluster.key("rooms")
        self._outbox: asyncio.Queue[tuple[str, Json | None]] = asyncio.Queue(MOST_WAITING)
        self._lost_some = False  # something could not be handed over
        self._subscribed = asyncio.Event()
        self._heard = float("-inf")
        self._asked: dict[str, asyncio.Future[Json]] = {}
        self._loops: list[asyncio.Task[None]] = []
        self.writes = cluster.main

    async def start(self) -> None:
        """Listen, and find out who writes. The cluster has been started before."""
        for loop in (self._listen(), self._hand_over()):
            self._loops.append(asyncio.create_task(loop, context=contextvars.Context()))
        try:
            await asyncio.wait_for(self._subscribed.wait(), 2 * ANSWER_SECONDS)
        except TimeoutError:
            logger.warning("redis: not subscribed yet; what others are told meanwhile is read later")
        if self._cluster.up:
            self.writes = False
            await self._decide()
        if not self.writes:
            self._background.begin(self._learn_rooms(read=False))
        self._cluster.on_beat(self._decide)
        self._cluster.on_gone(lambda process: self._read_if_writer())

    async def stop(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._outbox.join(), ANSWER_SECONDS)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await super().stop()
        if self.writes:
            await self._lease.release()

    # Who writes

    async def _decide(self) -> None:
        """After each heartbeat: keep, take or give away the lease. The POLLING process is preferred."""
        if not self._cluster.up:
            return
        yields = not self._cluster.main and self._cluster.others(main=True)
        if self.writes:
            if yields:
                await self._demote()
                await self._lease.release()
            elif await self._lease.renew() is False and await self._lease.acquire() is False:
                await self._demote()
        elif not yields and await self._lease.acquire():
            await self._promote()
        if self._lost_some:
            self._lost_some = False
            self.read_all()
        self._send({"kind": "tick"})

    async def _promote(self) -> None:
        logger.info("mirror: this process writes the notes from now on")
        self.writes = True
        await self.begin_anew()
        self._background.begin(self._learn_rooms(read=True))

    async def _demote(self) -> None:
        logger.info("mirror: another process writes the notes from now on")
        self.writes = False
        await self.begin_anew()

    async def _learn_rooms(self, *, read: bool) -> None:
        while True:
            try:
                rooms = await self._catalog.rooms_in_use()
                break
            except ServiceError as problem:
                logger.warning(f"mirror: which rooms there are can't be read: {problem}")
                await asyncio.sleep(5 * RETRY_SECONDS)
        for room in rooms:
            super().watch(room, read=read, found=True)
        if read:
            super().read_all()

    def _read_if_writer(self) -> None:
        if self.writes:
            self._background.begin(self._learn_rooms(read=True))

    def _read_soon(self, known: Any) -> None:
        if self.writes:
            super()._read_soon(known)
        else:
            known.dirty = True

    # What each process hears of, handed to all

    def watch(self, room: WarRoom, *, read: bool = False, found: bool = False) -> None:
        super().watch(room, read=read, found=found)
        if not found:
            self._send({"kind": "watch", "room": room.model_dump(mode="json"), "read": read})

    def forget(self, room: WarRoom) -> None:
        super().forget(room)
        self._send({"kind": "forget", "room": room.model_dump(mode="json")})

    def observe(self, event: Json, identifier: str = "") -> None:
        if self.writes:
            super().observe(event, identifier)
            self._send(None, once=identifier)
        else:
            self._send({"kind": "event", "event": event}, once=identifier)

    def noted(self, room: WarRoom, note: Json) -> None:
        if self.writes:
            super().noted(room, note)
        else:
            self._send({"kind": "noted", "room": room.model_dump(mode="json"), "note": note})

    def read_all(self) -> None:
        if self.writes:
            self._read_if_writer()
        else:
            self._send({"kind": "lost"})

    # What only the writer can do

    async def settle(self, room: WarRoom) -> dict[str, int]:
        if self.writes:
            return await super().settle(room)
        answer = await self._ask_writer("settle", room, SETTLE_PATIENCE)
        if answer is not None:
            return {str(kind): int(number) for kind, number in answer.items()}
        try:
            notes = await self._catalog.notes(room.channel_id)
        except ServiceError as problem:
            logger.warning(f"mirror: notes of #{room.channel_name} can't be counted: {problem}")
            return {}
        standing = [note["properties"] for note in notes if not note["properties"].get("deletedAt")]
        return dict(Counter(str(note.get("kind")) for note in standing))

    async def read(self, room: WarRoom) -> None:
        if self.writes:
            await super().read(room)
        elif await self._ask_writer("read", room, READ_PATIENCE) is None:
            raise Unreachable("redis", "read the room", "no answer", "from the process that writes the notes")

    async def _ask_writer(self, what: str, room: WarRoom, patience: float) -> Json | None:
        """Have the writer do something in a room; None where it does not, or does not answer."""
        if not self._cluster.up:
            return None
        identifier = secrets.token_hex(8)
        answer = self._asked[identifier] = asyncio.get_running_loop().create_future()
        self._send({"kind": "ask", "what": what, "id": identifier, "room": room.model_dump(mode="json")})
        try:
            return await asyncio.wait_for(answer, patience)
        except TimeoutError:
            return None
        finally:
            self._asked.pop(identifier, None)

    async def _answer(self, message: Json) -> None:
        room = WarRoom.model_validate(message["room"])
        told: Json = {"kind": "answer", "id": message["id"]}
        try:
            if message["what"] == "settle":
                told["result"] = await super().settle(room)
            else:
                await super().read(room)
                told["result"] = {}
        except IncidentCommsError as problem:
            logger.warning(f"mirror: {message['what']} #{room.channel_name} for another process: {problem}")
            return
        self._send(told)

    # Redis

    def _send(self, message: Json | None, *, once: str = "") -> None:
        """Hand over a message, in order; `once` names it among redeliveries. None only remembers the name."""
        if message is None and not once:
            return
        try:
            self._outbox.put_nowait((once, message))
        except asyncio.QueueFull:
            self._lost_some = True

    async def _hand_over(self) -> None:
        while True:
            once, message = await self._outbox.get()
            text = "" if message is None else json.dumps({**message, "from": self._cluster.process})
            lasting = str(REMEMBERED_SECONDS) if once else ""
            args = [self._cluster.key("seen", once), self._channel, text, lasting]

            async def publish(redis: Redis, args: list[str] = args) -> Any:
                return await redis.eval(_PUBLISH_ONCE, 1, *args)

            if await self._cluster.ask(publish) is None and message is not None:
                self._lost_some = self._lost_some or message["kind"] != "tick"
            self._outbox.task_done()

    async def _listen(self) -> None:
        before = False
        while True:
            try:
                async with self._cluster.redis.pubsub() as pubsub:
                    await pubsub.subscribe(self._channel)
                    self._heard = time.monotonic()
                    while not self._deaf():
                        heard = await pubsub.get_message(timeout=ANSWER_SECONDS)
                        if heard is None:
                            continue
                        if heard["type"] == "subscribe":
                            self._subscribed.set()
                            if before:
                                self._read_if_writer()  # nobody knows what was said in between
                            before = True
                        elif heard["type"] == "message":
                            self._take(heard["data"])
                    logger.warning("redis: nothing is heard of the others; subscribing anew")
            except (RedisError, OSError, TimeoutError) as problem:
                logger.debug(f"redis: subscription lost: {problem}")
            await asyncio.sleep(RETRY_SECONDS)

    def _deaf(self) -> bool:
        """Whether we do not even hear ourselves."""
        return self._cluster.up and time.monotonic() - self._heard > 2 * self._cluster.expiry

    def _take(self, data: str) -> None:
        self._heard = time.monotonic()
        try:
            message = json.loads(data)
            if message["from"] != self._cluster.process:
                self._do(message)
        except (ValueError, KeyError, TypeError) as problem:
            logger.warning(f"redis: a message that makes no sense ({type(problem).__name__})")

    def _do(self, message: Json) -> None:
        kind = message["kind"]
        if kind == "watch":
            super().watch(WarRoom.model_validate(message["room"]), read=bool(message["read"]))
        elif kind == "forget":
            super().forget(WarRoom.model_validate(message["room"]))
        elif kind == "answer":
            answer = self._asked.get(message["id"])
            if answer is not None and not answer.done():
                answer.set_result(message["result"])
        elif self.writes:
            self._do_as_writer(kind, message)

    def _do_as_writer(self, kind: str, message: Json) -> None:
        if kind == "event":
            super().observe(message["event"])
        elif kind == "noted":
            super().noted(WarRoom.model_validate(message["room"]), message["note"])
        elif kind == "lost":
            self._read_if_writer()
        elif kind == "ask":
            self._background.begin(self._answer(message))
