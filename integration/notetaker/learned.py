"""The learned part of the classifier: what the rules say, weighed anew, and the pieces of words.

Multinomial logistic regression with the rules' points as a fixed start: where it has learned nothing, the
rules decide. The weights are in `weights.json`, which says where they come from; `scripts/train_notes.py`
makes it. Plain arithmetic over lists, some tens of microseconds a message.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache, partial
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

from integration.notetaker.features import BUCKETS, pieces

WEIGHTS = Path(__file__).with_name("weights.json")
Row = tuple[float, ...]


class Weights(NamedTuple):
    """Everything learned. Rows have one number for each of `kinds`.

    `rules`: what a point of the rules counts; `named`: rows by feature; `buckets`: BUCKETS rows, in signed
    bytes of `step` each; `incidents`: short hashes of the names of those that it was learned from.
    """

    kinds: tuple[str, ...]
    rules: float
    bias: Row
    named: Mapping[str, Row]
    buckets: bytes
    step: float
    incidents: frozenset[str]


@cache
def weights() -> Weights:
    """The weights that ship with the integration."""
    return read(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def read(found: Mapping[str, Any]) -> Weights:
    """Weights as they stand in the file. ValueError when the file is for other features than ours."""
    kinds = tuple(found["kinds"])
    buckets = base64.b64decode(found["buckets"])
    if len(buckets) != BUCKETS * len(kinds):
        raise ValueError(f"{WEIGHTS.name} has {len(buckets)} weights; {BUCKETS * len(kinds)} are needed")
    return Weights(
        kinds=kinds,
        rules=float(found["rules"]),
        bias=tuple(found["bias"]),
        named={name: tuple(row) for name, row in found["named"].items()},
        buckets=buckets,
        step=float(found["step"]),
        incidents=frozenset(found["incidents"]),
    )


def points(
    rules: Mapping[str, float],
    named: Mapping[str, float],
    words: Sequence[str],
    scale: float,
    known: Weights | None = None,
) -> dict[str, float]:
    """Log odds by kind, "noise" included. `scale`: what a word weighs; `known`: other weights than ours."""
    say = _word if known is None else partial(_row, known)
    known = known or weights()
    total = [start + known.rules * rules[kind] for kind, start in zip(known.kinds, known.bias, strict=True)]
    for name, value in named.items():
        if row := known.named.get(name):
            total = [sum_ + value * weight for sum_, weight in zip(total, row, strict=True)]
    bag = [0.0] * len(total)
    for word in words:
        bag = list(map(add, bag, say(word)))
    return {kind: sum_ + scale * more for kind, sum_, more in zip(known.kinds, total, bag, strict=True)}


@lru_cache(maxsize=20_000)
def _word(word: str) -> Row:
    return _row(weights(), word)


def _row(known: Weights, word: str) -> Row:
    """What one word says: the sum of its pieces' rows over the root of their number."""
    size, found = len(known.kinds), pieces(word)
    rows = (known.buckets[at * size : (at + 1) * size] for at in found)
    sums = [sum(byte - 256 if byte > 127 else byte for byte in column) for column in zip(*rows, strict=True)]
    return tuple(known.step * value / len(found) ** 0.5 for value in sums)
