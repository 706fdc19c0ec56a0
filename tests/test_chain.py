"""Links written to Port: each outcome once, whoever writes, whatever dies or is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest_asyncio

from integration import portjson
from integration.budget import Budget
from integration.catalog import Catalog
from integration.chain import Chain, read_chain
from integration.entities import COMMUNICATION, LINK
from integration.models.base import Json
from integration.models.communication import Communication
from integration.provision import provision
from integration.record import Link
from integration.record_check import check_chain, check_record
from integration.services.http import Patience
from integration.services.port import PortService
from integration.settings import Settings
from integration.times import iso, now
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port.service import Port
from sandbox.routing import Routes
from sandbox.world import Hostility, World
from tests.sandbox.serve import serve

KEY = "an installation's key"
INCIDENT = "INC-1"
SENT: Json = {"state": "sent", "reason": "", "receipt": {"channel": "C1", "ts": "1.2"}, "sentAt": iso(now())}


class Bench:
    """The sandbox's Port, provisioned, with the communications of one incident."""

    def __init__(self, port: Port, url: str) -> None:
        self.port, self.url = port, url
        self.clients: list[PortService] = []
        self.client = self.connect()
        self.catalog = Catalog(self.client, Settings())

    def connect(self) -> PortService:
        """As a process of its own would be."""
        patience = Patience(tries=2, backoff=0.01)
        client = PortService(self.url, PORT_CLIENT_ID, PORT_CLIENT_SECRET, Budget(), patience=patience)
        self.clients.append(client)
        return client

    def chain(self) -> Chain:
        return Chain(self.connect(), KEY)

    async def intended(self, *numbers: int, incident: str = INCIDENT) -> list[str]:
        keys = [f"{incident}:update:{number}" for number in numbers]
        entities = [
            {
                "identifier": key,
                "properties": {
                    "operation": "post_message",
                    "purpose": "update",
                    "state": "sending",
                    "owner": f"p/{key}",
                    "text": "It is slow",
                    "destination": "C1",
                    "intendedAt": iso(now()),
                },
                "relations": {"incident": incident},
            }
            for key in keys
        ]
        outcomes = await self.client.create_entities(COMMUNICATION, entities)
        assert all(one.created for one in outcomes)
        return keys

    async def came_to(self, keys: Sequence[str], **more: Any) -> dict[str, Json]:
        """Write outcomes as the performer does."""
        outcomes = {key: {**SENT, "owner": f"p/{key}", **more} for key in keys}
        await self.catalog.merge_communications(outcomes)
        return outcomes

    async def links(self, incident: str = INCIDENT) -> list[Link]:
        return await read_chain(self.client, incident)

    async def communications(self) -> dict[str, Communication]:
        return {one.step.key: one for one in await self.catalog.communications(INCIDENT)}

    def fault(self, operation: str, **more: Any) -> None:
        self.port.world.faults.add({"service": "port", "operation": operation, **more})

    async def sound(self, number: int) -> list[Link]:
        """The links of the incident, which are so many, fit, and say each outcome once."""
        links = await self.links()
        assert check_chain(links, KEY) == []
        assert check_record(links, await self.communications(), set(), now() + timedelta(hours=1)) == []
        assert len({link.transition for link in links}) == len(links) == number
        return links


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    world = World()
    world.hostility = Hostility.none()
    port = Port(world)
    async with serve(Routes(port.routes())) as url:
        found = Bench(port, url + "/port")
        await provision(found.client, Settings(), portjson.Webhook("https://comms.example.com"))
        for incident in (INCIDENT, "INC-2"):
            await found.client.create_entities("incident", [{"identifier": incident, "properties": {}}])
        yield found
        for client in found.clients:
            await client.aclose()


async def test_outcomes_are_linked_in_the_order_in_which_they_came(bench: Bench) -> None:
    chain = bench.chain()
    keys = await bench.intended(1, 2, 3)
    other = await bench.intended(1, incident="INC-2")
    chain.note(await bench.came_to(keys[:2]))
    await chain.settled()
    chain.note(await bench.came_to([*keys[2:], *other]))
    chain.note({keys[0]: {"warRoom": "room"}})
    await chain.settled()

    links = await bench.sound(3)

    assert [link.communication for link in links] == keys
    assert not any(link.found for link in links)
    assert len(await bench.links("INC-2")) == 1
    entity = await bench.client.get_entity(LINK, f"{INCIDENT}:record:2")
    assert entity is not None
    assert entity["relations"] == {"incident": INCIDENT, "about": keys[1]}
    assert entity["properties"]["receipt"] == {"channel": "C1", "ts": "1.2"}
    end = await chain.head(INCIDENT)
    assert end is not None
    assert (end.number, end.hash) == (3, links[-1].hash)
    assert await chain.head("INC-NONE") is None


async def test_every_outcome_of_a_communication_has_its_link(bench: Bench) -> None:
    chain = bench.chain()
    (key,) = await bench.intended(1)
    chain.note(await bench.came_to([key], state="held", reason="paused", receipt=None, owner="p/1"))
    # The next attempt has begun before the worker looks.
    await bench.catalog.merge_communications({key: {"state": "sending", "owner": "p/2"}})
    await chain.settled()
    chain.note(await bench.came_to([key], owner="p/2"))
    await chain.settled()

    links = await bench.sound(2)

    assert [(link.state, link.owner, link.reason) for link in links] == [
        ("held", "p/1", "paused"),
        ("sent", "p/2", ""),
    ]


