"""Zoom's events: the challenge, the signature, what is sent when, and what happens to refused ones."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from sandbox import credentials
from sandbox.world import Hostility
from sandbox.zoom.life import NotPossible
from tests.openapi import load
from tests.sandbox.serve import serve, until
from tests.sandbox.zoom.conftest import HOST, Bench


def _digest(message: bytes) -> str:
    return hmac.new(credentials.ZOOM_WEBHOOK_SECRET.encode(), message, hashlib.sha256).hexdigest()


@dataclass
class Receiver:
    """An endpoint that verifies what it gets, as Zoom's documents ask."""

    url: str = ""
    echo: bool = True
    refuse: int = 0  # how many deliveries to answer 500
    events: list[dict[str, Any]] = field(default_factory=list)
    attempts: int = 0

    async def __call__(self, request: Request) -> Response:
        body = await request.body()
        stamp = request.headers["x-zm-request-timestamp"]
        assert request.headers["x-zm-signature"] == "v0=" + _digest(f"v0:{stamp}:".encode() + body)
        told = json.loads(body)
        if told["event"] == "endpoint.url_validation":
            plain = told["payload"]["plainToken"]
            answer = {"plainToken": plain, "encryptedToken": _digest(plain.encode())}
            return JSONResponse(answer if self.echo else {"plainToken": plain, "encryptedToken": "no"})
        self.attempts += 1
        if self.refuse > 0:
            self.refuse -= 1
            return Response(status_code=500)
        self.events.append(told)
        return Response(status_code=204)

    def names(self) -> list[str]:
        return [e["event"] for e in self.events]


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with serve(Router([Route("/zoom/events", receiver.__call__, methods=["POST"])])) as base:
        receiver.url = f"{base}/zoom/events"
        yield receiver


async def test_an_endpoint_must_pass_the_challenge(bench: Bench, receiver: Receiver) -> None:
    receiver.echo = False
    assert "encryptedToken" in await bench.zoom.hooks.subscribe(receiver.url)
    assert bench.zoom.hooks.url == ""
    receiver.echo = True
    assert await bench.zoom.hooks.subscribe(receiver.url) == ""
    nobody = await bench.zoom.hooks.subscribe("http://127.0.0.1:1/")
    assert nobody == "did not answer"
    assert bench.zoom.hooks.url == receiver.url


async def test_a_meeting_s_course_is_told_in_order(bench: Bench, receiver: Receiver) -> None:
    bench.world.hostility = Hostility.none()
    await bench.zoom.hooks.subscribe(receiver.url)
    made = await bench.create(settings={"join_before_host": True})
    meeting = bench.zoom.store.meetings[made["id"]]
    bench.zoom.life.join(meeting, "dana@example.com")
    await bench.call("PATCH", f"/meetings/{made['id']}", json={"topic": "INC-2"})
    await bench.call("PUT", f"/meetings/{made['id']}/status", json={"action": "end"})
    await bench.call("DELETE", f"/meetings/{made['id']}")

    expected = ["created", "started", "participant_joined", "updated"]
    expected += ["participant_left", "ended", "deleted"]
    await until(lambda: len(receiver.events) >= len(expected), what="all events")
    assert receiver.names() == [f"meeting.{e}" for e in expected]
    assert {str(e["payload"]["object"]["id"]) for e in receiver.events} == {str(made["id"])}
    assert receiver.events[2]["payload"]["object"]["participant"]["email"] == "dana@example.com"
    schemas = load("zoom_webhooks.yaml")["webhooks"]
    for told in receiver.events:
        content = schemas[told["event"]]["post"]["requestBody"]["content"]
        jsonschema.validate(told, content["application/json"]["schema"])


