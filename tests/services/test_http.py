"""What the clients share."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.errors import Ambiguous, Unreachable
from integration.services.http import Answer, Bearer, Tokens, seconds_to_wait, short, user_agent

NOON = 1772366400.0  # 2026-03-01T12:00:00Z


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("30", 30),
        ("0.5", 0.5),
        ("-3", 0),
        ("Sun, 01 Mar 2026 12:00:20 GMT", 20),
        ("2026-03-01T12:01:00Z", 60),
        ("2026-03-01T12:01:00", 60),
        ("2026-03-01T11:00:00Z", 0),
        ("soon", 7),
        ("nan", 7),
        ("inf", 7),
        ("", 7),
    ],
)
def test_retry_after_in_all_its_forms(said: str, seconds: float) -> None:
    assert seconds_to_wait({"retry-after": said}, default=7, wall=lambda: NOON) == seconds


@given(st.text())
def test_no_retry_after_is_too_strange(said: str) -> None:
    seconds = seconds_to_wait({"retry-after": said}, default=7)

    assert seconds >= 0
    assert math.isfinite(seconds)


def test_a_providers_words_are_one_bounded_line_without_secrets() -> None:
    assert short("a\n  b  secret-1", ("secret-1", "")) == "a b ***"
    assert len(short("x" * 5000)) == 300


def test_the_user_agent_is_ours() -> None:
    assert user_agent().startswith("incident-comms/")


async def test_a_token_is_fetched_once_and_renewed_before_its_end() -> None:
    fetched: list[Bearer] = []

    async def fetch() -> tuple[Bearer, float]:
        await asyncio.sleep(0)
        fetched.append(Bearer(f"token-{len(fetched)}"))
        return fetched[-1], 3600.0 if len(fetched) > 1 else 0.0

    tokens = Tokens(fetch)
    first = await tokens.get()  # lives for no time at all: the next asks again
    again = await asyncio.gather(*(tokens.get() for _ in range(10)))

    assert len(fetched) == 2
    assert set(again) == {fetched[1]}
    assert "token" not in repr(first)


async def test_a_refused_token_is_replaced_once_and_a_newer_one_stays() -> None:
    fetched: list[Bearer] = []
    used: list[str] = []

    async def fetch() -> tuple[Bearer, float]:
        fetched.append(Bearer(f"token-{len(fetched)}"))
        return fetched[-1], 3600.0

    async def once(bearer: Bearer) -> Answer:
        await asyncio.sleep(0)
        used.append(bearer.token)
        return Answer(401 if bearer is fetched[0] else 200, None)

    tokens = Tokens(fetch)
    answers = await asyncio.gather(*(tokens.send(once, lambda one: one.status == 401) for _ in range(3)))

    assert [one.status for one in answers] == [200] * 3
    assert used == ["token-0"] * 3 + ["token-1"] * 3
    assert len(fetched) == 2


async def test_what_is_refused_again_is_not_sent_a_third_time() -> None:
    used: list[Bearer] = []

    async def fetch() -> tuple[Bearer, float]:
        return Bearer("token"), 3600.0

    async def once(bearer: Bearer) -> Answer:
        used.append(bearer)
        return Answer(401, None)

    answer = await Tokens(fetch).send(once, lambda one: one.status == 401)

    assert (answer.status, len(used)) == (401, 2)


async def test_losing_the_answer_about_a_token_says_nothing_happened() -> None:
    async def fetch() -> tuple[Bearer, float]:
        raise Ambiguous("zoom", "oauth.token", "HTTP 503")

    with pytest.raises(Unreachable):
        await Tokens(fetch).get()
