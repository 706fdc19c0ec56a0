"""The record proves itself: an honest incident verifies; whatever is changed afterwards is named."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.port.service import ADMIN
from sandbox.stage import ROOT, Json, Stage
from sandbox.statuspage.seeding import DEFAULT_PAGE
from tests.stories.play import COMMANDER, RESPONDER, Incident, Room, becomes, mark, trouble

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = "We found the cause. Payments work again within 30 minutes."
LINK, COMMUNICATION = "incidentRecordLink", "incidentCommunication"


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def report(self) -> Json:
        found: Json = json.loads(self.out)
        return found


async def command(stage: Stage, module: str, *arguments: str) -> Ended:
    """Run one of the product's commands to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"integration.{module}", *arguments),
        cwd=ROOT,
        env=stage.integration.env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def verified(incident: Incident) -> Ended:
    return await command(incident.stage, "verify", incident.identifier, "--json")


async def verifies_as(incident: Incident, result: str, *, what: str) -> Ended:
    """The verification once it comes to `result`: Slack and Port's search show the past."""

    async def look() -> Ended | None:
        ended = await verified(incident)
        return ended if ended.report["result"] == result else None

    return await becomes(what, look, 30)


async def links(incident: Incident, number: int) -> list[Json]:
    """The links of an incident in order, once there are that many."""

    async def look() -> list[Json] | None:
        found = await incident.stage.of_incident(LINK, incident.identifier)
        found.sort(key=lambda link: int(link["properties"]["number"]))
        return found if len(found) >= number else None

    return await becomes(f"{incident.identifier} has {number} links", look)


async def told(stage: Stage) -> tuple[Incident, Room]:
    """An incident that is over, with a room, an update to an audience by two media, and a public post."""
    name = (
        await stage.ask("POST", "/slack/channels", {"name": f"news-{await mark(stage)}", "user": COMMANDER})
    )["id"]
    audience: Json = {"slackChannels": [name], "emails": ["reader@example.com"], "knows": "business"}
    audience_id = f"readers-{name.lower()}"
    await stage.create(
        "commsAudience", {"identifier": audience_id, "title": "Readers", "properties": audience}
    )
    incident = await Incident.created(stage, severity="sev1", responders=[RESPONDER])
    room = await incident.opened()
    run = await incident.press("post_update", audiences=[audience_id], text=WORDS)
    assert run["status"] == "SUCCESS", run.get("summary")
    await published(incident)
    await incident.change(status="resolved")
    await incident.run("close_war_room_on_status")
    return incident, room


async def published(incident: Incident) -> None:
    stage = incident.stage
    inputs: Json = {
        "page": DEFAULT_PAGE,
        "name": "Payments fail",
        "body": "Some payments fail. We are looking into it.",
        "status": "investigating",
        "notifySubscribers": False,
    }
    run = await stage.press("publish_status_page", incident.identifier, inputs, COMMANDER)
    await stage.ask("POST", "/port/approve", {"run": run, "user": ADMIN, "approve": True})
    ended = await stage.finished(run)
    assert ended["status"] == "SUCCESS", ended.get("summary")


async def test_an_honest_incident_verifies_and_is_exported(stage: Stage) -> None:
    incident, room = await told(stage)
    # channel, bridge, briefing, update, mail, publish, its notice in the room, closing
    chain = await links(incident, 8)

    ended = await verifies_as(incident, "intact", what="the record verifies")

    report = ended.report
    assert (ended.code, report["problems"], report["first"]) == (0, [], None)
    assert report["links"] == report["communications"] == len(chain)
    assert report["head"]["hash"] == chain[-1]["properties"]["hash"]
    assert not any(link["properties"].get("found") for link in chain)
    assert report["outcomes"]["not kept"] == 2, "the call and the mail"
    assert report["outcomes"]["as sent"] == len(chain) - 2
    assert report["notes"] == [], "somebody set a key"
    closing = (await room.ours())[-1]["text"]
    number, short = closing.rpartition("Record so far: ")[2].rstrip(".").split(" links, head ")
    assert chain[int(number) - 1]["properties"]["hash"].startswith(short)
    plain = await command(stage, "verify", incident.identifier)
    assert plain.code == 0
    assert "INTACT" in plain.out

    document = await command(stage, "export", incident.identifier, "--format", "md")
    table = await command(stage, "export", incident.identifier, "--format", "csv")
    whole = await command(stage, "export", incident.identifier, "--format", "json")
    assert (document.code, table.code, whole.code) == (0, 0, 0)
    rows = list(csv.DictReader(io.StringIO(table.out)))
    said = [one for one in rows if one["what"] == "Update"]
    assert [one["at"] for one in rows] == sorted(one["at"] for one in rows)
    assert len(rows) == len(chain)
    assert WORDS in said[0]["text"]
    assert (said[0]["requestedBy"], said[0]["state"]) == (RESPONDER, "sent")
    (public,) = [one for one in rows if one["what"] == "Publish"]
    assert public["approvedBy"]
    assert json.loads(whole.out)["record"] == {
        "intact": True,
        "links": len(chain),
        "head": report["head"],
        "problems": [],
    }
    for text in (document.out, table.out, whole.out):
        assert "Some payments fail." in text
        assert room.properties["bridge"] not in text, "whoever has the link can join"


