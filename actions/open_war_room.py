"""Open an incident's war room: channel, bridge, people, briefing. Three round trips to "he sees it".

1. intents beside the reads that are needed; 2. channel, meeting and people side by side; 3. invite,
briefing, topic, bookmark, war room and incident side by side. A slow Zoom never holds the channel up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from loguru import logger

from actions.base import Kit, need_incident, text_input
from actions.furnish import add_bookmarks, bookmarks, furnish, shown
from integration import communicator, plan
from integration.catalog import now
from integration.errors import BadInput, IncidentCommsError, ServiceError
from integration.models import Command, Incident, Outcome, Receipt, SlackUser, Step, WarRoom
from integration.perform import Claim

DECORATION_SECONDS = 2.0


async def handle(command: Command, kit: Kit) -> Outcome:
    incident = need_incident(command)
    async with kit.locks.holding(incident):
        return await _open(command, kit)


async def _open(command: Command, kit: Kit) -> Outcome:
    automatic = command.automatic
    seen = await _as_sent(command, kit)
    wanted = text_input(command, "channel", 500)
    link = plan.linked_channel(wanted or seen.channel) if wanted or seen.channel else ""

    def steps(incident: Incident, generation: int) -> list[Step]:
        by_purpose = plan.opening(incident, kit.settings, generation, command.requested_by, command.run, link)
        return list(by_purpose.values())

    # Round trip 1. What the run carried may be stale, so the incident is read again beside the intents.
    claims, entity, room, owners, recent, no_link = await asyncio.gather(
        _intend(kit, steps(seen, 1), command.by_person),
        kit.catalog.incident_entity(seen.identifier),
        kit.catalog.room(seen.identifier),
        _owners(kit, seen),
        kit.catalog.rooms_opened_since(now() - timedelta(hours=1)) if automatic else _nothing(),
        _why_no_link(kit, link),
    )
    if entity is None:
        raise BadInput("incident", kit.catalog.unknown_incident(seen.identifier))
    if isinstance(claims, IncidentCommsError):
        raise claims
    incident = kit.catalog.reader.read(entity)
    why_not = plan.why_no_room(incident, kit.settings, automatic, now())
    if why_not is None and room is None and recent >= kit.settings.max_rooms_per_hour:
        why_not = BadInput(
            "maxRoomsPerHour",
            f"{recent} war rooms were opened within the last hour, {kit.settings.max_rooms_per_hour} are "
            f"allowed; press the button on {incident.identifier} if it needs one",
        )
    if why_not is not None:
        await _give_up(kit, claims, str(why_not))
        if automatic:
            return Outcome(summary=f"No war room was opened. {why_not}", label="Not needed")
        raise why_not

    if no_link and room is None:
        await _give_up(kit, claims, no_link)
        raise BadInput("channel", no_link)

    previous = ""
    generation = 1
    while room is not None:
        channel = await kit.slack.channel(room.channel_id)
        if channel is not None and not channel.archived and room.state != "archived":
            return await _repair(command, kit, incident, room, owners)
        # A bot can't unarchive, so the old room stays as it is and a new one refers to it.
        previous, generation = room.identifier, generation + 1
        room = await kit.catalog.room(plan.room_id(incident.identifier, generation))
        if room is None:
            await _give_up(kit, claims, "its channel is archived; a new room takes its place")
            claims = await kit.performer.intend(steps(incident, generation), insist=command.by_person)
    opening = Opening(
        kit, command, incident, generation, previous, {claim.step.purpose: claim for claim in claims}
    )
    return await opening.run((*incident.people, *owners))


async def _give_up(kit: Kit, claims: list[Claim], reason: str) -> None:
    """End the intents of a room that is not wanted. A channel that an earlier, cut off opening has left is
    archived: nobody knows of it, and no incident shows it."""
    by_purpose = {claim.step.purpose: claim for claim in claims}
    channel, briefing = by_purpose["channel"], by_purpose["briefing"]
    left_open = channel.verdict == "recover"
    await kit.performer.abandon([claim for claim in claims if claim is not briefing], reason)
    if channel.done and channel.receipt is not None:
        briefing.set(destination=str(channel.receipt.data["channel"]))
    await kit.performer.abandon([briefing], reason, cannot_have_happened=not channel.done)
    if left_open and channel.done and channel.receipt is not None and not channel.receipt.data.get("linked"):
        await kit.slack.archive(str(channel.receipt.data["channel"]))
    await kit.performer.flush()


async def _as_sent(command: Command, kit: Kit) -> Incident:
    """The incident as the run carried it; read from Port only when it carried none."""
    snapshot = command.snapshot
    if (
        snapshot
        and snapshot.get("identifier") == command.incident
        and isinstance(snapshot.get("properties"), dict)
    ):
        return kit.catalog.reader.read(snapshot)
    return await kit.catalog.incident(command.incident)


async def _intend(kit: Kit, steps: list[Step], insist: bool) -> list[Claim] | IncidentCommsError:
    """The claims, or the error: an unknown incident is better told by the read beside it."""
    try:
        return await kit.performer.intend(steps, insist=insist)
    except IncidentCommsError as problem:
        return problem


async def _why_no_link(kit: Kit, link: str) -> str:
    """Why that channel can't become the room, asked before anything is opened around it; "" when it can."""
    if not link:
        return ""
    try:
        channel = await kit.slack.channel(link)
    except ServiceError as problem:
        logger.warning(f"slack: channel {link} can't be looked at before it is linked: {problem}")
        return ""
    if channel is None:
        return f"Slack shows no channel {link}; a private one is seen once somebody invites our bot into it"
    return f"#{channel.name} is archived; unarchive it or link another" if channel.archived else ""


