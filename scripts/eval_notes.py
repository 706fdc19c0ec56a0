"""Measure the notetaker on labelled lines of real incidents.

    DATA=<folder> python -m scripts.eval_notes

The folder holds `labels.*.jsonl` (default file `labels.dev.jsonl`): one object a line with `incident`,
`ts` (RFC 3339), `author`, `text`, `kind` (a note kind or "noise"), `also` (other kinds that hold too).
Lines stand in the order in which they were said. Default folder: `../shared/realdata` beside the
repository. Prints one JSON object a line: one per incident, then one for all. Nothing is learned from
the lines, so there is nothing to cross-validate; the split by incident shows how much teams differ.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

from integration.models import NOTE_KINDS, Message
from integration.notetaker import Context, derive
from integration.room_state import conversations

KINDS = (*NOTE_KINDS, "noise")
SURE = 0.5  # notes at least this sure may be shown without a question mark


def folder() -> Path:
    """Where the labelled lines are: DATA, else the shared folder beside the repository."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "realdata"
    return Path(os.environ.get("DATA") or beside)


def message_of(line: dict[str, Any], number: int) -> Message:
    """The Slack message a line would have been. `number` keeps lines of one minute apart and in order."""
    said = datetime.fromisoformat(line["ts"]).timestamp() if line.get("ts") else 0.0
    author = str(line.get("author", ""))
    text = str(line["text"]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Message(
        channel=line["incident"],
        ts=f"{max(0, int(said))}.{number:06d}",
        user="" if author.endswith("bot") else author,
        bot_id=author if author.endswith("bot") else "",
        text=text,
    )


def predict(lines: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """Kind ("noise" for no note) and confidence for the lines of one incident, in their order."""
    said = {message_of(line, number).ts: number for number, line in enumerate(lines)}
    found = [("noise", 1.0)] * len(lines)
    messages = (message_of(line, number) for number, line in enumerate(lines))
    for message, previous, parent in conversations(messages):
        note = derive(message, Context(previous=previous, parent=parent))
        if note:
            found[said[message.ts]] = (note.kind, note.confidence)
    return found


def interval(hits: int, of: int) -> list[float]:
    """Wilson's 95 % interval of a share."""
    if not of:
        return [0.0, 1.0]
    z, share = 1.96, hits / of
    middle = share + z * z / (2 * of)
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = ((middle + side * spread) / (1 + z * z / of) for side in (-1, 1))
    return [round(low, 3), round(high, 3)]


def measure(lines: list[dict[str, Any]], found: list[tuple[str, float]]) -> dict[str, Any]:
    """Strict, lenient and macro figures, and precision and recall per kind."""
    pairs = [(line["kind"], kind) for line, (kind, _) in zip(lines, found, strict=True)]
    strict = sum(label == kind for label, kind in pairs)
    lenient = sum(
        kind in (line["kind"], *line.get("also", ())) for line, (kind, _) in zip(lines, found, strict=True)
    )
    right = Counter(label for label, kind in pairs if label == kind)
    labelled, given = Counter(label for label, _ in pairs), Counter(kind for _, kind in pairs)
    per_kind = {
        kind: {
            "lines": labelled[kind],
            "precision": round(right[kind] / given[kind], 3) if given[kind] else None,
            "recall": round(right[kind] / labelled[kind], 3),
            "recall_95": interval(right[kind], labelled[kind]),
        }
        for kind in KINDS
        if labelled[kind]
    }
    f1 = [2 * right[kind] / (labelled[kind] + given[kind]) for kind in KINDS if labelled[kind]]
    sure = [
        (label, kind)
        for (label, kind), (_, how) in zip(pairs, found, strict=True)
        if how >= SURE and kind != "noise"
    ]
    worth = sum(label != "noise" for label, _ in pairs)
    return {
        "lines": len(lines),
        "strict": round(strict / len(lines), 3),
        "strict_95": interval(strict, len(lines)),
        "lenient": round(lenient / len(lines), 3),
        "macro_f1": round(sum(f1) / len(f1), 3),
        "sure_precision": round(sum(a == b for a, b in sure) / len(sure), 3) if sure else None,
        "sure_share": round(len(sure) / worth, 3) if worth else None,
        "kinds": per_kind,
    }


def main() -> int:
    """Print the figures; 2 when there is nothing to measure on."""
    files = sorted(folder().glob("labels*.jsonl"))
    if not files:
        print(f"no labels*.jsonl in {folder()}: nothing measured (set DATA to a folder that has one)")
        return 2
    by_incident: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in files:
        for row in file.read_text(encoding="utf-8").splitlines():
            if row.strip():
                line = json.loads(row)
                by_incident[line["incident"]].append(line)
    every: list[dict[str, Any]] = []
    found: list[tuple[str, float]] = []
    seconds = 0.0
    for incident, lines in by_incident.items():
        started = time.perf_counter()
        kinds = predict(lines)
        seconds += time.perf_counter() - started
        figures = measure(lines, kinds)
        del figures["kinds"]
        print(json.dumps({"incident": incident, **figures}))
        every += lines
        found += kinds
    print(
        json.dumps(
            {"incident": "all", **measure(every, found), "lines_per_second": round(len(every) / seconds)}
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
