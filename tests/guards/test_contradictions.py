"""A public post against what is known inside: each rule finds its case and stays quiet without it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.guards import Inside, Public, Rules, blocking, contradictions, leak_findings, leaks
from integration.guards.leak import Words

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
BEGAN = NOW - timedelta(hours=1)
WORKED_ON = Inside(status="investigating", severity="sev1", started_at=BEGAN)
CLOSED = Inside(status="resolved", severity="sev1", closed=True, closed_at=NOW, started_at=BEGAN)
RULES = Rules(impacts={"sev1": "critical", "sev3": "minor"})
POST = Public(name="Slow checkout", body="We look into it.", status="investigating", impact="critical")


class Note(NamedTuple):
    text: str
    said_at: datetime = NOW


def found(public: Public, inside: Inside = WORKED_ON, *notes: Note, rules: Rules = RULES) -> list[str]:
    return [one.rule for one in contradictions(public, inside, notes, now=NOW, rules=rules)]


def post(**changes: object) -> Public:
    return Public.model_validate(POST.model_dump() | changes)


def test_a_fitting_post_has_no_findings() -> None:
    assert found(POST) == []
    assert found(post(status="resolved", components={"a": "operational"}), CLOSED) == []


def test_resolved_in_public_while_work_goes_on_blocks() -> None:
    (one,) = contradictions(post(status="resolved"), WORKED_ON, now=NOW, rules=RULES)
    assert (one.rule, one.blocking, one.lifted) == ("resolved early", True, True)
    assert "still investigating" in one.reason


def test_a_page_left_unresolved_is_told_after_the_minutes_set() -> None:
    inside = CLOSED.model_copy(update={"closed_at": NOW - timedelta(minutes=31)})
    assert found(POST, inside) == ["resolved late"]
    assert found(POST, CLOSED) == []
    assert found(POST, inside, rules=RULES.model_copy(update={"late_minutes": 60.0})) == []


def test_components_left_degraded_block_unless_others_hold_them() -> None:
    left = {"api": "partial_outage", "web": "operational"}
    assert found(post(status="resolved", components=left), CLOSED) == ["components"]
    assert found(post(status="resolved", components=left, held=frozenset({"api"})), CLOSED) == []


def test_impact_and_components_are_held_against_the_severity() -> None:
    assert found(post(impact="minor")) == ["impact"]
    assert found(post(components={"api": "operational"})) == ["impact"]
    assert found(post(impact="minor"), WORKED_ON.model_copy(update={"severity": "sev9"})) == []


@pytest.mark.parametrize(
    ("claim", "note"),
    [
        ("There was no data loss.", "restore failed, we lost 300 rows of orders"),
        ("No customer data was lost.", "confirmed data loss for tenants created today"),
        ("Your data is safe.", "messages were dropped between 14:00 and 14:20"),
        ("No customer data was exposed.", "some users saw another customer's invoices"),
        ("A small subset of users is affected.", "all users are logged out"),
        ("No action is required.", "customers must rotate their keys"),
    ],
)
def test_claims_that_notes_take_back(claim: str, note: str) -> None:
    assert found(post(body=claim), WORKED_ON, Note(note)) == ["claim"]
    assert found(post(body=claim), WORKED_ON, Note("the pool was too small")) == []


def test_the_newest_note_on_a_subject_decides() -> None:
    fear = Note("possible data loss in orders", NOW - timedelta(minutes=30))
    assert found(post(body="There was no data loss."), WORKED_ON, fear) == ["claim"]
    assert found(post(body="There was no data loss."), WORKED_ON, fear, Note("data loss ruled out")) == []


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        ("Since 14:05 UTC requests fail.", []),
        ("Since 12:10 UTC requests fail.", ["start"]),
        ("Starting at 6:00 AM PST requests fail.", []),
        ("It began at 9:30am EST.", []),
        ("Between 2026-03-04 14:00 and 15:00 UTC it failed.", ["start"]),
        ("Since 12:10 requests fail.", []),  # whose time that is nobody knows
    ],
)
def test_the_start_told_is_held_against_the_incidents(words: str, rules: list[str]) -> None:
    assert found(post(body=words)) == rules


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "x" * 256},
        {"body": "x" * 25_001},
        {"body": " "},
        {"body": "<b>bold</b>"},
        {"body": "see <https://example.com|here>"},
        {"body": "Affected: {{ components }}"},
        {"name": "two\nlines"},
    ],
)
def test_what_the_page_refuses_blocks_whatever_is_set(changes: dict[str, object]) -> None:
    rules = Rules(weights={"limits": "off", "private": "off"})
    assert "limits" in found(post(**changes), rules=rules)
    private = WORKED_ON.model_copy(update={"private": True})
    (one,) = contradictions(POST, private, now=NOW, rules=rules)
    assert (one.rule, one.blocking, one.lifted) == ("private", True, False)


def test_what_may_be_meant_is_not_taken_for_a_place_left_open() -> None:
    assert found(post(body="Ya funciona todo. Next update: TBD.")) == []
    assert found(post(body="TODO: say when")) == ["limits"]
    assert found(post(name="", titled=False)) == []


def test_weights_decide_what_blocks() -> None:
    public = post(status="resolved", impact="")
    assert blocking(contradictions(public, WORKED_ON, now=NOW, rules=Rules()))
    warned = contradictions(public, WORKED_ON, now=NOW, rules=Rules(weights={"resolved early": "warn"}))
    assert [one.blocking for one in warned] == [False]
    assert contradictions(public, WORKED_ON, now=NOW, rules=Rules(weights={"resolved early": "off"})) == ()


def test_a_secret_is_not_repeated_in_its_finding() -> None:
    text = "OPS-12: AKIAIOSFODNN7EXAMPLE"
    told = " ".join(one.reason for one in leak_findings(leaks(text, knows="customer-safe", words=Words())))
    assert "OPS-12" in told
    assert "AKIA" not in told


@given(body=st.text(max_size=300), note=st.text(max_size=300))
def test_any_words_are_judged(body: str, note: str) -> None:
    contradictions(post(body=body), WORKED_ON, [Note(note)], now=NOW, rules=RULES)
