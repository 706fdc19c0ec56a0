"""Brings Port up to date: blueprints, entities, actions, automations. `python -m integration.provision`.

It can be run any number of times. What is missing is added; what people changed stays: an existing
property or relation is never changed or removed, nor are an action's title, icon, description, approval
or its being switched off. The trigger and the call of an action are ours and are renewed. The pause
switch is made where it is missing, the ready audiences where there is no audience at all.

Everything is looked at before anything is written, so that a clash stops it while nothing is half done.
"""

from __future__ import annotations

import asyncio
import copy
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dotenv import dotenv_values

from integration import portjson
from integration.budget import Budget
from integration.errors import BadInput, IncidentCommsError, Refused, ServiceError
from integration.models import Json
from integration.services.port import PortService
from integration.settings import DEFAULT_BLUEPRINT, PREFIX, Settings, variable

DEFAULT_IDENTIFIER = "my-incident-comms-integration"  # Ocean's own, where nobody has set one
"""What `config.yaml` calls an installation that is not named otherwise: Ocean claims runs under it."""

AUDIENCE = "commsAudience"

PRIVATE_WORDS = (
    "incidentWarRoom",
    "incidentNote",
    "incidentCommunication",
    "incidentCommunicationAttempt",
    "incidentRecordLink",
)
"""Where what is said about a private incident stands."""

_SEE = " (docs/guarantees.md says what to set)"

_THEIRS = (
    "title",
    "icon",
    "description",
    "publish",
    *portjson.APPROVAL,
    "allowAnyoneToViewRuns",
)
"""Of an action that exists, what people may have changed and keep."""


@dataclass(frozen=True)
class Target:
    """Where to provision, and what for."""

    base_url: str
    client_id: str
    client_secret: str
    settings: Settings
    door: portjson.Door


def read_target(environment: Mapping[str, str]) -> Target:
    """From the variables that Ocean itself reads (any case). Raises BadInput naming one."""
    known = {name.upper(): value.strip() for name, value in environment.items() if value}

    def required(name: str, meaning: str) -> str:
        if not known.get(name):
            raise BadInput(name, f"is missing: {meaning}")
        return known[name]

    config = {
        name.removeprefix(PREFIX).lower(): value for name, value in known.items() if name.startswith(PREFIX)
    }
    settings = Settings.from_config(config, credentials=False)
    door: portjson.Door
    if settings.door == "webhook":
        door = portjson.Webhook(required("OCEAN__BASE_URL", "the address at which Port reaches us"))
    else:
        door = portjson.IntegrationAction(known.get("OCEAN__INTEGRATION__IDENTIFIER", DEFAULT_IDENTIFIER))
    return Target(
        base_url=known.get("OCEAN__PORT__BASE_URL", "https://api.getport.io"),
        client_id=required("OCEAN__PORT__CLIENT_ID", "Port shows it in the menu ... > Credentials"),
        client_secret=required("OCEAN__PORT__CLIENT_SECRET", "Port shows it in the menu ... > Credentials"),
        settings=settings,
        door=door,
    )


@dataclass
class Pair:
    """A blueprint as we want it and as it is; `skipped` says which of its relations can't be made."""

    wanted: Json
    present: Json | None
    skipped: list[str] = field(default_factory=list)


async def provision(port: PortService, settings: Settings, door: portjson.Door) -> list[str]:
    """Do it. One line for each object, saying what was done. Raises BadInput for what clashes."""
    wanted = portjson.blueprints(settings.incident_blueprint, settings.service_blueprint)
    blueprints = await _look(port, wanted, settings)
    actions = [
        (action, await port.action(action["identifier"]))
        for definition in portjson.definitions()
        for action in portjson.port_actions(definition, settings, door)
    ]
    said = await _write_blueprints(port, blueprints)
    for blueprint, entities in portjson.ready_entities().items():
        said += await _write_entities(port, blueprint, entities)
    said += [await _write_action(port, action, present) for action, present in actions]
    return said + await _who_reads(port, settings.private_rooms_team)


# --- blueprints ------------------------------------------------------------------------------------


