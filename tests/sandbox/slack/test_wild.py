"""Whatever is sent, the answer is one of Slack's: no crash, and nothing its contract does not know."""

from __future__ import annotations

import json
import random

import pytest

from sandbox.credentials import SLACK_BOT_TOKEN
from sandbox.slack.webapi import METHODS
from tests.sandbox.slack import contract
from tests.sandbox.slack.conftest import Served

# fmt: off
ARGUMENTS = [
    "channel", "channel_id", "users", "user", "name", "text", "blocks", "attachments", "metadata", "ts",
    "timestamp", "thread_ts", "limit", "cursor", "oldest", "latest", "types", "topic", "purpose", "title",
    "type", "link", "view", "trigger_id", "view_id", "user_id", "email", "post_at", "force", "bookmark_id",
    "scheduled_message_id", "message_ts", "usergroup", "is_private", "exclude_archived", "markdown_text",
    "include_all_metadata", "inclusive", "reply_broadcast", "return_im", "emoji", "team",
]
# fmt: on


@pytest.mark.parametrize("as_json", [False, True])
async def test_wild_arguments(served: Served, as_json: bool) -> None:
    dice = random.Random(7)
    slack = served.slack
    room = (await served.client.conversations_create(name="wild"))["channel"]["id"]
    ts = slack.say(room, "lead@example.com", "x")
    people = [slack.user("lead@example.com")["id"], "UNOBODY01", "USLACKBOT", "U0SANDBOX01"]
    values: list[object] = [
        *people,
        ",".join(people),
        room,
        slack.find("general").id,
        "",
        "x",
        " ",
        "\x00",
        "é" * 300,
        "[",
        "{}",
        "[[]]",
        ts,
        ts,
        "1e309",
        "-1",
        0,
        -5,
        10**30,
        1.5,
        True,
        None,
        [],
        {},
        [1, None],
        {"type": "modal"},
        [{"type": "section", "text": 5}],
        [{"type": "actions", "elements": ["x", None]}],
        {"event_type": 5, "event_payload": []},
        "https://example.com",
        "http://[",
        "public_channel,im",
        "link",
        [{"type": "section", "fields": [None, {"type": "mrkdwn", "text": "x"}]}],
        [{"type": "section", "fields": {"a": 1}}, {"type": "context", "elements": [{"text": ["x"]}]}],
        {"type": "home", "blocks": [{"type": "input"}], "title": 5},
        {"type": "modal", "blocks": [{"type": "divider"}], "title": {}},
    ]
    url = f"{served.base}/slack/api/"
    headers = {"authorization": f"Bearer {SLACK_BOT_TOKEN}"}
    kind = "application/json; charset=utf-8" if as_json else "application/x-www-form-urlencoded"
    for name in dice.choices(sorted(METHODS), k=250):
        sent = {argument: dice.choice(values) for argument in dice.sample(ARGUMENTS, 12)} | {"channel": room}
        if dice.random() < 0.7:
            sent |= {"ts": ts, "timestamp": ts, "channel_id": room}
        body = json.dumps(sent) if as_json else contract.encoded(**sent)
        answer = await served.http.post(url + name, content=body, headers={**headers, "content-type": kind})
        assert answer.status_code == 200, (name, sent)
        assert isinstance(answer.json()["ok"], bool)
        if slack.find(room).archived:
            slack.unarchive(room)
        if "U0SANDBOX01" not in slack.find(room).members:
            slack.invite(room, "U0SANDBOX01")
