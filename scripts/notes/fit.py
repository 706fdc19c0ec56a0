"""Multinomial logistic regression in plain Python: no package to install, a minute for a thousand lines.

Weights that the lines do not ask for stay at nought: the penalty is the square of each. The rules' points
are an offset with one factor of its own. Solved by L-BFGS (Nocedal and Wright, algorithm 7.5).
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from operator import add, mul
from typing import Any, NamedTuple

from integration.notetaker.features import BUCKETS, pieces
from integration.notetaker.rules import Evidence

PENALTY = 2.0  # on word pieces and named features
WORD = 2.5  # how far a word's pieces reach in comparison with a named feature
ALSO = 0.4  # what another kind that holds too counts beside the line's kind
RULES, RULES_PENALTY, BIAS_PENALTY = 0.6, 5.0, 0.1
STEPS, REMEMBERED = 40, 6
BYTE = 127

Vector = list[float]


class Example(NamedTuple):
    """What the classifier sees of a line, and how the line's kinds share in it (one number each)."""

    seen: Evidence
    shares: Vector


def shares(kind: str, also: Sequence[str], kinds: Sequence[str]) -> Vector:
    others = [other for other in also if other != kind]
    found = [float(known == kind) + ALSO * (known in others) / max(1, len(others)) for known in kinds]
    return [share / sum(found) for share in found]


def learn(examples: Sequence[Example], kinds: Sequence[str]) -> dict[str, Any]:
    """Weights in the form of the file, but for where they come from."""
    problem = _Problem(examples, kinds)
    solution = _minimise(problem, problem.start())
    return problem.written(solution)


class _Problem:
    """The penalised loss of all examples at a point: rows of named features, of buckets, bias, factor."""

    def __init__(self, examples: Sequence[Example], kinds: Sequence[str]) -> None:
        self.kinds = tuple(kinds)
        self.size = len(kinds)
        self.examples = examples
        self.names = sorted({name for example in examples for name in example.seen.named})
        self.words = sorted({word for example in examples for word in example.seen.words})
        name_at = {name: at for at, name in enumerate(self.names)}
        word_at = {word: at for at, word in enumerate(self.words)}
        used = sorted({bucket for word in self.words for bucket in pieces(word)})
        self.buckets = used
        row_at = {bucket: len(self.names) + at for at, bucket in enumerate(used)}
        self.rows = len(self.names) + len(used)
        self.pieces = [[row_at[bucket] for bucket in pieces(word)] for word in self.words]
        self.named = [[(name_at[name], value) for name, value in e.seen.named.items()] for e in examples]
        self.said = [[word_at[word] for word in e.seen.words] for e in examples]
        self.offsets = [[e.seen.rules[kind] for kind in self.kinds] for e in examples]

    def start(self) -> Vector:
        return [0.0] * (self.rows * self.size + self.size) + [RULES]

    def __call__(self, at: Vector) -> tuple[float, Vector]:
        size, end = self.size, self.rows * self.size
        rows = [at[row * size : row * size + size] for row in range(self.rows)]
        bias, factor = at[end : end + size], at[-1]
        reach = [WORD / math.sqrt(len(found)) for found in self.pieces]
        word_rows = [
            [share * total for total in map(sum, zip(*(rows[row] for row in found), strict=True))]
            for share, found in zip(reach, self.pieces, strict=True)
        ]
        loss = 0.5 * PENALTY * sum(value * value for value in at[:end])
        loss += 0.5 * BIAS_PENALTY * sum(value * value for value in bias)
        loss += 0.5 * RULES_PENALTY * (factor - RULES) ** 2
        slopes = [[PENALTY * value for value in row] for row in rows]
        word_slopes = [[0.0] * size for _ in self.words]
        bias_slope = [BIAS_PENALTY * value for value in bias]
        factor_slope = RULES_PENALTY * (factor - RULES)
        for example, named, said, offset in zip(
            self.examples, self.named, self.said, self.offsets, strict=True
        ):
            points = [start + factor * score for start, score in zip(bias, offset, strict=True)]
            for row, value in named:
                points = [point + value * weight for point, weight in zip(points, rows[row], strict=True)]
            if said:
                sums = map(sum, zip(*(word_rows[word] for word in said), strict=True))
                points = [p + example.seen.scale * s for p, s in zip(points, sums, strict=True)]
            most = max(points)
            powers = [math.exp(point - most) for point in points]
            total = math.log(sum(powers)) + most
            loss += sum(share * (total - point) for share, point in zip(example.shares, points, strict=True))
            slope = [
                math.exp(point - total) - share for point, share in zip(points, example.shares, strict=True)
            ]
            bias_slope = list(map(add, bias_slope, slope))
            factor_slope += sum(map(mul, slope, offset))
            for row, value in named:
                slopes[row] = [old + value * new for old, new in zip(slopes[row], slope, strict=True)]
            scaled = [example.seen.scale * value for value in slope]
            for word in said:
                word_slopes[word] = list(map(add, word_slopes[word], scaled))
        for share, found, word_slope in zip(reach, self.pieces, word_slopes, strict=True):
            spread = [share * value for value in word_slope]
            for row in found:
                slopes[row] = list(map(add, slopes[row], spread))
        flat = [value for row in slopes for value in row]
        return loss, [*flat, *bias_slope, factor_slope]

    def written(self, at: Vector) -> dict[str, Any]:
        size, end = self.size, self.rows * self.size
        rows = [at[row * size : row * size + size] for row in range(self.rows)]
        named, buckets = rows[: len(self.names)], rows[len(self.names) :]
        step = max((abs(value) for row in buckets for value in row), default=1.0) * WORD / BYTE
        table = bytearray(BUCKETS * size)
        for bucket, row in zip(self.buckets, buckets, strict=True):
            for kind, value in enumerate(row):
                table[bucket * size + kind] = round(value * WORD / step) & 0xFF
        return {
            "kinds": list(self.kinds),
            "rules": round(at[-1], 4),
            "bias": [round(value, 4) for value in at[end : end + size]],
            "named": {
                name: [round(value, 4) for value in row]
                for name, row in zip(self.names, named, strict=True)
                if any(abs(value) >= 0.00005 for value in row)
            },
            "step": step,
            "buckets": base64.b64encode(bytes(table)).decode(),
        }