async def _look(port: PortService, wanted: portjson.Blueprints, settings: Settings) -> list[Pair]:
    """Every blueprint we want. Raises BadInput for what clashes and for a missing incident blueprint."""
    pairs = [Pair(one, await port.blueprint(one["identifier"])) for one in wanted.own]
    theirs = await port.blueprint(settings.incident_blueprint)
    if theirs is None and settings.incident_blueprint != DEFAULT_BLUEPRINT:
        raise BadInput(
            variable("incident_blueprint"), f"Port has no blueprint {settings.incident_blueprint!r}"
        )
    # One that has all our properties is ours, of an earlier run that may have stopped half-way.
    ours = settings.incident_blueprint == DEFAULT_BLUEPRINT and (
        theirs is None or set(wanted.incident["schema"]["properties"]) <= set(_properties(theirs))
    )
    incident = portjson.merged(wanted.incident, wanted.additions) if ours else wanted.additions
    pairs.insert(0, Pair(incident, theirs))
    clashes = [clash for pair in pairs if pair.present for clash in _clashes(pair.wanted, pair.present)]
    if clashes:
        raise BadInput(
            "blueprint " + clashes[0],
            "; ".join([*clashes[1:], "rename or remove yours, nothing was changed"]),
        )
    ready = {pair.wanted["identifier"] for pair in pairs}
    for pair in pairs:
        await _skip_relations_to_nowhere(port, pair, ready)
    return pairs


def _clashes(wanted: Json, present: Json) -> list[str]:
    """Properties and relations of the same name that can't serve both."""
    name, found = wanted["identifier"], []
    for key, definition in _properties(wanted).items():
        there = _properties(present).get(key)
        if there and there.get("type") != definition["type"]:
            found.append(
                f"{name}: property {key} is of type {there.get('type')}, ours is {definition['type']}"
            )
        elif key in _computed(present):
            found.append(f"{name}: property {key} is computed there, ours is written")
    for key, relation in wanted["relations"].items():
        there = (present.get("relations") or {}).get(key)
        if there and (there.get("target"), bool(there.get("many"))) != (relation["target"], relation["many"]):
            many = "many " if there.get("many") else ""
            found.append(f"{name}: relation {key} goes to {many}{there.get('target')}, ours goes elsewhere")
    return found


async def _skip_relations_to_nowhere(port: PortService, pair: Pair, ready: set[str]) -> None:
    """An organisation without services still gets its rooms; the relation follows when there are some."""
    for key, relation in list(pair.wanted["relations"].items()):
        target = relation["target"]
        if target not in ready and await port.blueprint(target) is None:
            del pair.wanted["relations"][key]
            pair.skipped.append(f"relation {key}, as Port has no blueprint {target}")


async def _write_blueprints(port: PortService, pairs: list[Pair]) -> list[str]:
    """Bare blueprints first: relations go in circles, and Port wants their target to exist."""
    bare = {
        pair.wanted["identifier"]: await port.create_blueprint(
            {key: value for key, value in pair.wanted.items() if key not in ("relations", "ownership")}
        )
        for pair in pairs
        if pair.present is None
    }
    said: list[str] = []
    for pair in pairs:
        identifier = pair.wanted["identifier"]
        changes, names = _missing(pair.wanted, pair.present or bare[identifier])
        if changes:
            await port.patch_blueprint(identifier, changes)
        done = "created" if identifier in bare else f"added {', '.join(names)}" if names else "unchanged"
        without = f" (without {'; '.join(pair.skipped)})" if pair.skipped else ""
        said.append(f"blueprint {identifier}: {done}{without}")
    return said


def _missing(wanted: Json, present: Json) -> tuple[Json, list[str]]:
    """The PATCH that adds what is missing, and the names of it; empty when nothing is.

    Port's PATCH is said to add, yet what it does with a nested object is not documented: everything that
    is there is sent along, so that nothing is lost either way.
    """
    changes: Json = {}
    names: list[str] = []
    properties = copy.deepcopy(_properties(present))
    for key, definition in _properties(wanted).items():
        if key not in properties:
            properties[key] = definition
            names.append(key)
        elif _add_choices(properties[key], definition):
            names.append(f"choices of {key}")
    if names:
        changes["schema"] = {**present["schema"], "properties": properties}
    relations = dict(present.get("relations") or {})
    new = {key: relation for key, relation in wanted["relations"].items() if key not in relations}
    if new:
        changes["relations"] = relations | new
        names += [f"relation {key}" for key in new]
    if "ownership" in wanted and not present.get("ownership") and not present.get("teamInheritance"):
        changes["ownership"] = wanted["ownership"]
        names.append("ownership")
    return changes, names


