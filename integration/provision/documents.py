"""Everything but blueprints: actions, their permissions, scorecards, pages, agents, entities, secrets."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from integration import portjson
from integration.errors import BadInput, Refused, ServiceError
from integration.models.base import Json
from integration.provision import wanted
from integration.provision.memory import Memory, Written
from integration.provision.merge import MISSING, Rules, covers, merge, named
from integration.provision.part import Part
from integration.services.port import PortService
from integration.services.port_setup import PortSetup
from integration.settings import Settings, variable

AUDIENCE = "commsAudience"
WRITE, GRANT = 3, 4
"""Rounds, after the blueprints'."""

_STAMPS = ("id", "createdAt", "createdBy", "updatedAt", "updatedBy", "blueprint")
_ACTION = (
    *("identifier", "title", "icon", "description", "trigger", "invocationMethod", "publish"),
    *portjson.APPROVAL,
    "allowAnyoneToViewRuns",
)
_ACTION_RULES = Rules(
    # How it is called is a contract with our code; the rest of an action is the organisation's to change.
    always_ours=lambda path: path == ("invocationMethod",),
    ours_if_unknown=lambda path: path[:1] == ("trigger",),
    dropped=lambda path: path[:1] == ("trigger",),
)
_WORDS_RULES = Rules(dropped=lambda path: True)


@dataclass(frozen=True)
class Verbs:
    """How one thing is made and changed in Port."""

    create: Callable[[Json], Awaitable[object]]
    change: Callable[[Json], Awaitable[object]]


def one(
    kind: str,
    name: str,
    ours: Json,
    there: Json | None,
    memory: Memory,
    rules: Rules,
    verbs: Verbs,
    renew: bool = False,
) -> Part:
    """What is to be done about one thing that stands for itself. `renew`: ours counts, whatever stands."""
    created = there is None or memory.created(kind, name)
    written = Written(kind, name, ours, created)
    if there is None:
        return Part(kind, name, "created", None, ours, {WRITE: lambda: verbs.create(ours)}, written)
    if renew and not covers(there, ours):
        goal = {**there, **ours}
        return Part(
            kind, name, "renewed, as asked", there, goal, {WRITE: lambda: verbs.change(goal)}, written
        )
    found = merge(memory.content(kind, name), there, ours, rules)
    said = "unchanged"
    if found.changes:
        tops = dict.fromkeys(path[0] for path in [*found.added, *found.renewed] if path)
        said = f"renewed {', '.join(tops)}"
    if found.kept:
        said += f"; kept yours: {named(found.kept)}"
    steps = {WRITE: lambda: verbs.change(found.value)} if found.changes else {}
    if found.foreign and memory.content(kind, name) is MISSING and kind in ("scorecard", "page", "agent"):
        # It may be theirs altogether: a thing of the same name that we have not made is left as it is.
        said = f"left as it is: not made by us, or before it was remembered (--renew {name} makes it ours)"
        return Part(kind, name, said, there, there)
    return Part(kind, name, said, there, found.value, steps, written)


# --- actions ---------------------------------------------------------------------------------------


def _as_put(action: Json) -> Json:
    return {key: action[key] for key in _ACTION if action.get(key) is not None}


async def actions(
    port: PortService,
    setup: PortSetup,
    settings: Settings,
    door: portjson.Door,
    memory: Memory,
    renew: set[str],
) -> list[Part]:
    """Buttons and automations, and who may press and approve."""
    ours = [
        (action, definition.get("duty", "update"))
        for definition in portjson.definitions()
        for action in portjson.port_actions(definition, settings, door)
    ]
    present = await asyncio.gather(*(port.action(action["identifier"]) for action, _ in ours))
    found: list[Part] = []
    for (action, _), there in zip(ours, present, strict=True):
        kind = "automation" if action["trigger"]["type"] == "automation" else "action"
        name: str = action["identifier"]
        verbs = Verbs(partial(_create_action, port), partial(_put_action, port))
        stands = None if there is None else _as_put(there)
        found.append(one(kind, name, action, stands, memory, _ACTION_RULES, verbs, name in renew))
    granted = await asyncio.gather(
        *(
            _grant(setup, action, who, there is None, memory)
            for (action, duty), there in zip(ours, present, strict=True)
            if (who := wanted.permissions(action, duty, settings)) is not None
        )
    )
    return [*found, *(part for part in granted if part is not None)]


