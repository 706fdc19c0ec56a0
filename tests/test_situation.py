"""Where an incident stands, by its notes."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from integration.models.note import NOTE_KINDS
from integration.situation import NOTHING, properties, situation
from tests.told import WILD, note


def test_what_was_said_last_and_surely_stands() -> None:
    notes = [
        note("finding", "it is the cache", 1),
        note("finding", "it is the queue", 5),
        note("finding", "perhaps the moon", 9, sure=False),
        note("impact", "maybe all of Europe", 2, sure=False),
        note("workaround", "restart by hand", 3),
        note("update", "looking", 1),
        note("update", "half of it is back", 8, edited=True),
    ]

    stands = properties(situation(notes))

    assert stands["currentFinding"].startswith(
        "it is the queue (responder, [2026-03-14 09:05:00 UTC](https://"
    )
    assert "unsure" in stands["currentImpact"]
    assert stands["currentWorkaround"].startswith("restart by hand")
    assert stands["latestUpdate"].startswith("half of it is back")
    assert "edited" in stands["latestUpdate"]
    assert stands["openActions"] == ""


def test_only_what_nobody_has_settled_is_open() -> None:
    notes = [
        note("action", "page the database team", 1, owner="ana"),
        note("action", "roll back", 2, open=False),
        note("action", "tell support", 3),
        note("question", "since when?", 4),
        note("question", "which region?", 5, open=False),
    ]

    stands = properties(situation(notes))

    lines = stands["openActions"].splitlines()
    assert [line.split(" (")[0] for line in lines] == [
        "- [ ] page the database team **ana**",
        "- [ ] tell support **no owner**",
    ]
    assert stands["openQuestions"].startswith("- since when? (")
    assert len(stands["openQuestions"].splitlines()) == 1


def test_a_long_list_says_how_much_more_there_is() -> None:
    stands = properties(situation(note("action", f"number {n}", n) for n in range(25)))

    assert stands["openActions"].splitlines()[-1] == "- 5 more among the notes"


def test_no_notes_say_nothing() -> None:
    assert properties(situation([])) == NOTHING


@given(st.lists(st.tuples(st.sampled_from(NOTE_KINDS), WILD, st.integers(0, 99), st.booleans()), max_size=8))
def test_any_words_in_any_order_give_the_same_lines(said: list[tuple[str, str, int, bool]]) -> None:
    notes = [
        note(kind, text, minute, sure=sure, identifier=str(number))
        for number, (kind, text, minute, sure) in enumerate(said)
    ]
    mixed = random.Random(1).sample(notes, len(notes))

    stands = properties(situation(notes))

    assert properties(situation(mixed)) == stands
    assert all("\n" not in stands[name] for name in ("latestUpdate", "currentImpact", "currentFinding"))
    assert sum(len(text.encode()) for text in stands.values()) < 100_000
