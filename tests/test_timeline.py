"""The timeline: everything in the order in which it happened, readable in Port, invented nowhere."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from integration import timeline
from integration.entities import note_entity
from integration.models.communication import Receipt
from integration.models.note import Note
from integration.mrkdwn import is_absolute
from integration.timeline import Event, NoteFacts, note_facts
from tests.told import INCIDENT, ROOM, START, WILD, note, sent


def rendered(markdown: str) -> list[str]:
    """The cells of the table in `markdown`; fails on any markup but a table, links and paragraphs.

    The parser is the most gullible one: raw HTML counts as HTML, a bare relative link as a link.
    """
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(markdown)
    cells: list[str] = []
    for token in tokens:
        assert token.type.rpartition("_")[0] in ("table", "thead", "tbody", "tr", "th", "td", "paragraph", "")
        assert token.type not in ("hr", "fence")
        for child in token.children or []:
            assert child.type in ("text", "text_special", "link_open", "link_close"), child.type
            if child.type == "link_open":
                assert is_absolute(str(child.attrs["href"]))
        if token.type == "inline":
            cells.append("".join(child.content for child in token.children or []))
    return cells


def _event(minute: float, text: str, **more: Any) -> Event:
    return Event(time=START + timedelta(minutes=minute), kind=more.pop("kind", "finding"), text=text, **more)


# Notes as Port holds them


def _entity(**properties: Any) -> dict[str, Any]:
    base = {"kind": "finding", "title": "Pool is full", "text": "The pool is full", "author": "responder"}
    return {
        "identifier": "C1-1",
        "properties": {**base, "saidAt": "2026-03-14T09:10:00.000Z", "how": "mark", **properties},
    }


def test_a_note_is_read_as_the_mirror_wrote_it() -> None:
    written = Note(
        channel="C0ROOM000",
        ts="1700000000.000100",
        kind="workaround",
        title="Rolled back",
        text="Rolled back on half",
        author="owner",
        said_at=START,
        permalink="https://chat.example.com/archives/C0ROOM000/p1700000000000100",
        confidence=0.4,
        how="rules",
        edited=True,
    )
    assert note_facts(note_entity(written, ROOM)) == NoteFacts(
        identifier="C0ROOM000-1700000000.000100",
        kind="workaround",
        title="Rolled back",
        text="Rolled back on half",
        author="owner",
        said_at=START,
        permalink=written.permalink,
        edited=True,
        sure=False,
    )


@pytest.mark.parametrize(
    "entity",
    [
        _entity(deletedAt="2026-03-14T09:20:00Z"),
        _entity(title="", text=" "),
        _entity(saidAt="yesterday"),
        _entity(saidAt=None),
        {"identifier": "C1-1"},
        {"identifier": "C1-1", "properties": None},
        {},
    ],
)
def test_deleted_and_empty_notes_are_none(entity: dict[str, Any]) -> None:
    assert note_facts(entity) is None


def test_a_note_of_an_unknown_kind_is_still_a_note() -> None:
    facts = note_facts(_entity(kind="rumour", confidence="high", permalink=7))
    assert facts is not None
    assert (facts.kind, facts.permalink, facts.sure) == (timeline.NOTE, "", True)
    assert note_facts({**_entity(saidAt=None), "createdAt": "2026-03-14T09:10:00Z"}) is not None


# Order


def test_everything_stands_in_the_order_in_which_it_happened() -> None:
    notes = [note("finding", "Pool is full", 20), note("impact", "30% can't pay", 7)]
    communications = [
        sent("open", 4, operation="open_channel", purpose="channel", destination="inc-42-checkout"),
        sent("bridge", 6, operation="open_bridge", purpose="bridge", destination="bridge-1@example.com"),
        sent("n1", 30, purpose="status notice", destination="C0ROOM000", text="INC-42 is now identified"),
        sent("u1", 40, text="*INC-42*\nUpdate\nWe roll back", destination="C0ALL0000", audience="support"),
        sent(
            "p1", 41, operation="publish_incident", purpose="publish", text="We know why", approved_by="lead"
        ),
    ]
    found = timeline.events(INCIDENT, ROOM, notes, communications)
    told = [(round((one.time - START) / timedelta(minutes=1)), one.kind, one.text) for one in found]
    assert told == [
        (0, "incident", "Started"),
        (4, "room", "Channel to inc-42-checkout"),
        (5, "room", "War room opened: #inc-42-checkout"),
        (6, "bridge", "Bridge to bridge-1@example.com"),
        (7, "impact", "30% can't pay"),
        (20, "finding", "Pool is full"),
        (30, "status", "Status notice to #inc-42-checkout: INC-42 is now identified"),
        (40, "communication", "Update to support (C0ALL0000): We roll back"),
        (41, "public", "Publish: We know why"),
        (95, "room", "War room closed"),
    ]
    assert found[-2].by == "approved by lead"
    assert [one.link for one in found if one.kind == "bridge"] == [""]  # a meeting's link lets its reader in


def test_the_same_facts_in_any_order_give_the_same_timeline() -> None:
    notes = [note("finding", f"at once {n}", 10, identifier=f"n{n}") for n in range(8)]
    communications = [sent(f"k{n}", 10, text=f"words {n}", destination="C1") for n in range(8)]
    expected = timeline.events(INCIDENT, ROOM, notes, communications)
    for seed in range(5):
        random.Random(seed).shuffle(notes)
        random.Random(seed).shuffle(communications)
        assert timeline.events(INCIDENT, ROOM, notes, communications) == expected


def test_a_time_without_a_zone_is_utc() -> None:
    naive = datetime(2026, 3, 14, 9, 1)  # noqa: DTZ001
    incident = INCIDENT.model_copy(update={"started_at": naive})
    found = timeline.events(incident, None, [note("finding", "later", 2)], [])
    assert [one.text for one in found] == ["Started", "later"]


def test_a_room_open_again_is_not_closed() -> None:
    room = ROOM.model_copy(update={"state": "open"})
    assert [one.text for one in timeline.events(INCIDENT, room, [], [])] == [
        "Started",
        "War room opened: #inc-42-checkout",
    ]
    archived = ROOM.model_copy(update={"state": "archived", "archived_at": START + timedelta(days=1)})
    assert timeline.events(INCIDENT, archived, [], [])[-1].text == "Channel archived: #inc-42-checkout"


def test_the_channel_of_the_room_is_told_of_once() -> None:
    opened = sent("open", 4, operation="open_channel", purpose="channel")
    receipt = Receipt(data={"channel": ROOM.channel_id}, at=START)
    opened = opened.model_copy(update={"receipt": receipt})
    assert "Channel" not in [one.text for one in timeline.events(INCIDENT, ROOM, [], [opened])]
    assert "Channel" in [one.text for one in timeline.events(INCIDENT, None, [], [opened])]


# Many destinations


def test_one_run_to_many_addresses_is_one_event() -> None:
    mails = [
        sent(f"m{n}", 10, operation="send_email", audience="sales", destination=f"p{n}@example.com", run="r1")
        for n in range(12)
    ]
    mails[3] = mails[3].model_copy(update={"state": "failed", "reason": "550 no such user", "receipt": None})
    (event,) = timeline.events(INCIDENT.model_copy(update={"started_at": None}), None, [], mails)
    assert event.text == "Update to sales (12 destinations) [1 failed, 11 sent: 550 no such user]"


def test_one_change_of_status_is_one_event() -> None:
    notices = [
        sent("a", 1, purpose="status notice", destination="C1", text="INC-42 is now fixed", run="r1"),
        sent("b", 1, purpose="status notice", destination="C2", text="INC-42 is now fixed", run="r1"),
        sent(
            "c",
            1,
            purpose="status notice",
            operation="send_email",
            destination="p@example.com",
            run="r1",
            text="INC-42: slow\nSeverity: sev1\n\nStatus: now it is fixed\n\nOpen in Port: https://x.example.com\n",
        ),
        sent("d", 5, purpose="status notice", destination="C1", text="INC-42 is now closed", run="r2"),
    ]
    found = [one.text for one in timeline.events(INCIDENT, None, [], notices) if one.kind == "status"]
    assert found == [
        "Status notice to C1, C2, p@example.com: INC-42 is now fixed",
        "Status notice to C1: INC-42 is now closed",
    ]


def test_what_was_not_sent_says_so() -> None:
    held = sent("h", 1, state="held", reason="paused: drill", destination="C1", run="")
    (event,) = timeline.events(INCIDENT.model_copy(update={"started_at": None}), None, [], [held])
    assert event.text == "Update to C1 [held: paused: drill]"
    assert event.time == held.intended_at


def test_no_link_of_a_meeting_gets_into_the_timeline() -> None:
    room = ROOM.model_copy(update={"bridge_url": "https://meet.example.com/j/1?pwd=secret"})
    said = f"INC-42: slow. Bridge: {room.bridge_url}"
    told = [
        sent("a", 1, purpose="briefing", text=said),
        sent("b", 2, purpose="bridge link", text=said),
        sent("c", 3, operation="open_bridge", purpose="bridge", destination="bridge-1@example.com"),
    ]
    text = timeline.markdown(timeline.events(INCIDENT, room, [], told))
    assert "pwd" not in text
    assert "Briefing" in text


# Markdown


def test_a_table_for_people() -> None:
    text = timeline.markdown(
        [
            _event(0, "Started", kind="incident"),
            _event(
                1,
                "a|b <b>c</b> *d* https://g.example.com/x_y?a=1&b=2.",
                by="dana",
                link="https://c.example.com/p1",
            ),
        ]
    )
    assert text.split("\n") == [
        "| Time (UTC) | What |  | By |",
        "| --- | --- | --- | --- |",
        "| 2026-03-14 09:00:00 | incident | Started |  |",
        "| [2026-03-14 09:01:00](https://c.example.com/p1) | finding | a\\|b &lt;b&gt;c&lt;/b&gt; \\*d\\* "
        "[https://g.example.com/x\\_y?a=1&amp;b=2](https://g.example.com/x_y?a=1&b=2). | dana |",
    ]
    assert rendered(text)[-2] == "a|b <b>c</b> *d* https://g.example.com/x_y?a=1&b=2."


def test_nothing_yet() -> None:
    assert timeline.markdown([]) == "Nothing has happened yet."


def test_too_many_entries_keep_the_newest_and_say_so() -> None:
    found = [_event(n, f"entry {n}") for n in range(30)]
    text = timeline.markdown(found, entries=10)
    assert text.startswith("20 earlier entries are left out")
    assert [n for n in range(30) if f"| entry {n} |" in text] == list(range(20, 30))
    assert timeline.markdown(found, entries=29).startswith("1 earlier entry is left out")
    assert timeline.markdown(found, entries=0).startswith("30 earlier")


def test_too_much_text_is_cut_by_size() -> None:
    found = [_event(n, "🔥" * 280) for n in range(1000)]
    text = timeline.markdown(found)
    assert len(text.encode()) <= timeline.MAX_BYTES + 500
    assert f"{1000 - (len(rendered(text)) - 1) // 4 + 1} earlier entries" in text


@settings(deadline=None, max_examples=80)
@given(texts=st.lists(WILD, min_size=1, max_size=4), by=WILD, link=WILD)
def test_no_words_break_the_table(texts: list[str], by: str, link: str) -> None:
    notes = [
        note("finding", text or "x", n, author=by, permalink=link, title="t") for n, text in enumerate(texts)
    ]
    said = [sent(f"k{n}", n, text=text, reason=by, state="failed") for n, text in enumerate(texts)]
    found = timeline.events(INCIDENT, ROOM.model_copy(update={"channel_name": by}), notes, said)
    text = timeline.markdown(found)
    cells = rendered(text)
    assert len(cells) == 4 * (len(found) + 1)
    assert [cell for cell in cells[::4]][1:] == [one.time.strftime("%Y-%m-%d %H:%M:%S") for one in found]
    assert all(one.text == "" or "\n" not in one.text for one in found)
    text.encode()
