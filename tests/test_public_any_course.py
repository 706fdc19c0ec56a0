"""Any course of incidents, updates and hands on one page: a component goes back to operational with the last
incident of ours that holds it, and never while another does or after a hand has had it."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

import pytest
import pytest_asyncio

from tests.public_bench import API, CHECKOUT, PAGE, Public, public_bench

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rehearsal, pytest.mark.timeout(600)]

COMPONENTS = (CHECKOUT, API)
STATES = ("degraded_performance", "partial_outage", "operational")
HANDS = "major_outage"  # which none of ours sets, so that nobody mistakes one for the other


class Move(NamedTuple):
    """`say`: an incident says something and gives a component a state, `end`: it is over, `hand`: somebody
    changes the component on the page."""

    kind: str
    number: int
    component: str
    state: str


_words = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole() -> AsyncIterator[Public]:
    async with public_bench(guard_rules={"components": "warn", "status ahead": "off"}) as found:
        yield found


@pytest.mark.parametrize("seed", range(12))
async def test_components_go_back_with_the_last_that_holds_them(whole: Public, seed: int) -> None:
    chance = random.Random(seed)
    kinds = ("say", "say", "say", "end", "hand") if seed % 2 else ("say", "say", "say", "end")
    await _play(whole, [_move(chance, kinds) for _ in range(chance.randint(3, 9))])


def _move(chance: random.Random, kinds: tuple[str, ...]) -> Move:
    return Move(chance.choice(kinds), chance.randrange(3), chance.choice(COMPONENTS), chance.choice(STATES))


async def _play(whole: Public, moves: list[Move]) -> None:
    public = await whole.afresh()
    names = [f"{public.one}-{number}" for number in range(3)]
    is_open: dict[str, bool] = {}
    listed: dict[str, set[str]] = {name: set() for name in names}
    by_hand: set[str] = set()
    touched: set[str] = set()

    async def end(name: str) -> None:
        before = public.states()
        await public.stage.incident(name, status="resolved")
        await public.say(name, "resolve", body=f"Over {next(_words)}.")
        is_open[name] = False
        for one, state in public.states().items():
            holders = [other for other in names if is_open.get(other) and one in listed[other]]
            if holders or one in by_hand:
                assert state == before[one], (moves, name, one)

    for kind, number, component, state in moves:
        if kind == "hand":
            public.stage.sandbox.statuspage.people.set_component(component, HANDS)
            by_hand.add(component)
            touched.add(component)
            continue
        name = names[number]
        if kind == "end":
            if is_open.get(name):
                await end(name)
            continue
        operation = "update" if is_open.get(name) else "reopen" if name in is_open else "publish"
        await public.stage.incident(name, status="investigating")
        more = {"page": PAGE, "name": name.replace("INC", "Trouble")} if operation == "publish" else {}
        given = {"body": f"Words {next(_words)}.", "components": [component], "componentStatus": state}
        await public.say(name, operation, **more, **given)
        is_open[name] = True
        listed[name].add(component)
        by_hand.discard(component)
    standing = [name for name in names if is_open.get(name)]
    if not touched:
        await _nothing_by_hand(public, standing, moves)
    for name in standing:
        await end(name)
    left = {one: state for one, state in public.states().items() if one in COMPONENTS}
    assert {one for one, state in left.items() if state != "operational"} <= touched, (moves, left)
    assert {one for one, state in left.items() if state == HANDS} == by_hand, (moves, left)


async def _nothing_by_hand(public: Public, standing: Iterable[str], moves: list[Move]) -> None:
    """No incident shows anything as changed by hand, since nothing was."""
    pages = public.engine.pages
    assert pages is not None
    for name in standing:
        (shown,) = public.shown(name)
        pages.observe(PAGE, shown["id"])
    await public.quiet()
    for name in standing:
        held = await public.stage.properties("incident", name)
        assert held["publicStatus"] == "investigating", (moves, name)
        assert not held.get("publicDrift"), (moves, name)
