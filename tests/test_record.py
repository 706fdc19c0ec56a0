"""Links, the chain's proof, what does not fit, and the record as others get it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.models.base import Json
from integration.models.communication import Communication, Operation, Receipt, Step
from integration.models.incident import Incident
from integration.record import Link, head, link_entity, link_of, read_link, signature
from integration.record_check import check_chain, check_head, check_record, head_line, same_words
from integration.record_export import MEETING, as_csv, as_json, as_markdown, entries, inert

KEY = "an installation's key"
AT = datetime(2026, 1, 31, 9, 5, 7, 123_000, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
INCIDENT = Incident(identifier="INC-1", title="Checkout | is *slow*", severity="sev1", status="resolved")


def communication(number: int = 1, **more: Any) -> Communication:
    step: Json = {
        "key": f"INC-1:update:{number}",
        "operation": "post_message",
        "purpose": "update",
        "incident": "INC-1",
        "destination": "C1",
        "text": f"Update {number}",
        "audience": "support",
        "requested_by": "dana@example.com",
        "approved_by": "",
    }
    ts = f"17000000{number:02}.000100"
    receipt = Receipt(
        data={"channel": "C1", "ts": ts}, permalink=f"https://example.slack.com/archives/C1/p{number}", at=AT
    )
    given: Json = {"state": "sent", "owner": f"p1/{number}", "receipt": receipt, "intended_at": AT}
    step |= {name: more.pop(name) for name in list(more) if name in Step.model_fields}
    return Communication(step=Step(**step), **(given | more))


def chain(communications: list[Communication]) -> list[Link]:
    links: list[Link] = []
    for one in communications:
        links.append(link_of(one, after=head(links), at=LATER, linked_at=LATER, found=False, key=KEY))
    return links


def through_port(link: Link) -> Link:
    read = read_link(json.loads(json.dumps(link_entity(link))))
    assert read is not None
    return read


THREE = [communication(1), communication(2, state="failed", receipt=None, reason="no"), communication(3)]


def test_an_honest_chain_holds_after_its_way_through_port() -> None:
    links = [through_port(link) for link in chain(THREE)]

    assert links == chain(THREE)
    assert check_chain(links, KEY) == []
    assert check_record(links, {one.step.key: one for one in THREE}, set(), LATER) == []
    assert [link.number for link in links] == [1, 2, 3]
    assert links[0].previous == ""
    assert (links[0].at, links[1].at) == ("2026-01-31T09:05:07.123Z", "2026-01-31T10:05:07.123Z")


def test_ports_spelling_of_a_value_changes_nothing() -> None:
    link = chain(
        [communication(1, receipt=Receipt(data={"page": "p", "notified": False, "textHash": "ab"}))]
    )[0]
    entity = link_entity(link)
    properties = entity["properties"]
    properties |= {"number": 1.0, "at": "2026-01-31T10:05:07.123+00:00", "approvedBy": None}
    properties["receipt"] = {"textHash": "ab", "page": "p", "notified": False, "update": None}
    del properties["found"]

    read = read_link(entity)

    assert read is not None
    assert check_chain([read], KEY) == []


SAID = sorted(set(Link.model_fields) - {"hash", "number", "receipt", "found"})


@given(
    which=st.integers(0, 2),
    field=st.sampled_from([*SAID, "found", "receipt"]),
    words=st.text(min_size=1, max_size=20),
)
def test_whatever_is_changed_in_a_link_is_named(which: int, field: str, words: str) -> None:
    links = chain(THREE)
    was = getattr(links[which], field)
    value: Any = (not was) if field == "found" else {"ts": words} if field == "receipt" else words
    if value == was:
        return
    links[which] = links[which].model_copy(update={field: value})

    assert [(one.trouble, one.number) for one in check_chain(links, KEY)] == [("altered", which + 1)]


def test_what_was_taken_out_put_in_or_moved_is_named() -> None:
    links = chain(THREE)
    without = [links[0], links[2]]
    swapped = [links[0], *(links[n].model_copy(update={"number": 5 - links[n].number}) for n in (2, 1))]
    forged = links[1].model_copy(update={"reason": "fine"})
    forged = forged.model_copy(update={"hash": signature(forged, "another key")})
    resigned = links[1].model_copy(update={"previous": links[2].hash})
    resigned = resigned.model_copy(update={"hash": signature(resigned, KEY)})

    def found(links: list[Link]) -> list[tuple[str, int]]:
        return [(one.trouble, one.number) for one in check_chain(links, KEY)]

    assert found(without) == [("missing", 2)]
    assert found([links[2]]) == [("missing", 1)]
    assert found(swapped) == [("altered", 2), ("altered", 3)]
    assert found([links[0], forged, links[2]]) == [("altered", 2), ("moved", 3)]
    assert found([links[0], resigned, links[2]]) == [("moved", 2), ("moved", 3)]
    assert found([]) == []
    assert len(check_chain(links, "a wrong key")) == 3


def test_a_gap_of_a_billion_is_one_problem() -> None:
    links = chain(THREE)
    bogus = links[2].model_copy(update={"number": 10**9})

    problems = check_chain([*links, bogus], KEY)

    assert [(one.trouble, one.number) for one in problems] == [("missing", 4), ("altered", 10**9)]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"text": "Nothing happened"}, "text"),
        ({"destination": "C2"}, "destination"),
        ({"requested_by": "else@example.com"}, "requestedBy"),
        ({"approved_by": "else@example.com"}, "approvedBy"),
        ({"audience": "sales"}, "audience"),
        ({"reason": "because"}, "reason"),
        ({"state": "failed"}, "state"),
        ({"receipt": Receipt(data={"channel": "C1", "ts": "1.1"}, at=AT)}, "receipt, permalink"),
        ({"receipt": None}, "receipt, permalink"),
    ],
)
def test_a_communication_that_says_something_else_than_its_link_is_named(change: Json, named: str) -> None:
    links = chain(THREE)
    now = {one.step.key: one for one in [*THREE[:2], communication(3, **change)]}

    (problem,) = check_record(links, now, set(), LATER)

    assert (problem.trouble, problem.number, problem.communication) == ("changed", 3, "INC-1:update:3")
    assert problem.detail == f"it differs from its link in {named}"


def test_what_is_gone_unlinked_or_set_back_is_named() -> None:
    failed = communication(1, state="failed", receipt=None, owner="p1/1")
    sent = communication(1, owner="p2/7")
    links = chain([failed, sent])

    def found(communications: list[Communication], at: datetime = LATER) -> list[tuple[str, int]]:
        by_key = {one.step.key: one for one in communications}
        return [(one.trouble, one.number) for one in check_record(links, by_key, set(), at)]

    assert found([sent]) == []
    assert found([]) == [("removed", 2)]
    assert found([failed]) == [("changed", 2)], "set back to an attempt before"
    assert found([sent, communication(2)]) == [("unlinked", 0)]
    assert found([sent, communication(2)], AT + timedelta(seconds=30)) == [], "its link may be on its way"
    assert found([sent, communication(2, state="sending", receipt=None)]) == []
    assert check_record(links, {"INC-1:update:1": failed}, {2}, LATER) == [], "an altered link accuses nobody"


def test_the_head_that_a_message_names_is_held_to_the_chain() -> None:
    links = chain(THREE)
    end = head(links)
    assert end is not None
    text = f"✅ INC-1 is resolved.\n{head_line(end)}.\nmore"

    assert check_head(text, links, "it") is None
    assert check_head("nothing of the kind", links, "it") is None
    cut = check_head(text, links[:2], "the closing message")
    assert cut is not None
    assert (cut.trouble, cut.number) == ("cut off", 3)
    assert "link 3 is gone" in cut.detail
    other = check_head(text, chain([*THREE[:2], communication(4)]), "it")
    assert other is not None
    assert other.number == 3


@pytest.mark.parametrize(
    "identifier", ["INC-1", "INC-1:record:", "INC-1:record:x", "INC-1:record:01", ":record:1", ""]
)
def test_what_is_no_link_is_none(identifier: str) -> None:
    assert read_link({"identifier": identifier}) is None


def test_whatever_was_done_to_a_link_it_can_be_read() -> None:
    broken = read_link(
        {"identifier": "INC-1:record:2", "properties": {"receipt": "x", "state": 7, "at": "then"}}
    )

    assert broken is not None
    assert (broken.number, broken.state, broken.at) == (2, "", "then")
    assert [one.trouble for one in check_chain([broken], KEY)] == ["missing", "altered"]


@pytest.mark.parametrize(
    ("shown", "sent"),
    [
        (":mag: *Finding*: it is slow", "🔎 *Finding*: it is slow"),
        ("see <https://example.com/a>", "see https://example.com/a"),
        ("see <https://example.com|example.com>", "see example.com"),
        ("to <mailto:dana@example.com|dana@example.com>", "to dana@example.com"),
        ("a &amp; b &lt;c&gt;", "a &amp; b &lt;c&gt;"),
        ("one\ntwo ", "one\ntwo"),
        (":scales: *Decision*", "⚖️ *Decision*"),
    ],
)
def test_slacks_spelling_is_no_edit(shown: str, sent: str) -> None:
    assert same_words(shown, sent)


@pytest.mark.parametrize(
    ("shown", "sent"),
    [
        ("it is fast", "it is slow"),
        ("see <https://example.org/a>", "see https://example.com/a"),
        ("", "it is slow"),
        ("see <https://evil.example.com|example.com>", "see example.com"),
    ],
)
def test_other_words_are(shown: str, sent: str) -> None:
    assert not same_words(shown, sent)


# --- export ----------------------------------------------------------------------------------------

JOIN = "https://zoom.example.com/j/1?pwd=not-a-secret"
BRIDGE = communication(
    5,
    operation="open_bridge",
    purpose="bridge",
    text="",
    destination="host@example.com",
    receipt=Receipt(data={"meeting": "1"}, at=AT),
)
ROOM = communication(
    6,
    operation="open_channel",
    purpose="channel",
    text="",
    receipt=Receipt(data={"channel": "C1", "name": "inc-1-room"}, at=AT - timedelta(minutes=1)),
)


def test_every_communication_is_exported_in_order_and_no_meeting_can_be_joined_from_it() -> None:
    told = communication(
        7, purpose="briefing", text=f"Bridge: <{JOIN}|join> and https://static.example.com/x"
    )
    known = [told, *THREE, BRIDGE, ROOM]
    links = chain([*known, communication(8)])

    found = entries(known, links, ["https://static.example.com/x", ""])

    assert found[0].what == "Channel"
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert len(found) == 7
    by_key = {one.communication: one for one in found}
    assert by_key["INC-1:update:7"].text == f"Bridge: <{MEETING}|join> and {MEETING}"
    assert by_key["INC-1:update:7"].text_hash == links[0].text_hash
    assert by_key["INC-1:update:1"].destination == "#inc-1-room (C1)"
    assert "no longer on the record" in by_key["INC-1:update:8"].reason
    documents = (
        as_json(INCIDENT, found, links, [], LATER),
        as_csv(found),
        as_markdown(INCIDENT, found, links, [], LATER),
    )
    for document in documents:
        assert JOIN not in document
        assert "Update 3" in document
        assert "dana@example.com" in document


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝", "\t=", "\n=", "  @"])
def test_no_cell_is_calculated_by_a_spreadsheet(start: str) -> None:
    evil = f'{start}HYPERLINK("https://evil.example.com";"x")'
    found = entries([communication(1, text=evil, requested_by=evil, purpose=evil)], [])

    (row,) = csv.DictReader(io.StringIO(as_csv(found), newline=""))

    for column in ("text", "requestedBy"):
        assert row[column] == f"'{evil}"
    assert not any(cell[:1] in "=+-@\t\r\n＝" for cell in row.values() if cell)


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_a_csv_is_read_back_as_it_was_written(words: list[str]) -> None:
    found = entries([communication(n, text=text) for n, text in enumerate(words, 1)], [])

    rows = list(csv.DictReader(io.StringIO(as_csv(found), newline="")))

    assert [row["text"] for row in rows] == [inert(text) for text in words]


@given(st.text())
def test_a_text_cannot_break_out_of_the_document(text: str) -> None:
    known = [communication(1, text=f"``` \n# Owned\n{text}\n````", requested_by="<b>|x|\n# Owned")]
    document = as_markdown(INCIDENT, entries(known, chain(known)), chain(known), [], LATER)

    outside, fenced = [], False
    fence = ""
    for line in document.split("\n"):
        if not fenced and line.endswith("text") and line.startswith("```"):
            fenced, fence = True, line.removesuffix("text")
        elif fenced and line == fence:
            fenced = False
        elif not fenced:
            outside.append(line)
    assert not fenced
    assert not any(line.startswith("# Owned") for line in outside)
    assert not any("<b>" in line for line in outside)


def test_a_document_says_how_far_it_can_be_trusted() -> None:
    links = chain(THREE)
    broken = check_chain([links[0], links[2]], KEY)

    assert "fit, as this was exported" in as_markdown(INCIDENT, entries(THREE, links), links, [], LATER)
    told = as_markdown(INCIDENT, entries(THREE, links), links, broken, LATER)
    assert "**missing** link 2" in told
    assert json.loads(as_json(INCIDENT, [], links, broken, LATER))["record"]["intact"] is False
    assert "Nothing was communicated" in as_markdown(INCIDENT, [], [], [], LATER)


def test_every_operation_has_a_medium() -> None:
    media: dict[Operation, str] = {
        "open_channel": "slack",
        "open_bridge": "zoom",
        "send_email": "email",
        "publish_incident": "statuspage",
    }
    for operation, medium in media.items():
        (entry,) = entries([communication(1, operation=operation)], [])
        assert entry.medium == medium
