"""What is told outside the room: audiences, status page, pause switch. Each act checks what was promised."""

from __future__ import annotations

import asyncio

from sandbox.stage import Json, Stage, StageError, until
from sandbox.story_people import (
    BY_HAND,
    COMMANDER,
    EXECUTIVES,
    HELD_UPDATE,
    INCIDENT,
    LEAD,
    NOTE,
    PUBLIC_BODY,
    PUBLIC_END,
    PUBLIC_NAME,
    PUBLIC_UPDATE,
    RESPONDER,
    SUPPORT,
    UPDATE,
    expect,
)

PAGE, PAY, LOGIN = "sbxstatus001", "sbxcheckout1", "sbxlogin0001"
"""The sandbox's status page and two of its components."""
ENGINEERING, ANNOUNCEMENTS = "eng-incidents", "support-announcements"
SWITCH_SECONDS = 2.2  # the pause switch acts within two seconds
SHORT = 45  # characters of a text by which it is recognised


class Outside:
    """The acts in their order; each gives lines to show. Raises StageError when a promise was not kept."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.channels: dict[str, str] = {}  # id by name
        self.held_runs: set[str] = set()
        """Runs that were right to fail: communication was paused."""
        self.told_in_review = ("30 % of payments", PUBLIC_BODY[:SHORT], NOTE[:SHORT], LEAD)
        """What timeline and RCA have to say."""

    # Who is told

    async def audiences(self) -> list[str]:
        for name, owner in ((ENGINEERING, RESPONDER), (ANNOUNCEMENTS, SUPPORT)):
            made = await self.stage.ask("POST", "/slack/channels", {"name": name, "user": owner})
            self.channels[name] = str(made["id"])
        for name, properties in (
            ("engineering", {"slackChannels": [self.channels[ENGINEERING]]}),
            ("support", {"slackChannels": [self.channels[ANNOUNCEMENTS]], "notices": True}),
            ("executives", {"emails": list(EXECUTIVES)}),
        ):
            await self.stage.change("commsAudience", name, properties)
        return [
            f"engineering reads #{ENGINEERING}, executives read mail",
            f"support reads #{ANNOUNCEMENTS} and wants status notices",
        ]

    async def update(self, channel: str) -> list[str]:
        inputs = {"audiences": ["engineering", "executives"], "text": UPDATE}
        first = await self._pressed("post_update", inputs, COMMANDER)
        again = await self._pressed("post_update", inputs, RESPONDER)
        await self._heard_once(ENGINEERING, "payments fail")
        for address in EXECUTIVES:
            mails = await self.mails(address)
            expect(len(mails) == 1, f"{address} has {len(mails)} mails instead of one")
            expect("payments fail" in mails[0]["text"], f"the mail to {address} lacks the update")
        return [str(first.get("summary")), str(again.get("summary"))]

    async def notice(self, channel: str) -> list[str]:
        await self.stage.change("incident", INCIDENT, {"status": "identified"}, COMMANDER)
        run = await self.run_of("announce_status_on_change")
        expect(run["status"] == "SUCCESS", f"the notice ended {run['status']}: {run.get('summary')}")
        for where in (channel, ANNOUNCEMENTS):
            await self._heard_once(where, "identified")
        return [str(run.get("summary"))]

    # What customers see

    async def publish(self, channel: str) -> list[str]:
        await self._in_port("statuspage", PAGE)
        await self._in_port("statuspageComponent", PAY, status="operational")
        inputs = {
            "page": PAGE,
            "name": PUBLIC_NAME,
            "body": PUBLIC_BODY,
            "status": "investigating",
            "components": [PAY],
            "componentStatus": "partial_outage",
            "notifySubscribers": True,
        }
        told = await self._approved("publish_status_page", inputs)
        [shown] = (await self.seen())["open"]
        expect(shown["name"] == PUBLIC_NAME, f"the page shows {shown['name']!r}")
        await self._state(PAY, "partial_outage")
        await self._in_port("incident", INCIDENT, publicStatus="investigating")
        return told

    async def update_page(self, channel: str) -> list[str]:
        inputs = {
            "body": PUBLIC_UPDATE,
            "status": "identified",
            "components": [PAY],
            "componentStatus": "degraded_performance",
            "notifySubscribers": True,
        }
        told = await self._approved("update_status_page", inputs)
        [shown] = (await self.seen())["open"]
        expect(shown["updates"][0]["body"] == PUBLIC_UPDATE, "the update is not the newest on the page")
        await self._state(PAY, "degraded_performance")
        await self._in_port("incident", INCIDENT, publicStatus="identified")
        return told

    async def by_hand(self, channel: str) -> list[str]:
        """Somebody works on the page itself; nobody asks us."""
        [shown] = (await self.seen())["open"]
        await self.stage.ask("PATCH", f"/statuspage/components/{LOGIN}", {"status": "degraded_performance"})
        said = {"body": BY_HAND, "status": "monitoring"}
        await self.stage.ask("POST", f"/statuspage/incidents/{shown['id']}", said)
        await self._in_port("statuspageComponent", LOGIN, status="degraded_performance")
        await self._in_port("statuspageIncident", shown["id"], status="monitoring")
        await self._in_port("incident", INCIDENT, publicStatus="monitoring")
        return ["component Login is degraded_performance in Port, the incident's publicStatus is monitoring"]

    async def resolve(self, channel: str) -> list[str]:
        end = {"body": PUBLIC_END, "notifySubscribers": True, "override": "It is closed here in a minute."}
        told = await self._approved("resolve_status_page", end)
        seen = await self.seen()
        expect(not seen["open"], "the public incident is still open")
        await self._state(PAY, "operational")
        await self._state(LOGIN, "degraded_performance")
        await self._in_port("incident", INCIDENT, publicStatus="resolved")
        return [*told, "Checkout is operational again; Login, changed by hand, is as it was left"]

    async def seen(self) -> Json:
        """The page as a customer sees it."""
        found: Json = await self.stage.ask("GET", f"/statuspage/view/{PAGE}")
        return found

    async def components(self) -> dict[str, str]:
        """The state of every component on the page, by name."""
        seen = await self.seen()
        every = [*seen["components"], *(one for group in seen["groups"] for one in group["components"])]
        return {one["name"]: one["status"] for one in every}

    async def _approved(self, action: str, inputs: Json) -> list[str]:
        """Press as the commander, who may not approve his own text; then somebody else does."""
        run = await self.stage.press(action, INCIDENT, inputs, COMMANDER)
        waiting = await self.stage.run(run)
        expect(waiting["status"] == "WAITING_FOR_APPROVAL", f"{action} is {waiting['status']}, not waiting")
        try:
            await self.stage.approve(run, COMMANDER)
        except StageError:
            pass
        else:
            raise StageError(f"{action}: the commander could approve his own text")
        read = await self._shown(run)
        expect(inputs["body"] in read["preview"], f"{action}: the approver can't read what goes out")
        await self.stage.approve(run, LEAD)
        done = await self.stage.finished(run)
        expect(done["status"] == "SUCCESS", f"{action} ended {done['status']}: {done.get('summary')}")
        digest = str(read["contentHash"])[:12]
        return [str(done.get("summary")), f"asked for by {COMMANDER}, {digest} read and approved by {LEAD}"]

    async def _shown(self, run: str) -> Json:
        """What a run that waits would say, once whoever approves it can read that and the room knows."""

        async def look() -> Json | None:
            about = {
                one["properties"]["purpose"]: one["properties"]
                for one in await self.stage.of_incident("incidentCommunication", INCIDENT)
                if one["properties"]["run"] == run
            }
            told = about.get("approval notice", {}).get("state") == "sent"
            return dict(about["preview"]) if told and "preview" in about else None

        return await until(f"what run {run} would say can be read", look)

    async def _state(self, component: str, status: str) -> None:
        seen = await self.seen()
        every = [*seen["components"], *(one for group in seen["groups"] for one in group["components"])]
        found = next(one for one in every if one["id"] == component)
        expect(found["status"] == status, f"{found['name']} is {found['status']} on the page, not {status}")

    # Holding back

    async def pause(self, channel: str) -> list[str]:
        await self._switch(True)
        inputs = {"audiences": ["engineering"], "text": HELD_UPDATE}
        run = await self.stage.finished(await self.stage.press("post_update", INCIDENT, inputs, COMMANDER))
        expect(run["status"] == "FAILURE", f"a paused update ended {run['status']}")
        self.held_runs.add(run["id"])
        held = await self._held()
        await self._switch(False)
        for moment in ("while paused", "after the pause"):
            heard = await self._heard(ENGINEERING, "half of the fleet")
            expect(not heard, f"the held update was sent {moment}")
        expect((await self._held())["identifier"] == held["identifier"], "the update is not held any more")
        sending = await self.stage.press("send_communication", held["identifier"], {}, COMMANDER)
        sent = await self.stage.finished(sending)
        expect(sent["status"] == "SUCCESS", f"sending ended {sent['status']}: {sent.get('summary')}")
        await self._heard_once(ENGINEERING, "half of the fleet")
        return [str(run.get("summary")), f"switched off: still held; {sent.get('summary')}"]

    async def _switch(self, paused: bool) -> None:
        reason = "legal is reading along" if paused else ""
        await self.stage.change(
            "commsSwitch", "communications", {"paused": paused, "reason": reason}, COMMANDER
        )
        await asyncio.sleep(SWITCH_SECONDS)

    async def _held(self) -> Json:
        record = await self.stage.of_incident("incidentCommunication", INCIDENT)
        found = [one for one in record if one["properties"]["state"] == "held"]
        expect(len(found) == 1, f"{len(found)} communications are held instead of one")
        return found[0]

    async def note(self, channel: str) -> list[str]:
        run = await self._pressed("add_note", {"kind": "decision", "text": NOTE}, COMMANDER)
        notes = await self.stage.of_incident("incidentNote", INCIDENT)
        [kept] = [one for one in notes if one["properties"].get("text") == NOTE]
        expect(kept["properties"]["kind"] == "decision", f"the note is a {kept['properties']['kind']}")
        await self._heard_once(channel, NOTE[:SHORT])
        return [str(run.get("summary"))]

    # Looking

    async def mails(self, address: str = "") -> list[Json]:
        found: list[Json] = await self.stage.ask(
            "GET", "/mail/inbox" + (f"?address={address}" if address else "")
        )
        return found

    async def run_of(self, automation: str, number: int = 1) -> Json:
        """The n-th run of an automation, once it has ended."""

        async def look() -> Json | None:
            ended = [run for run in await self.runs_of(automation) if run["status"] != "IN_PROGRESS"]
            return ended[number - 1] if len(ended) >= number else None

        return await until(f"automation {automation} has run", look, 60)

    async def runs_of(self, action: str) -> list[Json]:
        """Oldest first."""
        every = (await self.stage.runs())[::-1]
        return [run for run in every if run["action"]["identifier"] == action]

    async def _pressed(self, action: str, inputs: Json, user: str) -> Json:
        run = await self.stage.finished(await self.stage.press(action, INCIDENT, inputs, user))
        expect(run["status"] == "SUCCESS", f"{action} ended {run['status']}: {run.get('summary')}")
        return run

    async def _heard(self, channel: str, words: str) -> list[Json]:
        """Messages of ours in a channel that say this."""
        view = await self.stage.ask("GET", f"/slack/channels/{channel}")
        return [one for one in view["messages"] if one["bot"] and words in str(one)]

    async def _heard_once(self, channel: str, words: str) -> None:
        heard = await self._heard(channel, words)
        expect(len(heard) == 1, f"#{channel} has heard {words!r} {len(heard)} times instead of once")

    async def _in_port(self, blueprint: str, identifier: str, **wanted: str) -> None:
        async def look() -> bool:
            found = await self.stage.entity(blueprint, identifier)
            return found is not None and all(
                found["properties"].get(name) == value for name, value in wanted.items()
            )

        what = ", ".join(f"{name} {value}" for name, value in wanted.items()) or "there"
        await until(f"{blueprint} {identifier} is {what} in Port", look)
