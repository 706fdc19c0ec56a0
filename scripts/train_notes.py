"""Learn the weights of the notes' classifier anew.

    DATA=<folder> python -m scripts.train_notes

Learns from the labelled lines of the folder (see `scripts.notes.data`), from those of its timelines that
`scripts/notes/judged.json` judges, and from the made-up conversations in `scripts/notes`. Writes
`integration/notetaker/weights.json`, which holds numbers, names of features and hashes: no words, no
sentences. The same lines always give the same file. Takes about a minute; nothing to install.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from integration.notetaker.learned import WEIGHTS
from scripts.notes.data import KINDS, Line, by_incident, evidence_of, judged, labelled, made_up, name_digest
from scripts.notes.fit import Example, learn, shares


def examples_of(lines: list[Line]) -> list[Example]:
    """What is learned from: each line as the classifier sees it, with the kinds that hold."""
    found: list[Example] = []
    for said in by_incident(lines).values():
        for line, seen in zip(said, evidence_of(said), strict=True):
            found.append(Example(seen, shares(line["kind"], line.get("also") or (), KINDS)))
    return found


def trained(real: list[Line]) -> dict[str, Any]:
    """The content of the file of weights, learned from these lines and the made-up ones."""
    invented = made_up()
    found = learn(examples_of([*real, *invented]), KINDS)
    names = {str(line.get("incident") or "") for line in real}
    teams = {str(line.get("company") or "") for line in real}
    about = (
        f"Learned by scripts/train_notes.py from {len(real)} lines of {len(names)} published incidents of "
        f"{len(teams)} teams, read and labelled by hand, and from {len(invented)} made-up lines in "
        "scripts/notes. Numbers only: word pieces are hashed, incidents are named by hashes."
    )
    return {"about": about, **found, "incidents": sorted(map(name_digest, names))}


def main() -> int:
    given = os.environ.get("DATA") or "".join(sys.argv[1:2])
    if not given:
        print("Learn from what? make train DATA=folder", file=sys.stderr)
        return 2
    where = Path(given)
    real = [*labelled(where), *judged(where)] if where.is_dir() else []
    if not real:
        print(f"no labelled lines in {where}: set DATA to a folder that has some", file=sys.stderr)
        return 2
    WEIGHTS.write_text(json.dumps(trained(real), indent=1) + "\n", encoding="utf-8")
    print(f"{WEIGHTS}: learned from {len(real)} real lines, {WEIGHTS.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
