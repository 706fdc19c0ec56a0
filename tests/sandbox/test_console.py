"""The console: what a person sees of incident, room, bridge and journal, and that it is safe to look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from sandbox import credentials
from sandbox.app import Sandbox, build
from sandbox.console import blocks, mrkdwn
from sandbox.world import World
from scripts import picture
from tests.sandbox.serve import serve

DANA, ONCALL = "dana@example.com", "oncall@example.com"
NASTY = "<script>alert(1)</script>"


def _text(title: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "title": title, **more}


def _blueprint(name: str, properties: dict[str, Any], **relations: str) -> dict[str, Any]:
    return {
        "identifier": name,
        "title": name,
        "schema": {"properties": properties, "required": []},
        "relations": {
            key: {"target": target, "many": False, "required": False} for key, target in relations.items()
        },
    }


BLUEPRINTS = [
    _blueprint("incident", {"severity": _text("Severity"), "impact": _text("Impact", format="markdown")}),
    _blueprint("incidentWarRoom", {"state": _text("State"), "channelId": _text("Id")}, incident="incident"),
    _blueprint(
        "incidentNote",
        {
            "kind": _text("Kind"),
            "text": _text("Text", format="markdown"),
            "saidAt": _text("Said", format="date-time"),
            "deletedAt": _text("Deleted", format="date-time"),
        },
        warRoom="incidentWarRoom",
    ),
    _blueprint(
        "incidentCommunication", {"state": _text("State"), "text": _text("Text")}, incident="incident"
    ),
    _blueprint("customerReport", {"who": _text("Who")}, incident="incident"),
]


@dataclass
class Stage:
    sandbox: Sandbox
    http: httpx.AsyncClient
    base: str
    channel: str = ""

    async def page(self, path: str, status: int = 200) -> str:
        answer = await self.http.get(f"/console{path}")
        assert answer.status_code == status
        return answer.text


async def _play(stage: Stage) -> None:
    """An incident with a room, a bridge, notes, and a talk that has a bit of everything."""
    box = stage.sandbox
    bearer = {"authorization": f"Bearer {credentials.SLACK_BOT_TOKEN}"}

    async def slack(method: str, **arguments: Any) -> Any:
        told = (await stage.http.post(f"/slack/api/{method}", json=arguments, headers=bearer)).json()
        assert told["ok"], told
        return told

    room = (await slack("conversations.create", name="inc-1-checkout"))["channel"]["id"]
    stage.channel = room
    await slack("conversations.setTopic", channel=room, topic="SEV1 <https://example.com|runbook>")
    await slack("chat.postMessage", channel=room, text="briefing", blocks=_briefing())
    await slack("bookmarks.add", channel_id=room, title="Incident", type="link", link="https://example.com/i")
    found = box.slack.say(room, DANA, "finding: the *pool* is exhausted, see `db-1` & _logs_")
    box.slack.say(room, ONCALL, "thanks", thread_ts=found)
    box.slack.react(room, found, "eyes", ONCALL)
    box.slack.pin(room, found, DANA)
    box.slack.edit(room, box.slack.say(room, DANA, "teh fix"), "the fix")
    box.slack.delete(room, box.slack.say(room, DANA, "my password is hunter2"))
    box.slack.say(room, DANA, NASTY)
    incident = {
        "identifier": "INC-1",
        "title": f"Checkout is slow {NASTY}",
        "properties": {"severity": "SEV1", "impact": f"**30 %** of orders {NASTY} [x](javascript:alert(1))"},
    }
    meeting = await _meet(stage)
    written: list[tuple[str, dict[str, Any]]] = [
        ("incident", incident),
        (
            "incidentWarRoom",
            {
                "identifier": "room-1",
                "properties": {"state": "open", "channelId": room},
                "relations": {"incident": "INC-1"},
            },
        ),
    ]
    for n, kind in enumerate(("update", "finding", "finding")):
        note = {"kind": kind, "text": f"note {n} {NASTY}", "saidAt": f"2026-01-31T10:0{n}:00Z"}
        if n == 2:
            note["deletedAt"] = "2026-01-31T10:09:00Z"
        written.append(
            ("incidentNote", {"identifier": f"n{n}", "properties": note, "relations": {"warRoom": "room-1"}})
        )
    written += [
        (
            "incidentCommunication",
            {
                "identifier": "c1",
                "title": "Briefing",
                "properties": {"state": "sent", "text": f"join {meeting}"},
                "relations": {"incident": "INC-1"},
            },
        ),
        ("customerReport", {"identifier": "r1", "title": "A report", "relations": {"incident": "INC-1"}}),
    ]
    box.port.seed({"blueprints": BLUEPRINTS})
    for blueprint, entity in written:
        box.port.create_entity(blueprint, entity)
    patch = {"properties": {"impact": f"{incident['properties']['impact']} {meeting}"}}  # type: ignore[index]
    box.port.change_entity("incident", "INC-1", patch)


async def _meet(stage: Stage) -> str:
    basic = httpx.BasicAuth(credentials.ZOOM_CLIENT_ID, credentials.ZOOM_CLIENT_SECRET)
    asked = {"grant_type": "account_credentials", "account_id": credentials.ZOOM_ACCOUNT_ID}
    token = (await stage.http.post("/zoom/oauth/token", data=asked, auth=basic)).json()["access_token"]
    made = await stage.http.post(
        "/zoom/v2/users/bridge-1@example.com/meetings",
        json={"topic": "INC-1 bridge", "settings": {"join_before_host": True}},
        headers={"authorization": f"Bearer {token}"},
    )
    meeting = stage.sandbox.zoom.find(made.json()["id"])
    assert meeting is not None
    stage.sandbox.zoom.life.join(meeting, DANA)
    return str(made.json()["join_url"])


def _briefing() -> list[dict[str, Any]]:
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Join the bridge"},
        "action_id": "join",
    }
    return [
        {"type": "header", "text": {"type": "plain_text", "text": "Checkout is slow :fire:"}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "Since *10:00*, about <!here>"},
            "fields": [{"type": "mrkdwn", "text": "*Severity*\nSEV1"}],
        },
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "opened by an automation"}]},
        {"type": "divider"},
        {
            "type": "actions",
            "elements": [{**button, "url": "https://example.com/j/1", "style": "primary"}],
        },
    ]


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    sandbox = build(World(), kind=True)
    async with (
        serve(sandbox.app) as base,
        httpx.AsyncClient(base_url=base, trust_env=False, timeout=10) as http,
    ):
        sandbox.at(base)
        stage = Stage(sandbox, http, base)
        await _play(stage)
        yield stage
        await sandbox.close()


async def test_the_list_leads_to_the_incident(stage: Stage) -> None:
    page = await stage.page("")

    assert "/console/incident/INC-1" in page
    assert "inc-1-checkout" in page
    home = await stage.http.get("/")
    assert home.headers["location"] == "/console"


async def test_the_incident_page_has_it_all(stage: Stage) -> None:
    page = await stage.page("/incident/INC-1")

    for shown in (
        "SEV1",
        "<strong>30 %</strong>",
        "note 0",
        "note 1",
        "Briefing",
        "A report",
        "inc-1-checkout",
        "INC-1 bridge",
        "opened by an automation",
        "conversations.create",
        'datetime="2026-01-31T10:01:00Z"',
    ):
        assert shown in page, shown
    assert "note 2" not in page
    assert page.index('<h3 class="kind">update') < page.index('<h3 class="kind">finding')


async def test_the_channel_looks_as_it_does_to_a_person(stage: Stage) -> None:
    page = await stage.page(f"/channel/{stage.channel}")

    assert '<div class="b-header">Checkout is slow 🔥</div>' in page
    assert '<a class="b-button primary" href="https://example.com/j/1"' in page
    assert '<span class="mention">@here</span>' in page
    assert (
        "finding: the <strong>pool</strong> is exhausted, see <code>db-1</code> &amp; <em>logs</em>" in page
    )
    assert "👀 1" in page
    assert "📌 pinned" in page
    assert 'the fix <span class="edited">(edited)</span>' in page
    assert "This message was deleted." in page
    assert "hunter2" not in page
    assert page.index('class="thread"') < page.index("thanks")
    assert '<a href="https://example.com" rel="noopener noreferrer" target="_blank">runbook</a>' in page
    assert "🔖 Incident" in page


async def test_nothing_that_people_write_becomes_markup(stage: Stage) -> None:
    for path in ("", "/incident/INC-1", f"/channel/{stage.channel}", "/channels", "/journal"):
        answer = await stage.http.get(f"/console{path}")
        assert NASTY not in answer.text
        assert 'href="javascript:' not in answer.text.lower()
        assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_a_fragment_is_the_inside_alone(stage: Stage) -> None:
    inside = await stage.page("/incident/INC-1?fragment=1")

    assert "<html" not in inside
    assert inside.strip() in await stage.page("/incident/INC-1")


async def test_what_is_not_there_is_said(stage: Stage) -> None:
    assert "No incident" in await stage.page("/incident/NOPE", 404)
    assert "No channel" in await stage.page("/channel/NOPE", 404)
    assert "No meeting" in await stage.page("/meeting/1", 404)


async def test_looking_leaves_no_trace(stage: Stage) -> None:
    before = len(stage.sandbox.world.journal)
    await stage.page("/incident/INC-1")

    assert len(stage.sandbox.world.journal) == before


async def test_an_empty_sandbox_and_a_customer_s_own_blueprint() -> None:
    sandbox = build(World(), kind=True)
    transport = httpx.ASGITransport(app=sandbox.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as http:
        assert "No incident yet" in (await http.get("/console")).text
        sandbox.port.seed({"blueprints": [_blueprint("pagerdutyIncident", {"status": _text("Status")})]})
        sandbox.port.create_entity("pagerdutyIncident", {"identifier": "Q1", "title": "Theirs"})
        assert "Theirs" in (await http.get("/console/incident/Q1")).text
    await sandbox.close()


chromium = pytest.mark.skipif(picture.browser() is None, reason="no Chromium on PATH")


@chromium
async def test_a_real_browser_shows_it_and_takes_a_picture(stage: Stage, tmp_path: Path) -> None:
    url = f"{stage.base}/console/incident/INC-1"
    shown = await asyncio.to_thread(picture.dom, url)
    assert "Join the bridge" in shown
    file = tmp_path / "console.png"
    await asyncio.to_thread(picture.take, url, file)
    assert file.read_bytes().startswith(b"\x89PNG")


@chromium
async def test_a_page_that_stays_open_shows_what_is_said_later(stage: Stage) -> None:
    looking = asyncio.create_task(
        asyncio.to_thread(picture.dom, f"{stage.base}/console/channel/{stage.channel}", settle=6.0)
    )
    seen = asyncio.Event()
    original = stage.sandbox.console.rooms.view

    def watched(key: str) -> Any:
        # The page was fetched: what is said from here on can only come by its own refresh.
        seen.set()
        return original(key)

    stage.sandbox.console.rooms.view = watched  # type: ignore[method-assign]
    await asyncio.wait_for(seen.wait(), 30)
    stage.sandbox.slack.say(stage.channel, DANA, "said while somebody was looking")
    assert "said while somebody was looking" in await looking


def _name(key: str) -> str:
    return key


@given(st.text(alphabet="<>&\"'*_~`:|@#! \nabjs-/\ue000\ue0010123", max_size=60))
def test_no_text_opens_a_tag_of_its_own(text: str) -> None:
    shown = str(mrkdwn.html(text, _name))
    allowed = ("strong", "em", "s", "code", "pre", "br", "blockquote", "span", "a")
    for part in shown.split("<")[1:]:
        assert part.lstrip("/").split(">")[0].split(" ")[0] in allowed
    assert 'href="javascript' not in shown


@given(st.recursive(st.none() | st.text(max_size=5), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
def test_odd_blocks_do_no_harm(odd: Any) -> None:
    for kind in ("section", "rich_text", "header", "actions", "context", "image", "mystery"):
        block = {"type": kind, "text": odd, "elements": odd, "fields": odd, "accessory": odd}
        inside = {
            "type": "rich_text",
            "elements": [{"type": kind, "elements": [{"type": "text", "style": odd}]}],
        }
        blocks.html([block, inside, odd], _name)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*b* _i_ ~s~ `c`", "<strong>b</strong> <em>i</em> <s>s</s> <code>c</code>"),
        ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
        ("```a *b*\n&lt;c&gt;```", "<pre>a *b*\n&lt;c&gt;</pre>"),
        ("&gt; quoted", "<blockquote>quoted</blockquote>"),
        ("<@U1> <#C1|room> <!channel>", '<span class="mention">@U1</span>'),
        ("<javascript:alert(1)|x>", "x"),
        (":fire: :unknown_one: 10:30:00", "🔥 :unknown_one: 10:30:00"),
    ],
)
def test_mrkdwn(text: str, html: str) -> None:
    assert html in str(mrkdwn.html(text, _name))
