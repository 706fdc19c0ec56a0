"""The words we say in Slack."""

from __future__ import annotations

import pytest

from integration.communicator import same_topic


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
