"""Every door under wild requests: nobody gets a 5xx, nothing happens, and unsigned is never taken in.

Doors and all that is behind them are real; the vendors are the sandbox in this process, which counts effects.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from integration.doors import port, signatures, slack, statuspage, zoom
from integration.engine import Engine
from tests.action_bench import Bench, bench

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "of-the-wild-doors"
PATHS = {
    "port": "/port/actions/post_update",
    "slack events": "/slack/events",
    "slack clicks": "/slack/interactions",
    "slack commands": "/slack/commands",
    "zoom": "/zoom/events",
    "statuspage": "/statuspage/of-the-wild-doors/events",
}
EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

# Words that mean something to some door, so that wild values reach past the first line.
WORDS = st.sampled_from(
    [
        *("type", "event", "event_callback", "url_verification", "challenge", "payload", "object", "id"),
        *(
            "endpoint.url_validation",
            "plainToken",
            "meeting.ended",
            "message",
            "channel",
            "C0123ABCDEF",
            "ts",
        ),
        *("1700000000.000100", "item", "reaction_added", "pin_added", "block_actions", "view_submission"),
        *("message_action", "callback_id", "actions", "action_id", "value", "trigger_id", "view", "state"),
        *("private_metadata", "user", "values", "incident", "inputs", "run", "requestedBy", "snapshot"),
        *("post_update", "action", "page", "incident_updates", "component", "component_id", "text"),
        *("open INC-1", "note finding: x", "publish", "operationId", "$where", "../..", "{{ 7*7 }}"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | WORDS
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=15,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=8)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Bytes, JSON, or a form with JSON in it."""
    match draw(st.integers(0, 3)):
        case 0:
            return draw(st.binary(max_size=200))
        case 1:
            return json.dumps(draw(JSON)).encode()
        case 2:
            return json.dumps(draw(OBJECTS)).encode()
    fields = draw(st.dictionaries(WORDS, st.text(max_size=20) | WORDS, max_size=5))
    return urlencode({**fields, "payload": json.dumps(draw(OBJECTS))}).encode()


HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("x-slack-signature", "x-slack-request-timestamp", "x-zm-signature", "x-zm-request-timestamp"),
            *("x-port-signature", "x-port-timestamp", "content-type", "content-encoding"),
        ]
    ),
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=255), max_size=30)
    | st.sampled_from([str(int(time.time())), "v0=" + "0" * 64, "v1,AAAA", "v0=", "gzip", "9" * 30]),
    max_size=6,
)


def signed(door: str, body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    if door == "port":
        mac = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).digest()
        return {"x-port-timestamp": stamp, "x-port-signature": "v1," + base64.b64encode(mac).decode()}
    names = ("x-zm-request-timestamp", "x-zm-signature")
    if door.startswith("slack"):
        names = ("x-slack-request-timestamp", "x-slack-signature")
    return dict(zip(names, (stamp, signatures.v0(SECRET, stamp, body)), strict=True))


class Hints:
    """Stands for the page's mirror, which reads by API whatever is hinted at."""

    def observe(self, page: str, incident: str, component: str) -> None:
        assert page
        assert incident or component


class Doors:
    """All doors before one engine. `answers` counts what was answered, by door."""

    def __init__(self, found: Bench, engine: Engine, client: httpx.AsyncClient) -> None:
        self.bench, self.engine, self.client = found, engine, client
        self.answers: Counter[tuple[str, int]] = Counter()

    async def knock(self, door: str, body: bytes, headers: dict[str, str], path: str = "") -> int:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        answer = await self.client.post(path or PATHS[door], content=body, headers=raw)
        self.answers[door, answer.status_code] += 1
        return answer.status_code

    def effects(self) -> list[str]:
        """What was changed anywhere; tokens and what nobody keeps are no effects."""
        return [
            f"{one.service} {one.operation}: {one.effect}"
            for one in self.bench.sandbox.world.journal
            if one.effect and one.operation not in ("oauth.token", "auth.access_token")
        ]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def doors() -> AsyncIterator[Doors]:
    async with bench() as found:
        engine = found.engines[0]
        app = FastAPI()

        async def runner() -> Any:
            return engine.runner

        async def mirror() -> Any:
            return engine.mirror

        async def clicks() -> Any:
            return engine.clicks

        async def bridge() -> Any:
            return engine.bridge.take

        async def pages() -> Any:
            return Hints()

        port.add_routes(app.router, lambda: SECRET, runner)
        slack.add_routes(app.router, lambda: SECRET, mirror, clicks)
        zoom.add_routes(app.router, lambda: SECRET, bridge)
        statuspage.add_routes(app.router, lambda: SECRET, pages)
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://doors") as client:
            knocked = Doors(found, engine, client)
            before = knocked.effects()
            yield knocked
            await engine.runner.drain(5)
            assert knocked.effects() == before  # nor anything afterwards
            assert not [status for _, status in knocked.answers if status >= 500]


@pytest.mark.parametrize("door", [door for door in PATHS if door != "statuspage"])
@EXAMPLES
@given(body=bodies(), headers=HEADERS)
async def test_unsigned_is_refused_whatever_it_says(
    doors: Doors, door: str, body: bytes, headers: dict[str, str]
) -> None:
    before = doors.effects()

    assert await doors.knock(door, body, headers) == 401

    assert doors.effects() == before


@pytest.mark.parametrize("door", PATHS)
@EXAMPLES
@given(body=bodies())
async def test_nonsense_that_is_signed_breaks_nothing_and_does_nothing(
    doors: Doors, door: str, body: bytes
) -> None:
    before = doors.effects()

    assert await doors.knock(door, body, signed(door, body)) < 500

    assert doors.effects() == before


@EXAMPLES
@given(guess=st.text(alphabet="abcdefghijklmnop-_0123456789", min_size=1, max_size=40), body=bodies())
async def test_a_guessed_path_is_told_nothing(doors: Doors, guess: str, body: bytes) -> None:
    assert await doors.knock("statuspage", body, {}, f"/statuspage/{guess}/events") == 404
