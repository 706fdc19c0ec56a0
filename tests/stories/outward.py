"""What the stories of words that leave the room share: readers, the pause switch, moments to be killed in."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from sandbox.stage import Json, Stage
from tests.stories.play import COMMANDER, CONFIG, RESPONDER, Incident, becomes, mark

COMMUNICATION = "incidentCommunication"
LOOK_HOLDS = 2.2  # seconds for which a look at the pause switch is believed, and a little
QUICKER = {f"{CONFIG}SETTLE_SECONDS": "0.6", f"{CONFIG}SWEEP_INTERVAL_SECONDS": "1"}
LAGS = {"history_lag_seconds": 0.4, "search_lag_seconds": 0.4, "event_delay_seconds": 0.1}
"""With `QUICKER`: providers show the past as ever, by a fifth of the time, and we wait that much less."""

_numbers = itertools.count(1)


async def audience(stage: Stage, *emails: str, channels: int = 0, **more: Any) -> tuple[str, list[str]]:
    """A new audience with so many channels of its own; its identifier and their ids."""
    number = next(_numbers)
    found = [
        (await stage.ask("POST", "/slack/channels", {"name": f"readers-{number}-{one}", "user": COMMANDER}))[
            "id"
        ]
        for one in range(channels)
    ]
    properties = {"slackChannels": found, "emails": list(emails), **more}
    await stage.create("commsAudience", {"identifier": f"readers-{number}", "properties": properties})
    return f"readers-{number}", found


async def said(stage: Stage, channel: str) -> list[str]:
    """What our bot has said in a channel."""
    seen = await stage.ask("GET", f"/slack/channels/{channel}")
    return [message["text"] for message in seen["messages"] if message["bot"]]


async def inbox(stage: Stage, address: str = "") -> list[Json]:
    query = f"?address={address}" if address else ""
    found: list[Json] = await stage.ask("GET", f"/mail/inbox{query}")
    return found


async def record(incident: Incident) -> dict[str, Json]:
    """Properties of every communication of an incident, by identifier."""
    found = await incident.stage.of_incident(COMMUNICATION, incident.identifier)
    return {str(one["identifier"]): one["properties"] for one in found}


async def recorded(incident: Incident, purpose: str, *states: str) -> Json:
    """The one communication for a purpose once it is in one of these states; with its `identifier`."""

    async def look() -> Json | None:
        found = [
            {**one, "identifier": key}
            for key, one in (await record(incident)).items()
            if one.get("purpose") == purpose and one["state"] in states
        ]
        return found[0] if len(found) == 1 else None

    return await becomes(f"{purpose} of {incident.identifier} is {' or '.join(states)}", look)


async def attempts(stage: Stage, key: str) -> int:
    """How often somebody has taken a communication over."""
    found = await stage.entities("incidentCommunicationAttempt")
    return len([one for one in found if one["relations"]["communication"] == key])


async def send(stage: Stage, key: str, by: str = RESPONDER) -> Json:
    """Press "Send communication" on one; the run when it is final."""
    return await stage.finished(await stage.press("send_communication", key, {}, by))


async def channels(incident: Incident, *, archived: bool = False) -> list[Json]:
    """The channels of an incident in Slack, archived or not."""
    found: list[Json] = await incident.stage.ask("GET", "/slack/channels")
    name = incident.identifier.lower() + "-"
    return [one for one in found if one["name"].startswith(name) and one["archived"] == archived]


# The pause switch


@asynccontextmanager
async def paused(stage: Stage, reason: str = "a rehearsal") -> AsyncIterator[None]:
    """Everything outgoing is paused, and the integration knows it."""
    await _switch(stage, {"paused": True, "reason": reason})
    try:
        yield
    finally:
        await _switch(stage, {"paused": False, "reason": ""})


async def _switch(stage: Stage, properties: Json) -> None:
    await stage.change("commsSwitch", "communications", properties, COMMANDER)
    changed = time.time()

    async def known() -> bool:
        journal = await stage.journal(operation="entities.get")
        looks = [one["started"] for one in journal if "/commsSwitch/" in one["path"]]
        return not looks or looks[-1] > changed or time.time() - looks[-1] > LOOK_HOLDS

    await becomes("the pause switch is known", known)


# Moments


async def on_hold(stage: Stage, operation: str, *, since: int = 0, where: str = "") -> Json:
    """The call of `operation` that hangs at the provider, begun after a mark of the journal."""

    async def look() -> Json | None:
        calls: list[Json] = await stage.ask("GET", "/held")
        hanging = [call for call in calls if call["operation"] == operation and call["n"] > since]
        return next((call for call in hanging if where in call["path"]), None)

    return await becomes(f"a call of {operation} hangs", look)


async def until_intended(stage: Stage, begin: Awaitable[None]) -> None:
    """Begin something; its intents stand in Port, and whoever wrote them has no answer yet."""
    since = await mark(stage)
    fault = {"service": "port", "operation": "entities.bulk", "hold": "after", "times": 100}
    (planned,) = await stage.ask("POST", "/faults", [fault])
    await begin
    await on_hold(stage, "entities.bulk", since=since, where=f"/{COMMUNICATION}/")
    await stage.ask("DELETE", f"/faults/{planned['id']}")


async def quiet(incident: Incident) -> None:
    """Nothing about an incident is written any more: three sweeps pass without a change."""
    stage = incident.stage

    async def still() -> bool:
        journal = await stage.journal(since=incident.since, full="true")
        sweeps = [
            one["n"]
            for one in journal
            if one["operation"] == "blueprint.entities.search" and f"/{COMMUNICATION}/" in one["path"]
        ]
        changes = [
            one["n"]
            for one in journal
            if one["effect"] and one["direction"] == "in" and incident.identifier in str(one["request"])
        ]
        return len([sweep for sweep in sweeps if sweep > max(changes, default=0)]) >= 3

    await becomes(f"nothing is written of {incident.identifier} any more", still, 15)
