"""Slack's own client works against the emulator, unchanged, through the life of a room."""

from __future__ import annotations

import asyncio

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.conftest import Served


async def test_a_room_from_create_to_archive(served: Served) -> None:
    client, slack = served.client, served.slack
    me = await client.auth_test()
    made = (await client.conversations_create(name="inc-1-checkout", is_private=False))["channel"]
    room = made["id"]
    assert made["creator"] == me["user_id"]
    oncall = (await client.users_lookupByEmail(email="oncall@example.com"))["user"]["id"]

    await client.conversations_invite(channel=room, users=[oncall])
    await client.conversations_setTopic(channel=room, topic="SEV1 & rising")
    await client.conversations_setPurpose(channel=room, purpose="an incident")
    mark = await client.bookmarks_add(
        channel_id=room, title="Bridge", type="link", link="https://zoom.example.com/j/1"
    )
    posted = await client.chat_postMessage(
        channel=room,
        text="Briefing",
        blocks=[{"type": "header", "text": {"type": "plain_text", "text": "Incident"}}],
        metadata={"event_type": "briefing", "event_payload": {"key": "k1"}},
    )
    ts = posted["ts"]
    await client.pins_add(channel=room, timestamp=ts)
    await client.reactions_add(channel=room, timestamp=ts, name="eyes")
    reply = slack.say("inc-1-checkout", "oncall@example.com", "looking at https://x.example.com", ts)

    plain = (await client.conversations_history(channel=room))["messages"]
    assert [m.get("subtype") for m in plain] == [
        None,
        "channel_purpose",
        "channel_topic",
        "channel_join",
        "channel_join",
    ]
    head = plain[0]
    assert "metadata" not in head
    assert head["bot_id"] == me["bot_id"]
    assert (head["reply_count"], head["latest_reply"]) == (1, reply)
    assert head["reply_users"] == [oncall]
    assert head["reactions"] == [{"name": "eyes", "users": [me["user_id"]], "count": 1}]
    assert head["pinned_to"] == [room]
    told = (await client.conversations_history(channel=room, include_all_metadata=True))["messages"][0]
    assert told["metadata"]["event_payload"] == {"key": "k1"}
    thread = (await client.conversations_replies(channel=room, ts=ts))["messages"]
    assert [m["ts"] for m in thread] == [ts, reply]
    assert thread[1]["text"] == "looking at <https://x.example.com>"
    assert [one["id"] for one in (await client.bookmarks_list(channel_id=room))["bookmarks"]] == [
        mark["bookmark"]["id"]
    ]
    items = (await client.pins_list(channel=room))["items"]
    assert [item["message"]["ts"] for item in items] == [ts]

    link = await client.chat_getPermalink(channel=room, message_ts=reply)
    assert link["permalink"].endswith(f"p{reply.replace('.', '')}?thread_ts={ts}&cid={room}")
    await client.chat_update(channel=room, ts=ts, text="Briefing, again")
    assert served.slack.view(room)["messages"][4]["text"] == "Briefing, again"
    await client.chat_delete(channel=room, ts=ts)
    left = (await client.conversations_history(channel=room))["messages"]
    assert left[0]["subtype"] == "tombstone"
    await client.conversations_archive(channel=room)
    assert (await client.conversations_info(channel=room))["channel"]["is_archived"]


async def test_reads_that_lag(served: Served) -> None:
    client, slack = served.client, served.slack
    await client.conversations_create(name="inc-2")
    ts = slack.say("inc-2", "oncall@example.com", "first words")
    room = slack.find("inc-2").id
    served.world.hostility.history_lag_seconds = 0.6
    await asyncio.sleep(0.65)
    slack.edit(room, ts, "second words")
    slack.react(room, ts, "eyes", "lead@example.com")
    newer = slack.say(room, "oncall@example.com", "a reply", thread_ts=ts)
    await client.conversations_create(name="inc-3")

    old = (await client.conversations_history(channel=room))["messages"][0]
    assert old["text"] == "first words"
    assert "reactions" not in old
    assert len((await client.conversations_replies(channel=room, ts=ts))["messages"]) == 1
    mine = (await client.users_conversations())["channels"]
    assert [one["name"] for one in mine] == ["inc-2"]
    assert "inc-3" not in [c["name"] for c in (await client.conversations_list())["channels"]]
    assert (await client.conversations_info(channel=slack.find("inc-3").id))["ok"]

    await asyncio.sleep(0.65)
    now = (await client.conversations_replies(channel=room, ts=ts))["messages"]
    assert [m["ts"] for m in now] == [ts, newer]
    assert now[0]["text"] == "second words"
    assert [one["name"] for one in (await client.users_conversations())["channels"]] == ["inc-2", "inc-3"]