async def test_a_refused_delivery_is_tried_again(bench: Bench, receiver: Receiver) -> None:
    bench.world.hostility = Hostility.none()
    bench.deliverer.retry_scale = 100_000.0
    await bench.zoom.hooks.subscribe(receiver.url)
    receiver.refuse = 2
    await bench.create()

    def statuses() -> list[int | None]:
        return [e.status for e in bench.world.journal if e.operation == "event.meeting.created"]

    await until(lambda: statuses() == [500, 500, 204], what="the delivery after two refusals")
    assert receiver.attempts == 3


async def test_events_come_twice_when_hostile(bench: Bench, receiver: Receiver) -> None:
    bench.world.hostility.change({"event_duplicate_share": 1.0, "event_delay_seconds": 0.05})
    await bench.zoom.hooks.subscribe(receiver.url)
    await bench.create()

    await until(lambda: len(receiver.events) == 2, what="the event and its twin")
    assert receiver.events[0] == receiver.events[1]


async def test_nobody_enters_before_the_host_unless_allowed(bench: Bench) -> None:
    made = await bench.create()
    meeting = bench.zoom.store.meetings[made["id"]]
    with pytest.raises(NotPossible, match="join_before_host"):
        bench.zoom.life.join(meeting, "dana@example.com")
    bench.zoom.life.join(meeting, HOST)
    bench.zoom.life.join(meeting, "dana@example.com")
    with pytest.raises(NotPossible, match="already"):
        bench.zoom.life.join(meeting, "dana@example.com")
    first = meeting.uuid
    bench.zoom.life.leave(meeting, HOST)
    bench.zoom.life.leave(meeting, "dana@example.com")
    assert meeting.live is None
    bench.zoom.life.join(meeting, HOST)
    assert meeting.uuid != first


async def test_summary_and_transcript_are_told_and_fetched(bench: Bench, receiver: Receiver) -> None:
    bench.world.hostility = Hostility.none()
    await bench.zoom.hooks.subscribe(receiver.url)
    made = await bench.create(settings={"join_before_host": True})
    meeting = bench.zoom.store.meetings[made["id"]]
    person = bench.zoom.life.join(meeting, "dana@example.com")
    words = "The queue was full.\n\n## Next steps\n- Dana: raise the limit\n"
    turns = [(0.5, person.name, "it is the queue"), (4.0, "Host", "then raise the limit")]
    uuid = meeting.uuid
    bench.zoom.life.end(meeting, words, turns)

    wanted = {"meeting.summary_completed", "recording.transcript_completed"}
    await until(lambda: wanted <= set(receiver.names()), what="both events")
    told = {event["event"]: event for event in receiver.events}
    summary, recorded = (told[name] for name in sorted(wanted))
    assert summary["payload"]["object"]["next_steps"] == ["Dana: raise the limit"]
    (file,) = recorded["payload"]["object"]["recording_files"]
    assert (file["file_type"], recorded["payload"]["object"]["uuid"]) == ("TRANSCRIPT", uuid)

    path = file["download_url"].replace(bench.zoom.store.web, "/zoom")
    bearer = {"authorization": f"Bearer {recorded['download_token']}"}
    text = (await bench.http.get(path, headers=bearer)).text
    assert text.startswith("WEBVTT\n\n1\n00:00:00.500 --> 00:00:04.000\n")
    assert "Host: then raise the limit" in text
    assert (await bench.http.get(path, headers={"authorization": "Bearer no"})).status_code == 401
    assert (await bench.call("GET", f"/meetings/{made['id']}/recordings")).json()["recording_count"] == 1

    assert bench.zoom.life.delete_summary(meeting)
    assert bench.zoom.recordings.delete(meeting, meeting.past[-1])
    gone = {"meeting.summary_deleted", "recording.deleted"}
    await until(lambda: gone <= set(receiver.names()), what="both deletions")
    schemas = load("zoom_webhooks.yaml")["webhooks"]
    for event in receiver.events:
        content = schemas[event["event"]]["post"]["requestBody"]["content"]
        jsonschema.validate(event, content["application/json"]["schema"])