async def _owners(kit: Kit, incident: Incident) -> tuple[str, ...]:
    try:
        return await kit.catalog.owners(incident.services)
    except ServiceError as problem:
        logger.warning(f"{incident.identifier}: owners of its services can't be read: {problem}")
        return ()


async def _nothing() -> int:
    return 0


async def _repair(
    command: Command, kit: Kit, incident: Incident, room: WarRoom, owners: tuple[str, ...]
) -> Outcome:
    """The room stands: finish what is missing in it, or open it again."""
    steps = plan.opening(
        incident,
        kit.settings,
        room.generation,
        command.requested_by,
        command.run,
        link=room.channel_id if room.linked else "",
    )
    claims = await kit.performer.intend(list(steps.values()))
    by_purpose = {claim.step.purpose: claim for claim in claims}
    if room.state == "closed":
        return await _reopen(command, kit, incident, room)
    if all(claim.verdict == "sent" for claim in claims) and room.briefing_ts:
        return Outcome(
            summary=f"The war room of {incident.identifier} is open already: {room.channel_url}",
            label="Already open",
            links=_links(room),
            log=tuple(f"Not mended: {problem}" for problem in await furnish(kit, room)),
        )
    previous = plan.room_id(incident.identifier, room.generation - 1) if room.generation > 1 else ""
    opening = Opening(kit, command, incident, room.generation, previous, by_purpose, room)
    return await opening.run((*incident.people, *owners))


async def _reopen(command: Command, kit: Kit, incident: Incident, room: WarRoom) -> Outcome:
    step = plan.message(
        room,
        "reopened",
        communicator.reopened(incident),
        number=room.closures,
        requested_by=command.requested_by,
        run=command.run,
    )
    (claim,) = await kit.performer.intend([step])
    await asyncio.gather(
        kit.performer.perform(claim),
        kit.catalog.patch_room(room.identifier, {"state": "open"}),
        kit.catalog.patch_incident(incident.identifier, {"warRoomState": "open"}),
        kit.slack.set_topic(room.channel_id, communicator.topic(incident, room.bridge_url)),
    )
    kit.performer.relate([claim], room.identifier)
    await kit.performer.flush()
    kit.mirror.watch(room.model_copy(update={"state": "open"}))
    return Outcome(
        summary=f"The war room of {incident.identifier} is open again: {room.channel_url}",
        label="Open again",
        links=_links(room),
    )


