"""What there is to see in the console's tests: an incident with all that can belong to one."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import httpx

from sandbox import credentials
from sandbox.app import Sandbox
from sandbox.statuspage.seeding import DEFAULT_PAGE

PAGE = DEFAULT_PAGE
DANA, ONCALL = "dana@example.com", "oncall@example.com"
NASTY = "<script>alert(1)</script>"


def text(title: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "title": title, **more}


def blueprint(name: str, properties: dict[str, Any], **relations: str) -> dict[str, Any]:
    return {
        "identifier": name,
        "title": name,
        "schema": {"properties": properties, "required": []},
        "relations": {
            key: {"target": target, "many": False, "required": False} for key, target in relations.items()
        },
    }


BLUEPRINTS = [
    blueprint("incident", {"severity": text("Severity"), "impact": text("Impact", format="markdown")}),
    blueprint(
        "incidentWarRoom",
        {
            "state": text("State"),
            "channelId": text("Id"),
            "timeline": text("Timeline", format="markdown"),
            "rca": text("RCA", format="markdown"),
        },
        incident="incident",
    ),
    blueprint(
        "incidentNote",
        {
            "kind": text("Kind"),
            "text": text("Text", format="markdown"),
            "saidAt": text("Said", format="date-time"),
            "deletedAt": text("Deleted", format="date-time"),
        },
        warRoom="incidentWarRoom",
    ),
    blueprint(
        "incidentCommunication",
        {
            **{name: text(name) for name in ("purpose", "medium", "state", "text", "audience", "reason")},
            **{name: text(name) for name in ("destination", "requestedBy", "approvedBy")},
            "sentAt": text("Sent", format="date-time"),
            "permalink": text("Link", format="url"),
            "receipt": {"type": "object", "title": "Receipt"},
        },
        incident="incident",
    ),
    blueprint(
        "incidentDraft",
        {
            **{name: text(name) for name in ("text", "state", "audience", "madeBy", "draftedAt")},
            "sources": {"type": "array", "title": "Sources", "items": {"type": "object"}},
        },
        incident="incident",
    ),
    blueprint("customerReport", {"who": text("Who")}, incident="incident"),
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


async def play(stage: Stage) -> None:
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
                "properties": {
                    "state": "open",
                    "channelId": room,
                    "timeline": "| When | What |\n| --- | --- |\n| 10:02 | the pool |",
                    "rca": f"## Cause\n\nA *deploy*. {NASTY} [x](javascript:alert(1))",
                },
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
    for n, whom in enumerate(("sales", "support", "engineering", "executives", "sales")):
        draft = {
            "audience": whom,
            "text": f"**for {whom}** {n} {NASTY}",
            "state": "ready",
            "draftedAt": f"2026-01-31T10:0{n}:00Z",
            "sources": [{"sentence": f"for {whom}", "sources": [f"note n{n}"]}],
        }
        about = {"properties": draft, "relations": {"incident": "INC-1"}}
        written.append(("incidentDraft", {"identifier": f"d{n}", **about}))
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
        (
            "incidentCommunication",
            {
                "identifier": "c2",
                "properties": {
                    "purpose": "publish",
                    "medium": "statuspage",
                    "state": "sent",
                    "text": f"Payments fail {NASTY}",
                    "destination": PAGE,
                    "audience": "customers",
                    "requestedBy": DANA,
                    # As Port names a person who approves: by id.
                    "approvedBy": box.port.store.users[ONCALL]["id"],
                    "sentAt": "2026-01-31T10:05:00Z",
                    "permalink": f"{stage.base}/stspg/x",
                    "receipt": {"incident": "p31zjtct2jer", "odd": [NASTY]},
                },
                "relations": {"incident": "INC-1"},
            },
        ),
        (
            "incidentCommunication",
            {
                "identifier": "c3",
                "properties": {
                    "purpose": "update",
                    "state": "held",
                    "destination": room,
                    "reason": "all is paused",
                },
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


async def publish(stage: Stage) -> None:
    """A public incident, one of the past, and two mails, all of them nasty."""
    people = stage.sandbox.statuspage.people
    over = people.open_incident(PAGE, name="Search was slow", component_ids=["Search"])
    people.post_update(over["id"], "Solved", "resolved")
    now = people.open_incident(
        PAGE,
        name=f"Payments fail {NASTY}",
        component_ids=["Checkout"],
        components={"Checkout": "partial_outage"},
    )
    people.post_update(now["id"], f"We know why {NASTY}\nMore soon", "identified")
    for to, kind in ((DANA, "plain"), (ONCALL, "html")):
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = f"News {NASTY}", "incidents@example.com", to
        mail.set_content(f"Hello {to} {NASTY}")
        if kind == "html":
            mail.add_alternative(f"<p>Hello <b>there</b></p>{NASTY}", subtype="html")
        stage.sandbox.mail.take("incidents@example.com", [to], mail.as_bytes())


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
