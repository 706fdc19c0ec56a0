"""What a failure on the wire means: read at a real socket, because slack-sdk does its own reading."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest
from loguru import logger

from integration.budget import Budget, Priority
from integration.errors import Ambiguous, CredentialsRefused, RateLimited, Refused, ServiceError, Unreachable
from integration.services.http import Patience
from integration.services.slack import SlackService
from integration.services.slack_errors import CREDENTIALS, HINTS
from tests.services.conftest import TOKEN, Said, ScriptedSlack

POSTED = Said({"ok": True, "channel": "C1", "ts": "1700000000.000100"})
LIMITED = Said({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "0"})

LOST = {
    "5xx": Said({"ok": False, "error": "internal_error"}, status=503),
    "5xx in HTML": Said(b"<html>oops</html>", status=502, content_type="text/html"),
    "5xx in plain text": Said(b"oops", status=500, content_type="text/plain"),
    "reset": Said(drop=True),
    "not JSON": Said(b"<html>upstream hiccup"),
    "cut JSON": Said(b'{"ok": tr'),
    "empty": Said(b""),
    "JSON but no object": Said([1, 2]),
    "a string": Said("ok"),
    "null": Said(b"null"),
    "plain text": Said(b"ok", content_type="text/plain"),
    "no UTF-8": Said(b'{"ok": "\xff\xfe"}'),
    "no ok": Said({"channel": "C1"}),
    "internal_error": Said({"ok": False, "error": "internal_error"}),
    "fatal_error": Said({"ok": False, "error": "fatal_error"}),
    "yes without a ts": Said({"ok": True, "channel": "C1"}),
}


@pytest.mark.parametrize("said", LOST.values(), ids=LOST.keys())
async def test_a_post_without_a_trustworthy_answer_is_ambiguous_and_sent_once(
    scripted: ScriptedSlack, slack: SlackService, said: Said
) -> None:
    scripted.says("chat.postMessage", said)

    with pytest.raises(Ambiguous) as caught:
        await slack.post("C1", "hello")

    assert len(scripted.calls("chat.postMessage")) == 1
    assert caught.value.operation == "chat.postMessage"


async def test_a_post_that_times_out_is_ambiguous_and_sent_once(
    scripted: ScriptedSlack, budget: Budget, patience: Patience
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(65536))
        await reader.read()
        writer.close()

    heard: list[bytes] = []
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    slack = SlackService(f"http://127.0.0.1:{port}/api/", TOKEN, budget, timeout=0.2, patience=patience)

    with pytest.raises(Ambiguous, match="no answer in time"):
        await slack.create_channel("inc-1")

    assert len(heard) == 1
    await slack.aclose()
    server.close()


@pytest.mark.parametrize("said", [v for k, v in LOST.items() if k != "yes without a ts"])
async def test_a_read_is_tried_again(scripted: ScriptedSlack, slack: SlackService, said: Said) -> None:
    found = Said({"ok": True, "channel": {"id": "C1", "name": "room"}})
    scripted.says("conversations.info", said, said, found)

    channel = await slack.channel("C1")

    assert channel is not None
    assert channel.name == "room"
    assert len(scripted.calls("conversations.info")) == 3


async def test_a_read_is_given_up_after_three_tries(scripted: ScriptedSlack, slack: SlackService) -> None:
    scripted.says("conversations.info", LOST["5xx"])

    with pytest.raises(Ambiguous, match="HTTP 503"):
        await slack.channel("C1")

    assert len(scripted.calls("conversations.info")) == 3


async def test_setting_a_state_twice_is_setting_it_once(scripted: ScriptedSlack, slack: SlackService) -> None:
    done = Said({"ok": False, "error": "already_archived"})
    scripted.says("conversations.archive", LOST["reset"], done)

    await slack.archive("C1")

    assert len(scripted.calls("conversations.archive")) == 2


async def test_a_refused_connection_is_unreachable(budget: Budget, patience: Patience) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        port = taken.getsockname()[1]
        slack = SlackService(f"http://127.0.0.1:{port}/api/", TOKEN, budget, patience=patience)
        with pytest.raises(Unreachable):
            await slack.create_channel("inc-1")
        await slack.aclose()


async def test_the_message_is_unsent_when_only_auth_test_was_lost(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    scripted.says("auth.test", LOST["5xx"])

    with pytest.raises(Unreachable):
        await slack.post("C1", "hello")

    assert scripted.calls("chat.postMessage") == []


@pytest.mark.parametrize(
    "limited",
    [
        LIMITED,
        Said({"ok": False, "error": "rate_limited"}, headers={"Retry-After": "0"}),
        Said(b"slow down", status=429, headers={"Retry-After": "0"}, content_type="text/plain"),
        Said(b"<html>", status=429, headers={"Retry-After": "0"}, content_type="text/html"),
    ],
)
async def test_a_429_is_waited_out_for_a_post_too(
    scripted: ScriptedSlack, slack: SlackService, limited: Said
) -> None:
    scripted.says("chat.postMessage", limited, limited, POSTED)

    post = await slack.post("C1", "hello")

    assert post.ts == "1700000000.000100"
    assert len(scripted.calls("chat.postMessage")) == 3


async def test_retry_after_is_heeded(scripted: ScriptedSlack, slack: SlackService) -> None:
    limited = Said({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "1"})
    scripted.says("chat.postMessage", limited, POSTED)
    started = time.monotonic()

    await slack.post("C1", "hello")

    assert time.monotonic() - started >= 0.95


async def test_a_wait_beyond_the_bound_is_an_error_and_pauses_that_method_alone(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    limited = Said({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "90"})
    scripted.says("conversations.create", limited)
    scripted.says("conversations.info", ok=True, channel={"id": "C1"})

    for _ in range(2):  # the second one is not even sent
        with pytest.raises(RateLimited) as caught:
            await slack.create_channel("inc-1")
        assert caught.value.retry_after == pytest.approx(90, abs=1)

    assert len(scripted.calls("conversations.create")) == 1
    assert await slack.channel("C1") is not None


async def test_a_wait_that_nobody_names_is_short(scripted: ScriptedSlack, budget: Budget) -> None:
    """What is between us and Slack may answer 429 without a word of when to come back."""
    slack = SlackService(scripted.base, TOKEN, budget, timeout=2.0, patience=Patience(max_wait=0.5))
    scripted.says("conversations.info", Said({"ok": False, "error": "ratelimited"}, status=429))

    with pytest.raises(RateLimited) as caught:
        await slack.channel("C1")

    assert caught.value.retry_after == 1
    await slack.aclose()


@pytest.mark.parametrize("code", sorted(HINTS))
async def test_a_refusal_has_slacks_code_and_a_hint(
    scripted: ScriptedSlack, slack: SlackService, code: str
) -> None:
    scripted.says("chat.postMessage", ok=False, error=code)

    with pytest.raises(Refused) as caught:
        await slack.post("C1", "hello")

    assert caught.value.code == code
    assert HINTS[code] in str(caught.value)
    assert not isinstance(caught.value, CredentialsRefused)
    assert len(scripted.calls("chat.postMessage")) == 1


@pytest.mark.parametrize("code", sorted(CREDENTIALS))
async def test_token_and_scope_are_a_persons_business(
    scripted: ScriptedSlack, slack: SlackService, code: str
) -> None:
    scripted.says(
        "conversations.create", ok=False, error=code, needed="channels:manage", provided="chat:write"
    )

    with pytest.raises(CredentialsRefused) as caught:
        await slack.create_channel("inc-1")

    assert caught.value.hint
    assert ("channels:manage" in caught.value.hint) == (code == "missing_scope")


async def test_an_unknown_refusal_passes_on_what_slack_says(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    scripted.says(
        "chat.postMessage",
        ok=False,
        error="brand_new_error",
        response_metadata={"messages": ["[ERROR] no such field"]},
    )

    with pytest.raises(Refused, match=r"brand_new_error \(\[ERROR\] no such field\)"):
        await slack.post("C1", "hello")


async def test_something_else_there_is_a_refusal(scripted: ScriptedSlack, slack: SlackService) -> None:
    scripted.says("chat.postMessage", Said(b"not here", status=404, content_type="text/plain"))

    with pytest.raises(Refused, match="HTTP 404"):
        await slack.post("C1", "hello")


@pytest.mark.parametrize("key", ["5xx", "reset", "not JSON", "plain text"])
async def test_no_error_shows_the_token(scripted: ScriptedSlack, slack: SlackService, key: str) -> None:
    scripted.says("chat.postMessage", LOST[key])
    log: list[str] = []
    sink = logger.add(log.append, diagnose=True, backtrace=True, level="TRACE")
    with pytest.raises(ServiceError) as caught:
        await slack.post("C1", "hello")
    logger.opt(exception=caught.value).error("as an application would log it")
    logger.remove(sink)

    error = caught.value
    shown = repr(error) + str(error) + repr(error.__dict__) + repr(slack)
    assert error.__context__ is None

    assert "as an application would" in "".join(log)
    assert "not-a-secret" not in "".join(log) + shown


async def test_a_provider_that_echoes_the_token_is_masked(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    scripted.says("chat.postMessage", ok=False, error="invalid_arguments", detail=f"bad header: {TOKEN}")

    with pytest.raises(Refused) as caught:
        await slack.post("C1", "hello")

    assert "***" in str(caught.value)
    assert TOKEN not in str(caught.value)


async def test_every_call_carries_the_token_in_its_header_only(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    scripted.says("chat.postMessage", POSTED)
    await slack.post("C1", "hello")

    assert {heard.token for heard in scripted.heard} == {f"Bearer {TOKEN}"}
    assert all("token" not in heard.arguments for heard in scripted.heard)


async def test_a_cancelled_call_is_cancelled(scripted: ScriptedSlack, budget: Budget) -> None:
    slack = SlackService(scripted.base, TOKEN, budget)
    limited = Said({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "30"})
    scripted.says("conversations.info", limited)
    task = asyncio.create_task(slack.channel("C1", priority=Priority.MIRROR))
    while not scripted.calls("conversations.info"):
        await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await slack.aclose()
