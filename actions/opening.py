"""One opening of one war room, from its claims to a furnished channel."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from actions.base import Kit
from actions.furnish import add_bookmarks, bookmarks, set_topic, shown
from integration import communicator, plan
from integration.claim import Claim
from integration.errors import IncidentCommsError, Refused, ServiceError
from integration.models.communication import Receipt
from integration.models.incident import Incident, WarRoom
from integration.models.run import Command, Outcome
from integration.models.slack import SlackUser
from integration.times import now

DECORATION_SECONDS = 2.0


def links_of(room: WarRoom) -> tuple[str, ...]:
    """What a run that is about this room links to. Anybody may look at a run: the bridge of what is for few
    is not among it."""
    links = (room.channel_url, "" if room.private else room.bridge_url)
    return tuple(link for link in links if link)


@dataclass
class Bridge:
    kind: str = "none"
    url: str = ""
    host: str = ""
    meeting: str = ""
    problem: str = ""


@dataclass
class Opening:
    """Round trips 2 and 3, then what may follow at leisure."""

    kit: Kit
    command: Command
    incident: Incident
    generation: int
    previous: str
    claims: dict[str, Claim]
    room: WarRoom | None = None  # what stands already, when an earlier opening was cut off
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Somebody was here before us: what has no key of its own is looked up before it is done.
        self.cut_off = any(claim.verdict != "mine" for claim in self.claims.values())

    async def run(self, emails: tuple[str, ...]) -> Outcome:
        """Round trips 2 and 3, then what may follow at leisure."""
        person = self.command.requested_by
        if "@" in person and not self.command.automatic:
            emails = (*emails, person)
        claim = self.claims["channel"]
        if "link" not in claim.step.details:
            # The incident as it is now decides on privacy, whatever the run carried.
            claim.set(details={"private": self.incident.private})
        bridge_task = asyncio.create_task(self._bridge())
        people_task = asyncio.create_task(self.kit.people.find(emails))
        try:
            channel = await self.kit.performer.perform(claim)
        except IncidentCommsError as problem:
            people_task.cancel()
            return await self._without_channel(await bridge_task, problem)
        invite_task = asyncio.create_task(self._invite(channel, people_task))
        await asyncio.wait({bridge_task}, timeout=self.kit.settings.bridge_grace_seconds)
        late = not bridge_task.done()
        bridge = Bridge(problem="on its way") if late else bridge_task.result()
        room = self._room(channel, bridge, (await self.kit.slack.me()).team_url)
        self.kit.mirror.watch(room)
        decoration = [
            asyncio.create_task(self._optional("topic", self._topic(room))),
            asyncio.create_task(self._optional("bookmarks", self._bookmark(room))),
        ]
        briefing, (invited, not_invited), _ = await asyncio.gather(
            self._briefing(room, bridge, new_channel=claim.acted), invite_task, self._write_back(room)
        )
        room = room.model_copy(
            update={
                "briefing_ts": str(briefing.data["ts"]),
                "briefing_url": briefing.permalink,
                "invited": invited,
                "not_invited": not_invited,
            }
        )
        if late:
            bridge = await bridge_task
            room = await self._late_bridge(room, bridge)
        elif bridge.url not in self.claims["briefing"].step.text:
            # An earlier opening told the room what it knew before it was cut off.
            await self._tell_bridge(room, bridge)
        self.kit.performer.relate(list(self.claims.values()), room.identifier, room.team)
        # Slack allows few topics and bookmarks a minute; the run does not wait for them for long.
        await asyncio.gather(
            self._write_room(room),
            self.kit.performer.flush(),
            asyncio.wait(decoration, timeout=DECORATION_SECONDS),
        )
        self.kit.later(decoration)
        self.kit.mirror.watch(room)
        return self._outcome(room, bridge)

    async def _without_channel(self, bridge: Bridge, problem: IncidentCommsError) -> Outcome:
        """Slack gave no channel: keep what the others gave, and say so."""
        summary = f"No channel: {problem}"
        if bridge.url:
            await self.kit.catalog.patch_incident(self.incident.identifier, {"warRoomBridge": bridge.url})
            summary += " The bridge is open; the incident shows its link."
        briefing = [self.claims["briefing"]]
        await self.kit.performer.abandon(briefing, f"no channel: {problem}", cannot_have_happened=True)
        await self.kit.performer.flush()
        links = (bridge.url,) if bridge.url and not self.incident.private else ()
        return Outcome(ok=False, summary=summary, label="No channel", links=links, log=tuple(self.log))

    async def _bridge(self) -> Bridge:
        """The bridge, the static one in its place, or none with the reason; a dead Zoom raises nothing."""
        claim = self.claims.get("bridge")
        static = self.kit.settings.static_bridge_url
        problem = "no Zoom account is configured"
        if claim is not None:
            try:
                receipt = await self.kit.performer.perform(claim)
                host, meeting = str(receipt.data["host"]), str(receipt.data["meeting"])
                return Bridge("zoom", receipt.join_url or await self._join_url(meeting), host, meeting)
            except IncidentCommsError as failure:
                problem = str(failure)
                self.log.append(f"No Zoom meeting: {problem}")
        if static:
            return Bridge("static", static, problem=problem if claim else "")
        return Bridge(problem=problem)

    async def _join_url(self, meeting: str) -> str:
        """The way into a meeting that stands on the record, which keeps no such links."""
        if self.room is not None and self.room.meeting_id == meeting and self.room.bridge_url:
            return self.room.bridge_url
        found = await self.kit.zoom.meeting(meeting) if self.kit.zoom is not None else None
        if found is None:
            raise Refused("zoom", "meetings.get", "3001", f"meeting {meeting} is there no more")
        return found.join_url

    async def _invite(
        self, channel: Receipt, people: asyncio.Task[tuple[dict[str, SlackUser], dict[str, str]]]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(addresses invited, "address: reason" of the others)."""
        found, missing = await people
        refused: dict[str, str] = {}
        if found:
            ids = {user.id: email for email, user in found.items()}
            try:
                refused = await self.kit.slack.invite(str(channel.data["channel"]), list(ids))
            except ServiceError as problem:
                refused = dict.fromkeys(ids, str(problem))
            missing.update({ids[user]: reason for user, reason in refused.items() if user in ids})
        invited = tuple(email for email, user in found.items() if user.id not in refused)
        not_invited = tuple(f"{email}: {reason}" for email, reason in missing.items())
        if not_invited:
            self.log.append(communicator.not_invited(not_invited))
        return invited, not_invited

    def _room(self, channel: Receipt, bridge: Bridge, team_url: str) -> WarRoom:
        identifier = plan.room_id(self.incident.identifier, self.generation)
        before = self.room
        private = self.incident.private or bool(channel.data.get("private"))
        return WarRoom(
            identifier=identifier,
            incident=self.incident.identifier,
            generation=self.generation,
            state="open",
            channel_id=str(channel.data["channel"]),
            channel_name=str(channel.data["name"]),
            channel_url=f"{team_url.rstrip('/')}/archives/{channel.data['channel']}",
            linked=bool(channel.data.get("linked")),
            private=private,
            team=plan.team_of(private, self.kit.settings),
            bridge_kind="zoom" if bridge.kind == "zoom" else "static" if bridge.kind == "static" else "none",
            bridge_url=bridge.url,
            bridge_host=bridge.host,
            meeting_id=bridge.meeting,
            briefing_ts=before.briefing_ts if before else "",
            briefing_url=before.briefing_url if before else "",
            invited=before.invited if before else (),
            not_invited=before.not_invited if before else (),
            closures=before.closures if before else 0,
            opened_at=(before.opened_at if before else None) or now(),
            mirror="off" if plan.hidden(private, self.kit.settings) else "fresh",
        )

    async def _briefing(self, room: WarRoom, bridge: Bridge, new_channel: bool) -> Receipt:
        claim = self.claims["briefing"]
        by = self.command.requested_by
        text, blocks = communicator.briefing(
            self.incident, room.bridge_url, bridge.problem, by, self._buttons()
        )
        if claim.verdict != "sent":
            claim.set(destination=room.channel_id, text=text, details={"blocks": blocks})
        return await self.kit.performer.perform(claim, cannot_have_happened=new_channel)

    def _buttons(self) -> list[tuple[str, str]]:
        """What can be asked for in the room; see `integration.slack_clicks`."""
        publish = [("publish_status_page", "Publish")] if self.kit.statuspage else []
        return [
            ("add_note", "Add note"),
            ("draft_update", "Draft update"),
            *publish,
            ("close_war_room", "Close"),
        ]

    async def _late_bridge(self, room: WarRoom, bridge: Bridge) -> WarRoom:
        """The bridge came after the briefing: tell the room, and mend what was said without it."""
        room = room.model_copy(
            update={
                "bridge_kind": bridge.kind,
                "bridge_url": bridge.url,
                "bridge_host": bridge.host,
                "meeting_id": bridge.meeting,
            }
        )
        work: list[Coroutine[Any, Any, Any]] = [self._tell_bridge(room, bridge)]
        if bridge.url:
            work += [
                self._optional("topic", self._topic(room)),
                self._optional("bookmark", self._bookmark(room, only="Bridge")),
                self._write_back(room),
            ]
        await asyncio.gather(*work)
        return room

    async def _tell_bridge(self, room: WarRoom, bridge: Bridge) -> None:
        """Mend the briefing that was said without the bridge, and say where it is."""
        claim = self.claims["briefing"]
        by = self.command.requested_by
        text, blocks = communicator.briefing(self.incident, bridge.url, bridge.problem, by, self._buttons())

        async def mend() -> None:
            await self.kit.slack.update_message(room.channel_id, room.briefing_ts, text, blocks)
            self.kit.performer.reworded(claim, text)

        await asyncio.gather(
            self._optional("briefing", mend()), *([self._say_bridge(room)] if bridge.url else [])
        )

    async def _say_bridge(self, room: WarRoom) -> None:
        text = communicator.bridge_follows(room.bridge_url)
        step = plan.message(
            room, "bridge link", text, requested_by=self.command.requested_by, run=self.command.run
        )
        (claim,) = await self.kit.performer.intend([step])
        self.claims["bridge link"] = claim
        await self.kit.performer.perform(claim)

    async def _topic(self, room: WarRoom) -> None:
        await set_topic(self.kit, room, communicator.topic(self.incident, room.bridge_url))

    async def _bookmark(self, room: WarRoom, *, only: str = "") -> None:
        wanted = bookmarks(self.incident, room)
        if only:
            wanted = {title: link for title, link in wanted.items() if title == only}
        await add_bookmarks(self.kit, room, wanted, look=self.cut_off)

    async def _write_room(self, room: WarRoom) -> None:
        await self.kit.catalog.write_room(room, f"War room of {self.incident.identifier}", self.previous)

    async def _write_back(self, room: WarRoom) -> None:
        """The war room first: the incident's relation needs it to exist."""
        await self._write_room(room)
        await self.kit.catalog.patch_incident(self.incident.identifier, *shown(room))

    async def _optional(self, what: str, work: Coroutine[Any, Any, Any]) -> None:
        """What the room is better with, but stands without."""
        try:
            await work
        except ServiceError as problem:
            self.log.append(f"The {what} could not be set: {problem}")

    def _outcome(self, room: WarRoom, bridge: Bridge) -> Outcome:
        summary = f"War room of {self.incident.identifier}: #{room.channel_name}"
        # Our log tells the summary, too: no link to the meeting in it.
        summary += f", bridge: {room.bridge_kind}" if room.bridge_url else f", no bridge ({bridge.problem})"
        told = [f"Channel #{room.channel_name}: {room.channel_url}"]
        if room.bridge_url and not room.private:
            told.append(f"Bridge: {room.bridge_url}")
        if room.invited:
            told.append("Invited: " + ", ".join(room.invited))
        return Outcome(
            summary=summary,
            label="Open" if room.bridge_url else "No bridge",
            links=links_of(room),
            log=(*told, *self.log),
        )
