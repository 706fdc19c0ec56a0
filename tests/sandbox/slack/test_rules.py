"""Names, sizes and refusals in Slack's own words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack import rules
from sandbox.slack.errors import SlackError
from tests.sandbox.slack.conftest import Served


def section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "invalid_name_required"),
        ("x" * 81, "invalid_name_maxlength"),
        ("Capitals", "invalid_name_specials"),
        ("two words", "invalid_name_specials"),
        ("dot.ted", "invalid_name_specials"),
        ("fire-🔥", "invalid_name_specials"),
        ("---", "invalid_name_punctuation"),
        ("general", "name_taken"),
        ("inc-42_checkout-ünïcode", None),
        ("x" * 80, None),
    ],
)
async def test_channel_names(served: Served, name: str, error: str | None) -> None:
    assert await served.error("conversations.create", name=name) == error


@given(st.text(max_size=90))
def test_any_name_is_taken_or_refused_in_words(name: str) -> None:
    code = None
    try:
        rules.check_name(name)
    except SlackError as refused:
        code = refused.code
    if code is None:
        assert 1 <= len(name) <= 80
        assert name == name.lower()
    else:
        assert code.startswith("invalid_name_")


async def test_sizes_of_a_message(served: Served) -> None:
    room = (await served.client.conversations_create(name="sizes"))["channel"]["id"]
    long = await served.call("chat.postMessage", channel=room, text="x" * 300_000)
    assert long["warning"] == "message_truncated"
    assert len(served.slack.view(room)["messages"][-1]["raw"]) == 40_000

    async def refused(method: str = "chat.postMessage", **values: object) -> object:
        return await served.error(method, channel=room, **values)

    assert await refused() == "no_text"
    assert await refused(text="  ") == "no_text"
    assert await refused(blocks=[section("x")] * 51) == "invalid_blocks"
    assert await refused(blocks=[section("x" * 3001)]) == "invalid_blocks"
    assert await refused(blocks=[section("x" * 2990)] * 5) == "msg_blocks_too_long"
    assert await refused(blocks=[section("x" * 2990)] * 4) is None
    assert await refused(blocks=[{"type": "unheard"}]) == "invalid_blocks"
    assert await refused(blocks="not json") == "invalid_blocks_format"
    assert await refused(blocks=[{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]) == (
        "invalid_blocks"
    )
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "value": "v" * 2001}
    assert await refused(blocks=[{"type": "actions", "elements": [button]}]) == "invalid_blocks"
    assert await refused(text="x", attachments=[{}] * 101) == "too_many_attachments"
    assert await refused(markdown_text="x", text="y") == "markdown_text_conflict"
    assert await refused(markdown_text="x" * 12_001) == "msg_too_long"

    ts = served.slack.view(room)["messages"][-1]["ts"]
    assert await refused("chat.update", ts=ts, text="x" * 4001) == "msg_too_long"
    assert await refused("chat.update", ts=ts, text="x" * 4000) is None
    assert await refused("chat.update", ts="1.000001", text="x") == "message_not_found"
    assert await refused("conversations.setTopic", topic="x" * 251) == "too_long"
    assert await refused("conversations.setTopic", topic="x" * 250) is None
    assert await refused("conversations.setPurpose", purpose="x" * 251) == "too_long"


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ("not json", "invalid_metadata_format"),
        ({"event_type": "x"}, "invalid_metadata_format"),
        ({"event_type": "x", "event_payload": "text"}, "invalid_metadata_format"),
        ({"event_type": "x", "event_payload": {}, "more": 1}, "invalid_metadata_schema"),
        ({"event_type": "x", "event_payload": {"k": "v" * 20_000}}, "metadata_too_large"),
        ({"event_type": "x", "event_payload": {"k": "v"}}, None),
    ],
)
async def test_metadata(served: Served, metadata: object, error: str | None) -> None:
    room = (await served.client.conversations_create(name="meta"))["channel"]["id"]
    assert await served.error("chat.postMessage", channel=room, text="x", metadata=metadata) == error


async def test_update_with_text_alone_drops_blocks_and_keeps_metadata(served: Served) -> None:
    client, room = served.client, (await served.client.conversations_create(name="upd"))["channel"]["id"]
    about = {"event_type": "e", "event_payload": {"k": "v"}}
    ts = (await client.chat_postMessage(channel=room, text="t", blocks=[section("b")], metadata=about))["ts"]

    async def now() -> dict[str, object]:
        shown = await client.conversations_history(channel=room, limit=1, include_all_metadata=True)
        message = shown["messages"][0]
        assert isinstance(message, dict)
        return message

    await client.chat_update(channel=room, ts=ts, text="t2", blocks=[section("b2")])
    assert "edited" not in await now()
    await client.chat_update(channel=room, ts=ts, text="t3")
    after = await now()
    assert "blocks" not in after
    assert "edited" in after
    assert after["metadata"] == about
    await client.chat_update(channel=room, ts=ts, text="t3", metadata={})
    assert "metadata" not in await now()


async def test_only_own_messages_can_be_changed(served: Served) -> None:
    room = (await served.client.conversations_create(name="own"))["channel"]["id"]
    theirs = served.slack.say(room, "lead@example.com", "mine")
    alert = served.slack.bot_say(room, "disk is full")
    for ts in (theirs, alert):
        assert await served.error("chat.update", channel=room, ts=ts, text="x") == "cant_update_message"
        assert await served.error("chat.delete", channel=room, ts=ts) == "cant_delete_message"


async def test_invitations(served: Served) -> None:
    room = (await served.client.conversations_create(name="guests"))["channel"]["id"]
    one, two = (served.slack.user(f"{who}@example.com")["id"] for who in ("oncall", "lead"))
    me = (await served.client.auth_test())["user_id"]

    async def invited(users: str, **more: object) -> object:
        return await served.error("conversations.invite", channel=room, users=users, **more)

    assert await invited("") == "no_user"
    assert await invited(me) == "cant_invite_self"
    assert await invited("UNOBODY") == "user_not_found"
    assert await invited(f"{one},UNOBODY") == "user_not_found"
    assert one not in served.slack.find(room).members
    forced = await served.call("conversations.invite", channel=room, users=f"{one},UNOBODY", force=True)
    assert forced["ok"]
    assert forced["errors"] == [{"user": "UNOBODY", "ok": False, "error": "user_not_found"}]
    assert await invited(one) == "already_in_channel"
    assert await invited(",".join(f"U{n:09d}" for n in range(101))) == "too_many_users"
    assert await invited(two) is None
    assert (await served.client.conversations_members(channel=room))["members"] == [me, one, two]
    assert await served.error("conversations.kick", channel=room, user=me) == "cant_kick_self"
    assert await served.error("conversations.kick", channel=room, user=two) is None
    assert await served.error("conversations.kick", channel=room, user=two) == "not_in_channel"


async def test_where_the_bot_is_not(served: Served) -> None:
    served.slack.create_channel("open", "lead@example.com")
    served.slack.create_channel("closed", "lead@example.com", private=True)
    public, private = served.slack.find("open").id, served.slack.find("closed").id
    expected = {
        "conversations.history": ("not_in_channel", "channel_not_found"),
        "conversations.replies": ("channel_not_found", "channel_not_found"),
        "conversations.info": (None, "channel_not_found"),
        "conversations.archive": ("not_in_channel", "channel_not_found"),
        "chat.postMessage": ("not_in_channel", "channel_not_found"),
        "pins.list": (None, "channel_not_found"),
    }
    for method, (in_public, in_private) in expected.items():
        values = {"text": "x", "ts": "1700000000.000100"}
        assert await served.error(method, channel=public, **values) == in_public, method
        assert await served.error(method, channel=private, **values) == in_private, method
    listed = (await served.client.conversations_list(types="public_channel,private_channel"))["channels"]
    assert [one["name"] for one in listed] == ["general", "open"]
    await served.client.conversations_join(channel=public)
    again = await served.client.conversations_join(channel=public)
    assert again["warning"] == "already_in_channel"
    assert await served.error("chat.postMessage", channel=public, text="x") is None
    assert await served.error("conversations.rename", channel=public, name="mine") == "not_authorized"
    await served.client.conversations_leave(channel=public)
    assert (await served.client.conversations_leave(channel=public))["not_in_channel"]


async def test_marks_are_refused_twice(served: Served) -> None:
    room = (await served.client.conversations_create(name="marks"))["channel"]["id"]
    ts = served.slack.say(room, "lead@example.com", "x")
    steps = [
        ("reactions.add", {"name": ":EYES:"}, None),
        ("reactions.add", {"name": "eyes"}, "already_reacted"),
        ("reactions.add", {"name": "not an emoji"}, "invalid_name"),
        ("reactions.get", {}, None),
        ("reactions.remove", {"name": "eyes"}, None),
        ("reactions.remove", {"name": "eyes"}, "no_reaction"),
        ("pins.add", {}, None),
        ("pins.add", {}, "already_pinned"),
        ("pins.remove", {}, None),
        ("pins.remove", {}, "no_pin"),
    ]
    for method, more, error in steps:
        assert await served.error(method, channel=room, timestamp=ts, **more) == error, (method, more)
    assert await served.error("pins.add", channel=room, timestamp="1.000001") == "message_not_found"
    assert await served.error("pins.add", channel=room, timestamp="soon") == "bad_timestamp"
    assert await served.error("pins.add", channel=room) == "no_item_specified"


async def test_bookmarks_are_checked(served: Served) -> None:
    room = (await served.client.conversations_create(name="books"))["channel"]["id"]

    async def add(**values: object) -> object:
        return await served.error("bookmarks.add", channel_id=room, title="t", **values)

    assert await add(type="link", link="not a link") == "invalid_link"
    assert await add(type="page", link="https://example.com") == "invalid_bookmark_type"
    assert await add(type="link", link="https://example.com") is None
    book = (await served.client.bookmarks_list(channel_id=room))["bookmarks"][0]["id"]
    edited = await served.client.bookmarks_edit(channel_id=room, bookmark_id=book, title="new")
    assert edited["bookmark"]["title"] == "new"
    await served.client.bookmarks_remove(channel_id=room, bookmark_id=book)
    assert await served.error("bookmarks.remove", channel_id=room, bookmark_id=book) == "not_found"


def test_text_is_stored_as_slack_stores_it() -> None:
    said = "a < b & c, see https://x.example.com/?a=1&b=2. <@U0FOUNDER01> <https://y.example.com|y> &amp;"
    assert rules.wire_text(said) == (
        "a &lt; b &amp; c, see <https://x.example.com/?a=1&amp;b=2>. "
        "<@U0FOUNDER01> <https://y.example.com|y> &amp;"
    )


@given(st.text())
def test_storing_text_again_changes_nothing(text: str) -> None:
    once = rules.wire_text(text)
    assert rules.wire_text(once) == once
