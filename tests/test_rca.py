"""The review document: only facts, each with its source."""

from __future__ import annotations

import random
import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from integration import rca
from integration.models.incident import Incident
from integration.models.note import NOTE_KINDS
from integration.mrkdwn import is_absolute
from tests.told import INCIDENT, ROOM, START, WILD, note, sent

HEADINGS = [
    "Summary",
    "Impact",
    "Timeline",
    "Contributing findings",
    "What helped",
    "Decisions",
    "Open actions",
    "Actions done",
    "Open questions",
    "Communications made",
]


def _sections(document: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", document, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (text.strip() for text in parts[2::2]), strict=True))


def test_the_whole_document() -> None:
    notes = [
        note("impact", "30% of customers can't pay", 7, author="support"),
        note("finding", "pool of checkout-db\nis exhausted", 20, sure=False),
        note("workaround", "rolled back on half", 30, author="owner", edited=True),
        note("decision", "roll back everywhere", 35),
        note("action", "@responder add an alert", 40, author="owner", owner="responder", permalink=""),
        note("action", "page support", 41, open=False),
        note("question", "when is it over?", 42),
        note("update", "we look at it", 6),
    ]
    communications = [
        sent(
            *("u", 45),
            text="*INC-42*\nUpdate\nErrors fall",
            audience="support",
            destination="C0ALL0000",
            requested_by="lead@example.com",
        ),
        sent(
            *("p", 50),
            operation="publish_incident",
            purpose="publish",
            text="Known",
            destination="page1",
            requested_by="lead@example.com",
            approved_by="boss@example.com",
        ),
        sent(
            *("m", 55),
            operation="send_email",
            purpose="mail",
            text="x",
            destination="p@example.com",
            state="unknown",
            reason="no answer",
        ),
    ]
    document = rca.document(INCIDENT, ROOM, notes, communications)
    assert document.startswith("# INC-42: Checkout is slow\n\n## Summary\n")
    sections = _sections(document)
    assert list(sections) == HEADINGS
    at = "https://chat.example.com/archives/C0ROOM000/p000"
    assert sections["Summary"].split("\n") == [
        f"- **Incident:** [INC-42]({INCIDENT.url})",
        "- **Title:** Checkout is slow",
        "- **Severity:** sev1",
        "- **Status:** resolved",
        "- **Started:** 2026-03-14 09:00:00 UTC",
        "- **War room opened:** 2026-03-14 09:05:00 UTC",
        "- **War room closed:** 2026-03-14 10:35:00 UTC",
        "- **Duration, start to closing:** 1 h 35 min",
        "- **Services:** checkout-api, payments",
        f"- **Channel:** [#inc-42-checkout]({ROOM.channel_url})",
        f"- **Impact:** 30% of customers can't pay (support, [2026-03-14 09:07:00 UTC]({at}070))",
        "- **Last finding:** pool of checkout-db is exhausted "
        f"(responder, [2026-03-14 09:20:00 UTC]({at}200), unsure)",
        f"- **What helped last:** rolled back on half (owner, [2026-03-14 09:30:00 UTC]({at}300), edited)",
        f"- **Last update:** we look at it (responder, [2026-03-14 09:06:00 UTC]({at}060))",
        "- **Notes:** 2 action, 1 decision, 1 finding, 1 impact, 1 question, 1 update, 1 workaround",
    ]
    assert sections["Impact"] == f"- 30% of customers can't pay (support, [2026-03-14 09:07:00 UTC]({at}070))"
    assert sections["Contributing findings"] == (
        f"- pool of checkout-db is exhausted (responder, [2026-03-14 09:20:00 UTC]({at}200), unsure)"
    )
    assert sections["What helped"].endswith(f"(owner, [2026-03-14 09:30:00 UTC]({at}300), edited)")
    assert sections["Open actions"] == (
        "- [ ] @responder add an alert **responder** (owner, 2026-03-14 09:40:00 UTC)"
    )
    assert (
        sections["Actions done"]
        == f"- [x] page support **no owner** (responder, [2026-03-14 09:41:00 UTC]({at}410))"
    )
    assert "we look at it" not in sections["Timeline"]
    assert "pool of checkout-db is exhausted" in sections["Timeline"]
    link = "https://chat.example.com/archives"
    assert sections["Communications made"].split("\n")[2:] == [
        "| 2026-03-14 09:45:00 | Update: Errors fall | support: C0ALL0000 | slack | sent | lead@example.com "
        f"|  | [open]({link}/C0ALL0000/u) |",
        "| 2026-03-14 09:50:00 | Publish: Known | page1 | statuspage | sent | lead@example.com "
        f"| boss@example.com | [open]({link}/page1/p) |",
        "| 2026-03-14 09:54:59 | Mail: x | p@example.com | email | unknown: no answer |  |  |  |",
    ]


def test_without_anything_each_section_says_so_in_one_line() -> None:
    sections = _sections(rca.document(Incident(identifier="INC-1"), None, [], []))
    assert list(sections) == HEADINGS
    for heading in HEADINGS[1:]:
        assert "\n" not in sections[heading]
        assert sections[heading].startswith(("No ", "Nothing "))
    assert "- **Duration, start to closing:** not known" in sections["Summary"]
    assert "- **War room opened:** no war room" in sections["Summary"]


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "under 1 min"),
        (0.5, "under 1 min"),
        (59, "59 min"),
        (60, "1 h"),
        (1501, "1 d 1 h 1 min"),
        (-1, "not known"),
    ],
)
def test_duration(minutes: float, said: str) -> None:
    room = ROOM.model_copy(update={"closed_at": START + timedelta(minutes=minutes)})
    assert f"start to closing:** {said}\n" in rca.document(INCIDENT, room, [], [])


