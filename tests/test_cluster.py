"""Several processes, known to each other by a real Redis or not at all: who is alive, who waits for whom,
and that an effect is there once whatever they believe of each other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from loguru import logger

from integration import cluster, plan
from integration.cluster import Cluster
from integration.cluster_locks import SharedLocks
from integration.engine import Engine
from integration.models.communication import Step
from integration.models.incident import WarRoom
from sandbox.world import Json
from tests import redis_server
from tests.action_bench import Bench, bench, run
from tests.redis_server import RedisServer

EXPIRY = 0.6
needs_redis = pytest.mark.skipif(not redis_server.installed(), reason=redis_server.MISSING)


@pytest_asyncio.fixture
async def redis(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisServer]:
    monkeypatch.setattr(cluster, "SHORTEST_EXPIRY", EXPIRY)
    async with RedisServer() as server:
        yield server


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Bench]:
    async with bench() as up:
        yield up


@contextlib.asynccontextmanager
async def processes(redis: RedisServer, *names: str) -> AsyncIterator[list[Cluster]]:
    """That many, started; the first is the POLLING one."""
    found = [
        Cluster(redis.url, installation="test", process=name, main=name == names[0], expiry=EXPIRY)
        for name in names
    ]
    for one in found:
        await one.start()
    try:
        yield found
    finally:
        for one in found:
            await one.leave()


async def dies(process: Cluster) -> None:
    """It beats no more, and says nothing."""
    assert process._beating is not None
    process._beating.cancel()
    await asyncio.gather(process._beating, return_exceptions=True)


async def becomes(what: str, look: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> float:
    """Wait for it; the seconds it took."""
    began = time.monotonic()
    while not await look():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


def not_alive(process: Cluster, other: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return not await process.alive(other)

    return look


# Who is alive


@needs_redis
async def test_who_dies_is_gone_after_two_expiries_and_it_is_told_once(redis: RedisServer) -> None:
    async with processes(redis, "aaaa", "bbbb", "cccc") as (a, b, c):
        told: list[str] = []
        a.on_gone(told.append)
        assert await a.alive("bbbb")
        assert await c.alive("bbbb")
        await dies(b)
        took = await becomes("b is gone for a", not_alive(a, "bbbb"))

        assert 1.5 * EXPIRY < took < 4 * EXPIRY
        await becomes("b is gone for c", not_alive(c, "bbbb"))
        assert await a.alive("cccc")
        assert told == ["bbbb"]


@needs_redis
async def test_who_leaves_is_gone_at_once(redis: RedisServer) -> None:
    async with processes(redis, "aaaa", "bbbb") as (a, b):
        assert await a.alive("bbbb")
        await b.leave()

        assert not await a.alive("bbbb")


@needs_redis
async def test_who_was_never_heard_of_is_given_the_time_to_be(redis: RedisServer) -> None:
    async with processes(redis, "aaaa") as (a,):
        assert await a.alive("ffff"), "Redis may have been emptied a moment ago"
        await becomes("f is gone", not_alive(a, "ffff"))
        late = Cluster(redis.url, installation="test", process="ffff", main=False, expiry=EXPIRY)
        await late.start()
        await becomes("a hears of f", lambda: a.alive("ffff"))
        await late.leave()


@needs_redis
async def test_heartbeats_come_back_after_redis_was_emptied_or_restarted(redis: RedisServer) -> None:
    async with processes(redis, "aaaa", "bbbb") as (a, b):
        for fate in (redis.flush, redis.restart):
            until = time.monotonic() + 4 * EXPIRY
            await fate()
            while time.monotonic() < until:
                assert await a.alive("bbbb")
                assert await b.alive("aaaa")
                await asyncio.sleep(0.02)
        assert a.up
        assert a.sure()


@needs_redis
async def test_without_redis_nobody_can_tell_and_work_goes_on(redis: RedisServer) -> None:
    said: list[str] = []
    sink = logger.add(lambda message: said.append(str(message)), level="WARNING")
    async with processes(redis, "aaaa", "bbbb") as (a, _):
        await redis.stop()
        until = time.monotonic() + 4 * EXPIRY
        while time.monotonic() < until:
            assert await a.alive("bbbb")
            assert await a.claim_run("r_1")
            assert not await a.run_elsewhere("r_1")
            began = time.monotonic()
            async with SharedLocks(a).holding("INC-1"):
                assert time.monotonic() - began < 0.5
            await asyncio.sleep(0.05)
        assert not a.sure(), "the others may take it to be gone"
    logger.remove(sink)
    assert len([line for line in said if "aaaa" in line or "not reached" in line]) == 2, "one a process"


@needs_redis
async def test_installations_in_one_redis_do_not_see_each_other(redis: RedisServer) -> None:
    async with processes(redis, "aaaa") as (a,):
        other = Cluster(redis.url, installation="another", process="bbbb", main=True, expiry=EXPIRY)
        await other.start()
        await becomes("b is none of a's", not_alive(a, "bbbb"))
        await other.leave()
        assert "test" not in " ".join(await redis.keys()), "the installation key stays out of Redis"


# Locks and runs


@needs_redis
async def test_a_lock_is_held_by_one_and_outlives_its_holder_by_an_expiry(redis: RedisServer) -> None:
    async with processes(redis, "aaaa", "bbbb") as (a, b):
        inside: list[str] = []

        async def work(process: Cluster) -> None:
            async with SharedLocks(process).holding("INC-1"):
                inside.append(process.process)
                assert len(inside) == 1
                await asyncio.sleep(2 * EXPIRY)  # longer than the key lives without being renewed
                inside.remove(process.process)

        await asyncio.gather(work(a), work(b), work(a))

        holding = SharedLocks(a).holding("INC-1")
        await holding.__aenter__()
        others = [task for task in asyncio.all_tasks() if "_renew" in repr(task.get_coro())]
        for task in others:
            task.cancel()  # as when the process is killed
        began = time.monotonic()
        async with SharedLocks(b).holding("INC-1"):
            assert time.monotonic() - began < 3 * EXPIRY
        await holding.__aexit__(None, None, None)


@needs_redis
async def test_a_run_is_in_one_hand_while_that_one_lives(redis: RedisServer) -> None:
    async with processes(redis, "aaaa", "bbbb") as (a, b):
        assert await a.claim_run("r_1")
        assert await b.run_elsewhere("r_1")
        assert not await b.claim_run("r_1")
        await asyncio.sleep(2 * EXPIRY)
        assert await b.run_elsewhere("r_1"), "each heartbeat says so again"
        await redis.flush()
        await becomes("it is said again", lambda: b.run_elsewhere("r_1"))
        await dies(a)

        await becomes("b may have it", lambda: b.claim_run("r_1"))


# Effects


async def room_of(stage: Bench, engine: Engine) -> WarRoom:
    await stage.incident("INC-1")
    await run(engine, "open_war_room", "INC-1")
    room = await engine.catalog.room("INC-1")
    assert room is not None
    return room


def words(room: WarRoom, about: str) -> Step:
    return plan.message(room, "note", "something worth knowing", about=about)


async def perform(engine: Engine, step: Step) -> str:
    """Have it done; the ts of what stands there."""
    (claim,) = await engine.performer.intend([step])
    receipt = await engine.performer.perform(claim)
    await engine.performer.flush()
    return str(receipt.data["ts"])


async def engines(stage: Bench, redis: RedisServer | None, number: int = 2) -> list[Engine]:
    url: Json = {"redis_url": redis.url} if redis else {}
    found = [stage.engine(main=one == 0, **url) for one in range(number)]
    for engine in found:
        await engine.join()
    return found


def posted(stage: Bench, step: Step) -> int:
    """How often the step's words were said."""
    return sum(
        entry.effect is not None and step.key in str(entry.request)
        for entry in stage.sandbox.world.journal
        if entry.operation == "chat.postMessage"
    )


