"""Port AI as a second opinion: what it may say, how it is asked, and that nobody waits for it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration import second_opinion as module
from integration.errors import BadInput, ServiceError
from integration.model_notes import Asked, batch, question, verdicts
from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.second_opinion import SecondOpinion
from integration.services.port_ai import PortAi
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port.ai import scripted
from tests.mirror_bench import TEAM, Bench, bench, hasten
from tests.sandbox.serve import until
from tests.services.conftest import GenerousBudget
from tests.told import WILD

AGENT = "incident_notetaker"
SAID = "the error rate of checkout is at four percent since nine"


def asked(ts: str = "1.0", text: str = SAID, **more: Any) -> Asked:
    return Asked(ts=ts, author="ana", text=text, **{"kind": "update", "confidence": 0.5, **more})


def answer(*notes: Json) -> str:
    return json.dumps({"notes": list(notes)})


def said(number: int = 1, kind: str = "impact", confidence: float = 0.9, title: str = "") -> Json:
    return {"id": str(number), "kind": kind, "confidence": confidence, "title": title}


# What is taken of an answer


def test_a_kind_a_confidence_and_a_title_in_the_messages_own_words() -> None:
    whole = (
        "Here you are:\n```json\n" + answer(said(title="error rate of checkout at four percent")) + "\n```"
    )

    found = verdicts([asked()], whole)["1.0"]

    assert (found.kind, found.confidence) == ("impact", 0.9)
    assert found.title == "error rate of checkout at four percent"
    foreign = verdicts([asked()], answer(said(title="visit https://evil.example.com now")))["1.0"]
    assert foreign.title == ""


def test_noise_keeps_the_note_and_shows_it_as_unsure() -> None:
    found = verdicts([asked(kind="finding", confidence=0.8)], answer(said(kind="noise")))["1.0"]

    assert (found.kind, found.confidence) == ("finding", 0.3)


@pytest.mark.parametrize(
    "wrong",
    [
        "I can't help with that.",
        "{}",
        answer(),
        answer(said(kind="publish")),
        answer(said(confidence=2)),
        answer(said(), said()),
        answer(said(2)),
        answer({**said(), "run": "publish_status_page"}),
        '{"notes": "all"}',
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(wrong: str) -> None:
    with pytest.raises(BadInput, match="answer: "):
        verdicts([asked()], wrong)


@given(st.lists(WILD, min_size=1, max_size=5))
def test_words_of_the_chat_stay_within_their_fence(texts: list[str]) -> None:
    every = [asked(f"{number}.0", text) for number, text in enumerate(texts)]

    lines = question(batch(every), "0123abcd").split("\n")

    assert [line for line in lines if "0123abcd" in line and not line.startswith("Judge")] == [
        "<<<0123abcd",
        "0123abcd>>>",
    ]
    assert json.loads(lines[2])[0]["text"] == texts[0][:1500]
    assert len(lines) == 5


@given(st.text())
def test_any_answer_is_taken_or_refused(text: str) -> None:
    with contextlib.suppress(BadInput):
        verdicts([asked()], text)


# With Port


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    hasten(monkeypatch)
    monkeypatch.setattr(module, "GATHER_SECONDS", 0.05)
    monkeypatch.setattr("integration.services.port_ai.POLL_SECONDS", (0.02,))
    async with bench() as found:
        yield found


@pytest.fixture
async def ai(desk: Bench) -> AsyncIterator[PortAi]:
    found = PortAi(f"{desk.url}/port", PORT_CLIENT_ID, PORT_CLIENT_SECRET, GenerousBudget(), 2.0, "tests/1")
    yield found
    await found.aclose()


async def agent(desk: Bench, *answers: Any, limit: int = 50, stream: bool = True) -> Any:
    found = desk.port.ai
    found.switch_on()
    found.limit, found.stream = limit, stream
    found.script.extend(scripted(one) for one in answers)
    await desk.entity("_ai_agent", AGENT, properties={"status": "active"})
    return found


@pytest.mark.parametrize("stream", [True, False])
async def test_a_question_is_answered_by_stream_or_later(desk: Bench, ai: PortAi, stream: bool) -> None:
    await agent(desk, {"text": "one\n\ntwo " * 30, "seconds": 0.05}, stream=stream)

    assert await ai.ask(AGENT, "what?", {}, 5.0) == "one\n\ntwo " * 30
    quota = await ai.quota()
    assert quota.remaining == 49
    assert quota.seconds > 0


async def test_a_stream_that_breaks_off_is_asked_for(desk: Bench, ai: PortAi) -> None:
    found = await agent(desk, {"text": "whole answer", "cut": True})

    assert await ai.ask(AGENT, "what?", {}, 5.0) == "whole answer"
    assert len(found.seen()) == 1


@pytest.mark.parametrize(
    "problem", [{"error": "internal_error"}, {"text": "late", "seconds": 5.0}], ids=["fails", "late"]
)
async def test_no_answer_is_an_error_in_time(desk: Bench, ai: PortAi, problem: Json) -> None:
    await agent(desk, problem)

    with pytest.raises(ServiceError):
        await ai.ask(AGENT, "what?", {}, 0.3)
    with pytest.raises(ServiceError):
        await ai.ask("nobody", "what?", {}, 5.0)


async def how(desk: Bench, room: WarRoom, ts: str, wanted: str) -> None:
    """Wait until a note was decided so."""

    async def look() -> bool:
        return bool((await desk.notes(room))[ts]["properties"]["how"] == wanted)

    seen: bool = await until(look, what=f"it is decided by {wanted}")
    assert seen


async def opinion(desk: Bench, ai: PortAi, mirror: Any) -> Callable[[], str]:
    told: list[str] = []

    async def tell(room: str, who: str) -> None:
        told.append(who)

    found = SecondOpinion(ai, AGENT, tell)
    found.judged, mirror.consider = mirror.judged, found.consider
    return lambda: told[-1] if told else ""


async def test_the_models_word_changes_a_note_and_stays_over_a_read(desk: Bench, ai: PortAi) -> None:
    found = await agent(desk, "no JSON at all", answer(said(title="checkout at four percent")))
    room = await desk.room()
    mirror = desk.mirror()
    who = await opinion(desk, ai, mirror)
    mirror.watch(room)
    ts = desk.say(room, SAID)
    marked = desk.say(room, "finding: it is the pool")
    for one in (ts, marked):
        mirror.observe(desk.event(room, one))

    await until(lambda: who() == "model", what="the model has judged")

    await how(desk, room, ts, "model")
    notes = {one: note["properties"] for one, note in (await desk.notes(room)).items()}
    assert (notes[ts]["kind"], notes[ts]["title"]) == ("impact", "checkout at four percent")
    assert notes[marked]["how"] == "mark"
    first, repaired = found.seen()
    assert "pool" not in first["prompt"]
    assert "could not be used" in repaired["prompt"]

    # Another process reads the room: the same, and nobody is asked again.
    other = desk.mirror()
    await opinion(desk, ai, other)
    await desk.read(other, room)
    again = {one: note["properties"] for one, note in (await desk.notes(room)).items()}
    assert again == notes
    assert len(found.seen()) == 2
    # Who edits it is judged anew; by the rules until then.
    mirror.observe(desk.edited(room, ts, "decision: we fail over"))
    await how(desk, room, ts, "mark")


@pytest.mark.parametrize(
    ("answers", "limit", "reason"),
    [
        (["no", "no again"], 50, "its answer could not be used"),
        ([{"error": "internal_error"}], 50, "it did not answer"),
        ([], 5, "this month's quota is used up"),
    ],
    ids=["unusable", "fails", "no quota"],
)
async def test_without_an_answer_the_rules_word_stands_and_the_room_says_why(
    desk: Bench, ai: PortAi, answers: list[Any], limit: int, reason: str
) -> None:
    await agent(desk, *answers, limit=limit)
    room = await desk.room()
    mirror = desk.mirror()
    who = await opinion(desk, ai, mirror)
    mirror.watch(room)
    ts = desk.say(room, SAID)
    mirror.observe(desk.event(room, ts))

    await until(lambda: who() == f"rules (Port AI: {reason})", what=reason)
    assert (await desk.notes(room))[ts]["properties"]["how"] == "rules"


async def test_of_private_incidents_nothing_is_asked(desk: Bench, ai: PortAi) -> None:
    found = await agent(desk)
    room = await desk.room(private=True)
    mirror = desk.mirror(private_rooms_team=TEAM)
    await opinion(desk, ai, mirror)
    mirror.watch(room)
    ts = desk.say(room, SAID)
    mirror.observe(desk.event(room, ts))
    await desk.noted(room, ts)

    await mirror.settle(room)
    assert found.seen() == []