async def _create_action(port: PortService, action: Json) -> None:
    await _accepted(action, port.create_action(action))


async def _put_action(port: PortService, action: Json) -> None:
    await _accepted(action, port.put_action(action["identifier"], action))


async def _accepted(action: Json, answer: Awaitable[object]) -> None:
    try:
        await answer
    except Refused as refusal:
        if action["invocationMethod"]["type"] == "INTEGRATION_ACTION" and refusal.code == "422":
            raise BadInput(
                variable("door"),
                f"Port does not accept our action types for {action['identifier']};"
                f" use the webhook door ({refusal})",
            ) from refusal
        raise


async def _grant(setup: PortSetup, action: Json, who: Json, new: bool, memory: Memory) -> Part | None:
    """Never looser than people made it: what they granted stays, whatever we ship."""
    name: str = action["identifier"]
    there = wanted.PORTS_OWN
    if not new:
        try:
            there = await setup.action_permissions(name)
        except ServiceError as problem:
            return Part("grant", name, f"can't be read, {problem}")
    there = {part: {key: there.get(part, {}).get(key, []) for key in who[part]} for part in who}
    last = memory.content("grant", name)
    if last is MISSING and covers(there, {part: wanted.PORTS_OWN[part] for part in who}):
        last = there
    found = merge(last, there, who, Rules())
    written = Written("grant", name, who, created=False)
    if not found.changes:
        said = f"kept yours: {named(found.kept)}" if found.kept else "unchanged"
        if found.foreign:
            return Part("grant", name, "left as people made them", there, there)
        return Part("grant", name, said, there, there, {}, written)
    goal: Json = found.value
    return Part(
        "grant",
        name,
        f"granted {', '.join(dict.fromkeys(path[0] for path in [*found.added, *found.renewed]))}",
        there,
        goal,
        {GRANT: lambda: setup.grant_action(name, goal)},
        written,
    )


# --- scorecards, pages, agents ---------------------------------------------------------------------


async def scorecards(
    setup: PortSetup, settings: Settings, ready: set[str], memory: Memory, renew: set[str]
) -> list[Part]:
    """`ready`: the blueprints that are there, or will be."""

    async def part(card: Json) -> Part:
        blueprint, name = str(card["blueprint"]), str(card["identifier"])
        body = {key: value for key, value in card.items() if key != "blueprint"}
        there = await setup.scorecard(blueprint, name)
        stands = None if there is None else _plain(there)
        verbs = Verbs(
            lambda goal: setup.create_scorecard(blueprint, goal),
            lambda goal: setup.put_scorecard(blueprint, name, goal),
        )
        return one(
            "scorecard", f"{blueprint}/{name}", body, stands, memory, _WORDS_RULES, verbs, name in renew
        )

    cards = wanted.scorecards(settings)
    return list(await asyncio.gather(*(part(card) for card in cards if card["blueprint"] in ready)))


async def pages(setup: PortSetup, settings: Settings, memory: Memory, renew: set[str]) -> list[Part]:
    async def part(page: Json) -> Part:
        name = str(page["identifier"])
        there = await setup.page(name)
        stands = None if there is None else _plain(there)
        verbs = Verbs(setup.create_page, lambda goal: setup.put_page(name, goal))
        return one("page", name, page, stands, memory, _WORDS_RULES, verbs, name in renew)

    return list(await asyncio.gather(*(part(page) for page in wanted.pages(settings))))


