"""The Events API as a receiver meets it: signed, in Slack's envelopes, only where the bot is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandbox.slack import state
from tests.sandbox.serve import serve, until
from tests.sandbox.slack.conftest import Served
from tests.sandbox.slack.receiver import Receiver


@pytest.fixture
async def receiver(served: Served) -> AsyncIterator[Receiver]:
    taker = Receiver()
    async with serve(taker.app()) as url:
        assert await served.slack.set_events_url(f"{url}/events") is None
        yield taker
        await served.world.reset()


async def test_an_envelope(served: Served, receiver: Receiver) -> None:
    room = (await served.client.conversations_create(name="env"))["channel"]["id"]
    ts = served.slack.say(room, "lead@example.com", "hello")
    await until(lambda: "message" in receiver.types())

    envelope = receiver.envelopes[receiver.types().index("message")]
    event = envelope.pop("event")
    assert event["client_msg_id"]
    lead = served.slack.user("lead@example.com")["id"]
    shown = {
        k: event[k] for k in ("type", "user", "text", "ts", "channel", "event_ts", "channel_type", "team")
    }
    assert shown == {
        "type": "message",
        "user": lead,
        "text": "hello",
        "ts": ts,
        "event_ts": ts,
        "channel": room,
        "channel_type": "channel",
        "team": state.TEAM_ID,
    }
    assert envelope["type"] == "event_callback"
    assert (envelope["team_id"], envelope["api_app_id"]) == (state.TEAM_ID, state.APP_ID)
    assert envelope["event_id"].startswith("Ev")
    assert isinstance(envelope["event_time"], int)
    assert envelope["is_ext_shared_channel"] is False
    assert envelope["authorizations"][0]["user_id"] == state.BOT_USER
    out = [one for one in served.world.journal if one.direction == "out" and one.status == 200]
    assert {one.operation for one in out} >= {"url_verification", "event.message", "event.channel_created"}


async def test_the_life_of_a_room_in_events(served: Served, receiver: Receiver) -> None:
    client, slack = served.client, served.slack
    room = (await client.conversations_create(name="life"))["channel"]["id"]
    await client.conversations_setTopic(channel=room, topic="t")
    mine = (await client.chat_postMessage(channel=room, text="by the bot"))["ts"]
    slack.invite(room, "oncall@example.com", "lead@example.com")
    said = slack.say(room, "oncall@example.com", "helo")
    slack.edit(room, said, "hello")
    slack.react(room, said, "eyes", "oncall@example.com")
    slack.unreact(room, said, "eyes", "oncall@example.com")
    slack.pin(room, said, "oncall@example.com")
    slack.unpin(room, said, "oncall@example.com")
    reply = slack.say(room, "oncall@example.com", "re", thread_ts=mine)
    slack.delete(room, said)
    slack.bot_say(room, "disk full")
    slack.rename(room, "life-2")
    await client.conversations_archive(channel=room)
    slack.unarchive(room)

    expected = [
        "channel_created",
        "message/channel_join",
        "member_joined_channel",
        "message/channel_topic",
        "message",
        "message/channel_join",
        "member_joined_channel",
        "message",
        "message/message_changed",
        "reaction_added",
        "reaction_removed",
        "pin_added",
        "pin_removed",
        "message",
        "message/message_deleted",
        "message/channel_join",
        "member_joined_channel",
        "message",
        "message/channel_name",
        "channel_rename",
        "message/channel_archive",
        "channel_archive",
        "message/channel_unarchive",
        "channel_unarchive",
    ]
    await until(lambda: len(receiver.events) >= len(expected))
    assert receiver.types() == expected
    events = dict(zip(expected, receiver.events, strict=True))
    own = next(e for e in receiver.events if e.get("ts") == mine)
    assert (own["bot_id"], own["app_id"], own["user"]) == (state.BOT_ID, state.APP_ID, state.BOT_USER)
    changed = events["message/message_changed"]
    assert (changed["message"]["text"], changed["previous_message"]["text"]) == ("hello", "helo")
    assert changed["message"]["edited"]["ts"] == changed["ts"]
    assert events["message/message_deleted"]["deleted_ts"] == said
    assert events["reaction_added"]["item"] == {"type": "message", "channel": room, "ts": said}
    assert events["pin_added"]["item"]["message"]["ts"] == said
    assert events["pin_removed"]["has_pins"] is False
    threaded = next(e for e in receiver.events if e.get("ts") == reply)
    assert threaded["thread_ts"] == mine
    alert = next(e for e in receiver.events if e.get("text") == "disk full")
    assert alert["bot_id"] == state.OTHER_BOT_ID
    assert events["channel_archive"]["channel"] == room


async def test_a_deleted_parent_leaves_a_tombstone(served: Served, receiver: Receiver) -> None:
    room = (await served.client.conversations_create(name="grave"))["channel"]["id"]
    parent = served.slack.say(room, "lead@example.com", "secret")
    reply = served.slack.say(room, "lead@example.com", "re", thread_ts=parent)
    served.slack.delete(room, parent)
    await until(lambda: "message/message_changed" in receiver.types())
    changed = receiver.events[-1]
    assert changed["message"]["subtype"] == "tombstone"
    assert changed["message"]["ts"] == parent
    assert changed["previous_message"]["text"] == "secret"
    served.slack.delete(room, reply)
    left = (await served.client.conversations_history(channel=room))["messages"]
    assert parent not in [m["ts"] for m in left]


async def test_nothing_from_where_the_bot_is_not(served: Served, receiver: Receiver) -> None:
    slack = served.slack
    slack.create_channel("elsewhere", "lead@example.com")
    slack.create_channel("hidden", "lead@example.com", private=True)
    for room in ("elsewhere", "hidden"):
        ts = slack.say(room, "lead@example.com", "not for bots")
        slack.react(room, ts, "eyes", "lead@example.com")
        slack.archive(room)
    room = (await served.client.conversations_create(name="here"))["channel"]["id"]
    last = slack.say(room, "lead@example.com", "for bots")
    await until(lambda: any(e.get("ts") == last for e in receiver.events))
    assert receiver.types()[:3] == ["channel_created", "channel_archive", "channel_created"]
    assert not [e for e in receiver.events if e.get("text") == "not for bots"]


async def test_only_subscribed_types_come(served: Served, receiver: Receiver) -> None:
    served.slack.seed({"subscriptions": ["reaction_added"]})
    room = (await served.client.conversations_create(name="few"))["channel"]["id"]
    ts = served.slack.say(room, "lead@example.com", "x")
    served.slack.react(room, ts, "eyes", "lead@example.com")
    await until(lambda: receiver.events)
    assert receiver.types() == ["reaction_added"]


async def test_late_twice_and_out_of_order(served: Served, receiver: Receiver) -> None:
    room = (await served.client.conversations_create(name="chaos"))["channel"]["id"]
    served.world.hostility.event_delay_seconds = 0.3
    served.world.hostility.event_duplicate_share = 0.5
    said = [served.slack.say(room, "lead@example.com", f"line {n}") for n in range(20)]
    await until(lambda: {e["ts"] for e in receiver.events if "ts" in e} >= set(said))
    await until(lambda: len(receiver.envelopes) > len({e["event_id"] for e in receiver.envelopes}))
    order = list(dict.fromkeys(e["ts"] for e in receiver.events if e.get("ts") in said))
    assert order != said


async def test_refused_events_come_again(served: Served, receiver: Receiver) -> None:
    served.slack.deliverer.retry_scale = 3000
    served.slack.seed({"subscriptions": ["reaction_added"]})
    room = (await served.client.conversations_create(name="again"))["channel"]["id"]
    ts = served.slack.say(room, "lead@example.com", "x")
    receiver.statuses = [500, 500, 500, 500]
    served.slack.react(room, ts, "eyes", "lead@example.com")
    await until(lambda: len(receiver.envelopes) == 4)
    assert len({one["event_id"] for one in receiver.envelopes}) == 1
    numbers = [one.get("x-slack-retry-num") for one in receiver.headers]
    assert numbers == [None, "1", "2", "3"]
    assert receiver.headers[1]["x-slack-retry-reason"] == "http_error"

    receiver.statuses = [500]
    receiver.answer_headers = {"x-slack-no-retry": "1"}
    served.slack.unreact(room, ts, "eyes", "lead@example.com")
    served.slack.react(room, ts, "eyes", "oncall@example.com")
    served.slack.react(room, ts, "wave", "oncall@example.com")
    await until(lambda: len(receiver.envelopes) == 6)
    assert [one.get("x-slack-retry-num") for one in receiver.headers[4:]] == [None, None]


async def test_a_url_must_echo_the_challenge(served: Served, receiver: Receiver) -> None:
    good = served.slack.events.url
    assert good is not None
    receiver.echo = False
    assert "did not echo" in str(await served.slack.set_events_url(good))
    assert "404" in str(await served.slack.set_events_url(good + "-wrong"))
    assert "connection_failed" in str(await served.slack.set_events_url("http://127.0.0.1:9/events"))
    assert served.slack.events.url == good
    assert await served.slack.set_events_url(None) is None
    assert served.slack.events.url is None
