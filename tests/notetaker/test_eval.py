"""The measuring command: on folders of any make, and without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integration.notetaker.learned import weights
from scripts import eval_notes
from scripts.notes.data import name_digest


def figures(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
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

    assert eval_notes.main([]) == 0
    incident, tags, every = figures(capsys)
    assert (incident["incident"], every["incident"]) == ("a", "all")
    assert (every["lines"], every["strict"], every["lenient"]) == (3, 0.667, 1.0)
    assert every["cross_validated"] == 0
    assert "links" in tags["tags"]


def test_a_missing_folder_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA", str(tmp_path / "none"))

    assert eval_notes.main([]) == 2
    assert "nothing measured" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["aside.jsonl", "labels.jsonl", "labels.other.jsonl"])
def test_any_file_of_labels_will_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"text": "The database is down", "kind": "impact"}, {"text": "rolled back", "kind": "workaround"}]
    (tmp_path / name).write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "timelines.jsonl").write_text(json.dumps({"text": "no label"}))
    for where in (tmp_path, tmp_path / name):
        monkeypatch.setenv("DATA", str(where))

        assert eval_notes.main([]) == 0
        assert figures(capsys)[-1]["lines"] == 2


def test_a_kind_that_is_none_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.jsonl").write_text(json.dumps({"text": "x", "kind": "gossip"}))
    monkeypatch.setenv("DATA", str(tmp_path))

    assert eval_notes.main([]) == 2
    assert "labels.jsonl line 1: 'gossip' is no kind" in capsys.readouterr().err


def test_no_team_is_in_two_folds() -> None:
    incidents = {f"i{n}": [{"text": "x", "kind": "noise", "company": f"c{n % 9}"}] * n for n in range(1, 30)}
    found = eval_notes.folds(incidents)
    teams = [{str(incidents[name][0]["company"]) for name in fold} for fold in found]

    assert sorted(name for fold in found for name in fold) == sorted(incidents)
    assert sum(map(len, teams)) == len(set().union(*teams))


def test_what_was_learned_from_is_judged_by_weights_that_have_not_seen_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"text": "The database is down", "kind": "impact", "incident": "a", "company": "x"}]
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.setenv("DATA", str(tmp_path))
    learned = weights()._replace(incidents=frozenset({name_digest("a")}))
    monkeypatch.setattr(eval_notes, "weights", lambda: learned)
    asked: list[set[str]] = []

    def judge(incidents: dict[str, Any], more: list[Any]) -> dict[str, Any]:
        asked.append(set(incidents))
        return {}

    monkeypatch.setattr(eval_notes, "cross_validated", judge)

    assert eval_notes.main([]) == 0
    assert asked == [{"a"}]
    assert figures(capsys)[-1]["cross_validated"] == 1
