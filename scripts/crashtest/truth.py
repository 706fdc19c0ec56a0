"""What became of an incident, read from the sandbox: never from the integration.

The checks here hold for every operation: nothing twice, nothing without an end, and a record that says
what the providers hold.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from sandbox.stage import Json
from scripts.crashtest.site import Site

METADATA = "incident_comms"
FINAL = ("SUCCESS", "FAILURE", "DECLINED")

Kind = Literal["duplicate", "loss", "stuck", "untrue", "unknown"]


@dataclass(frozen=True)
class Problem:
    """duplicate  an effect that is there twice
    loss       something that is not there and still should be
    stuck      a run or a communication without an end
    untrue     the record says something else than the provider holds
    unknown    nobody can tell whether it was sent: allowed for mail alone
    """

    kind: Kind
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.about}: {self.text}"


@dataclass
class Truth:
    """Everything about one incident, read in one go."""

    identifier: str
    incident: Json
    rooms: list[Json]
    communications: list[Json]
    notes: list[Json]
    runs: list[Json]
    made: list[Json]  # journal entries of our calls that changed something at a provider
    undelivered: set[str]  # actions whose webhook Port could not deliver: it ended their runs itself
    channels: dict[str, Json] = field(default_factory=dict)  # by id, as a person sees them
    meetings: list[Json] = field(default_factory=list)
    public: list[Json] = field(default_factory=list)
    mails: list[Json] = field(default_factory=list)

    @classmethod
    async def read(cls, site: Site, incident: str, since: int, started: float, draft: str = "") -> Truth:
        """`since`: the journal, and `started`, the time, before there was such an incident. `draft`: one
        whose runs are the incident's, too."""
        related = f"?relation=incident&to={incident}"
        (
            found,
            rooms,
            communications,
            notes,
            runs,
            runs_of_draft,
            journal,
            all_channels,
            meetings,
            public,
            mails,
            *views,
        ) = await site.looks(
            [
                f"/port/entities/incident/{incident}",
                f"/port/entities/incidentWarRoom{related}",
                f"/port/entities/incidentCommunication{related}",
                f"/port/entities/incidentNote{related}",
                f"/port/runs?entity={incident}",
                f"/port/runs?entity={draft or 'none'}",
                f"/journal?since={since}",
                "/slack/channels",
                "/zoom/meetings",
                "/statuspage/incidents",
                f"/mail/inbox?containing={incident}",
                *(f"/slack/channels/{one}?since={started}" for one in site.channels.values()),
            ]
        )
        own = [one["id"] for one in all_channels if incident.lower() in one["name"]]
        views += await site.looks([f"/slack/channels/{one}?since={started}" for one in own]) if own else []
        looked_at = [*site.channels.values(), *own]
        made = [one for one in journal if one["effect"] and one["direction"] == "in"]
        return cls(
            incident,
            found["entity"] if found else {"properties": {}, "relations": {}},
            rooms,
            communications,
            notes,
            [*runs_of_draft, *runs],
            [one for one in made if one["service"] not in ("port", "unknown")],
            {
                str(one["operation"]).removeprefix("webhook.")
                for one in journal
                if one["direction"] == "out" and one["error"] and one["operation"].startswith("webhook.")
            },
            dict(zip(looked_at, views, strict=True)),
            [one for one in meetings if str(one["topic"]).startswith(f"{incident} ")],
            [one for one in public if marker(one).get("incident") == incident],
            mails,
        )

    @property
    def own_channels(self) -> list[Json]:
        return [one for one in self.channels.values() if self.identifier.lower() in one["name"]]

    @property
    def room(self) -> Json:
        """Properties of its war room; empty when there is none."""
        return dict(self.rooms[0]["properties"]) if self.rooms else {}

    def messages(self) -> list[tuple[str, Json]]:
        """(channel, message) of everything with a key of this incident's, replies included."""
        found = []
        for channel, view in self.channels.items():
            for message in view["messages"]:
                for one in (message, *message["replies"]):
                    if key_of(one).split(":")[0] == self.identifier:
                        found.append((channel, one))
        return found

    def of(self, purpose: str) -> list[Json]:
        """Communications (entities) for one purpose."""
        return [one for one in self.communications if one["properties"]["purpose"] == purpose]

    def unknown(self) -> list[Json]:
        return [one for one in self.communications if one["properties"]["state"] == "unknown"]


def marker(public: Json) -> Json:
    found = (public.get("metadata") or {}).get(METADATA)
    return found if isinstance(found, dict) else {}


def key_of(message: Json) -> str:
    metadata = message.get("metadata") or {}
    return str((metadata.get("event_payload") or {}).get("key") or "")


def always(truth: Truth) -> list[Problem]:
    """What holds for every operation, at any point, whatever went wrong."""
    return [*_twice(truth), *_without_end(truth), *_record(truth)]