async def agents(
    port: PortService, settings: Settings, switched_on: bool, memory: Memory, renew: set[str]
) -> list[Part]:
    """Agents are entities of a blueprint that is there only where AI is switched on."""
    ours = wanted.agents(settings)
    if not switched_on:
        off = f"left out, as Port has no blueprint {wanted.AGENT_BLUEPRINT}: AI is not switched on there"
        return [Part("agent", str(agent["identifier"]), off) for agent in ours]

    async def part(agent: Json) -> Part:
        name = str(agent["identifier"])
        there = await port.get_entity(wanted.AGENT_BLUEPRINT, name)
        stands = None
        if there is not None:
            stands = {
                key: there[key] for key in ("identifier", "title", "icon", "properties") if there.get(key)
            }

        async def write(goal: Json) -> None:
            for outcome in await port.merge_entities(wanted.AGENT_BLUEPRINT, [goal]):
                if outcome.error:
                    raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)

        return one("agent", name, agent, stands, memory, _WORDS_RULES, Verbs(write, write), name in renew)

    return list(await asyncio.gather(*(part(agent) for agent in ours)))


def _plain(content: Json) -> Json:
    return {key: value for key, value in content.items() if key not in _STAMPS and value is not None}


# --- entities and secrets --------------------------------------------------------------------------


async def entities(port: PortService, ready: set[str]) -> list[Part]:
    """Create-only, so that nothing of what is there is touched. A ready audience that somebody deleted does
    not come back as long as there is another. `ready`: the blueprints that are there already."""
    found: list[Part] = []
    for blueprint, ours in portjson.ready_entities().items():
        there: set[str] = set()
        if blueprint in ready:
            present = await port.search(blueprint, [], include=["$identifier"])
            there = {str(one.get("identifier")) for one in present}
        new: list[Part] = []
        for entity in ours:
            name = str(entity["identifier"])
            if name in there or (blueprint == AUDIENCE and there):
                said = "unchanged" if name in there else "left out"
                found.append(Part(f"entity {blueprint}", name, said))
            else:
                new.append(Part(f"entity {blueprint}", name, "created", None, entity))
        if new:
            # All in one call: a run that is cut off leaves all of them or none.
            new[0].steps[WRITE] = partial(_create, port, blueprint, new)
            for part in new[1:]:
                part.steps[WRITE] = _with_the_first
        found += new
    return found


async def _create(port: PortService, blueprint: str, new: list[Part]) -> None:
    outcomes = await port.create_entities(blueprint, [part.after for part in new if part.after is not None])
    for part, outcome in zip(new, outcomes, strict=True):
        if not (outcome.created or outcome.exists):
            raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)
        part.said = "created" if outcome.created else "unchanged"


async def _with_the_first() -> None:
    """Written together with the first of its blueprint."""


async def secrets(
    setup: PortSetup, door: portjson.Door, key: str, memory: Memory, others: list[Json]
) -> list[Part]:
    """Our public address, which Ocean's defaults read from a secret; and those that `others` read and that
    only people can give. A secret's value can't be read back: remembered is its digest under `key`."""
    try:
        there = await setup.secrets()
    except ServiceError as problem:
        return [Part("secret", wanted.ADDRESS_SECRET, f"can't be read, {problem}")]
    found: list[Part] = []
    if isinstance(door, portjson.Webhook):
        name, address = wanted.ADDRESS_SECRET, door.base_url.rstrip("/")
        digest = hmac.new(key.encode(), address.encode(), hashlib.sha256).hexdigest()
        created = name not in there or memory.created("secret", name)
        written = Written("secret", name, {"digest": digest}, created)
        part = Part("secret", name, "unchanged", written=written)
        if name not in there:
            about = "Where incident-comms is reached"
            part = Part("secret", name, "created", None, {"value": "***"}, written=written)
            part.steps[WRITE] = lambda: setup.create_secret(name, address, about)
        elif memory.content("secret", name) != {"digest": digest}:
            part = Part("secret", name, "changed", {"value": "*** before"}, {"value": "***"}, written=written)
            part.steps[WRITE] = lambda: setup.change_secret(name, address)
        found.append(part)
    for name in sorted(wanted.secret_names(others) - there - {part.name for part in found}):
        found.append(Part("secret", name, "MISSING: an action reads it; add it in Port (Settings > Secrets)"))
    return found
