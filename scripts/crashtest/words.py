"""Operations of words: updates, notices, notes."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.stage import until
from scripts.crashtest.operation import Operation, Played, runs_of, sent
from scripts.crashtest.site import AUDIENCES, COMMANDER, responder
from scripts.crashtest.truth import Problem, Truth

WORDS = "The pool of connections is empty; a bigger one is on its way."
KINDS = ("finding", "workaround", "decision", "action", "impact", "update", "question")
MAILS = [address for addresses in AUDIENCES.values() for address in addresses]


class Update(Operation):
    """An internal update to three audiences, each in Slack and by mail."""

    name = "update"
    button = "post_update"
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
    button = "add_note"

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
