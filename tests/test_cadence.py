"""Promises of news: made on the record, kept or missed, the same after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from integration import cadence
from integration.cadence import Promise
from integration.models.audience import Audience
from tests.told import START, sent

AUDIENCE = Audience(identifier="support", promised={"sev1": 30, "sev2": 60})


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def settle(
    *heard: float,
    recorded: Sequence[Promise] = (),
    audience: Audience = AUDIENCE,
    severity: str = "sev1",
    began: float | None = 0,
    ended: float | None = None,
    now: float = 1000,
) -> list[Promise]:
    return cadence.settle(
        "INC-42",
        audience,
        severity,
        recorded,
        [at(one) for one in heard],
        began=None if began is None else at(began),
        ended=None if ended is None else at(ended),
        at=at(now),
    )


def told(promises: Sequence[Promise]) -> list[tuple[str, float, float]]:
    return [
        (one.state, (one.due - START) / timedelta(minutes=1), one.late / timedelta(minutes=1))
        for one in promises
    ]


def test_each_update_settles_one_promise_and_makes_the_next() -> None:
    assert told(settle(20, 55, now=60)) == [("kept", 30, 0), ("missed", 50, 5), ("open", 85, 0)]
    assert told(settle(now=10)) == [("open", 30, 0)]
    assert cadence.next_due(settle(20, now=25)) == at(50)
    assert settle(20, now=51)[-1].overdue(at(51))
    assert not settle(20, now=49)[-1].overdue(at(49))


def test_the_end_settles_what_is_open() -> None:
    assert told(settle(20, ended=40)) == [("kept", 30, 0), ("dropped", 50, 0)]
    assert told(settle(ended=45)) == [("missed", 30, 15)]


def test_who_is_promised_nothing_waits_for_nothing() -> None:
    assert settle(10, severity="sev4") == []
    assert settle(began=None) == []
    assert told(settle(10, began=None, now=11)) == [("open", 40, 0)], "an update without a room promises, too"


def test_what_was_promised_stands_whatever_the_interval_is_now() -> None:
    made = settle(now=1)
    slower = AUDIENCE.model_copy(update={"promised": {"sev1": 300}})

    assert told(settle(recorded=made, audience=slower, now=2)) == [("open", 30, 0)]
    assert told(settle(recorded=made, audience=AUDIENCE.model_copy(update={"promised": {}}))) == [
        ("open", 30, 0)
    ]


def test_a_worse_severity_brings_a_promise_forward_but_never_into_the_past() -> None:
    made = settle(severity="sev2", now=1)

    assert told(made) == [("open", 60, 0)]
    assert told(settle(recorded=made, now=10)) == [("open", 40, 0)]
    assert told(settle(recorded=settle(now=1), severity="sev2", now=10)) == [("open", 30, 0)]


def test_quiet_hours_move_a_promise_to_their_end() -> None:
    sleeps = AUDIENCE.model_copy(update={"quiet": {"timeZone": "UTC", "sev1": "09:20-12:00"}})

    assert told(settle(audience=sleeps, now=1)) == [("open", 180, 0)]


def test_what_is_settled_stays_so_when_a_search_shows_less() -> None:
    whole = settle(20, 55, now=60)

    assert settle(20, recorded=whole, now=61) == whole
    assert settle(recorded=whole, now=61) == whole
    assert settle(20, 55, recorded=whole[:1], now=61) == whole


def test_one_run_to_many_places_is_one_update_and_only_what_was_sent_counts() -> None:
    record = [
        sent("a", 10, run="r1", audience="support", destination="C1"),
        sent("b", 11, run="r1", audience="support", operation="send_email"),
        sent("c", 20, run="r2", audience="support", purpose="mail"),
        sent("d", 30, run="r3", audience="support", state="failed"),
        sent("e", 40, run="r4", audience="sales"),
        sent("f", 50, run="r5", audience="support", purpose="status notice"),
    ]

    assert cadence.news("support", record) == [at(10), at(20)]


@given(
    st.lists(st.floats(0.1, 500), max_size=6, unique=True),
    st.integers(0, 6),
    st.floats(0, 600),
    st.sampled_from(["sev1", "sev2"]),
)
def test_a_restart_changes_nothing(heard: list[float], seen: int, now: float, severity: str) -> None:
    """Computed at once, or bit by bit with what stands on the record: the same."""
    heard = sorted(round(one, 2) for one in heard if one < now)
    at_once = settle(*heard, severity=severity, now=now)

    recorded: list[Promise] = []
    for count in (min(seen, len(heard)), len(heard)):
        recorded = settle(*heard[:count], recorded=recorded, severity=severity, now=now)

    assert recorded == at_once
    assert settle(*heard, recorded=recorded, severity=severity, now=now) == recorded
    assert len({one.identifier for one in recorded}) == len(recorded)
    assert [one.state for one in recorded].count("open") == 1


def test_a_promise_names_itself() -> None:
    values: dict[str, Any] = {"incident": "INC-1", "audience": "a", "due": datetime.now(UTC)}

    assert Promise(began=at(0), **values).identifier == Promise(began=at(0), **values).identifier
