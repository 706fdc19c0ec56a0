"""What notes cost: messages a second, milliseconds for one, and a channel of 50,000 messages read anew.

    python -m scripts.notes_bench [--messages 50000]

Slack and Port are stood in for by what answers at once, so that the figures are the integration's own.
`calls` are those that Slack's and Port's limits count; `minutes_at_slacks_tiers` is how long they take there.
`peak_mb` is the most memory that the process ever held, before it began and in the end: the mirror knows all
notes of a room, but no more messages than a window and a slice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from integration.catalog import Catalog
from integration.mirror import Mirror
from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.models.port import ItemOutcome
from integration.models.slack import Bot, Message, SlackUser
from integration.notetaker import Context, derive
from integration.people import People
from integration.services.slack import PAGE, SlackService
from integration.services.slack_tiers import METHODS, PER_MINUTE
from integration.settings import Settings
from scripts.notes.data import made_up

START = 1_700_000_000


class Channel:
    """A channel of so many messages, a thread on every fiftieth; nothing of it is kept in memory."""

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.texts = [str(line["text"]) for line in made_up()]
        self.calls: Counter[str] = Counter()
        self.largest_page = 0

    async def me(self) -> Bot:
        return Bot(user_id="UBOT", bot_id="BBOT", team_url="https://example.slack.com/")

    def message(self, number: int, reply: int = 0) -> Message:
        ts = f"{START + number * 30}.{reply:06d}"
        text = f"{self.texts[(number + reply) % len(self.texts)]} ({number})"
        thread = f"{START + number * 30}.000000" if number % 50 == 0 else ""
        return Message(channel="C1", ts=ts, user=f"U{number % 40}", text=text, thread_ts=thread)

    async def history(
        self, channel: str, oldest: str | None = None, latest: str | None = None
    ) -> AsyncIterator[list[Message]]:
        first = 0 if oldest is None else max(0, int((float(oldest) - START) // 30) + 1)
        last = self.messages - 1 if latest is None else int((float(latest) - START) // 30)
        for end in range(last, first - 1, -PAGE):
            self.calls["conversations.history"] += 1
            page = [self.message(number) for number in range(end, max(first, end - PAGE + 1) - 1, -1)]
            self.largest_page = max(self.largest_page, len(page))
            yield page

    async def replies(self, channel: str, thread_ts: str) -> list[Message]:
        self.calls["conversations.replies"] += 1
        number = int((float(thread_ts) - START) // 30)
        return [self.message(number, reply) for reply in range(3)]

    async def user(self, user: str) -> SlackUser:
        self.calls["users.info"] += 1
        return SlackUser(id=user, name=user.lower(), email=f"{user.lower()}@example.com")


class Notes:
    """Port, as far as notes need it."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.written = 0
        self.room: Json = {}

    async def notes(self, channel: str) -> list[Json]:
        return []

    async def everything(self, blueprint: str, *names: str) -> list[Json]:
        self.calls["entities.search"] += 1
        return [{"identifier": f"service-{number}", "title": f"Service {number}"} for number in range(500)]

    async def merge_notes(self, entities: Sequence[Json]) -> list[ItemOutcome]:
        self.calls["entities.bulk"] += -(-len(entities) // 20)
        self.written += len(entities)
        return [ItemOutcome(identifier=entity["identifier"]) for entity in entities]

    async def patch_room(self, identifier: str, properties: Json) -> None:
        self.calls["entities.patch"] += 1
        self.room |= properties

    async def incident_entity(self, identifier: str) -> Json:
        self.calls["entities.get"] += 1
        return {"identifier": identifier, "properties": {}, "relations": {}}

    async def patch_incident(self, identifier: str, properties: Json, relations: Json | None = None) -> None:
        self.calls["entities.patch"] += 1


def deriving(messages: Iterable[Message]) -> Json:
    """Messages a second and milliseconds for one; the best of three rounds."""
    some = list(messages)
    for message in some[:100]:
        derive(message, Context())
    best, alone = float("inf"), [float("inf")] * len(some)
    for _ in range(3):
        started = time.perf_counter()
        for number, message in enumerate(some):
            before = time.perf_counter()
            derive(message, Context(previous=tuple(some[max(0, number - 3) : number])))
            alone[number] = min(alone[number], time.perf_counter() - before)
        best = min(best, time.perf_counter() - started)
    return {
        "operation": "notes",
        "messages": len(some),
        "messages_per_second": round(len(some) / best),
        "ms_for_one": round(1000 * sum(alone) / len(alone), 3),
        "ms_for_the_slowest": round(1000 * max(alone), 3),
    }


async def resync(messages: int) -> Json:
    """A channel read anew by a process that knows nothing of it."""
    slack, port = Channel(messages), Notes()
    client, catalog = cast(SlackService, slack), cast(Catalog, port)
    mirror = Mirror(catalog, client, People(client), Settings(settle_seconds=0))
    room = WarRoom(
        identifier="INC-1", incident="INC-1", channel_id="C1", opened_at=datetime.fromtimestamp(START, UTC)
    )
    before = _peak_mb()
    started = time.perf_counter()
    mirror.watch(room)
    known = mirror._rooms["C1"]
    await mirror.read(room)
    window = _peak_mb()
    await mirror.read_back(known)
    seconds = time.perf_counter() - started
    peak = _peak_mb()
    await mirror.stop()
    minutes = max(slack.calls[m] / PER_MINUTE[METHODS[m][0]] for m in slack.calls)
    return {
        "operation": "resync",
        "messages": messages,
        "notes": port.written,
        "seconds": round(seconds, 1),
        "messages_per_second": round(messages / seconds),
        "peak_mb": peak,
        "peak_mb_before": before,
        "peak_mb_after_the_window": window,
        "largest_page": slack.largest_page,
        "calls": dict(slack.calls + port.calls),
        "minutes_at_slacks_tiers": round(minutes, 1),
        "read_back_to": port.room.get("readBackTo"),
    }


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kB, on macOS bytes
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.notes_bench", description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    options = parser.parse_args(arguments)
    channel = Channel(2000)
    print(json.dumps(deriving(channel.message(number) for number in range(2000))), flush=True)
    measured: dict[str, Any] = asyncio.run(resync(options.messages))
    print(json.dumps(measured), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
