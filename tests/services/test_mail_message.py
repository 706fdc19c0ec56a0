"""The message that Mailer builds: its headers, its parts, and what is refused by its field."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.errors import BadInput
from integration.services.mailer import SUBJECT_LIMIT, Mailer, address
from tests.services.mail_servers import (
    SENDER,
    a_mail,
)

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
