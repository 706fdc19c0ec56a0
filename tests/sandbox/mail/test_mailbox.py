"""The mailbox over real SMTP: what it takes, what it refuses, and what a client sees when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage

import pytest
import pytest_asyncio

from sandbox.mail.service import Mailbox
from sandbox.world import World
from tests.sandbox.serve import until

FROM, TO, CC = "comms@example.com", "dana@example.com", "support@example.com"


@pytest_asyncio.fixture
async def box() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox(World())
    await mailbox.start()
    yield mailbox
    await mailbox.world.reset()
    await mailbox.stop()


def mail(subject: str = "INC-7: checkout is slow", *to: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = f"Incidents <{FROM}>", ", ".join(to or (TO,))
    made["Subject"], made["Message-ID"] = subject, "<one@example.com>"
    made["References"] = "<zero@example.com> <half@example.com>"
    made.set_content("Plain words.\n.a line with a dot\n")
    made.add_alternative("<p>Rich words, grüße</p>", subtype="html")
    return made


async def send(
    box: Mailbox, *mails: EmailMessage, before: Callable[[smtplib.SMTP], object] | None = None
) -> None:
    """As any client does it, in a thread: smtplib blocks."""

    def run() -> None:
        with smtplib.SMTP(box.host, box.port, timeout=5) as client:
            if before is not None:
                before(client)
            for one in mails or (mail(),):
                client.send_message(one)

    await asyncio.to_thread(run)


async def test_a_mail_can_be_read_as_it_was_sent(box: Mailbox) -> None:
    sent = mail("Grüße zu INC-7", TO, CC)
    sent["Bcc"] = "hidden@example.com"
    await send(box, sent)

    (got,) = box.inbox()
    assert (got.sender, got.recipients) == (FROM, (TO, CC, "hidden@example.com"))
    assert (got.from_, got.to, got.subject) == (FROM, (TO, CC), "Grüße zu INC-7")
    assert got.message_id == "<one@example.com>"
    assert got.references == ("<zero@example.com>", "<half@example.com>")
    assert got.text.splitlines() == ["Plain words.", ".a line with a dot"]
    assert "grüße" in got.html
    assert got.header("message-id") == "<one@example.com>"
    assert b"Bcc" not in got.raw
    assert box.inbox("HIDDEN@example.com") == [got]
    assert box.inbox("nobody@example.com") == []
    assert box.state()["messages"][0]["references"] == list(got.references)


async def test_every_step_is_in_the_journal(box: Mailbox) -> None:
    await send(box, mail("INC-7", TO, CC))

    told = [(e.operation, e.status, e.effect) for e in box.world.journal]
    assert told == [
        ("smtp.connect", 220, None),
        ("smtp.rcpt", 250, f"recipient {TO} accepted"),
        ("smtp.rcpt", 250, f"recipient {CC} accepted"),
        ("smtp.data", 250, f'mail 1 "INC-7" taken for {TO}, {CC}'),
    ]


@pytest.mark.parametrize("code", [550, 450])
async def test_a_refused_address_does_not_harm_the_others(box: Mailbox, code: int) -> None:
    box.refuse(TO, code)
    refused: dict[str, tuple[int, bytes]] = {}

    def run() -> None:
        with smtplib.SMTP(box.host, box.port, timeout=5) as client:
            refused.update(client.send_message(mail("INC-7", TO, CC)))

    await asyncio.to_thread(run)
    assert {address: status for address, (status, _) in refused.items()} == {TO: code}
    assert box.inbox()[0].recipients == (CC,)
    entry = next(e for e in box.world.journal if e.status == code)
    assert (entry.operation, entry.path, entry.effect, entry.error) == ("smtp.rcpt", TO, None, str(code))
    box.refuse(TO, 0)
    await send(box)
    assert len(box.inbox(TO)) == 1


async def test_an_address_refused_for_now_is_taken_later(box: Mailbox) -> None:
    box.refuse(TO, 450, times=1)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await send(box)
    await send(box)
    assert len(box.inbox()) == 1


async def test_a_code_that_refuses_nothing_is_refused_itself(box: Mailbox) -> None:
    with pytest.raises(ValueError, match="400 to 599"):
        box.refuse(TO, 250)


async def test_a_busy_server_says_so_before_anything_else(box: Mailbox) -> None:
    box.world.faults.add({"service": "mail", "operation": "smtp.connect", "status": 421})
    with pytest.raises(smtplib.SMTPConnectError) as caught:
        await send(box)
    assert caught.value.smtp_code == 421
    await send(box)
    assert len(box.inbox()) == 1


async def test_a_refused_mail_is_not_taken(box: Mailbox) -> None:
    fault = {"service": "mail", "operation": "smtp.data", "status": 554, "error": "5.7.1 Looks like spam"}
    box.world.faults.add(fault)
    with pytest.raises(smtplib.SMTPDataError, match="Looks like spam"):
        await send(box)
    assert box.inbox() == []


@pytest.mark.parametrize(("drop", "taken"), [("before", 0), ("after", 1), ("half", 1)])
async def test_an_answer_lost_after_the_final_dot_leaves_the_client_in_doubt(
    box: Mailbox, drop: str, taken: int
) -> None:
    box.world.faults.add({"service": "mail", "operation": "smtp.data", "drop": drop})
    with pytest.raises((smtplib.SMTPException, OSError)):
        await send(box)
    assert len(box.inbox()) == taken
    entry = box.world.journal[-1]
    assert (entry.operation, entry.status, entry.effect is not None) == ("smtp.data", None, bool(taken))


async def test_a_connection_can_be_reset_at_once(box: Mailbox) -> None:
    box.world.faults.add({"service": "mail", "operation": "smtp.connect", "drop": "before"})
    with pytest.raises((smtplib.SMTPException, OSError)):
        await send(box)


async def test_a_slow_server_takes_the_mail_of_a_client_that_went_away(box: Mailbox) -> None:
    box.world.faults.add({"service": "mail", "operation": "smtp.data", "hold": "before"})

    def run() -> None:
        client = smtplib.SMTP(box.host, box.port, timeout=0.2)
        try:
            with pytest.raises(OSError, match=r"timed out|unexpectedly closed"):
                client.send_message(mail())
        finally:
            client.close()

    await asyncio.to_thread(run)
    assert box.inbox() == []
    (held,) = box.world.faults.held
    box.world.faults.release(held)
    await until(box.inbox, what="the mail of the impatient client")


async def test_a_mail_may_land_after_it_was_refused(box: Mailbox) -> None:
    box.world.faults.add({"service": "mail", "operation": "smtp.data", "effect_delay": 0.02})
    with pytest.raises(smtplib.SMTPDataError) as caught:
        await send(box)
    assert caught.value.smtp_code == 451
    await until(box.inbox, what="the late mail")


async def test_a_server_that_is_down_refuses_connections_and_comes_back_on_its_port(box: Mailbox) -> None:
    port = box.port
    reader, writer = await asyncio.open_connection(box.host, port)
    await reader.readline()
    await box.down()
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    with pytest.raises(ConnectionRefusedError):
        await send(box)
    writer.close()
    await box.up()
    assert box.port == port
    await send(box)
    assert len(box.inbox()) == 1


async def test_a_connection_made_while_the_server_goes_down_is_cut(box: Mailbox) -> None:
    with socket.create_connection((box.host, box.port), timeout=5) as open_still:
        await asyncio.wait_for(box.down(), 5)
        assert await asyncio.to_thread(_is_cut, open_still)


def _is_cut(connection: socket.socket) -> bool:
    """Whether nothing more can come; a connection that stays open raises TimeoutError."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


