"""Meetings as a client sees them: what is made, found, listed, refused and counted."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from sandbox.zoom.state import EXPIRES_AFTER, Occurrence
from tests.sandbox.zoom.conftest import HOST, Bench


async def test_a_meeting_is_made_and_read_back(bench: Bench) -> None:
    made = await bench.create(agenda="about", settings={"join_before_host": True, "auto_recording": "cloud"})

    assert isinstance(made["id"], int)
    assert len(str(made["id"])) == 11
    assert made["join_url"].endswith(f"/j/{made['id']}?pwd={made['encrypted_password']}")
    assert (made["type"], made["status"], made["host_email"]) == (2, "waiting", HOST)
    assert made["settings"]["join_before_host"] is True
    got = (await bench.call("GET", f"/meetings/{made['id']}")).json()
    assert {k: got[k] for k in ("id", "uuid", "agenda")} == {k: made[k] for k in ("id", "uuid", "agenda")}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"topic": "x" * 201}, "topic"),
        ({"agenda": "x" * 2001}, "agenda"),
        ({"password": "12345678901"}, "password"),
        ({"password": "a b"}, "password"),
        ({"type": 4}, "type"),
        ({"type": [2]}, "type"),
        ({"duration": 0}, "duration"),
        ({"duration": "sixty"}, "duration"),
        ({"start_time": "tomorrow"}, "start_time"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": []}, "timezone"),
        ({"type": 8}, "recurrence"),
        ({"settings": {"auto_recording": "tape"}}, "settings.auto_recording"),
        ({"settings": {"join_before_host": "yes"}}, "settings.join_before_host"),
        ({"settings": []}, "settings"),
    ],
)
async def test_a_wrong_field_is_named(bench: Bench, body: dict[str, Any], field: str) -> None:
    answer = await bench.call("POST", f"/users/{HOST}/meetings", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, 300)
    assert [e["field"] for e in answer.json()["errors"]] == [field]
    assert not bench.zoom.store.meetings
    assert bench.zoom.limits.used(bench.zoom.store.user(HOST).id, bench.zoom.store.now()) == 0


@pytest.mark.parametrize("raw", [b"not json", b"[1]", b"\xff\xfe"])
async def test_a_body_that_is_no_object_is_refused(bench: Bench, raw: bytes) -> None:
    kind = {"content-type": "application/json"}
    answer = await bench.call("POST", f"/users/{HOST}/meetings", content=raw, headers=kind)

    assert (answer.status_code, answer.json()["code"]) == (400, 300)


async def test_who_is_unknown_and_who_may_not_host(bench: Bench) -> None:
    bench.zoom.seed({"users": [{"email": "reader@example.com", "hosting": False}]})

    unknown = await bench.call("POST", "/users/nobody@example.com/meetings", json={})
    assert (unknown.status_code, unknown.json()["code"]) == (404, 1001)
    reader = await bench.call("POST", "/users/reader@example.com/meetings", json={})
    assert (reader.status_code, reader.json()["code"]) == (400, 3161)


async def test_the_list_pages_and_cuts_the_agenda(bench: Bench) -> None:
    ids = {(await bench.create(topic=f"INC-{n}", agenda="k" * 300))["id"] for n in range(5)}
    seen: list[dict[str, Any]] = []
    token = ""
    while True:
        query = {"page_size": "2", "next_page_token": token}
        page = (await bench.call("GET", f"/users/{HOST}/meetings", params=query)).json()
        seen += page["meetings"]
        token = page["next_page_token"]
        if not token:
            break

    assert {m["id"] for m in seen} == ids
    assert page["total_records"] == 5
    assert {len(m["agenda"]) for m in seen} == {250}
    stale = await bench.call("GET", f"/users/{HOST}/meetings", params={"next_page_token": "made-up"})
    assert (stale.status_code, stale.json()["code"]) == (400, 300)


async def test_instant_and_expired_meetings_are_not_listed(bench: Bench) -> None:
    kept = await bench.create()
    instant = await bench.create(type=1)
    old = await bench.create()
    bench.zoom.store.meetings[old["id"]].start = bench.zoom.store.now() - EXPIRES_AFTER - 1

    async def listed() -> set[int]:
        page = (await bench.call("GET", f"/users/{HOST}/meetings")).json()
        return {m["id"] for m in page["meetings"]}

    assert await listed() == {kept["id"]}
    assert (await bench.call("GET", f"/meetings/{old['id']}")).json()["code"] == 3001
    assert (await bench.call("GET", f"/meetings/{instant['id']}")).status_code == 200
    bench.world.hostility.change({"unlisted_meetings": False})
    assert await listed() == {kept["id"], instant["id"], old["id"]}


async def test_update_changes_only_what_is_named(bench: Bench) -> None:
    made = await bench.create(agenda="before")
    answer = await bench.call(
        "PATCH", f"/meetings/{made['id']}", json={"topic": "INC-2", "settings": {"waiting_room": True}}
    )

    assert (answer.status_code, answer.content) == (204, b"")
    got = (await bench.call("GET", f"/meetings/{made['id']}")).json()
    assert (got["topic"], got["agenda"], got["settings"]["waiting_room"]) == ("INC-2", "before", True)


async def test_a_deleted_meeting_is_gone_until_recovered(bench: Bench) -> None:
    made = await bench.create()
    path = f"/meetings/{made['id']}"
    assert (await bench.call("DELETE", path)).status_code == 204
    for method in ("GET", "DELETE"):
        gone = await bench.call(method, path)
        assert (gone.status_code, gone.json()["code"]) == (404, 3001)
    assert (await bench.call("PUT", f"{path}/status", json={"action": "recover"})).status_code == 204
    assert (await bench.call("GET", path)).status_code == 200


async def test_ending_is_no_error_twice_and_deleting_a_live_one_is(bench: Bench) -> None:
    made = await bench.create()
    path = f"/meetings/{made['id']}"
    bench.zoom.life.join(bench.zoom.store.meetings[made["id"]], HOST)
    assert (await bench.call("GET", path)).json()["status"] == "started"
    live = await bench.call("DELETE", path)
    assert (live.status_code, live.json()["code"]) == (400, 3002)
    for _ in range(2):
        assert (await bench.call("PUT", f"{path}/status", json={"action": "end"})).status_code == 204
    assert (await bench.call("GET", path)).json()["status"] == "waiting"
    wrong = await bench.call("PUT", f"{path}/status", json={"action": "explode"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, 300)


async def test_create_and_update_share_one_daily_limit_per_host(bench: Bench) -> None:
    bench.zoom.seed({"daily_limit": 2})
    made = await bench.create()
    await bench.call("PATCH", f"/meetings/{made['id']}", json={"topic": "again"})

    over = await bench.call("POST", f"/users/{HOST}/meetings", json={})
    assert over.status_code == 429
    assert "daily rate limit (2) of Meeting Create/Update" in over.json()["message"]
    assert "retry-after" not in over.headers
    assert "x-ratelimit-type" not in over.headers
    assert over.headers["x-ratelimit-category"] == "Light"
    await bench.create(host="dana@example.com")
    bench.world.clock.shift["zoom"] = 86_400.0
    assert (await bench.call("GET", f"/users/{HOST}")).status_code == 401
    bench.http.headers["authorization"] = f"Bearer {(await bench.token()).json()['access_token']}"
    await bench.create()


async def test_the_account_has_a_limit_per_second(bench: Bench) -> None:
    bench.zoom.limits.per_second["light"] = 3
    answers = [await bench.call("GET", f"/users/{HOST}") for _ in range(4)]

    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert [a.headers["x-ratelimit-remaining"] for a in answers] == ["2", "1", "0", "0"]
    assert answers[-1].headers["x-ratelimit-type"] == "QPS"


async def test_what_took_place_can_be_read_also_by_an_awkward_uuid(bench: Bench) -> None:
    made = await bench.create(settings={"join_before_host": True})
    meeting = bench.zoom.store.meetings[made["id"]]
    bench.zoom.life.join(meeting, HOST)
    bench.zoom.life.join(meeting, "guest@example.org", "A guest")
    occurrence = meeting.live
    assert isinstance(occurrence, Occurrence)
    occurrence.uuid = "/ab//cd+efghijklmnopq=="
    bench.zoom.life.end(meeting, summary="## Decided\nRoll back.")
    once, twice = quote(occurrence.uuid, safe=""), quote(quote(occurrence.uuid, safe=""), safe="")

    for path in ("", "/participants"):
        got = await bench.call("GET", f"/past_meetings/{twice}{path}")
        assert got.status_code == 200, got.text
        assert (await bench.call("GET", f"/past_meetings/{once}{path}")).json()["code"] == 3001
    people = got.json()["participants"]
    assert {p["user_email"] for p in people} == {HOST, "guest@example.org"}
    summary = await bench.call("GET", f"/meetings/{twice}/meeting_summary")
    assert summary.json()["summary_content"].startswith("## Decided")
    instances = await bench.call("GET", f"/past_meetings/{made['id']}/instances")
    assert [m["uuid"] for m in instances.json()["meetings"]] == [occurrence.uuid]
    assert (await bench.call("GET", f"/meetings/{made['id']}/recordings")).json()["code"] == 3301


async def test_a_lonely_participant_is_not_reported(bench: Bench) -> None:
    made = await bench.create()
    meeting = bench.zoom.store.meetings[made["id"]]
    bench.zoom.life.join(meeting, HOST)
    bench.zoom.life.leave(meeting, HOST)

    got = await bench.call("GET", f"/past_meetings/{made['id']}/participants")
    assert got.json()["participants"] == []


async def test_users_can_be_found(bench: Bench) -> None:
    listed = (await bench.call("GET", "/users")).json()["users"]
    assert [(u["email"], u["type"]) for u in listed] == [(HOST, 2), ("dana@example.com", 1)]
    me = (await bench.call("GET", "/users/me")).json()
    assert me["email"] == HOST


async def test_an_unknown_endpoint_is_code_2300(bench: Bench) -> None:
    answer = await bench.call("POST", "/meeting")
    assert (answer.status_code, answer.json()["code"]) == (404, 2300)


async def test_faults_speak_zoom(bench: Bench) -> None:
    bench.world.faults.add({"service": "zoom", "operation": "meetings.create", "error": "daily"})
    over = await bench.call("POST", f"/users/{HOST}/meetings", json={})
    assert over.status_code == 429
    assert "daily rate limit (100)" in over.json()["message"]
    assert "retry-after" not in over.headers
    bench.world.faults.add({"service": "zoom", "status": 429, "retry_after": "2026-01-01T00:00:00Z"})
    told = await bench.call("GET", f"/users/{HOST}")
    assert told.headers["retry-after"] == "2026-01-01T00:00:00Z"


async def test_a_null_is_as_good_as_nothing(bench: Bench) -> None:
    """Clients with typed models send every field that they know, most of them null."""
    nulls = dict.fromkeys(("alternative_hosts", "close_registration", "jbh_time", "waiting_room"))
    made = await bench.create(type=None, agenda=None, password=None, settings=nulls | {"host_video": True})

    assert (made["type"], made["agenda"], bool(made["password"])) == (2, "", True)
    assert None not in made["settings"].values()
    assert made["settings"]["host_video"] is True
