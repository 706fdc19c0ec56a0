"""docs/example.md: the notes, the timeline and the RCA of the incident in sandbox/incident.jsonl.

The same functions make them as in a room; only Slack, Zoom and Port are left out, so that it is the same
text each time. `make replay` says the same incident in a room of the sandbox.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from integration import mdtext, rca, situation, timeline
from integration.mirrored import Mirrored
from integration.models.incident import Incident, WarRoom
from integration.models.slack import Bot, Message, Reaction
from integration.notetaker import Marks
from integration.room_state import RoomState

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "sandbox" / "incident.jsonl"
TARGET = ROOT / "docs" / "example.md"
CHANNEL = "C0EXAMPLE"
SLACK = "https://example.slack.com/"
BOT = Bot(user_id="U0BOT", bot_id="B0BOT", team_url=SLACK)

_HEAD = """# An incident, as it is noted

Made by `make generate` from [sandbox/incident.jsonl](../sandbox/incident.jsonl), an invented incident, with
the functions that take the notes of a real room. `make replay` says the same in a room of the sandbox and
shows what comes of it in the console. Change a sentence there, and see here what becomes of it.

- **How** says who decided the kind: `mark` is a person (a prefix such as `finding:`, a reaction, a pin),
  `rules` the built-in classifier, `model` Port AI where it is switched on.
- Something is *unsure* where nobody marked it and the classifier is not sure; it never replaces what is sure.
- An action is done and a question answered by a ✅, by a reply in its thread, or by `done: <its words>`.
"""


def page() -> str:
    """The whole page."""
    lines = [json.loads(line) for line in FILE.read_text("utf-8").splitlines() if line.strip()]
    known = _mirrored(lines)
    facts = [one for note in known.notes() if (one := timeline.note_facts(note)) is not None]
    began, ended = (datetime.fromisoformat(lines[at]["ts"]) for at in (0, -1))
    incident = Incident(
        identifier="INC-7",
        title=lines[0]["incident"],
        status="resolved",
        severity="sev1",
        services=("payments-api",),
        started_at=began - timedelta(minutes=11),
        url="https://app.port.io/incidentEntity?identifier=INC-7",
    )
    room = known.room.model_copy(
        update={"state": "closed", "opened_at": began, "closed_at": ended + timedelta(minutes=1)}
    )
    stands = situation.properties(situation.situation(facts))
    fields = "\n".join(f"`{name}`\n\n{text or 'nothing'}\n" for name, text in stands.items())
    return "\n".join(
        [
            _HEAD,
            f"## What was noted\n\n{len(lines)} messages, {len(facts)} notes.\n\n{_notes(known, facts)}\n",
            f"## What the incident showed at the end\n\n{fields}",
            "## The timeline\n",
            timeline.markdown(timeline.events(incident, room, facts, [])) + "\n",
            "## The RCA\n",
            _lowered(rca.document(incident, room, facts, [])),
            "## The draft for the status page\n",
            _lowered(rca.postmortem(incident, room, facts, [])).rstrip() + "\n",
        ]
    )


def _mirrored(lines: list[dict[str, Any]]) -> Mirrored:
    """The room once everything was said, as reading it gives it."""
    names = {
        f"U{number:04}": who for number, who in enumerate(dict.fromkeys(line["author"] for line in lines))
    }
    ids = {who: user for user, who in names.items()}
    stamps = {line["id"]: _ts(line) for line in lines if "id" in line}
    messages = [
        Message(
            channel=CHANNEL,
            ts=_ts(line),
            user=ids[line["author"]],
            text=line["text"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
            thread_ts=stamps.get(line.get("thread"), ""),
            reactions=tuple(
                Reaction(name=name, users=(ids[who],)) for name, who in line.get("reactions", ())
            ),
        )
        for line in lines
    ]
    state = RoomState(CHANNEL, settle=0.0)
    room = WarRoom(
        identifier="INC-7",
        incident="INC-7",
        channel_id=CHANNEL,
        channel_name="inc-7-card-payments",
        channel_url=f"{SLACK}archives/{CHANNEL}",
    )
    known = Mirrored(room, state, held={})
    state.merge_read(messages, 0.0, float(messages[-1].ts) + 60)
    batch = {message.ts for message in messages}
    known.take_closers(batch)
    known.wrote(known.entities(batch, names, BOT, Marks(), ""))
    return known


def _notes(known: Mirrored, facts: list[timeline.NoteFacts]) -> str:
    how = {note["identifier"]: note["properties"] for note in known.notes()}
    rows = []
    for one in sorted(facts, key=lambda one: one.said_at):
        held = how[one.identifier]
        sure = f"{held['how']}" if one.sure else f"{held['how']}, unsure"
        title = mdtext.inline(mdtext.one_line(one.title, 120))
        state = held.get("state") or ""
        rows.append(mdtext.row([mdtext.moment(one.said_at)[11:], one.kind, title, one.author, sure, state]))
    return mdtext.table(("Time (UTC)", "Kind", "Title", "By", "How", "State"), rows)


def _lowered(document: str) -> str:
    """With every heading two levels down: it stands within a page."""
    return "\n".join(f"##{line}" if line.startswith("#") else line for line in document.split("\n"))


def _ts(line: dict[str, Any]) -> str:
    return f"{datetime.fromisoformat(line['ts']).timestamp():.6f}"