async def test_a_reset_brings_back_a_server_that_was_down_and_empties_it(box: Mailbox) -> None:
    await send(box)
    box.refuse(TO)
    await box.down()
    await box.world.reset()
    await until(lambda: box.running, what="the server")
    assert box.inbox() == []
    await send(box)


async def test_what_is_not_offered_is_said(box: Mailbox) -> None:
    def run() -> tuple[dict[str, str], int, int]:
        with smtplib.SMTP(box.host, box.port, timeout=5) as client:
            client.ehlo()
            return (
                client.esmtp_features,
                client.docmd("STARTTLS")[0],
                client.docmd("AUTH", "PLAIN AGEAYg==")[0],
            )

    features, starttls, auth = await asyncio.to_thread(run)
    assert {"starttls", "auth"}.isdisjoint(features)
    assert {"size", "8bitmime", "smtputf8"} <= set(features)
    assert (starttls, auth) == (454, 538)


async def test_a_login_is_asked_for_when_one_is_set(box: Mailbox) -> None:
    box.require_login("mailer", "not-a-secret")
    with pytest.raises(smtplib.SMTPSenderRefused) as caught:
        await send(box)
    assert caught.value.smtp_code == 530
    with pytest.raises(smtplib.SMTPAuthenticationError):
        await send(box, before=lambda client: client.login("mailer", "wrong"))
    await send(box, before=lambda client: client.login("mailer", "not-a-secret"))
    assert len(box.inbox()) == 1
    assert "not-a-secret" not in str(box.world.journal)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no headers at all\r\n",
        b"Subject: =?nonsense?q?x?=\r\nFrom: <<<>>\r\n\r\n",
        b"Content-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nbroken",
    ],
)
async def test_a_mail_that_is_badly_made_is_taken_all_the_same(box: Mailbox, raw: bytes) -> None:
    def run() -> None:
        with smtplib.SMTP(box.host, box.port, timeout=5) as client:
            client.sendmail(FROM, [TO], raw)

    await asyncio.to_thread(run)
    assert box.inbox()[0].as_json()["recipients"] == [TO]
