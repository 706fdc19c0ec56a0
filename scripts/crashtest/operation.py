"""What an operation is to the crash test: what must stand before, what sets it going, what must be there
after."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from sandbox.stage import Json, until
from scripts.crashtest.site import APPROVER, Site
from scripts.crashtest.truth import Problem, Truth


@dataclass
class Played:
    """One incident on its way through an operation."""

    site: Site
    incident: str
    since: int  # the journal before the incident was created
    run: str = ""
    draft: str = ""  # a communication whose buttons are pressed
    channel: str = ""
    begun: int = 0  # the journal when it began
    started: float = field(default_factory=time.time)

    async def truth(self) -> Truth:
        return await Truth.read(self.site, self.incident, self.since, self.started, self.draft)

    async def room(self) -> Json:
        """Properties of the war room, once it is open."""

        async def look() -> Json | None:
            runs = await self.site.runs_of(self.incident)
            done = [run for run in runs if run["status"] == "SUCCESS"]
            room = await self.site.entity("incidentWarRoom", self.incident)
            return room if done and room else None

        found = await until(f"the room of {self.incident} is open", look, 60)
        return dict(found["properties"])

    async def approved(self, action: str, inputs: Json) -> None:
        run = await self.site.pressed(action, self.incident, inputs)
        await self.site.approve(run, APPROVER)
        ended = await self.site.finished(run)
        if ended["status"] != "SUCCESS":
            raise RuntimeError(f"{action} failed before anything was cut off: {ended.get('summary')}")


class Operation:
    """One operation.

    rest   seconds of quiet before it begins, so that no call of what came before is taken for its own
    trail  seconds for which it may go on after all is as it should be
    polls  it asks the status page what the poll asks
    button the action that a person presses; when Port can't deliver that, he sees it and presses again
    like   the operation whose steps it shares: a fault at a call that both make is tried there alone
    """

    name = ""
    rest = 2.5
    trail = 1.0
    polls = False
    button = ""
    like = ""

    async def prepare(self, played: Played) -> None:
        """What must stand before."""

    async def begin(self, played: Played) -> None:
        """Set it going."""

    async def ripe(self, played: Played) -> None:
        """Called with a call held, before the kill: wait for what is to be lost with it."""

    def missing(self, truth: Truth) -> Iterable[Problem]:
        """What should be there by now and is not."""
        return ()


def runs_of(truth: Truth, *actions: str) -> Iterable[Problem]:
    """Each of these has a run, and the newest ended well, unless a mail is unknown: then it may say so."""
    for action in actions:
        runs = [run for run in truth.runs if run["action"]["identifier"] == action]
        if not runs:
            yield Problem("loss", f"run of {action}", "there is none")
        elif runs[0]["status"] == "FAILURE" and not (truth.unknown() or action in truth.undelivered):
            yield Problem("loss", f"run of {action}", f"failed: {runs[0].get('summary')}")


def sent(truth: Truth, purpose: str, number: int = 1) -> Iterable[Problem]:
    """So many communications for this purpose are sent; a mail may be unknown."""
    found = truth.of(purpose)
    if len(found) != number:
        keys = [one["identifier"] for one in found]
        kind = "loss" if len(found) < number else "duplicate"
        yield Problem(kind, purpose, f"{len(found)} on the record, not {number}: {keys}")  # type: ignore[arg-type]
    for one in found:
        properties = one["properties"]
        mail = properties["operation"] == "send_email" and properties["state"] == "unknown"
        if properties["state"] not in ("sent", "sending") and not mail:
            about = f"{properties['state']}: {properties.get('reason')}"
            yield Problem("loss", f"{purpose} to {properties.get('destination')}", about)
