"""Mailer logs in, and only where nobody listens: to SMTP servers on loopback."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from integration.errors import CredentialsRefused, Refused, Unreachable
from integration.services.mailer import Mailer
from tests.services.mail_servers import (
    PASSWORD,
    SENDER,
    TO,
    Inbox,
    Scripted,
    a_mail,
    failing,
    serving,
)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


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
