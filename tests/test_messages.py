"""Words of updates, notices, mails and notes: shown as written, within limits, mentioning nobody."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from integration import messages, mrkdwn
from integration.errors import BadInput
from integration.models.base import Json
from integration.models.communication import Step
from integration.models.incident import Incident
from integration.models.note import NOTE_KINDS, NoteKind
from sandbox.slack import rules
from tests.told import INCIDENT, WILD

_OURS = re.compile(r"<(?:https?://|mailto:)[^<>|\s]+(?:\|[^<>\n]*)?>")
_MASS = re.compile(r"(?<!\w)@(?:channel|here|everyone)\b", re.IGNORECASE)
_TAGS = {
    *(
        "html",
        "head",
        "meta",
        "body",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "p",
        "a",
        "ul",
        "ol",
        "li",
        "strong",
    ),
    *("em", "s", "code", "pre", "blockquote", "br", "hr", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"href", "title", "start", "class", "style", "charset"}


def _texts(blocks: list[Json]) -> list[str]:
    """The mrkdwn in blocks."""
    objects = [one for block in blocks for one in [block.get("text"), *block.get("elements", [])] if one]
    return [one["text"] for one in objects if one["type"] == "mrkdwn"]


def _harmless(mrkdwn_text: str) -> None:
    bare = _OURS.sub("", mrkdwn_text)
    assert "<" not in bare
    assert ">" not in re.sub(r"^> ", "", bare, flags=re.MULTILINE)
    assert re.search(r"&(?!amp;|lt;|gt;)", mrkdwn_text) is None
    assert _MASS.search(mrkdwn_text) is None


def _shows(text: str) -> bool:
    try:
        return bool(messages.checked_text("text", text, len(text)))
    except BadInput:
        return False


class _Page(HTMLParser):
    """Collects what a mail program would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.other: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    unknown_decl = handle_pi = handle_comment


def _read(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    page.close()
    return page


# Input


@pytest.mark.parametrize("value", [None, 7, ["x"], {"a": 1}, "", "  \n\t ", "\u200b\u2060", "\x00"])
def test_no_text_is_refused_by_name(value: object) -> None:
    with pytest.raises(BadInput) as refused:
        messages.checked_text("body", value, 100)
    assert refused.value.field == "body"


def test_overlong_text_is_refused_with_both_numbers() -> None:
    assert messages.checked_text("text", " " + "x" * 10 + "\n", 10) == "x" * 10
    with pytest.raises(BadInput, match="11 characters, at most 10"):
        messages.checked_text("text", "x" * 11, 10)


def test_halves_of_characters_do_not_get_through() -> None:
    text = messages.checked_text("text", "a\ud800b\x00c\u202ed", 100)
    assert text.encode() == "a�bcd".encode()


# Updates


def test_an_update_reads_well_in_slack() -> None:
    text = (
        "# Now\n\nWe **know** the *cause*: `pool` ~~unknown~~, see [graph](https://g.example.com/d?a=1&b=2)\n"
        "and https://g.example.com/x_y_z.\n\n- one\n- two\n  - deep\n\n3. three\n4. four\n\n> said\n> so\n\n"
        "| a | bb |\n|---|---|\n| 1 | **2** |\n\n```sql\nselect 1 < 2\n```\n\n***\n"
    )
    (part,) = messages.update(INCIDENT, text, "Support")
    header, section, context = part.blocks
    assert header["text"]["text"] == "INC-42: Checkout is slow"
    assert section["text"]["text"] == (
        "*Now*\n\nWe *know* the _cause_: `pool` ~unknown~, see <https://g.example.com/d?a=1&amp;b=2|graph>\n"
        "and <https://g.example.com/x_y_z>.\n\n• one\n• two\n    • deep\n3. three\n4. four\n\n> said\n> so\n"
        "\n```\na | bb\n1 | 2\n```\n\n```\nselect 1 &lt; 2\n```\n\n──────────"
    )
    assert context["elements"][0]["text"] == (
        f"Update for Support · sev1 · resolved · <{INCIDENT.url}|Open in Port>"
    )
    assert part.text.startswith("*INC-42: Checkout is slow*\nUpdate for Support · sev1 · resolved\n*Now*")


def test_a_long_update_is_split_and_nothing_is_lost() -> None:
    words = [f"word{n}" for n in range(1200)]
    text = "\n\n".join(" ".join(words[at : at + 40]) for at in range(0, len(words), 40))
    parts = messages.update(INCIDENT, text, "Support")
    assert len(parts) == 4
    assert all(f"({n}/4)" in part.text for n, part in enumerate(parts, 1))
    assert [w for part in parts for w in re.findall(r"\bword\d+\b", part.text)] == words
    assert [w for part in parts for t in _texts(part.blocks) for w in re.findall(r"\bword\d+\b", t)] == words
    assert [part.blocks[0]["type"] for part in parts] == ["header", "section", "section", "section"]


def test_a_long_code_block_stays_one_in_every_part() -> None:
    code = "\n".join(f"line {n}" for n in range(700))
    for part in messages.update(INCIDENT, f"```\n{code}\n```", "Support"):
        for text in _texts(part.blocks)[:-1]:
            assert text.startswith("```\n")
            assert text.endswith("\n```")
            assert text.count("```") == 2


def test_links_are_never_cut_in_two() -> None:
    text = " ".join(f"[graph {n}](https://g.example.com/{n}/{'p' * 90})" for n in range(60))
    found = [
        link
        for part in messages.update(INCIDENT, text, "Support")
        for said in _texts(part.blocks)
        for link in re.findall(r"<https://g\.example\.com/(\d+)/p{90}\|graph \d+>", said)
    ]
    assert found == [str(n) for n in range(60)]


def test_an_address_too_long_for_a_link_is_still_there() -> None:
    url = "https://g.example.com/" + "p" * 4000
    parts = messages.update(INCIDENT, f"see [graph]({url})", "Support")
    assert sum(text.count("p") for part in parts for text in _texts(part.blocks)) >= 4000
    for part in parts:
        rules.read_blocks(part.blocks)


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "/relative", "//host/x", "data:text/html,x", "file:///x"]
)
def test_only_absolute_links_are_links(target: str) -> None:
    (part,) = messages.update(INCIDENT, f"[label]({target})", "Support")
    assert "label" in part.text
    assert "<" not in part.text
    assert target not in [
        v for _, v in _read(messages.email(INCIDENT, "", f"[label]({target})").html).attributes
    ]


