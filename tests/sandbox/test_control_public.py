"""The control API's status page and mailbox: what people do by hand, and what became of it."""

from __future__ import annotations

import json
import smtplib
from asyncio import to_thread
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from sandbox import credentials
from sandbox.statuspage.seeding import DEFAULT_PAGE as PAGE
from tests.sandbox import control_bench
from tests.sandbox.serve import serve, until

CEO = "ceo@example.com"


class Bench(control_bench.Bench):
    async def open(self, **more: Any) -> Any:
        given = {"page": PAGE, "name": "Checkout is slow", **more}
        return await self.control("POST", "/statuspage/incidents", given)

    async def send(self, to: str, subject: str = "News") -> None:
        def session() -> None:
            with smtplib.SMTP("127.0.0.1", self.sandbox.mail.port, timeout=5) as smtp:
                words = f"Subject: {subject}\nTo: {to}\n\nHello"
                smtp.sendmail(credentials.MAIL_FROM, [to], words)

        await to_thread(session)


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    async with control_bench.served(kind=True) as found:
        await found.sandbox.mail.start()
        yield Bench(found.sandbox, found.http)


async def test_the_start_situation_has_a_page_with_five_components(bench: Bench) -> None:
    seen = await bench.control("GET", f"/statuspage/view/{PAGE}")
    assert len(seen["groups"]) == 1
    assert len(seen["components"]) + len(seen["groups"][0]["components"]) == 5
    await bench.open(components={"Checkout": "major_outage"})
    await bench.control("POST", "/reset")
    assert await bench.control("GET", f"/statuspage/view/{PAGE}") == seen


async def test_people_keep_an_incident_on_the_page(bench: Bench) -> None:
    made = await bench.open(components={"Checkout": "partial_outage"})
    path = f"/statuspage/incidents/{made['id']}"
    said = await bench.control("POST", path, {"body": "A bad deploy", "status": "identified"})
    await bench.control("PATCH", f"{path}/updates/{said['id']}", {"body": "A deploy"})
    await bench.control("PATCH", path, {"name": "Checkout fails"})
    shown = await bench.control("GET", path)
    assert (shown["name"], shown["status"]) == ("Checkout fails", "identified")
    assert shown["incident_updates"][0]["body"] == "A deploy"
    assert shown["notified"][said["id"]] == {"email": 2}
    seen = await bench.control("GET", f"/statuspage/view/{PAGE}")
    assert [one["name"] for one in seen["open"]] == ["Checkout fails"]
    wrong = await bench.control("PATCH", path, {"incident": {"name": "x"}}, 400)
    assert wrong["field"] == "incident"
    await bench.control("DELETE", path)
    assert (await bench.control("GET", path, status=404))["field"] == "incident"
    assert await bench.control("GET", "/statuspage/incidents") == []


async def test_webhooks_go_where_the_page_sends_them_and_nowhere_else(bench: Bench) -> None:
    seen: dict[str, list[str]] = {"old": [], "new": []}

    async def receive(request: Request) -> Response:
        told = json.loads(await request.body())
        seen[request.path_params["which"]].append("component" if "component" in told else "incident")
        return Response(status_code=200)

    async with serve(Router([Route("/{which}", receive, methods=["POST"])])) as there:
        await bench.control("POST", "/statuspage/webhook-url", {"url": f"{there}/old"})
        await bench.control("POST", "/statuspage/webhook-url", {"url": f"{there}/new", "page": PAGE})
        await bench.open()
        await bench.control("PATCH", "/statuspage/components/Login", {"status": "major_outage"})
        await until(lambda: sorted(seen["new"]) == ["component", "incident"], what="both webhooks")
        await bench.control("POST", "/statuspage/webhook-url", {"url": None})
        await bench.control("POST", "/statuspage/components/Login", {"status": "operational"})
        out = await bench.control("GET", "/journal?service=statuspage")
    assert seen["old"] == []
    assert [entry["operation"] for entry in out] == ["webhook.incident", "webhook.component"]


async def test_subscribers_are_confirmed_and_quarantined(bench: Bench) -> None:
    added = await bench.control("POST", "/statuspage/subscribers", {"page": PAGE, "email": CEO})
    path = f"/statuspage/subscribers/{added['id']}"
    assert (await bench.control("POST", f"{path}/quarantine"))["quarantined_at"]
    made = await bench.open()
    assert await _told(bench, made["id"]) == [{"email": 2}]
    await bench.control("POST", f"{path}/confirm")
    await bench.control("POST", f"/statuspage/incidents/{made['id']}", {"body": "more"})
    assert {"email": 3} in await _told(bench, made["id"])


async def _told(bench: Bench, incident: str) -> list[Any]:
    shown = await bench.control("GET", f"/statuspage/incidents/{incident}")
    return list(shown["notified"].values())


async def test_mail_is_read_refused_and_lost(bench: Bench) -> None:
    await bench.send(CEO)
    await bench.send("other@example.com")
    [mail] = await bench.control("GET", f"/mail/inbox?address={CEO}")
    assert (mail["subject"], mail["recipients"]) == ("News", [CEO])
    assert len(await bench.control("GET", "/mail/inbox")) == 2

    await bench.control("POST", "/mail/refuse", {"address": CEO, "code": 450, "times": 1})
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await bench.send(CEO)
    await bench.send(CEO)

    await bench.control("POST", "/mail/down")
    with pytest.raises(OSError, match="refused"):
        await bench.send(CEO)
    await bench.control("POST", "/mail/up")
    await bench.send(CEO)

    await bench.control("POST", "/mail/login", {"user": "u", "password": "p"})
    with pytest.raises(smtplib.SMTPException):
        await bench.send(CEO)
    await bench.control("POST", "/mail/login", {})
    await bench.send(CEO)
    state = await bench.control("GET", "/mail")
    assert (state["running"], len(state["messages"])) == (True, 5)
    operations = {entry["operation"] for entry in await bench.control("GET", "/journal?service=mail")}
    assert operations == {"smtp.connect", "smtp.rcpt", "smtp.data"}


async def test_reset_and_seed_reach_page_and_mailbox(bench: Bench) -> None:
    await bench.send(CEO)
    await bench.control("POST", "/mail/down")
    await bench.control("POST", "/reset")
    await until(lambda: bench.sandbox.mail.running, what="the mailbox being up again")
    assert await bench.control("GET", "/mail/inbox") == []
    seed = {
        "statuspage": {"pages": [{"id": "sbxsecond001", "name": "Second", "components": ["One"]}]},
        "mail": {"refuse": {CEO: 550}},
    }
    await bench.control("POST", "/seed", seed)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await bench.send(CEO)
    state = await bench.control("GET", "/state")
    assert {page["name"] for page in state["statuspage"]["pages"]} == {"Example Shop Status", "Second"}
    assert list(state["mail"]["refused"]) == [CEO]


async def test_a_vendor_s_client_finds_the_page_and_a_wrong_key_none(bench: Bench) -> None:
    path = f"/statuspage/v1/pages/{PAGE}/components.json"
    key = {"authorization": f"OAuth {credentials.STATUSPAGE_API_KEY}"}
    names = {one["name"] for one in (await bench.http.get(path, headers=key)).json()}
    assert "Checkout" in names
    assert (await bench.http.get(path, headers={"authorization": "OAuth wrong"})).status_code == 401
    clock = await bench.control("PATCH", "/clock", {"statuspage": 3600, "mail": -60})
    assert clock == {"statuspage": 3600.0, "mail": -60.0}
