"""Incidents: what one write does, what it leaves alone, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.statuspage.rules import DEFAULT_BODY
from sandbox.world import iso
from tests.sandbox.serve import until
from tests.sandbox.statuspage.conftest import API, CHECKOUT, LOGIN, PAGE, SEARCH, Bench


async def test_a_publish_with_component_states_is_one_write(bench: Bench) -> None:
    made = await bench.create(
        body="We are looking into slow payments.",
        component_ids=[CHECKOUT],
        components={CHECKOUT: "partial_outage"},
        metadata={"port": {"incident": "INC-7", "op": "abc"}},
    )

    assert (made["status"], made["impact"]) == ("investigating", "major")
    assert [c["status"] for c in made["components"]] == ["partial_outage"]
    assert made["metadata"] == {"port": {"incident": "INC-7", "op": "abc"}}
    (said,) = made["incident_updates"]
    assert said["body"] == "We are looking into slow payments."
    assert said["deliver_notifications"] is True
    moved = {
        "code": CHECKOUT,
        "name": "Checkout",
        "old_status": "operational",
        "new_status": "partial_outage",
    }
    assert said["affected_components"] == [moved]
    assert (await bench.get(f"{PAGE}/components/{CHECKOUT}"))["status"] == "partial_outage"
    (effect,) = bench.effects()
    assert "Checkout operational -> partial_outage" in effect
    assert "told 2 email" in effect


async def test_listing_a_component_changes_no_state_and_changing_one_lists_nothing(bench: Bench) -> None:
    listed = await bench.create(component_ids=[CHECKOUT])
    assert [c["status"] for c in listed["components"]] == ["operational"]
    changed = await bench.create(components={LOGIN: "major_outage"})
    assert (changed["components"], changed["impact"]) == ([], "critical")
    assert (await bench.get(f"{PAGE}/components/{LOGIN}"))["status"] == "major_outage"


async def test_resolving_leaves_components_as_they_are(bench: Bench) -> None:
    made = await bench.create(component_ids=[CHECKOUT], components={CHECKOUT: "major_outage"})
    resolved = await bench.update(made, status="resolved")

    assert resolved["resolved_at"] is not None
    assert [c["status"] for c in resolved["components"]] == ["major_outage"]
    assert resolved["impact"] == "critical"
    assert resolved["incident_updates"][0]["body"] == DEFAULT_BODY["resolved"]
    await bench.update(resolved, components={CHECKOUT: "operational"})
    assert (await bench.get(f"{PAGE}/components/{CHECKOUT}"))["status"] == "operational"


async def test_updates_come_newest_first_and_only_from_a_status_or_a_body(bench: Bench) -> None:
    made = await bench.create(body="One")
    await bench.update(made, status="identified", body="Two")
    await bench.update(made, body="Three", deliver_notifications=False)
    await bench.update(made, name="Payments are slow")
    await bench.update(made, status="identified")
    got = await bench.get(f"{PAGE}/incidents/{made['id']}")

    assert [u["body"] for u in got["incident_updates"]] == ["Three", "Two", "One"]
    assert [u["status"] for u in got["incident_updates"]] == ["identified", "identified", "investigating"]
    assert [u["deliver_notifications"] for u in got["incident_updates"]] == [False, True, True]
    assert [u["affected_components"] for u in got["incident_updates"]] == [None, None, None]
    assert got["name"] == "Payments are slow"
    assert [e.rpartition("told ")[2] for e in bench.effects() if "told" in e] == [
        "2 email",
        "2 email",
        "nobody",
    ]


async def test_a_change_that_changes_nothing_has_no_effect(bench: Bench) -> None:
    made = await bench.create(component_ids=[CHECKOUT])
    before = len(bench.effects())
    same = await bench.update(made, name=made["name"], component_ids=[CHECKOUT])

    assert len(bench.effects()) == before
    assert same["updated_at"] == made["updated_at"]


async def test_impact_can_be_overridden_and_given_back(bench: Bench) -> None:
    made = await bench.create(impact_override="minor", component_ids=[API], components={API: "major_outage"})
    assert (made["impact"], made["impact_override"]) == ("minor", "minor")
    path = f"{PAGE}/incidents/{made['id']}"
    freed = await bench.call("PATCH", path, data={"incident[impact_override]": ""})
    assert (freed.json()["impact"], freed.json()["impact_override"]) == ("critical", None)


async def test_an_incident_can_be_reopened(bench: Bench) -> None:
    made = await bench.create()
    await bench.update(made, status="resolved")
    again = await bench.update(made, status="investigating", body="It is back.")
    assert again["resolved_at"] is None
    assert [i["id"] for i in await bench.get(f"{PAGE}/incidents/unresolved")] == [made["id"]]


async def test_a_form_says_the_same_as_json(bench: Bench) -> None:
    form = {
        "incident[name]": "Login fails",
        "incident[status]": "identified",
        "incident[body]": "Known.",
        "incident[component_ids][]": [LOGIN, API],
        f"incident[components][{LOGIN}]": "degraded_performance",
        "incident[deliver_notifications]": "false",
        "incident[metadata][port][incident]": "INC-8",
    }
    answer = await bench.call("POST", f"{PAGE}/incidents.json", data=form)

    made = answer.json()
    assert (made["status"], made["impact"], made["metadata"]) == (
        "identified",
        "minor",
        {"port": {"incident": "INC-8"}},
    )
    assert [c["id"] for c in made["components"]] == [LOGIN, API]
    assert made["incident_updates"][0]["deliver_notifications"] is False
    assert (await bench.call("GET", f"{PAGE}/incidents/{made['id']}.json")).json() == made


async def test_an_update_can_be_rewritten_without_telling_anybody(bench: Bench) -> None:
    made = await bench.create(body="Wrnog")
    path = f"{PAGE}/incidents/{made['id']}/incident_updates/{made['incident_updates'][0]['id']}"
    shown_at = "2030-01-02T03:04:05.000Z"
    answer = await bench.call(
        "PUT", path, json={"incident_update": {"body": "Right", "display_at": shown_at}}
    )

    assert (answer.json()["body"], answer.json()["display_at"]) == ("Right", shown_at)
    assert bench.effects()[-1].endswith("edited")
    await bench.refused("PATCH", f"{path}x", 404, json={"incident_update": {"body": "No"}})
    await bench.refused("PATCH", path, 422, json={"incident_update": {"body": " "}})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": ""}, "Name can't be blank"),
        ({"name": "x" * 256}, "Name is too long (maximum is 255 characters)"),
        ({"body": "x" * 25_001}, "Body is too long (maximum is 25000 characters)"),
        ({"body": "  "}, "Body can't be blank"),
        ({"status": "on fire"}, "Status does not have a valid value"),
        ({"status": "in_progress"}, "Scheduled for can't be blank"),
        ({"impact_override": "huge"}, "Impact override does not have a valid value"),
        ({"component_ids": ["nosuch"]}, "Component nosuch does not belong to this page"),
        ({"components": {"nosuch": "operational"}}, "Component nosuch does not belong to this page"),
        ({"components": {CHECKOUT: "broken"}}, f"Component {CHECKOUT} does not have a valid status"),
        ({"components": [CHECKOUT]}, "Components must be a map of component id to status"),
        ({"metadata": {"port": "INC-7"}}, "Metadata must be an object whose top level values are objects"),
        ({"deliver_notifications": "perhaps"}, "Deliver notifications is invalid"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_done(
    bench: Bench, given: dict[str, Any], words: str
) -> None:
    body = {"incident": {"name": "A name", **given}}
    assert words in await bench.refused("POST", f"{PAGE}/incidents", 422, json=body)
    assert await bench.get(f"{PAGE}/incidents") == []
    assert bench.effects() == []


async def test_all_that_is_wrong_is_named_at_once(bench: Bench) -> None:
    body = {"incident": {"name": "", "body": "", "status": "no"}}
    assert len(await bench.refused("POST", f"{PAGE}/incidents", 422, json=body)) == 3
    assert await bench.refused("POST", f"{PAGE}/incidents", 422, json={}) == ["incident is missing"]


async def test_a_realtime_incident_has_no_maintenance_status(bench: Bench) -> None:
    made = await bench.create()
    path = f"{PAGE}/incidents/{made['id']}"
    wrong = await bench.refused("PATCH", path, 422, json={"incident": {"status": "completed"}})
    assert wrong == ["Status completed is not valid for a realtime incident"]


async def test_a_backfilled_incident_is_over_and_told_to_nobody(bench: Bench) -> None:
    made = await bench.create(
        backfilled=True, backfill_date="2026-01-02T03:04:05Z", body="It was slow for an hour."
    )
    assert (made["status"], made["created_at"]) == ("resolved", "2026-01-02T03:04:05.000Z")
    assert bench.effects()[0].endswith("told nobody")
    wrong = {"name": "x", "backfilled": True, "body": "y", "component_ids": [CHECKOUT]}
    words = await bench.refused("POST", f"{PAGE}/incidents", 422, json={"incident": wrong})
    assert words == ["Components can't be specified for a backfilled incident"]


async def test_lists_are_searched_and_paged(bench: Bench) -> None:
    for number in range(5):
        await bench.create(name=f"Incident {number}", metadata={"port": {"incident": f"INC-{number}"}})
    first = await bench.get(f"{PAGE}/incidents", limit=2, page=1)
    second = await bench.get(f"{PAGE}/incidents", limit=2, page=2)

    assert [i["name"] for i in first + second] == [f"Incident {n}" for n in (4, 3, 2, 1)]
    assert [i["name"] for i in await bench.get(f"{PAGE}/incidents", q="incident 3")] == ["Incident 3"]
    assert await bench.get(f"{PAGE}/incidents", q="INC-3") == []
    assert len(await bench.get(f"{PAGE}/incidents", limit=1000)) == 5
    await bench.refused("GET", f"{PAGE}/incidents", 400, params={"page": "two"})


async def test_a_deleted_incident_is_gone(bench: Bench) -> None:
    made = await bench.create()
    path = f"{PAGE}/incidents/{made['id']}"
    assert (await bench.call("DELETE", path)).json()["id"] == made["id"]
    await bench.refused("GET", path, 404)


async def test_maintenance_runs_by_the_clock(bench: Bench) -> None:
    now = bench.statuspage.store.now()
    made = await bench.create(
        name="New database",
        scheduled_for=iso(now + 0.1),
        scheduled_until=iso(now + 0.3),
        scheduled_auto_in_progress=True,
        scheduled_auto_completed=True,
        auto_transition_to_maintenance_state=True,
        auto_transition_to_operational_state=True,
        auto_transition_deliver_notifications_at_end=False,
        component_ids=[SEARCH],
    )
    assert (made["status"], made["impact"]) == ("scheduled", "maintenance")
    assert [i["id"] for i in await bench.get(f"{PAGE}/incidents/upcoming")] == [made["id"]]
    assert await bench.get(f"{PAGE}/incidents/unresolved") == []

    # Nobody asks: the clock alone moves it.
    incident = bench.statuspage.store.incidents[made["id"]]
    await until(lambda: incident.status == "in_progress", what="the start")
    assert bench.statuspage.store.components[SEARCH].status == "under_maintenance"
    assert [i["id"] for i in await bench.get(f"{PAGE}/incidents/active_maintenance")] == [made["id"]]
    assert [i["id"] for i in await bench.get(f"{PAGE}/incidents/scheduled")] == [made["id"]]
    await until(lambda: incident.status == "completed", what="the end")
    done = await bench.get(f"{PAGE}/incidents/{made['id']}")
    assert [(u["status"], u["deliver_notifications"]) for u in done["incident_updates"]] == [
        ("completed", False),
        ("in_progress", True),
        ("scheduled", True),
    ]
    assert bench.statuspage.store.components[SEARCH].status == "operational"


async def test_maintenance_without_its_switches_waits_for_a_person(bench: Bench) -> None:
    now = bench.statuspage.store.now()
    made = await bench.create(scheduled_for=iso(now + 60), scheduled_until=iso(now + 120))
    bench.world.clock.shift["statuspage"] = 600.0
    assert (await bench.get(f"{PAGE}/incidents/{made['id']}"))["status"] == "scheduled"
    started = await bench.update(made, status="in_progress")
    assert started["components"] == []
    assert (await bench.update(made, status="completed"))["resolved_at"] is not None


async def test_subscribers_are_reminded_an_hour_before(bench: Bench) -> None:
    now = bench.statuspage.store.now()
    window = {"scheduled_for": iso(now + 7200), "scheduled_until": iso(now + 9000)}
    made = await bench.create(scheduled_remind_prior=True, **window)
    assert made["scheduled_reminded_at"] is None
    bench.world.clock.shift["statuspage"] = 4000.0
    assert (await bench.get(f"{PAGE}/incidents/{made['id']}"))["scheduled_reminded_at"] is not None


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (60, 30, "Scheduled until must be after scheduled for"),
        (-60, -30, "Scheduled until must be in the future"),
        (60, None, "Scheduled until can't be blank"),
    ],
)
async def test_a_window_must_make_sense(bench: Bench, start: float, end: float | None, words: str) -> None:
    now = bench.statuspage.store.now()
    given = {"name": "x", "scheduled_for": iso(now + start)}
    given |= {} if end is None else {"scheduled_until": iso(now + end)}
    assert await bench.refused("POST", f"{PAGE}/incidents", 422, json={"incident": given}) == [words]


async def test_a_postmortem_is_drafted_published_taken_back_and_deleted(bench: Bench) -> None:
    made = await bench.create()
    path = f"{PAGE}/incidents/{made['id']}/postmortem"
    await bench.refused("GET", path, 404)
    draft = {"postmortem": {"body_draft": "What happened, and why."}}
    assert (await bench.call("PUT", path, json=draft)).json()["body_draft"] == "What happened, and why."
    publish = {"postmortem": {"notify_subscribers": True, "notify_twitter": False}}
    (why,) = await bench.refused("PUT", f"{path}/publish", 422, json=publish)
    assert "must be resolved" in why

    await bench.update(made, status="resolved")
    assert (await bench.call("PUT", f"{path}/publish", json=publish)).json()["published_at"] is not None
    shown = await bench.get(f"{PAGE}/incidents/{made['id']}")
    assert (shown["status"], shown["postmortem_body"]) == ("postmortem", "What happened, and why.")
    assert shown["incident_updates"][0]["status"] == "postmortem"
    assert bench.effects()[-1].endswith("told 2 email")

    await bench.call("PUT", f"{path}/revert")
    shown = await bench.get(f"{PAGE}/incidents/{made['id']}")
    assert (shown["status"], shown["postmortem_body"], len(shown["incident_updates"])) == (
        "resolved",
        None,
        2,
    )
    assert (await bench.call("DELETE", path)).status_code == 204
    await bench.refused("PUT", f"{path}/revert", 404)
