"""Operations on the war room: opened, closed, opened again."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.stage import until
from scripts.crashtest.operation import Operation, Played, runs_of, sent
from scripts.crashtest.site import COMMANDER, responder
from scripts.crashtest.truth import Problem, Truth


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


class Close(Operation):
    """The room is closed by the button; its meeting goes on until then."""

    name = "close"
    button = "close_war_room"
    trail = 0.5  # what is said last is taken into the documents for minutes

    async def prepare(self, played: Played) -> None:
        site = played.site
        await site.incident(played.incident)
        room = await played.room()
        await site.say(room["channelId"], responder(0), "finding: the pool of connections is empty")
        if "meetingId" not in room:
            raise RuntimeError("there is no call to be ended, and nothing was cut off yet")
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
        if (closures := truth.room.get("closures") or 0) != 1:
            yield Problem("duplicate" if closures else "loss", "war room's closures", f"{closures}")


class Reopen(Operation):
    """A closed room is opened again."""

    name = "reopen"
    button = "open_war_room"

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
