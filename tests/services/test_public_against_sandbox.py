"""Status page and mail clients against the emulators, over HTTP and SMTP, with lost answers and limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from starlette.routing import Router

from integration.budget import Budget
from integration.errors import Ambiguous, CredentialsRefused, Refused, Unreachable
from integration.services.http import Patience
from integration.services.mailer import Mailer
from integration.services.statuspage import NOT_FOUND, StatuspageService
from sandbox.mail.service import Mailbox
from sandbox.statuspage.seeding import DEFAULT_PAGE as PAGE
from sandbox.statuspage.service import Statuspage
from sandbox.world import World
from tests.sandbox.serve import serve
from tests.services import request_contract

KEY = "sandbox-statuspage-key"
MARKER = {"incident_comms": {"incident": "INC-1", "key": "INC-1/publish"}}
CHECKOUT, SEARCH = "sbxcheckout1", "sbxsearch001"


@dataclass
class Stage:
    world: World
    theirs: Statuspage
    ours: StatuspageService

    def effects(self, operation: str) -> int:
        return sum(entry.effect is not None for entry in self.world.journal if entry.operation == operation)


@pytest.fixture
async def stage(budget: Budget, patience: Patience) -> AsyncIterator[Stage]:
    world = World(seed=7)
    theirs = Statuspage(world)
    theirs.seed_default()
    theirs.seed({"keys": [KEY]})
    async with serve(Router(theirs.routes())) as base:
        ours = StatuspageService(f"{base}/statuspage/v1", KEY, budget, timeout=3.0, patience=patience)
        yield Stage(world, theirs, ours)
        await ours.aclose()


async def a_whole_incident(ours: StatuspageService) -> None:
    assert [page.id for page in await ours.pages()] == [PAGE]
    found = await ours.components(PAGE)
    assert {one.status for one in found} == {"operational"}

    published = await ours.create_incident(
        PAGE,
        name="Checkout fails",
        status="investigating",
        body="Payments fail. We are looking into it.",
        components={CHECKOUT: "major_outage"},
        deliver_notifications=False,
        metadata=MARKER,
    )
    assert published.components == {CHECKOUT: "major_outage"}
    assert published.metadata == MARKER
    assert [one.id for one in await ours.unresolved(PAGE)] == [published.id]
    assert [one.id for one in await ours.newest(PAGE)] == [published.id]

    more = await ours.update_incident(
        PAGE,
        published.id,
        status="identified",
        body="A change of this morning is at fault.",
        components={SEARCH: "degraded_performance"},
        component_ids=[CHECKOUT, SEARCH],
        deliver_notifications=True,
    )
    assert more.components == {CHECKOUT: "major_outage", SEARCH: "degraded_performance"}
    assert (more.updates[0].status, more.updates[0].deliver_notifications) == ("identified", True)
    assert more.metadata == MARKER  # not named, so it stays

    await ours.update_incident(
        PAGE, published.id, status="resolved", body="All is well.", deliver_notifications=False
    )
    still = await ours.incident(PAGE, published.id)
    assert still is not None
    assert (still.over, still.components[CHECKOUT]) == (True, "major_outage")  # resolving resets nothing
    assert await ours.unresolved(PAGE) == []
    assert await ours.hooks(PAGE) == []


async def test_an_incident_from_first_word_to_last(stage: Stage) -> None:
    await a_whole_incident(stage.ours)
    assert (stage.effects("incidents.create"), stage.effects("incidents.update")) == (1, 2)


async def test_every_request_keeps_the_vendors_contract(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = {"HOSTS": "https://api.statuspage.io", "SERVERS": "/v1", "PREFIXES": "/statuspage/v1"}
    for table, value in served.items():
        monkeypatch.setitem(getattr(request_contract, table), "statuspage", value)

    await a_whole_incident(stage.ours)

    assert request_contract.request_violations(stage.world.journal) == []


async def test_hundreds_of_incidents_are_read_once_each(stage: Stage) -> None:
    stage.theirs.seed({"rate": {"per_minute": 0}})
    incidents = [{"name": f"Incident {n}", "status": "resolved", "body": "Over."} for n in range(250)]
    stage.theirs.seed({"pages": [{"id": "manyincident", "name": "Many", "incidents": incidents}]})

    lists = [found async for found in stage.ours.incidents("manyincident")]

    assert [len(found) for found in lists] == [100, 100, 50]
    assert len({one["id"] for found in lists for one in found}) == 250
    assert all(one["incident_updates"] for found in lists for one in found)
    assert sum(entry.operation == "incidents.list" for entry in stage.world.journal) == 3


async def test_a_lost_answer_leaves_one_incident_with_its_marker(stage: Stage) -> None:
    stage.world.faults.add({"service": "statuspage", "operation": "incidents.create", "drop": "after"})

    with pytest.raises(Ambiguous):
        await stage.ours.create_incident(
            PAGE,
            name="Checkout fails",
            status="investigating",
            body="We are looking into it.",
            deliver_notifications=False,
            metadata=MARKER,
        )

    assert [one.metadata for one in await stage.ours.newest(PAGE)] == [MARKER]
    assert stage.effects("incidents.create") == 1


async def test_refusals_publish_nothing(stage: Stage) -> None:
    async def publish(page: str, component: str) -> None:
        await stage.ours.create_incident(
            page,
            name="Checkout fails",
            status="investigating",
            body="We are looking into it.",
            components={component: "major_outage"},
            deliver_notifications=False,
        )

    with pytest.raises(Refused) as refused:
        await publish(PAGE, "nocomponent1")
    assert "nocomponent1" in str(refused.value)
    with pytest.raises(Refused) as refused:
        await publish("nosuchpage01", CHECKOUT)
    assert refused.value.code == NOT_FOUND
    assert await stage.ours.incident(PAGE, "noincident01") is None
    assert await stage.ours.page("nosuchpage01") is None
    stage.theirs.seed({"keys": ["another-key"]})
    with pytest.raises(CredentialsRefused):
        await publish(PAGE, CHECKOUT)
    assert stage.effects("incidents.create") == 0


@pytest.mark.parametrize("status", [420, 429])
async def test_the_vendors_limit_is_waited_out(stage: Stage, status: int) -> None:
    stage.world.faults.add(
        {
            "service": "statuspage",
            "operation": "pages.get",
            "status": status,
            "retry_after": "0",
        }
    )

    assert await stage.ours.page(PAGE) is not None


# -- mail --------------------------------------------------------------------------------------------


async def test_mail_and_its_mishaps() -> None:
    mailbox = Mailbox(World(seed=7))
    port = await mailbox.start()
    ours = Mailer("127.0.0.1", port, "comms", "sandbox-smtp-password", "none", "incidents@example.com", 2.0)
    mailbox.require_login("comms", "sandbox-smtp-password")
    people = ["oncall@example.com", "lead@example.com", "gone@example.com"]
    mailbox.refuse("gone@example.com", 550)
    mails = {
        to: ours.build(
            recipient=to,
            subject="Checkout fails",
            text="We know.",
            html="<p>We know.</p>",
            key=to,
            thread="INC-1",
        )
        for to in people
    }

    done = await asyncio.gather(*(ours.send(mail, to) for to, mail in mails.items()), return_exceptions=True)

    assert [type(one).__name__ for one in done] == ["MailReceipt", "MailReceipt", "Refused"]
    taken = mailbox.inbox()
    assert sorted(one.recipients for one in taken) == [(to,) for to in sorted(people[:2])]
    assert {one.message_id for one in taken} == {ours.message_id(to) for to in people[:2]}
    assert {one.references for one in taken} == {(ours.message_id("INC-1"),)}
    assert {(one.text.strip(), one.html.strip()) for one in taken} == {("We know.", "<p>We know.</p>")}

    mailbox.require_login("comms", "another password")
    with pytest.raises(CredentialsRefused):
        await ours.send(mails[people[0]], people[0])
    await mailbox.down()
    with pytest.raises(Unreachable):
        await ours.send(mails[people[0]], people[0])
    await mailbox.stop()
    assert len(mailbox.inbox()) == 2


async def test_a_mail_whose_answer_is_lost_may_have_arrived() -> None:
    world = World(seed=7)
    mailbox = Mailbox(world)
    port = await mailbox.start()
    ours = Mailer("127.0.0.1", port, "", "", "none", "incidents@example.com", 2.0)
    mail = ours.build(recipient="oncall@example.com", subject="Checkout fails", text="We know.", key="k")
    world.faults.add({"service": "mail", "operation": "smtp.data", "drop": "after"})

    with pytest.raises(Ambiguous):
        await ours.send(mail, "oncall@example.com")

    assert len(mailbox.inbox()) == 1
    await mailbox.stop()