def test_a_text_of_definitions_alone_is_not_lost() -> None:
    (part,) = messages.update(INCIDENT, "[runbook]: https://w.example.com/1", "Support")
    assert "runbook" in part.text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (".@CHANNEL", ".@\u2060CHANNEL"),
        ("x@here", "x@\u2060here"),
        ("é@everyone.", "é@\u2060everyone."),
        ("dana@here.example.com", "dana@here.example.com"),
        ("<!subteam^S1|@ops>", "&lt;!subteam^S1|@ops&gt;"),
        ("@herewith", "@herewith"),
        ("https://x.example.com/@here", "<https://x.example.com/%40here>"),
    ],
)
def test_mentions_are_words(said: str, shown: str) -> None:
    (part,) = messages.update(INCIDENT, said, "Support")
    assert part.text.endswith(f"\n{shown}")


@settings(deadline=None, max_examples=80)
@given(text=WILD, title=WILD, audience=WILD)
def test_any_update_fits_and_mentions_nobody(text: str, title: str, audience: str) -> None:
    assume(_shows(text))
    incident = INCIDENT.model_copy(update={"title": title, "severity": title[:90], "status": audience})
    parts = messages.update(incident, text, audience)
    assert parts
    for part in parts:
        assert len(part.text) <= messages.TEXT_LIMIT
        assert len(part.blocks) <= 50
        rules.read_blocks(part.blocks)
        for said in [part.text, *_texts(part.blocks)]:
            assert said.strip()
            _harmless(said)
        for block in part.blocks:
            if block["type"] == "header":
                assert _MASS.search(block["text"]["text"]) is None
                assert re.search(r"<[@#!]", block["text"]["text"]) is None
        part.text.encode()
    assert parts == messages.update(incident, text, audience)


@settings(deadline=None, max_examples=60)
@given(
    words=st.lists(st.from_regex(r"[a-z]{1,30}", fullmatch=True), min_size=1, max_size=800), data=st.data()
)
def test_every_word_of_an_update_arrives(words: list[str], data: st.DataObject) -> None:
    glue = data.draw(st.sampled_from([" ", "\n", "\n\n", "\n- ", " & ", " < ", "\n> "]))
    parts = messages.update(INCIDENT, glue.join(words), "Support")
    shown = " ".join(text for part in parts for text in _texts(part.blocks)[:-1])
    assert re.findall(r"[a-z]+", re.sub(r"&(?:amp|lt|gt);", " ", shown)) == words


# Notices


def test_a_notice_says_what_changed_in_one_line() -> None:
    notice = messages.status_notice(INCIDENT, "investigating", "identified")
    assert notice.text == "INC-42: Checkout is slow is now identified (was investigating) · sev1"
    (section,) = notice.blocks
    assert section["text"]["text"] == (
        "🔔 *identified* (was investigating) · sev1 · INC-42: Checkout is slow"
        f" · <{INCIDENT.url}|Open in Port>"
    )
    first = messages.status_notice(Incident(identifier="INC-1"), "", "open")
    assert first.text == "INC-1 is now open"


