"""Open an incident's war room: channel, bridge, people, briefing. Three round trips to "he sees it".

1. intents beside the reads that are needed; 2. channel, meeting and people side by side; 3. invite,
briefing, topic, bookmark, war room and incident side by side. A slow Zoom never holds the channel up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import timedelta

from loguru import logger

from actions.base import Kit, need_incident, text_input
from actions.furnish import furnish
from actions.opening import Opening, links_of
from actions.privacy import follow_privacy
from integration import communicator, plan
from integration.claim import Claim
from integration.errors import BadInput, IncidentCommsError, ServiceError
from integration.models.communication import Step
from integration.models.incident import Incident, WarRoom
from integration.models.run import Command, Outcome
from integration.times import iso, now

LINK_LIMIT = 500  # characters of a channel's id or address


async def handle(command: Command, kit: Kit) -> Outcome:
    incident = need_incident(command)
    async with kit.locks.holding(incident):
        seen = await _as_sent(command, kit)
        link, unusable = _wanted_link(command, seen)
        # Port's search lags: one after the other, those who want one channel know of each other.
        async with kit.locks.holding(f"slack channel {link or 'of ' + incident}"):
            return await _open(command, kit, seen, link, unusable)


async def _open(command: Command, kit: Kit, seen: Incident, link: str, unusable: str) -> Outcome:
    automatic = command.automatic

    def steps(incident: Incident, generation: int) -> list[Step]:
        linked = "" if unusable else link
        by_purpose = plan.opening(
            incident, kit.settings, generation, command.requested_by, command.run, linked
        )
        return list(by_purpose.values())

    # Round trip 1. What the run carried may be stale, so the incident is read again beside the intents.
    claims, entity, room, owners, shown, no_link = await asyncio.gather(
        _intend(kit, steps(seen, 1), command.by_person),
        kit.catalog.incident_entity(seen.identifier),
        kit.catalog.room(seen.identifier),
        _owners(kit, seen),
        kit.catalog.rooms_opened_since(now() - timedelta(hours=1)) if automatic else _none(),
        _why_no_link(kit, seen.identifier, link),
    )
    if entity is None:
        raise BadInput("incident", kit.catalog.unknown_incident(seen.identifier))
    if isinstance(claims, IncidentCommsError):
        raise claims
    incident = kit.catalog.reader.read(entity)
    why_not = plan.why_no_room(incident, kit.settings, automatic, now())
    unusable = unusable or no_link
    if why_not is None and room is None:
        if no_link and not automatic:
            why_not = BadInput("channel", no_link)
        else:
            why_not = _decide(kit, automatic, incident, 1, shown)
    if why_not is not None:
        await _give_up(kit, claims, str(why_not), orphans=room is None)
        return _not_opened(automatic, why_not)
    if no_link and room is None:
        _open_anew(claims, steps(incident, 1))

    previous = ""
    generation = 1
    while room is not None:
        channel = await kit.slack.channel(room.channel_id)
        taken = ""
        if room.linked and room.state == "closed":
            taken = await _why_taken(kit, incident.identifier, room.channel_id)
            if taken and not automatic:
                raise BadInput("channel", taken)
        if channel is not None and not channel.archived and room.state != "archived" and not taken:
            room = await follow_privacy(kit, incident, room, channel)
            return await _repair(command, kit, incident, room, owners)
        # A bot can't unarchive, so the old room stays as it is and a new one refers to it.
        previous, generation = room.identifier, generation + 1
        room = await kit.catalog.room(plan.room_id(incident.identifier, generation))
        if room is None:
            gone = taken or "its channel is archived"
            await _give_up(kit, claims, f"{gone}; a new room takes its place")
            if no_link and text_input(command, "channel", LINK_LIMIT):
                raise BadInput("channel", no_link)
            if (why_not := _decide(kit, automatic, incident, generation, shown)) is not None:
                return _not_opened(automatic, why_not)
            claims = await kit.performer.intend(steps(incident, generation), insist=command.by_person)
    opening = Opening(
        kit, command, incident, generation, previous, {claim.step.purpose: claim for claim in claims}
    )
    if unusable:
        opening.log.append(f"Its channel could not be linked, so a new one was opened: {unusable}")
    opened = False
    try:
        outcome = await opening.run((*incident.people, *owners))
        opened = outcome.ok
        return outcome
    finally:
        if not opened:
            kit.openings.undo(plan.room_id(incident.identifier, generation))


def _wanted_link(command: Command, incident: Incident) -> tuple[str, str]:
    """(id of the channel to link, why what is named can't be one). A person hears of it at once, whereas
    a severe incident gets its room whatever some tool has written into that property."""
    named = text_input(command, "channel", LINK_LIMIT) or incident.channel
    if not named:
        return "", ""
    try:
        return plan.linked_channel(named), ""
    except BadInput as problem:
        if not command.automatic:
            raise
        return "", str(problem)


def _decide(
    kit: Kit, automatic: bool, incident: Incident, generation: int, shown: Collection[str]
) -> BadInput | None:
    """Why this room is one too many, or None when it is to be opened, which counts from now on."""
    opened, most = kit.openings.count(shown), kit.settings.max_rooms_per_hour
    if automatic and opened >= most:
        return BadInput(
            "maxRoomsPerHour",
            f"{opened} war rooms were opened within the last hour, {most} are allowed; "
            f"press the button on {incident.identifier} if it needs one",
        )
    kit.openings.decide(plan.room_id(incident.identifier, generation))
    return None


def _not_opened(automatic: bool, why_not: BadInput) -> Outcome:
    if automatic:
        return Outcome(summary=f"No war room was opened. {why_not}", label="Not needed")
    raise why_not


def _open_anew(claims: list[Claim], steps: list[Step]) -> None:
    """Turn what was to link a channel into what opens one."""
    wanted = {step.key: step for step in steps}
    for claim in claims:
        step = wanted.get(claim.step.key)
        if step is not None and not claim.done:
            update = {"destination": step.destination, "details": step.details}
            claim.step = claim.step.model_copy(update=update)


async def _give_up(kit: Kit, claims: list[Claim], reason: str, *, orphans: bool = False) -> None:
    """End the intents of a room that is not wanted. With `orphans` there is no war room, so what an earlier,
    cut off opening has left is taken back: nobody knows of it, and no incident shows it."""
    by_purpose = {claim.step.purpose: claim for claim in claims}
    channel, briefing, bridge = by_purpose["channel"], by_purpose["briefing"], by_purpose.get("bridge")
    await kit.performer.abandon([claim for claim in claims if claim is not briefing], reason)
    if channel.done and channel.receipt is not None:
        briefing.set(destination=str(channel.receipt.data["channel"]))
    await kit.performer.abandon([briefing], reason, cannot_have_happened=not channel.done)
    await kit.performer.flush()
    if orphans and channel.done and channel.receipt is not None and not channel.receipt.data.get("linked"):
        await kit.slack.archive(str(channel.receipt.data["channel"]))
    if orphans and bridge is not None and bridge.done and bridge.receipt is not None and kit.zoom is not None:
        await kit.zoom.delete_meeting(str(bridge.receipt.data["meeting"]))


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


async def _why_taken(kit: Kit, incident: str, channel: str) -> str:
    """Why a channel can't be this incident's room because it is another's, "" when it can: in a room of
    two incidents nobody could tell what is said about which."""
    here = kit.mirror.room(channel)  # the search may not show it yet
    try:
        shown = await kit.catalog.rooms_of_channel(channel)
        others = {
            room.identifier for room in [*shown, *([here] if here else [])] if room.incident != incident
        }
        rooms = await asyncio.gather(*(kit.catalog.room(other) for other in sorted(others)))
    except ServiceError as problem:
        logger.warning(f"port: whose room channel {channel} is can't be read: {problem}")
        rooms = [here] if here and here.incident != incident else []
    for room in rooms:
        if room is not None and room.state == "open" and room.channel_id == channel:
            return f"#{room.channel_name} is the open war room of {room.incident}; close that first"
    return ""


async def _why_no_link(kit: Kit, incident: str, link: str) -> str:
    """Why that channel can't become the room, asked before anything is opened around it; "" when it can."""
    if not link:
        return ""
    channel, taken = await asyncio.gather(_shown(kit, link), _why_taken(kit, incident, link))
    return channel or taken


async def _shown(kit: Kit, link: str) -> str:
    """Why a channel can't be used for what Slack says of it, "" when it can."""
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


async def _none() -> frozenset[str]:
    return frozenset()


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
    claims = await kit.performer.intend(list(steps.values()), insist=command.by_person)
    by_purpose = {claim.step.purpose: claim for claim in claims}
    if room.state == "closed":
        return await _reopen(command, kit, incident, room)
    # Zoom may have failed us when its link was to be read again, which the record does not keep.
    without_link = "bridge" in by_purpose and not room.bridge_url
    if all(claim.verdict == "sent" for claim in claims) and room.briefing_ts and not without_link:
        return Outcome(
            summary=f"The war room of {incident.identifier} is open already: {room.channel_url}",
            label="Already open",
            links=links_of(room),
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
    log: list[str] = []
    try:
        await kit.performer.perform(claim)
        # It stands without its topic, and Slack allows few of them a minute.
        await kit.slack.set_topic(room.channel_id, communicator.topic(incident, room.bridge_url))
    except IncidentCommsError as problem:
        log.append(f"The {'topic could not be set' if claim.done else 'room was not told'}: {problem}")
    kit.performer.relate([claim], room.identifier)
    await kit.performer.flush()
    # The room last of all: a reopening that was cut off before this is taken up again.
    await kit.catalog.patch_incident(incident.identifier, {"warRoomState": "open"})
    reopened_at = now()
    await kit.catalog.patch_room(room.identifier, {"state": "open", "reopenedAt": iso(reopened_at)})
    kit.mirror.watch(room.model_copy(update={"state": "open", "reopened_at": reopened_at}))
    return Outcome(
        summary=f"The war room of {incident.identifier} is open again: {room.channel_url}",
        label="Open again",
        links=links_of(room),
        log=tuple(log),
    )
