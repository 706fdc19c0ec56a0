"""Which incidents concern an audience and why, what it is promised, when it sleeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration import audiences, portjson
from integration.entities import read_audience
from integration.errors import BadInput
from integration.models.audience import Audience
from integration.models.base import Json
from integration.models.incident import Incident

INCIDENT = Incident(
    identifier="INC-42", title="Checkout is slow", status="open", severity="Sev1", services=("checkout",)
)
ENTITY: Json = {
    "identifier": "INC-42",
    "title": "Checkout is slow",
    "team": ["payments"],
    "properties": {"urgency": "high", "count": 3, "labels": ["eu", "us"], "empty": ""},
    "relations": {"services": ["checkout"], "owner": None},
}


def readers(**more: Any) -> Audience:
    return Audience(identifier="sales", **more)


def reach(*rules: Json, combinator: str = "and") -> audiences.Reach:
    query = {"combinator": combinator, "rules": list(rules)}
    return audiences.reach(readers(reach=query), INCIDENT, ENTITY)


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ({"property": "severity", "operator": "=", "value": "sev1"}, True),
        ({"property": "severity", "operator": "in", "value": ["sev1", "sev2"]}, True),
        ({"property": "severity", "operator": "notIn", "value": ["sev1"]}, False),
        ({"property": "urgency", "operator": "!=", "value": "low"}, True),
        ({"property": "services", "operator": "contains", "value": "checkout"}, True),
        ({"relation": "services", "operator": "containsAny", "value": ["x", "checkout"]}, True),
        ({"property": "$team", "operator": "containsAny", "value": ["payments"]}, True),
        ({"property": "$team", "operator": "=", "value": "search"}, False),
        ({"property": "$title", "operator": "contains", "value": "CHECKOUT"}, True),
        ({"property": "$identifier", "operator": "beginsWith", "value": "INC-"}, True),
        ({"property": "title", "operator": "doesNotEndsWith", "value": "slow"}, False),
        ({"property": "count", "operator": ">=", "value": 3}, True),
        ({"property": "count", "operator": "<", "value": 3}, False),
        ({"property": "count", "operator": ">", "value": "2"}, False),
        ({"property": "labels", "operator": "doesNotContains", "value": "eu"}, False),
        ({"property": "empty", "operator": "isEmpty"}, True),
        ({"relation": "owner", "operator": "isNotEmpty"}, False),
        ({"property": "nothing", "operator": "=", "value": "x"}, False),
    ],
)
def test_a_rule_is_met_or_not_and_says_what_the_incident_has(rule: Json, met: bool) -> None:
    found = reach(rule)

    assert found.reached is met
    assert found.why[0].startswith("✔" if met else "✘")
    assert str(rule.get("property") or rule.get("relation")) in found.why[0]


def test_groups_are_joined_as_they_say() -> None:
    yes: Json = {"property": "severity", "operator": "=", "value": "sev1"}
    no: Json = {"property": "severity", "operator": "=", "value": "sev4"}

    assert reach(yes, no).reached is False
    assert reach(yes, no, combinator="or").reached is True
    assert reach(yes, {"combinator": "or", "rules": [no, yes]}).reached is True
    assert reach(combinator="or").reached is True
    assert audiences.reach(readers(), INCIDENT, ENTITY).reached is True
    assert len(reach(yes, no).why) == 2, "every rule is told, not only the first that fails"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"rules": "all"}, "combinator"),
        ({"combinator": "xor", "rules": []}, "xor"),
        ({"rules": ["severity"]}, "rules[0]"),
        ({"rules": [{"operator": "="}]}, "names a property"),
        ({"rules": [{"property": "x", "operator": "matches", "value": 1}]}, "matches"),
        ({"rules": [{"property": "x", "operator": "="}]}, "needs a value"),
    ],
)
def test_rules_that_can_not_be_read_name_audience_and_rule(query: Json, told: str) -> None:
    with pytest.raises(BadInput, match="audience sales, reach") as problem:
        audiences.reach(readers(reach=query), INCIDENT, ENTITY)

    assert told in str(problem.value)


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        # Berlin is an hour ahead of UTC in winter, two in summer.
        ("22:00-07:00", "2026-01-15T20:59:00Z", None),
        ("22:00-07:00", "2026-01-15T21:00:00Z", "2026-01-16T06:00:00Z"),
        ("22:00-07:00", "2026-01-16T05:59:00Z", "2026-01-16T06:00:00Z"),
        ("22:00-07:00", "2026-01-16T06:00:00Z", None),
        ("22:00-07:00", "2026-07-15T20:00:00Z", "2026-07-16T05:00:00Z"),
        ("12:00-13:30", "2026-07-15T11:00:00Z", "2026-07-15T11:30:00Z"),
        ("12:00-13:30", "2026-07-15T12:00:00Z", None),
        # The night in which the clocks go forward: 03:00 comes an hour sooner.
        ("22:00-07:00", "2026-03-28T23:00:00Z", "2026-03-29T05:00:00Z"),
        ("00:00-00:00", "2026-01-15T12:00:00Z", "2026-01-15T23:00:00Z"),
    ],
)
def test_quiet_hours_end_on_the_readers_clock(hours: str, at: str, until: str | None) -> None:
    audience = readers(quiet={"timeZone": "Europe/Berlin", "sev3": hours})

    found = audiences.quiet_until(audience, "SEV3", datetime.fromisoformat(at))

    assert found == (datetime.fromisoformat(until) if until else None)
    assert audiences.quiet_until(audience, "sev1", datetime.fromisoformat(at)) is None


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2024, 1, 1), max_value=datetime(2030, 1, 1)))  # noqa: DTZ001
def test_after_quiet_hours_nobody_sleeps(at: datetime) -> None:
    audience = readers(quiet={"timeZone": "America/New_York", "*": "21:30-06:15"})

    until = audiences.quiet_until(audience, "sev2", at)

    if until is not None:
        assert at < until <= at + timedelta(hours=10)
        assert audiences.quiet_until(audience, "sev2", until) is None


def test_a_promise_is_by_severity_with_one_for_the_rest() -> None:
    audience = readers(promised={"sev1": 30, "*": 240.5})

    assert audiences.promise(audience, "SEV1") == timedelta(minutes=30)
    assert audiences.promise(audience, "sev3") == timedelta(minutes=240.5)
    assert audiences.promise(readers(promised={"sev1": 30}), "sev3") is None
    assert audiences.promise(readers(), "sev1") is None


def test_what_a_person_has_to_mend_is_told_all_at_once() -> None:
    audience = readers(
        reach={"rules": [{"property": "x", "operator": "~"}]},
        promised={"sev1": "soon", "sev2": 0},
        quiet={"timeZone": "Mars/Base", "sev1": "22:00-07:00", "sev2": "22-7"},
        slack_channels=("#sales", "C0123ABCD"),
        language="tlh",
        tone="rude",
    )

    told = "\n".join(audiences.problems(audience, datetime.now(UTC)))

    for words in ("'~'", "'soon'", "0 minutes", "Mars/Base", "22-7", "#sales", "tlh", "rude"):
        assert words in told
    assert "C0123ABCD'" not in told


def test_the_ready_audiences_have_nothing_to_mend() -> None:
    ready = [read_audience(one) for one in portjson.ready_entities()["commsAudience"]]

    assert [one.identifier for one in ready] == ["engineering", "support", "sales", "executives"]
    for audience in ready:
        assert audiences.problems(audience, datetime.now(UTC)) == []
        assert audiences.promise(audience, "sev1") is not None


def test_a_level_that_nobody_knows_is_the_lowest() -> None:
    assert read_audience({"identifier": "x", "properties": {"knows": "everything"}}).knows == "customer-safe"
    assert read_audience({"identifier": "x", "properties": {}}).knows == "technical"
