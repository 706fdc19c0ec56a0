"""What others say by hand where we speak: on the same public page, in the same announcement channel.

It is put on the record as not ours, so that whoever reads the record sees all that the readers have seen.

Each is created create-only under the provider's own id, so reading again, by however many processes, changes
nothing. Replies in threads are talk among readers, and are left to them.
"""

from __future__ import annotations

import asyncio
import contextvars
import re
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from loguru import logger

from integration.budget import Priority
from integration.catalog import Catalog
from integration.credentials import mask
from integration.entities import COMMUNICATION, intent_entity, read_communication, text_hash
from integration.errors import Refused, ServiceError
from integration.models.base import Json
from integration.models.communication import BY_HAND, PUBLIC_OPERATIONS, Communication, Operation, Step
from integration.models.slack import Message
from integration.models.statuspage import PublicIncident
from integration.people import People
from integration.services.port import PortService
from integration.services.slack import SlackService
from integration.slack_payload import TOMBSTONE, is_system
from integration.times import iso, now

LOOK_SECONDS = 120.0  # between two looks at one channel
LOOK_BACK = timedelta(hours=24)  # how long after our last word others' words are still about it
SEARCH_LAG_SECONDS = 20.0  # what we have said may not be found on the record sooner
_FRESH = timedelta(minutes=2)  # of ours, a younger one may not be on the record yet
_OUT_OF_REACH = frozenset({"not_in_channel", "channel_not_found", "is_archived", "access_denied"})


class ChannelWords:
    """What others say in channels where we announce incidents. One instance a process."""

    def __init__(self, port: PortService, catalog: Catalog, slack: SlackService, people: People) -> None:
        self._port = port
        self._catalog = catalog
        self._slack = slack
        self._people = people
        self._looked: dict[str, float] = {}  # by incident and by channel
        self._read_to: dict[str, float] = {}  # by channel: ts up to which everything is on the record

    async def look(self, incident: str) -> None:
        """Look at every channel in which this incident was announced, unless that was done a moment ago.

        What fails is logged, and looked at again the next time.
        """
        if not self._due(incident):
            return
        try:
            record = await self._catalog.communications(incident)
            for channel in sorted({one.step.destination for one in record if _announces(one)}):
                if self._due(channel):
                    await self._read(channel)
        except ServiceError as problem:
            logger.warning(f"{incident}: what others say by hand can't be read: {problem}")

    def _due(self, what: str) -> bool:
        due = time.monotonic() - self._looked.get(what, float("-inf")) >= LOOK_SECONDS
        if due:
            self._looked[what] = time.monotonic()
        return due

    async def _read(self, channel: str) -> None:
        announced = await self._announced(channel)
        if not announced:
            return
        oldest = max(self._read_to.get(channel, 0.0), min(at for at, _ in announced) - 1)
        bot = await self._slack.me()
        newest = (now() - _FRESH).timestamp()
        said: list[Message] = []
        try:
            async for page in self._slack.history(channel, oldest=f"{oldest:.6f}"):
                said += [one for one in page if _is_said(one) and one.bot_id != bot.bot_id]
        except Refused as refusal:
            if refusal.code not in _OUT_OF_REACH:
                raise
            logger.info(f"{channel}: what others say there can't be read any more: {refusal.code}")
            return
        entities = []
        for message in sorted(said, key=lambda one: float(one.ts)):
            about = _about(message, announced)
            if about is not None:
                text = mask(message.text or message.blocks_text)
                link = await self._slack.permalink(channel, message.ts)
                entities.append(
                    _entity(
                        about,
                        "post_message",
                        key=f"{channel}-{message.ts}",
                        destination=channel,
                        text=text,
                        by=await self._who(message),
                        at=datetime.fromtimestamp(float(message.ts), UTC),
                        receipt={"channel": channel, "ts": message.ts},
                        permalink=link,
                    )
                )
        await _record(self._port, entities)
        self._read_to[channel] = newest

    async def _who(self, message: Message) -> str:
        user = await self._people.by_id(message.user) if message.user else None
        return (user.email or user.name if user else "") or message.username or message.user or message.bot_id

    async def _announced(self, channel: str) -> list[tuple[float, Step]]:
        """What we have announced there of late, with its time: oldest first."""
        rules: list[Json] = [
            {"property": "destination", "operator": "=", "value": channel},
            {"property": "operation", "operator": "=", "value": "post_message"},
            {"property": "sentAt", "operator": ">", "value": iso(now() - LOOK_BACK)},
        ]
        found = await self._port.search(COMMUNICATION, rules, priority=Priority.MIRROR)
        known = [one for entity in found if (one := read_communication(entity)) and _announces(one)]
        return sorted(
            ((_ts(one), one.step) for one in known if _ts(one)), key=lambda each: (each[0], each[1].key)
        )