def test_an_open_room_has_no_end() -> None:
    document = rca.document(INCIDENT, ROOM.model_copy(update={"state": "open"}), [], [])
    assert "- **War room closed:** not yet" in document
    assert "- **Duration, start to closing:** not known" in document


def test_the_same_facts_in_any_order_give_the_same_document() -> None:
    notes = [note(kind, "at once", 10, identifier=kind) for kind in NOTE_KINDS]
    communications = [sent(f"k{n}", 10, destination=f"C{n}") for n in range(6)]
    expected = rca.document(INCIDENT, ROOM, notes, communications)
    random.Random(7).shuffle(notes)
    random.Random(7).shuffle(communications)
    assert rca.document(INCIDENT, ROOM, notes, communications) == expected


def test_a_huge_incident_fits_in_one_write_to_port() -> None:
    notes = [note(kind, "<🔥>" * 4000, n, title="t") for kind in NOTE_KINDS for n in range(150)]
    communications = [sent(f"k{n}", n, text="<&>" * 9000, destination=f"C{n}") for n in range(600)]
    document = rca.document(INCIDENT, ROOM, notes, communications)
    assert len(document.encode()) < 512 * 1024
    more = re.findall(r"(\d+) more among the notes", document)
    assert len(more) == 6
    assert re.search(r"^\d+ more on the record$", document, re.MULTILINE)
    assert "earlier entries are left out" in document


@settings(deadline=None, max_examples=80)
@given(texts=st.lists(WILD, min_size=1, max_size=3), other=WILD)
def test_no_words_break_the_document(texts: list[str], other: str) -> None:
    notes = [
        note(kind, text or "x", n, author=other, permalink=other)
        for kind in NOTE_KINDS
        for n, text in enumerate(texts)
    ]
    sendings = [
        sent(f"k{n}", n, text=text, destination=other, audience=text, requested_by=other)
        for n, text in enumerate(texts)
    ]
    incident = INCIDENT.model_copy(
        update={"title": other, "severity": texts[0], "url": other, "services": tuple(texts)}
    )
    room = ROOM.model_copy(update={"channel_name": other, "channel_url": texts[0]})
    document = rca.document(incident, room, notes, sendings)
    document.encode()
    assert list(_sections(document)) == HEADINGS
    # The most gullible reader: raw HTML counts as HTML.
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(document)
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", *["h2"] * len(HEADINGS)]
    assert sum(token.type == "tr_open" for token in tokens) >= len(sendings) + 1
    known = ("heading", "bullet_list", "list_item", "paragraph", "table", "thead", "tbody", "tr", "th", "td")
    for token in tokens:
        assert token.type == "inline" or token.type.rpartition("_")[0] in known, token.type
        for child in token.children or []:
            assert child.type in ("text", "link_open", "link_close", "strong_open", "strong_close"), (
                child.type
            )
            if child.type == "link_open":
                assert is_absolute(str(child.attrs["href"]))
    items = sum(token.type == "list_item_open" for token in tokens)
    summary = _sections(document)["Summary"].count("\n") + 1
    # What is too long for one document is counted instead, in a line of its own.
    more = [int(number) for number in re.findall(r"^- (\d+) more among the notes$", document, re.MULTILINE)]
    assert items + sum(more) - len(more) == summary + 6 * len(texts)
