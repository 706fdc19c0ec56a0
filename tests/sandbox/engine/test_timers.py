"""Timers really expire, once, and can be wound up again."""

from __future__ import annotations

import asyncio

from sandbox.port.engine_timers import moment
from sandbox.world import iso
from tests.sandbox.engine.conftest import Bench, automation
from tests.sandbox.serve import until

DUE = automation("TIMER_PROPERTY_EXPIRED", blueprintIdentifier="incident", propertyIdentifier="nextUpdateDue")
PAYLOAD = {
    "incident": "{{ .event.context.entityIdentifier }}",
    "property": "{{ .event.context.propertyIdentifier }}",
    "what": "{{ .event.action }}",
    "before": "{{ .event.diff.before }}",
    "severity": "{{ .event.diff.after.properties.severity }}",
}


def wind(bench: Bench, seconds: float, identifier: str = "inc-1", **properties: str) -> None:
    due = iso(bench.world.clock.now("port") + seconds)
    bench.entity("incident", identifier, nextUpdateDue=due, **properties)


async def test_expires(bench: Bench) -> None:
    bench.action("due", DUE, bench.webhook(PAYLOAD))

    wind(bench, 0.15, severity="sev1")
    assert bench.of("due") == []
    await until(lambda: bench.backend.got, seconds=3.0)

    assert bench.backend.bodies() == [
        {
            "incident": "inc-1",
            "property": "nextUpdateDue",
            "what": "TIMER_EXPIRED",
            "before": None,
            "severity": "sev1",
        }
    ]
    assert bench.engine.timers.armed() == {}


async def test_follows_a_shifted_clock(bench: Bench) -> None:
    bench.action("due", DUE)
    wind(bench, 3600.0)
    await asyncio.sleep(0)
    assert bench.of("due") == []

    bench.world.clock.shift["port"] = 3601.0

    await until(lambda: bench.of("due"), seconds=3.0)


async def test_a_condition_sees_the_entity_as_it_is_then(bench: Bench) -> None:
    trigger = automation(
        "TIMER_PROPERTY_EXPIRED",
        '.diff.after.properties.status == "open"',
        blueprintIdentifier="incident",
        propertyIdentifier="nextUpdateDue",
    )
    bench.action("due", trigger)
    wind(bench, 0.05, "closed")
    bench.entity("incident", "closed", status="closed")
    wind(bench, 0.05, "open")

    await until(lambda: not bench.engine.timers.armed(), seconds=3.0)

    assert [run["entity"]["identifier"] for run in bench.of("due")] == ["open"]


async def test_wound_up_again_disarmed_and_deleted(bench: Bench) -> None:
    wind(bench, 100.0, "again")
    wind(bench, 200.0, "again")
    wind(bench, 100.0, "kept")
    bench.entity("incident", "kept", severity="sev1")
    wind(bench, 100.0, "off")
    bench.entity("incident", "off", nextUpdateDue=None)
    wind(bench, 100.0, "gone")
    bench.delete("incident", "gone")
    wind(bench, -1.0, "past")

    now = bench.world.clock.now("port")
    left = {timer[1]: round(due - now) for timer, due in bench.engine.timers.armed().items()}
    assert left == {"again": 200, "kept": 100}


async def test_another_property_is_another_timer(bench: Bench) -> None:
    other = automation("TIMER_PROPERTY_EXPIRED", blueprintIdentifier="incident", propertyIdentifier="other")
    bench.action("other", other)
    bench.action("changed", automation("ENTITY_UPDATED"))
    wind(bench, 0.05)

    await until(lambda: not bench.engine.timers.armed(), seconds=3.0)

    assert bench.engine.snapshot() == []


async def test_seeded_timers_are_wound_up_on_demand(bench: Bench) -> None:
    due = iso(bench.world.clock.now("port") + 100.0)
    with bench.port.quietly():
        bench.entity("incident", "inc-1", nextUpdateDue=due)
    assert bench.engine.timers.armed() == {}

    bench.engine.wind_timers()

    assert list(bench.engine.timers.armed()) == [("incident", "inc-1", "nextUpdateDue")]


def test_moments() -> None:
    assert (
        moment("2026-01-01T00:00:00Z") == moment("2026-01-01T01:00:00+01:00") == moment("2026-01-01T00:00:00")
    )
    assert moment("soon") is None
    assert moment(None) is None
    assert moment(7) is None
