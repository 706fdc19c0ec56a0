"""What an app that answers people meets: buttons wherever they stand, forms, response URLs, mentions.

Held to Slack's own client where it has a part: `WebhookClient` is what Bolt answers with.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from sandbox.slack import state
from sandbox.slack.errors import HumanError
from tests.sandbox.serve import serve, until
from tests.sandbox.slack.conftest import Served
from tests.sandbox.slack.receiver import Receiver

LEAD = "lead@example.com"
BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go", "value": "v"}
ASIDE = {"type": "section", "text": {"type": "mrkdwn", "text": "Ready?"}, "accessory": BUTTON}


class App:
    """Takes what people do and says nothing."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    async def take(self, request: Request) -> Response:
        fields = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        self.heard.append(json.loads(fields["payload"]) if "payload" in fields else fields)
        return PlainTextResponse("")


@pytest.fixture
async def app(served: Served) -> AsyncIterator[App]:
    heard = App()
    async with serve(Router([Route("/take", heard.take, methods=["POST"])])) as url:
        served.slack.clicks.interactivity_url = served.slack.clicks.commands_url = f"{url}/take"
        served.slack.responses.base = served.base
        yield heard


async def _pressed(served: Served, app: App) -> tuple[str, str, dict[str, Any]]:
    room = (await served.client.conversations_create(name="clicks"))["channel"]["id"]
    served.slack.join(room, LEAD)
    ts = (await served.client.chat_postMessage(channel=room, text="Ready?", blocks=[ASIDE]))["ts"]
    await served.slack.clicks.press(room, ts, "go", LEAD)
    return room, ts, app.heard[-1]


async def _texts(served: Served, room: str) -> list[str]:
    return [m["text"] for m in (await served.client.conversations_history(channel=room))["messages"]]


async def test_a_button_beside_a_text_is_pressed(served: Served, app: App) -> None:
    _, _, payload = await _pressed(served, app)

    assert [one["action_id"] for one in payload["actions"]] == ["go"]


async def test_a_response_url_answers_five_times(served: Served, app: App) -> None:
    room, ts, payload = await _pressed(served, app)
    client = AsyncWebhookClient(payload["response_url"])

    said = await client.send(text="for all <to> see", response_type="in_channel")
    assert (said.status_code, said.body) == (200, "ok")
    assert "for all &lt;to&gt; see" in await _texts(served, room)

    before = await _texts(served, room)
    assert (await client.send(text="for one")).body == "ok"  # ephemeral, unless said otherwise
    assert await _texts(served, room) == before

    await client.send(text="Started", replace_original=True)
    shown = await served.client.conversations_history(channel=room, latest=ts, inclusive=True, limit=1)
    assert shown["messages"][0]["text"] == "Started"
    assert "blocks" not in shown["messages"][0]

    await client.send(delete_original=True)
    assert "Started" not in await _texts(served, room)
    assert (await client.send(text="five")).body == "ok"
    spent = await client.send(text="six")
    assert (spent.status_code, json.loads(spent.body)["error"]) == (404, "used_url")


async def test_a_response_url_refuses_what_is_no_message(served: Served, app: App) -> None:
    _, _, payload = await _pressed(served, app)

    assert (await served.http.post(payload["response_url"], content=b"nonsense")).status_code == 400
    assert (await served.http.post(payload["response_url"], json={})).json()["error"] == "no_text"
    other = payload["response_url"][:-4] + "none"
    assert (await served.http.post(other, json={"text": "x"})).json()["error"] == "expired_url"


async def test_a_command_brings_one_too(served: Served, app: App) -> None:
    room = (await served.client.conversations_create(name="typed"))["channel"]["id"]
    served.slack.join(room, LEAD)
    await served.slack.clicks.command(room, LEAD, "/incident", "")

    await AsyncWebhookClient(app.heard[-1]["response_url"]).send(text="here", response_type="in_channel")
    assert "here" in await _texts(served, room)


def _input(kind: str, **more: Any) -> dict[str, Any]:
    label = {"type": "plain_text", "text": kind}
    return {"type": "input", "label": label, "element": {"type": kind, "action_id": "a"}, **more}


