"""The words we say in Slack."""

from __future__ import annotations

import pytest

from integration.communicator import briefing, reopened, same_topic
from integration.models.incident import Incident


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        ("sev1 · open", "sev1 · open"),
        ("sev1 · <https://zoom.example.com/j/1?pwd=a&amp;b>", "sev1 · https://zoom.example.com/j/1?pwd=a&b"),
        ("Carts are &lt;empty&gt; &amp; gone", "Carts are <empty> & gone"),
    ],
)
def test_a_topic_is_known_again_as_slack_gives_it_back(shown: str, wanted: str) -> None:
    assert same_topic(shown, wanted)
    assert not same_topic(shown, wanted + "!")


@pytest.mark.parametrize(
    ("incident", "said"),
    [
        (
            Incident(identifier="V-1", title="Pay & <go>", severity="hoch", status="offen"),
            "🟡 V-1: Pay &amp; &lt;go&gt; (hoch, offen)",
        ),
        (Incident(identifier="V-1", title="V-1", severity="sev1"), "🔴 V-1 (sev1)"),
        (Incident(identifier="V-1"), "🟡 V-1"),
    ],
)
def test_a_briefing_says_what_is_known_and_no_more(incident: Incident, said: str) -> None:
    text, blocks = briefing(incident, "", "", "")

    assert text == said
    assert len(blocks[0]["text"]["text"]) <= 150


def test_a_briefings_text_is_bounded_whatever_the_title() -> None:
    text, _ = briefing(Incident(identifier="V-1", title="長い" * 20_000), "https://meet.example.com", "", "")

    assert len(text) < 1000
    assert text.endswith("Bridge: https://meet.example.com")


def test_a_reopened_room_says_no_empty_brackets() -> None:
    assert reopened(Incident(identifier="V-1")).startswith("🔁 V-1 is open again. ")
