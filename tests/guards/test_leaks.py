"""The leak check: what it finds for whom, what it leaves alone, and what holds for any text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.guards import Knows, Words, cleaned, leaks
from integration.guards.leak import HIDDEN

WORDS = Words(
    employees=(
        "Dana Whitfield",
        "Support Team",
        "Siobhán O'Leary",
        "Will Price",
        "kwame.boateng@example.com",
        "ops@example.com",
    ),
    customers=("Brightwater Logistics Inc.", "Zephyrion", "Target"),
    services=("checkout-api", "checkout"),
    hosts=("corp.example.com",),
    tools=("portal.example.com",),
    allowed=("status.example.com", "Zephyrion Cloud"),
)


def kinds(text: str, knows: Knows = "customer-safe", words: Words = WORDS) -> list[tuple[str, str]]:
    return [(leak.kind, leak.text) for leak in leaks(text, knows=knows, words=words)]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("db-3.prod.internal is down", "host", "db-3.prod.internal"),
        ("see cart.default.svc.cluster.local:8080 now", "host", "cart.default.svc.cluster.local:8080"),
        ("moved off build7.corp.example.com.", "host", "build7.corp.example.com"),
        ("db-3[.]prod[.]internal", "host", "db-3[.]prod[.]internal"),
        ("restarted web-01 twice", "host", "web-01"),
        ("pod cart-7d9f8b6c5d-x2k4q crashed", "host", "cart-7d9f8b6c5d-x2k4q"),
        ("10.2.3.4:5432 refused", "address", "10.2.3.4:5432"),
        ("from fd12:3456::7 on", "address", "fd12:3456::7"),
        ("１０.2.3.4 was slow", "address", "１０.2.3.4"),
        ("in OPS-4711 we", "ticket", "OPS-4711"),
        ("see PR #991", "ticket", "#991"),
        ("fixed by a1b2c3d", "commit", "a1b2c3d"),
        ("https://grafana.example.com/d/x", "internal link", "https://grafana.example.com/d/x"),
        (
            "(https://acme.atlassian.net/browse/OPS-1)",
            "internal link",
            "https://acme.atlassian.net/browse/OPS-1",
        ),
        ("https://portal.example.com/a", "internal link", "https://portal.example.com/a"),
        ("run kubectl get pods", "command", "kubectl get pods"),
        ("SELECT * FROM users", "command", "SELECT * FROM users"),
        ("in /var/log/app/error.log", "path", "/var/log/app/error.log"),
        ("Dana Whitfield is on it", "employee", "Dana Whitfield"),
        ("Siobhan O'Leary is on it", "employee", "Siobhan O'Leary"),
        ("says Whitfield, Dana today", "employee", "Whitfield, Dana"),
        ("kwame boateng looks", "employee", "kwame boateng"),
        ("asked Dana again", "employee", "Dana"),
        ("asked Will Price again", "employee", "Will Price"),
        ("BRIGHTWATER LOGISTICS called", "customer", "BRIGHTWATER LOGISTICS"),
        ("only Target is hit", "customer", "Target"),
        ("jane.doe@example.com wrote", "email", "jane.doe@example.com"),
        ("jane.doe [at] example [dot] com wrote", "email", "jane.doe [at] example [dot] com"),
        ("ask <@U024BE7LH>", "chat", "<@U024BE7LH>"),
        ("in #inc-42-checkout", "chat", "#inc-42-checkout"),
        ("checkout-api is slow", "identifier", "checkout-api"),
        ("i-0abcd1234ef567890 rebooted", "identifier", "i-0abcd1234ef567890"),
        ("java.io.IOException: broken pipe", "stack trace", "java.io.IOException: broken pipe"),
    ],
)
def test_finds_the_exact_span(text: str, kind: str, found: str) -> None:
    assert (kind, found) in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "We upgraded Node.js from 18.2.1 to 20.1.0; version 1.2.3.4 of our agent has the fix.",
        "Between 14:05:22 and 15:10:45 UTC on 2024-01-12 errors rose to 3.5% in EU-WEST-1 (USE1-AZ2).",
        "CVE-2021-44228, UTF-8, ISO-8601, SHA-256, GPT-4, COVID-19, ERR-1042, phase-2 and RFC-2616.",
        "Write to support@example.com, see https://status.example.com/incidents/306rf7bb75mm.",
        "Please select a plan from the list and update your settings; read/write and/or 24/7.",
        "The checkout is slow; will the price change? Target date is Friday.",
        "You can run npm install again, or git pull. Follow @examplestatus on Twitter.",
        "Wi-Fi 6E, H.264, OAuth2 and the X-Request-ID header; a 10-15 minute delay; +1 (555) 123-4567.",
        "We will price it anew. Our Support Team helps.",
        "A cafe with a facade, a decade ago; deadbeef and effaced.",
    ],
)
def test_leaves_public_words_alone(text: str) -> None:
    assert kinds(text) == []


def test_each_level_hides_less() -> None:
    assert HIDDEN["technical"] < HIDDEN["business"] < HIDDEN["customer-safe"]
    text = "Dana Whitfield restarted db-3.prod.internal for OPS-12 with password=Sup3rS3cret"
    assert [kind for kind, _ in kinds(text, "technical")] == ["secret"]
    assert [kind for kind, _ in kinds(text, "business")] == ["host", "secret"]
    assert [kind for kind, _ in kinds(text)] == ["employee", "host", "ticket", "secret"]


def test_a_trace_of_many_lines_is_one_leak() -> None:
    trace = (
        'Traceback (most recent call last):\n  File "/srv/a.py", line 3, in get\n'
        "    return self.load(pk)\nValueError: no such thing"
    )
    assert kinds(f"It failed:\n{trace}\nand then\n") == [("stack trace", trace)]


def test_cleaned_text_reads_on() -> None:
    text = "The db-3.prod.internal node and 10.2.3.4 are down; Dana Whitfield looks into OPS-12."
    assert cleaned(text, leaks(text, knows="customer-safe", words=WORDS)) == (
        "The internal system node and an internal address are down; our team looks into an internal ticket."
    )


def test_what_is_allowed_may_be_said_but_no_secret_is() -> None:
    words = Words(allowed=("OPS-12", "grafana.example.com", "AKIAIOSFODNN7EXAMPLE"))
    assert kinds("OPS-12 and https://grafana.example.com/d/x", words=words) == []
    assert kinds("AKIAIOSFODNN7EXAMPLE", words=words) == [("secret", "AKIAIOSFODNN7EXAMPLE")]


_PIECES = st.sampled_from(
    [
        *(
            "db-3.prod.internal",
            "10.2.3.4",
            "fd12::7",
            "OPS-12",
            "a1b2c3d",
            "Dana",
            "Whitfield",
            "Target",
            "@here",
        ),
        *(
            "https://grafana.example.com/",
            "password=",
            "Bearer ",
            "xoxb-1-",
            "SELECT a FROM b",
            "at a.b(C.java:1)",
        ),
        *(
            "\n",
            "\n\tat ",
            " ",
            ".",
            "-",
            ":",
            "/",
            "[.]",
            " [at] ",
            " dot ",
            "&#46;",
            "<@U024BE7LH>",
            "\u200b",
        ),
        *(
            "e\u0301",
            "ﬀ",
            "\ud800",
            "/var/log/x.log",
            "kubectl get ",
            "0",
            "9",
            "f",
            "AKIA",
            "QWERTYUIOPASDFGH",
        ),
    ]
)
_TEXTS = st.one_of(st.text(max_size=200), st.lists(_PIECES, max_size=25).map("".join))


@given(text=_TEXTS, knows=st.sampled_from(["technical", "business", "customer-safe"]))
@settings(max_examples=150)
def test_any_text_has_spans_within_it_and_none_left_when_cleaned(text: str, knows: Knows) -> None:
    found = leaks(text, knows=knows, words=WORDS)
    done = 0
    for leak in found:
        assert done <= leak.start < leak.end <= len(text)
        assert text[leak.start : leak.end] == leak.text
        assert leak.kind in HIDDEN[knows]
        done = leak.end
    assert leaks(cleaned(text, found), knows=knows, words=WORDS) == ()


@pytest.mark.parametrize(
    "piece",
    [
        "a-",
        "1.",
        "a:",
        "/a",
        "://a:",
        "select a ",
        "AA-1,",
        "sk-",
        "at a(",
        "a.b.",
        "\\a",
        "<",
        "eyJ",
        "Dana ",
    ],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    text = piece * (40_000 // len(piece))
    started = time.process_time()
    leaks(text, knows="customer-safe", words=WORDS)
    assert time.process_time() - started < 5  # quadratic forms take minutes
