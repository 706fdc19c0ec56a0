"""Notices of changes: one for each, kept back while it flaps, threaded, changed in place, asleep at night."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from integration.engine import Engine
from integration.models.run import Outcome
from integration.notices import Change, merged
from sandbox.world import Json
from tests.action_bench import Bench, bench, run

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHANGE = "automation announce_status_on_change"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


async def begin(stage: Bench, name: str, *, calm: float, **properties: Any) -> tuple[Engine, str]:
    """An incident, and an audience with a channel that wants notices; the channel."""
    engine = stage.engine(notice_calm_seconds=calm)
    await stage.incident(name)
    await stage.write("incident", {"identifier": name, "properties": {"severity": "sev2"}})
    made = await engine.slack.create_channel(f"{name.lower()}-readers", False)
    rule = {"combinator": "and", "rules": [{"property": "$identifier", "operator": "=", "value": name}]}
    await stage.audience(f"{name.lower()}-a", slackChannels=[made.id], notices=True, reach=rule, **properties)
    return engine, made.id


async def change(stage: Bench, engine: Engine, name: str, version: str = "", **fields: Any) -> Outcome:
    """The incident changes, and Port tells us: before and after."""
    before = await stage.properties("incident", name)
    await stage.write("incident", {"identifier": name, "properties": fields})
    inputs: Json = {"version": version or datetime.now(UTC).isoformat()}
    names = {"status": ("from", "to"), "severity": ("severityFrom", "severityTo")}
    for field, (earlier, later) in names.items():
        inputs |= {earlier: before.get(field), later: fields.get(field, before.get(field))}
    return await run(engine, "announce_status", name, CHANGE, **inputs)


async def said(engine: Engine, channel: str) -> list[str]:
    """What stands in a channel, oldest first, threads too: a reply begins with "> "."""
    found: dict[str, str] = {}
    async for page in engine.slack.history(channel):
        for message in page:
            if message.text and not message.subtype:
                found[message.ts] = message.text
                for reply in await engine.slack.replies(channel, message.ts):
                    if reply.ts != message.ts:
                        found[reply.ts] = f"> {reply.text}"
    return [found[ts] for ts in sorted(found)]


async def states(stage: Bench, name: str) -> list[str]:
    return sorted(one["properties"]["state"] for one in await stage.record(name))


async def test_a_change_is_told_once_and_together_however_often_it_is_told_to_us(stage: Bench) -> None:
    engine, channel = await begin(stage, "N-1", calm=0)
    version = datetime.now(UTC).isoformat()

    first = await change(stage, engine, "N-1", version, status="identified", severity="sev1")
    await stage.write("incident", {"identifier": "N-1", "properties": {"status": "investigating"}})
    again = await change(stage, engine, "N-1", version, status="identified", severity="sev1")

    assert first.ok, first
    assert again.ok, again
    (text,) = [one for one in await said(engine, channel) if "severity" in one]
    assert "status is now identified" in text
    assert "severity is now sev1" in text


async def test_a_change_that_flaps_is_kept_back_and_told_when_it_stands_still(stage: Bench) -> None:
    engine, channel = await begin(stage, "N-2", calm=1.5)

    await change(stage, engine, "N-2", status="identified")
    back = await change(stage, engine, "N-2", status="investigating")
    there = await change(stage, engine, "N-2", status="monitoring")
    before = await said(engine, channel)
    await look_after_until_told(stage, engine, "N-2")

    assert (back.label, there.label) == ("Kept back", "Kept back")
    assert len(before) == 1
    texts = await said(engine, channel)
    assert len(texts) == 2
    assert texts[1].startswith("> "), "under the first message about the incident"
    assert "is now monitoring (was identified)" in texts[1], "from what they were told last"
    assert await states(stage, "N-2") == ["sent", "sent", "superseded"]


async def test_what_was_taken_back_is_changed_where_it_stands(stage: Bench) -> None:
    engine, channel = await begin(stage, "N-3", calm=1.5)

    await change(stage, engine, "N-3", severity="sev1")
    await change(stage, engine, "N-3", severity="sev2")
    await look_after_until_told(stage, engine, "N-3")

    (text,) = await said(engine, channel)
    assert "severity is sev2 again (was sev1 for a while)" in text
    record = await stage.record("N-3")
    assert {one["properties"]["text"] for one in record} == {text}, "the record says what stands there"


async def test_what_came_back_before_anybody_was_told_is_not_told(stage: Bench) -> None:
    engine, channel = await begin(stage, "N-4", calm=30)

    await change(stage, engine, "N-4", status="identified")
    await change(stage, engine, "N-4", status="monitoring")
    last = await change(stage, engine, "N-4", status="identified")
    await look_after_audiences_of(engine)

    assert last.ok
    assert len(await said(engine, channel)) == 1
    assert await states(stage, "N-4") == ["sent", "superseded"]


async def test_who_sleeps_is_told_afterwards(stage: Bench) -> None:
    quiet = {"timeZone": "UTC", "*": "00:00-00:00"}
    engine, channel = await begin(stage, "N-5", calm=0, quietHours=quiet)

    ended = await change(stage, engine, "N-5", status="identified")

    assert ended.label == "Kept back"
    assert await said(engine, channel) == []
    (held,) = await stage.record("N-5")
    assert "quiet hours" in held["properties"]["reason"]


async def test_changes_come_together_from_what_was_told_last() -> None:
    one = Change(field="status", before="a", after="b")

    assert merged([one], [Change(field="status", before="b", after="c")]) == (
        Change(field="status", before="a", after="c"),
    )
    assert merged([one], [Change(field="status", before="b", after="A")]) == ()
    assert len(merged([one], [Change(field="owner", after="x")])) == 2


async def look_after_audiences_of(engine: Engine) -> None:
    await engine.sweeper.promises_and_notices()


async def look_after_until_told(stage: Bench, engine: Engine, name: str) -> None:
    """Sweeps, until nothing about the incident is kept back any more."""

    async def done() -> bool:
        await look_after_audiences_of(engine)
        return "held" not in await states(stage, name)

    for _ in range(100):
        if await done():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it is still kept back")
