"""A closed room is archived once it is quiet, by what Slack shows: Port may not know of the last word."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from integration.engine import Engine, build
from integration.models.incident import WarRoom
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET, SLACK_BOT_TOKEN
from tests.mirror_bench import RESPONDER, Bench, bench

QUIET = 60  # minutes
CLOSED = timedelta(hours=5)


@pytest.fixture
async def desk() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


@contextlib.asynccontextmanager
async def engine(desk: Bench) -> AsyncIterator[Engine]:
    """The whole product but Ocean, on the bench's Slack and Port."""
    settings = desk.settings.model_copy(
        update={
            "archive_after_quiet_minutes": QUIET,
            "slack_api_url": f"{desk.url}/slack/api/",
            "slack_bot_token": SLACK_BOT_TOKEN,
        }
    )
    found = build(
        settings, port_url=f"{desk.url}/port", client_id=PORT_CLIENT_ID, client_secret=PORT_CLIENT_SECRET
    )
    try:
        yield found
    finally:
        await found.mirror.stop()
        await found.aclose()


async def closed_room(desk: Bench, private: bool) -> WarRoom:
    closed_at = datetime.now(UTC) - CLOSED
    return await desk.room(
        private=private, state="closed", closed_at=closed_at, opened_at=closed_at - timedelta(hours=1)
    )


def ago(**span: float) -> str:
    return f"{time.time() - timedelta(**span).total_seconds():.6f}"


@pytest.mark.parametrize("private", [True, False], ids=["nobody mirrors it", "mirrored"])
async def test_a_room_in_which_people_still_talk_is_not_archived(desk: Bench, private: bool) -> None:
    room = await closed_room(desk, private)
    desk.say(room, "old words", ts=ago(hours=4))
    said = desk.say(room, "are we sure?", ts=ago(minutes=QUIET / 2))
    await desk.service.post(room.channel_id, "ours is not talk")

    async with engine(desk) as found:
        await found.sweeper.sweep()

    shown = await desk.properties("incidentWarRoom", room.identifier)
    assert not desk.slack.view(room.channel_id)["archived"]
    assert shown["state"] == "closed"
    assert datetime.fromisoformat(shown["lastActivityAt"]).timestamp() == pytest.approx(float(said), abs=0.01)


@pytest.mark.parametrize("private", [True, False], ids=["nobody mirrors it", "mirrored"])
async def test_a_reply_in_an_old_thread_is_talk(desk: Bench, private: bool) -> None:
    room = await closed_room(desk, private)
    parent = desk.say(room, "old words", ts=ago(hours=4))
    desk.say(room, "are we sure?", thread_ts=parent)

    async with engine(desk) as found:
        await found.sweeper.sweep()

    assert not desk.slack.view(room.channel_id)["archived"]


@pytest.mark.parametrize("private", [True, False], ids=["nobody mirrors it", "mirrored"])
async def test_a_quiet_room_is_archived(desk: Bench, private: bool) -> None:
    room = await closed_room(desk, private)
    desk.say(room, "old words", ts=ago(hours=4))
    await desk.service.post(room.channel_id, "ours is not talk")
    desk.slack.leave(room.channel_id, RESPONDER)  # nor is what Slack itself says

    async with engine(desk) as found:
        await found.sweeper.sweep()

    assert desk.slack.view(room.channel_id)["archived"]
    assert (await desk.properties("incidentWarRoom", room.identifier))["state"] == "archived"
