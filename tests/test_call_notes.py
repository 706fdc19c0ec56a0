"""What was said in a call becomes notes: Zoom's summary of it, and its transcript."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.bridge_events import entity_of, news_of, read_bridge_event
from integration.call_notes import began, erased, summary_notes, transcript_file, transcript_notes, turns_of
from integration.notetaker import Marks
from tests.told import ROOM, START, WILD

ABOUT: dict[str, Any] = {
    "id": 123,
    "uuid": "abc==",
    "start_time": "2026-03-14T09:06:00Z",
    "topic": "INC-42",
}
SUMMARY = """## Quick recap
The pool of checkout was exhausted. password=hunter2hunter2

## Next steps
- Ana: raise the pool's limit
- [ ] Write to support

## Details
- not a step
"""
VTT = """WEBVTT

1
00:00:01.000 --> 00:00:03.000
Ana Example: finding: the pool of checkout-db

2
00:00:03.500 --> 00:00:06.000
Ana Example: is exhausted

3
00:01:00.000 --> 00:01:04.000
Ben: hello, I am here now

4
00:01:20.000 --> 00:01:24.000
Ben: decision: <@U0123> rolls back & we watch
"""


def news(event: str, token: str = "", **about: Any) -> Any:
    found = news_of(
        {
            "event": event,
            "event_ts": 1773479160000,
            "payload": {"object": {**ABOUT, **about}},
            "download_token": token,
        }
    )
    assert found is not None
    return found


def test_zooms_own_words_are_an_update_and_actions_shown_as_unsure() -> None:
    told = news("meeting.summary_completed", summary_content=SUMMARY, summary_title="Recap", next_steps=[])

    summary, *steps = summary_notes(ROOM, told)

    assert summary["properties"]["kind"] == "update"
    assert "hunter2" not in str(summary)
    assert [one["properties"]["title"] for one in steps] == [
        "Ana: raise the pool's limit",
        "Write to support",
    ]
    assert [one["properties"]["assignees"] for one in steps] == [["Ana"], []]
    assert {one["properties"]["how"] for one in (summary, *steps)} == {"model"}
    assert {one["properties"]["source"] for one in (summary, *steps)} == {"zoom summary"}
    assert all(one["properties"]["confidence"] < 0.7 for one in (summary, *steps))
    again = summary_notes(ROOM, news("meeting.summary_updated", summary_content=SUMMARY))
    assert {one["identifier"] for one in again} == {one["identifier"] for one in (summary, *steps)}


def test_the_older_fields_of_a_summary_are_read_too() -> None:
    old: dict[str, Any] = {
        "summary_overview": "It was the pool.",
        "summary_details": [{"label": "Cause", "summary": "too many workers"}],
        "next_steps": ["raise it"],
    }

    summary, step = summary_notes(ROOM, news("meeting.summary_completed", **old))

    assert summary["properties"]["text"] == "It was the pool.\n\n**Cause**: too many workers"
    assert step["properties"]["kind"] == "action"
    assert summary_notes(ROOM, news("meeting.summary_completed")) == []


def test_of_a_transcript_what_is_sure_becomes_notes_at_the_time_it_was_said() -> None:
    turns = turns_of(VTT, START)
    told = news("recording.transcript_completed", "token")

    found = transcript_notes(ROOM, told, turns, "https://zoom.us/rec/play/x", Marks())

    assert [turn.speaker for turn in turns] == ["Ana Example", "Ben", "Ben"]
    assert [one["properties"]["kind"] for one in found] == ["finding", "decision"]
    finding, decision = (one["properties"] for one in found)
    assert finding["title"] == "the pool of checkout-db is exhausted"
    assert (finding["author"], finding["saidAt"]) == ("Ana Example", "2026-03-14T09:00:01.000Z")
    assert "<@U0123>" in decision["text"]  # spoken words are no markup
    assert {finding["source"], decision["source"]} == {"zoom transcript"}
    assert finding["permalink"] == "https://zoom.us/rec/play/x"


def test_the_transcript_is_chosen_among_a_recordings_files() -> None:
    video = {"file_type": "MP4", "download_url": "https://zoom.us/a"}
    captions = {"file_type": "CC", "download_url": "https://zoom.us/b"}
    words = {
        "file_type": "TRANSCRIPT",
        "download_url": "https://zoom.us/c",
        "recording_start": "2026-03-14T09:07:00Z",
    }

    assert transcript_file({"recording_files": [video, captions, words]}) == words
    assert transcript_file({"recording_files": [video, captions]}) == captions
    assert transcript_file({"recording_files": [video]}) is None
    assert transcript_file({"recording_files": "?"}) is None
    assert began(ABOUT, words) == START + timedelta(minutes=7)
    assert began(ABOUT, captions) == START + timedelta(minutes=6)


def test_events_of_a_call_are_one_entity_each_however_often_they_come() -> None:
    ana = {"user_id": "1", "user_name": "Ana", "id": "u1", "join_time": "2026-03-14T09:07:00Z", "email": ""}
    again = {**ana, "user_id": "2", "join_time": "2026-03-14T09:30:00Z"}

    first, back = (
        entity_of(ROOM, news("meeting.participant_joined", participant=one)) for one in (ana, again)
    )
    begun = entity_of(ROOM, news("meeting.started"))
    event = read_bridge_event(first)

    assert first["identifier"] == back["identifier"]
    assert begun["identifier"] != first["identifier"]
    assert event is not None
    assert (event.event, event.person, event.at) == ("joined", "Ana", START + timedelta(minutes=7))
    assert read_bridge_event({"identifier": "x", "properties": {"event": "danced"}}) is None


def test_a_tombstone_keeps_no_word() -> None:
    gone = erased("x", ROOM, datetime.now(UTC))

    left = {name: value for name, value in gone["properties"].items() if value not in (None, "", [])}
    assert set(left) == {"title", "deletedAt", "channelId"}


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"event": "meeting.started"},
        {"event": "meeting.started", "payload": {"object": {"id": 1}}},
        {"event": "meeting.danced", "payload": {"object": ABOUT}},
        {"event": ["meeting.started"], "payload": {"object": ABOUT}},
    ],
)
def test_what_makes_no_sense_is_let_pass(message: dict[str, Any]) -> None:
    assert news_of(message) is None


@given(WILD, st.lists(WILD, max_size=3))
def test_any_words_make_notes_or_none(text: str, steps: list[str]) -> None:
    told = news("meeting.summary_completed", summary_content=text, next_steps=steps, summary_title=text)
    for one in summary_notes(ROOM, told):
        assert one["title"]
        assert "\n" not in one["title"]
    for one in transcript_notes(ROOM, told, turns_of(text, START), "javascript:alert(1)", Marks()):
        assert one["properties"]["permalink"] is None
    cue = f"1\n00:00:01.000 --> 00:00:02.000\nAna: {text}"
    transcript_notes(ROOM, told, turns_of(cue, START), "", Marks())
