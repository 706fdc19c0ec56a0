"""Mailer against SMTP servers on loopback: aiosmtpd where it is to behave, a scripted one where it is not."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from integration.errors import Ambiguous, BadInput, CredentialsRefused, Refused, ServiceError, Unreachable
from integration.services.mailer import SUBJECT_LIMIT, Mailer, address

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


# -- servers -----------------------------------------------------------------------------------------


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


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def port(inbox: Inbox) -> AsyncIterator[int]:
    async with serving(inbox) as found:
        yield found


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


# -- login and encryption ----------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context and that of a client that trusts it, for localhost alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    client = ssl.create_default_context()
    client.load_verify_locations(cadata=made.public_bytes(serialization.Encoding.PEM).decode())
    return server, client


def only_the_right_one(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    right = (data.login, data.password) == (b"comms", PASSWORD.encode())
    return AuthResult(success=right, handled=False)


async def test_starttls_and_login(inbox: Inbox, certificate: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    theirs, ours = certificate
    options: Any = {"tls_context": theirs, "require_starttls": True, "authenticator": only_the_right_one}
    async with serving(inbox, **options, auth_required=True) as port:
        client = Mailer(
            "localhost", port, "comms", PASSWORD, "starttls", SENDER, timeout=5.0, tls_context=ours
        )
        await client.send(a_mail(client), TO)
        assert len(inbox.mails) == 1

        wrong = Mailer("localhost", port, "comms", "not-the-password", "starttls", SENDER, tls_context=ours)
        with pytest.raises(CredentialsRefused) as refused:
            await wrong.send(a_mail(client), TO)
        assert (refused.value.operation, refused.value.code) == ("AUTH", "535")

        stranger = Mailer("localhost", port, "", "", "starttls", SENDER, timeout=5.0, tls_context=ours)
        with pytest.raises(CredentialsRefused) as refused:
            await stranger.send(a_mail(client), TO)
        assert (refused.value.operation, refused.value.code) == ("MAIL", "530")
    assert len(inbox.mails) == 1


async def test_encryption_from_the_first_byte(
    inbox: Inbox, certificate: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    theirs, ours = certificate
    async with serving(inbox, tls=theirs) as port:
        client = Mailer("localhost", port, "", "", "tls", SENDER, timeout=5.0, tls_context=ours)
        await client.send(a_mail(client), TO)
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_stranger_with_a_certificate_of_their_own_gets_nothing(
    inbox: Inbox, certificate: tuple[ssl.SSLContext, ssl.SSLContext], tls: Any
) -> None:
    theirs, _ = certificate
    options: Any = {"tls": theirs} if tls == "tls" else {"tls_context": theirs}
    async with serving(inbox, **options) as port:
        client = Mailer("localhost", port, "comms", PASSWORD, tls, SENDER, timeout=5.0)
        with pytest.raises(Unreachable) as failed:
            await client.send(a_mail(client), TO)
    assert failed.value.code == "certificate refused"
    assert not inbox.mails


async def test_where_encryption_is_wanted_and_not_offered_nothing_is_said_in_the_clear() -> None:
    script = Scripted(EHLO="250-hello|250 AUTH PLAIN")

    failed = await failing(script, user="comms", password=PASSWORD, tls="starttls")

    assert type(failed) is Refused
    assert "STARTTLS" in str(failed)
    assert script.heard == ["EHLO", "QUIT"]


async def test_a_server_without_logins() -> None:
    failed = await failing(Scripted(), user="comms", password=PASSWORD)

    assert (type(failed), failed.operation) == (Refused, "AUTH")


async def test_the_password_is_in_no_error() -> None:
    script = Scripted(EHLO="250-hello|250 AUTH PLAIN", AUTH=f"535 {PASSWORD} is wrong")

    failed = await failing(script, user="comms", password=PASSWORD)

    assert type(failed) is CredentialsRefused
    assert PASSWORD not in str(failed)


async def test_a_login_that_is_only_postponed_is_not_wrong() -> None:
    script = Scripted(EHLO="250-hello|250 AUTH PLAIN", AUTH="454 later")

    failed = await failing(script, user="comms", password=PASSWORD)

    assert (type(failed), failed.code) == (Refused, "454")


# -- building ----------------------------------------------------------------------------------------

CLIENT = Mailer("127.0.0.1", 25, "", "", "none", SENDER)


def raw_of(message: EmailMessage) -> bytes:
    return message.as_bytes(policy=policy.SMTP)


def parsed(message: EmailMessage) -> EmailMessage:
    found = message_from_bytes(raw_of(message), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_a_key_gives_one_message_id_and_stays_unreadable() -> None:
    one, again, other = (CLIENT.message_id(key) for key in ("INC-1/a", "INC-1/a", "INC-1/b"))
    assert one == again != other
    assert "INC" not in one
    assert one.endswith("@example.com>")


def test_a_thread_stands_together() -> None:
    first = CLIENT.message_id("INC-1/mail/1")
    built = parsed(a_mail(CLIENT, key="INC-1/mail/2", thread="INC-1", references=[first]))
    assert built["In-Reply-To"] == first
    assert built["References"].split() == [CLIENT.message_id("INC-1"), first]


def test_a_long_thread_keeps_its_beginning_and_its_end() -> None:
    wide = Mailer(
        "127.0.0.1", 25, "", "", "none", f"a@{'long-label-' * 5}x.{'wider-label-' * 5}x.example.com"
    )
    earlier = [wide.message_id(str(n)) for n in range(60)]
    raw = raw_of(a_mail(wide, references=earlier))
    built = message_from_bytes(raw, policy=policy.default)
    assert built["References"].split() == [earlier[0], *earlier[-19:]]
    assert b"=?" not in raw.split(b"\r\n\r\n")[0]


def test_a_way_out_is_named_only_where_there_is_one() -> None:
    built = parsed(a_mail(CLIENT, unsubscribe="mailto:incidents@example.com?subject=stop"))
    assert built["List-Unsubscribe"] == "<mailto:incidents@example.com?subject=stop>"


def test_a_senders_name() -> None:
    built = parsed(a_mail(CLIENT, sender_name='Störungen "Nord", Team'))
    (sender,) = built["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ('Störungen "Nord", Team', SENDER)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("subject", {"subject": "hello\r\nBcc: everybody@example.com"}),
        ("subject", {"subject": "hello\nthere"}),
        ("subject", {"subject": "hello\u2028there"}),
        ("subject", {"subject": "hello\x00"}),
        ("subject", {"subject": "hello\n"}),
        ("subject", {"subject": " "}),
        ("subject", {"subject": "x" * (SUBJECT_LIMIT + 1)}),
        ("subject", {"subject": "\ud800"}),
        ("text", {"text": "\n"}),
        ("text", {"text": "half \ud83d"}),
        ("html", {"html": "<p>\udc00</p>"}),
        ("recipient", {"recipient": "oncall@example.org\nBcc: everybody@example.com"}),
        ("recipient", {"recipient": "oncall@example.org, everybody@example.com"}),
        ("sender_name", {"sender_name": "x\nBcc: everybody@example.com"}),
        ("references", {"references": ["<a@example.com> <b@example.com>"]}),
        ("references", {"references": ["<a@example.com>\r\nBcc: everybody@example.com"]}),
        ("unsubscribe", {"unsubscribe": "javascript:alert(1)"}),
        ("unsubscribe", {"unsubscribe": "https://example.com/>\r\nBcc: everybody@example.com"}),
    ],
)
def test_what_would_become_another_header_or_nothing_is_refused(field: str, given: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as refused:
        a_mail(CLIENT, **given)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "value",
    ["oncall@example.org", " o'n+call_1@sub.example-a.org ", "root@localhost", f"{'a' * 64}@example.org"],
)
def test_addresses(value: str) -> None:
    assert address("to", value) == value.strip()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "oncall",
        "@example.org",
        "oncall@",
        "oncall@example",
        "oncall@-example.org",
        "oncall@example..org",
        ".oncall@example.org",
        "on..call@example.org",
        "on call@example.org",
        "oncall@example.org>",
        "<oncall@example.org>",
        "Dana <oncall@example.org>",
        '"on call"@example.org',
        "oncall@[127.0.0.1]",
        "störung@example.org",
        f"{'a' * 65}@example.org",
        f"a@{'b.' * 130}org",
    ],
)
async def test_what_is_no_address_is_refused_by_its_field(value: str) -> None:
    with pytest.raises(BadInput) as refused:
        address("emails", value)
    assert refused.value.field == "emails"
    with pytest.raises(BadInput):
        await CLIENT.send(a_mail(CLIENT), value)
    with pytest.raises(BadInput) as refused:
        Mailer("127.0.0.1", 25, "", "", "none", value)
    assert refused.value.field == "mail_from"


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=400).filter(str.strip)


@given(subject=WORDS, text=WORDS, html=WORDS)
def test_whatever_people_write_arrives_or_is_refused_by_its_field(subject: str, text: str, html: str) -> None:
    try:
        built = a_mail(CLIENT, subject=subject, text=text, html=html)
    except BadInput as refused:
        if refused.field != "subject":
            raise
        return
    raw = raw_of(built)
    got = message_from_bytes(raw, policy=policy.default)
    assert isinstance(got, EmailMessage)
    head = raw.split(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(map(len, raw.split(b"\r\n"))) < 998
    assert sorted(got.keys()) == sorted(built.keys())
    assert " ".join(got["Subject"].split()) == " ".join(subject.split())
    plain, rich = got.iter_parts()
    for part, meant in ((plain, text), (rich, html)):
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        lines = "\n".join(content.decode().splitlines()).rstrip("\n")
        assert lines == "\n".join(meant.splitlines()).rstrip("\n")


def test_readers_can_file_and_leave_a_list() -> None:
    mailer = Mailer(
        "localhost", 25, "", "", "none", "incidents@example.com", unsubscribe="mailto:leave@example.com"
    )

    message = mailer.build(
        recipient="a@example.com", subject="x", text="y", key="k", list_name="On call: Süd\r\nBcc: x@y.z"
    )
    plain = mailer.build(
        recipient="a@example.com", subject="x", text="y", key="k", unsubscribe="https://example.com/u"
    )

    assert message["List-Id"] == "<on-call-s-d-bcc-x-y-z.example.com>"
    assert message["List-Unsubscribe"] == "<mailto:leave@example.com>"
    assert message["List-Unsubscribe-Post"] is None
    assert message["Bcc"] is None
    assert (plain["List-Id"], plain["List-Unsubscribe"]) == (None, "<https://example.com/u>")
