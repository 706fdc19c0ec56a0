"""Measure the leak check on real public texts and on things planted in real internal lines.

    DATA=<folder> python -m scripts.eval_guards [--seed N] [--each N] [--show]

The folder holds `statuspage*.json` (a list of `{company, incidents: [{name, updates: [{body}]}]}`: what was
said in public, so nothing in it should be found) and `timelines*.jsonl` (`{text}`: what was said inside, into
which `scripts.plant` puts one thing a line). Default folder: `../shared/realdata` beside the repository.
Prints one JSON object a line: false alarms, catches per kind, and all. `--show` lists what was wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from integration.guards import Leak, Words, cleaned, leaks
from scripts import plant
from scripts.eval_notes import folder
from scripts.notes.figures import interval

WORDS = Words(
    employees=plant.EMPLOYEES,
    customers=plant.CUSTOMERS,
    services=plant.SERVICES,
    hosts=plant.DOMAINS,
    tools=plant.TOOLS,
)


def public_texts(where: Path) -> list[str]:
    """Titles and bodies as customers read them, each once."""
    found: dict[str, None] = {}
    for file in sorted(where.glob("statuspage*.json")):
        for page in json.loads(file.read_text(encoding="utf-8")):
            for incident in page["incidents"]:
                for text in (incident["name"], *(update["body"] for update in incident["updates"])):
                    if text and text.strip():
                        found[text] = None
    return list(found)


def inside_lines(where: Path) -> list[str]:
    found: dict[str, None] = {}
    for file in sorted(where.glob("timelines*.jsonl")):
        for row in file.read_text(encoding="utf-8").splitlines():
            if row.strip():
                found[str(json.loads(row)["text"])] = None
    return list(found)


def false_alarms(texts: list[str], show: bool) -> dict[str, Any]:
    """How many public texts the check would stop, and on what kinds of finding."""
    kinds: Counter[str] = Counter()
    wrong = 0
    started = time.perf_counter()
    for text in texts:
        found = leaks(text, knows="customer-safe", words=WORDS)
        wrong += bool(found)
        kinds.update({leak.kind for leak in found})
        if show:
            for leak in found:
                print(f"false alarm: {leak.kind}: {leak.text!r}", file=sys.stderr)
    seconds = time.perf_counter() - started
    return {
        "guard": "false alarms",
        "texts": len(texts),
        "stopped": wrong,
        "share": round(wrong / len(texts), 4),
        "share_95": interval(wrong, len(texts)),
        "kinds": dict(kinds),
        "texts_per_second": round(len(texts) / seconds),
    }


def covered(planted: plant.Planted, found: tuple[Leak, ...]) -> bool:
    """Whether no character of what was planted stays."""
    left = set(range(planted.start, planted.end))
    for leak in found:
        left -= set(range(leak.start, leak.end))
    return not any(planted.text[place].isalnum() for place in left)


def catches(lines: list[str], seed: int, each: int, show: bool) -> list[dict[str, Any]]:
    """Per kind and for all: how much of what was planted is found, wholly covered, and gone when cleaned."""
    rows: list[dict[str, Any]] = []
    totals: Counter[str] = Counter()
    for kind in plant.KINDS:
        rng = random.Random(f"{seed}:{kind}")
        counts: Counter[str] = Counter()
        for _ in range(each):
            planted = plant.plant(rng, kind, rng.choice(lines))
            found = leaks(planted.text, knows="customer-safe", words=WORDS)
            thing = planted.text[planted.start : planted.end]
            wrapped = planted.text[max(0, planted.start - 1) : planted.end + 1]
            caught = any(leak.start < planted.end and planted.start < leak.end for leak in found)
            counts["planted"] += 1
            counts["caught"] += caught
            counts["whole"] += covered(planted, found)
            counts["gone"] += wrapped not in cleaned(planted.text, found)
            if show and not covered(planted, found):
                print(f"{'partly' if caught else 'missed'}: {kind}: {thing!r}", file=sys.stderr)
        rows.append(_row(kind, counts))
        totals += counts
    return [*rows, _row("all", totals)]


def _row(kind: str, counts: Counter[str]) -> dict[str, Any]:
    planted = counts["planted"]
    shares = {name: round(counts[name] / planted, 4) for name in ("caught", "whole", "gone")}
    return {
        "guard": "catches",
        "kind": kind,
        "planted": planted,
        **shares,
        "caught_95": interval(counts["caught"], planted),
    }


def main() -> int:
    """Print the figures; 2 when there is nothing to measure on."""
    options = argparse.ArgumentParser(description="Measure the leak check.")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--each", type=int, default=200, help="how many things of each kind to plant")
    options.add_argument("--show", action="store_true", help="list false alarms and misses on stderr")
    given = options.parse_args()
    where = folder()
    texts, lines = public_texts(where), inside_lines(where)
    if not texts or not lines:
        print(f"no statuspage*.json or no timelines*.jsonl in {where}: nothing measured (set DATA)")
        return 2
    print(json.dumps(false_alarms(texts, given.show)))
    for row in catches(lines, given.seed, given.each, given.show):
        print(json.dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
