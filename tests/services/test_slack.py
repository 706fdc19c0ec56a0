"""What SlackService asks of Slack and makes of its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.errors import Ambiguous, Refused
from integration.models.slack import Message
from integration.services.slack import SlackService
from integration.services.slack_tiers import METHODS, PER_MINUTE, rate_of
from tests.openapi import at_hand
from tests.services.conftest import Said, ScriptedSlack


async def test_me_is_asked_once(scripted: ScriptedSlack, slack: SlackService) -> None:
    bot = await slack.me()
    assert await slack.me() == bot

    assert (bot.user_id, bot.bot_id, bot.team_url) == ("U0BOT", "B0BOT", "https://example.slack.com/")
    assert len(scripted.calls("auth.test")) == 1


async def test_create_channel(scripted: ScriptedSlack, slack: SlackService) -> None:
    created = {
        "id": "C1",
        "name": "inc-1-k7f3",
        "created": 1700000000,
        "creator": "U0BOT",
        "is_private": True,
        "is_archived": False,
        "topic": {"value": "", "creator": "", "last_set": 0},
    }
    scripted.says("conversations.create", ok=True, channel=created)

    channel = await slack.create_channel("inc-1-k7f3", private=True)

    assert scripted.calls("conversations.create") == [{"name": "inc-1-k7f3", "is_private": True}]
    assert (channel.id, channel.private, channel.creator, channel.member) == ("C1", True, "U0BOT", True)
    assert channel.created == 1700000000


async def test_a_name_that_is_taken_is_refused(scripted: ScriptedSlack, slack: SlackService) -> None:
    scripted.says("conversations.create", ok=False, error="name_taken")

    with pytest.raises(Refused) as caught:
        await slack.create_channel("inc-1")

    assert caught.value.code == "name_taken"


async def test_a_channel_that_is_not_there_is_none(scripted: ScriptedSlack, slack: SlackService) -> None:
    scripted.says("conversations.info", ok=False, error="channel_not_found")

    assert await slack.channel("C404") is None


async def test_my_channels_reads_every_page(scripted: ScriptedSlack, slack: SlackService) -> None:
    def page(channel: str, cursor: str, archived: bool = False) -> Said:
        body: dict[str, Any] = {"ok": True, "channels": [{"id": channel, "is_archived": archived}]}
        return Said(body | {"response_metadata": {"next_cursor": cursor}})

    scripted.says(
        "users.conversations", page("C1", "two"), page("C2", "three"), page("C3", "", archived=True)
    )

    channels = await slack.my_channels()

    assert [(c.id, c.member, c.archived) for c in channels] == [
        ("C1", True, False),
        ("C2", True, False),
        ("C3", False, True),
    ]
    first, second, _ = scripted.calls("users.conversations")
    assert first["types"] == "public_channel,private_channel"
    assert first["exclude_archived"] == "false"
    assert "cursor" not in first
    assert second["cursor"] == "two"


async def test_a_list_that_breaks_off_is_not_a_shorter_list(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    first = Said({"ok": True, "channels": [{"id": "C1"}], "response_metadata": {"next_cursor": "two"}})
    scripted.says("users.conversations", first, Said({}, status=500))

    with pytest.raises(Ambiguous):
        await slack.my_channels()


async def test_a_cursor_that_never_moves_is_noticed(scripted: ScriptedSlack, slack: SlackService) -> None:
    scripted.says("users.conversations", ok=True, channels=[], response_metadata={"next_cursor": "same"})

    with pytest.raises(Ambiguous, match="the same page twice"):
        await slack.my_channels()


async def test_invite_goes_in_hundreds_and_names_who_was_not_invited(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    people = [f"U{n}" for n in range(150)]
    partly = Said(
        {
            "ok": False,
            "error": "cant_invite",
            "errors": [
                {"user": "U0", "ok": False, "error": "cant_invite"},
                {"user": "U1", "ok": False, "error": "already_in_channel"},
            ],
        }
    )
    scripted.says("conversations.invite", partly, Said({"ok": True, "channel": {}}))

    missed = await slack.invite("C1", [*people, "U5"])

    assert missed == {"U0": "the workspace does not let the bot invite this person"}
    asked = [call["users"].split(",") for call in scripted.calls("conversations.invite")]
    assert [len(users) for users in asked] == [100, 98, 50]
    assert all(call["force"] is True for call in scripted.calls("conversations.invite"))


async def test_an_invitation_that_succeeds_in_part_names_the_rest(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    errors = [{"user": "U2", "ok": False, "error": "user_not_found"}]
    scripted.says("conversations.invite", ok=True, channel={}, errors=errors)

    assert await slack.invite("C1", ["U1", "U2"]) == {"U2": "no such person in Slack"}


@pytest.mark.parametrize("code", ["already_in_channel", "cant_invite_self"])
async def test_in_already_is_in(scripted: ScriptedSlack, slack: SlackService, code: str) -> None:
    scripted.says("conversations.invite", ok=False, error=code)

    assert await slack.invite("C1", ["U1"]) == {}


async def test_a_fault_without_a_name_is_traced_to_its_person(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    fault = Said({"ok": False, "error": "user_not_found"})
    fine = Said({"ok": True, "channel": {}})
    scripted.says("conversations.invite", fault, fine, fault, fine)

    assert await slack.invite("C1", ["U1", "U2", "U3"]) == {"U2": "no such person in Slack"}


@pytest.mark.parametrize("code", ["is_archived", "not_in_channel", "channel_not_found", "missing_scope"])
async def test_when_the_channel_refuses_nobody_is_blamed(
    scripted: ScriptedSlack, slack: SlackService, code: str
) -> None:
    scripted.says("conversations.invite", ok=False, error=code)

    with pytest.raises(Refused) as caught:
        await slack.invite("C1", ["U1", "U2"])

    assert caught.value.code == code


async def test_inviting_nobody_asks_nothing(scripted: ScriptedSlack, slack: SlackService) -> None:
    assert await slack.invite("C1", []) == {}
    assert scripted.heard == []


async def test_a_topic_is_cut_to_what_slack_takes(scripted: ScriptedSlack, slack: SlackService) -> None:
    await slack.set_topic("C1", "x" * 300)
    await slack.set_topic("C1", "x" * 250)

    cut, whole = scripted.calls("conversations.setTopic")
    assert len(cut["topic"]) == 250
    assert cut["topic"].endswith("…")
    assert whole["topic"] == "x" * 250


async def test_post_carries_its_marker_and_gives_a_receipt(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    metadata = {"event_type": "incident_comms", "event_payload": {"key": "k"}}
    scripted.says("chat.postMessage", ok=True, channel="C1", ts="1700000000.000200", message={})

    post = await slack.post(
        "C1", "hello", blocks=[{"type": "divider"}], thread_ts="1700000000.000100", metadata=metadata
    )

    assert scripted.calls("chat.postMessage") == [
        {
            "channel": "C1",
            "text": "hello",
            "blocks": [{"type": "divider"}],
            "thread_ts": "1700000000.000100",
            "metadata": metadata,
        }
    ]
    link = "https://example.slack.com/archives/C1/p1700000000000200?thread_ts=1700000000.000100&cid=C1"
    assert post.permalink == link


async def test_a_permalink_in_a_channel_has_no_thread(slack: SlackService) -> None:
    link = "https://example.slack.com/archives/C1/p1700000000000100"

    assert await slack.permalink("C1", "1700000000.000100") == link
    assert await slack.permalink("C1", "1700000000.000100", "1700000000.000100") == link


async def test_update_drops_old_blocks_unless_new_ones_come(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    await slack.update_message("C1", "1.0", "text")
    await slack.update_message("C1", "1.0", "text", [{"type": "divider"}])

    assert [call["blocks"] for call in scripted.calls("chat.update")] == [[], [{"type": "divider"}]]


async def test_history_gives_pages_as_slack_does(scripted: ScriptedSlack, slack: SlackService) -> None:
    newest = {"type": "message", "ts": "3.000000", "user": "U1", "text": "c", "pinned_to": ["C1"]}
    middle = {
        "type": "message",
        "ts": "2.000000",
        "bot_id": "B0BOT",
        "text": "b",
        "metadata": {"event_type": "x"},
    }
    oldest = {"type": "message", "ts": "1.000000", "user": "U1", "text": "a"}
    more = {"next_cursor": "bmV4dA=="}
    scripted.says(
        "conversations.history",
        Said({"ok": True, "messages": [newest, middle], "response_metadata": more}),
        Said({"ok": True, "messages": [oldest], "has_more": False}),
    )

    pages = [page async for page in slack.history("C1", oldest="1.000000")]

    assert [[m.text for m in page] for page in pages] == [["c", "b"], ["a"]]
    assert pages[0][0].pinned
    assert pages[0][1].metadata == {"event_type": "x"}
    first, second = scripted.calls("conversations.history")
    assert first["include_all_metadata"] == first["inclusive"] == "true"
    assert "latest" not in first
    assert second["cursor"] == "bmV4dA=="


async def test_a_message_without_an_id_makes_the_page_unreadable(
    scripted: ScriptedSlack, slack: SlackService
) -> None:
    scripted.says("conversations.history", ok=True, messages=[{"text": "?"}])

    with pytest.raises(Ambiguous):
        [page async for page in slack.history("C1")]


async def test_replies_come_once_each_oldest_first(scripted: ScriptedSlack, slack: SlackService) -> None:
    parent = {"ts": "1.000000", "thread_ts": "1.000000", "text": "parent"}
    replies = [{"ts": f"{n}.000000", "thread_ts": "1.000000", "text": str(n)} for n in (2, 3)]
    more = {"next_cursor": "x"}
    scripted.says(
        "conversations.replies",
        Said({"ok": True, "messages": [parent, replies[0]], "response_metadata": more}),
        Said({"ok": True, "messages": [parent, replies[1]]}),
    )

    assert [m.text for m in await slack.replies("C1", "1.000000")] == ["parent", "2", "3"]


async def test_a_thread_that_is_gone_is_empty(scripted: ScriptedSlack, slack: SlackService) -> None:
    scripted.says("conversations.replies", ok=False, error="thread_not_found")

    assert await slack.replies("C1", "1.000000") == []


async def test_bookmarks(scripted: ScriptedSlack, slack: SlackService) -> None:
    bookmark = {"id": "Bk1", "title": "Bridge", "link": "https://example.com/j/1"}
    scripted.says("bookmarks.list", ok=True, bookmarks=[bookmark])
    scripted.says("bookmarks.add", ok=True, bookmark=bookmark)

    (found,) = await slack.bookmarks("C1")
    assert await slack.add_bookmark("C1", "Bridge", "https://example.com/j/1") == found
    assert scripted.calls("bookmarks.add") == [
        {"channel_id": "C1", "title": "Bridge", "type": "link", "link": "https://example.com/j/1"}
    ]


async def test_people_are_found_by_address_or_not(scripted: ScriptedSlack, slack: SlackService) -> None:
    profile = {"email": "oncall@example.com", "display_name": "", "real_name": "On-call"}
    user = {"id": "U1", "name": "oncall", "is_bot": False, "deleted": False, "profile": profile}
    scripted.says(
        "users.lookupByEmail",
        Said({"ok": True, "user": user}),
        Said({"ok": False, "error": "users_not_found"}),
    )
    scripted.says("users.info", ok=False, error="user_not_found")

    found = await slack.user_by_email("oncall@example.com")

    assert found is not None
    assert (found.id, found.email, found.name) == ("U1", "oncall@example.com", "On-call")
    assert await slack.user_by_email("nobody@example.com") is None
    assert await slack.user("U404") is None


# -- message objects -----------------------------------------------------------------------------

wild = st.recursive(  # what JSON can say: it has no infinity
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELDS = (
    *("user", "bot_id", "app_id", "username", "subtype", "text", "blocks", "attachments", "files"),
    *("thread_ts", "edited", "reactions", "pinned_to", "metadata", "bot_profile"),
)


@given(fields=st.dictionaries(st.sampled_from(FIELDS), wild))
def test_whatever_slack_sends_a_message_comes_out(fields: dict[str, Any]) -> None:
    message = SlackService.message_from_payload("C1", {"ts": "1700000000.000100", **fields})

    assert (message.channel, message.ts) == ("C1", "1700000000.000100")
    assert Message.model_validate_json(message.model_dump_json()) == message


@given(ts=wild)
def test_a_message_without_a_ts_is_a_value_error(ts: Any) -> None:
    try:
        message = SlackService.message_from_payload("C1", {"ts": ts})
    except ValueError:
        return
    assert message.ts == ts
    assert "." in ts


# -- tiers ---------------------------------------------------------------------------------------


def test_tiers_are_slacks() -> None:
    published = json.loads(at_hand("slack_rate_tiers.json").read_text())
    for method, (tier, _) in METHODS.items():
        said = published[method]
        if tier == "special":
            assert said.startswith("Special"), method
        else:
            assert said == f"Tier {tier[1]}: {PER_MINUTE[tier]}+ per minute", method


def test_posting_is_limited_by_channel_and_the_unknown_most_of_all() -> None:
    assert rate_of("chat.postMessage:C1").per_minute == 60
    assert rate_of("conversations.create").per_minute == 20
    assert rate_of("admin.something.new").per_minute == 1
