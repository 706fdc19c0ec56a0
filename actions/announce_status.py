"""Tell the room and the audiences that want notices what has changed: status, severity, owner. Concise.

One notice per change and destination, however the events arrive. The first change is told at once; one that
follows closely is kept back on the record until it stands still, and told by the sweeper if it still holds.
Of a private incident the room alone is told: whom else it concerns is a person's decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from loguru import logger

from actions.base import Kit, latest_room, need_incident
from actions.delivery import deliver, outcome
from actions.notice_steps import Notice, kept_back, notice_step
from actions.overtaken import too_late
from integration import audiences as rules
from integration import notices, plan
from integration.audiences import channel_of
from integration.errors import BadInput
from integration.models.audience import Audience
from integration.models.base import Json
from integration.models.communication import Communication, Step
from integration.models.incident import Incident, WarRoom
from integration.models.run import Command, Outcome
from integration.notices import Change
from integration.times import now, when


async def handle(command: Command, kit: Kit) -> Outcome:
    identifier = need_incident(command)
    changed = notices.changes(command.inputs)
    version = str(command.inputs.get("version") or "")
    if not changed:
        return Outcome(summary=f"The status of {identifier} has not changed.", label="Nothing to do")
    entity = await kit.catalog.incident_entity(identifier)
    if entity is None:
        raise BadInput("incident", kit.catalog.unknown_incident(identifier))
    incident = kit.catalog.reader.read(entity)
    room, audiences, record = await asyncio.gather(
        latest_room(kit, identifier), _readers(kit, incident, entity), kit.catalog.communications(identifier)
    )
    overtaken = too_late(when(version))
    standing = tuple(change for change in changed if notices.stands(change, incident))
    told = incident
    if not standing:
        first = changed[0]
        present = notices.value(incident, first.field)
        overtaken = f"overtaken: {identifier} went on from {first.after} to {present}"
    if overtaken:
        standing = changed
        told = incident.model_copy(update={change.field: change.after for change in changed})
    places = destinations(room, audiences, closing=plan.is_closed(told, kit.settings))
    wanted = (
        [] if overtaken else [_waiting(kit, place, standing, record, incident, version) for place in places]
    )
    if overtaken:
        wanted = [Notice(place, standing) for place in places]
    steps = plan.owned(
        [notice_step(command, told, notice, version, record, room) for notice in wanted if notice.changes],
        incident,
        kit.settings,
    )
    if overtaken:
        # On the record all the same: people see what was not said, and can still say it.
        await kit.performer.abandon(await kit.performer.intend(steps), overtaken, "superseded")
        await kit.performer.flush()
        return Outcome(summary=f"Not sent, {overtaken}.", label="Overtaken")
    if not places:
        return Outcome(summary=f"Nobody gets status notices of {identifier}.", label="Nothing to do")
    for notice in wanted:
        for held in notice.earlier:
            kit.performer.supersede(held, "overtaken: it has changed again")
    return await _tell(command, kit, incident, room, steps, standing)


async def _tell(
    command: Command,
    kit: Kit,
    incident: Incident,
    room: WarRoom | None,
    steps: Sequence[Step],
    changed: Sequence[Change],
) -> Outcome:
    claims = await kit.performer.intend(steps)
    now_wanted, later = [], []
    for claim in claims:
        until = kept_back(claim.step)
        if until and (claim.verdict == "mine" or claim.reason.startswith(notices.WAITS)):
            kit.performer.hold(claim, until)
            later.append(claim)
        else:
            now_wanted.append(claim)
    results = await deliver(kit, now_wanted, room, command.run)
    if room is not None:
        kit.performer.relate(later, room.identifier)
    await kit.performer.flush()
    what = ", ".join(f"{one.before} → {one.after}" if one.before else one.after for one in changed)
    ended = outcome(f"{incident.identifier} {what}", results)
    if not later:
        return ended
    held = f" {len(later)} kept back until it stands still or quiet hours end."
    label = ended.label if results else "Kept back"
    lines = tuple(f"… {claim.step.destination}: {kept_back(claim.step)}" for claim in later)
    return ended.model_copy(
        update={"summary": ended.summary + held, "label": label, "log": (*ended.log, *lines)}
    )


def _waiting(
    kit: Kit,
    place: tuple[str, Audience | None],
    changed: tuple[Change, ...],
    record: Sequence[Communication],
    incident: Incident,
    version: str,
) -> Notice:
    """What one destination is to be told, and until when that is kept back."""
    destination, audience = place
    earlier = notices.notices(record, destination)
    held = [one for one in earlier if notices.waiting(one) is not None]
    unheard: tuple[Change, ...] = ()
    for one in held:
        unheard = notices.merged(unheard, notices.told(one))
    at = now()
    calm = timedelta(seconds=kit.settings.notice_calm_seconds)
    versions = {str(one.step.details.get("version")) for one in held}
    if version and version in versions:
        return Notice(place, tuple(notices.told(held[-1])), at=when(held[-1].step.details.get("notBefore")))
    fresh = [kit.audiences.changed(incident.identifier, change.field, version, calm) for change in changed]
    others = [one for one in earlier if str(one.step.details.get("version")) != version]
    until, why = None, ""
    if any(fresh) or notices.restless(changed, others, at, calm):
        until, why = at + calm, "it has just changed before"
    if audience is not None:
        quiet = rules.quiet_until(audience, incident.severity, until or at)
        if quiet is not None:
            until, why = quiet, f"{audience.identifier} has quiet hours"
    return Notice(place, notices.merged(unheard, changed), at=until, why=why, earlier=tuple(held))


async def _readers(kit: Kit, incident: Incident, entity: Json) -> list[Audience]:
    """The audiences that want notices and that the incident concerns."""
    if incident.private:
        return []
    found: list[Audience] = []
    for audience in await kit.audiences.noticed():
        try:
            rules.quiet_until(audience, incident.severity, now())
            if rules.reach(audience, incident, entity).reached:
                found.append(audience)
        except BadInput as problem:
            logger.warning(f"{incident.identifier}: no notice for them: {problem}")
    readers, problems = await kit.audiences.with_people(found)
    for told in problems:
        logger.warning(told)
    return readers


def destinations(
    room: WarRoom | None, audiences: Sequence[Audience], *, closing: bool
) -> list[tuple[str, Audience | None]]:
    """Where a notice goes, each place once; the room is nobody's audience."""
    places: dict[str, tuple[str, Audience | None]] = {}
    # The closing message says it already when the room closes with the incident.
    if room is not None and room.state == "open" and not closing:
        places[room.channel_id] = (room.channel_id, None)
    for audience in audiences:
        for channel in audience.slack_channels:
            try:
                identifier = channel_of(channel)
            except BadInput as problem:
                logger.warning(f"audience {audience.identifier}: {problem}")
                continue
            places.setdefault(identifier, (identifier, audience))
        for address in audience.emails:
            places.setdefault(address.casefold(), (address, audience))
    return list(places.values())
