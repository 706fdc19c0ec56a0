"""What people say in the room stands as notes on the incident, however its events arrive."""

from __future__ import annotations

from collections import Counter

import pytest
import pytest_asyncio

from sandbox.stage import Json, Stage
from tests.stories.play import COMMANDER, OWNER, RESPONDER, SUPPORT, Incident, Room, becomes

pytestmark = pytest.mark.asyncio(loop_scope="session")

Notes = dict[str, Json]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def room(stage: Stage) -> Room:
    """One room for all stories of this file: each looks at its own messages."""
    return await (await Incident.created(stage, severity="sev1", responders=[RESPONDER])).opened()


async def stands(room: Room, ts: str, **wanted: object) -> Json:
    """The note of a message once it is as wanted."""

    def seen(notes: Notes) -> bool:
        note = notes.get(ts, {})
        return bool(note) and all(note.get(name) == value for name, value in wanted.items())

    return (await room.noted(f"the note of {ts} is {wanted}", seen))[ts]


async def test_a_prefix_sets_the_kind(room: Room) -> None:
    kinds = ("update", "finding", "workaround", "decision", "action", "impact", "question")
    said = {kind: await room.say(f"{kind}: the queue grows, {kind}") for kind in kinds}

    for kind, ts in said.items():
        note = await stands(room, ts, kind=kind)

        assert note["how"] == "mark"
        assert note["confidence"] == 1
        assert note["author"] == "responder"
        assert note["permalink"].endswith(f"/p{ts.replace('.', '')}")
        assert note["saidAt"]
        assert note["text"].endswith(f"the queue grows, {kind}")


async def test_a_reaction_makes_a_note_of_chatter_and_its_removal_unmakes_it(room: Room) -> None:
    ts = await room.say("haha, good morning everyone")
    await room.act("react", ts, COMMANDER, name="scales")

    assert (await stands(room, ts, kind="decision"))["how"] == "mark"

    await room.act("unreact", ts, COMMANDER, name="scales")
    await room.noted("it is a note no more", lambda notes: bool(notes[ts].get("deletedAt")))


async def test_a_pin_makes_a_note(room: Room) -> None:
    ts = await room.say("well, look at this one")

    await room.act("pin", ts, COMMANDER)

    assert (await stands(room, ts))["how"] == "mark"


async def test_an_edit_keeps_what_was_said_before(room: Room) -> None:
    ts = await room.say("finding: it began at ten")
    await stands(room, ts, kind="finding")

    await room.act("edit", ts, text="workaround: restart the pods")
    note = await stands(room, ts, kind="workaround")
    await room.act("edit", ts, text="workaround: restart the pods one by one")
    again = await stands(room, ts, title="restart the pods one by one")

    assert note["edited"]
    assert [version["kind"] for version in note["versions"]] == ["finding"]
    assert "began at ten" in note["versions"][0]["text"]
    assert [version["kind"] for version in again["versions"]] == ["finding", "workaround"]


async def test_what_is_deleted_is_erased_here_too(room: Room) -> None:
    ts = await room.say("finding: the customer is called Muster")
    await stands(room, ts)
    await room.act("edit", ts, text="finding: the customer Muster is on the old plan")
    await room.noted("the edit is seen", lambda notes: bool(notes[ts].get("versions")))

    await room.act("delete", ts)

    notes = await room.noted("a tombstone stands", lambda notes: bool(notes[ts].get("deletedAt")))
    whole = [note for note in await room.incident.notes() if note["properties"]["ts"] == ts]
    assert "Muster" not in str(whole)
    assert notes[ts]["channelId"] == room.channel
    assert not notes[ts].get("versions")


async def test_replies_know_their_thread(room: Room) -> None:
    parent = await room.say("finding: the cache is cold")
    reply = await room.say("workaround: warm it by hand", OWNER, thread_ts=parent)

    note = await stands(room, reply, kind="workaround")

    assert note["thread"] == parent
    assert f"thread_ts={parent}" in note["permalink"]


async def test_words_of_ours_and_chatter_are_no_notes(room: Room) -> None:
    chatter = [await room.say(text, SUPPORT) for text in ("lol", "thanks!", "👍")]
    ours = [message["ts"] for message in await room.ours()]
    last = await room.say("update: still looking")

    notes = await room.noted("the last one is noted", lambda notes: last in notes)

    assert ours
    assert not set(ours) & set(notes)
    assert not set(chatter) & set(notes)


async def test_a_message_of_300_kb_is_noted_and_cut(room: Room) -> None:
    ts = await room.say("finding: " + "the log says no " * 20_000)

    note = await stands(room, ts, kind="finding")

    assert len(note["title"]) < 300
    assert 1_000 < len(note["text"]) <= 50_000


async def test_secrets_are_masked_before_anything_is_written(room: Room) -> None:
    ts = await room.say("finding: it works with password=hunter2hunter2 and AKIAIOSFODNN7EXAMPLE")

    note = await stands(room, ts, kind="finding")

    assert "hunter2hunter2" not in str(note)
    assert "AKIAIOSFODNN7EXAMPLE" not in str(note)


async def test_events_that_come_late_twice_and_out_of_order(stage: Stage) -> None:
    """Every event arrives twice, up to 1.5 s late: what stands at last is what people see in Slack."""
    room = await (await Incident.created(stage, severity="sev1")).opened()
    usual = await stage.ask("PATCH", "/hostility", {})
    habits = {"event_duplicate_share": 1.0, "event_delay_seconds": 1.5}
    await stage.ask("PATCH", "/hostility", habits)
    try:
        said = [await room.say(f"finding: number {number}") for number in range(8)]
        for round_ in range(3):
            for ts in said[:4]:
                await room.act("edit", ts, text=f"workaround: edited {round_}")
        for ts in said[4:6]:
            await room.act("delete", ts)
        for ts in said[6:]:
            await room.act("react", ts, SUPPORT, name="boom")
            await room.act("unreact", ts, SUPPORT, name="boom")
        await room.act("react", said[7], SUPPORT, name="question")
        last = await room.say("update: that was all")
    finally:
        await stage.ask("PATCH", "/hostility", {name: usual[name] for name in habits})

    def settled(notes: Notes) -> bool:
        return (
            all(notes.get(ts, {}).get("title") == "edited 2" for ts in said[:4])
            and all(ts not in notes or notes[ts].get("deletedAt") for ts in said[4:6])
            and notes.get(said[6], {}).get("kind") == "finding"
            and notes.get(said[7], {}).get("kind") == "question"
            and last in notes
        )

    notes = await room.noted("what stands is what is seen", settled)
    assert len(notes) <= len(said) + 1
    assert len({note["identifier"] for note in await room.incident.notes()}) == len(notes)


async def test_the_room_counts_its_notes(room: Room) -> None:
    await stands(room, await room.say("decision: we fail over"), kind="decision")

    async def counted() -> bool:
        notes = [note["properties"] for note in await room.incident.notes()]
        kinds = Counter(note["kind"] for note in notes if not note.get("deletedAt"))
        shown = (await room.again()).properties
        return (shown["noteCount"], shown["notesByKind"]) == (kinds.total(), kinds)

    await becomes("the counts are those of the notes", counted)
