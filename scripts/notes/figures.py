"""Figures of a classifier: accuracy, macro-F1, precision and recall by kind, and what is shown as sure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, TextIO

from integration.notetaker import SURE
from scripts.notes.data import KINDS, Line


def interval(hits: int, of: int) -> list[float]:
    """Wilson's 95 % interval of a share."""
    if not of:
        return [0.0, 1.0]
    z, share = 1.96, hits / of
    middle = share + z * z / (2 * of)
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = ((middle + side * spread) / (1 + z * z / of) for side in (-1, 1))
    return [round(low, 3), round(high, 3)]


def measure(lines: Sequence[Line], found: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Strict (`kind`), lenient (`kind` or `also`) and macro figures, by kind, and of what is sure.

    `sure_precision`: of the notes shown as sure, the share whose kind is the line's; `sure_share`: how
    many there are for each line that is worth a note. Macro-F1 is over the kinds that the lines have.
    """
    pairs = [(line["kind"], kind) for line, (kind, _) in zip(lines, found, strict=True)]
    strict = sum(label == kind for label, kind in pairs)
    holds = [
        kind in (line["kind"], *(line.get("also") or ()))
        for line, (kind, _) in zip(lines, found, strict=True)
    ]
    right = Counter(label for label, kind in pairs if label == kind)
    labelled, given = Counter(label for label, _ in pairs), Counter(kind for _, kind in pairs)
    by_kind = {
        kind: {
            "lines": labelled[kind],
            "given": given[kind],
            "precision": _share(right[kind], given[kind]),
            "precision_95": interval(right[kind], given[kind]),
            "recall": _share(right[kind], labelled[kind]),
            "recall_95": interval(right[kind], labelled[kind]),
        }
        for kind in KINDS
        if labelled[kind] or given[kind]
    }
    f1 = [2 * right[kind] / (labelled[kind] + given[kind]) for kind in KINDS if labelled[kind]]
    sure = [
        number for number, (kind, confidence) in enumerate(found) if confidence >= SURE and kind != "noise"
    ]
    hits = sum(pairs[number][0] == pairs[number][1] for number in sure)
    worth = sum(label != "noise" for label, _ in pairs)
    return {
        "lines": len(lines),
        "strict": _share(strict, len(lines)),
        "strict_95": interval(strict, len(lines)),
        "lenient": _share(sum(holds), len(lines)),
        "lenient_95": interval(sum(holds), len(lines)),
        "macro_f1": round(sum(f1) / len(f1), 3),
        "sure_precision": _share(hits, len(sure)),
        "sure_precision_95": interval(hits, len(sure)),
        "sure_precision_lenient": _share(sum(holds[number] for number in sure), len(sure)),
        "sure_share": _share(len(sure), worth),
        "kinds": by_kind,
    }


def summary(every: dict[str, Any], tags: dict[str, Any], sure: float, out: TextIO) -> None:
    """The figures for a person."""
    print(
        f"{every['lines']} lines of {every['incidents']} incidents, {every['cross_validated']} of them "
        f"cross-validated\n"
        f"strict {every['strict']} {every['strict_95']}   lenient {every['lenient']} {every['lenient_95']}   "
        f"macro-F1 {every['macro_f1']}\n"
        f"shown as sure (confidence from {sure}): precision {every['sure_precision']} "
        f"{every['sure_precision_95']}, {every['sure_share']} of the lines worth a note\n"
        f"{'kind':<12}{'lines':>6}  {'precision':<24}{'recall'}",
        file=out,
    )
    for kind, row in every["kinds"].items():
        precision = f"{row['precision']} {row['precision_95']}"
        print(f"{kind:<12}{row['lines']:>6}  {precision:<24}{row['recall']} {row['recall_95']}", file=out)
    for name, row in tags.items():
        print(
            f"tags, {name}: precision {row['precision']}, recall {row['recall']} of {row['labelled']}",
            file=out,
        )
    print(
        f"{every['lines_per_second']} lines/s, {every['ms_for_one']} ms for one "
        f"({every['ms_for_the_slowest']} ms for the slowest)",
        file=out,
    )


def _share(hits: int, of: int) -> float | None:
    return round(hits / of, 3) if of else None
