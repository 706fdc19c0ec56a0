"""Whatever people do, whatever fails and whenever the process dies: in the end there is one of each effect,
nothing is `sent` without a receipt, nothing is left `sending`, and the receipts are what the providers hold.

The planner, the performer, the take-overs and the sweeper are the product's; the providers are the
sandbox's; only the process is not one: it dies at a call (`tests/deaths.py`) and is built anew.
`make rehearse` plays forty examples, `make rehearse LIVES=500` that many; one that fails is made as short as
it gets, and printed step by step.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any, ClassVar

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from integration import engine, sweeper
from integration.verify import verify
from sandbox.port.service import ADMIN
from sandbox.port.wire import PortError
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.world import Json
from tests.deaths import Death, Moment, Owners
from tests.lives import COMMANDER, Lives, lives, loop_with
from tests.services.conftest import GenerousBudget

INCIDENT = "INC-1"
CHECKOUT = "sbxcheckout1"
READERS = ("dana@example.com", "support@example.com")
WORDS = ("Payments fail.", "Payments work again.")
STATUSES = ("investigating", "identified", "resolved")
CALM_SECONDS = 30.0

FAULTS: tuple[Json, ...] = (
    {"drop": "before"},
    {"drop": "after"},
    {"drop": "half"},
    {"malformed": True},
    {"status": 503},
    {"status": 500, "after_effect": True},
    {"status": 429, "retry_after": "0.1"},
    {"answer_delay": 0.5},
    {"effect_delay": 0.03},
)
moments = st.sampled_from(["before", "after", "answered"])
deaths = (
    st.none()
    | st.builds(Death, calls=st.integers(1, 25), moment=moments)
    # In the middle of a mail: greeted, its reader named, its words handed over.
    | st.builds(Death, calls=st.integers(1, 6), moment=moments, of=st.just("/mail/"))
)


class World:
    """The lives that all examples of a test share, and their event loop."""

    def __init__(self) -> None:
        self._owners = Owners()
        self._runner = asyncio.Runner(loop_factory=loop_with(self._owners))
        self._context = lives(self._owners)
        self.lives: Lives = self.do(self._context.__aenter__())
        port = self.lives.sandbox.port
        for blueprint, entity in (("statuspage", DEFAULT_PAGE), ("statuspageComponent", CHECKOUT)):
            port.create_entity(blueprint, {"identifier": entity, "title": entity}, ADMIN)

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self.do(self._context.__aexit__(None, None, None))
        self._runner.close()


class AnyOrder(RuleBasedStateMachine):
    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.lives = self.world.lives
        self.doubtful: set[str] = set()  # mails that a person has sent although they were unknown

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        async def in_time() -> T:
            async with asyncio.timeout(2 * CALM_SECONDS):
                return await work

        return self.world.do(in_time())

    @initialize()
    def begin(self) -> None:
        self.do(self._begin())

    async def _begin(self) -> None:
        await self.lives.again()
        slack = self.lives.sandbox.slack
        channels = [slack.create_channel(f"readers-{one}", COMMANDER)["id"] for one in (1, 2)]
        self._switch(False)
        port = self.lives.sandbox.port
        properties: Json = {"slackChannels": channels, "emails": list(READERS), "notices": True}
        port.create_entity("commsAudience", {"identifier": "readers", "properties": properties}, ADMIN)
        self.lives.start()
        properties = {
            "status": "investigating",
            "severity": "sev3",
            "startedAt": port.world.clock.iso("port"),
        }
        entity = {"identifier": INCIDENT, "title": "Checkout is slow", "properties": properties}
        port.create_entity("incident", entity, COMMANDER)

    # What people do

    def _press(self, action: str, entity: str, inputs: Json, death: Death | None, times: int = 1) -> None:
        """Press a button, and see the runs end or the process die."""
        self.do(self._pressed(action, entity, inputs, death, times))

    async def _pressed(self, action: str, entity: str, inputs: Json, death: Death | None, times: int) -> None:
        self.lives.gate.death = death
        for _ in range(times):
            self.lives.press(action, entity, COMMANDER, **inputs)
        await self.lives.seen_through()

    @precondition(lambda self: self.lives.alive)
    @rule(death=deaths, times=st.sampled_from([1, 1, 2]))
    def open(self, death: Death | None, times: int) -> None:
        self._press("open_war_room", INCIDENT, {}, death, times)

    @precondition(lambda self: self.lives.alive)
    @rule(death=deaths)
    def close(self, death: Death | None) -> None:
        self._press("close_war_room", INCIDENT, {}, death)

    @precondition(lambda self: self.lives.alive)
    @rule(death=deaths, text=st.sampled_from(WORDS), again=st.booleans(), times=st.sampled_from([1, 1, 2]))
    def update(self, death: Death | None, text: str, again: bool, times: int) -> None:
        given = {"audiences": ["readers"], "text": text, "sendAgain": again}
        self._press("post_update", INCIDENT, given, death, times)

    @precondition(lambda self: self.lives.alive)
    @rule(death=deaths, status=st.sampled_from(STATUSES), severity=st.sampled_from(["sev1", "sev3"]))
    def change(self, death: Death | None, status: str, severity: str) -> None:
        self.do(self._changed(death, {"status": status, "severity": severity}))

    async def _changed(self, death: Death | None, properties: Json) -> None:
        self.lives.gate.death = death
        self.lives.sandbox.port.change_entity("incident", INCIDENT, {"properties": properties}, COMMANDER)
        await asyncio.sleep(0)
        await self.lives.seen_through()

    @precondition(lambda self: self.lives.alive)
    @rule(death=deaths, what=st.sampled_from(["publish", "update", "resolve"]), text=st.sampled_from(WORDS))
    def in_public(self, death: Death | None, what: str, text: str) -> None:
        given: Json = {"body": text, "notifySubscribers": False}
        if what == "publish":
            given |= {"page": DEFAULT_PAGE, "name": "Payments fail", "status": "investigating"}
        if what != "resolve":
            given |= {"components": [CHECKOUT], "componentStatus": "partial_outage"}
        self._press(f"{what}_status_page", INCIDENT, given, death)

    @precondition(lambda self: self.lives.alive)
    @rule(death=deaths, which=st.integers(0, 20))
    def send(self, death: Death | None, which: int) -> None:
        open_ones = [
            key for key, one in self.lives.record().items() if one["state"] in ("held", "failed", "unknown")
        ]
        if not open_ones:
            return
        key = sorted(open_ones)[which % len(open_ones)]
        self.doubtful.add(key)
        try:
            self._press("send_communication", key, {}, death)
        except PortError:
            return  # it is not for sending

    @precondition(lambda self: self.lives.alive)
    @rule()
    def deliver_again(self) -> None:
        """The last call of Port's, word for word."""
        self.do(self._delivered_again())

    async def _delivered_again(self) -> None:
        sandbox = self.lives.sandbox
        calls = [
            entry
            for entry in sandbox.world.journal
            if entry.direction == "out" and entry.operation.startswith("webhook.")
        ]
        if calls:
            last = calls[-1]
            answer = await sandbox.engine.webhooks._outside().post(
                last.path, content=last.request["body"].encode(), headers=last.request["headers"]
            )
            assert answer.status_code == 202, answer.text
            await self.lives.idle()

    @rule(on=st.booleans())
    def pause(self, on: bool) -> None:
        self._switch(on)

    def _switch(self, on: bool) -> None:
        port = self.lives.sandbox.port
        properties = {"paused": on, "reason": "a rehearsal"}
        port.change_entity("commsSwitch", "communications", {"properties": properties}, ADMIN)

    # What happens to it

    @rule(
        service=st.sampled_from(["slack", "zoom", "port", "statuspage", "mail"]),
        skip=st.integers(0, 6),
        fault=st.sampled_from(FAULTS),
        times=st.integers(1, 2),
    )
    def fail(self, service: str, skip: int, fault: Json, times: int) -> None:
        self.lives.sandbox.world.faults.add({"service": service, "skip": skip, "times": times, **fault})

    @precondition(lambda self: self.lives.alive)
    @rule()
    def die(self) -> None:
        self.do(self.lives.kill())

    @precondition(lambda self: not self.lives.alive)
    @rule(death=deaths)
    def come_back(self, death: Death | None) -> None:
        self.do(self.lives.swept(death))

    # How it stands in the end

    def teardown(self) -> None:
        if "incident" in self.lives.sandbox.port.store.entities:
            self.do(self._judge())

    async def _judge(self) -> None:
        self.lives.sandbox.world.faults.clear()
        self._switch(False)
        await self._calm()
        self._truths()
        await self._said_by_verify()
        # Whatever happened, a person can have a room.
        self.lives.sandbox.port.change_entity(
            "incident", INCIDENT, {"properties": {"status": "investigating", "severity": "sev1"}}, COMMANDER
        )
        await self.lives.seen_through()
        run = self.lives.press("open_war_room", INCIDENT, COMMANDER)
        await self.lives.seen_through()
        ended = self.lives.run(run)
        assert ended["status"] == "SUCCESS", ended.get("summary")
        await self._calm()
        self._truths()

    async def _calm(self) -> None:
        """Started anew, it comes to rest: no run and no communication is left in the middle."""
        await self.lives.swept()
        engine = self.lives.engine
        assert engine is not None
        until = asyncio.get_running_loop().time() + CALM_SECONDS
        while True:
            await self.lives.idle()
            await self.lives.live(engine.performer.flush())
            await self.lives.live(_beside(engine.sweeper))
            runs = [run.id for run in self.lives.sandbox.engine.runs if not run.final]
            sending = [key for key, one in self.lives.record().items() if one["state"] == "sending"]
            if not runs and not sending:
                break
            assert asyncio.get_running_loop().time() < until, f"no end: runs {runs}, sending {sending}"
            await self.lives.live(engine.sweeper.sweep(first=True))
        await self.lives.live(engine.chain.catch_up(first=True))
        await self.lives.live(engine.chain.settled())

    def _truths(self) -> None:
        held = self._at_the_providers()
        for key, one in self.lives.record().items():
            there = held[key]
            wanted = {"sent": {1}, "unknown": {0, 1}}.get(one["state"], {0})
            if key in self.doubtful and one["operation"] == "send_email":
                wanted |= {2}
            assert there in wanted, f"{key} is {one['state']} ({one.get('reason')}), and stands {there} times"
            if one["state"] == "sent":
                assert one.get("receipt"), key
                assert self._receipt_holds(one), f"{key}: {one['receipt']} is not what the provider has"
            if one["state"] == "unknown":
                assert one["operation"] == "send_email", f"{key}: {one.get('reason')}"
        assert set(held) <= set(self.lives.record()), set(held) - set(self.lives.record())

    def _at_the_providers(self) -> Counter[str]:
        """How often each communication stands at its provider, by our marks."""
        sandbox, record = self.lives.sandbox, self.lives.record()
        found: Counter[str] = Counter()
        for channel in sandbox.slack.store.channels.values():
            for versions in channel.messages.values():
                payload = ((versions.now or {}).get("metadata") or {}).get("event_payload") or {}
                if "key" in payload:
                    found[payload["key"]] += 1
        for meeting in sandbox.zoom.state()["meetings"]:
            if not meeting["deleted"]:
                found[meeting["agenda"].partition("]")[0].removeprefix("[")] += 1
        for public in self._public():
            marked = public["metadata"]["incident_comms"]
            found[marked["key"]] += 1
        for key, one in record.items():
            if one["operation"] == "open_channel":
                tag = one["details"]["names"][0].rsplit("-", 1)[-1]
                found[key] += sum(
                    channel.name.endswith(tag) and not channel.archived
                    for channel in sandbox.slack.store.channels.values()
                )
            if one["operation"] == "send_email":
                ids = {(one.get("receipt") or {}).get("messageId")} - {None} or {self._message_id(key)}
                found[key] += sum(mail.message_id in ids for mail in sandbox.mail.messages)
            if one["operation"] in ("update_incident", "resolve_incident"):
                update = (one.get("receipt") or {}).get("update")
                found[key] += sum(
                    each["id"] == update for public in self._public() for each in public["incident_updates"]
                )
        return +found

    def _message_id(self, key: str) -> str:
        engine = self.lives.engine
        assert engine is not None
        return str(engine.performer._effects["send_email"]._mail.message_id(key))  # type: ignore[attr-defined]

    def _public(self) -> list[Json]:
        return [one for one in self.lives.sandbox.statuspage.state()["incidents"] if not one.get("deleted")]

    def _receipt_holds(self, one: Json) -> bool:
        sandbox, receipt = self.lives.sandbox, one["receipt"]
        if one["operation"] == "post_message":
            message = sandbox.slack.store.channels[receipt["channel"]].message(receipt["ts"])
            return message is not None
        if one["operation"] == "open_channel":
            return receipt["channel"] in sandbox.slack.store.channels
        if one["operation"] == "open_bridge":
            return receipt["meeting"] in {str(each["id"]) for each in sandbox.zoom.state()["meetings"]}
        if one["operation"] == "send_email":
            return receipt["messageId"] in {mail.message_id for mail in sandbox.mail.messages}
        updates = {each["id"] for public in self._public() for each in public["incident_updates"]}
        return receipt["update"] in updates

    async def _said_by_verify(self) -> None:
        engine = self.lives.engine
        assert engine is not None
        if not self.lives.record():
            return
        report = await verify(engine.port, engine.settings, INCIDENT, engine.slack, engine.statuspage)
        assert report.result == "intact", report.as_text()


