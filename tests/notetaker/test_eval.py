"""The measuring command: on a made-up folder, without one, and on real lines where there are some."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scripts import eval_notes

SHARED = Path(
    os.environ.get("INCIDENT_COMMS_SHARED") or Path(__file__).resolve().parents[2].parent / "shared"
)


def figures(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_figures_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"text": "Customers can't log in, about 20% of requests fail", "kind": "impact", "also": []},
        {"text": "Rolled back the release", "kind": "update", "also": ["workaround"]},
        {"text": "thanks!", "kind": "noise", "also": []},
    ]
    lines = [{"incident": "a", "ts": "2024-01-01T00:00:00Z", "author": "engineer", **row} for row in rows]
    (tmp_path / "labels.test.jsonl").write_text("\n".join(map(json.dumps, lines)))
    monkeypatch.setenv("DATA", str(tmp_path))

    assert eval_notes.main() == 0
    incident, every = figures(capsys)
    assert (incident["incident"], every["incident"]) == ("a", "all")
    assert (every["lines"], every["strict"], every["lenient"]) == (3, 0.667, 1.0)


def test_a_missing_folder_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA", str(tmp_path / "none"))

    assert eval_notes.main() == 2
    assert "nothing measured" in capsys.readouterr().out


@pytest.mark.skipif(
    not (SHARED / "realdata").is_dir(), reason=f"no labelled lines of real incidents at {SHARED / 'realdata'}"
)
def test_quality_on_real_incidents_does_not_fall(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA", str(SHARED / "realdata"))

    assert eval_notes.main() == 0
    every = figures(capsys)[-1]
    strict, lenient, macro = every["strict"], every["lenient"], every["macro_f1"]
    assert isinstance(strict, float)
    assert isinstance(lenient, float)
    assert isinstance(macro, float)
    assert strict >= 0.6
    assert lenient >= 0.7
    assert macro >= 0.55