def test_a_cut_makes_no_mention() -> None:
    for length in range(380, 410):
        title = "x" * length + " @heretics"
        for cut_at in (0, 240):
            notice = messages.status_notice(INCIDENT.model_copy(update={"title": title[cut_at:]}), "", "open")
            _harmless(notice.text)
    for length in range(120, 150):
        incident = INCIDENT.model_copy(update={"title": "x" * length + " @heretics"})
        header = messages.update(incident, "text", "")[0].blocks[0]["text"]["text"]
        assert _MASS.search(header) is None
        assert len(header) <= 150


def test_a_notice_by_mail_is_no_markup_of_slack() -> None:
    incident = INCIDENT.model_copy(update={"title": "A < B & @channel"})
    mail = messages.status_mail(incident, "investigating", "identified")
    assert mail.subject == "INC-42 is now identified: A < B & @channel"
    assert "Status: identified (was investigating)" in mail.plain


@settings(deadline=None, max_examples=60)
@given(title=WILD, before=WILD, after=WILD)
def test_any_notice_fits_and_mentions_nobody(title: str, before: str, after: str) -> None:
    notice = messages.status_notice(INCIDENT.model_copy(update={"title": title}), before, after)
    rules.read_blocks(notice.blocks)
    assert "\n" not in notice.text
    assert len(notice.text) <= messages.TEXT_LIMIT
    for said in [notice.text, *_texts(notice.blocks)]:
        _harmless(said)


# Mail


def test_a_mail_in_both_forms() -> None:
    mail = messages.email(INCIDENT, "", "We **roll back**.\n\n- see [graph](https://g.example.com/?a=1&b=2)")
    assert mail.subject == "[sev1] INC-42: Checkout is slow"
    assert mail.plain == (
        "INC-42: Checkout is slow\nSeverity: sev1\nStatus: resolved\nServices: checkout-api, payments\n\n"
        "We **roll back**.\n\n- see [graph](https://g.example.com/?a=1&b=2)\n\n"
        f"Open in Port: {INCIDENT.url}\n"
    )
    page = _read(mail.html)
    assert ("href", "https://g.example.com/?a=1&b=2") in page.attributes
    assert ("href", INCIDENT.url) in page.attributes
    assert "roll back" in page.words
    assert "strong" in page.tags


def test_a_subject_is_one_line_of_limited_length() -> None:
    mail = messages.email(INCIDENT, " Hi\r\nBcc: all@example.com \n", "x")
    assert mail.subject == "Hi Bcc: all@example.com"
    assert len(messages.email(INCIDENT, "x" * 999, "x").subject) == messages.SUBJECT_LIMIT


@settings(deadline=None, max_examples=80)
@given(text=WILD, title=WILD, subject=WILD)
def test_no_mail_carries_html_of_its_writer(text: str, title: str, subject: str) -> None:
    incident = INCIDENT.model_copy(update={"title": title, "status": subject, "services": (title,)})
    mail = messages.email(incident, subject, text)
    page = _read(mail.html)
    assert page.tags <= _TAGS
    assert page.other == []
    for name, value in page.attributes:
        assert name in _ATTRIBUTES
        if name == "href":
            assert mrkdwn.is_absolute(value)
    assert len(mail.subject.splitlines()) == 1
    assert 0 < len(mail.subject) <= messages.SUBJECT_LIMIT
    (mail.subject + mail.plain + mail.html).encode()


# Notes


@pytest.mark.parametrize("kind", NOTE_KINDS)
def test_the_room_is_told_of_a_note(kind: NoteKind) -> None:
    told = messages.note_in_room(kind, "pool is full\nsince 10:02 <!here>", "dana@example.com")
    assert told.split("\n")[0].endswith(f"*{kind.capitalize()}* by dana@example.com:")
    assert told.split("\n")[1:] == ["> pool is full", "> since 10:02 &lt;!here&gt;"]


@settings(deadline=None, max_examples=60)
@given(text=WILD.filter(str.strip), by=WILD)
def test_any_note_fits_and_mentions_nobody(text: str, by: str) -> None:
    told = messages.note_in_room("finding", text, by)
    assert len(told) <= messages.TEXT_LIMIT
    for line in told.split("\n")[1:]:
        assert line.startswith(">")
    _harmless("\n".join([told.split("\n")[0], *(line.removeprefix(">") for line in told.split("\n")[1:])]))


# Words back from what was sent


def _step(operation: Any, purpose: str, text: str) -> Step:
    return Step(key="k", operation=operation, purpose=purpose, incident="INC-42", text=text)


def test_words_without_their_frame() -> None:
    said = "errors fall & <5% remain, @channel see https://g.example.com/a"
    (part,) = messages.update(INCIDENT, said, "Support")
    assert messages.written_words(_step("post_message", "update", part.text)) == said
    mail = messages.email(INCIDENT, "", said)
    assert messages.written_words(_step("send_email", "mail", mail.plain)) == said
    assert messages.written_words(_step("publish_incident", "publish", f" {said}\n")) == said
    assert messages.written_words(_step("open_channel", "channel", "")) == ""
