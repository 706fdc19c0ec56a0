"""Measure the notetaker on labelled lines of real incidents.

    make eval DATA=<folder or file>

Any folder with labelled lines will do, whatever its files are called (their form: `scripts/notes/data.py`);
default: `../shared/realdata` beside the repository. Incidents that the shipped weights have not learned
from are judged by the shipped weights. The others are cross-validated: lines of one team (one incident,
where no team is given) are judged by weights that were learned without any line of it.

Prints JSON objects, one a line: one for each incident, one for tags, one for speed, one for all; and a
summary for people on the error stream.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from integration.models.slack import Message
from integration.notetaker import SURE, Context, derive
from integration.notetaker.learned import points, read, weights
from integration.notetaker.rules import verdict
from scripts.notes import figures, tags
from scripts.notes.data import (
    Line,
    by_incident,
    evidence_of,
    in_context,
    judged,
    labelled,
    name_digest,
    shared,
)
from scripts.train_notes import trained

Found = list[tuple[str, float]]  # kind ("noise" for no note) and confidence of each line
FOLDS = 6


def folder() -> Path:
    """Where labelled lines are: DATA, else the shared folder beside the repository."""
    return Path(os.environ.get("DATA") or shared())


def shipped(lines: list[Line]) -> Found:
    """What the integration makes of the lines of one incident."""
    found: Found = [("noise", 1.0)] * len(lines)
    for number, message, context in in_context(lines):
        note = derive(message, context)
        if note is not None:
            found[number] = (note.kind, note.confidence)
    return found


def folds(incidents: dict[str, list[Line]]) -> list[list[str]]:
    """The names of incidents in at most FOLDS groups of about as many lines, no team in two of them."""
    teams: dict[str, list[str]] = {}
    for name, lines in incidents.items():
        teams.setdefault(str(lines[0].get("company") or name), []).append(name)
    groups: list[tuple[int, list[str]]] = [(0, []) for _ in range(min(FOLDS, len(teams)))]
    for names in sorted(teams.values(), key=lambda some: -sum(len(incidents[name]) for name in some)):
        size, group = min(groups, key=lambda one: one[0])
        groups.remove((size, group))
        groups.append((size + sum(len(incidents[name]) for name in names), group + names))
    return [names for _, names in groups]


def _judge(task: tuple[list[Line], list[list[Line]]]) -> list[Found]:
    """The verdicts over incidents of weights that were learned from other lines."""
    others, held_out = task
    known = read(trained(others))
    judged_now: list[Found] = []
    for lines in held_out:
        verdicts = [verdict(points(*seen, known)) for seen in evidence_of(lines)]
        judged_now.append([(found.kind or "noise", found.confidence) for found in verdicts])
    return judged_now


def cross_validated(incidents: dict[str, list[Line]], more: list[Line]) -> dict[str, Found]:
    """Each incident judged by weights learned from the other teams' lines, `more` of them included."""
    tasks, names = [], []
    for fold in folds(incidents):
        teams = {str(line.get("company") or name) for name in fold for line in incidents[name]}
        others = [line for name, lines in incidents.items() if name not in fold for line in lines]
        others += [line for line in more if str(line.get("company") or line.get("incident")) not in teams]
        tasks.append((others, [incidents[name] for name in fold]))
        names.append(fold)
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(tasks))) as pool:
        answers = pool.map(_judge, tasks)
        return {
            name: found
            for fold, some in zip(names, answers, strict=True)
            for name, found in zip(fold, some, strict=True)
        }


def speed(lines: Sequence[Line]) -> dict[str, Any]:
    """Messages a second in bulk, the best of three times, and milliseconds for one alone."""
    told: list[tuple[Message, Context]] = []
    for some in by_incident(list(lines)).values():
        told += [(message, context) for _, message, context in in_context(some)]
    best = float("inf")
    alone = [float("inf")] * len(told)
    for _ in range(3):
        started = time.perf_counter()
        for number, (message, context) in enumerate(told):
            before = time.perf_counter()
            derive(message, context)
            alone[number] = min(alone[number], time.perf_counter() - before)
        best = min(best, time.perf_counter() - started)
    return {
        "lines_per_second": round(len(told) / best),
        "ms_for_one": round(1000 * sum(alone) / len(alone), 3),
        "ms_for_the_slowest": round(1000 * max(alone), 3),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 2 when there is nothing to measure on."""
    parser = argparse.ArgumentParser(prog="make eval DATA=...", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="no cross-validation: only what is shipped")
    options = parser.parse_args(arguments)
    where = folder()
    try:
        lines = labelled(where) if where.exists() else []
    except ValueError as problem:
        print(f"{where}: {problem}", file=sys.stderr)
        return 2
    if not lines:
        print(f"no labelled lines in {where}: nothing measured (set DATA to a folder that has some)")
        return 2
    incidents = by_incident(lines)
    found = {name: shipped(some) for name, some in incidents.items()}
    learned = {name: some for name, some in incidents.items() if name_digest(name) in weights().incidents}
    as_shipped = figures.measure(lines, [one for name in incidents for one in found[name]])
    if learned and not options.quick:
        print(f"cross-validating {len(learned)} incidents that were learned from ...", file=sys.stderr)
        found |= cross_validated(learned, judged(where))
    for name, some in incidents.items():
        by = "other teams' lines" if name in learned and not options.quick else "shipped weights"
        result = figures.measure(some, found[name])
        del result["kinds"]
        print(json.dumps({"incident": name, "judged_by": by, **result}))
    tagged = tags.measure(incidents)
    print(json.dumps({"tags": tagged}))
    measured = speed(lines)
    every = figures.measure(
        [line for some in incidents.values() for line in some],
        [one for name in incidents for one in found[name]],
    )
    every |= {"incidents": len(incidents), "cross_validated": 0 if options.quick else len(learned)}
    if learned:
        every["learned_from_these_lines"] = {
            name: as_shipped[name] for name in ("strict", "lenient", "macro_f1")
        }
    print(json.dumps({"incident": "all", **every, **measured}))
    figures.summary({**every, **measured}, tagged, SURE, sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
