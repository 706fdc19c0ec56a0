"""When an action is done and a question answered; found by events and by reading alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.mirrored import Mirrored
from integration.models.base import Json
from integration.models.incident import WarRoom
from integration.models.slack import Bot, Message, Reaction
from integration.notetaker import Marks
from integration.room_state import RoomState
from integration.settled import chosen, closer, meant, settled

BOT = Bot(user_id="U0BOT", bot_id="B0BOT", team_url="https://example.slack.com/")
ASKER, OTHER = "U0ASKER", "U0OTHER"
ROOM = WarRoom(identifier="INC-1", incident="INC-1", channel_id="C0ROOM", opened_at=datetime.now(UTC))


def message(text: str, ts: str = "10.000000", user: str = ASKER, **more: Any) -> Message:
    return Message(channel="C0ROOM", ts=ts, user=user, text=text, **more)


def reply(text: str, user: str = OTHER) -> Message:
    return message(text, "11.000000", user, thread_ts="10.000000")


@pytest.mark.parametrize(
    ("kind", "words", "state"),
    [
        ("action", "done", "done"),
        ("action", "that's done now, queue is empty", "done"),
        ("action", "✅ deployed", "done"),
        ("action", "ok, rolled back", "done"),
        ("action", "not done yet", "open"),
        ("action", "done soon, waiting for CI", "open"),
        ("action", "done?", "open"),
        ("action", "on it", "open"),
        ("question", "since ten past nine", "answered"),
        ("question", "<@U0X> yes", "answered"),
        ("question", "which region do you mean?", "open"),
        ("question", "looking", "open"),
        ("question", "not sure", "open"),
        ("question", ":eyes:", "open"),
        ("finding", "done", None),
    ],
)
def test_a_reply_settles_or_not(kind: str, words: str, state: str | None) -> None:
    found = settled(kind, message("restart the queue"), [reply(words)], None)

    assert (found.state if found else None) == state


def test_who_asks_does_not_answer_himself_and_our_own_words_do_not_count() -> None:
    asked = message("since when?")

    for words, user in (("does nobody know", ASKER), ("since nine", "U0BOT")):
        found = settled("question", asked, [reply(words, user)], None, ours={"U0BOT"})
        assert found is not None
        assert found.state == "open"


def test_a_tick_says_done_in_any_skin_tone_and_is_taken_back_with_it() -> None:
    ticked = message("restart it", reactions=(Reaction(name="white_check_mark", users=(OTHER,)),))

    found = settled("action", ticked, (), None)

    assert found is not None
    assert (found.state, found.by) == ("done", (OTHER,))
    unticked = settled("action", message("restart it"), (), None)
    assert unticked is not None
    assert unticked.state == "open"


def test_done_names_the_action_it_repeats_most() -> None:
    notes = {
        "1.000000": ("action", meant("roll back the release of checkout")),
        "2.000000": ("action", meant("page the database team")),
        "9.000000": ("action", meant("page the database team again")),
    }
    said = closer(message("done: database team is paged", "5.000000"))

    assert said is not None
    assert set(chosen([said], notes)) == {"2.000000"}
    assert closer(message("we are done with this")) is None
    other = closer(message("done: lunch", "6.000000"))
    assert other is not None
    assert chosen([other], notes) == {}


# Live and read


def mirrored(state: RoomState) -> Mirrored:
    return Mirrored(ROOM, state, held={})


def write(known: Mirrored, batch: set[str]) -> None:
    known.take_closers(batch)
    known.wrote(known.entities(batch, {}, BOT, Marks(), ""))


def notes(known: Mirrored) -> dict[str, Json]:
    kept = ("kind", "text", "state", "settledBy", "settledTs")
    standing = {ts: one for ts, one in (known.held or {}).items() if not one.get("deletedAt")}
    return {ts: {name: one.get(name) for name in kept} for ts, one in standing.items()}


OPS = st.lists(
    st.tuples(
        st.sampled_from(["action", "question", "reply", "closer", "tick", "untick", "delete", "edit"]),
        st.integers(0, 9),
        st.sampled_from(["restart queue", "page database team", "done", "since nine", "who knows?"]),
        st.sampled_from([ASKER, OTHER]),
    ),
    max_size=14,
)


@given(OPS)
def test_what_events_settle_reading_settles_too(ops: list[tuple[str, int, str, str]]) -> None:
    live = mirrored(RoomState("C0ROOM"))
    shown: dict[str, Message] = {}
    for number, (what, which, words, user) in enumerate(ops):
        at = 100.0 + number
        ts = f"{at:.6f}"
        event: Json = {"type": "message", "channel": "C0ROOM", "event_ts": ts, "ts": ts, "user": user}
        target = sorted(shown)[which % len(shown)] if shown else ""
        if what in ("action", "question", "closer"):
            prefix = {"closer": "done"}.get(what, what)
            event["text"] = f"{prefix}: {words}"
        elif not target:
            continue
        elif what == "reply":
            event |= {"text": words, "thread_ts": shown[target].thread_ts or target}
        elif what in ("tick", "untick"):
            kind = "reaction_added" if what == "tick" else "reaction_removed"
            item = {"channel": "C0ROOM", "ts": target}
            event = {"type": kind, "reaction": "white_check_mark", "user": user, "item": item, "event_ts": ts}
        elif what == "delete":
            event |= {"subtype": "message_deleted", "deleted_ts": target}
        else:
            old = shown[target]
            inner: Json = {"ts": target, "user": old.user, "text": f"done: {words}", "edited": {"ts": ts}}
            if old.thread_ts:
                inner["thread_ts"] = old.thread_ts
            event |= {"subtype": "message_changed", "message": inner}
        changed = live.state.apply_event(event, at)
        write(live, live.state.affected(changed) | live.settling(changed))
        shown = {one.ts: one for one in live.state.messages()}
    read = mirrored(RoomState("C0ROOM", settle=0.0))
    read.state.merge_read(live.state.messages(), 0.0, 10_000.0)
    write(read, {one.ts for one in read.state.messages()})

    assert notes(live) == notes(read)
