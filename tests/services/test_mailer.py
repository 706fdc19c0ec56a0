"""Mailer hands mails over to SMTP servers on loopback, which do or do not take them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from integration.errors import Ambiguous, Refused, Unreachable
from integration.services.mailer import Mailer
from tests.services.mail_servers import (
    SENDER,
    TO,
    Inbox,
    Scripted,
    a_mail,
    failing,
    mailer,
    scripted,
    serving,
)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def port(inbox: Inbox) -> AsyncIterator[int]:
    async with serving(inbox) as found:
        yield found


# -- handing over ------------------------------------------------------------------------------------


async def test_a_mail_arrives_as_it_was_built(inbox: Inbox, port: int) -> None:
    client = mailer(port)
    when = dt.datetime(2026, 3, 1, 13, 0, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    built = a_mail(
        client, subject="Zahlung fällt aus ⚠", text="Größe: 5 €\n.\nEnde", html="<p>5 €</p>", date=when
    )

    receipt = await client.send(built, TO)

    got = inbox.read()
    assert (inbox.mails[0].mail_from, inbox.mails[0].rcpt_tos) == (SENDER, [TO])
    assert (got["From"], got["To"], got["Subject"]) == (SENDER, TO, "Zahlung fällt aus ⚠")
    assert got["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["Message-ID"] == client.message_id("INC-1/mail/1") == receipt.message_id
    assert receipt.response == "250 2.0.0 OK: queued as 4F2A"
    assert not {"List-Unsubscribe", "References", "In-Reply-To"} & set(got.keys())
    assert got.get_content_type() == "multipart/alternative"
    plain, html = got.iter_parts()
    assert (plain.get_content_type(), plain.get_content()) == ("text/plain", "Größe: 5 €\r\n.\r\nEnde\r\n")
    assert (html.get_content_type(), html.get_content()) == ("text/html", "<p>5 €</p>\r\n")
    assert inbox.hellos == ["example.com"]


async def test_without_html_it_is_plain_text(inbox: Inbox, port: int) -> None:
    client = mailer(port)

    await client.send(a_mail(client), TO)

    assert inbox.read().get_content_type() == "text/plain"
    assert inbox.read().get_content() == "We know.\r\n"


async def test_each_person_has_a_transaction_of_their_own_and_few_run_at_once(
    inbox: Inbox, port: int
) -> None:
    client = mailer(port, connections=3)
    people = [f"person-{n}@example.org" for n in range(12)]

    receipts = await asyncio.gather(*(client.send(a_mail(client, recipient=to, key=to), to) for to in people))

    assert sorted(envelope.rcpt_tos for envelope in inbox.mails) == sorted([to] for to in people)
    assert len({receipt.message_id for receipt in receipts}) == 12
    assert 1 < inbox.at_most <= 3


async def test_a_farewell_that_fails_changes_nothing() -> None:
    for said in ("drop", "500 no"):
        script = Scripted(QUIT=said)
        async with scripted(script) as port:
            client = mailer(port)
            assert (await client.send(a_mail(client), TO)).response == "250 taken"


async def test_an_old_server_that_knows_no_ehlo_will_do() -> None:
    script = Scripted(EHLO="502 what?", HELO="250 hello")
    async with scripted(script) as port:
        client = mailer(port)
        await client.send(a_mail(client), TO)
    assert script.heard == ["EHLO", "HELO", "MAIL", "RCPT", "DATA", ".", "QUIT"]


# -- what may go wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "operation", "code"),
    [
        ({"connect": "554 not you"}, "connect", "554"),
        ({"EHLO": "421 closing", "HELO": "421 closing"}, "EHLO", "421"),
        ({"MAIL": "550 5.7.1 sender unknown"}, "MAIL", "550"),
        ({"RCPT": "550 5.1.1 no such person"}, "RCPT", "550"),
        ({"RCPT": "451 4.7.1 greylisted"}, "RCPT", "451"),
        ({"DATA": "451 no room"}, "DATA", "451"),
        ({"end": "554 5.7.1 looks like spam"}, "DATA", "554"),
        ({"end": "552-too|552 large"}, "DATA", "552"),
    ],
)
async def test_a_no_is_a_refusal_with_code_and_words(
    script: dict[str, str], operation: str, code: str
) -> None:
    failed = await failing(Scripted(**script))

    assert type(failed) is Refused
    assert (failed.service, failed.operation, failed.code) == ("mail", operation, code)
    assert next(iter(script.values())).split("|")[0][4:] in str(failed)


async def test_a_refused_recipient_costs_nobody_else_their_mail(inbox: Inbox, port: int) -> None:
    client = mailer(port)
    inbox.recipient_answer = "550 5.1.1 no such person"
    with pytest.raises(Refused) as refused:
        await client.send(a_mail(client), TO)
    assert refused.value.code == "550"
    inbox.recipient_answer = "250 OK"

    await client.send(a_mail(client), TO)

    assert len(inbox.mails) == 1


@pytest.mark.parametrize("stage", ["connect", "EHLO", "MAIL", "RCPT"])
@pytest.mark.parametrize("how", ["drop", "hang", "rubbish"])
async def test_before_data_nothing_has_happened(stage: str, how: str) -> None:
    script = Scripted(**{stage: how})

    failed = await failing(script, timeout=0.2)

    assert type(failed) is Unreachable
    assert "DATA" not in script.heard
    assert (failed.code == "no answer in time") == (how == "hang")


@pytest.mark.parametrize("stage", ["DATA", "end"])
@pytest.mark.parametrize("how", ["drop", "hang", "rubbish", "250-half an answer"])
async def test_after_data_silence_is_ambiguous(stage: str, how: str) -> None:
    if (stage, how) == ("DATA", "250-half an answer"):
        how = "250 odd"
    failed = await failing(Scripted(**{stage: how}), timeout=0.1)

    assert type(failed) is Ambiguous
    assert failed.operation == "DATA"


async def test_a_server_may_take_its_time_to_take_a_mail(inbox: Inbox, port: int) -> None:
    client = mailer(port, timeout=0.2)

    async def slow(server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(0.35)  # longer than every other answer may take
        return "250 taken"

    inbox.handle_DATA = slow  # type: ignore[method-assign]

    assert (await client.send(a_mail(client), TO)).response == "250 taken"


async def test_nobody_there(unused_tcp_port: int) -> None:
    client = mailer(unused_tcp_port)
    with pytest.raises(Unreachable) as failed:
        await client.send(a_mail(client), TO)
    assert str(unused_tcp_port) in str(failed.value)


@pytest.mark.parametrize("host", ["mail.invalid", "not a host", "a..b"])
async def test_a_host_that_does_not_exist(host: str) -> None:
    client = Mailer(host, 25, "", "", "none", SENDER, timeout=5.0)
    with pytest.raises((Unreachable, Refused)) as failed:
        await client.send(a_mail(client), TO)
    assert failed.value.operation == "connect"
