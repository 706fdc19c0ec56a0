"""Keep a war room in step with its incident: who may read it, and while it is open its topic, and people who
were added later."""

from __future__ import annotations

import asyncio

from actions.base import Kit, latest_room, need_incident
from actions.privacy import follow_privacy
from integration import communicator, plan
from integration.errors import ServiceError
from integration.models.incident import Incident, WarRoom
from integration.models.run import Command, Outcome


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    async with kit.locks.holding(identifier):
        incident, room = await asyncio.gather(kit.catalog.incident(identifier), latest_room(kit, identifier))
        if room is None or room.state != "open" or plan.is_closed(incident, kit.settings):
            if room is not None:
                channel = await kit.slack.channel(room.channel_id)
                await follow_privacy(kit, incident, room, channel)
            return Outcome(
                summary=f"{identifier} has no open war room; nothing to do.", label="Nothing to do"
            )
        return await sync(incident, room, kit)


async def sync(incident: Incident, room: WarRoom, kit: Kit) -> Outcome:
    channel = await kit.slack.channel(room.channel_id)
    # Nothing is sent by it, so no pause holds it up.
    room = await follow_privacy(kit, incident, room, channel)
    if paused := await kit.performer.paused():
        return Outcome(summary=f"All communication is paused ({paused}); nothing was done.", label="Paused")
    owners = await kit.catalog.owners(incident.services)
    wanted = [email.casefold() for email in (*incident.people, *owners)]
    new = [email for email in dict.fromkeys(wanted) if email not in room.invited]
    found, missing = await kit.people.find(new)
    if channel is None or channel.archived:
        return Outcome(summary=f"#{room.channel_name} is archived; nothing to do.", label="Archived")
    log: list[str] = []
    topic = communicator.topic(incident, room.bridge_url)
    if communicator.same_topic(channel.topic, topic):
        topic = ""
    else:
        try:
            await kit.slack.set_topic(room.channel_id, topic)
            log.append(f"Topic: {communicator.topic(incident, '') if room.private else topic}")
        except ServiceError as problem:
            log.append(f"The topic could not be set: {problem}")
    refused: dict[str, str] = {}
    ids = {user.id: email for email, user in found.items()}
    if ids:
        refused = await kit.slack.invite(room.channel_id, list(ids))
        missing.update({ids[user]: reason for user, reason in refused.items() if user in ids})
    invited = [email for user, email in ids.items() if user not in refused]
    not_invited = [f"{email}: {reason}" for email, reason in missing.items()]
    if invited or not_invited != list(room.not_invited):
        await kit.catalog.patch_room(
            room.identifier, {"invited": [*room.invited, *invited], "notInvited": not_invited}
        )
        kit.mirror.watch(room.model_copy(update={"invited": (*room.invited, *invited)}))
    if invited:
        log.append("Invited: " + ", ".join(invited))
    if not_invited:
        log.append(communicator.not_invited(not_invited))
    changed = bool(topic or invited)
    return Outcome(
        summary=f"#{room.channel_name} is in step with {incident.identifier}.",
        label="In step" if changed else "Nothing new",
        links=(room.channel_url,),
        log=tuple(log),
    )
