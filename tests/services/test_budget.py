"""The budget against a clock that only the test moves."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.budget import Budget, Priority, Rate
from integration.errors import RateLimited


class HandClock:
    def __init__(self) -> None:
        self.now = 1000.0
        self._due: list[tuple[float, int, HandTimer]] = []
        self._serial = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None], /) -> HandTimer:
        timer = HandTimer(callback)
        heapq.heappush(self._due, (self.now + delay, next(self._serial), timer))
        return timer

    async def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            at, _, timer = heapq.heappop(self._due)
            self.now = max(self.now, at)
            timer.fire()
            await settle()
        self.now = end


class HandTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None

    def fire(self) -> None:
        if self.callback is not None:
            self.callback()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Bench:
    """A budget of one class and the order in which its callers got their turn."""

    def __init__(self, rate: Rate) -> None:
        self.clock = HandClock()
        self.budget = Budget(self.clock)
        self.budget.declare("slack", lambda _: rate)
        self.served: list[str] = []

    def ask(
        self, name: str, priority: Priority = Priority.ROOM, method: str = "m", patience: float | None = None
    ) -> asyncio.Task[None]:
        async def caller() -> None:
            async with self.budget.turn("slack", method, priority, patience):
                self.served.append(name)

        return asyncio.create_task(caller())


async def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    bench = Bench(Rate(per_minute=60, burst=2))
    tasks = [bench.ask(str(n)) for n in range(4)]
    await settle()

    assert bench.served == ["0", "1"]

    await bench.clock.advance(0.99)
    assert bench.served == ["0", "1"]
    await bench.clock.advance(0.02)
    assert bench.served == ["0", "1", "2"]
    await bench.clock.advance(1)
    assert bench.served == ["0", "1", "2", "3"]
    await asyncio.gather(*tasks)


async def test_a_bucket_fills_up_to_its_burst_and_no_further() -> None:
    bench = Bench(Rate(per_minute=60, burst=2))
    await asyncio.gather(bench.ask("a"), bench.ask("b"))
    await bench.clock.advance(3600)

    tasks = [bench.ask(str(n)) for n in range(3)]
    await settle()

    assert bench.served == ["a", "b", "0", "1"]
    tasks[-1].cancel()


async def test_the_room_goes_before_the_mirror_and_equals_in_order_of_arrival() -> None:
    bench = Bench(Rate(per_minute=60, burst=1))
    await bench.ask("first")
    for name, priority in [
        ("decoration", Priority.DECORATION),
        ("mirror", Priority.MIRROR),
        ("room 1", Priority.ROOM),
        ("public", Priority.PUBLIC),
        ("room 2", Priority.ROOM),
        ("internal", Priority.INTERNAL),
    ]:
        bench.ask(name, priority)
    await settle()
    await bench.clock.advance(6)

    assert bench.served == ["first", "room 1", "room 2", "public", "internal", "mirror", "decoration"]


async def test_a_pause_stops_its_class_alone() -> None:
    bench = Bench(Rate(per_minute=600, burst=5))
    bench.budget.pause("slack", "m", 10)
    bench.ask("paused")
    bench.ask("free", method="other")
    await settle()

    assert bench.served == ["free"]

    await bench.clock.advance(9.9)
    assert bench.served == ["free"]
    await bench.clock.advance(0.2)
    assert bench.served == ["free", "paused"]


async def test_a_shorter_pause_does_not_shorten_a_longer_one() -> None:
    bench = Bench(Rate(per_minute=600, burst=5))
    bench.budget.pause("slack", "m", 10)
    bench.budget.pause("slack", "m", 1)
    bench.ask("a")
    await settle()
    await bench.clock.advance(9)
    assert bench.served == []
    await bench.clock.advance(1.1)
    assert bench.served == ["a"]


async def test_a_pause_that_comes_while_waiting_holds() -> None:
    bench = Bench(Rate(per_minute=60, burst=1))
    await bench.ask("first")
    bench.ask("second")
    await settle()
    bench.budget.pause("slack", "m", 30)
    await bench.clock.advance(29)
    assert bench.served == ["first"]
    await bench.clock.advance(1.1)
    assert bench.served == ["first", "second"]


async def test_a_pause_longer_than_the_patience_is_a_refusal_not_a_wait() -> None:
    bench = Bench(Rate(per_minute=60, burst=1))
    await bench.ask("first")
    waiting = bench.ask("waiting", patience=60)
    await settle()
    bench.budget.pause("slack", "m", 3600)
    late = bench.ask("late", patience=60)

    for task in (waiting, late):
        with pytest.raises(RateLimited) as refused:
            await task
        assert refused.value.retry_after == pytest.approx(3600)


async def test_who_is_cancelled_while_waiting_costs_nothing() -> None:
    bench = Bench(Rate(per_minute=60, burst=1))
    await bench.ask("first")
    given_up = bench.ask("given up")
    bench.ask("next")
    await settle()
    given_up.cancel()
    await settle()
    await bench.clock.advance(1.01)

    assert bench.served == ["first", "next"]


async def test_who_is_cancelled_just_as_the_turn_comes_gives_it_back() -> None:
    bench = Bench(Rate(per_minute=60, burst=1))
    await bench.ask("first")
    given_up, following = bench.ask("given up"), bench.ask("next")
    await settle()
    bench.clock.now += 1.01
    # The turn is given and, before its task has run, taken away.
    bench.clock._due[0][2].fire()
    given_up.cancel()
    await asyncio.gather(given_up, following, return_exceptions=True)

    assert bench.served == ["first", "next"]
    assert given_up.cancelled()


async def test_the_priorities_rank_as_the_design_says() -> None:
    assert sorted(Priority) == [
        Priority.ROOM,
        Priority.PUBLIC,
        Priority.INTERNAL,
        Priority.MIRROR,
        Priority.DECORATION,
    ]


async def test_thousands_of_channels_do_not_pile_up() -> None:
    budget = Budget()
    for n in range(2000):
        async with budget.turn("slack", f"chat.postMessage:C{n}", Priority.ROOM):
            pass

    assert len(budget._buckets) < 2000


async def test_on_a_real_loop_it_waits_as_long_as_the_rate_asks() -> None:
    budget = Budget()
    budget.declare("slack", lambda _: Rate(per_minute=60 / 0.05, burst=1))
    loop = asyncio.get_running_loop()
    started = loop.time()
    for _ in range(4):
        async with budget.turn("slack", "m", Priority.ROOM):
            pass

    assert 0.14 <= loop.time() - started < 1


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("ask"), st.sampled_from(list(Priority))),
            st.tuples(st.just("cancel"), st.integers(0, 30)),
            st.tuples(st.just("advance"), st.floats(0.01, 5)),
            st.tuples(st.just("pause"), st.floats(0.01, 5)),
        ),
        max_size=40,
    )
)
def test_the_rate_is_kept_and_nobody_forgotten(
    steps: list[tuple[str, float]],
) -> None:
    async def play() -> None:
        bench = Bench(Rate(per_minute=60, burst=3))
        started = bench.clock.now
        tasks: list[asyncio.Task[None]] = []
        for step, value in steps:
            if step == "ask":
                tasks.append(bench.ask(str(len(tasks)), Priority(int(value))))
            elif step == "cancel" and tasks:
                tasks[int(value) % len(tasks)].cancel()
            elif step == "advance":
                await bench.clock.advance(value)
            elif step == "pause":
                bench.budget.pause("slack", "m", value)
            await settle()
            assert len(bench.served) <= 3 + (bench.clock.now - started) + 1e-6
        await bench.clock.advance(600)
        await settle()
        assert all(task.done() for task in tasks)
        assert len(bench.served) == sum(not task.cancelled() for task in tasks)

    asyncio.run(play())
