"""`make bench`: one update to many destinations, measured through the real framework, as JSON lines.

Twenty-five Slack channels and as many mailboxes, twice; then fifty channels that are all to be joined
first, more than the tier's burst lets through at once. Slack's limits are on in the sandbox: whoever goes
faster than a method's tier meets a 429. `floor_seconds` is what the tiers make of the calls at best, by the
slowest of their classes, and `within` 1.1 times that; both are 0 where no tier holds anything back.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from integration.services.slack_tiers import rate_of
from sandbox.stage import Json, Stage, until

CHANNELS, MAILS = 25, 25
ONLY_CHANNELS = 50
AUDIENCE, ALL, INCIDENT = "bench-many", "bench-all", "BENCH-MANY"
ALLOWANCE_SECONDS = 35.0
SENDING = ("chat.postMessage", "smtp.data")
TEXTS = ("Half of the payments work again.", "All payments work again.")
COMMANDER = "responder@example.com"


async def updates_to_many(stage: Stage) -> list[Json]:
    """Two updates: the bot joins the channels with the first. For each the seconds, the calls, and how many
    were refused for going too fast."""
    channels = await _channels(stage, "bench-many", CHANNELS)
    addresses = [f"bench-many-{one}@example.com" for one in range(MAILS)]
    properties: Json = {"slackChannels": channels, "emails": addresses}
    await stage.create("commsAudience", {"identifier": AUDIENCE, "properties": properties})
    about: Json = {"status": "investigating", "severity": "sev4"}
    await stage.create("incident", {"identifier": INCIDENT, "title": "Many readers", "properties": about})
    found = [await _update(stage, text, number) for number, text in enumerate(TEXTS, 1)]
    joined: Json = {"slackChannels": await _channels(stage, "bench-all", ONLY_CHANNELS)}
    await stage.create("commsAudience", {"identifier": ALL, "properties": joined})
    # By then the tier's allowance is whole again.
    await asyncio.sleep(ALLOWANCE_SECONDS)
    found.append(await _update(stage, "Payments are stable.", 3, ALL, ONLY_CHANNELS))
    return found


async def _channels(stage: Stage, name: str, count: int) -> list[str]:
    found = []
    for one in range(count):
        asked = {"name": f"{name}-{one}", "user": COMMANDER}
        found.append(str((await stage.ask("POST", "/slack/channels", asked))["id"]))
    return found


def _floor(entries: list[Json]) -> float:
    """Seconds that the tiers need for these calls at least: the burst at once, the rest evenly."""
    # One message a channel is below every burst.
    methods = [str(one["operation"]) for one in entries if one["service"] == "slack"]
    asked = Counter(method for method in methods if method != "chat.postMessage")
    waits = [(count - rate_of(name).burst) * 60 / rate_of(name).per_minute for name, count in asked.items()]
    return round(max([0.0, *waits]), 3)


async def _update(stage: Stage, text: str, number: int, audience: str = AUDIENCE, more: int = 0) -> Json:
    before = len(await stage.journal())
    begun = time.time()
    pressed = await stage.press("post_update", INCIDENT, {"audiences": [audience], "text": text}, COMMANDER)
    run = await stage.finished(pressed, 600)
    seconds = time.time() - begun
    wanted = number * (CHANNELS + MAILS) if not more else (number - 1) * (CHANNELS + MAILS) + more

    async def recorded() -> list[Json] | None:
        found = await stage.of_incident("incidentCommunication", INCIDENT)
        return found if len(found) >= wanted else None

    record = await until("everything is on the record", recorded, 60)
    entries = [one for one in (await stage.journal())[before:] if one["direction"] == "in"]
    sent = [one for one in entries if one["operation"] in SENDING and one["effect"]]
    wave = {}
    for service in ("slack", "mail"):
        times = [
            (one["started"], one["started"] + one["seconds"]) for one in sent if one["service"] == service
        ]
        wave[service] = (
            round(max(end for _, end in times) - min(start for start, _ in times), 3) if times else 0
        )
    floor = _floor(entries)
    calls = Counter(str(one["operation"]) for one in entries)
    return {
        "operation": "post_update",
        "update": number,
        "destinations": more or CHANNELS + MAILS,
        "status": run["status"],
        "states": dict(Counter(one["properties"]["state"] for one in record)),
        "seconds": round(seconds, 3),
        "wave_seconds": wave,
        "floor_seconds": floor,
        "within": round(1.1 * floor, 3),
        "refused_429": sum(one["status"] == 429 for one in entries),
        "posts": calls["chat.postMessage"],
        "joins": calls["conversations.join"],
        "mails": calls["smtp.data"],
    }
