"""Whatever way the news comes, the room's state ends at the truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.models.base import Json
from integration.models.slack import Message
from integration.notetaker import Context, derive
from integration.room_state import RoomState, conversations
from integration.slack_payload import message_from_event

CHANNEL = "C0ROOM"
START = 1_700_000_000
SETTLE = 10.0
PEOPLE = ("U1", "U2", "U3")
TEXTS = ("Restarted the api pods", "the db is down", "why?", "finding: disk full", "ok", "rolled back v2")


def stamp(second: float) -> str:
    return f"{START + second:.6f}"


@dataclass
class Slack:
    """The truth: a channel that people use, and the events Slack would send of it."""

    posts: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    clock: float = 0.0
    history: list[tuple[float, list[Json]]] = field(default_factory=list)

    def act(self, op: str, pick: int, who: int, word: int) -> None:
        self.clock += 1.5
        now, user = stamp(self.clock), PEOPLE[who % len(PEOPLE)]
        text = TEXTS[word % len(TEXTS)]
        if op == "say" or not self.posts:
            self._post({"type": "message", "ts": now, "user": user, "text": text})
        else:
            post = self.posts[sorted(self.posts)[pick % len(self.posts)]]
            getattr(self, op)(post, now, user, text, ("mag", "wrench", "eyes")[word % 3])
        self.history.append((START + self.clock, self.read()))

    def _post(self, post: Json) -> None:
        self.posts[post["ts"]] = post
        self.events.append({**post, "channel": CHANNEL, "event_ts": post["ts"]})

    def reply(self, post: Json, now: str, user: str, text: str, _: str) -> None:
        thread = post.get("thread_ts", post["ts"])
        self._post({"type": "message", "ts": now, "user": user, "text": text, "thread_ts": thread})

    def broadcast(self, post: Json, now: str, user: str, text: str, _: str) -> None:
        thread = post.get("thread_ts", post["ts"])
        reply = {"type": "message", "subtype": "thread_broadcast", "ts": now, "user": user, "text": text}
        self._post({**reply, "thread_ts": thread})

    def edit(self, post: Json, now: str, user: str, text: str, _: str) -> None:
        before = dict(post)
        post.update(text=text + " (edited)", edited={"user": user, "ts": now})
        self._change("message_changed", now, message=dict(post), previous_message=before)

    def unfurl(self, post: Json, now: str, *_: str) -> None:
        post["attachments"] = [{"from_url": "https://example.com", "text": f"preview {now}"}]
        self._change("message_changed", now, message=dict(post))

    def delete(self, post: Json, now: str, *_: str) -> None:
        del self.posts[post["ts"]]
        self._change("message_deleted", now, deleted_ts=post["ts"], previous_message=dict(post))

    def _change(self, subtype: str, now: str, **more: Any) -> None:
        head = {"type": "message", "subtype": subtype, "hidden": True, "channel": CHANNEL}
        self.events.append({**head, "ts": now, "event_ts": now, **more})

    def react(self, post: Json, now: str, user: str, _: str, emoji: str) -> None:
        users = post.setdefault("marks", {}).setdefault(emoji, [])
        if user not in users:
            users.append(user)
            self._mark("reaction_added", post, now, user, emoji)

    def unreact(self, post: Json, now: str, user: str, _: str, emoji: str) -> None:
        users = post.get("marks", {}).get(emoji, [])
        if user in users:
            users.remove(user)
            self._mark("reaction_removed", post, now, user, emoji)

    def _mark(self, kind: str, post: Json, now: str, user: str, emoji: str) -> None:
        item = {"type": "message", "channel": CHANNEL, "ts": post["ts"]}
        self.events.append({"type": kind, "user": user, "reaction": emoji, "item": item, "event_ts": now})

    def pin(self, post: Json, now: str, user: str, *_: str) -> None:
        self._pin("pin_added", post, now, user)

    def unpin(self, post: Json, now: str, user: str, *_: str) -> None:
        self._pin("pin_removed", post, now, user)

    def _pin(self, kind: str, post: Json, now: str, user: str) -> None:
        if (kind == "pin_added") == bool(post.get("pinned_to")):
            return
        post["pinned_to"] = [CHANNEL] if kind == "pin_added" else []
        item = {"type": "message", "channel": CHANNEL, "message": {"ts": post["ts"]}}
        self.events.append({"type": kind, "user": user, "channel_id": CHANNEL, "item": item, "event_ts": now})

    def read(self) -> list[Json]:
        """The room as conversations.history and .replies show it, threads marked on their parents."""
        threads = {post["thread_ts"] for post in self.posts.values() if post.get("thread_ts")}
        shown = []
        for ts, post in self.posts.items():
            marks = [
                {"name": n, "users": list(u), "count": len(u)} for n, u in post.get("marks", {}).items() if u
            ]
            post = {key: value for key, value in post.items() if key != "marks"} | {"reactions": marks}
            shown.append(post | ({"thread_ts": ts} if ts in threads else {}))
        return shown

    def read_at(self, moment: float) -> list[Json]:
        past = [room for when, room in self.history if when <= moment]
        return past[-1] if past else []


def parsed(room: list[Json]) -> list[Message]:
    return [message_from_event(CHANNEL, post) for post in room]


def truth(slack: Slack) -> list[Message]:
    """What the state should show: the room, with `thread_ts` on replies only."""
    return [message for message, _, _ in conversations(parsed(slack.read()))]


OPS = ("say", "reply", "broadcast", "edit", "unfurl", "delete", "react", "unreact", "pin", "unpin")
STEPS = st.lists(
    st.tuples(st.sampled_from(("say", *OPS)), st.integers(0, 9), st.integers(0, 2), st.integers(0, 5)),
    min_size=1,
    max_size=25,
)


def play(steps: list[tuple[str, int, int, int]]) -> Slack:
    slack = Slack()
    for step in steps:
        slack.act(*step)
    return slack


def shuffled(draw: st.DrawFn, slack: Slack, loss: bool) -> list[tuple[float, Json]]:
    """Deliveries (arrival, event): late by up to a minute, some twice, some (perhaps) never."""
    deliveries = []
    for event in slack.events:
        happened = float(event["event_ts"])
        for late in draw(st.lists(st.floats(0, 60), min_size=0 if loss else 1, max_size=2)):
            deliveries.append((happened + late, event))
    return sorted(deliveries, key=lambda delivery: delivery[0])


@settings(max_examples=150, deadline=None)
@given(st.data(), STEPS)
def test_a_final_read_gives_the_truth_whatever_was_delivered(data: st.DataObject, steps: Any) -> None:
    slack, state = play(steps), RoomState(CHANNEL, SETTLE)
    deliveries = data.draw(st.composite(shuffled)(slack, loss=True))
    for at, event in deliveries:
        state.apply_event(event, at)

    end = max([START + slack.clock, *(at for at, _ in deliveries)])
    state.merge_read(parsed(slack.read()), 0.0, end + SETTLE + 1)

    assert truth(slack) == state.messages()


@settings(max_examples=200, deadline=None)
@given(st.data(), STEPS)
def test_events_alone_give_the_truth_in_any_order_even_with_reads_of_the_past_between(
    data: st.DataObject, steps: Any
) -> None:
    slack, state = play(steps), RoomState(CHANNEL, SETTLE)
    deliveries = data.draw(st.composite(shuffled)(slack, loss=False))
    reads = data.draw(st.lists(st.tuples(st.floats(0, 90), st.floats(0, SETTLE)), max_size=3))
    plan: list[tuple[float, Any]] = [*deliveries, *((START + when, lag) for when, lag in reads)]
    for at, item in sorted(plan, key=lambda entry: entry[0]):
        if isinstance(item, dict):
            state.apply_event(item, at)
        else:
            state.merge_read(parsed(slack.read_at(at - item)), 0.0, at)

    assert truth(slack) == state.messages()


@settings(max_examples=150, deadline=None)
@given(st.data(), STEPS)
def test_notes_kept_live_equal_notes_of_a_read(data: st.DataObject, steps: Any) -> None:
    slack, state = play(steps), RoomState(CHANNEL, SETTLE)
    notes: dict[str, Any] = {}
    for at, event in data.draw(st.composite(shuffled)(slack, loss=False)):
        for ts in state.affected(state.apply_event(event, at)):
            message = state.message(ts)
            context = Context(previous=state.previous(ts), parent=state.parent(ts))
            notes[ts] = derive(message, context) if message else None

    expected = {
        message.ts: derive(message, Context(previous=previous, parent=parent))
        for message, previous, parent in conversations(parsed(slack.read()))
    }
    assert {ts: n for ts, n in expected.items() if n} == {ts: n for ts, n in notes.items() if n}


def said(second: float = 0, **more: Any) -> Json:
    ts = stamp(second)
    return {
        "type": "message",
        "channel": CHANNEL,
        "user": "U1",
        "text": "hi",
        "ts": ts,
        "event_ts": ts,
        **more,
    }


def deletion(of: Json, second: float) -> Json:
    head = {"type": "message", "subtype": "message_deleted", "channel": CHANNEL}
    return {**head, "deleted_ts": of["ts"], "event_ts": stamp(second)}


def test_a_deletion_before_its_message_leaves_a_tombstone() -> None:
    state = RoomState(CHANNEL)
    original = said()

    assert {original["ts"]} == state.apply_event(deletion(original, 5), START + 5)
    assert set() == state.apply_event(original, START + 6)
    assert state.message(original["ts"]) is None
    assert state.is_deleted(original["ts"])


def test_an_event_told_just_before_the_read_outranks_it() -> None:
    state = RoomState(CHANNEL, SETTLE)
    state.apply_event(said(100), START + 101)

    assert set() == state.merge_read([], 0.0, START + 105)
    assert state.message(stamp(100)) is not None
    assert {stamp(100)} == state.merge_read([], 0.0, START + 112)
    assert state.is_deleted(stamp(100))


def test_a_message_deleted_before_a_read_stays_gone_when_its_event_comes_late() -> None:
    state = RoomState(CHANNEL, SETTLE)
    state.merge_read([], 0.0, START + 60)

    assert set() == state.apply_event(said(5), START + 61)
    assert state.messages() == []


def test_absence_says_nothing_outside_the_window() -> None:
    state = RoomState(CHANNEL, SETTLE)
    old, young = said(0), said(50)
    reply = said(60, thread_ts=old["ts"])
    broadcast = said(61, thread_ts=old["ts"], subtype="thread_broadcast")
    for event in (old, young, reply, broadcast):
        state.apply_event(event, START + 61)

    assert {young["ts"], broadcast["ts"]} == state.merge_read([], START + 10.0, START + 100)
    assert [old["ts"], reply["ts"]] == [message.ts for message in state.messages()]


def test_a_parent_deleted_under_its_replies_is_a_deletion() -> None:
    """Slack leaves a husk: subtype tombstone, told as a change and shown by reads."""
    husk = {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "ts": stamp(0), "text": "gone"}
    state, other = RoomState(CHANNEL), RoomState(CHANNEL)
    for room in (state, other):
        room.apply_event(said(0), START)
        room.apply_event(said(1, thread_ts=stamp(0)), START + 1)
    state.apply_event(
        {"type": "message", "subtype": "message_changed", "channel": CHANNEL, "message": husk}, START + 2
    )
    other.merge_read([message_from_event(CHANNEL, husk)], 0.0, START + 3)

    assert [stamp(1)] == [m.ts for m in state.messages()] == [m.ts for m in other.messages()]
    assert {stamp(0)} == state.deleted() == other.deleted()


def test_a_read_shows_an_edit_that_no_event_told() -> None:
    state = RoomState(CHANNEL, SETTLE)
    state.apply_event(said(100), START + 100)
    edited = message_from_event(CHANNEL, said(100, text="new", edited={"user": "U1", "ts": stamp(103)}))

    assert {stamp(100)} == state.merge_read([edited], 0.0, START + 104)
    assert getattr(state.message(stamp(100)), "text", None) == "new"


def test_an_older_edit_that_comes_later_is_ignored() -> None:
    state = RoomState(CHANNEL)
    for second in (9, 5):
        message = said(0, text=f"edit {second}", edited={"user": "U1", "ts": stamp(second)})
        head = {"type": "message", "subtype": "message_changed", "channel": CHANNEL}
        state.apply_event({**head, "message": message, "event_ts": stamp(second)}, START + 10)
    state.apply_event(said(0), START + 20)

    assert getattr(state.message(stamp(0)), "text", None) == "edit 9"


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "message"},
        {"type": "message", "channel": CHANNEL},
        {"type": "message", "channel": CHANNEL, "ts": 5},
        {"type": "message", "channel": "COTHER", "ts": "1.0", "user": "U1", "text": "not here"},
        {"type": "message", "subtype": "message_changed", "channel": CHANNEL, "message": []},
        {"type": "message", "subtype": "message_deleted", "channel": CHANNEL},
        {"type": "message", "subtype": "channel_join", "channel": CHANNEL, "ts": "1700000000.000100"},
        {"type": "message", "subtype": "message_replied", "channel": CHANNEL, "message": {"ts": "1.0"}},
        {"type": "reaction_added", "item": "x"},
        {
            "type": "reaction_added",
            "reaction": "mag",
            "user": "U1",
            "item": {"channel": "COTHER", "ts": "1.0"},
        },
        {"type": "pin_added", "channel_id": CHANNEL, "item": {"type": "file"}},
        {"type": "member_joined_channel", "channel": CHANNEL, "user": "U1"},
    ],
)
def test_events_that_say_nothing_of_this_room_change_nothing(event: Json) -> None:
    state = RoomState(CHANNEL)

    assert set() == state.apply_event(event, START)
    assert state.messages() == []