async def _form(served: Served, *blocks: dict[str, Any], **more: Any) -> str:
    title = {"type": "plain_text", "text": "Form"}
    view = {"type": "modal", "title": title, "submit": title, "blocks": list(blocks), **more}
    trigger = served.slack.trigger(LEAD)
    return str((await served.client.views_open(trigger_id=trigger, view=view))["view"]["id"])


FILLED: dict[str, tuple[Any, dict[str, Any]]] = {
    "number_input": ("12", {"value": "12"}),
    "email_text_input": ("a@example.com", {"value": "a@example.com"}),
    "datepicker": ("2026-11-23", {"selected_date": "2026-11-23"}),
    "timepicker": ("13:30", {"selected_time": "13:30"}),
    "datetimepicker": (1_795_000_000, {"selected_date_time": 1_795_000_000}),
    "users_select": ("U0FOUNDER01", {"selected_user": "U0FOUNDER01"}),
    "conversations_select": ("C1", {"selected_conversation": "C1"}),
    "multi_users_select": (["U1", "U2"], {"selected_users": ["U1", "U2"]}),
    "multi_channels_select": ([], {"selected_channels": []}),
}


async def test_every_kind_of_input_is_filled_in(served: Served, app: App) -> None:
    view = await _form(served, *(_input(kind, block_id=kind, optional=True) for kind in FILLED))
    await served.slack.clicks.submit(view, LEAD, {kind: given for kind, (given, _) in FILLED.items()})

    assert app.heard[-1]["view"]["state"]["values"] == {
        kind: {"a": {"type": kind, **stands}} for kind, (_, stands) in FILLED.items()
    }


async def test_what_the_sandbox_cannot_fill_in_may_stay_empty(served: Served, app: App) -> None:
    view = await _form(served, _input("file_input", block_id="b", optional=True))
    with pytest.raises(HumanError, match="can't fill in a file_input"):
        await served.slack.clicks.submit(view, LEAD, {"b": "x"})
    assert (await served.slack.clicks.submit(view, LEAD, {}))["status"] == 200


async def test_inputs_without_names_get_them(served: Served, app: App) -> None:
    nameless = _input("plain_text_input")
    del nameless["element"]["action_id"]
    view = await _form(served, nameless)
    (block,) = served.slack.store.views[view]["blocks"]

    await served.slack.clicks.submit(view, LEAD, {block["block_id"]: "words"})
    (inputs,) = app.heard[-1]["view"]["state"]["values"].values()
    assert [one["value"] for one in inputs.values()] == ["words"]


async def test_closing_a_form_is_told_where_the_app_asked_for_it(served: Served, app: App) -> None:
    quiet = await _form(served, _input("plain_text_input", block_id="b"))
    assert (await served.slack.clicks.close(quiet, LEAD))["status"] is None
    loud = await _form(served, _input("plain_text_input", block_id="b"), notify_on_close=True)
    assert (await served.slack.clicks.close(loud, LEAD))["status"] == 200

    assert [one["type"] for one in app.heard] == ["view_closed"]
    with pytest.raises(HumanError, match="no open form"):
        await served.slack.clicks.close(loud, LEAD)


async def test_a_mention_is_an_event_of_its_own(served: Served) -> None:
    room = (await served.client.conversations_create(name="mentions"))["channel"]["id"]
    receiver = Receiver()
    async with serve(receiver.app()) as url:
        assert await served.slack.set_events_url(f"{url}/events") is None
        mine = f"<@{state.BOT_USER}>"
        await served.client.chat_postMessage(channel=room, text=f"{mine} by itself")
        served.slack.say(room, LEAD, "nobody in particular")
        ts = served.slack.say(room, LEAD, f"{mine} look at https://x.example.com :eyes: at 10:30:45 & <b>")
        await until(lambda: "app_mention" in receiver.types())
        await served.world.reset()

    (event,) = [one["event"] for one in receiver.envelopes if one["event"]["type"] == "app_mention"]
    assert (event["ts"], event["channel"]) == (ts, room)
    (block,) = event["blocks"]
    (section,) = block["elements"]
    assert section["elements"] == [
        {"type": "user", "user_id": state.BOT_USER},
        {"type": "text", "text": " look at "},
        {"type": "link", "url": "https://x.example.com"},
        {"type": "text", "text": " "},
        {"type": "emoji", "name": "eyes"},
        {"type": "text", "text": " at 10:30:45 & <b>"},
    ]
