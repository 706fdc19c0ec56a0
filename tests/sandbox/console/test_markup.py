"""Slack's markup and blocks as HTML, however odd they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.console import blocks, mrkdwn


def _name(key: str) -> str:
    return key


@given(st.text(alphabet="<>&\"'*_~`:|@#! \nabjs-/\ue000\ue0010123", max_size=60))
def test_no_text_opens_a_tag_of_its_own(text: str) -> None:
    shown = str(mrkdwn.html(text, _name))
    allowed = ("strong", "em", "s", "code", "pre", "br", "blockquote", "span", "a")
    for part in shown.split("<")[1:]:
        assert part.lstrip("/").split(">")[0].split(" ")[0] in allowed
    assert 'href="javascript' not in shown


@given(st.recursive(st.none() | st.text(max_size=5), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_odd_blocks_do_no_harm(odd: Any) -> None:
    for kind in ("section", "rich_text", "header", "actions", "context", "image", "mystery"):
        block = {"type": kind, "text": odd, "elements": odd, "fields": odd, "accessory": odd}
        inside = {
            "type": "rich_text",
            "elements": [{"type": kind, "elements": [{"type": "text", "style": odd}]}],
        }
        shown = blocks.html([block, inside, odd], _name)
        assert isinstance(shown, str)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*b* _i_ ~s~ `c`", "<strong>b</strong> <em>i</em> <s>s</s> <code>c</code>"),
        ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
        ("```a *b*\n&lt;c&gt;```", "<pre>a *b*\n&lt;c&gt;</pre>"),
        ("&gt; quoted", "<blockquote>quoted</blockquote>"),
        ("<@U1> <#C1|room> <!channel>", '<span class="mention">@U1</span>'),
        ("<javascript:alert(1)|x>", "x"),
        (":fire: :unknown_one: 10:30:00", "🔥 :unknown_one: 10:30:00"),
    ],
)
def test_mrkdwn(text: str, html: str) -> None:
    assert html in str(mrkdwn.html(text, _name))
