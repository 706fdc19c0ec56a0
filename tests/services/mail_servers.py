"""SMTP servers on loopback: aiosmtpd where it is to behave, a scripted one where it is not."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from integration.errors import ServiceError
from integration.services.mailer import Mailer

SENDER = "incidents@example.com"
TO = "oncall@example.org"
PASSWORD = "sandbox-smtp-password"


def mailer(port: int, **options: Any) -> Mailer:
    given: dict[str, Any] = {
        "user": "",
        "password": "",
        "tls": "none",
        "sender": SENDER,
        "timeout": 5.0,
    } | options
    return Mailer("127.0.0.1", port, **given)


def a_mail(client: Mailer, **more: Any) -> EmailMessage:
    parts = {"recipient": TO, "subject": "Checkout fails", "text": "We know.", "key": "INC-1/mail/1"}
    return client.build(**parts | more)


class Inbox:
    """aiosmtpd's hooks: takes everything but what a test tells it to refuse."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.recipient_answer = "250 OK"
        self.data_answer = "250 2.0.0 OK: queued as 4F2A"
        self.hellos: list[str] = []
        self.together = self.at_most = 0

    async def handle_HELO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str) -> str:
        session.host_name = hostname
        return "250 mail.example.com"

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.hellos.append(hostname)
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.together += 1
        self.at_most = max(self.at_most, self.together)
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        self.together -= 1
        if self.data_answer.startswith("250"):
            self.mails.append(envelope)
        return self.data_answer

    def read(self) -> EmailMessage:
        (envelope,) = self.mails
        assert isinstance(envelope.content, bytes)
        found = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found


@contextlib.asynccontextmanager
async def serving(inbox: Inbox, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(inbox, hostname="mail.example.com", loop=loop, **options), "127.0.0.1", 0, ssl=tls
    )
    yield server.sockets[0].getsockname()[1]
    server.close()


WELL = {
    "connect": "220 ready",
    "EHLO": "250 hello",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    ".": "250 taken",
    "QUIT": "221 bye",
}


class Scripted:
    """Says what the script has for each command; "drop" hangs up, "hang" says nothing any more."""

    def __init__(self, **script: str) -> None:
        self.script = WELL | {{"end": "."}.get(key, key): said for key, said in script.items()}
        self.heard: list[str] = []
        self.body = b""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            verb = "connect"
            while await self._say(verb, writer):
                if verb == "DATA" and self.script["DATA"].startswith("354"):
                    self.body = await reader.readuntil(b"\r\n.\r\n")
                    verb = "."
                else:
                    verb = (await reader.readuntil(b"\r\n"))[:4].decode().strip().upper()
                self.heard.append(verb)
        writer.close()

    async def _say(self, verb: str, writer: asyncio.StreamWriter) -> bool:
        said = self.script.get(verb, "502 what?")
        if said == "drop":
            writer.transport.abort()
            return False
        if said == "hang":
            await asyncio.sleep(30)
        writer.write(said.replace("|", "\r\n").encode() + b"\r\n")
        await writer.drain()
        return verb != "QUIT"


@contextlib.asynccontextmanager
async def scripted(script: Scripted) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(script(reader, writer)))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def failing(script: Scripted, **options: Any) -> ServiceError:
    async with scripted(script) as port:
        client = mailer(port, **options)
        with pytest.raises(ServiceError) as failed:
            await client.send(a_mail(client), TO)
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None  # nothing that holds a login travels with it
    return failed.value
