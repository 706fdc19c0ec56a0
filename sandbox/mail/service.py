"""The mailbox: a real SMTP server that takes mail for everybody, and an inbox to read it in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sandbox.mail.message import Message, parse
from sandbox.mail.smtp import Conversation, line
from sandbox.world import Json, World


@dataclass
class _Refusal:
    answer: str
    left: int | None  # how many more times; None for ever


class Mailbox:
    """Takes whatever it is sent, unless told to refuse, and delivers nothing anywhere.

    `world.faults` applies under service "mail" to the operations "smtp.connect", "smtp.rcpt" and
    "smtp.data"; every one of them is in the journal, AUTH is not.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.host, self.port = "127.0.0.1", 0
        self.messages: list[Message] = []
        self.login: tuple[str, str] | None = None
        self._refusals: dict[str, _Refusal] = {}
        self._server: asyncio.Server | None = None
        self._open: set[Conversation] = set()
        self._wanted = False
        self._accepting = False
        world.on_reset(self.clear)

    # Running

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port, which 0 lets the system choose. Raises OSError when it is taken."""
        self.host, self.port, self._wanted = host, port, True
        await self.up()
        return self.port

    async def stop(self) -> None:
        """Stop for good; whoever is connected is cut off."""
        self._wanted = False
        await self.down()

    async def down(self) -> None:
        """Be as a machine that is off: connections under way are reset, new ones refused."""
        server, self._server, self._accepting = self._server, None, False
        if server is None:
            return
        server.close()
        for conversation in list(self._open):
            conversation.abort()
        await server.wait_closed()

    async def up(self) -> None:
        """Listen again, on the same port."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        self._accepting = True
        self._server = await loop.create_server(lambda: Conversation(self), self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def running(self) -> bool:
        return self._server is not None

    def clear(self) -> None:
        """Forget mails, refusals and login; a server that was down comes up again."""
        self.messages.clear()
        self._refusals.clear()
        self.login = None
        if self._wanted and self._server is None:
            self.world.background(self.up())

    # As a human

    def inbox(self, address: str | None = None) -> list[Message]:
        """Mails, oldest first; those whose envelope names this address when one is given."""
        wanted = None if address is None else address.lower()
        return [m for m in self.messages if wanted in (None, *(r.lower() for r in m.recipients))]

    def refuse(self, address: str, code: int = 550, times: int | None = None, words: str = "") -> None:
        """Answer RCPT for this address with `code` from now on, or `times` times; 0 takes it again.

        550 is for good, 450 for now, as a greylisting or full mailbox would. Raises ValueError otherwise.
        """
        if code == 0:
            self._refusals.pop(address.lower(), None)
            return
        if not 400 <= code <= 599:
            raise ValueError("code: 400 to 599 refuses, 0 takes mail again")
        self._refusals[address.lower()] = _Refusal(line(code, words), times)

    def require_login(self, user: str, password: str) -> None:
        """Take mail only after AUTH with these; for connections made from now on."""
        self.login = (user, password)

    def require_no_login(self) -> None:
        self.login = None

    def state(self) -> Json:
        return {
            "host": self.host,
            "port": self.port,
            "running": self.running,
            "login": self.login is not None,
            "refused": {address: r.answer for address, r in self._refusals.items()},
            "messages": [m.as_json() for m in self.messages],
        }

    # What conversations call

    def refusal(self, address: str) -> str | None:
        found = self._refusals.get(address.lower())
        if found is None:
            return None
        if found.left is not None:
            found.left -= 1
            if found.left <= 0:
                del self._refusals[address.lower()]
        return found.answer

    def take(self, sender: str, recipients: list[str], raw: bytes) -> str:
        number = len(self.messages) + 1
        message = parse(number, self.world.clock.now("mail"), sender, tuple(recipients), raw)
        self.messages.append(message)
        return f'mail {number} "{message.subject}" taken for {", ".join(recipients)}'

    def opened(self, conversation: Conversation) -> None:
        if not self._accepting:  # the system had taken it just before the server went down
            conversation.abort()
            return
        self._open.add(conversation)

    def closed(self, conversation: Conversation) -> None:
        self._open.discard(conversation)