async def test_twins_need_two_creates_in_flight(served: Served) -> None:
    served.world.hostility.twin_creates = True
    both = await asyncio.gather(
        served.client.conversations_create(name="twins"), served.client.conversations_create(name="twins")
    )
    assert both[0]["channel"]["id"] != both[1]["channel"]["id"]
    assert await served.error("conversations.create", name="twins") == "name_taken"


async def test_without_the_habit_one_of_two_creates_wins(served: Served) -> None:
    errors = await asyncio.gather(*(served.error("conversations.create", name="one") for _ in range(2)))
    assert set(errors) == {None, "name_taken"}


@pytest.mark.parametrize("private", [False, True])
async def test_a_bot_is_out_of_what_it_archives(served: Served, private: bool) -> None:
    served.world.hostility.archived_bot_out = True
    room = (await served.client.conversations_create(name="over", is_private=private))["channel"]["id"]
    served.slack.invite(room, "lead@example.com")
    await served.client.conversations_archive(channel=room)

    gone = "channel_not_found" if private else None
    assert await served.error("conversations.history", channel=room) == (gone or "not_in_channel")
    assert await served.error("conversations.unarchive", channel=room) == (gone or "not_in_channel")
    assert await served.error("chat.postMessage", channel=room, text="x") == (gone or "is_archived")
    assert await served.error("conversations.rename", channel=room, name="n") == (gone or "is_archived")
    assert await served.error("conversations.create", name="over") == "name_taken"
    assert (await served.client.users_conversations(types="public_channel,private_channel"))["channels"] == []
    served.slack.unarchive(room)
    assert not served.slack.find(room).archived


async def test_pages_join_to_the_whole(served: Served) -> None:
    client, slack = served.client, served.slack
    for number in range(5):
        await client.conversations_create(name=f"c{number}")
    names: list[str] = []
    async for one in await client.conversations_list(limit=2):
        names += [channel["name"] for channel in one["channels"]]
    assert names == ["general", "c0", "c1", "c2", "c3", "c4"]

    said = [slack.say("c0", "oncall@example.com", f"line {n}") for n in range(7)]
    seen: list[str] = []
    async for one in await client.conversations_history(channel=slack.find("c0").id, limit=3):
        assert len(one["messages"]) <= 3
        seen += [m["ts"] for m in one["messages"] if "subtype" not in m]
    assert seen == said[::-1]

    answers = [slack.say("c0", "lead@example.com", f"re {n}", thread_ts=said[0]) for n in range(5)]
    found: list[str] = []
    async for one in await client.conversations_replies(channel=slack.find("c0").id, ts=answers[2], limit=2):
        assert one["messages"][0]["ts"] == said[0]
        found += [m["ts"] for m in one["messages"][1:]]
    assert found == answers


async def test_oldest_and_latest_are_exclusive_unless_asked(served: Served) -> None:
    room = (await served.client.conversations_create(name="window"))["channel"]["id"]
    a, b, c = (served.slack.say(room, "oncall@example.com", word) for word in "abc")

    async def between(**more: object) -> list[str]:
        answer = await served.client.conversations_history(channel=room, oldest=a, latest=c, **more)  # type: ignore[arg-type]
        return [m["ts"] for m in answer["messages"]]

    assert await between() == [b]
    assert await between(inclusive=True) == [c, b, a]


async def test_a_lost_answer_has_had_its_effect(served: Served) -> None:
    served.world.faults.add({"service": "slack", "operation": "conversations.create", "drop": "after"})
    with pytest.raises(Exception, match=r"[Dd]isconnect|reset|Reset"):
        await served.http.post(
            f"{served.base}/slack/api/conversations.create",
            data={"name": "lost"},
            headers={"authorization": "Bearer xoxb-sandbox-not-a-secret"},
        )
    assert await served.error("conversations.create", name="lost") == "name_taken"