async def test_two_processes_link_everything_once(bench: Bench) -> None:
    chains = [bench.chain() for _ in range(3)]
    keys = await bench.intended(*range(12))
    outcomes = await bench.came_to(keys)

    for chain in chains:
        chain.note(outcomes)
    await asyncio.gather(*(chain.settled() for chain in chains))

    await bench.sound(12)
    # And with each knowing only what it has read before.
    more = await bench.came_to(await bench.intended(*range(20, 26)))
    for number, (key, said) in enumerate(more.items()):
        chains[number % 3].note({key: said})
    await asyncio.gather(*(chain.settled() for chain in chains))
    await bench.sound(18)


async def test_a_lost_answer_makes_no_second_link(bench: Bench) -> None:
    chain = bench.chain()
    outcomes = await bench.came_to(await bench.intended(1, 2))
    bench.fault("entities.bulk", drop="after")

    chain.note(outcomes)
    await chain.settled()

    await bench.sound(2)


async def test_what_a_dead_process_left_is_found_and_linked_once(bench: Bench) -> None:
    keys = await bench.intended(1, 2, 3)
    outcomes = await bench.came_to(keys)
    dead = bench.chain()
    dead.note({keys[0]: outcomes[keys[0]]})
    await dead.settled()

    second = bench.chain()
    for chain in (second, second, bench.chain()):
        await chain.catch_up(first=True)
        await chain.settled()

    links = await bench.sound(3)
    assert [link.found for link in links] == [False, True, True]


async def test_a_young_outcome_is_left_to_whoever_has_it_in_hand(bench: Bench) -> None:
    chain = bench.chain()
    await bench.came_to(await bench.intended(1))

    await chain.catch_up(first=False)
    await chain.settled()
    assert await bench.links() == []

    await chain.catch_up(first=True)
    await chain.settled()
    await bench.sound(1)


async def test_what_failed_is_linked_the_next_time_as_it_was_seen(bench: Bench) -> None:
    chain = bench.chain()
    keys = await bench.intended(1)
    outcomes = await bench.came_to(keys)
    bench.fault("*", status=503, times=9)
    chain.note(outcomes)
    await chain.settled()
    assert await chain.head(INCIDENT) is None
    await chain.catch_up(first=False)
    await chain.settled()
    bench.port.world.faults.clear()
    assert await bench.links() == []

    await chain.catch_up(first=False)
    await chain.settled()

    (link,) = await bench.sound(1)
    assert not link.found


async def test_a_state_that_somebody_changed_by_hand_is_not_linked(bench: Bench) -> None:
    chain = bench.chain()
    keys = await bench.intended(1)
    chain.note(await bench.came_to(keys, state="failed", reason="no such channel", receipt=None))
    await chain.settled()

    bench.port.change_entity(COMMUNICATION, keys[0], {"properties": SENT})
    for looking in (chain, bench.chain()):
        await looking.catch_up(first=True)
        await looking.settled()

    links = await bench.links()
    assert [link.state for link in links] == ["failed"]
    (problem,) = check_record(links, await bench.communications(), set(), now())
    assert (problem.trouble, problem.number) == ("changed", 1)


async def test_a_link_that_was_removed_leaves_a_gap_for_ever(bench: Bench) -> None:
    chain = bench.chain()
    keys = await bench.intended(1, 2, 3)
    chain.note(await bench.came_to(keys))
    await chain.settled()

    bench.port.delete_entity(LINK, f"{INCIDENT}:record:2")
    for looking in (chain, bench.chain()):
        await looking.catch_up(first=True)
        await looking.settled()

    links = await bench.links()
    assert [(one.trouble, one.number) for one in check_chain(links, KEY)] == [("missing", 2)]


async def test_a_search_that_lags_misleads_nobody(bench: Bench) -> None:
    first = bench.chain()
    first.note(await bench.came_to(await bench.intended(1, 2)))
    await first.settled()
    bench.port.world.hostility.search_lag_seconds = 5.0
    first.note(await bench.came_to(await bench.intended(3, 4)))
    await first.settled()

    second = bench.chain()
    second.note(await bench.came_to(await bench.intended(5)))
    await second.settled()

    bench.port.world.hostility.search_lag_seconds = 0.0
    await bench.sound(5)


async def test_an_entity_that_is_no_link_takes_its_number(bench: Bench) -> None:
    bench.port.create_entity(LINK, {"identifier": f"{INCIDENT}:record:1", "properties": {"reason": "mine"}})
    bench.port.create_entity(LINK, {"identifier": f"{INCIDENT}:record:x", "properties": {}})
    chain = bench.chain()

    chain.note(await bench.came_to(await bench.intended(1)))
    await chain.settled()

    links = await bench.links()
    assert [link.number for link in links] == [1, 2]
    assert [(one.trouble, one.number) for one in check_chain(links, KEY)] == [("altered", 1)]


async def test_without_its_blueprint_nothing_is_linked_and_nothing_breaks(bench: Bench) -> None:
    chain = bench.chain()
    outcomes = await bench.came_to(await bench.intended(1))
    del bench.port.store.blueprints[LINK]

    chain.note(outcomes)
    await chain.settled()
    await chain.catch_up(first=True)
    await chain.settled()

    assert await chain.head(INCIDENT) is None


async def test_a_process_that_stops_finishes_what_it_can_in_time(bench: Bench) -> None:
    chain = bench.chain()
    chain.note(await bench.came_to(await bench.intended(1)))
    await chain.stop()
    await bench.sound(1)

    hanging = bench.chain()
    bench.fault("entities.bulk", delay=0.5)
    hanging.note(await _noted(bench))
    await hanging.stop(seconds=0.05)


async def _noted(bench: Bench) -> dict[str, Json]:
    (key,) = await bench.intended(9)
    return {key: {**SENT, "owner": f"p/{key}"}}
