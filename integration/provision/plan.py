"""Looks at everything first, then writes: a clash stops it while nothing is half done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection

from integration import portjson
from integration.errors import IncidentCommsError, ServiceError
from integration.models.base import Json
from integration.provision import blueprints, documents, memory, wanted
from integration.provision.part import Part
from integration.services.port import PortService
from integration.services.port_setup import PortSetup
from integration.settings import Settings

PRIVATE_WORDS = (
    "incidentWarRoom",
    "incidentNote",
    "incidentDraft",
    "incidentCommunication",
    "incidentCommunicationAttempt",
    "incidentRecordLink",
    "incidentBridgeEvent",
)
"""Where what is said about a private incident stands."""

_SEE = " (docs/guarantees.md says what to set)"


async def plan(
    port: PortService, settings: Settings, door: portjson.Door, renew: Collection[str] = ()
) -> list[Part]:
    """Every part with what is to be done about it. Raises BadInput for what clashes."""
    setup, again = PortSetup(port), set(renew)
    present = await setup.blueprints()
    pairs = blueprints.look(present, settings)
    known = await memory.recall(port) if memory.BLUEPRINT in present else memory.Memory()
    ready = {pair.wanted["identifier"] for pair in pairs} | set(present)
    entities, actions, cards, pages, agents = await asyncio.gather(
        documents.entities(port, set(present)),
        documents.actions(port, setup, settings, door, known, again),
        documents.scorecards(setup, settings, ready, known, again),
        documents.pages(setup, settings, known, again),
        documents.agents(port, settings, wanted.AGENT_BLUEPRINT in present, known, again),
    )
    reading = [part.after for part in [*actions, *agents] if part.after is not None]
    secrets = await documents.secrets(setup, door, settings.installation_key, known, reading)
    parts = [*blueprints.parts(port, pairs, known), *entities, *secrets, *actions, *cards, *pages, *agents]
    for part in parts:
        part.remembered = known.has(part.written)
    return parts


async def carry_out(port: PortService, parts: list[Part]) -> None:
    """Round by round. What was written is remembered also where a later part fails."""
    left = {id(part): len(part.steps) for part in parts}
    rounds = sorted({number for part in parts for number in part.steps})
    try:
        for number in rounds:
            for part in parts:
                if number in part.steps:
                    await part.steps[number]()
                    left[id(part)] -= 1
    except IncidentCommsError:
        # Where this fails as well, the next run finds what stands equal to ours and remembers that.
        with contextlib.suppress(ServiceError):
            await _remember(port, [part for part in parts if not left[id(part)]])
        raise
    await _remember(port, parts)


async def _remember(port: PortService, parts: list[Part]) -> None:
    await memory.remember(port, [part.written for part in parts if part.written and not part.remembered])


async def provision(port: PortService, settings: Settings, door: portjson.Door) -> list[str]:
    """Do it. One line for each object, saying what was done. Raises BadInput for what clashes."""
    parts = await plan(port, settings, door)
    await carry_out(port, parts)
    return [part.line for part in parts] + await who_reads(port, settings.private_rooms_team)


async def who_reads(port: PortService, team: str) -> list[str]:
    """What keeps private words from being for `team` alone: that a team owns an entity restricts nothing by
    itself. Said, not changed: who may read is the customer's to decide, for public incidents as well."""
    found = []
    for identifier in PRIVATE_WORDS if team else ():
        try:
            entities: Json = (await port.blueprint_permissions(identifier)).get("entities") or {}
        except ServiceError as problem:
            found.append(f"permissions of {identifier}: can't be read, {problem}{_SEE}")
            continue
        read: Json = entities.get("read") or {}
        others = [f"role {role}" for role in read.get("roles") or [] if not _is_admin(role)]
        others += [f"user {user}" for user in read.get("users") or []]
        others += [f"team {other}" for other in read.get("teams") or [] if other != team]
        if others or not read:
            who = ", ".join(others) or "nobody knows who"
            found.append(f"permissions of {identifier}: read by {who}, private incidents included{_SEE}")
    return found


def _is_admin(role: object) -> bool:
    return isinstance(role, str) and (role.casefold() == "admin" or role.casefold().endswith("moderator"))
