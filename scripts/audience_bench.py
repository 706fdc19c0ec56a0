"""`make bench`: one update to many destinations, measured through the real framework, as JSON lines.

Twenty-five Slack channels and as many mailboxes. Slack's limits are on in the sandbox: whoever goes faster
than a method's tier meets a 429. No class is asked for more than its burst: one wave of each is all it takes.
"""

from __future__ import annotations

import time
from collections import Counter

from sandbox.stage import Json, Stage, until

CHANNELS, MAILS = 25, 25
AUDIENCE, INCIDENT = "bench-many", "BENCH-MANY"
SENDING = ("chat.postMessage", "smtp.data")
TEXTS = ("Half of the payments work again.", "All payments work again.")
COMMANDER = "responder@example.com"


async def updates_to_many(stage: Stage) -> list[Json]:
    """Two updates: the bot joins the channels with the first. For each the seconds, the calls, and how many
    were refused for going too fast."""
    channels = []
    for one in range(CHANNELS):
        name = {"name": f"bench-many-{one}", "user": COMMANDER}
        channels.append((await stage.ask("POST", "/slack/channels", name))["id"])
    addresses = [f"bench-many-{one}@example.com" for one in range(MAILS)]
    properties: Json = {"slackChannels": channels, "emails": addresses}
    await stage.create("commsAudience", {"identifier": AUDIENCE, "properties": properties})
    about: Json = {"status": "investigating", "severity": "sev4"}
    await stage.create("incident", {"identifier": INCIDENT, "title": "Many readers", "properties": about})
    return [await _update(stage, text, number) for number, text in enumerate(TEXTS, 1)]


async def _update(stage: Stage, text: str, number: int) -> Json:
    before = len(await stage.journal())
    begun = time.time()
    pressed = await stage.press("post_update", INCIDENT, {"audiences": [AUDIENCE], "text": text}, COMMANDER)
    run = await stage.finished(pressed, 600)
    seconds = time.time() - begun
    wanted = number * (CHANNELS + MAILS)

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
    calls = Counter(str(one["operation"]) for one in entries)
    return {
        "operation": "post_update",
        "update": number,
        "destinations": CHANNELS + MAILS,
        "status": run["status"],
        "states": dict(Counter(one["properties"]["state"] for one in record)),
        "seconds": round(seconds, 3),
        "wave_seconds": wave,
        "refused_429": sum(one["status"] == 429 for one in entries),
        "posts": calls["chat.postMessage"],
        "joins": calls["conversations.join"],
        "mails": calls["smtp.data"],
    }