class PageWords:
    """What others say on the pages of public incidents of ours. One instance a process."""

    def __init__(self, port: PortService, catalog: Catalog) -> None:
        self._port = port
        self._catalog = catalog
        self._seen: dict[str, PublicIncident] = {}  # by id, while it waits
        self._waiting: dict[str, asyncio.Task[None]] = {}

    def observe(self, incident: str, public: PublicIncident) -> None:
        """Take in how a public incident of ours stands; what others have said of it is recorded as soon as
        all of ours can be found on the record. Returns at once."""
        self._seen[public.id] = public
        if public.id not in self._waiting:
            # A context of its own: the request that brought the hint ends before this does.
            work = self._later(incident, public.id)
            self._waiting[public.id] = asyncio.create_task(work, context=contextvars.Context())

    async def stop(self) -> None:
        """Drop what waits: the next process reads the pages again."""
        tasks = list(self._waiting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _later(self, incident: str, public: str) -> None:
        try:
            await asyncio.sleep(SEARCH_LAG_SECONDS)
            await self._tell(incident, self._seen[public])
        except ServiceError as problem:
            logger.warning(f"{incident}: what others say on the page is not on the record yet: {problem}")
        finally:
            self._waiting.pop(public, None)
            self._seen.pop(public, None)

    async def _tell(self, incident: str, public: PublicIncident) -> None:
        known = [
            one
            for one in await self._catalog.communications(incident)
            if one.step.operation in PUBLIC_OPERATIONS
        ]
        updates = {one.receipt.data.get("update") for one in known if one.receipt}
        # Of what we say this moment, and of what is unknown, no receipt is known; the words are.
        words = {one.step.text.strip() for one in known if one.state in ("sending", "sent", "unknown")}
        about = Step(
            key="",
            operation="update_incident",
            purpose=BY_HAND,
            incident=incident,
            team=next((one.step.team for one in known if one.step.team), ""),
        )
        entities = [
            _entity(
                about,
                "update_incident",
                key=update.id,
                destination=public.page_id,
                text=update.body,
                by="on the status page, not by us",
                at=update.created_at,
                receipt={
                    "page": public.page_id,
                    "incident": public.id,
                    "update": update.id,
                    "textHash": text_hash(update.body),
                },
                permalink=public.shortlink,
            )
            for update in public.updates
            if update.created_at is not None
            and update.id not in updates
            and update.body.strip()
            and update.body.strip() not in words
        ]
        await _record(self._port, entities)


async def _record(port: PortService, entities: Sequence[Json]) -> None:
    if not entities:
        return
    for outcome in await port.create_entities(COMMUNICATION, entities, priority=Priority.MIRROR):
        if outcome.created:
            logger.info(f"{outcome.identifier}: others have said this by hand")
        elif not outcome.exists:
            raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)


def _announces(one: Communication) -> bool:
    return (
        one.step.operation == "post_message"
        and bool(one.step.audience)
        and one.state == "sent"
        and one.step.purpose != BY_HAND
    )


def _ts(one: Communication) -> float:
    try:
        return float(str((one.receipt.data if one.receipt else {}).get("ts")))
    except ValueError:
        return 0.0


def _is_said(message: Message) -> bool:
    reply = bool(message.thread_ts) and message.thread_ts != message.ts
    return not is_system(message) and message.subtype != TOMBSTONE and not reply


def _about(message: Message, announced: Iterable[tuple[float, Step]]) -> Step | None:
    """What was announced there that this is about: the incident it names, else the one announced last."""
    before = [step for at, step in announced if at < float(message.ts)]
    for step in reversed(before):
        if re.search(rf"(?<![\w-]){re.escape(step.incident)}(?![\w-])", message.text, re.IGNORECASE):
            return step
    return before[-1] if before else None


def _entity(
    about: Step,
    operation: Operation,
    *,
    key: str,
    destination: str,
    text: str,
    by: str,
    at: datetime,
    receipt: Json,
    permalink: str,
) -> Json:
    step = Step(
        key=f"{about.incident}:by-hand:{key}",
        operation=operation,
        purpose=BY_HAND,
        incident=about.incident,
        destination=destination,
        text=text,
        audience=about.audience,
        requested_by=by,
        team=about.team,
    )
    entity = intent_entity(step, "", at)
    more = {"state": "sent", "reason": "not ours: said by hand", "sentAt": iso(at), "receipt": receipt}
    entity["properties"] |= more | ({"permalink": permalink} if permalink else {})
    return entity
