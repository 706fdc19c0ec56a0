"""The mailbox: what came in, and how it behaves."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from sandbox.control_input import Bad, Json, body, route
from sandbox.mail.service import Mailbox

OK: Json = {"ok": True}


class MailControl:
    def __init__(self, mail: Mailbox) -> None:
        self.mail = mail

    def routes(self) -> list[Route]:
        return [
            route("GET", "/mail", self._state),
            route("GET", "/mail/inbox", self._inbox),
            route("POST", "/mail/refuse", self._refuse),
            route("POST", "/mail/login", self._login),
            route("POST", "/mail/down", self._down),
            route("POST", "/mail/up", self._up),
        ]

    async def _state(self, request: Request) -> Json:
        """{host, port, running, login, refused, messages}"""
        return self.mail.state()

    async def _inbox(self, request: Request) -> list[Json]:
        """Mails, oldest first; ?address= gives those whose envelope names it, ?containing= who say it."""
        said = request.query_params.get("containing", "")
        found = self.mail.inbox(request.query_params.get("address"))
        return [mail.as_json() for mail in found if said in mail.subject or said in mail.text]

    async def _refuse(self, request: Request) -> Json:
        """{address, code?: 550 | 450 | ..., times?, words?}: answer its RCPT so; code 0 takes mail again."""
        given = await body(request)
        address, words = given.text("address"), given.text("words", "")
        code, times = _number(given.values.get("code", 550), "code"), given.values.get("times")
        given.taken |= {"code", "times"}
        given.done()
        if times is not None and _number(times, "times") < 1:
            raise Bad("times", "1 or more; leave it out for ever")
        try:
            self.mail.refuse(address, code, times, words)
        except ValueError as refused:
            raise Bad("code", str(refused).removeprefix("code: ")) from refused
        return OK

    async def _login(self, request: Request) -> Json:
        """{user, password}: take mail only after AUTH with these; {} asks for none again."""
        given = await body(request)
        if not given.values:
            self.mail.require_no_login()
            return OK
        user, password = given.text("user"), given.text("password")
        given.done()
        self.mail.require_login(user, password)
        return OK

    async def _down(self, request: Request) -> Json:
        """Be a machine that is off, until `up` or a reset."""
        await self.mail.down()
        return OK

    async def _up(self, request: Request) -> Json:
        if self.mail.port == 0:
            raise Bad("", "the mailbox was never started", 409)
        await self.mail.up()
        return OK


def _number(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Bad(field, "a whole number is needed")
    return value