async def test_a_planned_429_says_when_to_come_back(served: Served) -> None:
    served.world.faults.add(
        {"service": "slack", "operation": "chat.postMessage", "status": 429, "retry_after": "7"}
    )
    with pytest.raises(SlackApiError) as caught:
        await served.client.chat_postMessage(channel="general", text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.response["error"] == "ratelimited"


async def test_direct_messages(served: Served) -> None:
    client = served.client
    one, two = (served.slack.user(f"{who}@example.com")["id"] for who in ("oncall", "lead"))
    direct = (await client.conversations_open(users=[one], return_im=True))["channel"]
    assert (direct["is_im"], direct["user"]) == (True, one)
    assert (await client.conversations_open(users=[one]))["already_open"]
    posted = await client.chat_postMessage(channel=one, text="hello")
    assert posted["channel"] == direct["id"]
    group = (await client.conversations_open(users=[one, two]))["channel"]
    assert group["is_mpim"]
    listed = (await client.users_conversations(types="im,mpim"))["channels"]
    assert [c["id"] for c in listed] == [direct["id"], group["id"]]
    assert len((await client.conversations_history(channel=direct["id"]))["messages"]) == 1


async def test_scheduled_messages_go_out_or_are_taken_back(served: Served) -> None:
    client, slack = served.client, served.slack
    room = (await client.conversations_create(name="later"))["channel"]["id"]
    soon, later = int(slack.store.now()) + 1, int(slack.store.now()) + 3600
    await client.chat_scheduleMessage(channel=room, post_at=soon, text="soon")
    other = await client.chat_scheduleMessage(channel=room, post_at=later, text="later")
    listed = (await client.chat_scheduledMessages_list(channel=room))["scheduled_messages"]
    assert [one["post_at"] for one in listed] == [soon, later]
    await client.chat_deleteScheduledMessage(channel=room, scheduled_message_id=other["scheduled_message_id"])
    from tests.sandbox.serve import until

    await until(lambda: slack.view(room)["messages"][-1]["text"] == "soon")
    assert (await client.chat_scheduledMessages_list())["scheduled_messages"] == []
    assert await served.error("chat.scheduleMessage", channel=room, post_at=5, text="x") == "time_in_past"


async def test_people_and_groups(served: Served) -> None:
    client, slack = served.client, served.slack
    slack.seed(
        {
            "users": [{"email": "gone@example.com", "deleted": True}],
            "usergroups": [{"handle": "sre", "users": ["oncall@example.com"]}],
        }
    )
    oncall = slack.user("oncall@example.com")["id"]
    assert (await client.users_info(user=oncall))["user"]["profile"]["email"] == "oncall@example.com"
    assert await served.error("users.lookupByEmail", email="gone@example.com") == "users_not_found"
    group = (await client.usergroups_list(include_users=True))["usergroups"][0]
    assert group["users"] == [oncall]
    assert (await client.usergroups_users_list(usergroup=group["id"]))["users"] == [oncall]
    everybody: list[str] = []
    async for one in await client.users_list(limit=2):
        everybody += [user["id"] for user in one["members"]]
    assert oncall in everybody
    assert (await client.users_profile_get(user=oncall))["profile"]["display_name"] == "oncall"
    assert (await client.bots_info(bot=(await client.auth_test())["bot_id"]))["bot"]["name"] == "Incidents"
    assert (await client.team_info())["team"]["domain"] == "sandbox"
    assert (await client.api_test(foo="bar"))["args"]["foo"] == "bar"


async def test_views_live_by_trigger(served: Served) -> None:
    client, slack = served.client, served.slack
    block = {"type": "divider"}
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [block]}
    trigger = slack.trigger("oncall@example.com")
    opened = (await client.views_open(trigger_id=trigger, view=modal))["view"]
    assert await served.error("views.open", trigger_id=trigger, view=modal) == "exchanged_trigger_id"
    assert await served.error("views.open", trigger_id="1.x", view=modal) == "invalid_trigger_id"
    await client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal)
    stale = await served.error("views.update", view_id=opened["id"], hash=opened["hash"], view=modal)
    assert stale == "hash_conflict"
    await client.views_push(trigger_id=slack.trigger("oncall@example.com"), view=modal)
    home = {"type": "home", "blocks": [block]}
    user = slack.user("lead@example.com")["id"]
    await client.views_publish(user_id=user, view=home)
    assert await served.error("views.publish", user_id=user, view=modal) == "invalid_arguments"