@pytest.mark.rehearsal
@needs_redis
async def test_two_who_find_what_a_dead_one_left_do_it_once(stage: Bench, redis: RedisServer) -> None:
    await found_by_two(stage, redis)


@pytest.mark.rehearsal
async def test_two_by_mistake_who_find_what_a_dead_one_left_do_it_once(stage: Bench) -> None:
    await found_by_two(stage, None)


async def found_by_two(stage: Bench, redis: RedisServer | None) -> None:
    a, b, c = await engines(stage, redis, 3)
    room = await room_of(stage, a)
    for number in range(3):
        step = words(room, f"dead-{number}")
        await a.catalog.create_intents([step], ["dddddddd/1"])

        told = await asyncio.gather(perform(a, step), perform(b, step), perform(c, step))

        assert len(set(told)) == 1
        assert posted(stage, step) == 1


@needs_redis
async def test_a_live_owner_is_waited_for(stage: Bench, redis: RedisServer) -> None:
    a, b = await engines(stage, redis)
    room = await room_of(stage, a)
    step = words(room, "slow")
    (claim,) = await a.performer.intend([step])
    waiting = asyncio.create_task(perform(b, step))
    await asyncio.sleep(3 * EXPIRY)
    assert not waiting.done()
    receipt = await a.performer.perform(claim)

    assert await waiting == receipt.data["ts"]
    assert posted(stage, step) == 1
    assert await a.catalog.attempt_owner(step.key, 1) == "", "nobody took over"