async def _beside(of: sweeper.Sweeper) -> None:
    tasks = [task for task in of._beside.values() if not task.done()]
    if tasks:
        await asyncio.wait(tasks)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    patch = pytest.MonkeyPatch()
    patch.setattr(engine, "Budget", GenerousBudget)
    found = World()
    yield found
    found.close()
    patch.undo()


def play(world: World, examples: int, steps: int, *, derandomize: bool = False) -> None:
    AnyOrder.world = world
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=derandomize,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(AnyOrder, settings=chosen)


def test_in_any_order_everything_is_there_once(world: World) -> None:
    """The same few examples each time: a change that breaks them is at fault, not the dice."""
    play(world, 3, 6, derandomize=True)


@pytest.mark.parametrize(
    "moment", ["after", *(pytest.param(one, marks=pytest.mark.rehearsal) for one in ("before", "answered"))]
)
def test_a_death_in_the_middle_of_a_mail_sends_none_twice(world: World, moment: Moment) -> None:
    AnyOrder.world = world
    one = AnyOrder()
    one.begin()

    one.update(death=Death(1, moment, "/mail/smtp.data"), text=WORDS[0], again=False, times=1)

    assert not one.lives.alive
    one.teardown()  # the next life comes to rest, and its record holds
    states = sorted(
        each["state"] for each in one.lives.record().values() if each["operation"] == "send_email"
    )
    assert len(states) == len(READERS)
    assert "unknown" in states or moment == "answered"
    assert len(one.lives.sandbox.mail.messages) <= len(READERS)


@pytest.mark.rehearsal
@pytest.mark.timeout(3600)
def test_in_many_orders_everything_is_there_once(world: World) -> None:
    play(world, int(os.environ.get("LIVES", "40")), 12)
