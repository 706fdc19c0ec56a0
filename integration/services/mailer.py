"""Mail through an SMTP server: one message, one person, one transaction, at most once.

Mail can't be read back, so it matters to know how far a transaction came. Before DATA nothing has
happened: Refused or Unreachable. After it only the server's own word counts, and without one the message
may have been taken: Ambiguous. Nothing is tried twice here.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import Policy
from email.utils import format_datetime
from typing import Final, Literal

import aiosmtplib
from loguru import logger

from integration.errors import Ambiguous, BadInput, CredentialsRefused, Refused, ServiceError, Unreachable
from integration.models.mail import MailReceipt
from integration.services.http import short

SERVICE: Final = "mail"
SUBJECT_LIMIT: Final = 500  # characters; readers show a tenth of it
_GOODBYE = 2.0  # seconds for QUIT, when all that matters is over
_MOST_REFERENCES = 20
_NEEDS_LOGIN = {530, 534, 535, 538}  # RFC 4954: required, mechanism too weak, invalid, needs encryption


class _Ids(UnstructuredHeader, BaseHeader):
    """Message-IDs, one a line. The library would encode one that is longer than a line, and no reader
    takes an encoded one for a reference."""

    def fold(self, *, policy: Policy) -> str:
        ids = f"{policy.linesep} ".join(self.split())
        return f"{self.name}: {ids}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("in-reply-to", "references"):
    _HEADERS.map_to_type(_name, _Ids)

# 7bit: every server takes it, and none rewrites it. Headers are still folded and encoded by the library.
_WIRE = policy.SMTP.clone(cte_type="7bit", header_factory=_HEADERS)

_ATOMS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?P<user>{_ATOMS}(?:\.{_ATOMS})*)@(?P<domain>(?:{_LABEL}\.)+{_LABEL}|localhost)")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]+@[\x21-\x3b\x3d\x3f-\x7e]+>")
_LINK = re.compile(r"(https://|mailto:)[\x21-\x3b\x3d\x3f-\x7e]+")
_LIST_LABEL = re.compile(r"[^a-z0-9]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

Tls = Literal["starttls", "tls", "none"]


class Mailer:
    """Our own client. Methods raise the errors of `integration.errors`; codes are SMTP's, as text.

    host, port   of the server that takes our mail
    user         empty: no login
    tls          starttls: upgrade or send nothing; tls: from the first byte; none: a server nearby
    sender       the address mail comes from; its domain is in every Message-ID
    timeout      seconds until the message may be handed over; the server gets three times that to take it
    connections  transactions at a time; the others wait
    tls_context  for servers with certificates of a private authority
    unsubscribe  an https: or mailto: link that takes people off the list, for mails that name none
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        password: str,
        tls: Tls,
        sender: str,
        timeout: float = 10.0,
        *,
        connections: int = 5,
        tls_context: ssl.SSLContext | None = None,
        unsubscribe: str = "",
    ) -> None:
        self.sender = address("mail_from", sender)
        self._domain = self.sender.rpartition("@")[2]
        self._unsubscribe = _link("mail_unsubscribe", unsubscribe) if unsubscribe else ""
        self._host, self._port, self._tls = host, port, tls
        self._user, self._password = user, password
        self._timeout = timeout
        self._slots = asyncio.Semaphore(connections)
        self._context = tls_context
        if tls != "none" and tls_context is None:
            self._context = ssl.create_default_context()
        if tls == "none" and user:
            logger.warning(f"mail: the password for {host} is sent without encryption (smtp_tls is none)")

    # -- the message ---------------------------------------------------------------------------------

    def build(
        self,
        *,
        recipient: str,
        subject: str,
        text: str,
        key: str,
        html: str = "",
        sender_name: str = "",
        thread: str = "",
        references: Sequence[str] = (),
        date: datetime | None = None,
        unsubscribe: str = "",
        list_name: str = "",
    ) -> EmailMessage:
        """A message to one person: `text`, and the same as `html` where given.

        key          what the mail is about and for whom; its Message-ID is made of it, the same each time
        thread       what a conversation is about: mails of one thread stand together in a reader
        references   Message-IDs of earlier mails of the thread, oldest first
        date         now by default; in UTC
        unsubscribe  an https: or mailto: link that takes the person off the list
        list_name    what the readers are a list of, by which they can file their mail (RFC 2919)

        Raises BadInput naming the field.
        """
        message = EmailMessage(policy=_WIRE)
        message["From"] = Address(_line("sender_name", sender_name), addr_spec=self.sender)
        message["To"] = Address(addr_spec=address("recipient", recipient))
        message["Subject"] = _subject(subject)
        message["Date"] = format_datetime((date or datetime.now(UTC)).astimezone(UTC))
        message["Message-ID"] = self.message_id(key)
        earlier = ([self.message_id(thread)] if thread else []) + [_message_id(one) for one in references]
        if earlier:
            message["In-Reply-To"] = earlier[-1]
            # The first and the last tell a reader where it belongs; RFC 5322 lets the middle go.
            message["References"] = " ".join(earlier[:1] + earlier[1:][1 - _MOST_REFERENCES :])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
        if list_name:
            label = _LIST_LABEL.sub("-", list_name.casefold()).strip("-")[:63] or "incidents"
            message["List-Id"] = f"<{label}.{self._domain}>"
        # Never List-Unsubscribe-Post: nobody here could keep the promise that one click is enough.
        if link := unsubscribe or self._unsubscribe:
            message["List-Unsubscribe"] = f"<{_link('unsubscribe', link)}>"
        _body("text", text)
        message.set_content(text, cte=_encoding(text))
        if html:
            message.add_alternative(_body("html", html), subtype="html", cte=_encoding(html))
        return message

    def message_id(self, key: str) -> str:
        """`<32 hex digits@our domain>`, the same for the same key; the key can't be read out of it."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return f"<{digest[:32]}@{self._domain}>"

    # -- the transaction -----------------------------------------------------------------------------

    async def send(self, message: EmailMessage, recipient: str) -> MailReceipt:
        """Hand `message` over for `recipient` alone, whatever its headers say.

        Raises BadInput for an address that is none; Refused with the server's code and words (also for
        "try later" codes, 4xx); CredentialsRefused for the login; Unreachable when the message was not
        handed over; Ambiguous when it was and no word came. None of them leads to a second try here.
        """
        to = address("recipient", recipient)
        raw = message.as_bytes(policy=_WIRE)
        async with self._slots:
            return await self._transaction(str(message["Message-ID"] or ""), raw, to)

    async def check(self) -> None:
        """Connect, encrypt and log in as for a mail, and send none. Raises as `send` does before it."""
        client, stages = self._client(), ["connect"]
        failure: ServiceError | None = None
        try:
            async with asyncio.timeout(self._timeout):
                await self._enter(client, stages)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            failure = self._failure(stages[-1], error)
        finally:
            if failure is None:
                await _say_goodbye(client)
            client.close()
        if failure is not None:
            raise failure

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            # A greeting with a full name; the machine's own often has no dot, and asking for it takes DNS.
            local_hostname=self._domain,
            timeout=self._timeout,
            use_tls=self._tls == "tls",
            start_tls=False,  # done apart, where it can be told from connecting
            tls_context=self._context,
        )

    async def _enter(self, client: aiosmtplib.SMTP, stages: list[str]) -> None:
        """Connect, encrypt and log in. `stages` gets each one as it begins; the last tells what failed."""
        await client.connect()
        if self._tls == "starttls":
            stages.append("STARTTLS")
            await client.starttls()
        if self._user:
            stages.append("AUTH")
            await client.login(self._user, self._password)

    async def _transaction(self, message_id: str, raw: bytes, to: str) -> MailReceipt:
        client, stages = self._client(), ["connect"]
        polite = False
        try:
            async with asyncio.timeout(self._timeout):
                await self._enter(client, stages)
                stages.append("MAIL")
                await client.mail(self.sender)
                stages.append("RCPT")
                await client.rcpt(to)
            stages.append("DATA")
            async with asyncio.timeout(3 * self._timeout):
                answer = await client.data(raw, timeout=None)  # the line above counts
            polite = True
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            failure = self._failure(stages[-1], error)
            polite = isinstance(failure, Refused)
        else:
            return MailReceipt(message_id=message_id, response=self._short(f"{answer.code} {answer.message}"))
        finally:
            if polite:
                await _say_goodbye(client)
            client.close()
        # Raised here, not in the handler: a chained error carries the login in its frames.
        raise failure

    def _failure(self, stage: str, error: Exception) -> ServiceError:
        """What `error` means at this stage. Before DATA nothing has happened."""
        if isinstance(error, aiosmtplib.SMTPHeloError):
            stage = "EHLO"
        code = error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0
        words = error.message if isinstance(error, aiosmtplib.SMTPException) else str(error)
        said = self._short(words) or type(error).__name__
        if code >= 400:
            return self._refusal(stage, code, said)
        slow = isinstance(error, TimeoutError)
        if stage == "DATA":
            lost = "no answer in time" if slow else "unreadable answer" if code else "connection lost"
            return Ambiguous(SERVICE, stage, lost, said, "The server may have taken the message.")
        if _certificate_refused(error):
            hint = "The server's certificate is not trusted here, or is for another name than smtp_host."
            return Unreachable(SERVICE, stage, "certificate refused", said, hint)
        if slow or code or isinstance(error, OSError):  # disconnections are OSErrors, too
            return Unreachable(SERVICE, stage, "no answer in time" if slow else "unreachable", said)
        hint = "Check smtp_host, smtp_tls and smtp_user against what the server offers."
        return Refused(SERVICE, stage, "not offered", said, hint)

    def _refusal(self, stage: str, code: int, said: str) -> Refused:
        if (stage == "AUTH" and code >= 500) or code in _NEEDS_LOGIN:
            hint = "Check the mail server's user and password (smtp_user, smtp_password)."
            return CredentialsRefused(SERVICE, stage, str(code), said, hint)
        hint = "The server asks to try again later." if code < 500 else ""
        return Refused(SERVICE, stage, str(code), said, hint)

    def _short(self, words: object) -> str:
        return short(words, (self._password,))


def address(field: str, value: str) -> str:
    """`value` as an e-mail address without a name. Raises BadInput naming `field`.

    Stricter than RFC 5322: no quotes, no comments, no addresses outside ASCII, a domain with a dot.
    """
    found = value.strip()
    parts = _ADDRESS.fullmatch(found)
    if parts is None or len(parts["user"]) > 64 or len(found) > 254:
        raise BadInput(field, f"{found[:80]!r} is no e-mail address")
    return found


def _subject(value: str) -> str:
    subject = _line("subject", value)
    if not subject:
        raise BadInput("subject", "is empty")
    if len(subject) > SUBJECT_LIMIT:
        raise BadInput("subject", f"has {len(subject)} characters; at most {SUBJECT_LIMIT} are sent")
    return subject


def _line(field: str, value: str) -> str:
    """One line for a header: what ends a line there would begin another header."""
    if len(value.splitlines()) > 1 or _CONTROL.search(value) or "\n" in value or "\t" in value:
        raise BadInput(field, "must be one line without control characters")
    _encodable(field, value)
    return value.strip()


def _message_id(value: str) -> str:
    if not _MESSAGE_ID.fullmatch(value):
        raise BadInput("references", f"{value[:80]!r} is no Message-ID")
    return value


def _link(field: str, value: str) -> str:
    if not _LINK.fullmatch(value):
        raise BadInput(field, "must be an https: or mailto: link")
    return value


def _body(field: str, value: str) -> str:
    if not value.strip():
        raise BadInput(field, "is empty")
    _encodable(field, value)
    return value


def _encodable(field: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadInput(field, "holds half a character (a lone surrogate)") from None


def _encoding(text: str) -> str:
    """Quoted-printable while mostly ASCII: people and filters can read it. Else base64, which is shorter."""
    strange = sum(character > "\x7e" for character in text)
    return "base64" if strange * 3 > len(text) else "quoted-printable"


def _certificate_refused(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__
    return False


async def _say_goodbye(client: aiosmtplib.SMTP) -> None:
    """How that goes changes nothing any more."""
    if client.is_connected:
        with suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=_GOODBYE)
