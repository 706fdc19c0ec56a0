"""One SMTP conversation: aiosmtpd's protocol, in this event loop, with the sandbox's faults in it."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from typing import Protocol

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.world import Entry, Fault, World, iso

HOSTNAME = "mail.sandbox.example.com"
SIZE_LIMIT = 10 * 1024 * 1024  # bytes, announced by EHLO

Act = Callable[[], tuple[str, str | None]]
"""Does it and returns the SMTP line to answer and the effect in words."""

_PLANNED = {"smtp.connect": 421, "smtp.rcpt": 550, "smtp.data": 451}
_WORDS = {
    421: "4.3.2 Service not available, closing transmission channel",
    450: "4.2.1 Mailbox unavailable, try again later",
    451: "4.3.0 Requested action aborted: local error in processing",
    452: "4.3.1 Insufficient system storage",
    550: "5.1.1 Mailbox unavailable",
    552: "5.3.4 Message too big",
    554: "5.7.1 Transaction failed",
}


def line(status: int, words: str = "") -> str:
    """An SMTP answer; the usual words for its status unless others are given."""
    return f"{status} {words or _WORDS.get(status, 'Planned by the sandbox')}"


class Post(Protocol):
    """What a conversation needs of the mailbox."""

    world: World
    login: tuple[str, str] | None

    def refusal(self, address: str) -> str | None: ...

    def take(self, sender: str, recipients: list[str], raw: bytes) -> str: ...

    def opened(self, conversation: Conversation) -> None: ...

    def closed(self, conversation: Conversation) -> None: ...


class Conversation(SMTP):
    """A connection. TLS is not offered: STARTTLS answers 454. AUTH is offered when a login is set."""

    def __init__(self, post: Post) -> None:
        super().__init__(
            _Desk(post),
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname=HOSTNAME,
            ident="ESMTP sandbox",
            # Without a login AUTH would be a lie; aiosmtpd leaves it out where TLS is wanted and absent.
            auth_require_tls=post.login is None,
            authenticator=_authenticator(post),
            loop=asyncio.get_running_loop(),
        )
        self.post = post

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.post.opened(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.post.closed(self)

    async def _handle_client(self) -> None:
        """aiosmtpd has no hook before its greeting, and that is where a server refuses a connection."""
        answer = await attempt(self, "smtp.connect", "CONNECT", HOSTNAME, "", lambda: ("220", None))
        if answer == "220":
            await super()._handle_client()
        elif answer is not None:
            self._writer.write(answer.encode() + b"\r\n")
            self._writer.close()

    def abort(self) -> None:
        """Reset the connection."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()


class _Desk:
    """aiosmtpd's hooks: what becomes of a sender, a recipient and a mail."""

    def __init__(self, post: Post) -> None:
        self.post = post

    async def handle_MAIL(
        self, server: Conversation, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.post.login is not None and not session.authenticated:
            return line(530, "5.7.0 Authentication required")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return line(250, "2.1.0 OK")

    async def handle_RCPT(
        self, server: Conversation, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        def act() -> tuple[str, str | None]:
            refused = self.post.refusal(address)
            if refused is not None:
                return refused, None
            envelope.rcpt_tos.append(address)
            return line(250, "2.1.5 OK"), f"recipient {address} accepted"

        body = f"RCPT TO:<{address}>"
        answer = await attempt(server, "smtp.rcpt", "RCPT", address, body, act)
        return answer or line(421)  # after a reset nobody reads it

    async def handle_DATA(self, server: Conversation, session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        sender, recipients = envelope.mail_from or "", list(envelope.rcpt_tos)

        def act() -> tuple[str, str | None]:
            effect = self.post.take(sender, recipients, raw)
            return line(250, "2.0.0 OK: taken"), effect

        body = raw.decode("utf-8", "replace")
        answer = await attempt(server, "smtp.data", "DATA", ", ".join(recipients), body, act)
        return answer or line(421)


async def attempt(
    server: Conversation, operation: str, method: str, path: str, body: str, act: Act
) -> str | None:
    """Journal one step, with whatever fault is planned for it; None when the connection was reset.

    "Before" and "after" are before and after the step has its effect: for smtp.data both lie between the
    final dot and the answer, so the client cannot tell whether the mail was taken.
    """
    world, started = server.post.world, time.time()
    entry = Entry(
        n=world.ids.count(),
        service="mail",
        operation=operation,
        direction="in",
        method=method,
        path=path,
        at=iso(started),
        started=started,
        caller=(server.session.host_name or "") if server.session else "",
        request={"query": [], "headers": {}, "body": body},
    )
    world.record(entry)
    fault = world.faults.take("mail", operation, path, entry.caller)
    answer = await _through(fault, entry, world, act)
    entry.seconds = round(time.time() - started, 6)
    if answer is None:
        server.abort()
        return None
    if fault is not None and fault.drop == "half":
        # Within the code: clients take a whole code without its line's end for an answer.
        server._writer.write(answer.encode()[:2])
        await asyncio.sleep(0)
        server.abort()
        return None
    entry.answer = {"headers": {}, "body": answer}
    if answer[:3].isdigit():
        entry.status = int(answer[:3])
        entry.error = answer[:3] if entry.status >= 400 else None
    return answer


async def _through(fault: Fault | None, entry: Entry, world: World, act: Act) -> str | None:
    """The answer, or None when the connection is to be reset."""

    if fault is None:
        answer, entry.effect = act()
        return answer
    entry.fault = fault.id
    said: list[str | None] = []

    async def see_it_through() -> None:
        said.append(await _faulty(fault, entry, world, act))

    # aiosmtpd cancels a conversation whose client hangs up; a server that is merely slow does its work.
    await asyncio.shield(world.background(see_it_through()))
    return said[0]


async def _faulty(fault: Fault, entry: Entry, world: World, act: Act) -> str | None:
    def run() -> str:
        answer, entry.effect = act()
        return answer

    async def later(seconds: float) -> None:
        await asyncio.sleep(seconds)
        run()

    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.drop == "before":
        return None
    if fault.hold == "before":
        await world.faults.hold(entry.n, {**entry.brief(), "held": "before"})
    planned = line(fault.status or _PLANNED[entry.operation], fault.error or "")
    if fault.effect_delay:
        world.background(later(fault.effect_delay))
        return planned
    fails = fault.status is not None or fault.error is not None
    if fails and not fault.after_effect:
        return planned
    answer = run()
    if fault.answer_delay:
        await asyncio.sleep(fault.answer_delay)
    if fault.hold == "after":
        await world.faults.hold(entry.n, {**entry.brief(), "held": "after"})
    if fault.drop == "after":
        return None
    if fault.malformed:
        return "hiccup"
    return planned if fails else answer


def _authenticator(post: Post) -> Callable[..., AuthResult]:
    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
        known = False
        if post.login is not None and isinstance(data, LoginPassword):
            wanted = [part.encode() for part in post.login]
            known = hmac.compare_digest(data.login, wanted[0])
            known = hmac.compare_digest(data.password, wanted[1]) and known
        return AuthResult(success=known, handled=False)

    return check