def _add_choices(present: Json, wanted: Json) -> bool:
    """Add what we write to an enum that lacks it: Port would refuse the whole entity. Whether it did."""
    if not isinstance(present.get("enum"), list) or "enum" not in wanted:
        return False
    lacking = [choice for choice in wanted["enum"] if choice not in present["enum"]]
    if lacking:
        colours = {choice: wanted["enumColors"][choice] for choice in lacking}
        present["enum"] = [*present["enum"], *lacking]
        present["enumColors"] = {**colours, **present.get("enumColors", {})}
    return bool(lacking)


def _properties(blueprint: Json) -> dict[str, Json]:
    found: dict[str, Json] = (blueprint.get("schema") or {}).get("properties") or {}
    return found


def _computed(blueprint: Json) -> set[str]:
    kinds = ("mirrorProperties", "calculationProperties", "aggregationProperties")
    return {key for kind in kinds for key in blueprint.get(kind) or {}}


async def _who_reads(port: PortService, team: str) -> list[str]:
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


def _is_admin(role: Any) -> bool:
    return isinstance(role, str) and (role.casefold() == "admin" or role.casefold().endswith("moderator"))


# --- entities --------------------------------------------------------------------------------------


async def _write_entities(port: PortService, blueprint: str, entities: list[Json]) -> list[str]:
    """Create-only, so that nothing of what is there is touched. A ready audience that somebody deleted
    does not come back as long as there is another."""
    name = f"entity {blueprint}"
    if blueprint == AUDIENCE:
        there = {one.get("identifier") for one in await port.search(blueprint, [], include=["$identifier"])}
        if there:
            ready = [str(one["identifier"]) for one in entities]
            return [f"{name} {one}: {'unchanged' if one in there else 'left out'}" for one in ready]
    said = []
    for outcome in await port.create_entities(blueprint, entities):
        if not (outcome.created or outcome.exists):
            raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)
        said.append(f"{name} {outcome.identifier}: {'created' if outcome.created else 'unchanged'}")
    return said


# --- actions ---------------------------------------------------------------------------------------


async def _write_action(port: PortService, wanted: Json, present: Json | None) -> str:
    identifier, kind = wanted["identifier"], "action"
    if wanted["trigger"]["type"] == "automation":
        kind = "automation"
    try:
        if present is None:
            await port.create_action(wanted)
            return f"{kind} {identifier}: created"
        stale = [key for key in ("trigger", "invocationMethod") if not covers(present.get(key), wanted[key])]
        if not stale:
            return f"{kind} {identifier}: unchanged"
        kept = {key: present[key] for key in _THEIRS if present.get(key) is not None}
        await port.put_action(identifier, wanted | kept)
        return f"{kind} {identifier}: renewed {', '.join(stale)}"
    except Refused as refusal:
        if wanted["invocationMethod"]["type"] == "INTEGRATION_ACTION" and refusal.code == "422":
            raise BadInput(
                variable("door"),
                f"Port does not accept our action types for {identifier}; use the webhook door ({refusal})",
            ) from refusal
        raise


def covers(present: Any, wanted: Any) -> bool:
    """Whether `present` says all that `wanted` says. Port may have added defaults and times of its own,
    but what we no longer want among inputs or in a body must be gone."""
    if isinstance(wanted, dict):
        if not isinstance(present, dict):
            return False
        for key, value in wanted.items():
            closed = key in ("properties", "body", "integrationActionExecutionProperties", "inputs")
            if key not in present or (closed and set(present[key] or {}) != set(value)):
                return False
            if not covers(present[key], value):
                return False
        return True
    if isinstance(wanted, list):
        return (
            isinstance(present, list)
            and len(present) == len(wanted)
            and all(covers(there, one) for there, one in zip(present, wanted, strict=True))
        )
    return bool(present == wanted)


async def _run(target: Target) -> None:
    port = PortService(target.base_url, target.client_id, target.client_secret, Budget())
    try:
        for line in await provision(port, target.settings, target.door):
            print(line)
    finally:
        await port.aclose()


def main() -> int:
    """0 when Port is up to date, 1 when Port refused or could not be reached, 2 for a wrong setting."""
    dotenv = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    try:
        asyncio.run(_run(read_target({**dotenv, **os.environ})))
    except BadInput as error:
        print(f"not provisioned: {error}", file=sys.stderr)
        return 2
    except IncidentCommsError as error:
        print(f"provisioning stopped: {error}\nRun it again, it goes on where it stopped.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
