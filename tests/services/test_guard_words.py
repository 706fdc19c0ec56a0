"""The customer's own words for the guards: read once for a while, and named where they can't be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pytest_httpx import HTTPXMock

from integration.budget import Budget
from integration.guard_words import FRESH_SECONDS, GuardWords, guard_rules
from integration.services.http import Patience
from integration.services.port import PortService
from integration.settings import Settings

V1 = "https://port.example.com/v1"
SETTINGS = Settings(
    slack_bot_token="xoxb-test",
    slack_signing_secret="test",
    customer_blueprint="customer",
    internal_domains=("corp.example.com",),
    allowed_words=("Example Cloud",),
    guard_rules={"leak": "warn"},
    guard_late_minutes=5,
)


@pytest.fixture
async def port(httpx_mock: HTTPXMock, budget: Budget, patience: Patience) -> AsyncIterator[PortService]:
    body = {"ok": True, "accessToken": "token-1", "expiresIn": 10800, "tokenType": "Bearer"}
    httpx_mock.add_response(url=f"{V1}/auth/access_token", method="POST", json=body)
    service = PortService(V1.removesuffix("/v1"), "client", "secret", budget, timeout=2.0, patience=patience)
    yield service
    await service.aclose()


def holds(httpx_mock: HTTPXMock, blueprint: str, entities: list[dict[str, Any]], **how: Any) -> None:
    url = f"{V1}/blueprints/{blueprint}/entities/search"
    httpx_mock.add_response(url=url, json={"ok": True, "entities": entities}, **how)


async def test_lists_come_from_the_blueprints_set_and_are_kept_for_a_while(
    httpx_mock: HTTPXMock, port: PortService
) -> None:
    holds(httpx_mock, "_user", [{"identifier": "dana@example.com", "title": "Dana Whitfield"}])
    holds(httpx_mock, "customer", [{"identifier": "c1", "title": "Zephyrion"}])
    holds(httpx_mock, "service", [{"identifier": "checkout-api", "title": "Checkout"}])
    words = GuardWords(port, SETTINGS, clock=lambda: 1.0)

    known, problems = await words.words()

    assert problems == ()
    assert known.employees == ("Dana Whitfield", "dana@example.com")
    assert known.customers == ("Zephyrion",)
    assert known.services == ("checkout-api", "Checkout")
    assert (known.hosts, known.allowed) == (("corp.example.com",), ("Example Cloud",))
    assert (await words.words())[0] == known  # nothing more is asked: pytest-httpx would fail it


async def test_a_list_that_cannot_be_read_keeps_what_it_was_and_is_named(
    httpx_mock: HTTPXMock, port: PortService
) -> None:
    times = iter([0.0, FRESH_SECONDS + 1, FRESH_SECONDS + 1, FRESH_SECONDS + 1])
    settings = SETTINGS.model_copy(update={"customer_blueprint": ""})
    holds(httpx_mock, "_user", [{"identifier": "dana@example.com", "title": "Dana Whitfield"}])
    holds(httpx_mock, "service", [], is_reusable=True)
    httpx_mock.add_response(
        url=f"{V1}/blueprints/_user/entities/search",
        status_code=403,
        json={"ok": False, "error": "forbidden"},
    )
    words = GuardWords(port, settings, clock=lambda: next(times))
    before, _ = await words.words()

    after, problems = await words.words()

    assert after.employees == before.employees
    assert len(problems) == 1
    assert "employees" in problems[0]


def test_rules_weigh_as_set() -> None:
    rules = guard_rules(SETTINGS)

    assert rules.weights == {"leak": "warn"}
    assert rules.late_minutes == 5
    assert rules.impacts == SETTINGS.severity_impacts