def _minimise(problem: Callable[[Vector], tuple[float, Vector]], at: Vector) -> Vector:
    loss, slope = problem(at)
    moves: list[tuple[Vector, Vector, float]] = []
    for step in range(STEPS):
        way = _direction(slope, moves)
        descent = _dot(way, slope)
        length = 1.0 if moves else min(1.0, 1.0 / math.sqrt(_dot(slope, slope)))
        for _ in range(20):
            there = [old + length * more for old, more in zip(at, way, strict=True)]
            found, new = problem(there)
            if found <= loss + 1e-4 * length * descent:
                break
            length /= 2
        else:
            return at
        moved = [length * more for more in way]
        turned = [a - b for a, b in zip(new, slope, strict=True)]
        if (bend := _dot(moved, turned)) > 1e-10:
            moves = [*moves[-REMEMBERED + 1 :], (moved, turned, 1.0 / bend)]
        gain, at, loss, slope = loss - found, there, found, new
        if step > 5 and gain < 1e-4 * abs(loss):
            break
    return at


def _direction(slope: Vector, moves: Sequence[tuple[Vector, Vector, float]]) -> Vector:
    way = [-value for value in slope]
    factors = []
    for moved, turned, curve in reversed(moves):
        factor = curve * _dot(moved, way)
        factors.append(factor)
        way = [value - factor * turn for value, turn in zip(way, turned, strict=True)]
    if moves:
        moved, turned, curve = moves[-1]
        start = 1.0 / (curve * _dot(turned, turned))
        way = [start * value for value in way]
    for (moved, turned, curve), factor in zip(moves, reversed(factors), strict=True):
        back = factor - curve * _dot(turned, way)
        way = [value + back * move for value, move in zip(way, moved, strict=True)]
    return way


def _dot(one: Vector, other: Vector) -> float:
    return float(sum(map(mul, one, other)))
