"""The operations that are cut off: what must stand before, what sets each going, what must be there after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.stage import Json, until
from scripts.crashtest.site import APPROVER, AUDIENCES, COMMANDER, COMPONENT, PAGE, Site, responder
from scripts.crashtest.truth import Problem, Truth

WORDS = "The pool of connections is empty; a bigger one is on its way."
PUBLIC = {
    "publish": "Some payments fail. We are looking for the cause.",
    "update": "The cause is known, and a remedy is being rolled out.",
    "resolve": "Payments work again.",
}
KINDS = ("finding", "workaround", "decision", "action", "impact", "update", "question")
MAILS = [address for addresses in AUDIENCES.values() for address in addresses]


@dataclass
class Played:
    """One incident on its way through an operation."""

    site: Site
    incident: str
    since: int  # the journal before the incident was created
    run: str = ""
    channel: str = ""
    begun: int = 0  # the journal when it began

    async def truth(self) -> Truth:
        return await Truth.read(self.site, self.incident, self.since)

    async def room(self) -> Json:
        """Properties of the war room, once it is open."""

        async def look() -> Json | None:
            runs = await self.site.runs_of(self.incident)
            done = [run for run in runs if run["status"] == "SUCCESS"]
            room = await self.site.entity("incidentWarRoom", self.incident)
            return room if done and room else None

        found = await until(f"the room of {self.incident} is open", look, 60)
        return dict(found["properties"])

    async def approved(self, action: str, inputs: Json) -> None:
        run = await self.site.pressed(action, self.incident, inputs)
        await self.site.approve(run, APPROVER)
        ended = await self.site.finished(run)
        if ended["status"] != "SUCCESS":
            raise RuntimeError(f"{action} failed before anything was cut off: {ended.get('summary')}")


class Operation:
    """One operation.

    rest   seconds of quiet before it begins, so that no call of what came before is taken for its own
    trail  seconds for which it may go on after all is as it should be
    polls  it asks the status page what the poll asks
    """

    name = ""
    rest = 2.5
    trail = 1.0
    polls = False

    async def prepare(self, played: Played) -> None:
        """What must stand before."""

    async def begin(self, played: Played) -> None:
        """Set it going."""

    async def ripe(self, played: Played) -> None:
        """Called with a call held, before the kill: wait for what is to be lost with it."""

    def missing(self, truth: Truth) -> Iterable[Problem]:
        """What should be there by now and is not."""
        return ()


class Open(Operation):
    name = "open"
    rest = 0.5
    trail = 2.5

    async def begin(self, played: Played) -> None:
        await played.site.incident(played.incident)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "open_war_room_on_severity")
        for purpose in ("channel", "bridge", "briefing"):
            yield from sent(truth, purpose)
        yield from room_stands(truth)


def room_stands(truth: Truth, state: str = "open") -> Iterable[Problem]:
    """The channel is furnished, and Port shows it."""
    channel = next((one for one in truth.own_channels if not one["archived"]), None)
    if channel is None:
        yield Problem("loss", "channel", "there is none")
        return
    people = set(truth.incident["relations"].get("responders") or [])
    there = {one["email"] for one in channel["members"]}
    services = truth.incident["relations"].get("services") or []
    owners = {f"owner-{service.removeprefix('service-')}@example.com" for service in services}
    if missed := (people | owners) - there:
        yield Problem("loss", "invitation", f"{sorted(missed)} are not in the channel")
    if "Checkout is slow" not in channel["topic"]:
        yield Problem("loss", "topic", f"it is {channel['topic']!r}")
    marks = sorted(one["title"] for one in channel["bookmarks"])
    if marks != ["Bridge", "Incident in Port"]:
        yield Problem("loss", "bookmarks", f"they are {marks}")
    meeting = truth.meetings[0]["join_url"] if truth.meetings else None
    if meeting is None:
        yield Problem("loss", "meeting", "there is none")
    elif meeting not in str([message["blocks"] for _, message in truth.messages()]):
        yield Problem("loss", "bridge link", "the room was never told")
    room, incident = truth.room, truth.incident
    wanted = {"state": state, "channelId": channel["id"], "bridge": meeting}
    for name, value in wanted.items():
        if room.get(name) != value:
            yield Problem("loss", f"war room's {name}", f"it is {room.get(name)!r}, not {value!r}")
    for name in ("briefingTs", "invited", "openedAt"):
        if not room.get(name):
            yield Problem("loss", f"war room's {name}", "it is empty")
    shown = {"warRoomChannel": room.get("channel"), "warRoomBridge": meeting, "warRoomState": state}
    for name, value in shown.items():
        if incident["properties"].get(name) != value:
            said = incident["properties"].get(name)
            yield Problem("loss", f"incident's {name}", f"it is {said!r}, not {value!r}")
    if incident["relations"].get("warRoom") != truth.identifier:
        yield Problem("loss", "incident's relation to its room", f"{incident['relations'].get('warRoom')!r}")


def runs_of(truth: Truth, *actions: str) -> Iterable[Problem]:
    """Each of these has a run, and the newest ended well, unless a mail is unknown: then it may say so."""
    for action in actions:
        runs = [run for run in truth.runs if run["action"]["identifier"] == action]
        if not runs:
            yield Problem("loss", f"run of {action}", "there is none")
        elif runs[0]["status"] == "FAILURE" and not (truth.unknown() or action in truth.undelivered):
            yield Problem("loss", f"run of {action}", f"failed: {runs[0].get('summary')}")


def sent(truth: Truth, purpose: str, number: int = 1) -> Iterable[Problem]:
    """So many communications for this purpose are sent; a mail may be unknown."""
    found = truth.of(purpose)
    if len(found) != number:
        keys = [one["identifier"] for one in found]
        kind = "loss" if len(found) < number else "duplicate"
        yield Problem(kind, purpose, f"{len(found)} on the record, not {number}: {keys}")  # type: ignore[arg-type]
    for one in found:
        properties = one["properties"]
        mail = properties["operation"] == "send_email" and properties["state"] == "unknown"
        if properties["state"] not in ("sent", "sending") and not mail:
            about = f"{properties['state']}: {properties.get('reason')}"
            yield Problem("loss", f"{purpose} to {properties.get('destination')}", about)


class Update(Operation):
    """An internal update to three audiences, each in Slack and by mail."""

    name = "update"
    rest = 0.5

    async def prepare(self, played: Played) -> None:
        await played.site.incident(played.incident, severity=None)

    async def begin(self, played: Played) -> None:
        inputs = {"audiences": list(AUDIENCES), "text": WORDS}
        played.run = await played.site.pressed("post_update", played.incident, inputs)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "post_update")
        yield from sent(truth, "update", len(AUDIENCES) + len(MAILS))


class Notice(Operation):
    """The status changes: room and audiences are told."""

    name = "notice"

    async def prepare(self, played: Played) -> None:
        await played.site.incident(played.incident)
        await played.room()

    async def begin(self, played: Played) -> None:
        await played.site.change("incident", played.incident, {"status": "identified"}, responder(0))

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "announce_status_on_change")
        yield from sent(truth, "status notice", 1 + len(AUDIENCES) + len(MAILS))


class Close(Operation):
    """The room is closed by the button; its meeting goes on until then."""

    name = "close"
    trail = 0.5  # what is said last is taken into the documents for minutes

    async def prepare(self, played: Played) -> None:
        site = played.site
        await site.incident(played.incident)
        room = await played.room()
        await site.say(room["channelId"], responder(0), "finding: the pool of connections is empty")
        await site.ask("POST", "/zoom/join", {"meeting": int(room["meetingId"]), "user": COMMANDER})

        async def noted() -> bool:
            return bool(await site.of_incident("incidentNote", played.incident))

        await until("the note stands", noted, 30)

    async def begin(self, played: Played) -> None:
        played.run = await played.site.pressed("close_war_room", played.incident, {"message": "Thank you."})

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "close_war_room")
        yield from sent(truth, "closing")
        yield from room_stands(truth, "closed")
        if truth.meetings and truth.meetings[0].get("status") == "started":
            yield Problem("loss", "meeting", "it goes on")
        for name in ("closedAt", "timeline", "rca"):
            if not truth.room.get(name):
                yield Problem("loss", f"war room's {name}", "it is empty")
        if truth.room.get("closures") != 1:
            yield Problem("untrue", "war room's closures", f"{truth.room.get('closures')}")


class Reopen(Operation):
    """A closed room is opened again."""

    name = "reopen"

    async def prepare(self, played: Played) -> None:
        site = played.site
        await site.incident(played.incident)
        await played.room()
        closed = await site.finished(await site.pressed("close_war_room", played.incident, {}))
        if closed["status"] != "SUCCESS":
            raise RuntimeError(f"closing failed before anything was cut off: {closed.get('summary')}")

    async def begin(self, played: Played) -> None:
        played.run = await played.site.pressed("open_war_room", played.incident, {})

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "open_war_room")
        yield from sent(truth, "closing")
        yield from sent(truth, "reopened")
        yield from room_stands(truth)


class Note(Operation):
    """Somebody says something in the room, and it is written to Port."""

    name = "note"

    async def prepare(self, played: Played) -> None:
        await played.site.incident(played.incident)
        played.channel = (await played.room())["channelId"]

    async def begin(self, played: Played) -> None:
        number = played.site.played % 30
        await played.site.say(
            played.channel, responder(2 * number + 1), "finding: the pool of connections is empty"
        )

    def missing(self, truth: Truth) -> Iterable[Problem]:
        if len(truth.notes) != 1:
            yield Problem("loss" if not truth.notes else "duplicate", "note", f"{len(truth.notes)} of them")
            return
        if truth.notes[0]["properties"].get("kind") != "finding":
            yield Problem("untrue", "note", f"its kind is {truth.notes[0]['properties'].get('kind')}")
        if truth.room.get("noteCount") != 1:
            yield Problem("loss", "war room's noteCount", f"{truth.room.get('noteCount')}")
        if not truth.incident["properties"].get("latestNote"):
            yield Problem("loss", "incident's latestNote", "it is empty")


class Events(Operation):
    """Twenty events of a room, verified and answered, and none of them written yet."""

    name = "events"
    trail = 3.0
    said = 14
    events = 20

    async def prepare(self, played: Played) -> None:
        await played.site.incident(played.incident)
        played.channel = (await played.room())["channelId"]

    async def begin(self, played: Played) -> None:
        site, channel = played.site, played.channel
        played.begun = await site.mark()
        stamps = [
            await site.say(channel, COMMANDER, f"{KINDS[number % len(KINDS)]}: number {number}")
            for number in range(self.said)
        ]
        for number in (0, 1):
            await site.say(channel, COMMANDER, f"decision: reply {number}", thread_ts=stamps[number])
        changed = [(2, "impact: edited"), (3, "no mark any more")]
        for number, text in changed:
            body = {"channel": channel, "ts": stamps[number], "user": COMMANDER, "text": text}
            await site.ask("POST", "/slack/edit", body)
        gone = {"channel": channel, "ts": stamps[4], "user": COMMANDER}
        await site.ask("POST", "/slack/delete", gone)
        await site.ask("POST", "/slack/react", {**gone, "ts": stamps[3], "name": "boom"})

    async def ripe(self, played: Played) -> None:
        async def taken() -> bool:
            sent = [one for one in await played.site.journal(since=played.begun) if one["direction"] == "out"]
            told = [one for one in sent if one["service"] == "slack" and one["status"] == 200]
            return len(told) >= self.events

        await until("twenty events are answered", taken, 10)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        """The notes are what the channel says."""
        notes = {one["properties"].get("ts"): one["properties"] for one in truth.notes}
        standing = {ts: note for ts, note in notes.items() if not note.get("deletedAt")}
        marked: dict[str, tuple[str, str]] = {}
        for channel in truth.own_channels:
            for message in channel["messages"]:
                for one in (message, *message["replies"]):
                    kind, colon, text = str(one["text"]).partition(": ")
                    if colon and kind in KINDS and not one["bot"] and not one["deleted"]:
                        marked[one["ts"]] = (kind, text)
                    elif one["reactions"]:
                        marked[one["ts"]] = ("impact", str(one["text"]))
        for ts, (kind, text) in marked.items():
            note = standing.get(ts)
            if note is None:
                yield Problem("loss", "note", f"of {kind}: {text}")
            elif note["kind"] != kind or text not in note["text"]:
                yield Problem("untrue", "note", f"says {note['kind']}: {note['text']}, not {kind}: {text}")
        for ts, note in standing.items():
            if ts not in marked:
                yield Problem("untrue", "note", f"nobody says {note['kind']}: {note['text']}")
        if truth.rooms and truth.room.get("noteCount") != len(marked):
            yield Problem("loss", "war room's noteCount", f"{truth.room.get('noteCount')}")


class AddNote(Operation):
    """A note by the button: in Port, and the room is told."""

    name = "add-note"

    async def prepare(self, played: Played) -> None:
        await played.site.incident(played.incident)
        await played.room()

    async def begin(self, played: Played) -> None:
        played.run = await played.site.pressed(
            "add_note", played.incident, {"kind": "decision", "text": WORDS}
        )

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "add_note")
        if len(truth.notes) != 1:
            yield Problem("loss" if not truth.notes else "duplicate", "note", f"{len(truth.notes)} of them")
        ours = [one for one in truth.communications if ":note:" in one["identifier"]]
        if [one["properties"]["state"] for one in ours] != ["sent"]:
            yield Problem("loss", "word to the room", f"{[one['properties']['state'] for one in ours]}")


class Publish(Operation):
    """The incident is published on the status page; the room hears of it."""

    name = "publish"
    trail = 2.0
    status = "investigating"
    component = "partial_outage"

    async def prepare(self, played: Played) -> None:
        await played.site.incident(played.incident)
        await played.room()
        played.run = await self._pressed(played)

    async def _pressed(self, played: Played) -> str:
        return await played.site.pressed("publish_status_page", played.incident, publication())

    async def begin(self, played: Played) -> None:
        await played.site.approve(played.run, APPROVER)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "publish_status_page")
        yield from sent(truth, "publish")
        yield from self.shown(truth, "publish", notices=1)

    def shown(self, truth: Truth, what: str, notices: int) -> Iterable[Problem]:
        """On the page, on the incident and in the room."""
        if not truth.public:
            yield Problem("loss", "public incident", "there is none")
            return
        public = truth.public[0]
        if PUBLIC[what] not in [update["body"] for update in public["incident_updates"]]:
            yield Problem("loss", f"public {what}", "its words are not on the page")
        if public["status"] != self.status:
            yield Problem("loss", "public status", f"it is {public['status']}")
        states = {one["id"]: one["status"] for one in public["components"]}
        if states.get(COMPONENT) != self.component:
            yield Problem("loss", "component", f"it is {states.get(COMPONENT)}, not {self.component}")
        properties = truth.incident["properties"]
        wanted = {"publicStatus": self.status, "publicIncident": public["shortlink"]}
        for name, value in wanted.items():
            if properties.get(name) != value:
                yield Problem("loss", f"incident's {name}", f"it is {properties.get(name)!r}, not {value!r}")
        if not properties.get("lastPublicUpdateAt"):
            yield Problem("loss", "incident's lastPublicUpdateAt", "it is empty")
        told = [one for one in truth.communications if ":public-notice:" in one["identifier"]]
        states_told = [one["properties"]["state"] for one in told]
        if states_told != ["sent"] * notices:
            yield Problem("loss", "word to the room", f"{states_told}, not {notices} sent")


def publication() -> Json:
    return {
        "page": PAGE,
        "name": "Some payments fail",
        "body": PUBLIC["publish"],
        "status": "investigating",
        "components": [COMPONENT],
        "componentStatus": "partial_outage",
        "notifySubscribers": True,
    }


class PublicUpdate(Publish):
    name = "public-update"
    status = "identified"
    component = "degraded_performance"

    async def prepare(self, played: Played) -> None:
        await played.site.incident(played.incident)
        await played.room()
        await played.approved("publish_status_page", publication())
        played.run = await self._pressed(played)

    async def _pressed(self, played: Played) -> str:
        inputs = {
            "status": self.status,
            "body": PUBLIC["update"],
            "components": [COMPONENT],
            "componentStatus": self.component,
            "notifySubscribers": True,
        }
        return await played.site.pressed("update_status_page", played.incident, inputs)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "update_status_page")
        yield from sent(truth, "public update")
        yield from self.shown(truth, "update", notices=2)


class Resolve(PublicUpdate):
    name = "resolve"
    polls = True
    status = "resolved"
    component = "operational"

    async def _pressed(self, played: Played) -> str:
        inputs = {"body": PUBLIC["resolve"], "notifySubscribers": True}
        return await played.site.pressed("resolve_status_page", played.incident, inputs)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "resolve_status_page")
        yield from sent(truth, "resolve")
        yield from self.shown(truth, "resolve", notices=2)


OPERATIONS: dict[str, Operation] = {
    one.name: one
    for one in (
        Open(),
        Update(),
        Notice(),
        Publish(),
        PublicUpdate(),
        Resolve(),
        Note(),
        Events(),
        AddNote(),
        Close(),
        Reopen(),
    )
}