def _twice(truth: Truth) -> Iterable[Problem]:
    counted: Counter[str] = Counter(f"message {key_of(message)}" for _, message in truth.messages())
    counted.update(f"mail {mail['message_id']} to {mail['recipients'][0]}" for mail in truth.mails)
    for one in truth.made:
        if one["operation"] == "conversations.create" and truth.identifier.lower() in one["effect"]:
            counted["channel"] += 1
        if one["operation"] == "meetings.create" and f" {truth.identifier} " in f"{one['effect']} ":
            counted["meeting"] += 1
    counted["public incident"] = len(truth.public)
    for public in truth.public:
        said = Counter(f"{one['status']}: {one['body']}" for one in public["incident_updates"])
        counted.update({f"public update {words[:60]!r}": number for words, number in said.items()})
    for channel in truth.own_channels:
        titles = Counter(one["title"] for one in channel["bookmarks"])
        counted.update({f"bookmark {title}": number for title, number in titles.items()})
    counted["war room"] = len(truth.rooms)
    for what, number in counted.items():
        if number > 1:
            yield Problem("duplicate", what, f"{number} times")


def _without_end(truth: Truth) -> Iterable[Problem]:
    for run in truth.runs:
        if run["status"] not in FINAL:
            yield Problem("stuck", f"run of {run['action']['identifier']}", str(run["status"]))
        elif run["action"]["identifier"] in truth.undelivered:
            continue
        elif run["status"] == "FAILURE" and not run.get("summary"):
            yield Problem("untrue", f"run of {run['action']['identifier']}", "failed without a reason")
    for one in truth.communications:
        if one["properties"]["state"] == "sending":
            yield Problem("stuck", str(one["identifier"]), "sending")


def _record(truth: Truth) -> Iterable[Problem]:
    """Each communication against what the provider holds."""
    for one in truth.communications:
        key, properties = str(one["identifier"]), one["properties"]
        if properties["purpose"] == "preview":
            continue  # it has gone out under another key
        state, operation = properties["state"], properties["operation"]
        there = _held(truth, key, properties)
        if state == "sent":
            for wrong in _receipt(truth, properties, there):
                yield Problem("untrue", key, wrong)
        elif state == "unknown":
            if operation != "send_email":
                yield Problem("unknown", key, str(properties.get("reason")))
        elif there is not None and state != "sending":
            yield Problem("untrue", key, f"is {state}, but the provider holds it")
        elif state == "failed" and not properties.get("reason"):
            yield Problem("untrue", key, "failed without a reason")
    known = {str(one["identifier"]) for one in truth.communications}
    for _, message in truth.messages():
        if key_of(message) not in known:
            yield Problem("untrue", key_of(message), "stands in Slack and not on the record")


def _held(truth: Truth, key: str, properties: Json) -> Json | None:
    """What the provider holds under this key, whatever the record says."""
    operation = properties["operation"]
    if operation == "open_channel":
        return next((one for one in truth.own_channels if not one["archived"]), None)
    if operation == "open_bridge":
        return next((one for one in truth.meetings if f"[{key}]" in str(one.get("agenda"))), None)
    if operation == "post_message":
        return next((one for _, one in truth.messages() if key_of(one) == key), None)
    if operation == "send_email":
        return _mail(truth, properties)
    if operation in ("publish_incident", "schedule_maintenance"):
        return next((one for one in truth.public if marker(one).get("key") == key), None)
    for public in truth.public:
        for update in public["incident_updates"]:
            if str(update["body"]).strip() == str(properties["text"]).strip():
                return dict(update)
    return None


def _mail(truth: Truth, properties: Json) -> Json | None:
    for mail in truth.mails:
        to_him = properties["destination"] in mail["recipients"]
        if to_him and str(properties["text"]).split() == str(mail["text"]).split():
            return mail
    return None


def _receipt(truth: Truth, properties: Json, there: Json | None) -> Iterable[str]:
    receipt: Json = properties.get("receipt") or {}
    if there is None:
        yield "is sent, but the provider does not hold it"
        return
    if not receipt:
        yield "is sent without a receipt"
        return
    operation = properties["operation"]
    wanted: Json = {}
    if operation == "open_channel":
        wanted = {"channel": there["id"], "name": there["name"]}
    elif operation == "open_bridge":
        wanted = {"meeting": str(there["id"])}
        if there["join_url"] in str(properties):
            yield "shows the link that lets its reader into the meeting"
    elif operation == "post_message":
        wanted = {"channel": properties["destination"], "ts": there["ts"]}
        if properties.get("permalink") != there["permalink"]:
            yield f"its permalink is {properties.get('permalink')}, Slack's {there['permalink']}"
        said, shown = str(properties.get("text")), str(there["raw"])
        if _bare(said) != _bare(shown):
            yield f"its words are {said[:80]!r}, Slack's {shown[:80]!r}"
    elif operation == "send_email":
        wanted = {"messageId": there["message_id"]}
    elif operation in ("publish_incident", "schedule_maintenance"):
        wanted = {"incident": there["id"], "shortlink": there["shortlink"]}
    elif operation == "publish_postmortem":
        wanted = {"incident": there["incident_id"]}  # its text is no update that has an id in the answer
    else:
        wanted = {"incident": there["incident_id"], "update": there["id"]}
    for name, value in wanted.items():
        if receipt.get(name) != value:
            yield f"its receipt says {name} {receipt.get(name)!r}, the provider {value!r}"


def _bare(text: str) -> str:
    """Slack puts brackets around links and escapes signs by itself."""
    return html.unescape(text).replace("<", "").replace(">", "")
