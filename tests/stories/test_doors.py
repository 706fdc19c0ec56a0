"""What knocks at a door without being who it says, or talks nonsense, is told so, and nothing happens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio

from sandbox.credentials import PORT_CLIENT_SECRET, SLACK_SIGNING_SECRET, ZOOM_WEBHOOK_SECRET
from sandbox.stage import Json, Stage
from tests.stories.play import Incident, becomes, mark, outside, quiet

pytestmark = pytest.mark.asyncio(loop_scope="session")

PORT = "/integration/port/actions/open_war_room"
SLACK = "/integration/slack/events"
ZOOM = "/integration/zoom/events"
DOORS = (PORT, SLACK, ZOOM)
MEGABYTE = 1024 * 1024


def signed(door: str, body: bytes, at: float | None = None) -> dict[str, str]:
    """The headers with which the vendor of that door would send this body."""
    stamp = str(int(time.time() if at is None else at))
    if door.startswith("/integration/port/"):
        mac = hmac.new(PORT_CLIENT_SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).digest()
        return {
            "x-port-timestamp": stamp,
            "x-port-signature": "v1," + base64.b64encode(mac).decode(),
        }
    slack = door == SLACK
    secret = SLACK_SIGNING_SECRET if slack else ZOOM_WEBHOOK_SECRET
    found = "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    names = ("x-slack-request-timestamp", "x-slack-signature")
    if not slack:
        names = ("x-zm-request-timestamp", "x-zm-signature")
    return dict(zip(names, (stamp, found), strict=True))


@dataclass
class Knocker:
    stage: Stage
    client: httpx.AsyncClient
    incident: Incident

    async def send(self, door: str, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        given = signed(door, body) if headers is None else headers
        return await self.client.post(door, content=body, headers=given)

    def command(self, **values: object) -> bytes:
        """What Port would send for a press of the button on the incident."""
        body: Json = {
            "action": "open_war_room",
            "run": "r_nobody",
            "incident": self.incident.identifier,
            "snapshot": None,
            "inputs": {},
            "requestedBy": "oncall@example.com",
        }
        return json.dumps(body | values).encode()


@pytest_asyncio.fixture(loop_scope="session")
async def knock(stage: Stage) -> AsyncIterator[Knocker]:
    """Knocks at the doors, and sees to it that nothing came of it."""
    incident = await Incident.created(stage, severity="sev4")
    await quiet(stage)
    since = await mark(stage)
    async with httpx.AsyncClient(base_url=stage.url, timeout=10) as client:
        yield Knocker(stage, client, incident)
    assert await outside(stage, since) == []
    assert await incident.rooms() == []
    assert await incident.communications() == {}
    assert await incident.runs() == []


@pytest.mark.parametrize("door", DOORS)
async def test_unsigned_wrongly_signed_and_stale_are_401(knock: Knocker, door: str) -> None:
    body = knock.command()
    right = signed(door, body)
    stamp, signature = right
    wrong: list[dict[str, str]] = [
        {},
        {stamp: right[stamp]},
        {signature: right[signature]},
        right | {signature: right[signature].split("=")[0] + "=" + "0" * 64},
        right | {signature: "v0=é"},
        right | {stamp: "soon"},
        signed(door, body + b" "),
        signed(door, body, time.time() - 310),
        signed(door, body, time.time() + 310),
    ]
    for headers in wrong:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        answer = await knock.client.post(door, content=body, headers=raw)

        assert answer.status_code == 401, headers
        assert "signature" in answer.json()["error"]


@pytest.mark.parametrize("door", DOORS)
async def test_too_large_is_413_before_it_is_read(knock: Knocker, door: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * (MEGABYTE // 16)

    body = b"x" * (MEGABYTE + 1)

    assert (await knock.send(door, body)).status_code == 413
    chunked = await knock.client.post(door, content=endless())
    assert chunked.status_code == 413


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("body", [b"", b"{", b"incident=INC-1", b"\xff\xfe\x00", b"[]", b'"text"', b"null"])
async def test_what_is_no_json_object_is_400(knock: Knocker, door: str, body: bytes) -> None:
    answer = await knock.send(door, body)

    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]


async def test_deep_json_is_refused_and_breaks_nothing(knock: Knocker) -> None:
    answer = await knock.send(PORT, b"[" * 200_000)

    assert answer.status_code == 400


async def test_an_unknown_action_is_404_and_names_the_known(knock: Knocker) -> None:
    door = "/integration/port/actions/sing"

    answer = await knock.send(door, knock.command(action="sing"))

    assert answer.status_code == 404
    assert "'sing'" in answer.json()["error"]
    assert "open_war_room" in answer.json()["error"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("run", None),
        ("run", ""),
        ("run", 7),
        ("run", "r" * 2000),
        ("incident", ["INC-1"]),
        ("inputs", "channel"),
        ("snapshot", "INC-1"),
        ("requestedBy", {"email": "oncall@example.com"}),
        ("action", "close_war_room"),
    ],
)
async def test_a_wrong_field_is_400_and_named(knock: Knocker, field: str, value: object) -> None:
    answer = await knock.send(PORT, knock.command(**{field: value}))

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"{field}:")


async def test_get_is_no_way_in(knock: Knocker) -> None:
    for door in DOORS:
        assert (await knock.client.get(door)).status_code == 405


async def test_challenges_are_answered(knock: Knocker) -> None:
    slack = await knock.send(SLACK, b'{"type": "url_verification", "challenge": "3eZbrw1aB"}')
    zoom = await knock.send(ZOOM, b'{"event": "endpoint.url_validation", "payload": {"plainToken": "qgg8"}}')

    assert slack.json() == {"challenge": "3eZbrw1aB"}
    expected = hmac.new(ZOOM_WEBHOOK_SECRET.encode(), b"qgg8", hashlib.sha256).hexdigest()
    assert zoom.json() == {"plainToken": "qgg8", "encryptedToken": expected}
    bare = await knock.send(ZOOM, b'{"event": "endpoint.url_validation"}')
    assert bare.status_code == 400


async def test_odd_events_are_taken_and_ignored(knock: Knocker) -> None:
    odd: list[tuple[str, Json]] = [
        (SLACK, {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message"}}),
        (SLACK, {"type": "event_callback", "event_id": 7, "event": {"type": "message", "channel": 7}}),
        (SLACK, {"type": "event_callback", "event": None}),
        (SLACK, {"type": "event_callback", "event": {"type": "reaction_added", "item": [], "channel": "C1"}}),
        (SLACK, {"type": "something_new"}),
        (ZOOM, {"event": "meeting.started", "payload": {"object": []}}),
        (ZOOM, {"event": "meeting.ended", "payload": {"object": {"id": "1"}}}),
        (ZOOM, {"event": None, "payload": None}),
    ]
    for door, event in odd:
        assert (await knock.send(door, json.dumps(event).encode())).status_code == 200, event


async def test_the_same_run_delivered_again_is_one_run(stage: Stage) -> None:
    """Word for word as Port sent it, twice more: at once and when all is done."""
    incident = await Incident.created(stage, severity="sev4")
    run = await stage.press("open_war_room", incident.identifier, {}, "oncall@example.com")
    async with httpx.AsyncClient(timeout=10) as client:

        async def delivered() -> list[Json]:
            return await stage.journal(since=incident.since, operation="webhook.open_war_room", full="true")

        sent, *_ = await becomes("Port has called", delivered)

        async def again() -> httpx.Response:
            request = sent["request"]
            return await client.post(
                sent["path"], content=request["body"].encode(), headers=request["headers"]
            )

        early = await again()
        assert (await stage.finished(run))["status"] == "SUCCESS"
        late = await again()

    assert {early.status_code, late.status_code} == {202}
    room = await incident.room()
    await incident.press("open_war_room")  # ends after all that came before it
    done = await outside(stage, incident.since)
    assert done.count("conversations.create") == done.count("chat.postMessage") == 1
    assert done.count("meetings.create") == 1
    assert len(await room.ours()) == 1
    assert [one["status"] for one in await incident.runs()] == ["SUCCESS", "SUCCESS"]