async def test_a_slow_owner_finds_that_he_was_succeeded(stage: Bench) -> None:
    """Two processes by mistake: nobody waits for the other for long."""
    a, b = (stage.engine(effect_timeout_seconds=0.3), stage.engine(effect_timeout_seconds=0.3))
    room = await room_of(stage, a)
    step = words(room, "slow")
    (claim,) = await a.performer.intend([step])
    ts = await perform(b, step)
    receipt = await a.performer.perform(claim)

    assert receipt.data["ts"] == ts
    assert posted(stage, step) == 1


@needs_redis
async def test_what_had_failed_is_done_again_by_one_of_two(stage: Bench, redis: RedisServer) -> None:
    await failed_and_again(stage, redis)


async def test_what_had_failed_is_done_again_by_one_of_two_by_mistake(stage: Bench) -> None:
    await failed_and_again(stage, None)


async def failed_and_again(stage: Bench, redis: RedisServer | None) -> None:
    a, b = await engines(stage, redis)
    room = await room_of(stage, a)
    step = words(room, "failed")
    stage.sandbox.world.faults.add(
        {"service": "slack", "operation": "chat.postMessage", "error": "restricted_action"}
    )
    with pytest.raises(Exception, match="restricted_action"):
        await perform(a, step)
    await a.performer.flush()

    told = await asyncio.gather(perform(a, step), perform(b, step))

    assert len(set(told)) == 1
    assert posted(stage, step) == 1


@needs_redis
async def test_one_mail_each_where_two_send_them(stage: Bench, redis: RedisServer) -> None:
    await mailed_by_two(stage, redis)


async def test_one_mail_each_where_two_send_them_by_mistake(stage: Bench) -> None:
    await mailed_by_two(stage, None)


async def mailed_by_two(stage: Bench, redis: RedisServer | None) -> None:
    a, b = await engines(stage, redis)
    room = await room_of(stage, a)
    addresses = [f"reader-{number}@example.com" for number in range(12)]
    await stage.audience("readers", emails=addresses)

    await asyncio.gather(
        *(run(one, "send_email", room.incident, audiences=["readers"], text="It is slow.") for one in (a, b))
    )

    mails = stage.sandbox.mail.state()["messages"]
    assert sorted(one for mail in mails for one in mail["recipients"]) == sorted(addresses)
    states = [
        one["properties"]["state"]
        for one in await stage.record(room.incident)
        if one["properties"]["operation"] == "send_email"
    ]
    assert states == ["sent"] * len(addresses)


async def test_an_old_process_and_a_new_one_by_mistake_open_one_room(stage: Bench) -> None:
    """No Redis: nobody knows of the other, and what only one can create is all there is."""
    a, b = stage.engine(), stage.engine()
    for number in range(4):
        await stage.incident(f"INC-{number}")
    told = await asyncio.gather(
        *(run(one, "open_war_room", f"INC-{number}") for number in range(4) for one in (a, b))
    )

    assert [one.ok for one in told] == [True] * 8, [one.summary for one in told]
    assert stage.effects("conversations.create") == 4
    assert stage.effects("meetings.create") == 4
    assert stage.effects("chat.postMessage") == 4