def _links(room: WarRoom) -> tuple[str, ...]:
    return tuple(link for link in (room.channel_url, room.bridge_url) if link)


@dataclass
class Bridge:
    kind: str = "none"
    url: str = ""
    host: str = ""
    meeting: str = ""
    problem: str = ""


@dataclass
class Opening:
    """One opening of one room, from its claims to a furnished channel."""

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
            update={"briefing_ts": briefing, "invited": invited, "not_invited": not_invited}
        )
        if late:
            bridge = await bridge_task
            room = await self._late_bridge(room, bridge)
        elif bridge.url not in self.claims["briefing"].step.text:
            # An earlier opening told the room what it knew before it was cut off.
            await self._tell_bridge(room, bridge)
        self.kit.performer.relate(list(self.claims.values()), room.identifier)
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
            summary += f" The bridge is open: {bridge.url}"
        briefing = [self.claims["briefing"]]
        await self.kit.performer.abandon(briefing, f"no channel: {problem}", cannot_have_happened=True)
        await self.kit.performer.flush()
        links = (bridge.url,) if bridge.url else ()
        return Outcome(ok=False, summary=summary, label="No channel", links=links, log=tuple(self.log))

    async def _bridge(self) -> Bridge:
        """The bridge, the static one in its place, or none with the reason; a dead Zoom raises nothing."""
        claim = self.claims.get("bridge")
        static = self.kit.settings.static_bridge_url
        problem = "no Zoom account is configured"
        if claim is not None:
            try:
                receipt = await self.kit.performer.perform(claim)
                data = receipt.data
                return Bridge("zoom", str(data["joinUrl"]), str(data["host"]), str(data["meeting"]))
            except IncidentCommsError as failure:
                problem = str(failure)
                self.log.append(f"No Zoom meeting: {problem}")
        if static:
            return Bridge("static", static, problem=problem if claim else "")
        return Bridge(problem=problem)

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
        private = bool(channel.data.get("private"))
        mirrored = not private or bool(self.kit.settings.private_rooms_team)
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
            bridge_kind="zoom" if bridge.kind == "zoom" else "static" if bridge.kind == "static" else "none",
            bridge_url=bridge.url,
            bridge_host=bridge.host,
            meeting_id=bridge.meeting,
            closures=before.closures if before else 0,
            opened_at=(before.opened_at if before else None) or now(),
            mirror="fresh" if mirrored else "off",
        )

    async def _briefing(self, room: WarRoom, bridge: Bridge, new_channel: bool) -> str:
        claim = self.claims["briefing"]
        by = self.command.requested_by
        text, blocks = communicator.briefing(self.incident, room.bridge_url, bridge.problem, by)
        if claim.verdict != "sent":
            claim.set(destination=room.channel_id, text=text, details={"blocks": blocks})
        receipt = await self.kit.performer.perform(claim, cannot_have_happened=new_channel)
        return str(receipt.data["ts"])

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
        text, blocks = communicator.briefing(self.incident, bridge.url, bridge.problem, by)

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
        await self.kit.slack.set_topic(room.channel_id, communicator.topic(self.incident, room.bridge_url))

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
        summary += f", bridge {room.bridge_url}" if room.bridge_url else f", no bridge ({bridge.problem})"
        told = [f"Channel #{room.channel_name}: {room.channel_url}"]
        if room.bridge_url:
            told.append(f"Bridge: {room.bridge_url}")
        if room.invited:
            told.append("Invited: " + ", ".join(room.invited))
        return Outcome(
            summary=summary,
            label="Open" if room.bridge_url else "No bridge",
            links=_links(room),
            log=(*told, *self.log),
        )
