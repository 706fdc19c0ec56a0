"""The learned weights: they fit the features, say where they come from, and hold nobody's words."""

from __future__ import annotations

import json
import re

import pytest

from integration.notetaker import features, learned
from integration.notetaker.learned import WEIGHTS, points, read, weights
from integration.notetaker.rules import evidence
from scripts.notes.data import KINDS, made_up
from scripts.notes.fit import Example, learn, shares
from tests.notetaker.support import message

FEATURE = re.compile(r"[a-z0-9 ]{3,30}")


def test_the_file_says_where_it_comes_from_and_holds_no_words() -> None:
    found = json.loads(WEIGHTS.read_text(encoding="utf-8"))

    assert "train_notes" in found["about"]
    assert set(found) == {"about", "kinds", "rules", "bias", "named", "step", "buckets", "incidents"}
    assert all(FEATURE.fullmatch(name) for name in found["named"])
    assert all(re.fullmatch(r"[0-9a-f]{12}", digest) for digest in found["incidents"])
    assert WEIGHTS.stat().st_size < 300_000


def test_every_named_weight_is_of_a_feature_that_messages_can_show() -> None:
    source = (WEIGHTS.with_name("features.py")).read_text(encoding="utf-8")
    of_rules = tuple(f"{about} {kind}" for about in ("shape", "opening", "talk") for kind in KINDS)

    assert [n for n in weights().named if f'"{n}"' not in source and n not in of_rules] == []
    assert weights().kinds == KINDS


def test_a_file_for_other_features_is_refused() -> None:
    found = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match="are needed"):
        read({**found, "buckets": found["buckets"][:1000]})


def test_learning_finds_what_sets_kinds_apart_and_is_the_same_each_time() -> None:
    said = {"finding": "zorble quux", "noise": "wibble plugh"}
    examples = [
        Example(evidence(message(text), text), shares(kind, (), KINDS))
        for kind, text in said.items()
        for _ in range(20)
    ]
    found = learn(examples, KINDS)
    known = read({**found, "incidents": []})
    for kind, text in said.items():
        scores = points(*evidence(message(text), text), known)
        assert max(scores, key=scores.__getitem__) == kind
    assert found == learn(examples, KINDS)


def test_another_kind_that_holds_too_counts_less() -> None:
    found = dict(zip(KINDS, shares("workaround", ["update"], KINDS), strict=True))

    assert found["workaround"] > found["update"] > 0
    assert sum(found.values()) == pytest.approx(1)


def test_made_up_lines_are_of_known_kinds() -> None:
    assert {line["kind"] for line in made_up()} == set(KINDS)
    assert all(set(line["also"]) <= set(KINDS) for line in made_up())


def test_words_are_few_and_pieces_are_buckets() -> None:
    words = features.words_of("the disk " * 50 + " ".join(map(str, range(500))))

    assert words == ["the", "disk", "0"]
    assert all(0 <= bucket < features.BUCKETS for word in words for bucket in features.pieces(word))
    assert learned._word("x" * 30) is learned._word("x" * 30)