@pytest.mark.rehearsal
async def test_what_is_changed_afterwards_is_named(stage: Stage) -> None:
    incident, _ = await told(stage)
    chain = await links(incident, 8)
    about = {(one["purpose"], one["operation"]): one for one in (link["properties"] for link in chain)}
    await verifies_as(incident, "intact", what="the record verifies")
    update, briefing, closing = (
        about[purpose, "post_message"] for purpose in ("update", "briefing", "closing")
    )
    publish = about["publish", "publish_incident"]

    # At the providers: one message edited, one deleted, a public text rewritten.
    await stage.ask("POST", "/slack/edit", {**_at(update["receipt"]), "text": "Nothing happened."})
    await stage.ask("POST", "/slack/delete", _at(briefing["receipt"]))
    page = publish["receipt"]
    await stage.ask(
        "PATCH",
        f"/statuspage/incidents/{page['incident']}/updates/{page['update']}",
        {"body": "All is well."},
    )

    async def drifted() -> Ended | None:
        ended = await verified(incident)
        return ended if len(_drift(ended)) == 3 else None

    ended = await becomes("what drifted is named", drifted, 30)
    assert (ended.code, ended.report["result"], ended.report["problems"]) == (1, "drifted", [])
    assert _drift(ended) == {
        (update["communication"], "edited"),
        (briefing["communication"], "deleted"),
        (publish["communication"], "edited"),
    }

    # In Port, by an administrator: a text, a receipt, a link, and a link that is no more.
    await stage.change(COMMUNICATION, update["communication"], {"text": "Nothing happened."}, ADMIN)
    await stage.change(
        COMMUNICATION, closing["communication"], {"receipt": {**closing["receipt"], "ts": "1.1"}}, ADMIN
    )
    altered, removed = about["channel", "open_channel"]["number"], about["update", "send_email"]["number"]
    await stage.change(LINK, _link(incident, altered), {"requestedBy": "somebody.else@example.com"}, ADMIN)
    await stage.ask("DELETE", f"/port/entities/{LINK}/{_link(incident, removed)}?user={ADMIN}")

    async def named() -> Ended | None:
        ended = await verified(incident)
        return ended if len(ended.report["problems"]) >= 4 else None

    ended = await becomes("what was changed is named", named, 30)
    report = ended.report
    found = {(one["trouble"], one["number"]) for one in report["problems"]}
    assert (ended.code, report["result"]) == (1, "broken")
    assert found >= {
        ("altered", altered),
        ("missing", removed),
        ("changed", update["number"]),
        ("changed", closing["number"]),
    }
    assert (report["first"]["trouble"], report["first"]["number"]) == ("altered", altered)
    plain = await command(stage, "verify", incident.identifier)
    assert plain.code == 1
    assert f"first at link {altered}:" in plain.out
    exported = await command(stage, "export", incident.identifier)
    assert exported.code == 0
    assert "does not fit" in exported.err


async def test_an_archived_room_can_no_longer_be_read_and_the_chain_still_holds(other_stage: Stage) -> None:
    incident = await Incident.created(other_stage, severity="sev1", responders=[RESPONDER])
    room = await incident.opened()
    await incident.change(status="resolved")
    await room.state("archived")
    await links(incident, 3)

    ended = await verifies_as(incident, "intact", what="the record verifies")

    unreadable = [one for one in ended.report["messages"] if one["outcome"] == "unreadable"]
    assert ended.code == 0
    assert {one["purpose"] for one in unreadable} == {"briefing", "closing"}
    assert "archived" in unreadable[0]["detail"]
    assert any("INSTALLATION_KEY is not set" in note for note in ended.report["notes"])


@pytest.mark.rehearsal
async def test_what_we_wrote_again_ourselves_is_on_the_record(stage: Stage) -> None:
    late: Json = {"service": "zoom", "operation": "meetings.create", "answer_delay": 4.0}
    async with trouble(stage, late):
        incident = await Incident.created(stage, severity="sev1")
        room = await incident.opened()
    assert room.properties["bridge"]
    chain = await links(incident, 5)  # the briefing twice: without the bridge, and with it

    ended = await verifies_as(incident, "intact", what="the record verifies")

    said = {one["purpose"]: one["outcome"] for one in ended.report["messages"]}
    assert said.pop("briefing") in ("as sent", "amended")
    assert said == {"channel": "as sent", "bridge": "not kept", "bridge link": "as sent"}
    first, again = [one["properties"] for one in chain if one["properties"]["purpose"] == "briefing"]
    briefing = (await incident.communications())["briefing"]
    assert room.properties["bridge"] in briefing["text"]
    assert again["textHash"] == briefing["textHash"] != first["textHash"]


async def test_what_cannot_be_verified_is_no_failure_of_the_record(stage: Stage) -> None:
    incident = await Incident.created(stage, severity="sev1")
    await incident.opened()
    await links(incident, 3)
    fault: Json = {
        "service": "slack",
        "operation": "conversations.history",
        "error": "missing_scope",
        "times": 9,
    }
    await stage.ask("POST", "/faults", [fault])
    try:
        ended = await verified(incident)
    finally:
        await stage.ask("DELETE", "/faults")
    unknown = await command(stage, "verify", "INC-NOBODY", "--json")

    assert (ended.code, ended.report["result"]) == (2, "unverified")
    assert "missing_scope" in json.dumps(ended.report["messages"])
    assert unknown.code == 2
    assert "INC-NOBODY" in unknown.report["error"]


def _link(incident: Incident, number: int) -> str:
    return f"{incident.identifier}:record:{number}"


def _at(receipt: Any) -> Json:
    return {"channel": receipt["channel"], "ts": receipt["ts"]}


def _drift(ended: Ended) -> set[tuple[str, str]]:
    return {
        (one["key"], one["outcome"])
        for one in ended.report["messages"]
        if one["outcome"] in ("edited", "deleted", "doubled")
    }
