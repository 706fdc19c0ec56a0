"""People win, in a stated order."""

from __future__ import annotations

import pytest

from integration.models.note import NoteKind
from integration.notetaker import Context, Marks
from tests.notetaker.support import note


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("finding: the disk is full", "finding"),
        ("FINDING: the disk is full", "finding"),
        ("*Finding:* the disk is full", "finding"),
        ("*Finding*: the disk is full", "finding"),
        ("_workaround:_ use the other endpoint", "workaround"),
        (":mag: finding: the disk is full", "finding"),
        ("🔍 Finding: the disk is full", "finding"),
        ("- :mag: *Finding:* the disk is full", "finding"),
        ("> update: nothing new", "update"),
        ("[decision]: no rollback tonight", "decision"),
        ("todo: write to the supplier", "action"),
        ("Action: write to the supplier", "action"),
        ("action item: write to the supplier", "action"),
        ("impact:checkout fails", "impact"),
        ("question: who owns this", "question"),
        ("update：fullwidth colon", "update"),
    ],
)
def test_a_prefix_sets_the_kind(text: str, kind: NoteKind) -> None:
    found = note(text)

    assert found is not None
    assert (kind, "mark", 1.0) == (found.kind, found.how, found.confidence)
    assert kind not in found.title.lower().split(":")[0]
    assert ":" not in found.title


@pytest.mark.parametrize("text", ["finding:", "*finding:*", "  todo: \n", "finding :)", "@finding: x", "ok"])
def test_what_is_no_prefix_marks_nothing(text: str) -> None:
    found = note(text)

    assert found is None or found.how == "rules"


def test_a_reaction_outranks_the_prefix_since_it_corrects() -> None:
    found = note("finding: we rolled back", reactions={"wrench": ("U2",)})

    assert found is not None
    assert (found.kind, found.how) == ("workaround", "mark")


def test_most_people_win_and_equals_are_settled_by_precedence() -> None:
    two_to_one = note("hm", reactions={"scales": ("U2",), "mag": ("U3", "U4")})
    even = note("hm", reactions={"mag": ("U3",), "scales": ("U2",)})

    assert two_to_one is not None
    assert even is not None
    assert (two_to_one.kind, even.kind) == ("finding", "decision")


def test_one_person_with_two_emoji_of_a_kind_counts_once() -> None:
    marks = Marks(reactions={"mag": "finding", "bulb": "finding", "scales": "decision"})
    found = note("hm", Context(marks=marks), reactions={"mag": ("U2",), "bulb": ("U2",), "scales": ("U3",)})

    assert found is not None
    assert found.kind == "decision"


def test_not_a_note_wins_over_everything() -> None:
    marks = {"no_entry_sign": ("U2",), "mag": ("U3", "U4", "U5")}

    assert note("finding: the disk is full", reactions=marks, pinned=True) is None


def test_a_pin_keeps_the_message_as_what_it_is_or_as_an_update() -> None:
    classified = note("We rolled back the release and restarted the pods", pinned=True)
    banter = note("lol", pinned=True)

    assert classified is not None
    assert banter is not None
    assert (classified.kind, classified.how, classified.confidence) == ("workaround", "mark", 1.0)
    assert (banter.kind, banter.how, banter.confidence) == ("update", "mark", 1.0)


def test_reactions_of_our_own_bot_do_not_count() -> None:
    ours = Context(ours=frozenset({"UBOT"}))

    assert note("lol", ours, reactions={"mag": ("UBOT",)}) is None
    assert note("lol", ours, reactions={"mag": ("UBOT", "U2")}) is not None


def test_skin_tones_and_settings() -> None:
    context = Context(marks=Marks.from_settings({":point_up:": "impact"}))
    found = note("lol", context, reactions={"point_up::skin-tone-3": ("U2",)})

    assert found is not None
    assert found.kind == "impact"
    assert note("lol", context, reactions={"mag": ("U2",)}) is None
