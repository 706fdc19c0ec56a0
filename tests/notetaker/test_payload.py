"""One parser for Slack's message objects."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.slack_payload import message_from_event

TS = "1700000000.000100"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("type", "text", "elements", "fields", "blocks", "rows")), inner, max_size=4
        )
    ),
    max_leaves=20,
)
FIELDS = ("text", "blocks", "attachments", "files", "reactions", "edited", "pinned_to", "user", "metadata")


def blocks_text(**payload: Any) -> str:
    return message_from_event("C1", {"ts": TS, **payload}).blocks_text


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_object_with_a_ts_is_a_message(payload: dict[str, Any]) -> None:
    assert message_from_event("C1", {**payload, "ts": TS}).ts == TS


@pytest.mark.parametrize("ts", [None, 5, "", "now", "1700000000", "-1.0", "1e9.0", "nan"])
def test_without_a_valid_ts_it_is_none(ts: object) -> None:
    with pytest.raises(ValueError, match="ts"):
        message_from_event("C1", {"ts": ts})


def test_fields_of_a_read_message() -> None:
    found = message_from_event(
        "C1",
        {
            "type": "message",
            "ts": TS,
            "user": "U1",
            "text": "hi",
            "thread_ts": TS,
            "edited": {"user": "U1", "ts": "1700000001.000000"},
            "reactions": [
                {"name": "mag", "users": ["U3", "U2", "U2"], "count": 3},
                {"name": "eyes", "users": []},
            ],
            "pinned_to": ["C1"],
            "metadata": {"event_type": "x", "event_payload": {}},
        },
    )

    assert (found.edited_ts, found.thread_ts, found.pinned) == ("1700000001.000000", TS, True)
    assert [(r.name, r.users) for r in found.reactions] == [("mag", ("U2", "U3"))]
    assert found.metadata == {"event_type": "x", "event_payload": {}}


def test_blocks_attachments_and_files_speak_where_text_is_silent() -> None:
    said = blocks_text(
        blocks=[
            {"type": "header", "text": {"type": "plain_text", "text": "Alert"}},
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "*db* down"},
                "fields": [{"text": "sev: 1"}],
            },
            {"type": "divider"},
            {
                "type": "context",
                "elements": [{"type": "mrkdwn", "text": "by"}, {"type": "image", "alt_text": "x"}],
            },
            {"type": "actions", "elements": [{"type": "button", "text": {"text": "Ack"}}]},
        ],
        attachments=[
            {
                "title": "Graph",
                "title_link": "https://example.com/g",
                "fields": [{"title": "host", "value": "a"}],
            },
            {"fallback": "only this"},
        ],
        files=[{"name": "shot.png"}],
    )

    lines = ["Alert", "*db* down", "sev: 1", "by x", "<https://example.com/g|Graph>", "host: a", "only this"]
    assert [*lines, "[file: shot.png]"] == said.split("\n")


def test_rich_text_becomes_the_markup_slack_makes_of_it() -> None:
    def part(kind: str, **more: Any) -> dict[str, Any]:
        return {"type": kind, **more}

    section = part(
        "rich_text_section",
        elements=[
            part("text", text="a < b "),
            part("user", user_id="U1"),
            part("link", url="https://example.com", text="x"),
            part("emoji", name="mag"),
            part("broadcast", range="here"),
            part("channel", channel_id="C2"),
        ],
    )
    block = part(
        "rich_text",
        elements=[
            section,
            part("rich_text_list", elements=[part("rich_text_section", elements=[part("text", text="one")])]),
            part("rich_text_quote", elements=[part("text", text="q")]),
            part("rich_text_preformatted", elements=[part("text", text="code")]),
        ],
    )

    expected = "a &lt; b <@U1><https://example.com|x>:mag:<!here><#C2>\n• one\n> q\n```\ncode\n```"
    assert expected == blocks_text(blocks=[block])


def test_what_people_wrote_is_not_told_twice_and_unfurled_links_are_not_theirs() -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "hello there, the whole text"}}]

    assert blocks_text(text="hello", user="U1", blocks=blocks, attachments=[{"text": "preview"}]) == ""
    assert blocks_text(text="hello", bot_id="B1", blocks=blocks) == "hello there, the whole text"


def test_nesting_without_end_ends() -> None:
    block: dict[str, Any] = {"text": "deep"}
    for _ in range(500):
        block = {"blocks": [{"type": "table", "rows": [[block]]}], "attachments": [block]}

    assert isinstance(blocks_text(**block), str)
