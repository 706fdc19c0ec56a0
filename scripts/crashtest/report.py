"""What the crash test prints: a line for each operation, and what is wrong in full."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from sandbox.stage import Json
from scripts.crashtest.points import Verdict

KINDS = ("duplicate", "loss", "stuck", "untrue", "unknown")


def summed(operation: str, verdicts: Sequence[Verdict]) -> Json:
    """The figures of one operation, or of all. `unknown_other` counts what may be unknown for mail only."""
    counted = Counter(problem.kind for one in verdicts for problem in one.problems)
    # Of several faults in one play each adds its own seconds: that is nobody's time to calm.
    calm = [one for one in verdicts if one.together == 1 and not one.problems]
    seconds = sorted(one.seconds for one in calm if one.seconds)
    return {
        "operation": operation,
        "points": sum(one.reached for one in verdicts),
        "plays": round(sum(1 / one.together for one in verdicts)),
        "failed": sum(bool(one.problems) for one in verdicts),
        "duplicates": counted["duplicate"],
        "losses": counted["loss"],
        "stuck": counted["stuck"],
        "untrue": counted["untrue"],
        "unknown_mail": sum(one.unknown for one in verdicts),
        "unknown_other": counted["unknown"],
        "not_reached": sum(not one.reached and not one.broken for one in verdicts),
        "broken": sum(bool(one.broken) for one in verdicts),
        "worst_seconds": seconds[-1] if seconds else 0.0,
        "median_seconds": round(statistics.median(seconds), 1) if seconds else 0.0,
    }


def failed(verdicts: Sequence[Verdict]) -> bool:
    """A call that did not come is no failure: writes that meet are one, now and then."""
    return any(one.problems or one.broken for one in verdicts)


def told(verdicts: Sequence[Verdict], seconds: float, as_json: bool) -> None:
    """The end of a run: figures by operation, then what went wrong."""
    names = list(dict.fromkeys(one.operation for one in verdicts))
    rows = [summed(name, [one for one in verdicts if one.operation == name]) for name in names]
    rows.append({**summed("all", verdicts), "own_seconds": round(seconds)})
    if as_json:
        for row in rows:
            print(json.dumps(row), flush=True)
        return
    table = Table(*(name.replace("_", " ") for name in rows[0]))
    for row in rows:
        table.add_row(*(str(row[name]) for name in rows[0]))
    # A fixed width: what is read from a file or a log must not be cut.
    console = Console(width=160, soft_wrap=True)
    console.print(table)
    for one in verdicts:
        for problem in one.problems:
            console.print(f"✘ {one.point} ({one.about}): {problem}", markup=False)
        if one.broken:
            console.print(f"! {one.point}: {one.broken}", markup=False)
        elif not one.reached:
            console.print(f"? {one.point} ({one.about}): the call did not come", markup=False)
    console.print(f"{len(verdicts)} points in {seconds / 60:.1f} minutes")
