"""What people do in the client, and what they see."""

from __future__ import annotations

import pytest

from sandbox.slack.errors import HumanError
from sandbox.slack.service import Slack
from sandbox.world import World

LEAD, ONCALL = "lead@example.com", "oncall@example.com"


@pytest.fixture
def slack() -> Slack:
    made = Slack(World())
    made.seed(
        {
            "users": [{"email": LEAD, "name": "Lead Person"}, {"email": ONCALL}],
            "channels": [
                {"name": "open"},
                {"name": "closed", "private": True, "members": [LEAD]},
            ],
        }
    )
    return made


def test_a_channel_as_a_person_sees_it(slack: Slack) -> None:
    first = slack.say("#open", LEAD, "see https://x.example.com & <tell> me", ts="1700000000.000100")
    slack.say("open", ONCALL, f"<@{slack.user(LEAD)['id']}> yes", thread_ts=first)
    slack.react("open", first, ":+1:", ONCALL)
    slack.pin("open", first, ONCALL)
    slack.edit("open", first, "see it", LEAD)

    seen = slack.view("open")
    assert (seen["name"], seen["kind"], seen["archived"]) == ("open", "public", False)
    assert [one["email"] for one in seen["members"]] == ["founder@example.com", LEAD, ONCALL]
    assert seen["pins"] == [first]
    shown = seen["messages"][0]
    assert (shown["author"], shown["text"], shown["at"]) == (
        "Lead Person",
        "see it",
        "2023-11-14T22:13:20.000Z",
    )
    assert shown["edited"]
    assert shown["reactions"] == [{"name": "+1", "users": ["Oncall"], "count": 1}]
    assert [one["text"] for one in shown["replies"]] == ["@Lead Person yes"]


def test_readable_text_has_no_markup(slack: Slack) -> None:
    slack.say("open", LEAD, "a < b & c https://x.example.com <https://y.example.com|here>")
    last = slack.view("open")["messages"][-1]
    assert last["text"] == "a < b & c https://x.example.com here (https://y.example.com)"
    assert last["raw"].startswith("a &lt; b &amp; c <https://x.example.com>")


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (lambda s: s.say("nowhere", LEAD, "x"), "no channel 'nowhere'"),
        (lambda s: s.say("open", "nobody@example.com", "x"), "no user 'nobody@example.com'"),
        (lambda s: s.say("closed", ONCALL, "x"), "not in the private channel closed"),
        (lambda s: s.say("open", LEAD, " "), "must not be empty"),
        (lambda s: s.say("open", LEAD, "x", ts="yesterday"), "not a Slack timestamp"),
        (lambda s: s.say("open", LEAD, "x", thread_ts="1700000000.000100"), "no message"),
        (lambda s: s.edit("open", "1700000000.000100", "x"), "no message"),
        (lambda s: s.create_channel("Open!", LEAD), "invalid_name_specials"),
        (lambda s: s.create_channel("open", LEAD), "is taken"),
        (lambda s: s.unarchive("open"), "is not archived"),
        (lambda s: s.seed({"people": []}), "people: not a thing to seed"),
        (lambda s: s.seed({"users": [{"name": "x"}]}), "users: email is missing"),
        (lambda s: s.seed({"users": "everybody"}), "users: must be a list"),
        (lambda s: s.create_channel("new", LEAD, members=("nobody@example.com",)), "no user"),
        (lambda s: s.react("open", "1700000000.000100", "eyes", LEAD), "no message"),
    ],
)
def test_what_people_cannot_do_is_told(slack: Slack, attempt: object, says: str) -> None:
    before = slack.state()
    assert callable(attempt)
    with pytest.raises(HumanError, match=says.replace("(", r"\(")):
        attempt(slack)
    assert slack.state() == before


def test_only_the_author_edits(slack: Slack) -> None:
    ts = slack.say("open", LEAD, "x")
    with pytest.raises(HumanError, match="did not write"):
        slack.edit("open", ts, "y", ONCALL)


def test_archived_channels_are_silent(slack: Slack) -> None:
    slack.archive("open", LEAD)
    with pytest.raises(HumanError, match="is archived"):
        slack.say("open", LEAD, "x")
    slack.unarchive("open", LEAD)
    assert slack.say("open", LEAD, "x")


async def test_reset_starts_over_with_the_same_identifiers(slack: Slack) -> None:
    async def story() -> object:
        await slack.world.reset()
        slack.seed({"users": [{"email": LEAD}], "channels": [{"name": "again"}]})
        return [(one["id"], one["name"]) for one in slack.channels()], slack.user(LEAD)["id"]

    assert await story() == await story()
