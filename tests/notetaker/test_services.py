"""Services by name, and what only looks like one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.notetaker.services import ServiceNames

NAMES = ServiceNames.of(
    [
        ("checkout", ["Checkout"]),
        ("payment-gateway", ["Payment Gateway", "PGW", "pay api"]),
        ("search", ["Search"]),
        ("orders-v2", ["Orders", "Order Service"]),
        ("orders-v1", ["Orders"]),
        ("kafka", ["Kafka cluster"]),
        ("auth_api", ["AuthAPI"]),
        ("42", ["42"]),
        ("go", ["Go"]),
    ]
)


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("payment-gateway times out", ["payment-gateway"]),
        ("the Payment Gateway times out", ["payment-gateway"]),
        ("PaymentGateway and payment_gateway", ["payment-gateway"]),
        ("pgw is slow, kafka is fine", ["payment-gateway", "kafka"]),
        ("restarted `search`", ["search"]),
        ("the search service is down", ["search"]),
        ("search is down again", ["search"]),
        ("checkout latency doubles", ["checkout"]),
        ("errors in Search since noon", ["search"]),
        ("the checkout pods restart", ["checkout"]),
        ("deleted checkout-7d9f8b6c5-x2x4z", ["checkout"]),
        ("kafka-0 lags", ["kafka"]),
        ("orders-v2 and orders-v1", ["orders-v2", "orders-v1"]),
        ("auth-api 500s", ["auth_api"]),
        ("`go` panics", ["go"]),
    ],
)
def test_services_are_found_however_they_are_written(text: str, services: list[str]) -> None:
    assert tuple(services) == NAMES.found(text)


@pytest.mark.parametrize(
    "text",
    [
        "let's search the logs",
        "the search is slow today, we look in every drawer",
        "Search the logs first",
        "did a git checkout of main",
        "checkout-db is full",
        "see https://checkout.example.com/payment-gateway",
        "mail to kafka@example.com",
        "checkout.example.com does not resolve",
        "42 pods, 42 errors",
        "we go ahead",
        "Orders are late",
        "payment, gateway",
        "kafkaesque",
        "kafka-connect is slow",
        "",
    ],
)
def test_false_friends_are_not(text: str) -> None:
    assert NAMES.found(text) == ()


def test_a_name_that_two_bear_means_neither() -> None:
    names = ServiceNames.of([("a1", ["Billing Core"]), ("a2", ["billing-core"])])

    assert names.found("billing core is down") == ()


def test_an_identifier_goes_before_another_services_alias() -> None:
    names = ServiceNames.of([("mailer", []), ("postbox", ["mailer"])])

    assert names.found("mailer is down") == ("mailer",)


@given(st.text(max_size=200) | st.text("`-_./:ab A1\n", max_size=100))
def test_any_text_can_be_looked_through(text: str) -> None:
    found = NAMES.found(text)

    assert len(found) == len(set(found))
    assert set(found) <= set(NAMES.known.values())


def test_a_large_catalogue_costs_no_time() -> None:
    names = ServiceNames.of((f"team-{n}-service", [f"Team {n} Service"]) for n in range(20_000))
    started = time.process_time()
    for _ in range(100):
        assert names.found("see team-77-service and Team 19999 Service " + "word " * 50)

    assert time.process_time() - started < 1.0
